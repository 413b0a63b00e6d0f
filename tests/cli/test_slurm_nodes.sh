#!/bin/bash
# Nodes that differ from each other and from this machine, on a real Slurm of two nodes on this machine: in what they compute with,
# and in what they see.
source "$(dirname "$0")/common.sh"
source "$SOURCE_ROOT/tests/helper/slurm.sh"

missing=$(slurm_needs | paste -sd ' ')
if [[ -n $missing ]]; then
    echo "skipped: needs $missing"
    exit 0
fi
trap 'slurm_stop; rm -rf "$scratch"' EXIT
chmod 0755 "$scratch" # munge looks at the folders above its socket
slurm_start "$scratch/slurm" || {
    tail -3 "$scratch"/slurm/*.log "$scratch"/slurm/*.out
    echo 'Slurm does not start'
    exit 1
}
unset XDG_CONFIG_HOME HPX_VECTOR OPENBLAS_CORETYPE
export HOME=$scratch/home

grid() { # EPOCHS
    recipe grid.rcp "epochs = $1" 'seeds = 1 2' <<<$'axis n1 = 8 16\naxis n2 = 4 8\nsearch all\n  method = grid'
}

# Other numerics than those of any machine that is left to itself.
other='HPX_VECTOR=plain OPENBLAS_CORETYPE=Prescott'

# Puts an sbatch first in PATH whose scripts begin with this line: what a node has that the others have not.
on_nodes() { # LINE
    mkdir -p bin
    # The node "none", which Slurm does not know, stands for one that the user leaves out.
    printf '%s\n' '#!/bin/sh' 'echo "$@" >>calls' 'for word; do shift; case $word in' '--exclude=none) ;;' \
        '--exclude=none,*) set -- "$@" "--exclude=${word#*,}" ;;' '*) set -- "$@" "$word" ;;' 'esac; done' \
        "sed '1a $1' | $(PATH=${PATH#"$PWD/bin:"} command -v sbatch) \"\$@\"" >bin/sbatch
    chmod +x bin/sbatch
    [[ $PATH == "$PWD/bin:"* ]] || PATH=$PWD/bin:$PATH
}

on_slurm() { # OPTION...
    hpx build --executor slurm -j 2 "$@"
}

numerics() { # of all that is stored
    hpx ls --json | jq -c '[.[].numerics] | unique'
}

# A cluster of other machines than this one: results are theirs, and a plan knows them from then on.
test_numerics_of_the_cluster() {
    grid 2
    on_nodes "export $other"
    run 0 on_slurm -n grid.rcp
    has err "the cluster's numerics are unknown before its first worker"
    run 0 on_slurm --json grid.rcp
    is '.numerics.kernel' '"Prescott"'
    is '.searches[0].trials.train' 8
    has err 'waiting for the first worker'
    run 0 env $other "$HPX" build --store here grid.rcp
    results here >here.txt
    results "$HPX_STORE" >there.txt
    same_files here.txt there.txt
    run 0 on_slurm -n --json grid.rcp
    is '.pending' 0
    has_not err 'unknown'
    run 0 hpx plan --json grid.rcp
    is '.pending' 8
    wc -l <calls >before
    run 0 on_slurm grid.rcp # what is stored needs no worker
    has err 'nothing to train'
    equal "$(wc -l <calls)" "$(cat before)" 'submissions'
    mkdir -p "$HOME/.config/hpx"
    echo 'executor = slurm' >"$HOME/.config/hpx/config" # so the other commands know it
    run 0 hpx best --json grid.rcp
    run 0 hpx plan --json grid.rcp
    is '.pending' 0
    rm -r "$HOME/.config"
}

# Unlike nodes: the first worker decides, the other node's are released, and others are asked for elsewhere.
test_unlike_nodes() {
    recipe grid.rcp 'epochs = 80' 'seeds = 1 2 3' <<<$'axis n1 = 8 16\naxis n2 = 4 8\nsearch all\n  method = grid'
    on_nodes '[ $SLURMD_NODENAME = n2 ] && export '"$other"
    run 0 on_slurm --json grid.rcp -- --exclude=none
    is '.searches[0].trials.train' 12
    equal "$(numerics | jq length)" 1 'numerics'
    equal "$(grep -c 'are released: the job is for another numerics' err)" 1 'releases'
    grep -qE 'exclude=none .*--exclude=none,n[12]$' calls || fail 'the node is not avoided'
    is '.numerics.kernel == "Prescott"' "$(grep -q 'on n1 are released' err && echo true || echo false)"
    if grep -q 'on n1 are released' err; then
        run 0 env $other "$HPX" build --store here grid.rcp
    else
        run 0 hpx build --store here grid.rcp
    fi
    results here >here.txt
    results "$HPX_STORE" >there.txt
    same_files here.txt there.txt
}

run_tests "$@"

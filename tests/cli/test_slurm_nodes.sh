#!/bin/bash
# Nodes that differ from each other and from this machine, on a real Slurm of two nodes on this machine: in what they compute with,
# and in what they see.
source "$(dirname "$0")/common.sh"
source "$(dirname "$0")/own_slurm.sh"
unset HPX_VECTOR OPENBLAS_CORETYPE

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

# Unlike nodes: the first worker, here that of n1, decides; the other node's are released, and others are asked for elsewhere.
test_unlike_nodes() {
    recipe grid.rcp 'epochs = 80' 'seeds = 1 2 3' <<<$'axis n1 = 64 128\naxis n2 = 32 64\nsearch all\n  method = grid'
    sed -i 's/batch = 32/batch = 1/' grid.rcp # there is work left when the other one comes
    on_nodes "[ \$SLURMD_NODENAME = n1 ] || { export $other; until [ -e $PWD/go ]; do sleep 0.1; done; }"
    "$HPX" build --executor slurm -j 2 --json grid.rcp -- --exclude=none >out 2>err &
    local build=$! first
    poll epochs_are_stored
    mapfile -t first < <(workers_on n1)
    kill -STOP "${first[@]}"
    touch go
    poll grep -q 'the workers on n2 are released: the job is for another numerics' err
    poll grep -qE 'exclude=none .*--exclude=none,n2$' calls
    kill -CONT "${first[@]}"
    wait $build || fail "the build ended with $?"
    is '.searches[0].trials.train' 12
    is '.numerics.kernel == "Prescott"' false
    equal "$(numerics | jq length)" 1 'numerics'
    equal "$(grep -c 'are released' err)" 1 'releases'
    equals_local grid.rcp
}

# --kernel decides before any worker does; a node without it is released, and nothing was asked of this machine.
test_kernel() {
    grid 2
    on_nodes "[ \$SLURMD_NODENAME = n2 ] && export OPENBLAS_CORETYPE=none || until [ -e $PWD/go ]; do sleep 0.1; done"
    "$HPX" build --executor slurm -j 2 --kernel Prescott --json grid.rcp >out 2>err &
    local build=$!
    poll grep -q 'are released' err
    touch go
    wait $build || fail "the build ended with $?"
    is '.numerics.kernel' '"Prescott"'
    equal "$(numerics | jq length)" 1 'numerics'
    has err "the workers on n2 are released: the BLAS of this machine has no kernel 'none'"
    run 0 hpx build --store here --kernel Prescott grid.rcp
    results here >here.txt
    results "$HPX_STORE" >there.txt
    same_files here.txt there.txt
    run 0 on_slurm -n --kernel Prescott --json grid.rcp
    is '.pending' 0
    complains 2 'expected avx512, avx2, plain or a kernel' on_slurm --kernel ../x grid.rcp
}

# Nodes n1 and n2 have a disk each, and see none of these folders.
nodes_without() { # FOLDER...
    printf '%s\n' 'export HPX_NODE_SCRATCH='"$PWD"'/disk.$SLURMD_NODENAME' \
        '[ -n "$hidden" ] || hidden=1 exec unshare -m sh -c '"'"'for folder in '"$*"'; do mount -t tmpfs none $folder; done
        exec sh "$0" "$@"'"'"' "$0" "$@"' >node.sh
    on_nodes ". $PWD/node.sh"
}

what_is_on_disks() {
    find disk.n? -type f ! -name '*.lock'
}

# Data sets that no node sees reach the disk of each once, and are gone with its last worker.
test_data_of_a_model() {
    grid 3
    cp -rL data hidden
    sed -i 's|data/|hidden/|g' grid.rcp
    nodes_without "$PWD/hidden"
    run 0 on_slurm --json grid.rcp
    is '.searches[0].trials.train' 8
    equal "$(grep -c 'hidden/.* is copied to nodes that do not see it' err)" 4 'copies'
    equals_local grid.rcp
    equal "$(what_is_on_disks)" '' 'left on disks'
    equal "$(pools)" '' 'what is left'
}

# A program runs on the disk of its node; what it reads is a file and a folder with a link, which no node sees.
test_data_of_a_program() {
    mkdir -p hidden/folder/deep kept
    echo 20 >hidden/one
    echo 3 >hidden/folder/two
    echo 4 >kept/three
    ln -s "$PWD/kept/three" hidden/folder/deep/three
    printf '%s\n' program '  command = sh train.sh $n' '  code = train.sh' '  data = hidden/one hidden/folder' \
        '  continue = yes' '  pass = FOLDER' train '  epochs = 2' '  objective = maximise score' \
        'axis n = 1 2 3 4' 'search all' '  method = grid' >a.rcp
    cat >train.sh <<'TRAIN'
pwd >>"$FOLDER/places"
readlink -f hidden/one hidden/folder/deep/three >>"$FOLDER/places"
epoch=0
[ -z "${HPX_RESUME-}" ] || read -r epoch <"$HPX_RESUME/last"
while [ $epoch -lt "$HPX_EPOCHS" ]; do
    echo $((epoch += 1)) >"$HPX_OUT/last"
    score=$(($(cat hidden/one) + $(cat hidden/folder/two) + $(cat hidden/folder/deep/three) + $1))
    echo "{\"epoch\": $epoch, \"score\": $score, \"checkpoint\": \"last\"}" >>"$HPX_METRICS"
    sleep 0.15
done
TRAIN
    export FOLDER=$PWD
    nodes_without "$PWD/hidden" "$PWD/kept"
    run 0 on_slurm --json a.rcp
    is '.searches[0].trials.train' 4
    is '.searches[0].score' 31
    equal "$(grep -c 'is copied to nodes that do not see it' err)" 2 'copies'
    equal "$(grep -vc "^$PWD/disk.n" places)" 0 'places that are not on a disk of a node'
    equal "$(what_is_on_disks)" '' 'left on disks'
}

# Data that changes while it is handed over is no result's: the build ends and says so.
test_data_that_changed() {
    mkdir hidden
    echo 1 >hidden/one
    printf '%s\n' program '  command = sh train.sh $n' '  code = train.sh' '  data = hidden/one' '  metrics = stdout' train \
        '  objective = maximise score' 'axis n = 1 2' 'search all' '  method = grid' >a.rcp
    echo 'echo score=$(cat hidden/one)' >train.sh
    nodes_without "$PWD/hidden"
    sed -i "2i echo 2 >$PWD/hidden/one" bin/sbatch
    run 1 timeout 100 "$HPX" build --executor slurm -j 1 a.rcp
    has err 'hidden/one: cannot be copied to the nodes'
    poll no_jobs
}

run_tests "$@"

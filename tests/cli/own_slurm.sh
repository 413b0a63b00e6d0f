# A Slurm of two nodes on this machine for the tests of a script, and what they share. Sourced after common.sh; where there is no
# Slurm the script is skipped.

. "$SOURCE_ROOT/tests/helper/slurm.sh"

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
unset XDG_CONFIG_HOME
export HOME=$scratch/home

grid() { # EPOCHS
    recipe grid.rcp "epochs = $1" 'seeds = 1 2' <<<$'axis n1 = 8 16\naxis n2 = 4 8\nsearch all\n  method = grid'
}

slow() { # TRIALS SECONDS: a program that says every SECONDS how far it is
    printf '%s\n' program '  command = sh train.sh $n' '  code = train.sh' '  metrics = stdout' '  pass = FOLDER' train \
        '  epochs = 6' '  objective = maximise score' "axis n = linear 1..$1 step 1" 'search all' '  method = grid' >slow.rcp
    echo 'for e in 1 2 3 4 5 6; do echo "$1 $e" >>"$FOLDER/run"; echo "epoch=$e score=$1$e"; sleep '"$2"'; done' >train.sh
    export FOLDER=$PWD
}

no_jobs() {
    [[ -z $(squeue -h) ]]
}

pools() { # what is left of pools
    ls "$HPX_SCRATCH/pools" 2>/dev/null | grep -v '\.lock$'
}

on_slurm() { # OPTION...
    hpx build --executor slurm -j 2 "$@"
}

epochs_are_stored() {
    (($(hpx export --csv | wc -l) > 5))
}

equals_local() { # RECIPE: the store has what a build on this machine makes of it
    run 0 hpx build --store here "$1"
    results here >here.txt
    results "$HPX_STORE" >there.txt
    same_files here.txt there.txt
}

has_more_epochs() { # THAN
    (($(hpx export --csv | wc -l) > $1))
}

workers_on() { # NODE: their processes
    local pid
    for pid in $(slurm_processes "$1"); do
        tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q "hpx worker $HPX_SCRATCH/pools" && echo "$pid"
    done
}

has_workers() { # NODE
    [[ -n $(workers_on "$1") ]]
}

#!/bin/bash
# What a build on Slurm survives: workers and nodes that die, fall silent or are taken away.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/own_slurm.sh"

# A worker that is killed is replaced; its trial goes on from its newest epoch.
test_worker_killed() {
    slow 3 0.5
    on_slurm --json slow.rcp >out 2>err &
    local build=$!
    poll grep -q '1 2' run
    pkill -9 -f "hpx worker $HPX_SCRATCH/pools.*-0" || fail 'there is no worker'
    wait $build || fail "the build ended with $?"
    is '.searches[0].trials | [.train, .failed]' '[3,0]'
    is '.searches[0].score' 36
    has err 'it goes on elsewhere'
}

# A warning, as Slurm gives before the end of a worker's time: it ends its epoch and goes, and another goes on.
test_warning() {
    slow 2 0.5
    "$HPX" build --executor slurm -j 1 --json slow.rcp >out 2>err &
    local build=$!
    poll grep -q '1 2' run
    scancel --batch --signal=TERM "$(squeue -h -o %A | head -1)"
    wait $build || fail "the build ended with $?"
    is '.searches[0].score' 26
    has err 'it was told to go; it goes on elsewhere'
}

# A trial that has lost three workers over an epoch is the accident itself.
test_deadly_trial() {
    slow 1 0.1
    echo "kill -9 \$(pgrep -f 'worker $HPX_SCRATCH/pools/[^ ]* ')" >>train.sh
    run 1 timeout 300 "$HPX" build --executor slurm -j 1 slow.rcp
    equal "$(grep -c 'goes on elsewhere' err)" 2 'times that it went on'
    has err '1 of 1 trials failed'
}

# Nor how often workers are lost, as long as each brings it on: a long trial, here one of seconds, outlives many of them.
test_trial_of_many_workers() {
    recipe long.rcp 'epochs = 1200' <<<$'axis n1 = 128\naxis n2 = 64\nsearch all\n  method = grid'
    sed -i 's/batch = 32/batch = 1/' long.rcp
    "$HPX" build --executor slurm -j 1 --json long.rcp >out 2>err &
    local build=$! epochs=1 killed
    for killed in 1 2 3; do
        poll has_more_epochs $epochs
        pkill -9 -f "hpx worker $HPX_SCRATCH/pools" || fail 'there is no worker'
        sleep 1 # what it has sent is stored
        epochs=$(hpx export --csv | wc -l)
    done
    wait $build || fail "the build ended with $?"
    equal "$(grep -c 'goes on elsewhere' err)" 3 'times that it went on'
    equals_local long.rcp
}

# A node that is suspended is silent: others take its trial; what it says later does no harm.
test_node_suspended() {
    slow 2 1
    on_slurm --json slow.rcp >out 2>err &
    local build=$! worker
    poll grep -q '1 2' run
    mapfile -t worker < <(pgrep -f "$HPX_SCRATCH/pools.*-0\$")
    ((${#worker[@]} > 0)) || fail 'there is no worker'
    kill -STOP "${worker[@]}"
    sleep 22
    kill -CONT "${worker[@]}"
    wait $build || fail "the build ended with $?"
    is '.searches[0].trials | [.train, .failed]' '[2,0]'
    is '.searches[0].score' 26
}

# A node that is drained ends what it runs, and gets nothing new: what is lost there goes on at the other.
test_node_drained() {
    slow 4 0.5
    on_slurm --json slow.rcp >out 2>err &
    local build=$! worker
    poll has_workers n1
    poll grep -q '1 2' run
    poll grep -q '2 1' run
    scontrol update nodename=n1 state=drain reason=test
    poll grep -q '[12] 5' run
    equal "$(grep -c elsewhere err)" 0 'what the drain itself ended'
    mapfile -t worker < <(workers_on n1)
    kill -9 "${worker[@]}"
    wait $build || fail "the build ended with $?"
    scontrol update nodename=n1 state=resume
    is '.searches[0].trials | [.train, .failed]' '[4,0]'
    is '.searches[0].score' 46
    equal "$(grep -c 'goes on elsewhere' err)" 1 'times that it went on'
}

run_tests "$@"

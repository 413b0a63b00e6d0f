#!/bin/bash
# Builds of programs: what runs at once, what changes meanwhile, what gives way.
source "$(dirname "$0")/common.sh"

recipe() { # more bindings of the program
    printf '%s\n' 'program' '  command = sh train.sh $n' '  code = train.sh' '  metrics = stdout' "$@" 'train' \
        '  objective = maximise score' 'axis n = 1..4' 'search all' '  method = grid'
    export HPX_SCRATCH=$PWD/scratch
}

# As many at once as there are processors for their threads.
test_threads() {
    recipe '  threads = 2' '  pass = FOLDER' >a.rcp
    export FOLDER=$PWD
    echo 'mkdir "$FOLDER/alone" || exit 9; sleep 0.1; rmdir "$FOLDER/alone"; echo "score=$OMP_NUM_THREADS"' >train.sh
    run 0 hpx build --json a.rcp -j 3
    is '[.searches[0].score, .searches[0].trials.train]' '[2,4]'
}

test_gpus() {
    recipe '  gpus = 2' '  repeat = within 0' >a.rcp
    echo 'echo "score=1 devices=${#CUDA_VISIBLE_DEVICES}"' >train.sh
    run 1 env HPX_GPUS=0 "$HPX" build a.rcp
    has err 'asks for 2 GPUs, and this host has 1'
    run 0 env HPX_GPUS=3,5 "$HPX" build --json a.rcp -j 4
    is '.searches[0].trials.train' 4
    run 0 hpx audit --json
    is '[.[].metrics.devices] | unique' '[3]'
}

# A build looks for devices once, not each of its workers.
test_listed_gpus() {
    recipe '  gpus = 1' '  repeat = within 0' >a.rcp
    echo 'echo "score=$CUDA_VISIBLE_DEVICES"' >train.sh
    mkdir bin
    printf '%s\n' '#!/bin/sh' "echo asked >>$PWD/asked" 'echo "GPU 7: Test (UUID: GPU-7)"' 'echo "GPU 8: Test (UUID: GPU-8)"' >bin/nvidia-smi
    chmod +x bin/nvidia-smi
    run 0 env -u HPX_GPUS -u CUDA_VISIBLE_DEVICES PATH="$PWD/bin:$PATH" "$HPX" build --json a.rcp -j 2
    is '.searches[0].trials.train' 4
    equal "$(cat asked)" asked 'how often nvidia-smi was run'
}

# In the work tree nothing is stored of a trial during which its code changed.
test_worktree() {
    recipe '  run-in = worktree' >a.rcp
    echo 'pwd; echo "score=$1"' >train.sh
    run 0 hpx build --json a.rcp
    is '.searches[0].trials.train' 4
    run 0 hpx show --log "$(hpx ls --json | jq -r '.[0].key')"
    has out "$PWD"
    echo '[ "$1" != 1 ] || echo "# edited" >>train.sh; echo "score=$1"' >train.sh
    run 1 hpx build a.rcp -j 1
    has err 'train.sh'
    has err 'nothing more of this trial is stored'
    run 0 hpx ls --json
    is 'length' 4
}

# The key has neither where the recipe lies nor how long a trial may take; what it has makes a new result.
test_identity() {
    recipe >a.rcp
    echo 'echo "score=$1$MODE"' >train.sh
    run 0 hpx build -q a.rcp
    recipe '  timeout = 1h' '  memory = 1GiB' '  pass = HOME' '  volatile = "x*"' >a.rcp
    run 0 hpx build --json a.rcp
    is '.searches[0].trials.hit' 4
    recipe '  env = MODE=2' >a.rcp
    run 0 hpx build --json a.rcp
    is '[.searches[0].trials.train, .searches[0].score]' '[4,42]'
    recipe '  threads = 2' >a.rcp
    run 0 hpx build --json a.rcp
    is '.searches[0].trials.train' 4
    run 0 hpx build --json a.rcp epochs=2
    is '.searches[0].trials.train' 4
}

# With another output than the stored one -B ends with 12; replicates are no contradiction.
test_again() {
    recipe >a.rcp
    echo 'echo "score=$(cat /proc/sys/kernel/random/uuid | tr -dc 0-9 | cut -c1-8)"' >train.sh
    run 0 hpx build -q a.rcp
    run 12 hpx build -B a.rcp
    recipe '  repeat = no' >a.rcp
    run 0 hpx build -q a.rcp
    run 0 hpx build -B a.rcp
}

# What a search may come to gives way to what it comes to.
test_speculative() {
    recipe >a.rcp
    sed -i -e 's/grid$/hill-climb/' -e 's/1\.\.4/1..8/' a.rcp
    echo 'echo "score=$1"' >train.sh
    run 0 hpx build --json a.rcp -j 4
    is '[.searches[0].end.n, .searches[0].score]' '[8,8]'
}

run_tests

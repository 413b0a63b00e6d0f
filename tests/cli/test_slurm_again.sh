#!/bin/bash
# What a build on Slurm leaves to the next one when it dies, and when its disk is full.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/own_slurm.sh"

# hpx dies: workers end what they are at; the next build takes over them and what they have written.
test_owner_killed() {
    slow 4 0.4
    "$HPX" build --executor slurm -j 2 slow.rcp >out 2>err &
    local build=$!
    poll grep -q '1 2' run
    run 1 on_slurm slow.rcp
    has err 'another build of this store has its workers'
    kill -9 $build
    wait $build 2>/dev/null
    poll grep -q '1 6' run
    run 0 on_slurm --json slow.rcp
    is '.searches[0].score' 46
    equal "$(sort run | uniq -d)" '' 'epochs that were trained twice'
    poll no_jobs
    equal "$(pools)" '' 'what is left'
}

# The login node restarts, and Slurm ends the workers before anybody has taken what they wrote: the next build has it.
test_everything_restarted() {
    slow 2 0.4
    "$HPX" build --executor slurm -j 2 slow.rcp >out 2>err &
    local build=$!
    poll grep -q '2 2' run
    kill -9 $build
    wait $build 2>/dev/null
    slurm_control_again
    poll grep -q '1 6' run
    poll grep -q '2 6' run
    poll all_are_idle
    scancel --user "$(id -un)"
    poll no_jobs
    run 0 on_slurm --json slow.rcp
    is '.searches[0].score' 26
    equal "$(sort run | uniq -d)" '' 'epochs that were trained twice'
    equal "$(pools)" '' 'what is left'
}

all_are_idle() { # by the workers' signs
    ! grep -qa '^job .' "$HPX_SCRATCH"/pools/*/member/*
}

# Workers keep their results until there is room for them. Both trials run by then: a job that cannot be written ends the build.
test_full_disk() {
    recipe grid.rcp 'epochs = 400' 'seeds = 1 2' <<<$'axis n1 = 8\naxis n2 = 4\nsearch all\n  method = grid'
    mkdir small
    mount -t tmpfs -o size=2m,mode=0755 tmpfs small || fail 'no tmpfs'
    HPX_SCRATCH=$PWD/small "$HPX" build --executor slurm -j 2 grid.rcp >out 2>err &
    local build=$!
    poll epochs_are_stored
    head -c 4m /dev/zero >small/filler 2>/dev/null
    sleep 3
    rm small/filler
    wait $build
    local code=$?
    umount -l small
    equal $code 0 'exit code'
    equals_local grid.rcp
}

# Many searches of one grid, one node dead on the way, hpx killed and started again: as if nothing had been.
test_table() {
    printf 'search %s\n  method = %s\n' grid grid partial-l2-1 $'partial-cross\n  first = n2\n  limit = 1' \
        full-l1 $'full-cross\n  first = n1' climb $'hill-climb\n  neighbours = 8' >searches
    recipe table.rcp 'epochs = 100' 'seeds = 1 2' < <(printf 'axis n1 = 8 16 24\naxis n2 = 4 8 12\n'; cat searches)
    "$HPX" build --executor slurm -j 2 table.rcp >out 2>err &
    local build=$! epochs node
    poll has_workers n1
    poll has_workers n2
    poll epochs_are_stored
    mapfile -t node < <(slurm_processes n1)
    kill -9 "${node[@]}"
    epochs=$(hpx export --csv | wc -l)
    poll has_more_epochs "$epochs"
    kill -9 $build || fail 'the build had ended'
    wait $build 2>/dev/null
    run 0 on_slurm --json table.rcp
    cp out there.json
    slurm_node n1
    equals_local table.rcp
    run 0 hpx build --store here --json table.rcp
    jq '.searches[] | [.name, .best, .score, .cells]' out >here.txt
    jq '.searches[] | [.name, .best, .score, .cells]' there.json >there.txt
    same_files here.txt there.txt
    run 0 on_slurm table.rcp
    has err 'nothing to train'
}

run_tests "$@"

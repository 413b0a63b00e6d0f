#!/bin/bash
# Builds on Slurm whose nodes are far away: on a file system as slow and as forgetful as a network's may be, with other clocks,
# with another hpx.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/own_slurm.sh"

preload=$(dirname "$HPX")/tests/fault/preload_far.so
if ldd "$HPX" | grep -q libasan; then
    echo "skipped: a sanitizer's library has to be the first"
    exit 0
elif [[ ! -e $preload ]]; then
    echo "skipped: needs $preload; 'make check' builds it"
    exit 0
fi

# What a command begins with whose pools are far away, from the workers that it asks for, too; VARIABLE=VALUE... follow.
far=(env LD_PRELOAD="$preload" FAR_FOLDER="$HPX_SCRATCH/pools")
build_slurm=("$HPX" build --executor slurm -j 2 --json)

# Puts an sbatch first in PATH that adds lines to a worker's script, after its first.
script_begins() { # LINE...
    printf '%s\n' "$@" >lines
    [[ -e bin ]] && return
    mkdir bin
    printf '#!/bin/sh\nsed -e "1r %s" -e "s|^[^[ ]* worker |\\"\\${hpx:-%s}\\" worker |" | %s "$@"\n' "$PWD/lines" "$HPX" \
        "$(command -v sbatch)" >bin/sbatch
    chmod +x bin/sbatch
    PATH=$PWD/bin:$PATH
}

test_slow() {
    grid 2
    run 0 "${far[@]}" FAR_DELAY_MS=30 "${build_slurm[@]}" grid.rcp
    is '.searches[0].trials.train' 8
    has_not err elsewhere
    equals_local grid.rcp
}

# Attributes and listings a minute old. What a build leaves behind within that minute is found by the next all the same.
test_stale() {
    grid 3
    run 0 "${far[@]}" FAR_STALE_SECONDS=60 "${build_slurm[@]}" grid.rcp
    is '.searches[0].trials.train' 8
    has_not err elsewhere
    equals_local grid.rcp
    slow 4 0.4
    "${far[@]}" FAR_STALE_SECONDS=60 "${build_slurm[@]}" slow.rcp >out 2>err &
    local build=$!
    poll grep -q '1 2' run
    kill -9 $build || fail 'the build had ended'
    wait $build 2>/dev/null
    poll grep -q '1 6' run
    run 0 "${far[@]}" FAR_STALE_SECONDS=60 "${build_slurm[@]}" slow.rcp
    is '.searches[0].score' 46
    equal "$(sort run | uniq -d)" '' 'epochs that were trained twice'
    poll no_jobs
}

# One node is five minutes ahead, the other behind.
test_clocks() {
    grid 3
    script_begins 'FAR_CLOCK_SECONDS=300; [ "$SLURMD_NODENAME" = n1 ] || FAR_CLOCK_SECONDS=-300; export FAR_CLOCK_SECONDS' \
        "date +%s >>$PWD/clocks"
    local began=$EPOCHSECONDS
    run 0 "${far[@]}" FAR_CLOCK_SECONDS=0 "${build_slurm[@]}" grid.rcp
    (($(sort -n clocks | head -1) < began - 200 && $(sort -n clocks | tail -1) > began + 200)) || fail 'the clocks are right'
    has_not err elsewhere
    equals_local grid.rcp
    run 0 "${far[@]}" FAR_CLOCK_SECONDS=300 "${build_slurm[@]}" grid.rcp
    is '.searches[0].trials.hit' 8
}

# For eight seconds nobody reaches the pool: what was at work goes on, and what it has finished is written then.
test_network_gone() {
    slow 2 2
    "${far[@]}" FAR_GONE="$PWD/gone" "${build_slurm[@]}" slow.rcp >out 2>err &
    local build=$!
    poll grep -q '1 2' run
    poll grep -q '2 2' run
    touch gone
    sleep 8
    rm gone
    wait $build || fail "the build ended with $?"
    is '.searches[0].score' 26
    equal "$(sort run | uniq -d)" '' 'epochs that were trained twice'
    has_not err elsewhere
    has err 'it is tried again'
}

# As if the trainer of its hpx were another: the first byte of its code version is.
other_hpx() { # FILE
    local version at
    version=$("$HPX" --version | sed 's/.*trainer \([0-9a-f]*\).*/\1/; s/../\\x&/g')
    cp "$HPX" "$1"
    for at in $(LC_ALL=C grep -aboUP -- "$version" "$1" | cut -d: -f1); do
        printf '~' | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
    done
    differ "$("$1" --version)" "$("$HPX" --version)" 'the version'
}

# Its workers are let go with a word, and the others do the work; where there are no others, the word is why nothing was done.
test_other_version() {
    other_hpx "$PWD/other"
    grid 3
    script_begins "[ \"\$SLURMD_NODENAME\" = n1 ] && hpx=$PWD/other"
    run 0 on_slurm --json grid.rcp
    is '.searches[0].trials | [.train, .failed]' '[8,0]'
    equal "$(grep -cE 'a worker has ended in its first minute: .*another (code.version|hpx)' err)" 1 'times that it is said'
    has_not err elsewhere
    equals_local grid.rcp
    grid 4
    script_begins "hpx=$PWD/other"
    run 1 timeout 120 "$HPX" build --executor slurm -j 2 grid.rcp
    has err 'workers end in their first minute: it is of another hpx than this one'
    poll no_jobs
}

run_tests "$@"

# Whatever is killed, whenever: the store is whole, every epoch that was finished is kept, and the next build ends with
# the bits of one that was left alone.
. "$(dirname "$0")/common.sh"

# Epochs long enough to be caught in the middle: 3,000 images, and a checkpoint of some megabytes to write. A build with
# sanitizers is slow enough with fewer (KILL_IMAGES).
IMAGES=${KILL_IMAGES:-3000}
long_recipe() { # VALUES OF n1 [EPOCHS]
    epochs=${2:-60}
    recipe a.rcp "epochs = $epochs" 'rate = 0.001' <<X
axis n1 = $1
axis n2 = 400
search grid
  method = grid
X
}

# Whoever runs this may ignore SIGHUP, as nohup does, and a shell cannot undo that.
start() { # ARGUMENT...: a build in the background, with $build
    env --default-signal=HUP "$HPX" build a.rcp "$@" >out 2>err &
    build=$!
}

workers() {
    pgrep -P "$build"
}

# Gone, or a zombie that nobody has collected yet.
is_gone() { # PID
    [[ ! -e /proc/$1/stat || $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) != [!Z]* ]]
}

newest_epoch() {
    hpx ls --json | jq '[.[].epoch] | max // 0'
}

is_beyond() { # EPOCH
    [[ $(newest_epoch) -gt $1 ]]
}

wait_for() { # CODE
    local code=0
    wait "$build" || code=$?
    equal "$code" "$1" 'the exit code of the build'
}

# The outputs of the recipe left alone, trained once for all tests.
uninterrupted() {
    local store
    store=../straight-$(md5sum <a.rcp | cut -c1-8)
    [[ -e $store ]] || hpx build a.rcp -q --store "$store" >/dev/null
    results "$store"
}

same_as_uninterrupted() {
    results "$HPX_STORE" >continued
    uninterrupted >straight
    same_files straight continued
}

continues_to_the_same() { # TRIALS: the rest is trained now; the outputs are those of a build left alone
    run 0 hpx verify
    local from
    from=$(newest_epoch)
    [[ $from -ge 3 && $from -lt $epochs ]] || fail "the build was not interrupted in the middle, but after epoch $from"
    run 0 hpx plan a.rcp --json
    is '[.searches[0].trials[].from] | max' "$from" # every finished epoch
    run 0 hpx build a.rcp --json
    is '.searches[0].trials | [.extend > 0, .extend + .train + .hit]' "[true,$1]"
    same_as_uninterrupted
    run 0 hpx verify
}

test_killed_worker() {
    long_recipe 400
    start
    poll is_beyond 2
    kill -KILL $(workers)
    wait_for 1
    equal "$(grep -c 'its worker' err)" 1 'the number of lines about workers'
    has err 'hpx: n1=400 n2=400: its worker was killed (signal 9)'
    has err 'hpx: 1 of 1 trials failed'
    grep -Eq '^grid +unfinished .* 1 +[0-9.]+$' out || fail 'the row of grid'
    continues_to_the_same 1
}

# It may have lacked the memory that the others took, so its trial goes on once they have ended.
test_killed_worker_of_two() {
    long_recipe '400 399 398'
    start -j 2 -k
    poll is_beyond 2
    kill -KILL "$(workers | head -1)"
    wait_for 0
    equal "$(grep -c 'its worker was killed' err)" 1 'the number of lines about workers'
    has err 'once more, alone'
    run 0 hpx ls --json
    is 'map(select(.epoch == 60)) | length' 3
    same_as_uninterrupted
}

# One training, interrupted three times.
test_interrupts() {
    long_recipe 400 120
    local signal code
    for signal in INT:130 TERM:143 HUP:129; do
        code=${signal#*:} signal=${signal%:*}
        from=$(newest_epoch)
        start
        poll is_beyond $((from + 2))
        kill "-$signal" "$build"
        wait_for "$code" 2>said
        has err 'hpx: interrupted; every finished epoch is stored'
        has_not err 'nothing to train'
        equal "$(grep -vc 'new store' err)" 2 'the number of lines on stderr'
        grep -Eq '^grid +unfinished .* 0 +0 +0 +0 +0 +[0-9.]+$' out || fail 'the row of grid'
    done
    continues_to_the_same 1
    key=$(jq -r '.[0].key' <(hpx ls --json))
    equal "$(hpx show "$key" --json | jq '[.epochs[].parent.epoch] | unique | length')" 4 'the number of runs'
}

# Two recipes: the second one is not begun after an interrupt.
test_interrupt_ends_all() {
    long_recipe 400
    cp a.rcp b.rcp
    sed -i 's/n1 = 400/n1 = 8/' b.rcp
    start b.rcp a.rcp
    poll is_beyond 2
    kill -INT "$build"
    wait_for 130
    equal "$(grep -c 'validation_accuracy over' out)" 1 'the number of tables'
    equal "$(stored)" 1
}

test_interrupt_with_two_workers() {
    long_recipe '400 399 398'
    start -j 2
    poll is_beyond 2
    local pids
    pids=$(workers)
    equal "$(wc -w <<<"$pids")" 2 'the number of workers'
    kill -INT "$build"
    wait_for 130
    for pid in $pids; do
        is_gone "$pid" || fail "worker $pid outlives its build"
    done
    continues_to_the_same 3
}

test_killed_build() {
    long_recipe '400 399'
    start -j 2
    poll is_beyond 2
    local pids
    pids=$(workers)
    kill -KILL "$build"
    wait "$build" 2>/dev/null
    for pid in $pids; do
        poll is_gone "$pid"
    done
    continues_to_the_same 2
}

test_nohup() {
    long_recipe 400
    nohup "$HPX" build a.rcp >out 2>err </dev/null &
    build=$!
    poll is_beyond 2
    kill -HUP "$build"
    wait_for 0
    has err '1 trial trained'
}

# Two builds of one recipe at once: both end well, with the same results.
test_two_builds() {
    long_recipe '96 95 94 93'
    "$HPX" build a.rcp -j 1 >first 2>first.err &
    local one=$!
    start -j 1
    wait_for 0
    wait "$one" || fail "the other build fails: $(cat first.err)"
    equal "$(grep '^grid' out | tr -s ' ' | cut -d' ' -f1-6)" "$(grep '^grid' first | tr -s ' ' | cut -d' ' -f1-6)"
    run 0 hpx verify
    same_as_uninterrupted
}

run_tests "$@"

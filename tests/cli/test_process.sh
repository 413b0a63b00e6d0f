# The process itself, whatever started it: descriptors, signals, the umask, the locale; and what its children get.
. "$(dirname "$0")/common.sh"

small() { # [EPOCHS [VALUES]]
    recipe a.rcp "epochs = ${1:-1}" <<X
axis n1 = ${2:-8}
axis n2 = 8
search grid
  method = grid
X
}

# Seconds of training in epochs of some milliseconds.
long() {
    small 1000 "${1:-400}"
    sed -i 's/axis n2 = 8/axis n2 = 400/' a.rcp
}

has_result() {
    [[ $(hpx ls --json | jq length) -gt 0 ]]
}

mode() {
    stat -c %a "$1"
}

test_closed_descriptors() {
    small 1 '8 16'
    local code close
    for close in '0:<&-' '0:2>&-' '1:>&-' '1:<&- >&- 2>&-'; do
        rm -rf store
        code=0
        { eval '"$HPX" build a.rcp -v' "${close#*:}"; } >ignored 2>&1 || code=$?
        equal "$code" "${close%%:*}" "the exit code with ${close#*:}"
        run 0 hpx verify
        has out ' 0 damaged'
        equal "$(tr -d '\0' <store/hpx.claims)" hpx 'the file of claims while nobody has the store'
        equal "$(stored)" 2
    done
    run 1 eval 'hpx ls >&-'
    has err 'cannot write the result: Bad file descriptor'
}

test_child_signal_ignored() {
    small
    run 0 hpx build a.rcp
    damage 'n1'
    run 11 hpx verify
    run 11 env --ignore-signal=CHLD "$HPX" verify
    run 0 env --ignore-signal=CHLD "$HPX" build a.rcp -B
}

test_blocked_signals() {
    long
    env --block-signal=TERM "$HPX" build a.rcp >out 2>err &
    poll has_result
    kill -TERM $!
    code=0
    wait $! 2>/dev/null || code=$?
    equal "$code" 143 'the exit code'
}

# A fault of hpx's own ends it, also when a command has opened the store twice.
test_crash() {
    small 400 400
    run 0 hpx build a.rcp
    "$HPX" reproduce "$(hpx ls --json | jq -r '.[0].key')" >out 2>err &
    poll pgrep -P $! # a worker, so the stores are open
    kill -SEGV $!
    code=0
    wait $! 2>/dev/null || code=$?
    equal "$code" 139 'the exit code'
}

test_children_get_no_descriptors() {
    long
    "$HPX" build a.rcp >out 2>err 7<a.rcp &
    local build=$! worker
    poll has_result
    worker=$(pgrep -P "$build")
    ls -l "/proc/$worker/fd" >files
    kill -KILL "$build"
    wait "$build" 2>/dev/null
    has_not files hpx.mdb
    has_not files hpx.claims
    has_not files a.rcp
    has files ' 0 -> socket:'
}

test_umask() {
    small
    (umask 077 && run 0 hpx build a.rcp && run 0 hpx export -o new --all)
    equal "$(mode new)" 600 'the mode of a bundle'
    equal "$(mode store)" 700 'the mode of the store'
    equal "$(find store -type f -perm /077)" '' 'what others may read'
    (umask 002 && run 0 hpx export -o shared --all)
    equal "$(mode shared)" 664
    (umask 777 && run 0 hpx build a.rcp --store other && run 0 hpx verify --store other)
    # What is replaced keeps its mode, and a link stays one.
    cp new old
    chmod 640 old
    ln -s old link
    run 0 hpx export -o link --all
    equal "$(mode old)" 640
    [[ -L link ]] || fail 'the link was replaced'
    same_files new old
    equal "$(ls -A | grep -c tmp)" 0 'the number of temporary files'
}

# A shell says of a child that a signal has ended what it would not say of an exit code.
test_dies_of_the_signal() {
    long
    local signal
    for signal in TERM:Terminated HUP:Hangup; do
        rm -rf store
        HPX=$HPX env --default-signal=HUP bash -c '"$HPX" build a.rcp >out 2>err; echo $?' >code 2>said &
        poll has_result
        pkill "-${signal%:*}" -P $!
        wait $!
        has said "${signal#*:}"
        has err 'hpx: interrupted; every finished epoch is stored'
        has out unfinished
    done
}

# Ctrl-C ends a loop of a shell, too.
test_interrupt_ends_a_loop() {
    long
    HPX=$HPX env --default-signal=INT setsid bash -c 'for i in 1 2; do echo $i >>loops; "$HPX" build a.rcp; done' \
        >out 2>err &
    poll has_result
    kill -INT -- "-$!"
    wait $! 2>/dev/null
    equal "$(cat loops)" 1 'the loops begun'
    has err 'hpx: interrupted; every finished epoch is stored'
    has_not err 'worker'
}

# timeout(1) signals its child and then the group of both: one request.
test_second_signal_at_once() {
    long
    for i in 1 2 3 4; do
        rm -rf store
        run 124 timeout 0.5 "$HPX" build a.rcp
        has err 'hpx: interrupted; every finished epoch is stored'
        has out unfinished
        has_not err worker
    done
}

# Commands that have nothing to keep end at once; a plan of a million cells takes minutes.
test_plan_ends_at_once() {
    small
    sed -i 's/n1 = 8/n1 = 1..2048/; s/n2 = 8/n2 = 1..512/' a.rcp
    run 0 hpx build a.rcp n1=8 n2=8
    for command in plan 'build -j1' 'export -o file'; do
        "$HPX" $command a.rcp >out 2>err &
        sleep 0.5
        kill -TERM $!
        code=0
        wait $! 2>/dev/null || code=$?
        equal "$code" 143 "the exit code of $command, which has not gone on to its end"
        has_not err 'nothing to train'
    done
}

test_broken_pipe() {
    small
    run 0 hpx build a.rcp
    for command in ls 'export --csv' 'export --all -o -' 'build a.rcp -q' 'help'; do
        (trap - PIPE; "$HPX" $command 2>err; echo $? >code) | true
        while [[ ! -s code ]]; do sleep 0.01; done
        [[ $(cat code) == 141 || $(cat code) == 0 ]] || fail "exit code $(cat code) of $command"
        has_not err 'Broken pipe'
    done
    (trap '' PIPE; sleep 0.2; "$HPX" ls 2>err; echo $? >code) | true
    equal "$(cat code)" 1
    has err 'cannot write the result: Broken pipe'
}

test_stopped_and_continued() {
    small 300 400
    "$HPX" build a.rcp --json >out 2>err &
    poll has_result
    kill -STOP $! $(pgrep -P $!)
    sleep 0.3
    kill -CONT $! $(pgrep -P $!)
    wait $! || fail "exit code $? after it was stopped"
    is '.searches[0].stop' '"complete"'
}

on_terminal() { # COLUMNS TERM COMMAND: its output is in ./screen, a line for each that was drawn
    command -v script >/dev/null || exit 0
    script -qec "stty cols $1 rows 24; TERM=$2; export TERM; $3" /dev/null </dev/null >raw
    tr '\r' '\n' <raw >screen
}

widest() { # what the longest line of ./screen takes on a terminal
    sed 's/\x1b\[[0-9]*[A-Z]//g' screen | wc -L
}

test_progress_and_tables_fit() {
    long '400 399 398'
    sed -i 's/epochs = 1000/epochs = 40/' a.rcp
    on_terminal 80 xterm "'$HPX' build a.rcp -j 2"
    has screen 'trials, 0 cells seen'
    grep -q 'n1=400 n2=400  [0-9]*/40' screen || fail 'the first worker is not shown'
    grep -q 'n1=399 n2=400  [0-9]*/40' screen || fail 'the second worker is not shown'
    [[ $(widest) -le 80 ]] || fail "a line of $(widest) columns"
    has screen 'search  failed  seconds'
    on_terminal 200 xterm "'$HPX' ls"
    has_not raw $'\033'
    on_terminal 40 xterm "'$HPX' ls"
    [[ $(widest) -le 40 ]] || fail "a line of $(widest) columns"
    equal "$(grep -c '^key ' screen)" 3 'the parts of the table'
    sed -i 's/n1/a_name_that_nobody_would_give_to_an_axis/g; s/n2/such_names_are_cut_in_progress/g' a.rcp
    sed -i 's/rate = .*/&\n  seeds = 1 2/; s/= 400 399 398/= 397 396/' a.rcp
    on_terminal 80 xterm "'$HPX' build a.rcp -j 2"
    grep -q '^a_name_that_nobody_would_give_to_an_axis=.* [0-9]*/40' screen || fail 'a long name has no epoch'
    grep '/40' screen >frames && mv frames screen
    [[ $(widest) -le 79 ]] || fail "a line of $(widest) columns"
}

# A program that does not continue counts its epochs itself, or not; how many there will be only it knows.
test_progress_of_a_program() {
    printf '%s\n' 'program' '  command = sh train.sh $n' '  code = train.sh' '  metrics = stdout' 'train' '  epochs = 9' \
        '  objective = maximise score' 'axis n = 1 2' 'search all' '  method = grid' >a.rcp
    echo 'for e in 5 6; do [ "$1" = 1 ] || echo "Epoch $e score=0.$e loss=2"; [ "$1" = 2 ] || echo "score=0.$e loss=2"
        sleep 1.2; done' >train.sh
    on_terminal 80 xterm "'$HPX' build a.rcp -j 1"
    grep -q '^n=1  0.5000  loss 2' screen || fail 'the trial that does not count'
    grep -q '^n=2  5  0.5000  loss 2' screen || fail 'the trial that counts'
    ! grep '^n=.*/' screen || fail 'epochs have a total'
}

# A line for each trial where nothing can be drawn.
test_progress_without_a_terminal() {
    small 1 '8 16 32'
    on_terminal 80 dumb "'$HPX' build a.rcp"
    has_not raw $'\033'
    equal "$(grep -c '^train  n1=' screen)" 3 'the lines of trials'
    rm -r store
    run 0 hpx build a.rcp
    equal "$(grep -c '^train  n1=' err)" 3 'the lines of trials'
    rm -r store
    run 0 hpx build a.rcp -q
    empty err
}

# A worker that is killed beside others may have lacked the memory that these took: its trial is tried again, alone.
test_no_memory_beside_others() {
    long '400 399'
    sed -i 's/epochs = 1000/epochs = 200/' a.rcp
    "$HPX" build a.rcp -j 2 --json >out 2>err &
    poll has_result
    pkill -KILL -o -P $!
    wait $! || fail "exit code $? after one worker was killed"
    has err 'its worker was killed (signal 9); out of memory is the usual cause; once more, alone'
    is '.searches[0].trials | [.train, .failed]' '[2,0]'
    equal "$(grep -c '^train  n1=' err)" 2 'the number of trials told'
    # Once, and not when nothing ran beside it.
    rm -r store
    "$HPX" build a.rcp -j 1 >out 2>err &
    poll has_result
    pkill -KILL -P $!
    wait $! && fail 'exit code 0 though a worker was killed'
    has_not err 'once more'
}

test_more_jobs_than_there_is_room_for() {
    small 1 '8 16'
    (ulimit -n 64 && run 0 hpx build a.rcp -j 1000)
    has err "trials at once instead of 1000: there are no descriptors (ulimit -n) for more"
    (ulimit -n 26 && run 0 hpx build a.rcp -B)
    run 0 hpx verify
    (ulimit -S -n 64 && run 0 hpx build a.rcp -j 30)
    has_not err 'descriptors'
}

test_file_size_limit() {
    small 1 '8 16 24 32'
    run 1 bash -c "ulimit -f 400; exec '$HPX' build a.rcp" # checkpoints, but not all of them
    has err 'hpx.mdb: '
    has_not err worker
    run 0 hpx verify
    long
    run 1 bash -c "ulimit -f 1500; exec '$HPX' build --store other a.rcp"
    has err 'its checkpoint: cannot write: File too large'
    run 0 hpx verify --store other
}

# What the affinity leaves is the number of trials at once.
test_jobs_by_affinity() {
    long '400 399 398'
    local first
    first=$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')
    taskset -c "$first" "$HPX" build a.rcp >out 2>err &
    poll has_result
    local count
    count=$(pgrep -c -P $!)
    kill $!
    wait $! 2>/dev/null
    equal "$count" 1 'the number of workers'
}

# The name of a host is bytes, as many as 64; a record has text.
test_host_name() {
    small
    unshare -Ur --uts sh -c 'echo x >/proc/sys/kernel/hostname' 2>/dev/null || return 0 # not for every user
    local name
    for name in $'b\374ro' "$(printf 'x%.0s' {1..62})ü" $'a\033[1mb'; do
        rm -rf store
        NAME=$name HPX=$HPX run 0 unshare -Ur --uts sh -c \
            'printf %s "$NAME" >/proc/sys/kernel/hostname && exec "$HPX" build a.rcp'
        run 0 hpx audit --json
        jq -e '.[0].host | test("^(b\\?ro|x{62}|a\\?\\[1mb)$")' out >/dev/null || fail "the host $(jq -c '.[0].host' out)"
        run 0 hpx verify
    done
}

test_misspelt_vector() {
    small
    local word
    for word in AVX2 avx-512 avx512f native ' '; do
        complains 2 "HPX_VECTOR is '$word': expected one that this processor has: plain" env HPX_VECTOR="$word" "$HPX" build a.rcp
    done
    run 2 env HPX_VECTOR=no "$HPX" --version -v
    run 0 env HPX_VECTOR=plain "$HPX" build a.rcp
    run 0 env HPX_VECTOR= "$HPX" build a.rcp
}

# Numbers have a point and words their capitals whatever the language.
test_locale() {
    small
    sed -i 's/batch = 32/batch = 32\n  rate = 0.003/' a.rcp
    run 0 env LC_ALL=C "$HPX" build a.rcp --json
    cp out plain
    for language in tr_TR.UTF-8 de_DE.UTF-8; do
        run 0 env LC_ALL=$language LANG=$language "$HPX" build a.rcp --json
        equal "$(jq '.searches[0].score' out)" "$(jq '.searches[0].score' plain)"
        is '.searches[0].trials.hit' 1
    done
}

run_tests "$@"

#!/bin/bash
# How programs end, and that nothing is left of them: Ctrl-C, time limits, processes that are killed.
source "$(dirname "$0")/common.sh"

recipe() { # more bindings of the program
    printf '%s\n' 'program' '  command = sh train.sh $n' '  code = train.sh' '  metrics = stdout' '  pass = MARK' "$@" 'train' \
        '  objective = maximise score' 'axis n = 1 2' 'search all' '  method = grid'
}

set_up() { # SCRIPT: what trains. Whoever reads the pipe `started` goes on when a program runs
    export HPX_SCRATCH=$PWD/scratch MARK=$PWD
    printf '%s\n' "$1" >train.sh
    mkfifo started
}

# Processes that have this test's folder in their environment and are no shells of it.
left() {
    grep -lz "^MARK=$MARK\$" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
        grep -qz '^HPX_TRIAL=' "$file" 2>/dev/null && echo "${file#/proc/}"
    done
}

none_left() {
    for _ in $(seq 200); do
        [ -z "$(left)" ] && return
        sleep 0.1
    done
    fail "left: $(left | tr '\n' ' ')"
}

# It double-forks into a session of its own, too.
SLEEPER='setsid sh -c "sleep 300 & sleep 300" & echo started >"$MARK/started"; sleep 300; wait'

start() { # OPTION...: a build in the background, whose programs run
    "$HPX" build a.rcp -j 2 "$@" >out 2>err &
    build=$!
    read -r _ <started
}

test_interrupted() {
    set_up "trap 'echo ended >\"\$MARK/ended\"; exit' TERM; echo started >\"\$MARK/started\"; for i in \$(seq 999); do sleep 0.1; done"
    recipe >a.rcp
    start n=1
    kill -INT "$build"
    wait "$build"
    equal $? 130 'exit code'
    has err 'interrupted: 1 program is ended'
    has ended ended
    none_left
}

# An epoch is finished when its line and its checkpoint are written, though no line of the next one has come.
test_interrupted_epoch() {
    set_up "$(printf '%s\n' 'echo 1 >"$HPX_OUT/c"' \
        'echo "{\"epoch\": 1, \"score\": 1, \"checkpoint\": \"c\"}" >>"$HPX_METRICS"' \
        'echo started >"$MARK/started"; exec sleep 300')"
    recipe '  metrics = file' '  continue = resume' | sed '/metrics = stdout/d' >a.rcp
    echo '  epochs = 3' | sed -i '/^train/r /dev/stdin' a.rcp
    start n=1
    kill -INT "$build"
    wait "$build"
    equal $? 130 'exit code'
    run 0 hpx ls --json
    has out '"epoch": 1'
    none_left
}

test_killed_build() {
    set_up "$SLEEPER"
    recipe >a.rcp
    start n=1
    kill -KILL "$build"
    wait "$build" 2>/dev/null
    none_left
}

test_killed_worker() {
    set_up "$SLEEPER"
    recipe >a.rcp
    start n=1
    pkill -KILL -P "$build"
    wait "$build"
    equal $? 1 'exit code'
    has err 'n=1: its worker was killed'
    none_left
}

# Even of one that has neither its parent nor its environment any more, and heeds no SIGTERM.
test_killed_worker_of_daemon() {
    set_up "$(printf '%s\n' "env -i setsid sh -c 'trap : TERM; echo \$\$ >\"\$0\"; for i in \$(seq 99); do sleep 1; done' \"\$MARK/daemon\" &" \
        'until [ -s "$MARK/daemon" ]; do sleep 0.01; done' 'echo started >"$MARK/started"; exec sleep 300')"
    recipe >a.rcp
    start n=1
    pkill -KILL -P "$build"
    wait "$build"
    equal $? 1 'exit code'
    ! kill -0 "$(cat daemon)" 2>/dev/null || fail "left: $(cat daemon)"
    none_left
}

# The next build on the store ends what is left.
test_killed_both() {
    set_up "$SLEEPER"
    recipe >a.rcp
    start n=1
    kill -STOP "$build"
    pkill -KILL -P "$build"
    kill -KILL "$build"
    wait "$build" 2>/dev/null
    [ -n "$(left)" ] || fail 'nothing was left'
    echo 'echo score=1' >train.sh
    run 0 hpx build a.rcp
    has err 'left by a build that was killed: ended'
    none_left
}

test_timeout() {
    set_up "$(printf '%s\n' 'trap "" TERM' 'sleep 300 &' 'sleep 300')"
    recipe '  timeout = 1s' >a.rcp
    run 1 hpx build a.rcp -j 1 n=1
    has err 'n=1: time'
    none_left
}

run_tests "$@"

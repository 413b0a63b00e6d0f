#!/bin/bash
# A build as another process sees it.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/terminal.sh"

# A trial says its score; a=2 b=3 fails.
waiting_recipe() {
    waiting_program "[ \"\$1\$2\" != 23 ] || echo '{\"failed\": \"no luck\"}'" 'echo "score=0.$1$2$HPX_EPOCHS"'
}

started() { # FILE: the build that says there what goes on has begun its first trial, and can be watched
    grep -q trial_started "$1"
}

test_nothing_runs() {
    waiting_recipe
    complains_not() { run 0 hpx watch "$@"; empty out; has err 'runs that trains something'; }
    complains_not
    complains_not a.rcp
    complains 2 'nothing.rcp: no such recipe' hpx watch nothing.rcp
    touch go-11 go-12 go-13 go-21 go-22 go-23
    run 0 hpx build a.rcp
    complains_not a.rcp
    run 0 hpx watch -q
    empty err
}

# Without a terminal a line for each trial that ends, and at the end the table that the build prints.
test_lines() {
    waiting_recipe
    touch go-11
    "$HPX" build a.rcp -j 2 >build.out 2>build.err &
    poll grep -q '^train  a=1 b=1' build.err
    "$HPX" watch a.rcp >watch.out 2>watch.err &
    watcher=$!
    sleep 1.5
    touch go-12
    poll grep -q 'done   a=1 b=2: 0.1240' watch.err
    touch go-13 go-21 go-22 go-23
    wait $watcher || fail "exit code $? of watch"
    wait %1 || fail "exit code $? of the build"
    has_not watch.err 'a=1 b=1'
    equal "$(sort watch.err | tail -4 | cut -c1-14 | paste -sd,)" 'done   a=1 b=3,done   a=2 b=1,done   a=2 b=2,failed a=2 b=3'
    has watch.err 'failed a=2 b=3: epoch 4: no luck'
    has watch.out 'all     (2, 2)  0.2240'
    has_not watch.err 'the build'
    empty <(hpx verify 2>&1 >/dev/null)
    run 0 hpx watch
    has err 'no build runs'
}

# The same frame as the build draws, with the epochs that are stored.
test_frame() {
    needs_terminal
    waiting_recipe
    touch go-11
    "$HPX" build a.rcp -j 2 >build.out 2>build.err &
    poll grep -q '^train  a=1 b=1' build.err
    mkdir elsewhere
    on_screen 80 24 "cd elsewhere; '$HPX' watch --store '$HPX_STORE'; echo ended \$?; sleep 60"
    poll seen '[1 of 6 trials'
    seen 'a=1 b=2' || fail 'the trial is not there'
    seen '    1 [█]* *' || fail 'there is no map'
    touch go-12 go-13 go-21 go-22 go-23
    poll seen 'ended 0'
    screen
    has_not seen 'in training'
    has seen 'all     (2, 2)  0.2240'
    wait %1
}

# Epochs as they are stored, of a trial and its search.
test_epochs() {
    needs_terminal
    recipe b.rcp 'epochs = 3000' <<X
axis n1 = 400
axis n2 = 300
search all
  method = grid
X
    "$HPX" build b.rcp -j 1 --progress json >/dev/null 2>build.err &
    build=$!
    poll started build.err
    on_screen 80 24 "'$HPX' watch b.rcp; sleep 60"
    sees_epochs() { screen && grep -Eq '^n1=400 n2=300  +[1-9][0-9]*/3000  [01]\.[0-9]{4}  ([0-9]+:)+[0-9]+ left$' seen; }
    poll sees_epochs
    kill -INT $build
    wait $build
    poll seen 'hpx: the build was interrupted'
    seen unfinished || fail 'there is no table'
}

# The numerics are those of the build, whatever this process has.
test_kernel() {
    recipe b.rcp 'epochs = 500' <<X
axis n1 = 8 16 24
axis n2 = 8
search all
  method = grid
X
    "$HPX" build b.rcp -j 1 --kernel plain --progress json >build.out 2>build.err &
    build=$!
    poll started build.err
    "$HPX" watch b.rcp >watch.out 2>watch.err &
    watcher=$!
    wait $watcher || fail "exit code $? of watch"
    wait $build || fail "exit code $? of the build"
    has watch.err 'done   n1=8 n2=8: ' # the smallest is the last
    ends() { awk '$1 == "all" { print $2, $3, $4 }' "$1"; }
    equal "$(ends watch.out)" "$(ends build.out)" 'where the search ends'
}

# What the build was told on its command line, from where it was.
test_amended() {
    waiting_recipe
    mkdir sub
    (cd sub && exec "$HPX" build ../a.rcp:all b=1 epochs=3 -j 1 --progress json >/dev/null 2>../build.err) &
    poll started build.err
    run 0 hpx watch train.sh # another recipe
    has err 'no build of train.sh runs'
    "$HPX" watch >watch.out 2>watch.err &
    watcher=$!
    sleep 1
    touch go-11 go-21
    wait $watcher || fail "exit code $? of watch"
    has watch.out 'over 2 cells (a, b), 3 epochs'
    has watch.out '(2, 1)  0.2130'
    wait %1
}

# A build that is killed has ended; nothing is left of it that looks like one that runs.
test_killed() {
    waiting_recipe
    "$HPX" build a.rcp -j 1 --progress json >/dev/null 2>build.err &
    build=$!
    poll started build.err
    "$HPX" watch a.rcp >watch.out 2>watch.err &
    watcher=$!
    sleep 1
    kill -KILL $build
    wait $build 2>/dev/null
    wait $watcher || fail "exit code $? of watch"
    has watch.out unfinished
    has watch.err 'the build was killed'
    run 0 hpx watch
    has err 'no build runs'
    touch go-11 go-12 go-13 go-21 go-22 go-23
    run 0 hpx build a.rcp
    run 0 hpx verify
}

# Two builds, the later of which is shown; one trial is a build, too. Ctrl-C ends a watcher alone.
test_several() {
    waiting_recipe
    "$HPX" build a.rcp:all b=1 -j 1 --progress json >/dev/null 2>build.err &
    poll started build.err
    "$HPX" trial a.rcp a=1 b=3 --progress json >/dev/null 2>trial.err &
    trial=$!
    poll started trial.err
    timeout -s INT 2 "$HPX" watch >watch.out 2>watch.err
    equal $? 124 'the exit code, by timeout'
    has watch.err 'watching a.rcp; 1 more: hpx watch RECIPE'
    empty watch.out
    kill -0 $trial || fail 'the build has ended with its watcher'
    touch go-11 go-21 go-13
    wait
}

run_tests "$@"

#!/bin/bash
# Epochs drawn with characters: sparklines at a terminal, plots where they are asked for.
. "$(dirname "$0")/common.sh"

on_terminal() { # COLUMNS COMMAND: what it prints is in ./screen
    command -v script >/dev/null || exit 0
    TERM=xterm script -qec "stty cols $1 rows 40; $2" /dev/null </dev/null | tr -d '\r' >screen
}

trained() {
    recipe a.rcp 'epochs = 4' 'seeds = 1 2' <<X
axis n1 = 4 8
axis n2 = 4
search all
  method = grid
X
    run 0 hpx build a.rcp
    key=$(hpx ls --json | jq -r '.[0].key')
}

test_tables() {
    trained
    for command in 'best a.rcp' ls 'ls a.rcp' 'ls --sort score --top 2' 'ls a.rcp --metrics'; do
        run 0 hpx $command
        ! grep -q '[▁▂▃▄▅▆▇█]' out || fail "$command has a sparkline though it is no terminal"
        has_not out epochs
        on_terminal 200 "'$HPX' $command"
        grep -q ' epochs$' screen || fail "$command has no column"
        grep -Eq '  [▁▂▃▄▅▆▇█]{4}$' screen || fail "$command has no sparkline"
        equal "$(sed 's/ *epochs$//; s/ *[▁▂▃▄▅▆▇█]*$//' screen)" "$(cat out)" "the rest of $command"
        on_terminal 200 "LC_ALL=C '$HPX' $command"
        grep -Eq '  [1-8]{4}$' screen || fail "$command has no digits in the locale C"
        ! grep -q '[▁▂▃▄▅▆▇█]' screen || fail "$command has more than ASCII in the locale C"
    done
    for command in 'best a.rcp --json' 'ls --json' 'audit' 'ls --epochs' 'log a.rcp n1=4 n2=4'; do
        on_terminal 200 "'$HPX' $command"
        ! grep -q '[▁▂▃▄▅▆▇█]' screen || fail "$command has a sparkline"
    done
}

test_show() {
    trained
    run 0 hpx show "$key"
    ! grep -q '[▁▂▃▄▅▆▇█]' out || fail 'a sparkline though it is no terminal'
    on_terminal 200 "'$HPX' show $key"
    equal "$(grep -Ec '^(epochs    |          )  [a-z_]+ +[▁▂▃▄▅▆▇█]{4}  [0-9.]+ to [0-9.]+$' screen)" 6 'the metrics with a sparkline'
    run 0 hpx show "$key" --json
    ! grep -q '[▁▂▃▄▅▆▇█]' out || fail 'JSON has a sparkline'
}

test_curve() {
    trained
    run 0 hpx show --curve "${key:0:12}"
    equal "$(grep -c '^[a-z]' out)" 6 'the plots'
    equal "$(grep -o • out | wc -l)" 24 'the points'
    cp out piped
    on_terminal 80 "'$HPX' show --curve $key"
    same_files piped screen
    on_terminal 40 "'$HPX' show --curve $key"
    (($(wc -L <screen) < 40)) || fail 'a line is too long'
    run 0 env LC_ALL=C "$HPX" show --curve "$key"
    ! LC_ALL=C grep -q '[^ -~]' out || fail 'more than ASCII in the locale C'
    complains 2 'show: --curve prints text, not JSON' hpx show --curve --json "$key"
    complains 2 'show: --log or --curve, not both' hpx show --curve --log "$key"
    complains 1 'no such key' hpx show --curve 0000
}

run_tests "$@"

#!/bin/bash
# What a build shows on a terminal while it goes on.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/terminal.sh"

# A trial says its score; a=2 b=3 ends by accident.
waiting_recipe() {
    waiting_program '[ "$1$2" != 23 ] || exit 3' 'echo "epoch 1 score=0.$1$2"'
}

# The first three trials have ended, the fourth is waiting.
part_done() {
    touch go-11 go-12 go-13
    poll eval 'seen "[3 of 6 trials" || seen "[3/6, "'
    poll seen 'a=2 b=1  1  0.2100'
}

test_frame() {
    needs_terminal
    waiting_recipe
    on_screen 80 24 "'$HPX' build a.rcp -j 1 -k; sleep 60"
    part_done
    seen 'a↓ b→  1 2 3' || fail 'the axes are not there'
    screen && grep -q '^    1  ▁ [▄▅]\[█\]$' seen || fail 'the scores are not there'
    seen '    2  * · ·' || fail 'the trial that runs is not on the map'
    seen '▁ 0.1100 to █ 0.1300   * in training   [ ] all' || fail 'there is no legend'
    seen 'best 0.1300 a=1 b=3' || fail 'the best is not told'
    touch go-21 go-22
    poll seen 'trials trained' # behind the table of the end
    screen
    grep -q '\*\|·\|▅' seen && fail 'the frame is still there'
    equal "$(times_seen 'a=2 b=3: ')" 1 'the failed trial is told'
}

test_narrow() {
    needs_terminal
    waiting_recipe
    on_screen 40 16 "'$HPX' build a.rcp -j 1 -k; sleep 60"
    part_done
    seen '[3/6, ' || fail 'there is no short summary'
    seen '▁ 0.1100 to █ 0.1300   * in training' || fail 'there is no legend'
    seen '[ ] all' || fail 'the legend does not go on'
}

# A line that has become too long is broken by the terminal. Nothing of it is left behind.
test_resize() {
    needs_terminal
    waiting_recipe
    on_screen 120 24 "echo above; '$HPX' build a.rcp -j 1 -k; sleep 60"
    part_done
    for columns in 50 44 100; do
        resize $columns
        sleep 1.5
        equal "$(times_seen 'in training')" 1 "frames at $columns columns"
        equal "$(times_seen ' left')" 1 "summaries at $columns columns"
        screen -S - # with what has moved up
        has seen above
        has seen 'hpx: new store: '
    done
}

# The letters say it all.
test_colours() {
    needs_terminal
    waiting_recipe
    on_screen 80 24 "unset NO_COLOR; '$HPX' build a.rcp -j 1 -k; sleep 60"
    part_done
    screen -e
    grep -q $'\033\[35m\*' seen || fail 'no colour'
    leave_screen
    rm -r store go-*
    on_screen 80 24 "LC_ALL=C NO_COLOR=1 '$HPX' build a.rcp -j 1 -k; sleep 60"
    part_done
    screen -e
    ! grep -q $'\033' seen || fail 'a colour in spite of NO_COLOR'
    has seen 'a v b >  1 2 3'
    grep -q '^      1  1 [45]\[8\]$' seen || fail 'the scores are not there'
    has seen '      2  * . .'
}

# Ctrl-Z leaves the terminal to the shell; fg draws the frame again, below what was printed meanwhile.
test_stop_and_go_on() {
    needs_terminal
    waiting_recipe
    on_screen 80 24 'bash --norc -i'
    type_keys "PS1='% '; clear; stty -a >before; '$HPX' build a.rcp -j 1 -k" Enter
    part_done
    type_keys C-z
    poll seen Stopped
    gone 'in training' || fail 'the frame is still there while it is stopped'
    type_keys 'echo meanwhile' Enter
    poll seen '% echo meanwhile'
    type_keys 'fg' Enter
    poll seen 'in training'
    sleep 1.5
    equal "$(times_seen 'in training')" 1 'frames behind fg'
    seen meanwhile || fail 'what was printed meanwhile is gone'
    type_keys C-z
    poll gone 'in training'
    type_keys 'bg' Enter
    sleep 1.5
    gone 'in training' || fail 'it draws though the shell has the terminal'
    type_keys 'fg' Enter
    poll seen 'in training'
    type_keys C-c
    poll seen 'interrupted; every finished epoch is stored'
    poll gone 'in training'
    type_keys 'stty -a >after; echo ended $?' Enter
    poll seen 'ended 0'
    same_files before after
}

# Ctrl-C takes the frame away; also the second one, which ends hpx at once.
test_interrupt() {
    needs_terminal
    waiting_recipe
    sed -i '1i trap "" INT TERM' train.sh
    on_screen 80 24 'bash --norc -i'
    type_keys "PS1='% '; clear; '$HPX' build a.rcp -j 1 -k" Enter
    part_done
    type_keys C-c
    poll seen 'interrupted: 1 program is ended'
    sleep 0.3
    type_keys C-c
    type_keys 'echo at the prompt' Enter
    poll seen '% echo at the prompt'
    gone 'in training' || fail 'the frame is still there'
}

# What needs no training draws nothing.
test_nothing_to_train() {
    command -v script >/dev/null || exit 0
    waiting_recipe
    touch go-11 go-12 go-13 go-21 go-22 go-23
    run 1 hpx build a.rcp -k
    sed -i 's/axis a = 1 2/axis a = 1/' a.rcp
    TERM=xterm script -qec "'$HPX' build a.rcp" /dev/null </dev/null >raw
    has raw 'nothing to train: all 3 trials are stored'
    has_not raw $'\033'
}

# Every line is an object: of a build with hits, an extension, a failed trial and an accident, and of its messages.
test_json() {
    waiting_recipe
    touch go-11 go-12 go-13 go-21 go-22 go-23
    sed -i "s/^echo/[ \"\$1\$2\" != 12 ] || echo '{\"failed\": \"no \\\\u202e luck\"}'\n&/" train.sh
    run 1 hpx build a.rcp -j 2 -k --progress json
    jq -es 'all(type == "object" and has("event"))' err >lines || fail 'a line is not an object'
    jq -s . err >events
    equal "$(wc -l <err)" "$(jq length events)" "the number of lines"
    is 'map(select(.event == "build_started")) | map([.schema, .recipe, .objective, .epochs, .cells, .seeds, .searches])' \
        '[[1,"a.rcp","score",4,6,[1],["all"]]]' events
    is '[.[] | select(.event == "trial_started") | .verdict] | unique' '["train"]' events
    is 'map(select(.event == "epoch").key) - map(select(.event == "trial_started").key)' '[]' events
    is '[.[] | select(.event == "trial_ended") | "\(.cell.a)\(.cell.b) \(.status) \(.score) \(.metrics.score)"] | sort' \
        '["11 done 0.11 0.11","12 failed null null","13 done 0.13 0.13","21 done 0.21 0.21","22 done 0.22 0.22","23 accident null null"]' events
    is '[.[] | select(.event == "trial_ended" and .status == "accident") | .message | test("exit")]' '[true]' events
    is 'map(select(.event == "visit")) | map(.evaluations)' '[1,2,3,4,5,6]' events
    is 'map(select(.event == "search_ended")) | map([.search, .end, .score, .stop])' '[["all",{"a":2,"b":2},0.22,"complete"]]' events
    is 'map(select(.event == "build_ended")) | map([.status, .trials])' \
        '[["failed",{"hit":0,"extend":0,"train":6,"failed":2}]]' events
    is '.[-1] | .event' '"message"' events
    run 0 hpx build a.rcp:all b=1 --progress json --json
    jq -s . err >events
    is 'map(select(.event == "trial_started"))' '[]' events
    is 'map(select(.event == "visit").score)' '[0.11,0.21]' events
    is '.searches[0].trials.hit' 2
    run 2 hpx build nothing.rcp --progress json
    is '[.event, .message]' '["message","nothing.rcp: no such recipe"]' err
    complains 2 '--progress html: expected auto, lines or json' hpx build a.rcp --progress html
    run 0 hpx trial a.rcp a=1 b=1 --progress json
    jq -s . err >events
    is 'map(.event)' '["build_started","visit","search_ended","build_ended"]' events
}

# Lines also on a terminal, where they are asked for.
test_lines() {
    command -v script >/dev/null || exit 0
    waiting_recipe
    touch go-11 go-12 go-13 go-21 go-22 go-23
    TERM=xterm script -qec "'$HPX' build a.rcp -k --progress lines" /dev/null </dev/null >raw
    has_not raw $'\033'
    equal "$(grep -c '^train  a=' raw)" 5 'the lines of trials'
}

run_tests "$@"

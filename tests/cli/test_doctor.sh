#!/usr/bin/env bash
# hpx doctor: what a program's trial shows of what its recipe says.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# A recipe of `sh train.sh` with more lines of `program`; the script is on standard input.
program() { # LINE...
    cat >train.sh
    {
        printf 'program\n  command = sh train.sh $n\n  code = train.sh\n'
        printf '  %s\n' "$@"
        printf 'train\n  objective = maximise score\naxis n = 3 4\n'
    } >r.rcp
}

report() {
    printf '%s\n' "echo '{\"score\": '\$1'}' >>\$HPX_METRICS"
}

verdict() { # CHECK
    jq -r --arg check "$1" '.checks[] | select(.check == $check) | .verdict' out
}

found() { # CHECK TEXT
    jq -r --arg check "$1" '.checks[] | select(.check == $check) | .found' out >found
    has found "$2"
}

binding() { # CHECK LINE
    jq -r --arg check "$1" '.checks[] | select(.check == $check) | .bindings[]' out >bindings
    grep -qxF -- "$2" bindings || fail "no binding '$2': $(cat bindings)"
}

traces() {
    command -v strace >/dev/null && strace -o trace true && return
    echo 'skip: strace is missing, or may not trace'
    return 1
}

test_a_good_program() {
    program < <(report)
    run 0 hpx doctor r.rcp --json
    is '[.recipe, .cell, .seed, .epochs]' '["r.rcp",{"n":3},1,1]'
    is '[.checks[].check]' '["declared","deterministic","continues","output"]'
    equal "$(verdict deterministic)" pass
    equal "$(verdict continues)" 'not tried'
    equal "$(verdict output)" pass
    found output '1 metric: score; from $HPX_METRICS'
    [[ ! -e cache ]] || fail 'a store was made'
    run 0 hpx doctor r.rcp
    has out 'deterministic  pass'
    run 0 hpx doctor -q r.rcp n=7 --json
    is .cell '{"n":7}'
    empty err
}

test_without_strace() {
    program < <(report)
    mkdir bin
    for tool in sh git; do ln -s "$(command -v $tool)" bin/; done
    run 0 env PATH="$PWD/bin" "$HPX" doctor r.rcp --json
    equal "$(verdict declared)" 'not tried'
    found declared 'strace is not installed'
    equal "$(verdict deterministic)" pass
}

# What its output tells is known without strace.
test_a_file_that_is_missing() {
    program < <(echo '. ./util.sh'; report)
    echo 'x=1' >util.sh
    run 1 hpx doctor r.rcp --json
    equal "$(verdict declared)" fail
    found declared '1 file is not declared'
    binding declared 'code = train.sh util.sh'
    equal "$(verdict deterministic)" 'not tried'
    equal "$(verdict output)" fail
    found output 'exit code 2'
    run 0 hpx doctor r.rcp 'code=train.sh util.sh' --json
    equal "$(verdict output)" pass
}

test_undeclared_files() {
    traces || return 0
    mkdir conf
    echo a=1 >conf/local.ini
    printf '\0\1' >x.bin
    echo text >"$scratch/elsewhere"
    program 'data = x.bin' < <(echo "[ -f conf/local.ini ] && echo found"; echo "cat x.bin '$scratch/elsewhere' >x"
                                    echo 'cat x >/dev/null; echo y >y; cat y'; report)
    run 1 hpx doctor r.rcp --json
    equal "$(verdict declared)" fail
    found declared '2 files are not declared'
    binding declared 'code = train.sh conf/local.ini'
    binding declared "data = x.bin $scratch/elsewhere"
    run 0 hpx doctor r.rcp 'code=train.sh conf/' "data=x.bin $scratch/elsewhere" --json
    equal "$(verdict declared)" pass
}

test_a_cache_in_home() {
    traces || return 0
    export HOME=$PWD/home
    mkdir -p home/.cache/models
    echo weights >home/.cache/models/m.pt
    program < <(echo 'cat $HOME/.cache/models/m.pt'; report)
    mkdir tree
    mv r.rcp train.sh tree
    run 1 hpx doctor tree/r.rcp --json
    found declared '1 file in HOME is not declared'
    binding declared "data = $PWD/home/.cache/models/m.pt"
}

# What a program leaves running ends with it, under strace as without.
test_what_is_left_running() {
    traces || return 0
    echo x=1 >util.sh
    program < <(echo "sleep 1000 & cat '$PWD/util.sh'"; report)
    run 1 timeout 60 "$HPX" doctor r.rcp --json
    found declared '1 file is not declared'
    equal "$(verdict deterministic)" pass
}

# A stand-in that looks on at nothing, as strace does where it may not trace.
test_strace_that_may_not_trace() {
    program < <(report)
    mkdir bin
    printf '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n' >bin/strace
    chmod +x bin/strace
    run 0 env PATH="$PWD/bin:$PATH" "$HPX" doctor r.rcp --json
    equal "$(verdict declared)" 'not tried'
    found declared 'strace may not trace here'
}

# As an editable install does.
test_declared_but_in_the_work_tree() {
    traces || return 0
    mkdir -p src/pkg
    touch src/pkg/__init__.py src/pkg/a.py
    program 'code = train.sh src/' 'env = A=$n' < <(echo "cat '$PWD/src/pkg/a.py'"; report)
    sed -i '/code = train.sh$/d' r.rcp
    run 1 hpx doctor r.rcp --json
    found declared '1 file was opened in the work tree'
    binding declared 'env = "A=${n}" PYTHONPATH=src'
    run 0 hpx doctor r.rcp run-in=worktree --json
    equal "$(verdict declared)" pass
}

# What is opened of the work tree there, but for what the program makes.
test_run_in_worktree() {
    traces || return 0
    echo x >util.sh
    program 'run-in = worktree' < <(echo '. ./util.sh; echo 1 >made; cat made'; report)
    echo x=1 >util.sh
    run 1 hpx doctor r.rcp --json
    found declared '1 file is not declared'
    binding declared 'code = train.sh util.sh'
}

test_not_deterministic() {
    local undeclared=1 # the file that it counts in, if anybody looks
    traces >/dev/null || undeclared=0
    echo 0 >count
    program <<<"n=\$(cat '$PWD/count'); echo \$((n + 1)) >'$PWD/count'; echo '{\"score\": 0.'\$n', \"step_time\": '\$n'}' >>\$HPX_METRICS"
    run 1 hpx doctor r.rcp --json
    equal "$(verdict deterministic)" fail
    found deterministic 'two runs differ in epoch 1: score '
    jq -e '.checks[1].bindings[0] | test("^repeat = within 0\\.[0-9]+$")' out >/dev/null || fail 'no tolerance'
    run $undeclared hpx doctor r.rcp repeat=no --json
    equal "$(verdict deterministic)" pass
    [[ $undeclared == 0 ]] || equal "$(verdict declared)" fail
    run $undeclared hpx doctor r.rcp 'repeat=within 5' --json
    equal "$(verdict deterministic)" pass
    found deterministic 'repeat = within 5'
}

# A program that goes on from its checkpoint, by what is on standard input.
continuing() { # CONTINUE
    {
        echo 'epoch=0 state=$1'
        cat
        echo 'while [ $epoch -lt "$HPX_EPOCHS" ]; do
            epoch=$((epoch + 1)) state=$((state * 1103 % 65536))
            echo "$epoch $state" >"$HPX_OUT/last$epoch"
            echo "{\"epoch\": $epoch, \"score\": $state, \"checkpoint\": \"last$epoch\"}" >>"$HPX_METRICS"
            sleep 0.15
        done'
    } | program "continue = $1"
    sed -i 's/^train$/train\n  epochs = 9/' r.rcp
}

test_continues() {
    local how
    for how in resume yes; do
        continuing $how <<<'[ -z "${HPX_RESUME-}" ] || read -r epoch state <"$HPX_RESUME/last$HPX_RESUME_EPOCH"'
        run 0 hpx doctor r.rcp --json
        is .epochs 2
        equal "$(verdict continues)" pass
        found continues 'it continues: from epoch 1 to 2'
        found output '2 epochs, 1 metric: score'
        continuing $how <<<'[ -z "${HPX_RESUME-}" ] || read -r epoch rest <"$HPX_RESUME/last$HPX_RESUME_EPOCH"'
        run 1 hpx doctor r.rcp --json
        equal "$(verdict deterministic)" pass
        equal "$(verdict continues)" fail
        found continues 'it does not continue as it says: epoch 2: score'
    done
    [[ ! -e cache ]] || fail 'a store was made'
    equal "$(find "$HPX_SCRATCH" -maxdepth 1 -name 'store-*' -o -maxdepth 1 -name 'trace-*')" '' 'what is left'
}

test_continuation_that_is_not_tried() {
    continuing resume </dev/null
    run 0 hpx doctor r.rcp epochs=1 --json
    equal "$(verdict continues)" 'not tried'
    found continues 'epochs = 1'
    sed -i 's/, \\"checkpoint\\": \\"last$epoch\\"//' train.sh
    run 0 hpx doctor r.rcp --json
    equal "$(verdict continues)" 'not tried'
    found continues 'there is nothing to resume from'
    echo 'state=$(od -An -N2 -tu2 /dev/urandom)' | cat - train.sh >other && mv other train.sh
    sed -i 's/state=$1$//' train.sh
    run 1 hpx doctor r.rcp --json
    equal "$(verdict continues)" 'not tried'
    found continues 'two runs differ already'
}

test_unread_metrics() {
    program 'metrics = stdout' <<<'echo "Test set: Average loss: 0.5, done"; echo "score is 3"; echo "the score: 0.75 (end)"'
    run 1 hpx doctor r.rcp --json
    equal "$(verdict output)" fail
    found output 'no metrics'
    binding output 'match = average_loss " Average loss *: *([-+.0-9eE]+)" score "^the score *: *([-+.0-9eE]+)"'
    grep 'match = ' bindings | sed 's/^/  /' >line
    sed -i "/metrics = stdout/r line" r.rcp
    run 0 hpx doctor r.rcp --json
    equal "$(verdict output)" pass
    found output '2 metrics: average_loss score; from standard output (match)'
    # The objective is what is called so, not the first that is like it; and a line is shown once.
    program 'metrics = stdout' <<<'echo "Epoch 1/2 - score_train: 0.5 - score: 0.75 (end)"'
    run 1 hpx doctor r.rcp --json
    binding output 'match = score_train " score_train *: *([-+.0-9eE]+)" score " score *: *([-+.0-9eE]+)"'
    run 1 hpx doctor r.rcp
    equal "$(grep -c 'this line is not read: Epoch 1/2' out)" 1 'how often the line is shown'
}

test_metrics_on_the_wrong_way() {
    program <<<'echo score=0.5'
    run 1 hpx doctor r.rcp --json
    equal "$(verdict output)" fail
    binding output 'metrics = stdout'
    run 0 hpx doctor r.rcp metrics=stdout --json
    found output '1 metric: score; from standard output (name=value)'
}

test_no_objective() {
    program <<<"echo '{\"accuracy\": 1}' >>\$HPX_METRICS"
    run 1 hpx doctor r.rcp --json
    equal "$(verdict output)" fail
    found output 'did not report score (it reported: accuracy)'
}

test_says_that_it_failed() {
    program <<<"echo '{\"failed\": \"diverged\"}' >>\$HPX_METRICS"
    run 1 hpx doctor r.rcp --json
    found output 'the program says that it failed: diverged'
    equal "$(verdict deterministic)" pass
}

test_what_is_no_program() {
    recipe r.rcp <<<'axis n1 = 4 8
axis n2 = 3'
    complains 2 'r.rcp: hpx doctor looks at programs, and this recipe has a model' hpx doctor r.rcp
    complains 2 'nothing.rcp' hpx doctor nothing.rcp
    program < <(report)
    run 2 hpx doctor r.rcp epoch=3
    has err 'did you mean'
    sed -i 's/train.sh$/gone.sh/' r.rcp
    run 2 hpx doctor r.rcp
    has err 'gone.sh'
}

run_tests

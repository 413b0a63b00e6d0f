#!/bin/bash
# A program of the user's as the trainer, from end to end.
source "$(dirname "$0")/common.sh"

recipe() { # more bindings of the program
    printf '%s\n' 'program' '  command = sh train.sh $n' '  code = train.sh helper.sh' "$@" 'train' '  objective = maximise score' \
        'axis n = 1..4' 'search all' '  method = grid'
}

scratch() {
    export HPX_SCRATCH=$PWD/scratch
    echo ': helps' >helper.sh
}

# Metrics from standard output; nothing is trained twice; an edit of a helper file makes every result miss.
test_stdout() {
    scratch
    printf '%s\n' '. ./helper.sh' 'echo "loading $1"' 'echo "score=$1 loss: 0.5"' >train.sh
    recipe '  metrics = stdout' >a.rcp
    run 0 hpx build --json a.rcp -j 2
    is '[.searches[0].end.n, .searches[0].score, .searches[0].trials.train]' '[4,4,4]'
    run 0 hpx build --json a.rcp
    is '.searches[0].trials' '{"hit":4,"extend":0,"train":0,"failed":0}'
    run 0 hpx audit --json
    is '[.[] | .metrics | keys] | unique' '[["loss","score"]]'
    run 0 hpx show --log "$(jq -r '[.[] | select(.cell.n == 3)][0].key' out)"
    has out 'loading 3'
    echo ': helps more' >helper.sh
    run 0 hpx build --json a.rcp
    is '.searches[0].trials.train' 4
    echo ': helps' >helper.sh
    run 0 hpx build --json a.rcp
    is '.searches[0].trials.hit' 4
    run 0 hpx build -B a.rcp
    run 0 hpx verify
}

# An objective that what is stored does not have.
test_lacks_objective() {
    scratch
    echo 'echo "score=$1 loss: 0.5"' >train.sh
    recipe '  metrics = stdout' >a.rcp
    run 0 hpx build a.rcp
    run 1 hpx build train.objective='minimise val_loss' a.rcp
    has err 'n=1: what is stored has no val_loss (it has: score loss)'
    run 0 hpx plan train.objective='minimise loss' a.rcp
    has_not err 'what is stored'
}

# JSON lines; why a training failed, or ended early.
test_lines() {
    scratch
    cat >train.sh <<'END'
. ./helper.sh
[ "$1" = 2 ] && echo '{"failed": "diverged"}' >>"$HPX_METRICS" && exit 3
for e in 1 2 3; do
    echo '{"epoch": '$e', "score": '$1.$e'}' >>"$HPX_METRICS"
    if [ "$1" = 3 ]; then echo '{"stopped": "no progress"}' >>"$HPX_METRICS" && exit; fi
done
END
    recipe >a.rcp
    run 0 hpx build --json a.rcp epochs=3
    is '[.searches[0].end.n, .searches[0].score, .searches[0].trials.failed]' '[4,4.3,1]'
    has err 'n=2: epoch'
    has err 'diverged'
    run 0 hpx build --json a.rcp epochs=3
    is '[.searches[0].trials.hit, .searches[0].score]' '[4,4.3]'
}

# What is ignored of what programs report is said once in a build, and not with -q.
test_warnings() {
    scratch
    echo 'printf "%s\n" "{\"score\": $1, \"best\": \"yes\"}" oops >>"$HPX_METRICS"' >train.sh
    recipe >a.rcp
    run 0 hpx build --json a.rcp -j 2
    is '.searches[0].score' 4
    equal "$(grep -c 'not all that it reported is read' err)" 1 'the number of trials that are warned of'
    grep -q "^hpx: n=[12]: not all" err || fail 'the trial is not named'
    equal "$(grep -c "^  line 1: 'best' is no number and is ignored" err)" 1 'how often one is said'
    equal "$(grep -c '^  line 2: it is no JSON object and is ignored: oops' err)" 1 'how often the other is said'
    rm -r store
    run 0 hpx build -q a.rcp
    empty err
    run 0 hpx show --log "$(hpx ls --json | jq -r '.[3].key')"
    has out "hpx: line 1: 'best' is no number and is ignored"
}

# A longer training goes on from the checkpoint of a shorter one.
test_continued() {
    scratch
    cat >train.sh <<'END'
. ./helper.sh
sum=0
from=0
[ -n "$HPX_RESUME" ] && read -r from sum <"$HPX_RESUME/state"
while [ "$from" -lt "$HPX_EPOCHS" ]; do
    from=$((from + 1))
    sum=$((sum + from * $1))
    echo "$from $sum" >"$HPX_OUT/state"
    echo '{"epoch": '$from', "score": '$sum', "checkpoint": "state"}' >>"$HPX_METRICS"
    echo "$from" >>"$RAN"
done
END
    export RAN=$PWD/ran
    recipe '  continue = yes' '  pass = RAN' >a.rcp
    run 0 hpx build --json a.rcp epochs=2 n=3
    is '.searches[0].score' 9
    : >ran
    run 0 hpx build --json a.rcp epochs=4 n=3
    is '[.searches[0].score, .searches[0].trials.extend]' '[30,1]'
    equal "$(sort -u ran | tr '\n' ' ')" '3 4 ' 'epochs that were trained'
}

# An accident says what it was and shows the end of the output, and nothing is stored of it.
test_accidents() {
    scratch
    echo 'echo doomed; echo "no such thing" >&2; exit 7' >train.sh
    recipe '  metrics = stdout' >a.rcp
    run 1 hpx build a.rcp -j 1
    has err 'n=1: exit code 7: no such thing'
    has err '  | doomed'
    has_not err 'n=2'
    run 1 hpx build -k a.rcp -j 1
    has err 'n=3: exit code 7'
    has_not err 'n=4'
    has err 'in spite of -k'
    run 0 hpx ls --json
    is 'length' 0
    # It can run: the cells that fail are all that an earlier build has left.
    echo '[ "$1" = 4 ] && echo score=1' >train.sh
    run 0 hpx trial a.rcp n=4
    run 1 hpx build -k a.rcp -j 1
    has err 'n=3: exit code 1'
    has_not err 'in spite of -k'
    run 0 hpx forget -y a.rcp
    echo 'echo nothing' >train.sh
    run 1 hpx build a.rcp
    has err 'n=1: no metrics'
    echo 'sleep 60' >train.sh
    recipe '  metrics = stdout' '  timeout = 1s' >a.rcp
    run 1 hpx build a.rcp
    has err 'n=1: time'
    # One that fails in some cells does not end the others' with -k.
    echo '[ "$1" != 1 ] || exit 1; echo "score=$1"' >train.sh
    recipe '  metrics = stdout' >a.rcp
    run 1 hpx build -k a.rcp
    has err '1 of 4 trials failed'
    run 0 hpx ls --json
    is 'length' 3
}

# A file that was not declared is missing in the copy, and named.
test_undeclared() {
    scratch
    echo 'cat other.sh || exit 1' >train.sh
    echo ': other' >other.sh
    recipe '  metrics = stdout' >a.rcp
    run 1 hpx build a.rcp -j 1
    has err 'not declared: other.sh exists in the work tree'
}

run_tests

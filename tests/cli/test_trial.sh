#!/usr/bin/env bash
# hpx trial: one trial, by its cell.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

begin() {
    recipe r.rcp 'epochs = 2' 'seeds = 5 6' <<<'axis n1 = 4 8
axis n2 = 3..5
search climb
  method = hill-climb
  start  = 8 4'
}

test_trains_once() {
    begin
    run 0 hpx trial r.rcp n1=4 n2=3
    cp out first
    equal "$(cut -d' ' -f1 out | head -2 | xargs)" 'train_loss train_accuracy'
    run 0 hpx trial r.rcp n1=4 n2=3
    same_files out first
    equal "$(stored)" 1
}

test_is_the_trial_of_a_build() {
    begin
    run 0 hpx build r.rcp
    run 0 hpx trial r.rcp n1=8 n2=4 seed=6 --json
    is .verdict '"hit"'
    is '[.cell.n1, .cell.n2, .seed, .epoch]' '[8,4,6,2]'
    is '.metrics.validation_accuracy > 0' true
}

# Values that no axis has, other epochs; what another trial has trained is continued.
test_takes_any_value() {
    begin
    run 0 hpx trial r.rcp n1=7 n2=9 --json
    is '[.verdict, .seed]' '["train",5]'
    run 0 hpx trial r.rcp n1=7 n2=9 epochs=4 --json
    is '[.verdict, .epoch]' '["extend",4]'
    run 0 hpx trial r.rcp n1=7 n2=9 train.batch=16 --json
    is .verdict '"train"'
}

test_dry_run_only_asks() {
    begin
    run 10 hpx trial -n r.rcp n1=4 n2=3
    empty out
    [[ ! -e store ]] || fail 'a store was made'
    run 0 hpx trial r.rcp n1=4 n2=3
    run 0 hpx trial -n r.rcp n1=4 n2=3
    has out validation_accuracy
}

test_says_what_is_wrong() {
    begin
    complains 2 "axis 'n2' has 3 values: name one, n2=VALUE" hpx trial r.rcp n1=4
    run 2 hpx trial r.rcp n1=4 n2=-1
    has err n2=-1
    run 2 hpx trial r.rcp n1=4 n2=3 n3=4
    has err "did you mean"
    run 2 hpx trial r.rcp n1=4 n2=3 seed=1..2
    has err 'a trial has one seed'
}

test_failed_trial() {
    recipe r.rcp 'optimizer = sgd' 'rate = 0.1' 'weight-decay = 200' 'epochs = 5' <<<'axis n1 = 4
axis n2 = 3'
    run 1 hpx trial r.rcp
    has err 'failed in epoch'
    run 1 hpx trial r.rcp --json
    is .verdict '"hit"'
}

# As a build says it.
test_program_without_code() {
    printf '%s\n' 'program' '  command = echo score=$a' '  metrics = stdout' 'train' '  objective = maximise score' \
        'axis a = 1 2' >p.rcp
    run 0 hpx trial p.rcp a=2
    has err "hpx: warning: p.rcp:1:1: program has no 'code'"
    run 0 hpx trial p.rcp a=2 -q
    empty err
}

run_tests "$@"

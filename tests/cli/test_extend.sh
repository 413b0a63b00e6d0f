# A training of 3 epochs continued to 15 is, bit for bit, the one of 15 epochs.
. "$(dirname "$0")/common.sh"

with_epochs() { # EPOCHS SETTING...: writes a.rcp
    recipe a.rcp "epochs = $1" "${@:2}" <<'X'
axis n1 = 4 8
axis n2 = 4 16
search all
  method = grid
X
    sed -i "s/^model mlp/&\n  ${model:-activation = relu}/" a.rcp
}

check_extending() { # SETTING...
    with_epochs 15 "$@"
    run 0 hpx build a.rcp --store straight --json
    is '.searches[0].trials' '{"hit":0,"extend":0,"train":4,"failed":0}'
    jq -c '.searches[0].trace[] | [.cell, .score]' out >straight.scores

    with_epochs 3 "$@"
    run 0 hpx build a.rcp
    with_epochs 4 "$@"
    run 0 hpx build a.rcp -q
    with_epochs 15 "$@"
    run 0 hpx plan a.rcp
    equal "$(grep -c '^    extend .* from epoch 4$' out)" 4 'the number of trials to extend'
    run 0 hpx build a.rcp --json
    is '.searches[0].trials' '{"hit":0,"extend":4,"train":0,"failed":0}'
    is '[.searches[0].trace[].verdict] | unique' '["extend"]'
    is '.searches[0] | .paid_training_macs * 15 == .nominal_training_macs * 11' true
    equal "$(grep "^hpx: " err)" 'hpx: 0 trials trained, 4 extended, 0 failed: 4 extend 4 -> 15' 'stderr'
    jq -c '.searches[0].trace[] | [.cell, .score]' out >extended.scores
    same_files straight.scores extended.scores

    outputs straight >straight.outputs
    outputs "$HPX_STORE" >extended.outputs
    equal "$(wc -l <straight.outputs)" $((4 * 15)) 'the number of artifacts'
    same_files straight.outputs extended.outputs
    for store in straight "$HPX_STORE"; do # the metrics to the last digit
        hpx export --csv a.rcp --store "$store" | cut -d, -f1-10 >"$(basename "$store").csv"
    done
    same_files straight.csv store.csv

    run 0 hpx show "$(head -1 extended.outputs | cut -d' ' -f1)" --json
    is '[.epochs[].parent.epoch]' '[null,null,null,3,4,4,4,4,4,4,4,4,4,4,4]'
    is '.key as $key | [.epochs[].parent | select(.) | .key] | unique == [$key]' true
    run 0 hpx verify

    with_epochs 3 "$@"
    run 0 hpx build a.rcp --store straight --json
    is '.searches[0].trials' '{"hit":4,"extend":0,"train":0,"failed":0}'
    has err 'nothing to train'
}

test_adam() {
    check_extending 'optimizer = adam' 'rate = 0.01' 'seeds = 3'
}

test_sgd_momentum_step() {
    check_extending 'optimizer = sgd' 'rate = 0.1' 'momentum = 0.9' 'schedule = step' 'step-epochs = 2' 'step-factor = 0.7'
}

test_sgd_plain_decay() {
    check_extending 'optimizer = sgd' 'rate = 0.2' 'weight-decay = 0.01' 'nesterov = no'
}

test_dropout() {
    model='dropout = 0.3' check_extending 'rate = 0.01'
}

# The schedule ends at the last epoch, so that no epoch of 3 is one of 15.
test_cosine_trains_anew() {
    local cosine=('schedule = cosine' 'rate = 0.01')
    with_epochs 3 "${cosine[@]}"
    run 0 hpx build a.rcp
    outputs "$HPX_STORE" >before
    with_epochs 15 "${cosine[@]}"
    run 0 hpx plan a.rcp
    has out '4 train'
    has out 'The schedule depends on the last epoch: a change of epochs trains from the start'
    run 0 hpx plan a.rcp --json
    is '.depends_on_last_epoch' true
    is '[.searches[0].trials[].verdict] | unique' '["train"]'
    run 0 hpx build a.rcp --json
    is '.searches[0].trials' '{"hit":0,"extend":0,"train":4,"failed":0}'
    with_epochs 3 "${cosine[@]}"
    run 0 hpx build a.rcp --json
    is '.searches[0].trials' '{"hit":4,"extend":0,"train":0,"failed":0}'
    outputs "$HPX_STORE" >after
    equal "$(comm -23 <(sort before) <(sort after))" '' 'what is lost or changed'
    with_epochs 3
    run 0 hpx plan a.rcp --json
    is '.depends_on_last_epoch' false
}

run_tests "$@"

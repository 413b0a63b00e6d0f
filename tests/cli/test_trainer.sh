#!/bin/bash
# A trainer of another kind (tests/trainer/quadratic.c): no data set, no multiplications, metrics of its own names.
HPX=${BUILD:-build}/tests/trainer/hpx
source "$(dirname "$0")/common.sh"

recipe() { # more lines of the recipe
    printf '%s\n' 'model quadratic' '  start = $s' 'train' '  rate = $r' '  epochs = 3' '  seeds = 1 2' \
        'axis s = 1 2 3 4' 'axis r = 0.1 0.2 0.3' 'search climb' '  method = hill-climb' 'search all' '  method = grid' "$@"
}

test_all() {
    recipe >a.rcp
    run 0 hpx plan a.rcp
    has out '24 trials to train'
    has out 'They take 72 epochs.'
    has out ' epochs  time '
    has_not out multiplications
    run 0 hpx build --json a.rcp -j 2
    is '[.grid.macs, .dataset, .searches[].nominal_macs]' '[null,null,null,null]'
    is '[.searches[] | [.end.s, .end.r, .relative_cost, .trials.train]]' '[[1,0.3,0.5,12],[1,0.3,1,12]]'
    # Nothing is trained twice, and three epochs are continued to five.
    run 0 hpx build --json a.rcp
    is '[.searches[].trials.hit]' '[12,24]'
    run 0 hpx build --json a.rcp epochs=5
    is '[.searches[].trials.extend]' '[12,12]'
    mv out extended
    run 1 hpx gc -n --max-size 1
    has out 'to train them again: 120 epochs, '
    has_not out multiplications
    run 1 hpx gc -n --json --max-size 1
    is '[.macs, .epochs, ([.collected[].macs] | unique)]' '[0,120,[null]]'
    run 0 env "$HPX" build --json --store other a.rcp epochs=5
    equal "$(jq -c '[.searches[] | [.end, .score, [.trace[].score]]]' out)" \
        "$(jq -c '[.searches[] | [.end, .score, [.trace[].score]]]' extended)" 'what was continued'

    run 0 hpx audit --json
    is 'length' 24
    is '[.[] | [.epoch, .parent.epoch, .dataset, (.metrics | keys)]] | unique' '[[5,3,{},["height","nearness"]]]'
    run 0 hpx show "$(jq -r '.[0].key' out)"
    has out 'nearness'
    has_not out 'lost'
    run 0 hpx reproduce "$(hpx ls --json | jq -r '.[0].key')"
    has out 'the same, bit for bit: 5 of 5'
    run 0 hpx verify --rebuild 20%
    has out '5 the same, 0 differ, 0 failed'

    run 0 hpx export --csv a.rcp
    mv out table.csv
    equal "$(head -1 table.csv)" 's,r,seed,epoch,status,height,nearness,seconds,key'
    run 0 hpx replay --json table.csv a.rcp
    is '[.searches[] | [.end.s, .end.r, .relative_cost]]' '[[1,0.3,0.5],[1,0.3,1]]'
    run 0 hpx export --all -o bundle
    run 0 env "$HPX" import --store third bundle
    run 0 env "$HPX" build --json --store third a.rcp epochs=5
    is '[.searches[].trials.hit]' '[12,24]'
}

# A training fails as the model's do.
test_failed() {
    recipe >a.rcp
    run 0 hpx build --json a.rcp 'axis.r=0.1 9' epochs=9
    is '.searches[1].trials.failed' 8
    is '.searches[1].end.r' 0.1
}

test_mistakes() {
    recipe >a.rcp
    { recipe && echo 'dataset mnist'; } >b.rcp
    run 2 hpx build b.rcp
    has err "model quadratic reads no data set: expected no 'dataset'"
    run 2 hpx build a.rcp objective=test_accuracy
    has err 'height, nearness'
    # Nobody can say which of its code a training runs.
    run 0 hpx build a.rcp
    run 1 hpx adopt 00 --sample 3
    has err 'no result is of such a trainer'
}

run_tests

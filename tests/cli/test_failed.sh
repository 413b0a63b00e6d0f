# Trials that fail because of what they are, here by weights that overflow: results like any other, stored and found
# again, worse than any score. What ends by accident is none: tests/unit/test_build.c.
. "$(dirname "$0")/common.sh"

# Weight decay that multiplies the weights by -19 at every step: they overflow in the second epoch or the third.
diverging() { # VALUES OF THE DECAY [SETTING...]
    recipe a.rcp 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $decay' "${@:2}" <<X
axis n1 = 16 8 4
axis n2 = 8
axis decay = $1
search grid
  method = grid
search cross
  method = full-cross
  first = decay
X
}

DIVERGED='^hpx: n1=[0-9]* n2=8 decay=200: epoch [23]: the loss is no longer finite$'

test_found_again() {
    diverging '200 0' 'epochs = 5'
    run 0 hpx build a.rcp
    equal "$(grep -c "$DIVERGED" err)" 3 'the number of trials said to fail'
    has err 'hpx: 6 trials trained, 0 extended, 3 failed'
    grep -Eq '^grid +\(.*, 8, 0\) .* 6 +0 +0 +6 +3 +[0-9.]+$' out || fail 'the row of grid'
    grep -Eq '^cross +\(.*, 8, 0\) ' out || fail 'the row of cross'
    run 0 hpx verify
    run 0 hpx build a.rcp --json
    is '.searches[0].trials' '{"hit":6,"extend":0,"train":0,"failed":3}'
    is '.searches[0].trace[0]' '{"cell":{"n1":16,"n2":8,"decay":200},"epochs":5,"score":null,"verdict":"hit","status":"failed"}'
    is '[.searches[].stop]' '["complete","fixpoint"]'
    is '[.searches[].end.decay]' '[0,0]'
    has err 'nothing to train: all 6 trials are stored; 3 of them failed'
    has_not err 'no longer finite'
    run 0 hpx plan a.rcp --exit-code --json
    is '[.searches[0].trials[] | .verdict] | unique' '["hit"]'
    is '[.searches[0].trials[] | select(.status == "failed") | .cell.decay] | unique' '[200]'
    # Trained again at will: it fails in the same way.
    outputs "$HPX_STORE" >before
    run 0 hpx build a.rcp -B -q
    outputs "$HPX_STORE" >after
    same_files before after
    local key
    key=$(hpx ls --json | jq -r 'map(select(.status == "failed"))[0].key')
    run 0 hpx forget -y "$key"
    run 0 hpx build a.rcp -q --json
    is '.searches[0].trials' '{"hit":5,"extend":0,"train":1,"failed":3}'
    outputs "$HPX_STORE" >after
    same_files before after
}

# The epochs before are results; all from the one in which it failed have failed.
test_epochs() {
    diverging 200 'epochs = 9' 'keep = all'
    run 1 hpx build a.rcp -q
    run 0 hpx ls --json
    is '[.[].status] | unique' '["failed"]'
    is '[.[].failure] | unique' '["the loss is no longer finite"]'
    is '[.[].metrics[]] | unique' '[]'
    local key epoch
    key=$(jq -r .[0].key out)
    epoch=$(jq .[0].epoch out)
    run 0 hpx show "$key"
    has out "failed      in epoch $epoch: the loss is no longer finite"
    has out "checkpoint  of epoch $((epoch - 1))"
    run 0 hpx show "$key" --json
    is '[.epochs[] | .status == "failed"] | [length, index(true)]' "[$epoch,$((epoch - 1))]"
    sed -i 's/epochs = 9/epochs = 1/' a.rcp
    run 0 hpx build a.rcp --json
    is '.searches[0].trials' '{"hit":3,"extend":0,"train":0,"failed":0}'
    sed -i 's/epochs = 1/epochs = 30/' a.rcp
    run 1 hpx build a.rcp --json
    is '.searches[0].trials' '{"hit":3,"extend":0,"train":0,"failed":3}'
    # One that was stored up to the epoch before goes on from there, and fails.
    sed -i 's/epochs = 30/epochs = 1/' a.rcp
    HPX_STORE=$PWD/other
    run 0 hpx build a.rcp -q
    sed -i 's/epochs = 1/epochs = 9/' a.rcp
    run 1 hpx build a.rcp -q --json
    is '.searches[0].trials' '{"hit":0,"extend":3,"train":0,"failed":3}'
    outputs "$scratch/test_epochs/store" >straight
    outputs other >extended
    same_files straight extended
}

test_every_trial_fails() {
    diverging 1000 'epochs = 5'
    run 1 hpx build a.rcp
    has err 'hpx: grid: all its cells failed'
    grep -Eq '^grid .* failed +- .* 3 +0 +0 +3 +3 +[0-9.]+$' out || fail 'the row of grid'
    run 1 hpx build a.rcp --json -q
    is '[.searches[0] | .score, .difference, .incumbent_score, .stop]' '[null,null,null,"complete"]'
    run 0 hpx plan a.rcp --exit-code
    has out '3 hit, 3 failed'
    # Each in its first epoch: that says nothing of the time that a whole one takes.
    sed -i 's/n1 = 16 8 4/n1 = 5/' a.rcp
    run 0 hpx plan a.rcp --json
    is .calibrated true
    run 1 hpx build a.rcp
    run 1 hpx build a.rcp
    has err 'hpx: nothing to train: 1 trial is stored; it failed'
    has err 'hpx: grid: its only cell failed'
}

# A cell is the mean over its seeds, and there is none when one of them failed.
test_seeds() {
    diverging '0 200' 'epochs = 3' 'seeds = 1 2'
    run 0 hpx build a.rcp --json -q
    is '.searches[0].trials.failed' 6
    is '[.searches[0].trace[] | select(.status == "failed") | .score] | unique' '[null]'
    is '.searches[0].end.decay' 0
}

test_minimised() {
    diverging '200 0' 'epochs = 3' 'objective = validation_loss'
    run 0 hpx build a.rcp --json -q
    is '[.searches[].end.decay]' '[0,0]'
    is '[.searches[].incumbent.decay]' '[0,0]'
}

what_matters() { # FILE
    jq '.searches[] | [.name, .end, .score, .incumbent, .stop, .evaluations, .relative_cost, .nominal_training_macs,
        (.trace[] | [.cell, .score, .status])]' "$1"
}

# What a store tells of a failure, another one and a replay know, too.
test_export() {
    diverging '200 0' 'epochs = 5'
    run 0 hpx build a.rcp --json -q
    what_matters out >built
    hpx export --csv a.rcp >t.csv
    head -1 t.csv >out
    has out 'decay,seed,epoch,status,train_loss'
    equal "$(grep -c ',failed,,,,,,,' t.csv)" 3 'the number of failed rows'
    run 0 hpx replay t.csv a.rcp --json
    is '.searches[0].trials' '{"hit":6,"extend":0,"train":0,"failed":3}'
    what_matters out >replayed
    same_files built replayed
    grep -v ',0,1,' t.csv >only-failed.csv
    sed -i 's/decay = 200 0/decay = 200/' a.rcp
    run 1 hpx replay only-failed.csv a.rcp
    has err 'all its cells failed'

    run 0 hpx export --all -o b.hpx
    outputs "$HPX_STORE" >before
    HPX_STORE=$PWD/other
    run 0 hpx import b.hpx
    outputs other >after
    same_files before after
    run 1 hpx build a.rcp --json -q
    is '.searches[0].trials' '{"hit":3,"extend":0,"train":0,"failed":3}'
    run 0 hpx import b.hpx
    run 0 hpx verify
}

# An axis may have the name of a column.
test_axis_called_status() {
    recipe a.rcp 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $status' 'epochs = 3' <<'X'
axis n1 = 8
axis n2 = 8
axis status = 0 200
search grid
  method = grid
X
    run 0 hpx build a.rcp --json -q
    what_matters out >built
    hpx export --csv a.rcp >t.csv
    run 0 hpx replay t.csv a.rcp --json
    what_matters out >replayed
    same_files built replayed
}

# Whoever asks about a result is told that it failed, and why.
test_told() {
    diverging '200 0' 'epochs = 5'
    run 0 hpx build a.rcp -q
    run 0 hpx why a.rcp n1=4 n2=8 decay=200
    has out '5 epochs: hit'
    has out 'failed: the loss is no longer finite'
    run 0 hpx why a.rcp n1=4 n2=8 decay=200 --json
    is '[.verdict, .status, .nearest.status, .nearest.failure]' \
        '["hit","failed","failed","the loss is no longer finite"]'
    run 0 hpx ls
    equal "$(grep -c failed out)" 3
    run 0 hpx audit --json
    is '[.[] | select(.status == "failed") | .failure] | length' 3
    run 0 hpx log a.rcp n1=4 n2=8 decay=200
    has out failed
    local failed fine
    failed=$(hpx ls --json | jq -r 'map(select(.status == "failed"))[0].key')
    fine=$(hpx ls --json | jq -r 'map(select(.status != "failed"))[0].key')
    run 0 hpx diff "$failed" "$fine"
    has out 'decay 200 -> 0'
    run 0 hpx diff "$failed" "$fine" --json
    run 0 hpx reproduce "$failed"
    has out 'the same, bit for bit'
    run 0 hpx reproduce "$failed" --json
    is .verdict '"same"'
    run 0 hpx verify --rebuild 100%
    has out '6 the same, 0 differ, 0 failed'
}

run_tests "$@"

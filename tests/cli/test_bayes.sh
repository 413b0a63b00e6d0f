# Bayesian optimisation as a user runs it: the trace is the same however many processors there are, in whatever order
# trainings end, whatever is stored, and after an interruption.
. "$(dirname "$0")/common.sh"

searches() { # FILE: cells that take from moments to a second, so that they do not end in their order
    recipe "$1" 'epochs = 6' 'seeds = 1 2' <<'X'
axis n1 = log2 2..256
axis n2 = 2 4 16 64
search plain
  method      = bayes
  evaluations = 11
search lagging
  method      = bayes
  evaluations = 12
  initial     = 3
  lag         = 3
  seed        = 4
search cheap
  method      = bayes
  evaluations = 8
  per-cost    = yes
X
}

traces() { # of ./out
    jq -c '.searches[] | [.name, .stop, .end, .score, (.trace | map([.cell, .score]))]' out
}

test_same_for_any_jobs() {
    searches a.rcp
    run 0 hpx build a.rcp --json -j 1 --store one
    traces >one.traces
    is '[.searches[].evaluations]' '[11,12,8]'
    is '[.searches[].stop] | unique' '["complete"]'
    is '[.searches[].trace | map(.cell) | length == (unique | length)] | all' true
    local options
    for options in '-j 2' '-j 4' '-j 2 --no-speculate'; do
        run 0 hpx build a.rcp --json $options --store "two$options"
        traces >two.traces
        same_files one.traces two.traces
    done
    run 0 hpx build a.rcp:lagging --json -j 3 --store three # alone
    grep '^\["lagging"' one.traces >expected
    traces >three.traces
    same_files expected three.traces
    # Each knows what its store has, and a replay knows its table.
    run 0 hpx plan a.rcp --json --store one
    is '[.searches[].trials[].verdict] | unique' '["hit"]'
    HPX_STORE=one hpx export --csv a.rcp >table.csv
    run 0 hpx replay table.csv a.rcp --json
    traces >replayed.traces
    same_files one.traces replayed.traces
}

test_interrupted() {
    searches a.rcp
    sed -i 's/epochs = 6/epochs = 150/; s/seeds = 1 2/seeds = 1/' a.rcp
    run 0 hpx build a.rcp:lagging --json -j 1 --store straight
    traces >straight.traces
    "$HPX" build a.rcp:lagging -q -j 2 >build.out 2>&1 &
    local pid=$! stopped
    some_stored() { [[ $(stored) -ge 5 ]]; }
    poll some_stored
    kill -INT $pid
    wait $pid && fail 'the build ended before it was interrupted'
    stopped=$(stored)
    [[ $stopped -lt 12 ]] || fail "$stopped were stored when the build was interrupted"
    run 0 hpx build a.rcp:lagging --json -j 2
    is '.searches[0].trials | .hit + .extend >= 3' true
    traces >resumed.traces
    same_files straight.traces resumed.traces
}

# A failed cell is the worst so far, and the search goes on.
test_failed_cells() {
    recipe a.rcp 'epochs = 3' 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $decay' <<'X'
axis n1    = 4 8
axis n2    = 8
axis decay = 0 1e-3 1e-2 100 150 200 250 300 400
search b
  method      = bayes
  evaluations = 14
X
    run 0 hpx build a.rcp --json -j 2
    is '.searches[0].trials.failed > 0' true
    is '.searches[0].evaluations' 14
    is '.searches[0].end.decay < 1' true
    traces >two.traces
    run 0 hpx build a.rcp --json -j 1 --store other
    traces >one.traces
    same_files one.traces two.traces
}

# A program's own objective counts as it is; with -k what ended by accident counts as failed.
test_programs() {
    export HPX_SCRATCH=$PWD/scratch
    printf '%s\n' 'program' '  command = sh train.sh $a' '  code = train.sh' '  metrics = stdout' 'train' \
        '  objective = minimise height' 'axis a = 1..12' 'search b' '  method = bayes' '  evaluations = 8' '  lag = 2' >a.rcp
    echo '[ "$1" != 7 ] || exit 3; echo "height=$((($1 - 5) * ($1 - 5) - 100))"' >train.sh
    run 1 hpx build -k a.rcp --json -j 2
    is '.searches[0] | [.evaluations, .end.a, .score]' '[8,5,-100]'
    is '[.searches[0].trace[] | select(.score == null) | .cell.a]' '[7]'
    traces >two.traces
    run 1 hpx build -k a.rcp --json -j 1 --store other
    traces >one.traces
    same_files one.traces two.traces
}

# What hpx knows of the data it says; of a program's it does not.
test_selected_on_test_data() {
    recipe a.rcp 'epochs = 1' 'objective = test_accuracy' <<'X'
axis n1 = 2 4
axis n2 = 2
search s
  method = grid
X
    run 0 hpx build a.rcp
    has out 'Cells were selected on test images, so their scores are optimistic.'
    run 0 hpx build a.rcp objective=validation_accuracy
    has_not out 'optimistic'
    printf '%s\n' 'program' '  command = echo test_accuracy=$a' '  code = a.rcp' '  metrics = stdout' 'train' \
        '  objective = test_accuracy' 'axis a = 1 2' 'search s' '  method = grid' >p.rcp
    run 0 hpx build p.rcp
    has out 'Cells were selected by test_accuracy, so their scores are optimistic.'
}

# Where there are no cells left, it ends.
test_whole_grid() {
    searches a.rcp
    run 0 hpx build a.rcp:plain plain.evaluations=100 epochs=1 seeds=1 'axis.n1=2 4 8' --json
    is '[.searches[0].evaluations, .searches[0].stop]' '[12,"complete"]'
}

test_refused() {
    searches a.rcp
    run 2 hpx plan a.rcp cheap.initial=9
    has err "hpx: command line: 'initial' is more than 'evaluations': expected at most 8"
    run 2 hpx plan a.rcp 'axis.n1=1..65536'
    has err "bayes search 'plain' has a grid of 262144 cells: expected at most 100000, or another method"
    printf '%s\n' 'program' '  command = true' 'train' '  objective = maximise x' 'axis a = 1 2' 'search b' \
        '  method = bayes' '  evaluations = 2' '  per-cost = yes' >p.rcp
    run 2 hpx plan p.rcp
    has err "hpx: p.rcp:9:14: 'per-cost' goes by multiplications, and those of a program are not known: expected 'no'"
}

run_tests "$@"

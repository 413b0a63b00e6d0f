# Methods that draw cells, and those that train cells for fewer epochs first: the same from a table, from the store and by
# training, whatever trains at once and wherever it is interrupted.
. "$(dirname "$0")/common.sh"

METHODS=(random screen-grid screen-hill screen-full screen-partial screen-random halving hyperband asha)

methods() { # FILE SETTING...
    recipe "$@" <<'X'
axis n1 = 2 4 8
axis n2 = 2 4 8
search random
  method = random
  evaluations = 4
  seed = 3
search screen-grid
  method = grid
  screen-epochs = 1
  promote = 2
search screen-hill
  method = hill-climb
  neighbours = axes
  screen-epochs = 2
  promote = 1
search screen-full
  method = full-cross
  screen-epochs = 3
  promote = 3
search screen-partial
  method = partial-cross
  limit = 1
  screen-epochs = 1
  promote = 9
search screen-random
  method = random
  evaluations = 5
  screen-epochs = 1
  promote = 1
search halving
  method = halving
  evaluations = 7
  eta = 2
search hyperband
  method = hyperband
  eta = 2
search asha
  method = asha
  evaluations = 8
  eta = 2
  workers = 3
X
}

# What is found, however the results come by.
found() { # FILE
    jq -S '.searches | map(del(.seconds, .trials, .paid_macs, .paid_training_macs, .epochs_saved) |
        del(.trace[].verdict))' "$1"
}

test_build_plan_replay() {
    methods a.rcp 'epochs = 5' 'seeds = 1 2'
    run 0 hpx build a.rcp -j1 --no-speculate --json
    found out >expected
    is '.searches | map(.stop) | unique' '["complete","fixpoint","peak"]'
    is '.searches | map(.trace | map([.cell, .epochs]) | length == (unique | length)) | all' true
    is '.searches | map(.evaluations == (.trace | length)) | all' true
    is '.searches | map(.cells == (.trace | map(.cell) | unique | length)) | all' true
    is '.searches | map(.epochs_retrained == 2 * (.trace | map(.epochs) | add)) | all' true
    is '.searches | map(.epochs_continued == 2 * (.trace | group_by(.cell) | map(map(.epochs) | max) | add)) | all' true
    is '[.searches[].end == .searches[].incumbent] | any' true
    is '.searches | map(select(.screened) | .name)' \
        '["screen-grid","screen-hill","screen-full","screen-partial","screen-random"]'
    is '.searches[] | select(.name == "screen-grid") | [.trace[].epochs] | [length, .[8], .[9], .[10]]' '[11,1,5,5]'
    is '.searches[] | select(.name == "hyperband") | [.trace[].epochs] | unique' '[1,2,5]'

    run 0 hpx plan a.rcp
    has out 'Nothing to train'
    run 0 hpx build a.rcp --json
    found out >again
    same_files expected again
    is '[.searches[] | .epochs_saved == .epochs_continued] | all' true

    run 0 hpx export --csv
    mv out table.csv
    run 0 hpx replay table.csv a.rcp --json
    found out >replayed
    same_files expected replayed
}

test_searches_alone() {
    methods a.rcp 'epochs = 4'
    run 0 hpx build a.rcp -j2 --json --store all
    local search
    found out >expected
    for search in "${METHODS[@]}"; do
        run 10 hpx plan "a.rcp:$search" --exit-code --store none
        run 0 hpx build "a.rcp:$search" -j2 --json --store "$search"
        equal "$(jq -c '.searches[0].trace | map([.cell, .epochs, .score])' out)" \
            "$(jq -c --arg name "$search" '.[] | select(.name == $name) | .trace | map([.cell, .epochs, .score])' expected)" \
            "the trace of $search"
        # It trains the epochs that it is said to, and what was trained speculatively.
        is '[.searches[0] | .paid_training_macs == .nominal_training_macs, .epochs_saved == 0] | all' true
    done
}

has_trials() { # NUMBER
    [[ $(stored) -ge $1 ]]
}

test_interrupted() {
    methods a.rcp 'epochs = 6'
    run 0 hpx build a.rcp -j1 --json --store whole
    found out >expected
    local trials
    for trials in 1 3 6; do
        hpx build a.rcp -j2 >/dev/null 2>&1 &
        poll has_trials "$trials"
        kill -INT $! 2>/dev/null || true
        wait $! || true
    done
    run 0 hpx build a.rcp -j2 --json
    found out >resumed
    same_files expected resumed
}

# A request for fewer epochs that is stored says nothing of one for more.
test_plan_of_what_is_stored_in_part() {
    recipe a.rcp 'epochs = 9' <<'X'
axis n1 = 2 4
axis n2 = 2
search grid
  method = grid
search screen
  method = grid
  screen-epochs = 3
  promote = 1
X
    run 0 hpx build a.rcp:grid epochs=5
    run 0 hpx plan a.rcp --json
    is '.searches[0].verdicts' '{"hit":0,"extend":2,"train":0,"failed":0}'
    is '[.searches[0].trials[].from]' '[5,5]'
    run 0 hpx build a.rcp:grid epochs=5 keep=none --store none
    run 0 hpx plan a.rcp --json --store none
    is '.searches[0].verdicts' '{"hit":0,"extend":0,"train":2,"failed":0}'
}

# Its rungs are on the way to the last epoch, whose schedule they have.
test_schedule() {
    recipe a.rcp 'epochs = 4' 'schedule = cosine' <<'X'
axis n1 = 2 4 8
axis n2 = 2 4
search s
  method = halving
  evaluations = 6
  eta = 2
X
    run 0 hpx build a.rcp
    has out 's: 10 evaluations of 6 cells take 16 epochs if each is trained from the start, 11 if they continue'
    has out "Its schedule depends on the last epoch, which is the recipe's for all of them."
    run 0 hpx build a.rcp --json
    is '.searches[0].trials' '{"hit":10,"extend":0,"train":0,"failed":0}'
    equal "$(stored)" 6 'trajectories'
    has_not err warning
    run 0 hpx plan a.rcp epochs=1
    has err 'warning: s (halving) trains all its cells to the end: below 2 epochs, min-epochs times eta, it stops none, and the recipe has 1'
}

# Weight decay that multiplies the weights at every step: they overflow in the second epoch.
test_failures() {
    recipe a.rcp 'epochs = 4' 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $decay' <<'X'
axis n1 = 4
axis n2 = 4
axis decay = 0 0.001 500 600
search s
  method = grid
  screen-epochs = 2
  promote = 3
search h
  method = halving
  evaluations = 4
  eta = 2
X
    run 0 hpx build a.rcp:s -k -j2 --json
    is '.searches[0].trace | map(select(.epochs == 4) | .cell.decay) | sort' '[0,0.001]'
    is '.searches[0].trace | map(select(.epochs == 2 and .status == "failed") | .cell.decay) | sort' '[500,600]'
    # Where all have failed, there is nothing to promote.
    run 1 hpx build a.rcp:s 'axis.decay=500 600' -k --json
    is '.searches[0] | [.end.decay, .score, .screened.decay, .evaluations, .incumbent.decay]' '[500,null,500,2,500]'
    has err 's: all its cells failed'
    # Good for an epoch, these are promoted, and have no score at the next.
    run 1 hpx build a.rcp:h -k
    has err 'h: all its cells failed that came to epoch 2'
    has out 'failed'
}

# Each number of epochs is a run of its own of a program that does not continue, and its cost.
test_program_that_does_not_continue() {
    printf '%s\n' 'program' '  command = sh train.sh $n $epochs' '  code = train.sh' '  metrics = stdout' 'train' \
        '  epochs = 4' '  objective = maximise score' 'axis n = 1..8' 'search h' '  method = halving' \
        '  evaluations = 8' '  eta = 2' 'search s' '  method = grid' '  screen-epochs = 2' '  promote = 2' >a.rcp
    echo 'echo "score=$(($1 * HPX_EPOCHS + $2))"' >train.sh
    run 0 hpx build a.rcp -j2 --json
    is '.searches[0].trace | map([.epochs, .score == .cell.n * .epochs + .epochs]) | group_by(.[0]) |
        map([.[0][0], length, all(.[]; .[1])])' '[[1,8,true],[2,4,true],[4,2,true]]'
    is '.searches[0] | [.end.n, .cells, .evaluations, .epochs_retrained, .epochs_continued]' '[8,8,14,24,24]'
    is '.searches[0].relative_cost' 0.75
    is '.searches[0].trials' '{"hit":0,"extend":0,"train":14,"failed":0}'
    is '.searches[1].trials' '{"hit":6,"extend":0,"train":4,"failed":0}' # the others are shared
    equal "$(stored)" 18 'trajectories'
    run 0 hpx plan a.rcp --exit-code
}

run_tests "$@"

#!/usr/bin/env bash
# A search is the same search however it comes by its scores: with one slot or several, with and without speculation,
# interrupted or killed at any point and resumed, as often as that may be. What it says of itself is compared byte for byte.
. "$(dirname "$0")/common.sh"

# Of the draws that say when builds are interrupted: SEED=N repeats them, as far as the machine does.
SEED=${SEED:-$$}
echo "  SEED=$SEED"

# Methods that decide by scores of several epochs, and those whose next cell depends on all results before. Where decay is 500
# or more every training diverges: soon in small networks, later in others.
searches() { # FILE SETTING...
    recipe "$1" 'epochs = 9' 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $decay' "${@:2}" <<'X'
axis n1    = log2 4..256
axis n2    = 4 32
axis decay = 0 1e-3 500 600
search bayes
  method      = bayes
  evaluations = 14
search bayes-lag
  method      = bayes
  evaluations = 16
  initial     = 5
  lag         = 3
  seed        = 4
search bayes-cost
  method      = bayes
  evaluations = 12
  per-cost    = yes
search bayes-screen
  method        = bayes
  evaluations   = 12
  screen-epochs = 3
  promote       = 2
search hyperband
  method = hyperband
search halving
  method      = halving
  evaluations = 20
  eta         = 2
search asha
  method      = asha
  evaluations = 20
  workers     = 3
search asha-one
  method      = asha
  evaluations = 12
  workers     = 1
  eta         = 2
  min-epochs  = 2
search hill
  method        = hill-climb
  screen-epochs = 2
  promote       = 3
search cross
  method = full-cross
  scan   = outward
X
}

# All but what this build had to do for it.
traces() { # of ./out
    jq -S '.searches[] | del(.seconds, .trials, .paid_macs, .paid_training_macs, .epochs_saved) | del(.trace[].verdict)' out
}

# Notes in $whole how long a build takes that nothing interrupts, in milliseconds.
build_whole() { # CODE OPTION...
    local from
    from=$(date +%s%N)
    run "$1" hpx build "${@:2}" --store one
    whole=$((($(date +%s%N) - from) / 1000000))
}

# Builds until it is done, and sends a signal at some point before that: first soon, then within the time that a whole build
# takes. Counts the signals in ./signals.
build_interrupted() { # CODE STORE OPTION...
    local code=0 expected=$1 store=$2 pid attempts signal signals=0 milliseconds
    shift 2
    for ((attempts = 0; attempts < 12; attempts++)); do
        milliseconds=$((RANDOM % (whole / (attempts ? 1 : 8) + 1)))
        signal=$((RANDOM % 2 ? 2 : 9))
        "$HPX" build "$@" --store "$store" -q >build.out 2>&1 &
        pid=$!
        sleep "$((milliseconds / 1000)).$(printf %03d $((milliseconds % 1000)))"
        kill -$signal $pid 2>/dev/null
        code=0
        wait $pid 2>/dev/null || code=$?
        [[ $code == $((128 + signal)) ]] || break
        signals=$((signals + 1))
    done
    [[ $code == $((128 + signal)) || $code == "$expected" ]] || fail "exit code $code after $signals signals: $(cat build.out)"
    echo "$signals" >>signals
    run "$expected" hpx build "$@" --store "$store" --json
}

test_any_jobs() {
    searches a.rcp 'seeds = 1 2'
    run 0 hpx build a.rcp -k -j1 --no-speculate --json --store one
    traces >expected
    is '[.searches[].trace[] | select(.status == "failed")] | length > 10' true
    is '[.searches[].score == null] | any' false
    local options
    for options in '-j1' '-j2 --no-speculate' '-j2' '-j5'; do
        run 0 hpx build a.rcp -k $options --json --store "store $options"
        traces >got
        same_files expected got
    done
    # From all that is stored, from the table of it, and each search alone.
    run 0 hpx build a.rcp --json --store one
    is '[.searches[].trials | .train + .extend] | add' 0
    traces >got
    same_files expected got
    run 0 hpx export --csv a.rcp --store one
    mv out table.csv
    run 0 hpx replay table.csv a.rcp --json
    traces >got
    same_files expected got
}

test_interrupted_and_resumed() {
    local round
    searches a.rcp
    build_whole 0 a.rcp -k -j1 --no-speculate --json
    traces >expected
    RANDOM=$SEED
    for round in 1 2 3 4; do
        build_interrupted 0 "store-$round" a.rcp -k -j2
        traces >got
        same_files expected got
        run 0 hpx verify --store "store-$round"
    done
    grep -qv '^0$' signals || fail 'no build was interrupted'
}

# Each alone, so that no other search has trained what it needs.
test_alone_and_interrupted() {
    local search
    searches a.rcp
    build_whole 0 a.rcp -k -j1 --no-speculate --json
    jq '.searches |= map(del(.difference))' out >all
    RANDOM=$((SEED + 1))
    for search in bayes-lag bayes-screen asha hyperband; do
        jq --arg name "$search" '.searches |= map(select(.name == $name))' all >out
        traces >expected
        build_interrupted 0 "store-$search" "a.rcp:$search" -k -j2
        jq '.searches |= map(del(.difference))' out >own
        mv own out
        traces >got
        same_files expected got
    done
    grep -qv '^0$' signals || fail 'no build was interrupted'
}

# With -k a trial that ends by accident counts as failed, each time that it is tried.
test_accidents() {
    local round
    printf '%s\n' 'program' '  command = sh train.sh $a $b' '  code = train.sh' '  metrics = stdout' '  continue = yes' 'train' \
        '  objective = maximise height' '  epochs = 9' 'axis a = 1..12' 'axis b = 1..3' \
        'search bayes' '  method = bayes' '  evaluations = 12' '  lag = 2' \
        'search asha' '  method = asha' '  evaluations = 14' '  workers = 2' \
        'search hyperband' '  method = hyperband' >a.rcp
    cat >train.sh <<'X'
from=$(cat "$HPX_RESUME/epoch" 2>/dev/null || echo 0)
[ "$1" != 7 ] || exit 3
epoch=$((from + 1))
while [ "$epoch" -le "$HPX_EPOCHS" ]; do
    [ "$1 $epoch" != "4 3" ] || exit 3
    echo "$epoch" >"$HPX_OUT/epoch"
    echo "epoch=$epoch height=$((100 + epoch * $2 - ($1 - 5) * ($1 - 5)))"
    epoch=$((epoch + 1))
done
X
    build_whole 1 a.rcp -k -j1 --no-speculate --json
    is '[.searches[].trace[] | select(.score == null)] | length > 3' true
    traces >expected
    RANDOM=$((SEED + 2))
    run 1 hpx build a.rcp -k -j3 --json --store three
    traces >got
    same_files expected got
    for round in 1 2; do
        build_interrupted 1 "store-$round" a.rcp -k -j2
        traces >got
        same_files expected got
    done
}

run_tests "$@"

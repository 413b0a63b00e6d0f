# Speculative training: workers that would idle train what the searches may come to. What a build finds is the same as without;
# what proves not to be needed is said, and waited for by nobody.
. "$(dirname "$0")/common.sh"

# A search whose results and costs are the same however they come by.
found() { # FILE
    jq -S 'del(.speculative) | .searches[] |= del(.seconds)' "$1"
}

searches() { # FILE: on a plane whose large cells take some hundred times as long as the small ones
    recipe "$1" 'epochs = 4' 'seeds = 1 2' <<'X'
axis n1 = 2 4 8 256
axis n2 = 2 4 8 16 256
search hill
  method = hill-climb
  neighbours = 4
search full
  method = full-cross
search partial
  method = partial-cross
  first  = n2
  limit  = 1
search outward
  method = partial-cross
  limit  = 1
  scan   = outward
  start  = 8 8
X
}

MACS='def macs: 64 * .n1 + .n1 * .n2 + .n2 * 4; def training_macs: 150 * (3 * macs - 64 * .n1);'

# All multiplications of what is in the store, which has no other results.
stored_macs() {
    hpx ls --json | jq "$MACS"' [.[] | .epoch as $epochs | .cell | training_macs * $epochs] | add'
}

test_same_with_and_without() {
    searches a.rcp
    local search jobs trials=0
    for search in hill full partial outward; do
        run 0 hpx build a.rcp:$search --json -j 3 --no-speculate --store "$search"
        is .speculative '{"trials":0,"paid_macs":0,"paid_training_macs":0,"seconds":0}'
        found out >without
        run 0 hpx build a.rcp:$search --json -j 1 --store "$search-1"
        is .speculative.trials 0
        found out >with
        same_files without with
        for jobs in 2 8; do
            HPX_STORE=$PWD/$search-$jobs
            run 0 hpx build a.rcp:$search --json -j $jobs
            found out >with
            same_files without with
            trials=$((trials + $(jq .speculative.trials out)))
            # Every multiplication is paid by the search or trained speculatively.
            is ".searches[0].paid_training_macs + .speculative.paid_training_macs == $(stored_macs)" true
            is '.searches[0] | .paid_training_macs == .nominal_training_macs' true
            # It is all there the next time.
            run 0 hpx build a.rcp:$search --json -j $jobs
            is '.searches[0] | .trials.hit == 2 * .evaluations' true
            run 0 hpx verify
        done
    done
    [[ $trials -gt 0 ]] || fail 'nothing was trained speculatively that was not needed'
}

# From 2 the climb looks at 6 and 1000. 6 is better and known first, so that it may well be the way, to 8000, whose training
# takes far longer than all the rest. But 1000 is better still, and the end. There are so many epochs that 8000 has long
# begun when 1000 ends, however busy the machine is.
test_nobody_waits() {
    recipe a.rcp 'epochs = 800' 'objective = train_loss' <<'X'
axis n1 = 3000 6 2 1000
axis n2 = 16
search climb
  method = hill-climb
  start  = 2 16
X
    run 0 hpx build a.rcp -j 4
    grep -Eq '^Trained speculatively and not needed: 1 trial, [0-9.]+ seconds\.$' out || fail 'the line under the table'
    grep -Eq '^climb +\(1000, 16\) .* 3 +0 +0 +3 +0 +[0-9.]+$' out || fail 'the row of the table'
    has err 'hpx: 3 trials trained, 0 extended, 0 failed'
    run 0 hpx ls --json
    is 'map(select(.cell.n1 == 3000) | .epoch >= 1 and .epoch < 800)' '[true]'
    run 0 hpx build a.rcp -j 4
    has err 'nothing to train: all 3 trials are stored'
    has_not out 'speculative'
    run 0 hpx plan a.rcp:climb --exit-code
}

test_option() {
    searches a.rcp
    run 0 hpx help build
    has out '--no-speculate'
    complains 2 "unknown option '--no-speculate'" hpx plan --no-speculate a.rcp
    run 0 hpx build a.rcp:full -j 8 --no-speculate
    has_not out 'speculative'
    # Retraining what is stored, to compare, is no reason to train more.
    run 0 hpx build a.rcp:full -j 8 -B --json
    is .speculative.trials 0
    equal "$(stored)" "$(jq '2 * .searches[0].evaluations' out)" 'the number of stored trajectories'
}

# Where decay is 1000 every training diverges. The speculative cell that fails there stands in nobody's way.
diverging() {
    recipe a.rcp 'epochs = 12' 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $decay' <<'X'
axis n1 = 4 512
axis n2 = 512
axis decay = 0 1000
search cross
  method = full-cross
  first  = n1
X
}

test_failing_speculative() {
    diverging
    run 0 hpx build a.rcp -j 1 --json
    found out >without
    is '.searches[0].trials.failed' 1
    HPX_STORE=$PWD/other
    run 0 hpx build a.rcp -j 4 --json
    found out >with
    same_files without with
    # It fails once, and that is said when it is needed.
    equal "$(grep -c '^hpx: n1=.* the loss is no longer finite' err)" 1 'the failures said'
    run 0 hpx build a.rcp -j 4 --json
    is '.searches[0].trials' '{"hit":3,"extend":0,"train":0,"failed":1}'
    has_not err 'no longer finite'
    run 0 hpx verify
}

run_tests "$@"

# best, and what ls shows: the objective, and the results that --where, --sort and --top leave.
. "$(dirname "$0")/common.sh"

grid() { # FILE SETTING...
    printf '%s\n' 'axis n1 = 2 4 8' 'axis act = relu tanh' 'search g' '  method = grid' | recipe "$@"
    sed -i 's/hidden = .*/hidden = $n1\n  activation = $act/' "$1"
}

test_best() {
    grid a.rcp 'epochs = 3' 'seeds = 1 2' 'rate = 0.01'
    run 0 hpx best a.rcp
    has err 'no cell of its grid is stored with 3 epochs'
    run 0 hpx build -q a.rcp
    run 0 hpx build -q a.rcp --json
    jq -r '.searches[0].trace | sort_by(-.score)[] | .score' out >expected
    run 0 hpx best a.rcp --json
    jq -r '.best[].score' out >got
    same_files got expected
    is '[.objective, .epochs, (.best | length)]' '["validation_accuracy",3,6]'
    is '[.best[].seeds] | unique' '[2]'
    is '.best[0].score_sd >= 0' true
    run 0 hpx best a.rcp --top 2
    equal "$(wc -l <out)" 3
    head -1 out | grep -Eq '^cell +validation_accuracy +seeds +epoch +key$' || fail 'the header'
    # A cell of which one seed is stored says so.
    sed -i 's/seeds = 1 2/seeds = 1 2 3/' a.rcp
    run 0 hpx best a.rcp
    has out '2 of 3'
    complains 2 'no such recipe' hpx best no.rcp
    complains 2 'usage: hpx best' hpx best
}

test_where_sort_top() {
    grid a.rcp 'epochs = 2'
    run 0 hpx build -q a.rcp
    run 0 hpx ls --where act=relu --json
    is '[.[].cell.act] | unique' '["relu"]'
    is length 3
    run 0 hpx ls --where act=relu --where n1=4.0 --json
    is '[.[].cell.n1]' '[4]'
    run 0 hpx ls a.rcp --sort n1 --json
    is '[.[].cell.n1]' '[2,2,4,4,8,8]'
    run 0 hpx ls --sort test_accuracy --top 3 --json
    is '[.[].metrics.test_accuracy] | . == (sort | reverse)' true
    is length 3
    run 0 hpx ls --sort validation_loss --json
    is '[.[].metrics.validation_loss] | . == sort' true
    run 0 hpx best a.rcp --where act=tanh --sort n1 --json
    is '[.best[].cell.n1]' '[2,4,8]'
    run 0 hpx ls --where status=failed --json
    is length 0
    complains 2 '--sort n3: no result has that' hpx ls --sort n3
    complains 2 "--where sed: no result has that; did you mean 'seed'?" hpx ls --where sed=1
    complains 2 'expected NAME=VALUE' hpx ls --where n1
    complains 2 'expected a whole number' hpx ls --top none
    complains 2 '--sort' hpx show --sort n1 12
}

# All metrics, and all epochs; tables and JSON have the same values.
test_metrics_and_epochs() {
    local metrics='train_loss +train_accuracy +validation_loss +validation_accuracy +test_loss +test_accuracy'
    grid a.rcp 'epochs = 3' 'seeds = 1 2'
    run 0 hpx build -q a.rcp
    run 0 hpx ls a.rcp --metrics
    head -1 out | grep -Eq "^key +cell +seed +epoch +$metrics +data +code$" || fail 'the header of ls'
    equal "$(wc -l <out)" 13
    run 0 hpx ls --epochs --json
    is '[.[].epoch] | group_by(.) | map(length)' '[12,12,12]'
    run 0 hpx ls a.rcp --epochs --metrics --where n1=2 --where act=relu --where seed=1
    awk 'NR > 1 { print $6 }' out >losses
    equal "$(wc -l <losses)" 3
    run 0 hpx ls a.rcp --epochs --where n1=2 --where act=relu --where seed=1 --json
    jq -r '.[].metrics.train_loss * 10000 | round / 10000' out >expected
    awk '{ print $1 + 0 }' losses >got
    same_files got expected
    run 0 hpx best a.rcp --metrics --top 1
    head -1 out | grep -Eq '^cell +validation_accuracy +train_loss +train_accuracy +validation_loss +test_loss' || fail 'the header of best'
}

test_objective() {
    grid a.rcp 'epochs = 1' 'objective = validation_loss'
    run 0 hpx build a.rcp
    has out '1 epoch, 1 seed'
    run 0 hpx ls a.rcp
    head -1 out | grep -Eq '^key +cell +seed +epoch +validation_loss +test +data +code$' || fail 'the header'
    run 0 hpx ls
    head -1 out | grep -Eq '^key +cell +seed +epoch +validation +test +data +code$' || fail 'the header'
    run 0 hpx best a.rcp --json
    is '[.best[].score] | . == sort' true
}

run_tests "$@"

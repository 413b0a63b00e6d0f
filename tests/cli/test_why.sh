# Why a trial is a hit or not, one cell's history, and what two results differ in. How code versions show is tested in
# test_code_version.sh.
. "$(dirname "$0")/common.sh"

write_recipe() { # FILE SETTING...
    recipe "$1" "${@:2}" <<'X'
axis n1 = 2 4
axis n2 = 4 8
search grid
  method = grid
X
}

test_verdicts() {
    write_recipe a.rcp 'epochs = 2' 'seeds = 1 2'
    run 0 hpx why a.rcp n1=2 n2=8
    has out 'n1=2 n2=8, seed 1, 2 epochs: train'
    has out 'nearest  none: the store is empty'
    [[ ! -e $HPX_STORE ]] || fail 'asking made a store'
    run 0 hpx why a.rcp n1=2 n2=8 --json
    is '[.verdict, .nearest, .diff]' '["train",null,[]]'

    run 0 hpx build a.rcp -q
    run 0 hpx why a.rcp n1=2 n2=8 --json
    is '[.verdict, .seed, .nearest.epoch, .nearest.key == .key, .diff]' '["hit",1,2,true,[]]'
    run 0 hpx why a.rcp n1=2 n2=8 seed=2
    has out 'n1=2 n2=8, seed 2, 2 epochs: hit'

    # More epochs, with a checkpoint and without one.
    write_recipe b.rcp 'epochs = 3'
    run 0 hpx why b.rcp n2=8 n1=2
    has out 'n1=2 n2=8, seed 1, 3 epochs: extend'
    has out 'goes on after epoch 2'
    run 0 hpx why b.rcp n1=2 n2=8 --json
    is '[.verdict, .from, .nearest.epoch]' '["extend",2,2]'
    run 1 hpx gc --max-size 1 # below what results take
    run 0 hpx why b.rcp n1=2 n2=8
    has out '3 epochs: train'
    has out 'begins anew: no checkpoint of an earlier epoch is kept'
}

test_nearest() {
    write_recipe a.rcp 'epochs = 1' 'rate = 0.001'
    run 0 hpx build a.rcp -q
    # The same cell with one other setting is nearer than another cell.
    write_recipe b.rcp 'epochs = 1' 'rate = 0.003'
    run 0 hpx why b.rcp n1=4 n2=8 --json
    is '[.verdict, .nearest.cell, .diff]' \
        '["train",{"n1":4,"n2":8},[{"field":"train.rate","old":"0.001","new":"0.003"}]]'
    # A field that only one of them has.
    write_recipe b.rcp 'epochs = 1' 'optimizer = sgd' 'momentum = 0.5'
    run 0 hpx why b.rcp n1=4 n2=8
    has out 'optimizer adam -> sgd'
    has out 'momentum (none) -> 0.5'
    has out 'beta1 0.9 -> (none)'
    # Another seed is nearer than another setting, other numerics nearer than either.
    write_recipe b.rcp 'epochs = 1' 'rate = 0.003' 'seeds = 7'
    run 0 hpx build b.rcp -q
    write_recipe b.rcp 'epochs = 1' 'rate = 0.003'
    run 0 hpx why b.rcp n1=4 n2=8 --json
    is '[.diff[].field]' '["seed"]'
    other_numerics || return 0
    run 0 hpx why a.rcp n1=4 n2=8 --json
    is '[.nearest.cell, (.diff | length > 0), ([.diff[].field | startswith("numerics.")] | all)]' '[{"n1":4,"n2":8},true,true]'
    run 0 hpx build a.rcp -q
    run 0 hpx log a.rcp n1=4 n2=8 --json
    is '[.[] | .cell == {"n1":4,"n2":8} and .seed == 1]' '[true,true]'
    is '[.[].numerics] | unique | length' 2
    run 0 hpx log a.rcp n1=4 n2=8
    equal "$(wc -l <out)" 3 'the number of lines'
    # Other data: the images of both sets exchanged.
    unset HPX_VECTOR OPENBLAS_CORETYPE
    sed 's/validation = 50/validation = 60/' a.rcp >c.rcp
    run 0 hpx why c.rcp n1=4 n2=8
    has out 'validation-count 50 -> 60'
    has out 'train-count 150 -> 140'
}

test_seeds_of_a_cell() {
    write_recipe a.rcp 'epochs = 1' 'seeds = 1 2 3'
    run 0 hpx build a.rcp -q
    write_recipe b.rcp 'epochs = 1' 'seeds = 3 1'
    run 0 hpx log b.rcp n1=2 n2=4 --json
    is '[.[].seed] | sort' '[1,3]'
    run 0 hpx log b.rcp n1=2 n2=4 seed=2 --json
    is '[.[].seed]' '[2]'
}

# Every trial has its reason, however many there are.
test_many_reasons() {
    write_recipe a.rcp 'epochs = 1' 'seeds = 1..2'
    run 0 hpx build a.rcp -q
    write_recipe b.rcp 'epochs = 1' 'seeds = 1..400' 'rate = 0.003'
    run 0 hpx plan b.rcp
    equal "$(grep -c ' rate 0.001 -> 0.003$' out)" 8 'the number of trials whose rate is another'
    equal "$(grep -c ' never seen$' out)" 1592 'the number of those that were never seen'
}

test_diff() {
    write_recipe a.rcp 'epochs = 1' 'seeds = 1'
    run 0 hpx build a.rcp -q
    write_recipe b.rcp 'epochs = 2' 'seeds = 2'
    run 0 hpx build b.rcp -q
    a=$(hpx ls --json | jq -r '.[] | select(.cell == {n1: 2, n2: 4} and .seed == 1) | .key')
    b=$(hpx ls --json | jq -r '.[] | select(.cell == {n1: 2, n2: 4} and .seed == 2) | .key')
    run 0 hpx diff "${a:0:10}" "$b"
    has out '    seed 1 -> 2'
    has out 'outputs  differ from epoch 1 on; at epoch 1:'
    grep -Eq '^    test_loss [0-9.]+ -> [0-9.]+$' out || fail 'no losses'
    run 0 hpx diff "$a" "$b" --json
    is '[.old, .new, [.diff[].field], .common_epoch, .first_different_epoch]' "[\"$a\",\"$b\",[\"seed\"],1,1]"
    is '.metrics | length' 6
    run 0 hpx diff "$a" "$a"
    has out 'outputs  the same, bit for bit, up to epoch 1'
}

test_usage() {
    write_recipe a.rcp 'epochs = 1'
    complains 2 "no value of axis 'n2' is given" hpx why a.rcp n1=2
    complains 2 "axis 'n1' has no value '3'" hpx why a.rcp n1=3 n2=4
    complains 2 "unknown axis 'n3'" hpx log a.rcp n1=2 n3=4
    complains 2 'expected a seed' hpx why a.rcp n1=2 n2=4 seed=x
    complains 2 'no such recipe' hpx why b.rcp n1=2 n2=4
    complains 1 'no such key' hpx diff 01 02
    run 2 hpx diff 01
    run 0 hpx log a.rcp n1=2 n2=4 --json
    is . '[]'
}

run_tests "$@"

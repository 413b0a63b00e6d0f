# What is stored and how it is looked at: ls, show, audit, verify; and what happens when stored bytes change.
. "$(dirname "$0")/common.sh"

write_grid() { # RATES SETTING...
    recipe a.rcp 'epochs = 2' 'rate = $rate' "${@:2}" <<X
axis n1 = 2 4
axis n2 = 2 4 8
axis rate = $1
search grid
  method = grid
X
}

build_grid() { # SETTING...: 18 trajectories of 2 epochs
    write_grid '0.001 0.01 0.1' "$@"
    run 0 hpx build a.rcp -q
}

key_of() { # FILTER: of the one artifact that it selects
    hpx ls --json | jq -r ".[] | select($1) | .key"
}

test_empty_store() {
    run 0 hpx ls
    equal "$(tr -s ' ' <out)" 'key cell seed epoch validation test metrics data code' 'the header'
    run 0 hpx ls --json
    is . '[]'
    run 0 hpx audit --json
    is . '[]'
    run 0 hpx verify
    equal "$(cat out)" '0 values checked, 0 damaged' 'the output of verify'
    has err 'no store here: there is nothing to check'
    complains 1 'no such key' hpx show 0123
    complains 1 'no such key' hpx audit 0123
    [[ ! -e $HPX_STORE ]] || fail 'looking made a store'
}

test_ls() {
    build_grid
    run 0 hpx ls
    empty err
    equal "$(wc -l <out)" 19 'the number of lines'
    grep -Eq '^[0-9a-f]{12}  n1=4 n2=8 rate=0\.01 +1 +2 +0\.[0-9]{4}  0\.[0-9]{4}  toy +[0-9a-f]{8}$' out ||
        fail 'no row as expected'
    run 0 hpx ls --json
    is 'length' 18
    is '[.[].epoch] | unique' '[2]'
    is '[.[].cell] | unique | length' 18
    is '.[0].cell | keys' '["n1","n2","rate"]'
    # Another recipe's results are listed without a recipe, or with that one.
    recipe b.rcp 'epochs = 1' <<'X'
axis n1 = 16
axis n2 = 2 4
search grid
  method = grid
X
    equal "$(stored b.rcp)" 0
    run 0 hpx build b.rcp -q
    equal "$(stored)" 20
    equal "$(stored a.rcp)" 18
    equal "$(stored b.rcp)" 2
    sed -i 's/epochs = 1/epochs = 9/' b.rcp
    equal "$(stored b.rcp)" 0 'the number of results at the epochs of the recipe'
    complains 2 'none.rcp: no such recipe' hpx ls none.rcp
}

test_show() {
    build_grid 'seeds = 5'
    key=$(key_of '.cell == {n1: 4, n2: 8, rate: 0.01}')
    equal "${#key}" 32 'the length of a key'
    run 0 hpx show "$key" --json
    empty err
    cp out whole
    is '[.key, .cell, .seed, .checkpoint_epoch]' "[\"$key\",{\"n1\":4,\"n2\":8,\"rate\":0.01},5,2]"
    is '[.epochs[].epoch]' '[1,2]'
    members '.epochs[]' epoch metrics output host started seconds parent
    members '.epochs[].metrics' train_loss train_accuracy validation_loss validation_accuracy test_loss test_accuracy
    is '.epochs[0].output | test("^[0-9a-f]{32}$")' true
    is '.epochs[0].started | test("^20[0-9-]{8}T[0-9:]{8}Z$")' true
    is '.manifest | [.["model.hidden"], .["train.rate"], .["train.batch"], .seed, .["dataset.train-count"]]' \
        '[[4,8],0.01,32,5,150]'
    is '.manifest["code.version"] == .code.version' true
    is '.manifest["dataset.test-images"] == .dataset["test-images.hash"]' true
    # A prefix, as short as it is unique; also in capitals.
    local digits=1
    while [[ $(hpx ls --json | jq -r '.[].key' | grep -c "^${key:0:digits}") != 1 ]]; do digits=$((digits + 1)); done
    run 0 hpx show "${key:0:digits}" --json
    same_files whole out
    run 0 hpx show "$(tr a-f A-F <<<"${key:0:12}")" --json
    same_files whole out
    # 18 keys in 16 first digits: one of them is ambiguous.
    local common
    common=$(hpx ls --json | jq -r '.[].key' | cut -c1 | sort | uniq -d | head -1)
    complains 2 "$common: ambiguous key prefix; candidates: $common" hpx show "$common"
    complains 1 'no such key' hpx show "$(tr 0-9a-f 1-9a-f0 <<<"$key")"
    complains 2 'not a key' hpx show "n1=4"
    complains 2 'not a key' hpx show "${key}0"
    run 0 hpx show "$key"
    has out "key         $key"
    has out 'cell        n1=4 n2=8 rate=0.01'
    grep -Eq '^    train\.rate +0\.01$' out || fail 'no rate in the manifest'
    has out 'checkpoint  of epoch 2'
}

test_audit() {
    build_grid
    run 0 hpx audit --json
    empty err
    is 'length' 18
    members '.[]' key cell seed epoch metrics code dataset numerics host started seconds parent
    members '.[].code' version commit describe dirty patch
    members '.[].numerics' compiler libc threads
    is '.[0].dataset | [.name, .["train.count"], .["test.count"], .classes]' '["toy",200,60,4]'
    is '[.[].host] | unique' "[\"$(uname -n)\"]"
    is '[.[].parent] | unique' '[null]'
    cp out all
    # The build's own document says the same of code and data.
    run 0 hpx build a.rcp --json -q
    is '[.code, .dataset, .numerics]' "$(jq -c '.[0] | [.code, .dataset, .numerics]' all)"
    key=$(key_of '.cell == {n1: 2, n2: 4, rate: 0.1}')
    run 0 hpx audit "${key:0:10}" --json
    is 'length' 1
    is '.[0].key' "\"$key\""
    sed 's/axis n2.*/axis n2 = 4/; s/epochs = 2/epochs = 3/' a.rcp >b.rcp
    run 0 hpx build b.rcp -q
    run 0 hpx audit b.rcp --json
    is 'length' 6
    is '[.[].parent.epoch] | unique' '[2]'
    is '[.[] | .parent.key == .key] | unique' '[true]'
    run 0 hpx audit b.rcp
    equal "$(head -1 out | tr -s ' ')" \
        'key cell seed epoch validation test trainer commit dirty branch author date data kernel host trained seconds parent' 'the header'
    equal "$(grep -c 'epoch 2$' out)" 6 'the number of rows with a parent'
    complains 1 'no such key' hpx audit "$(tr 0-9a-f 1-9a-f0 <<<"$key")"
    complains 2 'no such recipe' hpx audit none.rcp
}

# A value may have blanks and '=', as a path does; tables and JSON give it back whole.
test_values_with_blanks() {
    mkdir 'a=b c'
    cp data/train-images 'a=b c/images'
    recipe a.rcp 'epochs = 1' <<'X'
axis images = data/train-images "a=b c/images"
axis n1 = 4
axis n2 = 4
search grid
  method = grid
X
    sed -i 's|train = data/train-images|train = $images|' a.rcp
    # The bytes are the same, so it is one trajectory, named as the recipe that trained it named it.
    sed '/^axis images/s/data.train-images//' a.rcp >b.rcp
    run 0 hpx build b.rcp -q
    run 0 hpx ls --json
    is '[.[].cell.images]' '["a=b c/images"]'
    run 0 hpx ls
    has out 'images="a=b c/images" n1=4 n2=4'
    run 0 hpx export --csv
    equal "$(cut -d, -f1-5 out)" $'images,n1,n2,seed,epoch\na=b c/images,4,4,1,1' 'the table'
    run 0 hpx build a.rcp --json
    is '.searches[0].trials | [.hit, .train]' '[2,0]'
    run 0 hpx export --csv a.rcp
    equal "$(cut -d, -f1-3 out | tail -1)" 'a=b c/images,4,4' 'the last row'
    cp out table.csv
    run 0 hpx replay table.csv a.rcp --json
    is '[.searches[0].trace[].cell.images]' '["data/train-images","a=b c/images"]'
}

test_cells_of_any_length() { # the last axis is told apart, wherever it is printed, and a table of them is replayed
    local long=$(printf 'x%.0s' {1..60})
    recipe a.rcp 'epochs = 1' <<X
axis n1 = 4
axis n2 = 4
axis a-$long = 0.001
axis b-$long = 0
axis c-$long = 0
axis d-$long = 0.9
axis z-$long = 128 129
search grid
  method = grid
X
    sed -i "/^  batch = /d; s/^train\$/train\n  rate = \$a-$long\n  weight-decay = \$b-$long\n  beta1 = \$d-$long\n  batch = \$z-$long/
        s/^model mlp\$/&\n  dropout = \$c-$long/" a.rcp
    run 0 hpx build a.rcp -q
    run 0 hpx ls --json
    is "[.[].cell[\"z-$long\"]] | sort" '[128,129]'
    run 0 hpx ls
    has out "z-$long=129"
    run 0 hpx export --csv
    equal "$(cut -d, -f7 out | sort)" "$(printf '128\n129\nz-%s' "$long")" 'the last axis'
    cp out table.csv
    run 0 hpx replay table.csv a.rcp --json
    run 0 hpx why a.rcp n1=4 n2=4 "a-$long=0.001" "b-$long=0" "c-$long=0" "d-$long=0.9" "z-$long=129"
    has out "z-$long=129"
}

# --- damage -----------------------------------------------------------------------------------------------------------

build_few() { # 6 of them
    write_grid 0.01
    run 0 hpx build a.rcp -q
}

test_verify() {
    build_few
    run 0 hpx verify
    empty err
    [[ $(cat out) =~ ^[0-9]+\ values\ checked,\ 0\ damaged$ ]] || fail 'unexpected output'
    run 0 hpx verify --json
    members . checked damaged
    is '.damaged' '[]'
    is '.checked >= 6 * 5' true # manifest, two records, checkpoint, chunk
}

# A store that a machine filled which miscomputes: only training again can tell, and then both outputs are kept.
test_rebuild() {
    recipe a.rcp 'epochs = 1' <<'X'
axis n1 = 2 4 8
axis n2 = 4
search grid
  method = grid
X
    run 0 hpx build a.rcp -q
    run 0 hpx verify --rebuild 100%
    has out '3 trained again: 3 the same, 0 differ, 0 failed; 0 are of other code, machines or data'
    key=$(key_of '.cell.n1 == 4')
    run 0 "$(dirname "$HPX")/tests/cli/forge" "$HPX_STORE" forged "$key"
    export HPX_STORE=$PWD/forged
    run 0 hpx verify
    run 0 hpx build a.rcp --json # nothing tells; and the store learns where the data is
    is '.searches[0].trials.hit' 3
    hpx ls --json >before
    run 12 hpx verify --rebuild 100%
    has out "differs: $key n1=4 n2=4 epoch 1"
    has out '3 trained again: 2 the same, 1 differ, 0 failed'
    hpx ls --json >after
    same_files before after
    # From now on the key is marked, without training anything.
    run 12 hpx verify
    has out "$key"
    run 0 hpx show "$key" --json
    is '.conflicts | length' 1
    is '.conflicts[0].output != .epochs[0].output' true
    # Again: it is the same second output.
    run 12 hpx verify --rebuild 100% --json
    is '[.rebuilt[] | select(.verdict == "differs") | .key]' "[\"$key\"]"
    is '[.rebuilt[] | select(.verdict == "differs") | .cell.n1]' '[4]'
    is '[(.rebuilt | length), .others]' '[3,0]'
    run 0 hpx show "$key" --json
    is '.conflicts | length' 1
    # The mark goes where the result goes.
    run 0 hpx export -q -o forged.hpxb "$key"
    has err '1 of the results was trained again with another output'
    run 0 hpx import forged.hpxb --store carried
    has out 'later runs: 1 new, 0 already there'
    run 12 hpx verify --store carried
    has out "$key"
    run 0 hpx import forged.hpxb --store carried --json
    is '.conflicts' '{"new":0,"known":1}'
    # One of them alone.
    run 12 hpx reproduce "$key" --json
    is '[.verdict, .first_different_epoch, .diff]' '["differs",1,[]]'
    is '[.metrics[] | select(.old != .new) | .metric]' '["test_loss"]'
    run 0 hpx reproduce "$(key_of '.cell.n1 == 8')"
    has out 'the same, bit for bit: 1 of 1 epochs'
    complains 1 'no such key' hpx reproduce 0000
    # A share of what there is, one at least; what another program made is not to be had.
    run 0 env HPX_STORE=../empty "$HPX" verify --rebuild 1% --json
    is '.rebuilt' '[]'
    complains 2 'rebuild' hpx verify --rebuild 0%
    complains 2 'rebuild' hpx verify --rebuild 101%
}

test_damaged_record() {
    build_few
    results "$HPX_STORE" >before
    key=$(key_of '.cell == {n1: 4, n2: 8, rate: 0.01}')
    damage 'n1\x004\x00n2\x008\x00rate\x000.01'
    run 11 hpx verify
    has out "damaged: record $key epoch 1"
    has out "damaged: record $key epoch 2"
    equal "$(grep -c '^damaged: ' out)" 2 'the number of damaged values'
    run 11 hpx verify --json
    is '.damaged | length' 2
    is "[.damaged[] | contains(\"$key\")] | all" true
    run 0 hpx plan a.rcp --json
    is '[.searches[0].trials[] | select(.verdict != "hit") | .key]' "[\"$key\"]"
    run 0 hpx build a.rcp --json
    equal "$(grep -c "^hpx: damaged: record $key epoch [12]; treated as missing$" err)" 2 'the number of reports'
    equal "$(grep -c '^hpx: ' err)" 3 'the number of messages'
    is '.searches[0].trials' '{"hit":5,"extend":0,"train":1,"failed":0}'
    run 0 hpx verify
    results "$HPX_STORE" >after
    same_files before after
}

test_damaged_manifest() {
    build_few
    results "$HPX_STORE" >before
    damage 'model.activation'
    run 11 hpx verify
    equal "$(grep -c '^damaged: manifest ' out)" 6 'the number of damaged manifests'
    run 0 hpx build a.rcp --json
    equal "$(grep -c '^hpx: damaged: manifest ' err)" 6 'the number of reports'
    is '.searches[0].trials.train' 6
    run 0 hpx verify
    results "$HPX_STORE" >after
    same_files before after
}

# The results are intact, so that a build has nothing to do; continuing begins anew.
test_damaged_checkpoint() {
    build_few
    sed 's/epochs = 2/epochs = 4/' a.rcp >longer.rcp
    run 0 hpx build longer.rcp -q --store straight
    damage 'HPXC\x02' # the head of every checkpoint, no source that is in a patch
    run 11 hpx verify
    equal "$(grep -c '^damaged: chunk ' out)" 6 'the number of damaged chunks'
    run 0 hpx build a.rcp
    has err 'nothing to train'
    run 0 hpx build longer.rcp --json
    equal "$(grep -c '^hpx: damaged: ' err)" 6 'the number of reports'
    is '.searches[0].trials' '{"hit":0,"extend":0,"train":6,"failed":0}'
    run 0 hpx verify
    results straight >before
    results "$HPX_STORE" >after
    same_files before after
    damage 'HPXC\x02'
    run 0 hpx build -B longer.rcp -q # puts them back
    run 0 hpx verify
}

test_damaged_code_and_dataset() {
    build_few
    damage 'describe'
    run 11 hpx verify
    has out 'damaged: code version '
    run 0 hpx ls
    equal "$(wc -l <out)" 7 'the number of lines'
    equal "$(wc -l <err)" 1 'the number of lines on stderr'
    run 0 hpx audit --json
    is '[.[].code] | unique' '[null]'
    damage 'train-images.hash'
    run 11 hpx verify
    has out 'damaged: data set '
    run 0 hpx build -B a.rcp -q
    run 0 hpx verify
}

# hpx itself says what a signal in a damaged tree means: a sanitizer must not say it first.
test_truncated_store() {
    export ASAN_OPTIONS=handle_segv=0:handle_sigbus=0:handle_abort=0
    build_few
    truncate -s -4096 "$HPX_STORE/hpx.mdb"
    for command in ls 'build a.rcp' 'plan a.rcp' 'show 00'; do
        complains 11 'truncated' hpx $command
    done
    run 11 hpx verify
    has out 'truncated: '
    # What lies behind the end is named, as far as the tree that leads to it is left.
    while truncate -s -4096 "$HPX_STORE/hpx.mdb" && [[ $(stat -c %s "$HPX_STORE/hpx.mdb") -ge 8192 ]]; do
        run 11 hpx verify
        has out 'truncated: '
    done
    printf 'This is not a store. %.0s' {1..1000} >"$HPX_STORE/hpx.mdb"
    for command in ls 'build a.rcp'; do
        complains 11 'hpx.mdb' hpx $command
    done
    run 11 hpx verify
    has out 'hpx.mdb'
}

run_tests "$@"

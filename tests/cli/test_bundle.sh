# Bundles: results carried from one store to another, and files that are no bundles.
. "$(dirname "$0")/common.sh"

write_recipes() {
    recipe a.rcp 'epochs = 2' <<'R'
axis n1 = 2 4
axis n2 = 2 4
search grid
  method = grid
R
    recipe b.rcp 'epochs = 1' <<'R'
axis n1 = 16
axis n2 = 2 4
search grid
  method = grid
R
}

build_both() {
    write_recipes
    run 0 hpx build a.rcp b.rcp -q
}

# Trains nothing: what is asked for is in the store, and gives the table that the first store gave.
builds_alike() { # RECIPE STORE
    run 0 hpx build "$1" -q
    cp out expected
    run 0 hpx build "$1" --store "$2"
    has err 'nothing to train'
    same_files out expected
}

test_recipe() {
    build_both
    run 0 hpx export -o a.hpxb a.rcp
    empty out
    has err 'hpx: exported 8 results of 4 trials, 4 checkpoints'
    run 0 hpx import a.hpxb --store new
    equal "$(cat out)" $'results: 8 new, 0 already there\ncheckpoints: 4 new, 0 already there' 'what import says'
    equal "$(cat err)" 'hpx: new store: new' stderr
    builds_alike a.rcp new
    equal "$(stored --store new)" 4 'the number of trajectories'
    run 0 hpx verify --store new
    # Not the other recipe's results.
    run 10 hpx plan b.rcp --store new --exit-code
    equal "$(outputs new)" "$(outputs "$HPX_STORE" | grep -F "$(hpx ls --store new --json | jq -r '.[].key')")"
}

test_key() {
    local key
    build_both
    key=$(hpx ls --json | jq -r '.[0].key')
    run 0 hpx export -q -o one.hpxb "${key:0:10}"
    empty err
    run 0 hpx import one.hpxb --store new --json
    is . '{"results":{"new":'"$(hpx show "$key" --json | jq '.epochs | length')"',"known":0},"checkpoints":{"new":1,"known":0},"conflicts":{"new":0,"known":0},"logs":{"new":0,"known":0}}'
    equal "$(hpx ls --store new --json | jq -r '.[].key')" "$key" 'the only key'
    run 0 hpx show "$key" --json
    jq . out >expected
    run 0 hpx show "$key" --store new --json
    is '.imported | keys' '["from","when"]'
    is .imported.from "\"$PWD/one.hpxb\""
    jq '.imported = null' out >shown
    same_files shown expected
    run 0 hpx audit --store new
    has out "imported from $PWD/one.hpxb, 20"
    complains 1 'no such key' hpx export -o no.hpxb 0123456789
    [[ ! -e no.hpxb ]] || fail 'a file was made'
}

test_all_through_a_pipe() {
    build_both
    run 0 eval 'hpx export -q -o - --all | hpx import - --store new'
    equal "$(cat out)" $'results: 10 new, 0 already there\ncheckpoints: 6 new, 0 already there' 'what import says'
    equal "$(outputs new)" "$(outputs "$HPX_STORE")" 'the outputs'
    builds_alike a.rcp new
    builds_alike b.rcp new
    # Again, and into the store that it comes from: nothing is new. The copy gives the same bundle.
    run 0 eval 'hpx export -q -o - --all | hpx import - --store new'
    has out 'results: 0 new, 10 already there'
    has out 'checkpoints: 0 new, 6 already there'
    run 0 eval 'hpx export -q -o - --all | hpx import -'
    has out 'results: 0 new, 10 already there'
    run 0 hpx export -q -o a.hpxb --all
    run 0 hpx export -q -o b.hpxb --all --store new
    same_files a.hpxb b.hpxb
}

test_continued() {
    write_recipes
    sed -i 's/epochs = 2/epochs = 1/' a.rcp
    run 0 hpx build a.rcp -q
    run 0 hpx export -q -o with.hpxb a.rcp
    run 0 hpx export -q -o without.hpxb a.rcp --no-checkpoints
    run 0 hpx import without.hpxb --store light
    has out 'checkpoints: 0 new, 0 already there'
    run 0 hpx import with.hpxb --store full
    sed -i 's/epochs = 1/epochs = 2/' a.rcp
    run 0 hpx build a.rcp --store full
    has err '0 trials trained, 4 extended, 0 failed'
    run 0 hpx build a.rcp --store light
    has err '4 trials trained, 0 extended, 0 failed'
    # However they came about, the second epochs are the same; the older checkpoints are no longer of use.
    equal "$(outputs full)" "$(outputs light)" 'the outputs'
    run 0 hpx import with.hpxb --store full
    has out 'checkpoints: 0 new, 4 already there'
    run 0 hpx verify --store full
}

test_replaces_the_file_whole() {
    build_both
    echo old >a.hpxb
    run 0 hpx build b.rcp -q --store other
    complains 1 'a.rcp: nothing is stored that could be exported' hpx export -o a.hpxb a.rcp --store other
    [[ $(cat a.hpxb) == old ]] || fail 'the old file is gone'
    run 0 hpx export -o a.hpxb a.rcp
    run 0 hpx import a.hpxb --store new
    complains 1 'nowhere/a.hpxb: No such file' hpx export -o nowhere/a.hpxb a.rcp
    equal "$(echo ./*.tmp.*)" './*.tmp.*' 'temporary files left over'
    # A device is written to, not replaced.
    run 0 hpx export -o /dev/null a.rcp
    [[ -c /dev/null ]] || fail '/dev/null was replaced'
}

test_usage() {
    build_both
    complains 2 'say what to write: -o FILE' hpx export a.rcp
    complains 2 'say what to export' hpx export -o a.hpxb
    complains 2 'say what to export' hpx export -o a.hpxb a.rcp --all
    complains 2 'are for bundles' hpx export --csv -o a.hpxb
    complains 2 'no such recipe' hpx export -o a.hpxb no.rcp
    complains 2 'usage: hpx import [OPTION]... FILE' hpx import
    complains 1 'no.hpxb: No such file' hpx import no.hpxb
    complains 1 'Is a directory' hpx import data
    complains 2 'there is no store' hpx export -o a.hpxb --all --store none
}

refused() { # CODE TEXT FILE: and the store's file is byte for byte as it was
    local before
    before=$(sha256sum <"$HPX_STORE/hpx.mdb")
    complains "$1" "$2" hpx import "$3"
    equal "$(sha256sum <"$HPX_STORE/hpx.mdb")" "$before" 'the sum of the store'
}

test_hostile() {
    local size
    build_both
    run 0 hpx export -q -o good.hpxb a.rcp
    size=$(stat -c %s good.hpxb)
    export HPX_STORE=$PWD/other
    run 0 hpx build b.rcp -q
    : >empty.hpxb
    refused 1 'empty.hpxb: byte 0: not a bundle' empty.hpxb
    refused 1 'a.rcp: byte 0: not a bundle' a.rcp
    head -c 100000 /dev/urandom >random.hpxb
    refused 1 'random.hpxb: byte 0: not a bundle' random.hpxb
    head -c $((size - 1)) good.hpxb >cut.hpxb
    refused 1 "cut.hpxb: byte $((size - 1)): the bundle ends here" cut.hpxb
    head -c $((size / 2)) good.hpxb >cut.hpxb
    refused 1 "cut.hpxb: byte $((size / 2)): the bundle ends here" cut.hpxb
    { cat good.hpxb; echo; } >long.hpxb
    refused 1 "long.hpxb: byte $size: bytes after the end" long.hpxb
    { printf 'HPXB\005\000\000\000'; tail -c +9 good.hpxb; } >newer.hpxb
    refused 1 'newer.hpxb: byte 4: written by a newer hpx (bundle version 5' newer.hpxb
    { head -c 30 good.hpxb; printf '\001'; tail -c +32 good.hpxb; } >flipped.hpxb
    refused 1 'a code version whose bytes do not match their hash' flipped.hpxb
    run 1 eval 'head -c 5000 good.hpxb | hpx import -'
    has err 'hpx: standard input: byte 5000: the bundle ends here'
    run 0 hpx import good.hpxb
    has out 'results: 8 new'
}

test_interrupted() {
    local import code=0
    build_both
    run 0 hpx export -q -o good.hpxb --all
    mkfifo pipe
    "$HPX" import pipe --store new >out 2>err &
    import=$!
    {
        head -c 3000 good.hpxb
        poll test -e new/hpx.mdb
        kill -INT $import
        wait $import || code=$?
    } >pipe
    equal "$code" 130 'the exit code'
    has err 'interrupted; nothing was imported'
    run 0 hpx ls --store new --json
    is length 0
}

test_damage() {
    build_both
    damage 'HPXC\x02' # the head of every checkpoint
    run 11 hpx export -o a.hpxb --all
    has err 'damaged: chunk'
    has err '6 values are damaged or incomplete, and left out'
    run 0 hpx import a.hpxb --store new
    has out 'results: 10 new'
    has out 'checkpoints: 0 new'
    run 0 hpx verify --store new
}

# A store that results were imported into has never seen their data set's files: they are found in the data folder when
# they are those of a data set known by name.
test_reproduce_imported() {
    local key role
    write_recipes
    run 0 hpx build a.rcp -q
    run 0 hpx export -o a.hpxb --all
    run 0 hpx import a.hpxb --store new
    key=$(hpx ls --json | jq -r '.[0].key')
    export HPX_DATA=$PWD/have
    complains 1 'this store knows no file with the data set' hpx reproduce "$key" --store new
    mkdir -p have/fashion-mnist
    for role in train-images test-images; do cp data/$role have/fashion-mnist/${role/test/t10k}-idx3-ubyte; done
    for role in train-labels test-labels; do cp data/$role have/fashion-mnist/${role/test/t10k}-idx1-ubyte; done
    run 0 hpx reproduce "$key" --store new
    has out 'the same, bit for bit: 2 of 2 epochs'
    cp data/train-labels have/fashion-mnist/t10k-labels-idx1-ubyte # other bytes
    complains 1 'this store knows no file with the data set' hpx reproduce "$key" --store new
}

run_tests "$@"

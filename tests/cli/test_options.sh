# Where recipes, stores and data are found, and what hpx says of itself.
. "$(dirname "$0")/common.sh"

simple() { # FILE
    recipe "$1" 'epochs = 1' <<'X'
axis n1 = 2
axis n2 = 2
search grid
  method = grid
X
}

has_store() { # FOLDER
    [[ -e $1/hpx.mdb ]] || fail "no store in $1"
}

has_no_store() {
    [[ ! -e $1/hpx.mdb ]] || fail "a store in $1"
}

# --store, else HPX_STORE, else cache/ at the root of the work tree that holds the recipe, else ./cache.
test_place_of_the_store() {
    mkdir -p tree/.git tree/deep/er elsewhere
    mv data tree/deep/er
    simple tree/deep/er/a.rcp
    run 0 hpx build tree/deep/er/a.rcp --store given -q
    has_store given
    has_no_store "$HPX_STORE"
    run 0 hpx build tree/deep/er/a.rcp -q
    has_store "$HPX_STORE"
    unset HPX_STORE
    run 0 hpx build tree/deep/er/a.rcp
    has_store tree/cache
    has_no_store cache
    has err '1 trial trained'
    cd elsewhere
    run 0 hpx build ../tree/deep/er/a.rcp
    has err 'nothing to train'
    has_no_store cache
    cd ../tree/deep # commands without a recipe begin at the current folder
    equal "$(stored)" 1 'the number of results in the store of the work tree'
    cd ../..
    rm -r tree/.git
    run 0 hpx build tree/deep/er/a.rcp
    has_store cache
    HPX_STORE='' run 0 hpx build tree/deep/er/a.rcp # an empty one is none
    has err 'nothing to train'
}

# In a work tree made by `git worktree` and in a submodule .git is a file.
test_git_file() {
    unset HPX_STORE
    mkdir tree
    echo 'gitdir: /nowhere' >tree/.git
    mv data tree
    simple tree/a.rcp
    run 0 hpx build tree/a.rcp -q
    has_store tree/cache
}

test_directory() {
    mkdir sub
    mv data sub
    simple sub/a.rcp
    run 0 hpx build -C sub a.rcp --store here -q
    has_store sub/here
    run 0 hpx -C sub build a.rcp --store here
    has err 'nothing to train'
    run 0 hpx --directory=sub --store here build a.rcp
    has err 'nothing to train'
    run 0 hpx ls -C sub --store here --json
    is length 1
}

test_options_anywhere() {
    simple a.rcp
    run 0 hpx build a.rcp -q -j2
    run 0 hpx build -j 2 -- a.rcp
    has err 'nothing to train'
    run 0 hpx --store "$HPX_STORE" build --jobs=2 a.rcp
    has err 'nothing to train'
    cp a.rcp ./-n.rcp
    run 0 hpx build -- -n.rcp
    has err 'nothing to train'
}

# An included recipe is amended; its paths are relative to it.
test_include() {
    mkdir -p base/parts
    mv data base
    recipe base/model.rcp 'epochs = 1' 'rate = 0.01' </dev/null
    printf '%s\n' 'include ../model.rcp' 'axis n1 = 2 4' 'axis n2 = 2' >base/parts/axes.rcp
    printf '%s\n' 'include base/parts/axes.rcp' 'train' '  rate = 0.02' 'search grid' '  method = grid' >a.rcp
    run 0 hpx build a.rcp
    has err '2 trials trained'
    key=$(hpx ls --json | jq -r '.[0].key')
    run 0 hpx show "$key" --json
    is '.manifest["train.rate"]' 0.02
    run 0 hpx -C base build ../a.rcp
    has err 'nothing to train'
    printf '%s\n' 'include none.rcp' >b.rcp
    run 2 hpx build b.rcp
    has err 'b.rcp:1:'
    printf '%s\n' 'include c.rcp' >c.rcp
    run 2 hpx build c.rcp
    has err 'c.rcp:1:'
    sed -i 's/batch = 32/bach = 32/' base/model.rcp # a mistake is named where it is
    run 2 hpx build a.rcp
    has err 'model.rcp:8:3:'
}

test_data_ls() {
    run 0 hpx data ls
    equal "$(awk 'NR > 1 { print $1 }' out | tr '\n' ' ')" 'mnist fashion-mnist ' 'the data sets'
    cp out listed
    run 0 hpx data
    same_files listed out
    run 0 hpx data ls --json
    is '[.[] | [.name, .train, .test, .features, .classes]]' \
        '[["mnist",60000,10000,784,10],["fashion-mnist",60000,10000,784,10]]'
    is '[.[].state] | unique' '["not downloaded"]'
    is '[.[].folder] | unique' "[\"$HPX_STORE/data\"]"
    # Files of the right sizes are here, and are not what they should be.
    mkdir -p have/mnist
    truncate -s 47040016 have/mnist/train-images-idx3-ubyte
    export HPX_DATA=$PWD/have
    run 0 hpx data ls --json
    is '[.[].state]' '["downloaded in part","not downloaded"]'
    truncate -s 60008 have/mnist/train-labels-idx1-ubyte
    truncate -s 7840016 have/mnist/t10k-images-idx3-ubyte
    truncate -s 10008 have/mnist/t10k-labels-idx1-ubyte
    run 0 hpx data ls --json
    is '.[0].state' '"downloaded"'
    run 11 hpx data verify mnist
    has err 'train-images-idx3-ubyte'
}

test_help() {
    run 0 hpx help
    empty err
    local command
    for command in build plan replay ls show audit adopt data verify export help; do
        grep -q "^  $command " out || fail "the list lacks $command"
    done
    has_not out worker
    cp out list
    run 0 hpx --help
    same_files list out
    for command in $(sed -n 's/^  \([a-z]*\) .*/\1/p' list); do
        run 0 hpx help "$command"
        has out "usage: hpx $command"
        cp out said
        run 0 hpx "$command" --help
        same_files said out
    done
    run 0 hpx help build
    has out '-j, --jobs N'
    has out '-k, --keep-going'
    complains 2 "unknown command 'biuld'; did you mean 'build'" hpx help biuld
}

# Every command has a manual page, made of the same text and tables as its help; and no text is without a page.
test_manual() {
    local command option page pages=$(dirname "$HPX")/man
    run 0 hpx help
    { echo hpx && sed -n 's/^  \([a-z][a-z]*\) .*/hpx-\1/p' out; } >named
    while read -r command; do
        page=$pages/$command.1
        [[ -s $page ]] || fail "no $page"
        hpx help "${command#hpx-}" | sed -n 's/^  [-,a-zA-Z ]\{4\}\(--[a-z-]*\) .*/\1/p' >options
        while read -r option; do
            sed 's/\\-/-/g; s/\\f[BIR]//g' "$page" | grep -qe "$option" || fail "$page lacks $option"
        done <options
        cat options >>all
    done <named
    [ "$(sort -u all | wc -l)" -gt 20 ] || fail 'the options of the help'
    for page in "$SOURCE_ROOT"/src/cli/help/*.txt; do
        page=$(basename "$page" .txt)
        hpx help "$page" >said && [[ -s said ]] || fail "hpx help $page"
        ! grep -nE '.{85}' "$SOURCE_ROOT/src/cli/help/$page.txt" >long || fail "wider than 84 columns: help/$page.txt: $(head -1 long)"
        grep -q "^Internal: " said || compgen -G "$pages/*$page.[157]" >found || fail "no page of $page"
    done
}

# What the language takes in a statement, it says when it is given something else.
test_language_is_documented() {
    local statement key
    run 0 hpx help recipe
    cp out said
    printf '%s\n' 'dataset mnist' 'model mlp' '  hidden = 4' train 'search x' 'axis n = 1' >a.rcp
    printf '%s\n' 'program' '  command = true' >b.rcp
    for statement in dataset model train search program; do
        sed "/^$statement/a\  nothing = 1" "$([[ $statement == program ]] && echo b.rcp || echo a.rcp)" >c.rcp
        run 2 hpx plan c.rcp
        sed -n "s/.*unknown setting 'nothing' of [a-z]*: expected \([^;]*\).*/\1/p" err | tr -d , >keys
        [ "$(wc -w <keys)" -gt 3 ] || fail "the keys of $statement"
        for key in $(cat keys); do
            grep -Eq "^  $key( |\$)" said || fail "the help lacks $key of $statement"
        done
    done
}

test_manual_is_clean() {
    local page
    command -v groff >where || command -v mandoc >where || { echo '  skipped: needs groff or mandoc'; return; }
    for page in "$(dirname "$HPX")"/man/*; do
        ! grep -n '`' "$page" >said || fail "a backquote that has no other on its line: $page:$(head -1 said)"
        ! command -v groff >where || groff -man -Tutf8 -ww -z "$page" >said 2>&1 || fail "groff: $page"
        [[ ! -s said ]] || fail "groff: $(head -1 said)"
        ! command -v mandoc >where || mandoc -T lint -W warning "$page" >said 2>&1 || fail "mandoc: $(head -1 said)"
    done
}

test_version() {
    run 0 hpx --version
    empty err
    grep -Eq '^hpx [0-9]+\.[0-9]+\.[0-9]+ \([^ ]+( [^ ]+)?, trainer [0-9a-f]{8}, cnn [0-9a-f]{8}\)$' out || fail 'the version'
    version=$(grep -o 'trainer [0-9a-f]*' out | cut -d' ' -f2)
    simple a.rcp
    run 0 hpx build a.rcp --json -q
    is '.code.version[0:8]' "\"$version\""
}

# A pipe that is closed, and a full disk, are not a success.
test_output_that_cannot_be_written() {
    simple a.rcp
    run 0 hpx build a.rcp -q
    code=0
    "$HPX" ls >/dev/full 2>err || code=$?
    equal "$code" 1 'the exit code'
    has err 'cannot write the result: No space left on device'
}

run_tests "$@"

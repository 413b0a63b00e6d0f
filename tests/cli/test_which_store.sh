# Which store a command uses: cache/ at the root of each recipe's own work tree, --store, HPX_STORE; a new one is
# announced and hidden from git, a wrong one refused.
. "$(dirname "$0")/common.sh"

# A folder that git takes for a work tree, with data and a recipe.
work_tree() { # FOLDER
    mkdir -p "$1/.git"
    cp -r data "$1/data"
    printf '%s\n' 'axis n1 = 4' 'axis n2 = 4' 'search g' '  method = grid' | recipe "$1/a.rcp" 'epochs = 1'
}

test_each_work_tree_has_its_own() {
    unset HPX_STORE
    work_tree one
    work_tree two
    run 0 hpx build one/a.rcp two/a.rcp one/a.rcp
    has err "new store: $PWD/one/cache"
    has err "new store: $PWD/two/cache"
    equal "$(grep -c 'new store' err)" 2
    run 0 hpx plan --exit-code one/a.rcp two/a.rcp
    equal "$(stored --store two/cache)" 1
    complains 2 "has its store in $PWD/one/cache and two/a.rcp in $PWD/two/cache" hpx gc one/a.rcp two/a.rcp
}

test_git_leaves_a_new_cache_alone() {
    unset HPX_STORE
    work_tree one
    run 0 hpx build -q one/a.rcp
    empty err
    equal "$(cat one/cache/.gitignore)" '*'
    equal "$(cd one && git init -q . && git status --porcelain -uall | grep -c cache)" 0
    work_tree two
    mkdir two/cache
    echo mine >two/cache/.gitignore
    run 0 hpx build -q two/a.rcp
    equal "$(cat two/cache/.gitignore)" mine
    run 0 hpx build -q --store one/other/cache one/a.rcp
    [[ ! -e one/other/cache/.gitignore ]] || fail 'a file was written into a folder that is no cache/ of a work tree'
}

test_wrong_store() {
    work_tree one
    cd one || exit
    echo text >file
    local command
    for command in ls audit "show 12" "why a.rcp n1=4 n2=4" "log a.rcp n1=4 n2=4" "export --csv" "gc" verify \
        "export --all -o b" "reproduce 12" "diff 12 34" adopt; do
        # shellcheck disable=SC2086
        complains 2 'there is no store' hpx $command --store nowhere
        # shellcheck disable=SC2086
        [[ $command == verify ]] || complains 2 'a store is a folder' hpx $command --store file
        complains 2 'a store is a folder' env HPX_STORE=file "$HPX" ls
        [[ ! -e nowhere ]] || fail "made by $command"
    done
    complains 2 'a store is a folder' hpx build a.rcp --store file
    complains 2 '--store: expected DIR, not an empty word' hpx ls --store=
    equal "$(cat file)" text
}

test_no_store_yet() {
    work_tree one
    run 0 hpx plan one/a.rcp --store new
    has err 'there is no store in new yet; build makes it'
    [[ ! -e new ]] || fail 'plan made a store'
    run 0 hpx ls
    run 0 hpx build one/a.rcp --store new
    has err 'new store: new'
    run 0 hpx build one/a.rcp --store new
    has_not err 'new store'
}

run_tests "$@"

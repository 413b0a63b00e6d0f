# Recipes as a command line names them: amended, of one search, on standard input; and their mistakes.
. "$(dirname "$0")/common.sh"

write() {
    recipe a.rcp 'epochs = 1' 'rate = $rate' 'activation = relu' <<'X'
axis n1 = 2 4
axis n2 = 2 4
axis rate = 0.01 0.1
search cross
  method = partial-cross
  limit = 1
search climb
  method = hill-climb
X
    sed -i '/activation = relu/d' a.rcp
}

mistakes() { # PLACE...: on stderr, in this order, and no others
    equal "$(grep -oE '^(hpx: )?[a-z.]+:[0-9]+:[0-9]+: ' err | sed 's/^hpx: //; s/: $//' | tr '\n' ' ')" "$* "
}

test_all_mistakes() {
    write
    sed -i 's/batch = 32/bach = 32/; s/hidden = .*/hidden = n1 $n2/; s/limit = 1/limit = 0/' a.rcp
    sed -i 's/^axis n2.*/axis n2 = 2, 4/; s/^axis rate.*/axis rate = 0.01 fast/; s/hill-climb/hillclimb/' a.rcp
    run 2 hpx build a.rcp
    empty out
    mistakes a.rcp:6:12 a.rcp:8:3 a.rcp:12:11 a.rcp:13:18 a.rcp:16:11 a.rcp:18:12
    has err "did you mean '\$n1'?"
    has err "did you mean 'batch'?"
    has err "a comma in '2,'"
    has err "'rate' cannot be 'fast', a value of axis 'rate'"
    has err "did you mean 'hill-climb'?"
}

test_program() {
    cat >p.rcp <<'X'
program
  command = python3 train.py --lr $lr \
            'seed $sed'
  codes = train.py
  match = acc "acc: [0-9.]+"
  timeout = 2 hours
train
  rate = $lr
  objective = score
axis lr = 0.1 1
search all
  method = grid
X
    run 2 hpx build p.rcp
    empty out
    mistakes p.rcp:3:19 p.rcp:4:3 p.rcp:5:3 p.rcp:5:15 p.rcp:6:15 p.rcp:8:3 p.rcp:9:15
    has err "did you mean 'seed'?"
    has err "did you mean 'code'?"
    has err "the expression has no group"
    run 2 hpx build p.rcp program.timeout=1x
    has err "command line: 'timeout' cannot be '1x'"
    [[ ! -e cache ]] || fail "a recipe with mistakes makes no store"
}

test_amended() {
    write
    run 0 hpx build a.rcp -q
    run 0 hpx plan a.rcp rate=0.1 --json
    is '.grid.cells' 4
    is '[.searches[].trials[].verdict] | unique' '["hit"]'
    run 0 hpx plan a.rcp:cross epochs=3 'axis.n1=8 16 32' 'cross.limit=2' 'train.batch=16' --json
    is '.grid.axes[0].values' '[8,16,32]'
    is '.grid.cells' 12
    run 0 hpx build a.rcp epochs=2 -q
    run 0 hpx ls a.rcp epochs=2 --json
    is '[.[].epoch] | unique' '[2]'
    run 0 hpx why a.rcp n1=2 n2=2 rate=0.01 epochs=3 --json
    is .verdict '"extend"'
    run 0 hpx why a.rcp n1=2 n2=2 rate=0.01 seed=7 batch=16 --json
    is .verdict '"train"'
    run 0 hpx export --csv a.rcp epochs=2 rate=0.1
    cp out table.csv
    equal "$(cut -d, -f3 table.csv | sort -u | tr '\n' ' ')" '0.1 rate ' 'the rates exported'
    run 0 hpx replay table.csv a.rcp rate=0.1 epochs=2 --json
    is '.grid.cells' 4
}

test_amended_wrongly() {
    write
    run 2 hpx plan a.rcp epochs=x rtae=1 train.btach=1 batch= cross.start=2 epochs=2 'axis.n2=2,4'
    has err "hpx: command line: 'epochs' cannot be 'x': expected a whole number"
    has err "command line: no statement has 'rtae': expected a setting, or an axis; did you mean 'rate'?"
    has err "command line: unknown setting 'btach' of train"
    has err "command line: 'batch' has no value"
    has err "command line: 'start' has 1 value: expected one per axis"
    has err "command line: 'epochs' is given twice"
    has err "command line: a comma in '2,4'"
    equal "$(grep -c '^ *^$' err)" 7 'the number of carets'
    sed -i 's/rate = $rate/rate = 0.1/; s/^axis rate.*/axis rate = 8/; s/$n2/$n2 $rate/' a.rcp
    run 2 hpx plan a.rcp rate=0.2
    has err "command line: 'rate' stands in more than one statement: expected one of train.rate, axis.rate"
    run 0 hpx plan a.rcp train.rate=0.2 axis.rate=16
    complains 2 'epochs=2 amends a recipe, and none is given' hpx ls epochs=2
    complains 2 'b.rcp: no such recipe' hpx ls b.rcp epochs=2
}

test_standard_input() {
    write
    run 0 hpx build - -q <a.rcp
    run 0 hpx build a.rcp
    has err 'nothing to train'
    cat a.rcp | run 0 hpx plan /dev/stdin --json
    is '[.searches[].trials[].verdict] | unique' '["hit"]'
    run 0 hpx plan -:climb -:cross --json <a.rcp
    is '[.searches[].name]' '["climb","cross"]'
    run 0 hpx plan /dev/stdin --json <a.rcp
    run 0 hpx ls <(cat a.rcp) --json
    is 'length > 3' true
    run 0 hpx why - n1=2 n2=2 rate=0.01 --json <a.rcp
    is .verdict '"hit"'
    run 0 hpx export --csv - <a.rcp
    cp out table.csv
    run 0 hpx replay table.csv -:climb <a.rcp
    run 2 hpx plan - </dev/null
    has err "-:1:1: the recipe has no 'model'"
    unset HPX_STORE # found as for a recipe in the current folder
    mkdir .git sub
    mv data sub
    (cd sub && run 0 hpx build - -q <../a.rcp)
    [[ -e cache/hpx.mdb ]] || fail 'no store at the root of the work tree'
}

# A search of a recipe stands for the cells that it visits.
test_one_search() {
    write
    run 0 hpx build a.rcp -q --no-speculate -j1
    for search in cross climb; do
        run 0 hpx plan "a.rcp:$search" --json
        visited=$(jq '.searches[0].trials | length' out)
        run 0 hpx ls "a.rcp:$search" --json
        is length "$visited"
        run 0 hpx audit "a.rcp:$search" --json
        is length "$visited"
        run 0 hpx export --csv "a.rcp:$search"
        equal "$(tail -n +2 out | wc -l)" "$visited" "the rows of $search"
        run 0 hpx export -o "$search.hpx" "a.rcp:$search"
        run 0 hpx why "a.rcp:$search" n1=2 n2=2 rate=0.01
        run 0 hpx log "a.rcp:$search" n1=2 n2=2 rate=0.01
        run 0 hpx gc -n "a.rcp:$search"
    done
    for command in ls audit 'export --csv' 'gc -n' plan build; do
        complains 2 "a.rcp: unknown search 'crss': expected cross, climb; did you mean 'cross'?" hpx $command a.rcp:crss
    done
    cp a.rcp odd:name.rcp
    run 0 hpx ls odd:name.rcp
    run 0 hpx ls odd:name.rcp:climb
}

run_tests "$@"

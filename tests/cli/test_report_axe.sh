# What axe-core says of the page of hpx report: nothing.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/page.sh"
. "$SOURCE_ROOT/tests/helper/axe.sh"

# A program that only adds up; what it is given for `c` may fail.
pages() { # FILE SETTING...
    program_recipe "$1" '$n $c $seed' '[ "$2" != bad ] || { echo "{\"failed\": \"no such thing\"}"; exit; }
for e in 1 2 3; do echo "epoch=$e score=0.$(($1 % 7 + e))$3"; done' 'epochs = 3' 'objective = maximise score' "${@:2}"
    hpx build -q -j2 "$1" >out 2>err
    run 0 hpx report "$1" -o "${1%.rcp}.html"
}

test_axe_finds_nothing() {
    local axe
    needs_browser npm
    if ! axe=$(axe); then
        echo "  skipped: needs axe-core, which npm cannot fetch here"
        return
    fi
    pages seeds.rcp 'seeds = 1..3' <<'X'
axis n = log2 1..64
axis c = 1 2 4
axis d = 1 2
search all
  method = grid
search climb
  method = hill-climb
X
    pages failed.rcp <<'X'
axis n = 1 2
axis c = good bad fair
search all
  method = grid
X
    recipe cnn.rcp 'epochs = 1' <<'X'
axis n1 = 2 4
axis n2 = 4
search all
  method = grid
X
    sed -i 's/^model mlp/model cnn/; s/^  hidden = .*/  filters = $n1 $n2/' cnn.rcp
    run 0 hpx build -q cnn.rcp
    run 0 hpx report cnn.rcp -o cnn.html
    has cnn.html 'id="filters"'
    run 0 python3 -B "$SOURCE_ROOT/tests/cli/axe.py" "$axe" "file://$PWD/seeds.html" "file://$PWD/failed.html" "file://$PWD/cnn.html"
    empty out
}

run_tests "$@"

# What axe-core says of the page of hpx report: nothing.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/axe.sh"

# A program that only adds up; what it is given for `c` may fail.
pages() { # FILE SETTING...
    cat >score.sh <<'X'
#!/bin/sh
[ "$2" != bad ] || { echo '{"failed": "no such thing"}'; exit; }
for e in 1 2 3; do echo "epoch=$e score=0.$(($1 % 7 + e))$3"; done
X
    chmod +x score.sh
    {
        printf '%s\n' program '  command = ./score.sh $n $c $seed' '  code = score.sh' '  metrics = stdout' \
            train '  epochs = 3' '  objective = maximise score'
        printf '  %s\n' "${@:2}"
        cat
    } >"$1"
    hpx build -q -j2 "$1" >out 2>err
    run 0 hpx report "$1" -o "${1%.rcp}.html"
}

test_axe_finds_nothing() {
    local axe
    if ! command -v chromium chromedriver python3 npm >found || [[ $(wc -l <found) != 4 ]]; then
        echo "  skipped: needs chromium, chromedriver, python3 and npm"
        return
    fi
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
    run 0 python3 -B "$SOURCE_ROOT/tests/cli/axe.py" "$axe" "file://$PWD/seeds.html" "file://$PWD/failed.html"
    empty out
}

run_tests "$@"

# The page of hpx report as a reader has it without scripts and on paper; its tables have the numbers of the commands.
. "$(dirname "$0")/common.sh"

test_tables_without_script_and_on_paper() {
    if ! command -v chromium chromedriver python3 >found || [[ $(wc -l <found) != 3 ]]; then
        echo "  skipped: needs chromium, chromedriver and python3"
        return
    fi
    recipe a.rcp 'epochs = 3' 'seeds = 1..3' <<'X'
axis n1 = log2 1..16
axis n2 = 2 4 8
search all
  method = grid
search climb
  method = hill-climb
search a-search-whose-name-takes-some-room
  method = partial-cross
  limit  = 1
X
    run 0 hpx build -j2 --json -q a.rcp
    cp out build.json
    run 0 hpx best a.rcp --top 99 --json
    cp out best.json
    run 0 hpx ls a.rcp --json
    cp out ls.json
    run 0 hpx report a.rcp -o page.html
    run 0 python3 -B "$SOURCE_ROOT/tests/cli/report_tables.py" "file://$PWD/page.html" build.json best.json ls.json
}

run_tests "$@"

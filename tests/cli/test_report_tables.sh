# The page of hpx report as a reader has it without scripts and on paper; its tables have the numbers of the commands.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/page.sh"

test_tables_without_script_and_on_paper() {
    needs_browser
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
    prints build.json hpx build -j2 --json -q a.rcp
    prints best.json hpx best a.rcp --top 99 --json
    prints ls.json hpx ls a.rcp --json
    run 0 hpx report a.rcp -o page.html
    run 0 python3 -B "$SOURCE_ROOT/tests/cli/report_tables.py" "file://$PWD/page.html" build.json best.json ls.json
}

run_tests "$@"

# hpx report --watch: the page of a build that runs, written again and again, until its searches are done or Ctrl-C.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/page.sh"

# A program whose trials wait until they may go on: each for a file `go`, or for one named like its cell.
held() { # FILE
    program_recipe "$1" "\$n \"$PWD\"" 'for i in $(seq 600); do
    [ -e "$2/go" ] || [ -e "$2/go-$1" ] && break
    sleep 0.1
done
echo "score=0.$1"' 'objective = maximise score' <<'X'
axis n = 11 22 33
search all
  method = grid
X
}

end_all() { # what a test has started and a failed check has left
    trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT
}

cells_on() { # FILE: cells with results
    json_of "$1" | jq '.cells | length'
}

shows() { # FILE COUNT
    [[ -e $1 && $(cells_on "$1") == "$2" ]]
}

loads_itself() { # FILE
    grep -q '^<body data-reload="2">$' "$1"
}

test_a_build_is_watched_to_its_end() {
    held a.rcp
    "$HPX" report a.rcp -o page.html --watch >watch.out 2>watch.err &
    local watch=$!
    poll grep -q 'nothing is stored of it yet; waits for: hpx build a.rcp' watch.err
    [[ ! -e page.html ]] || fail 'there is a page of nothing'
    "$HPX" build -j3 -q a.rcp >build.out 2>build.err &
    local build=$!
    for n in 1 2; do
        : >"go-$n$n"
        poll shows page.html $n
        loads_itself page.html || fail "the page of $n cells does not load itself"
    done
    kill -0 $build || fail 'the build has ended early'
    run 0 hpx ls a.rcp --json # others read the store meanwhile
    is length 2
    : >go
    wait $build || fail "the build ends with $?: $(cat build.err)"
    wait $watch || fail "the watch ends with $?: $(cat watch.err)"
    shows page.html 3 || fail 'the page lacks results'
    ! loads_itself page.html || fail 'the page still loads itself'
    equal "$(cat watch.err)" "hpx: a.rcp: nothing is stored of it yet; waits for: hpx build a.rcp
hpx: page.html: all searches of a.rcp are done" 'what the watch says'
    empty watch.out
    run 0 hpx report a.rcp -o once.html # no other page than without --watch
    same_files once.html page.html
    equal "$(find . -name '*.tmp.*')" '' 'temporary files'
}

# In a browser the page comes to show what is stored, and what is pinned stays so.
test_a_browser_follows() {
    needs_browser
    held a.rcp
    end_all
    : >go-11
    "$HPX" build -j3 -q a.rcp >build.out 2>build.err &
    "$HPX" report a.rcp -o page.html --watch -q >watch.out 2>watch.err &
    poll shows page.html 1
    cat >follow.py <<'X'
import sys
sys.path.insert(0, sys.argv[1])
from browser import Browser

rows = "return document.querySelectorAll('#table tbody tr').length"
with Browser() as browser:
    browser.open(sys.argv[2] + "#pin=0")
    assert browser.run(rows) == 1
    open("go", "w").close()
    browser.until("return document.querySelectorAll('#table tbody tr').length === 3 && !document.body.dataset.reload")
    assert browser.run("return location.hash") == "#pin=0"
    assert browser.run("return document.querySelectorAll('#table tr.pinned').length") == 1
    assert browser.log() == []
X
    run 0 python3 -B follow.py "$SOURCE_ROOT/tests/cli" "file://$PWD/page.html"
    wait
    empty watch.err
}

# Nothing changes, nothing is written; Ctrl-C ends it, and the page that is left stands still.
test_an_interrupt_leaves_a_page_that_stands_still() {
    held a.rcp
    end_all
    : >go-11
    "$HPX" build -j3 -q a.rcp >build.out 2>build.err &
    poll hpx report a.rcp -o once.html
    "$HPX" report a.rcp -o page.html --watch -q >watch.out 2>watch.err &
    local watch=$!
    poll loads_itself page.html
    local before
    before=$(stat -c '%i %y' page.html)
    sleep 3
    equal "$(stat -c '%i %y' page.html)" "$before" 'the page, though no result has come'
    kill -INT $watch
    wait $watch
    equal $? 130 'how the watch ends'
    same_files once.html page.html
    empty watch.out
    empty watch.err
    : >go
    wait
}

test_what_is_asked_wrongly() {
    held a.rcp
    : >go
    complains 2 'name the file to write: -o report.html' hpx report a.rcp --watch
    complains 2 'name the file to write: -o report.html' hpx report a.rcp --watch -o -
    run 0 hpx build -q -j3 a.rcp
    complains 1 'no/such/folder' hpx report a.rcp -o no/such/folder/page.html --watch
    complains 1 'none.json' hpx report a.rcp -o page.html --watch --compare none.json
    run 0 hpx report a.rcp -o page.html --watch # there is nothing to wait for
    equal "$(cat err)" 'hpx: page.html: all searches of a.rcp are done' 'what it says'
}

run_tests "$@"

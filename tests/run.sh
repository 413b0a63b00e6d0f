#!/bin/sh
# Runs the test programs given, the fuzz corpora and the command tests, and closes with 'N passed, N failed'.
# A program counts once; its own lines are shown only when it fails.
set -u
: "${BUILD:=build}"
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() { # NAME COMMAND...
    name=$1
    shift
    start=$(date +%s)
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok    %s (%s s)\n' "$name" $(($(date +%s) - start))
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n' "$name"
        sed 's/^/    /' "$log"
    fi
}

for program in "$@"; do
    name=${program#"$BUILD"/tests/}
    case $name in
    fuzz/replay_*) run "$name" "$program" "tests/fuzz/corpus/${name#fuzz/replay_}" ;;
    *) run "$name" "$program" ;;
    esac
done
for script in tests/cli/test_*.sh; do
    [ -e "$script" ] && run "${script#tests/}" env HPX="$PWD/$BUILD/hpx" bash "$script"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

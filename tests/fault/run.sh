#!/usr/bin/env bash
# Runs the fault tests, or those named, in the CI sizes or, with --torture, in the large ones. Prints a line per test
# with the numbers reached (SIZE in the environment overrides them), writes them to build/fault-results.txt, and closes with 'N passed, N failed'.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
export BUILD
sizes=ci
if [[ ${1:-} == --torture ]]; then
    sizes=torture
    shift
fi

# Test, its size in CI and in torture, what the size counts.
table='
kill         200     2000    kills
writes       all     all     faults
tmpfs        16      256     sizes
flips        2000    100000  flips
blobs        60      2000    files
storm        30      1800    seconds
one-key      20      500     rounds
resume       20      500     trainings
malloc       all     all     allocations
power-cut    5       200     cuts
'
passed=0
failed=0
skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
results=$BUILD/fault-results.txt
[[ $# -gt 0 && -e $results ]] || echo 'test size lost wrong crashes seconds' >"$results"

while read -r test ci torture unit <&3; do
    [[ -n $test ]] || continue
    [[ $# -eq 0 || " $* " == *" $test "* ]] || continue
    size=$ci
    [[ $sizes == ci ]] || size=$torture
    size=${SIZE:-$size}
    start=$(date +%s)
    code=0
    limit=1200 # what hangs does not hold up the others
    [[ $sizes == ci ]] || limit=infinity
    SIZE=$size timeout --kill-after=10 "$limit" bash "tests/fault/$test.sh" >"$log" 2>&1 || code=$?
    seconds=$(($(date +%s) - start))
    read -r _ reached lost wrong crashes < <(grep '^result: ' "$log" || echo 'result: 0 - - -')
    if [[ $code == 77 ]]; then
        skipped=$((skipped + 1))
        printf 'skip  %-10s %s\n' "$test" "$(sed -n 's/^skip: //p' "$log")"
        continue
    fi
    sed -i "/^$test /d" "$results"
    echo "$test $reached $lost $wrong $crashes $seconds" >>"$results"
    if [[ $code == 0 ]]; then
        passed=$((passed + 1))
        printf 'ok    %-10s %s %s, 0 lost, 0 wrong, 0 crashes (%s s)\n' "$test" "$reached" "$unit" "$seconds"
        sed -n 's/^note: /      /p' "$log"
    else
        failed=$((failed + 1))
        printf 'FAIL  %-10s %s %s, %s lost, %s wrong, %s crashes (%s s)\n' "$test" "$reached" "$unit" "$lost" "$wrong" \
            "$crashes" "$seconds"
        tail -40 "$log" | sed 's/^/      /'
    fi
done 3<<<"$table"

[[ $skipped == 0 ]] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[[ $failed == 0 && $passed -gt 0 ]]

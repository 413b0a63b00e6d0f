#!/bin/sh
# Runs the test programs given, the fuzz corpora and the command tests, as many at once as there are processors, and
# closes with 'N passed, N failed'. A program counts once; its own lines are shown only when it fails.
set -u
: "${BUILD:=build}"
HPX=$(realpath -m "$BUILD")/hpx
# Stores in memory: thousands of commits need not wait for a disk. What disks do to a store is tested in tests/fault.
if [ -z "${TMPDIR-}" ] && [ -d /dev/shm ] && [ -w /dev/shm ]; then
    TMPDIR=/dev/shm
fi
: "${TMPDIR:=/tmp}"
export BUILD HPX TMPDIR

if [ "${1-}" = --one ]; then # NAME COMMAND...: runs one and says how it went
    name=$2
    result=$results/$(echo "$name" | tr / _)
    shift 2
    start=$(date +%s)
    limit=900 # seconds; one that hangs does not hold up the others; none takes a tenth of that
    if timeout --kill-after=10 $limit "$@" >"$result.log" 2>&1; then
        : >"$result.passed"
        printf 'ok    %s (%s s)\n' "$name" $(($(date +%s) - start))
    else
        : >"$result.failed"
        [ $(($(date +%s) - start)) -lt $limit ] || echo "ended after $limit s" >>"$result.log"
        { printf 'FAIL  %s\n' "$name" && sed 's/^/    /' "$result.log"; } >"$result.report"
        cat "$result.report"
    fi
    exit 0
fi

results=$(mktemp -d)
export results # not as a word of a line: its name may have a blank
trap 'rm -rf "$results"' EXIT

list() { # the slowest first, so that none is left to run alone at the end
    for script in tests/cli/test_*.sh; do
        [ -e "$script" ] && echo "${script#tests/} bash $script"
    done
    for program in "$@"; do
        name=${program#"$BUILD"/tests/}
        case $name in
        fuzz/replay_*) echo "$name $program tests/fuzz/corpus/${name#fuzz/replay_}" ;;
        *) echo "$name $program" ;;
        esac
    done
}

list "$@" | xargs -P "$(nproc)" -L 1 sh "$0" --one

passed=$(find "$results" -name '*.passed' | wc -l)
failed=$(find "$results" -name '*.failed' | wc -l)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

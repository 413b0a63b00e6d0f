#!/bin/sh
# Formatting, static analysis, and the layer table.
set -u
failed=0

for tool in clang-format cppcheck; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "lint: $tool is missing; install it with: sh tools/deps.sh $tool" >&2
        exit 1
    fi
done

sources=$(git ls-files '*.c' '*.h')

# shellcheck disable=SC2086
clang-format --dry-run --Werror $sources || failed=1

# shellcheck disable=SC2046
awk -f tools/layers.awk tools/layers.txt $(git ls-files 'src/*.[ch]' 'include/hpx/*.h') || failed=1

# Only the command line ends the process or prints; a child that is no program ends in process.c.
if git grep -nE '\b(exit|_exit|printf|puts)\(' -- 'src/*.c' ':!src/cli' ':!src/base/process.c' | grep -vE 'hpx_[a-z_]*(printf|puts)\('; then
    echo "lint: only src/cli may print or exit" >&2
    failed=1
fi

# Every name that is seen outside of its file begins with hpx_.
objects=$(git ls-files 'src/cli/*.c' | sed "s|\(.*\)\.c|${BUILD:=build}/\1.o|")
# shellcheck disable=SC2086
if nm -A -g --defined-only "$BUILD/libhpx.a" $objects | awk 'NF > 2 && $NF !~ /^hpx_/ && $NF != "main"' | grep .; then
    echo "lint: a global name does not begin with hpx_" >&2
    failed=1
fi

# What cppcheck found in files that have not changed since is kept.
mkdir -p "$BUILD/cppcheck"
# shellcheck disable=SC2046
cppcheck --cppcheck-build-dir="$BUILD/cppcheck" --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
    --suppress=missingIncludeSystem --suppressions-list=tools/cppcheck.txt -D_GNU_SOURCE -Iinclude -Isrc -j 2 $(git ls-files 'src/*.c' 'tools/*.c') ||
    failed=1

[ "$failed" -eq 0 ] && echo "lint: clean"
exit "$failed"

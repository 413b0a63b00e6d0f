#!/usr/bin/env bash
# How many searches a second of one processor are run over the paper's table of 66 scores.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
make -s BUILD="$BUILD" "$BUILD/bench/replay" >&2
"$BUILD/bench/replay" tests/golden/paper-table.csv

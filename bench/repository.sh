#!/usr/bin/env bash
# What the code version costs in a large repository: hpx's sources among FILES others, all committed, and one source edited.
# Processor time of the tool that make runs, median. Needs git.
set -eu
cd "$(dirname "$0")/.."
BUILD=$(realpath "${BUILD:-build}")
files=${FILES:-100000}
runs=${RUNS:-11}
scratch=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$scratch"' EXIT
make -s BUILD="$BUILD" "$BUILD/hpx" "$BUILD/bench/spawn" >&2

echo "repository: committing $files files" >&2
git clone -q . "$scratch/work"
cd "$scratch/work"
awk -v files="$files" 'BEGIN { for (i = 0; i < files; i++) printf "others/%03d/%d.txt\n", i % 1000, i }' >../names
mkdir others
(cd others && printf '%03d\n' {0..999} | xargs mkdir)
awk '{ print $1 >$1; close($1) }' ../names
git add -A
git -c user.name=bench -c user.email=bench@localhost commit -q -m 'many files'
echo '/* an edit */' >>src/nn/mlp.c

# What make stamps, as the Makefile has it.
list() { make -s --no-print-directory -f Makefile -f - print 2>/dev/null <<<"print: ; @echo '\$($1)'"; }
export $(list STAMP_ENVIRONMENT)
read -r _ _ busy _ < <("$BUILD/bench/spawn" "$runs" "$BUILD/stamp-tool" ../stamp.c "$PWD" "$(list BUILD_SOURCES)" mlp "$(list SOURCES_mlp)")
grep -q '"[^"]*-dirty"' ../stamp.c
awk -v ms="$busy" -v files="$files" 'BEGIN {
    printf "repository,a source tree among %d files,processor time of its version,%.3f,s,<=0.3,%s\n", files, ms / 1e3, ms <= 300 ? "yes" : "no" }'

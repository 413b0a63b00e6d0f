#!/usr/bin/env bash
# Runs the benchmarks, or those named, and prints their figures beside the targets. A benchmark is a script bench/NAME.sh
# that writes rows `bench,case,figure,value,unit,target,met` to stdout, or exits with 77 and says on stderr what is missing.
# The rows are kept in bench/results.csv with the machine, kernel, compiler, BLAS and commit they were measured with.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
export BUILD LC_ALL=C.UTF-8
# What tests pin is not what a user has.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS HPX_STORE HPX_MAP_SIZE HPX_VECTOR
# As every command finds them.
export HPX_DATA=${HPX_DATA:-$PWD/cache/data}

results=bench/results.csv
header=bench,case,figure,value,unit,target,met,machine,kernel,blas,compiler,commit,date
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT

field() { # of hpx --version -v
    "$BUILD/hpx" --version -v | sed -n "s/^numerics.$1 //p" | tr , ';'
}
machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1 | tr , ';')
where="$machine x $(nproc),$(field kernel),$(field blas),$(field compiler),$(git describe --always --dirty),$(date +%F)"

names=("$@")
[[ $# -gt 0 ]] || names=($(ls bench/*.sh | sed 's|bench/||; s|\.sh$||; /^run$/d; /^common$/d'))
failed=0
for name in "${names[@]}"; do
    echo "--- $name" >&2
    rows=$(bash "bench/$name.sh") && code=0 || code=$?
    if [[ $code == 77 ]]; then
        echo "skipped" >&2
        continue
    elif [[ $code != 0 ]]; then
        echo "$name failed (exit code $code)" >&2
        failed=1
        continue
    fi
    sed "s/\$/,$where/" <<<"$rows" >>"$fresh"
done

# New rows take the place of old ones of the same benchmark.
{
    echo "$header"
    [[ ! -e $results ]] || awk -F, 'FILENAME == ARGV[1] { new[$1] = 1; next } FNR > 1 && !($1 in new)' "$fresh" "$results"
    cat "$fresh"
} | (sed -u 1q; sort -t, -s -k1,1) >"$results.new"
mv "$results.new" "$results"

awk -F, '
    BEGIN { printf "%-8s %-34s %-34s %12s %-12s %-9s %s\n", "bench", "case", "figure", "value", "unit", "target", "met" }
    { printf "%-8s %-34s %-34s %12s %-12s %-9s %s\n", $1, $2, $3, $4, $5, $6, $7 }
    $7 == "yes" { met++ } $7 == "no" { missed++ }
    END { printf "%d targets met, %d missed\n", met, missed }' "$fresh"
exit $failed

#!/usr/bin/env bash
# Runs the benchmarks, or those named, and prints their figures beside the targets. A benchmark is a script bench/NAME.sh
# that writes rows `bench,case,figure,value,unit,target,met` to stdout, or exits with 77 and says on stderr what is missing.
# The rows are kept in bench/results.csv with the vectors, machine, BLAS, its kernel, compiler and commit they were measured
# with.
#
#   bench/run.sh [--vector avx2|avx512] [NAME...]
#
# Without --vector hpx and its rivals take the widest vectors there are, and where that is AVX-512 what trains (train*, cnn)
# is measured once more with AVX2.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
export BUILD LC_ALL=C.UTF-8 VECTOR=${VECTOR-}
# As every command finds them.
export HPX_DATA=${HPX_DATA:-$PWD/cache/data}
if [[ ${1-} == --vector ]]; then
    VECTOR=${2-none}
    shift $(($# > 1 ? 2 : 1))
fi

results=bench/results.csv
header=bench,case,figure,value,unit,target,met,vector,machine,kernel,blas,compiler,commit,date
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT

field() { # of hpx --version -v
    sed -n "s/^$1 //p" <<<"$version" | tr , ';'
}

# What rows are measured with, the last columns; fails where the machine has no such vectors.
describe() (
    source bench/common.sh
    version=$("$BUILD/hpx" --version -v) || exit
    machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1 | tr , ';')
    echo "$(field machine.vector),$machine x $(nproc),$(field machine.kernel),$(field machine.blas),$(
        field numerics.compiler),$(git describe --always --dirty),$(date +%F)"
)

measure() { # NAME...
    local name rows code where
    where=$(describe) || exit 2
    for name; do
        echo "--- $name, ${where%%,*}" >&2
        rows=$(bash "bench/$name.sh") && code=0 || code=$?
        if [[ $code == 77 ]]; then
            echo "skipped" >&2
        elif [[ $code != 0 ]]; then
            echo "$name failed (exit code $code)" >&2
            failed=1
        else
            sed "s/\$/,$where/" <<<"$rows" >>"$fresh"
        fi
    done
}

names=("$@")
[[ $# -gt 0 ]] || names=($(ls bench/*.sh | sed 's|bench/||; s|\.sh$||; /^run$/d; /^common$/d'))
failed=0
measure "${names[@]}"
if [[ -z $VECTOR && $(describe) == avx512,* ]]; then
    VECTOR=avx2
    measure $(printf '%s\n' "${names[@]}" | grep -E '^(train|cnn)')
fi

# New rows take the place of old ones of the same benchmark and vectors.
{
    echo "$header"
    [[ ! -e $results ]] ||
        awk -F, 'FILENAME == ARGV[1] { new[$1, $8] = 1; next } FNR > 1 && !(($1, $8) in new)' "$fresh" "$results"
    cat "$fresh"
} | (sed -u 1q; sort -t, -s -k1,1 -k8,8r) >"$results.new"
mv "$results.new" "$results"

awk -F, '
    BEGIN { format = "%-8s %-7s %-34s %-34s %12s %-12s %-9s %s\n"
            printf format, "bench", "vector", "case", "figure", "value", "unit", "target", "met" }
    { printf format, $1, $8, $2, $3, $4, $5, $6, $7 }
    $7 == "yes" { met++ } $7 == "no" { missed++ }
    END { printf "%d targets met, %d missed\n", met, missed }' "$fresh"
exit $failed

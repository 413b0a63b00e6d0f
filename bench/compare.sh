#!/usr/bin/env bash
# What `hpx compare` takes of a processor over the paper's grid with ten seeds, 15 epochs each: the paper's table with noise. The
# methods of recipes/mnist-methods.rcp, those that draw with 1,000 seeds of their own for each block, those that have a start from
# every cell; then a hundred runs of bayes.
cd "$(dirname "$0")/.." || exit 1
source bench/common.sh
make -s BUILD="$BUILD" "$BUILD/hpx" >&2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

awk -F, '
    NR == 1 { print $1 "," $2 ",seed,epoch,test_accuracy,validation_accuracy"; next }
    function noise() { x = x * 16807 % 2147483647; return (x / 2147483647 - 0.5) / 300 }
    BEGIN { x = 1 }
    {
        for (seed = 1; seed <= 10; seed++)
            for (epoch = 1; epoch <= 15; epoch++) {
                accuracy = 1 - (1 - $3) * (2 - epoch / 15)
                printf "%s,%s,%d,%d,%.4f,%.4f\n", $1, $2, seed, epoch, accuracy + noise(), accuracy + noise()
            }
    }' tests/golden/paper-table.csv >"$scratch/table.csv"
cp recipes/mnist.rcp "$scratch"
awk '/^search/ { passed = $2 == "bayes" } !passed' recipes/mnist-methods.rcp >"$scratch/methods.rcp"
{
    sed '/^search/,$d' recipes/mnist-methods.rcp
    printf 'search bayes\n  method = bayes\n  evaluations = 30\n'
} >"$scratch/bayes.rcp"

row() { # CASE SECONDS_MAX RECIPE [OPTION...]
    local seconds TIMEFORMAT=%U
    seconds=$({ time "$BUILD/hpx" compare "$scratch/$3.rcp" --table "$scratch/table.csv" "${@:4}" >"$scratch/out"; } 2>&1)
    echo "compare,$1,processor time,$seconds,s,<=$2,$(awk -v v="$seconds" -v t="$2" 'BEGIN { print v <= t ? "yes" : "no" }')"
}
row '10000 seeds and all starts' 10 methods --starts all --repeat 1000
row '100 runs of bayes' 60 bayes --repeat 10

# A cold build of recipes/mnist-table.rcp on two processors, against the training of its 66 cells alone (bench/cells.c), in
# turns, and against the product of two matrices (bench/gemm.c). Takes twenty minutes to an hour; HPX_BENCH_EPOCHS=1 and
# HPX_BENCH_ROUNDS=3 give an impression in a few.
source "$(dirname "$0")/common.sh"
prepare_builds
epochs=${HPX_BENCH_EPOCHS:-15}
rounds=${HPX_BENCH_ROUNDS:-1}
export OPENBLAS_NUM_THREADS=1

sed "s/epochs *= .*/epochs = $epochs/" recipes/mnist.rcp >"$folder/mnist.rcp"
cp recipes/mnist-table.rcp "$folder/mnist-table.rcp"

for ((round = 0; round < rounds; round++)); do
    rate=$("$BUILD/bench/gemm" 2)
    read -r alone macs <<<"$("$BUILD/bench/cells" "$folder/mnist-table.rcp" "$HPX_DATA" 2)"
    rm -rf "$folder/store"
    from=$(date +%s%N)
    "$BUILD/hpx" build "$folder/mnist-table.rcp" -q -j 2 --json --store "$folder/store" >"$folder/out"
    to=$(date +%s%N)
    [[ $(jq '.searches[0].paid_training_macs' "$folder/out") == "$macs" ]]
    build=$(awk "BEGIN { print ($to - $from) * 1e-9 }")
    echo "sgemm $rate GFLOP/s; cells alone $alone s; build $build s" >&2
    awk "BEGIN { print $build / $alone }" >>"$folder/ratios"
    awk "BEGIN { print 2e-9 * $macs / $build / $rate }" >>"$folder/rates"
done

row() { # FIGURE VALUE TARGET
    printf 'whole,mnist-table-j2-%s-epochs,%s,%.3f,ratio,%s,%s\n' "$epochs" "$1" "$2" "$3" \
        "$(awk "BEGIN { print ($2 ${3//[0-9.]/} ${3//[<>=]/}) ? \"yes\" : \"no\" }")"
}
row build-over-cells "$(median <"$folder/ratios")" '<=1.15'
row flops-over-sgemm "$(median <"$folder/rates")" '>=0.75'

#!/bin/bash
# Training by batches other than 128 and of widths that are no multiple of anything, on one core, MNIST: hpx against the
# naive loop around cblas_sgemm, in turns; ratios are medians over the rounds. Rows as bench/run.sh wants them.
#
#   bench/train_shapes.sh [CELL...]     ROUNDS=3; cells like 128x64@16, of the list below; VECTOR=avx2
source "$(dirname "$0")/common.sh"
: "${ROUNDS:=3}"
export OPENBLAS_NUM_THREADS=1 MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296

# Hidden layers, batch, and the samples of an epoch: some tenths of a second's.
cells='16x16@1 16000
128x64@1 3200
128x64@16 20000
128x64@32 30000
128x64@512 40960
128x64@4096 49152
512x256@1 500
512x256@16 4000
512x256@32 8000
512x256@512 16384
512x256@4096 16384
128x4096@16 2000
128x4096@512 8192
1x1@128 60000
7x7@128 60000
7x1@1 16000
7x1000@512 40960
100x100@128 30000
100x7@16 20000
1000x7@32 4800
1000x1000@128 4096'

need_mnist
make --no-print-directory BUILD="$BUILD" "$BUILD/bench/train" "$BUILD/bench/$rival" >&2

# Both sides run throughout and answer a line of cell, optimizer, batch and samples with the seconds of an epoch.
folder=$(mktemp -d)
trap 'exec 3>&- 4>&-; wait; rm -rf "$folder"' EXIT
mkfifo "$folder"/{hpx,plain}.{in,out}
"$BUILD/bench/train" <"$folder/hpx.in" >"$folder/hpx.out" &
"$BUILD/bench/$rival" <"$folder/plain.in" >"$folder/plain.out" &
exec 3>"$folder/hpx.in" 5<"$folder/hpx.out" 4>"$folder/plain.in" 6<"$folder/plain.out"

ratios() { # REQUEST: of each round
    local round hpx plain
    for ((round = 0; round < ROUNDS; round++)); do
        echo "$1" >&3 && read -r hpx _ <&5
        echo "$1" >&4 && read -r plain <&6
        awk "BEGIN { print $plain / $hpx }"
    done
}

while read -r cell samples <&7; do
    [[ $# == 0 || " $* " == *" $cell "* ]] || continue
    sizes=${cell%@*}
    for optimizer in sgd adam; do
        echo "train_shapes: $cell $optimizer" >&2
        ratios "${sizes/x/ } $optimizer ${cell#*@} $samples 0" | median |
            awk -v name="$cell-$optimizer" '{
                printf "train_shapes,%s,over plain,%.4g,ratio,>=0.95,%s\n", name, $1, $1 >= 0.95 ? "yes" : "no"
            }'
    done
done 7<<<"$cells"

#!/bin/bash
# Convolutional networks on one core, batch 128: samples per second of hpx and of PyTorch (Debian's python3-torch, oneDNN),
# in turns, training with Adam and evaluation; ratios are medians over the rounds. PyTorch counts by the faster of its two
# memory formats, and has its images as floats already, which hpx makes of bytes batch by batch. A target is what must hold;
# 1.2 each and 1.5 in the mean is the goal. Below that the share of what the core can do is said. Rows as bench/run.sh wants
# them.
#
#   bench/cnn.sh [NETWORK...]     ROUNDS=5; all without arguments; VECTOR=avx2
source "$(dirname "$0")/common.sh"
: "${ROUNDS:=5}"
export OMP_NUM_THREADS=1
# PyTorch allocates its results anew at every step; without these the system would clear their pages every time.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296

# Name, samples of an epoch of training (a third of what an evaluation takes), size, channels, and the layers: convolutions as
# FILTERS:KERNEL:STRIDE:PADDING:POOL, then units.
networks='lenet 7680 28 1 6:5:1:same:2 16:5:1:valid:2 120 84
16-32 3840 28 1 16:3:1:same:2 32:3:1:same:2 128
32-64 1920 28 1 32:3:1:same:2 64:3:1:same:2 128
32-64-late-pool 640 28 1 32:3:1:same:1 64:3:1:same:2 128
20-50 2560 28 1 20:5:1:valid:2 50:5:1:valid:2 500
stride 3840 28 1 32:3:2:same:1 64:3:2:same:1 128
three 896 32 3 32:3:1:same:2 64:3:1:same:2 128:3:1:same:2 128'

if ! /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    echo "cnn: PyTorch is missing; install it with: sh tools/deps.sh python3-torch" >&2
    exit 77
fi
need_mnist
make --no-print-directory BUILD="$BUILD" "$BUILD/bench/cnn" >&2

# Each side runs throughout and answers a line with seconds.
folder=$(mktemp -d)
trap 'exec 3>&- 4>&-; wait; rm -rf "$folder"' EXIT
mkfifo "$folder"/{hpx,torch}.{in,out}
"$BUILD/bench/cnn" <"$folder/hpx.in" >"$folder/hpx.out" &
/usr/bin/python3 bench/cnn_torch.py <"$folder/torch.in" >"$folder/torch.out" &
exec 3>"$folder/hpx.in" 5<"$folder/hpx.out" 4>"$folder/torch.in" 6<"$folder/torch.out"

# NAME train|evaluate SAMPLES REST: one line for each round: seconds of hpx and of PyTorch by either format; multiplications
# of a sample in the forward pass, and in the first layer.
measure() {
    local request="$2 $3 $4" hpx forward first planar last
    for ((round = 0; round < ROUNDS; round++)); do
        echo "$request" >&3 && read -r hpx forward first <&5
        echo "$request" >&4 && read -r planar last <&6
        echo "$1 $2 $3 $hpx $planar $last $forward $first"
    done
}

for what in train evaluate; do
    while read -r name samples rest; do
        [[ $# == 0 || " $* " == *" $name "* ]] || continue
        echo "cnn: $name, $what" >&2
        [[ $what == train ]] || samples=$((3 * samples))
        echo peak >&3 && read -r peak <&5
        measure "$name" "$what" "$samples" "$rest" | sed "s/^/$peak /"
    done <<<"$networks"
done | awk '
    function median(list, n,    i, j, swap) {
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
                swap = list[j]; list[j] = list[j - 1]; list[j - 1] = swap
            }
        return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    }
    function row(name, figure, value, unit, least) {
        printf "cnn,%s,%s,%.4g,%s,%s,%s\n", name, figure, value, unit, least ? ">=" least : "",
            least ? (value >= least ? "yes" : "no") : ""
        fflush()
    }
    function finish(    name, ratio, seconds, rival) {
        if (!n)
            return
        name = network "-" what
        seconds = median(hpx, n)
        rival = median(torch, n)
        row(name, "hpx", samples / seconds, "samples/s")
        row(name, "torch", samples / rival, "samples/s")
        ratio = median(over, n)
        row(name, "over torch", ratio, "ratio", 1)
        if (ratio < 1.2)
            row(name, "share of the peak", 2e-9 * samples * multiplications / seconds / peak, "ratio")
        log_sum[what] += log(ratio)
        cases[what]++
        n = 0
    }
    $2 != network || $3 != what {
        finish()
        peak = $1; network = $2; what = $3; samples = $4
        multiplications = what == "train" ? 3 * $8 - $9 : $8 # the first layer has no input gradient
    }
    {
        n++
        hpx[n] = $5
        torch[n] = $6 < $7 ? $6 : $7
        over[n] = torch[n] / hpx[n]
    }
    END {
        finish()
        for (i = 1; i <= split("train evaluate", order, " "); i++)
            if (cases[order[i]] > 1)
                row("all-" order[i], "over torch", exp(log_sum[order[i]] / cases[order[i]]), "geometric mean", 1.3)
    }'

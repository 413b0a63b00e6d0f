#!/bin/bash
# Training on one core, batch 128, MNIST: samples per second of hpx, of PyTorch (Debian's python3-torch) and of a naive
# loop around cblas_sgemm, in turns; ratios are medians over the rounds. Rows as bench/run.sh wants them.
#
#   bench/train.sh [CELL...]     ROUNDS=5; cells like 128x64; all without arguments; VECTOR=avx2
source "$(dirname "$0")/common.sh"
: "${ROUNDS:=5}"
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
# PyTorch allocates its results anew at every step; without these the system would clear their pages every time.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296

# Samples of an epoch: about half a second's, but no more than there are.
declare -A samples=([16x16]=60000 [64x32]=60000 [128x64]=60000 [256x128]=60000 [512x256]=30080 [128x4096]=12800
    [512x16384]=1920)
order="16x16 64x32 128x64 256x128 512x256 128x4096 512x16384"

if ! /usr/bin/python3 -c 'import torch' 2>/dev/null; then
    echo "train: PyTorch is missing; install it with: sh tools/deps.sh python3-torch" >&2
    exit 77
fi
need_mnist
make --no-print-directory BUILD="$BUILD" "$BUILD/bench/train" "$BUILD/bench/$rival" >&2

# Each side runs throughout and answers a line of cell, optimizer, batch and samples with the seconds of an epoch.
folder=$(mktemp -d)
trap 'exec 3>&- 4>&- 5>&-; wait; rm -rf "$folder"' EXIT
mkfifo "$folder"/{hpx,torch,plain}.{in,out}
"$BUILD/bench/train" <"$folder/hpx.in" >"$folder/hpx.out" &
/usr/bin/python3 bench/train_torch.py <"$folder/torch.in" >"$folder/torch.out" &
"$BUILD/bench/$rival" <"$folder/plain.in" >"$folder/plain.out" &
exec 3>"$folder/hpx.in" 6<"$folder/hpx.out" 4>"$folder/torch.in" 7<"$folder/torch.out" 5>"$folder/plain.in" \
    8<"$folder/plain.out"

# CELL OPTIMIZER: one line for each round: seconds of hpx, torch and plain, and of hpx for one batch with an evaluation and
# without.
measure() {
    local n=${samples[$1]} request hpx torch plain with without
    request="${1%x*} ${1#*x} $2 128"
    for ((round = 0; round < ROUNDS; round++)); do
        echo "$request $n 0" >&3 && read -r hpx _ <&6
        echo "$request $n 0" >&4 && read -r torch <&7
        echo "$request $n 0" >&5 && read -r plain <&8
        echo "$request 128 $n" >&3 && read -r with _ <&6
        echo "$request 128 0" >&3 && read -r without _ <&6
        echo "$hpx $torch $plain $with $without"
    done
}

# sgemm with AVX2 reaches 0.81 to 0.9 of what a core can do (docs/training.md, "The limit"), and at (512, 16384) the plain
# loop is little but sgemm: 1.1 times as much would be all that there is, and more.
vector=$("$BUILD/hpx" --version -v | sed -n 's/^machine\.vector //p')

for cell in ${@:-$order}; do
    for optimizer in sgd adam; do
        echo "train: $cell $optimizer" >&2
        measure "$cell" "$optimizer" | sed "s/^/$cell $optimizer ${samples[$cell]} /"
    done
done | awk -v vector="$vector" '
    function median(list, n,    i, j, swap) {
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
                swap = list[j]; list[j] = list[j - 1]; list[j - 1] = swap
            }
        return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
    }
    function row(name, figure, value, unit, least) {
        printf "train,%s,%s,%.4g,%s,%s,%s\n", name, figure, value, unit, least ? ">=" least : "",
            least ? (value >= least ? "yes" : "no") : ""
        fflush()
    }
    function finish(    name, ratio) {
        if (!n)
            return
        name = cell "-" optimizer
        row(name, "hpx", samples / median(hpx, n), "samples/s")
        row(name, "torch", samples / median(torch, n), "samples/s")
        row(name, "plain", samples / median(plain, n), "samples/s")
        ratio = median(over_torch, n)
        row(name, "over torch", ratio, "ratio", 1.2)
        row(name, "over plain", median(over_plain, n), "ratio", vector == "avx2" && cell == "512x16384" ? 1 : 1.1)
        row(name, "evaluation over training", median(evaluation, n), "multiplications/s", 1)
        log_sum += log(ratio)
        cases++
        n = 0
    }
    $1 != cell || $2 != optimizer {
        finish()
        cell = $1; optimizer = $2; samples = $3
        split(cell, size, "x")
        forward = 784 * size[1] + size[1] * size[2] + size[2] * 10
        backward = 2 * forward - 784 * size[1] # a step multiplies so much more
    }
    {
        n++
        hpx[n] = $4; torch[n] = $5; plain[n] = $6
        over_torch[n] = $5 / $4
        over_plain[n] = $6 / $4
        evaluation[n] = forward / ($7 - $8) / ((forward + backward) / $4)
    }
    END {
        finish()
        if (cases > 1)
            row("all", "over torch", exp(log_sum / cases), "geometric mean", 2.5)
    }'

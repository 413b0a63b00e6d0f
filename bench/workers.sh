#!/bin/bash
# Two trainings on two cores against one alone, by the clock, per cell; and the most memory a worker of `hpx build`
# holds at (512,16384), mapped files aside, over weights, gradients, optimizer's state and one batch.
source "$(dirname "$0")/common.sh"
: "${ROUNDS:=3}"
declare -A samples=([16x16]=60000 [64x32]=60000 [128x64]=60000 [256x128]=60000 [512x256]=30080 [128x4096]=12800
    [512x16384]=1920)
order="16x16 64x32 128x64 256x128 512x256 128x4096 512x16384"

make --no-print-directory BUILD="$BUILD" "$BUILD/bench/train" "$BUILD/hpx" >&2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Each side runs throughout and answers a line of cell, optimizer and samples with the seconds of an epoch.
cores() {
    local cell request one two other
    mkfifo "$folder"/{first,second}.{in,out}
    "$BUILD/bench/train" <"$folder/first.in" >"$folder/first.out" &
    "$BUILD/bench/train" <"$folder/second.in" >"$folder/second.out" &
    exec 3>"$folder/first.in" 5<"$folder/first.out" 4>"$folder/second.in" 6<"$folder/second.out"
    for cell in $order; do
        echo "workers: $cell" >&2
        request="${cell%x*} ${cell#*x} adam ${samples[$cell]} 0"
        for ((round = 0; round < ROUNDS; round++)); do
            echo "$request" >&3 && read -r _ one <&5
            echo "$request" >&3 && echo "$request" >&4 && read -r _ two <&5 && read -r _ other <&6
            echo "$cell $one $two $other"
        done
    done
    exec 3>&- 4>&-
    wait
}

cores | awk '
    function finish(    i, j, swap, ratio) {
        if (!n)
            return
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
                swap = list[j]; list[j] = list[j - 1]; list[j - 1] = swap
            }
        ratio = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
        printf "workers,%s-adam,two over one,%.3g,ratio,>=1.8,%s\n", cell, ratio, (ratio >= 1.8 ? "yes" : "no")
        log_sum += log(ratio)
        cells++
        n = 0
    }
    $1 != cell { finish(); cell = $1 }
    { list[++n] = $2 / $3 + $2 / $4 }
    END {
        finish()
        mean = exp(log_sum / cells)
        printf "workers,all,two over one,%.3g,geometric mean,>=1.9,%s\n", mean, (mean >= 1.9 ? "yes" : "no")
    }'

# The anonymous memory of all workers of a build, the most that is seen every few milliseconds.
memory() { # OPTIMIZER STATES
    local kib most=0 pid process
    cat >"$folder/memory.rcp" <<RECIPE
dataset mnist
  validation = 0
  take = 1920
model mlp
  hidden = 512 \$n2
train
  optimizer = $1
  epochs = 1
  objective = test_accuracy
axis n2 = 16384
search one
  method = grid
RECIPE
    echo "workers: memory of (512,16384), $1" >&2
    "$BUILD/hpx" build -q -j1 --store "$folder/store-$1" "$folder/memory.rcp" >&2 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        for process in $(pgrep -P "$pid"); do
            kib=$(awk '/^RssAnon:/ { print $2 }' "/proc/$process/status" 2>/dev/null || echo 0)
            most=$((${kib:-0} > most ? kib : most))
        done
        sleep 0.005
    done
    wait "$pid"
    awk -v most="$most" -v states="$2" -v name="$1" 'BEGIN {
        inputs = 784; first = 512; second = 16384; classes = 10; rows = 128
        parameters = (inputs + 1) * first + (first + 1) * second + (second + 1) * classes
        batch = rows * (inputs + 2 * (first + second + classes)) # activations and their derivatives
        ratio = most * 1024 / (4 * ((2 + states) * parameters + batch))
        printf "workers,512x16384-%s,memory,%.3g,MiB,,\n", name, most / 1024
        printf "workers,512x16384-%s,memory over network and batch,%.3g,ratio,<=1.3,%s\n", name, ratio,
            (ratio <= 1.3 ? "yes" : "no")
    }'
}

export HPX_DATA="${HPX_DATA:-cache/data}"
memory sgd 0
memory adam 2

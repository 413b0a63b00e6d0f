#!/usr/bin/env bash
# How long commands take that find what they need: as whole processes, on stores of made-up results (store_fill), in
# turns. SMALL holds the trials of mnist-table.rcp, MEDIUM 100,000 artifacts and LARGE a million. Needs MNIST (HPX_DATA,
# or cache/data here) and 2 GB in /dev/shm; with less, LARGE holds as many as there is room for, and says so.
cd "$(dirname "$0")/.." || exit 1
source bench/common.sh
export HPX_DATA=${HPX_DATA:-$PWD/cache/data}
recipe=recipes/mnist-table.rcp
runs=${RUNS:-31}

if [[ ! -e $HPX_DATA/mnist/train-images-idx3-ubyte ]]; then
    echo "start: no MNIST in HPX_DATA; get it with: $BUILD/hpx data fetch mnist" >&2
    exit 77
fi
make -s BUILD="$BUILD" "$BUILD/hpx" "$BUILD/bench/spawn" "$BUILD/bench/store_fill" >&2
scratch=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$scratch"' EXIT

row() { # CASE FIGURE VALUE UNIT [OPERATOR TARGET]
    local met=
    [[ $# -lt 6 ]] || met=$(awk -v v="$3" -v t="$6" -v o="$5" 'BEGIN { print (o == ">=" ? v >= t : v <= t) ? "yes" : "no" }')
    echo "start,$1,$2,$3,$4,${5-}${6-},$met"
}

room=$(df -k --output=avail "$scratch" | tail -1)
large=$((room / 2000 < 1000 ? room / 2000 * 1000 : 1000000))
[[ $large == 1000000 ]] || echo "start: the largest store holds $large artifacts only: /dev/shm is small" >&2
echo "start: filling stores with up to $large artifacts" >&2
for store in small:0 medium:100000 "large:$large"; do
    "$BUILD/bench/store_fill" "$scratch/${store%:*}" "$recipe" "${store#*:}"
done
key=$("$BUILD/hpx" ls --store "$scratch/small" "$recipe" --json | jq -r '.[0].key')

# --- nothing changed, and the store grows ------------------------------------------------------------------------------

commands=(/bin/true)
for store in small medium large; do
    commands+=(-- "$BUILD/hpx" build "$recipe" --store "$scratch/$store")
done
for command in "plan $recipe" "ls $recipe" "show $key"; do
    for store in small large; do
        # shellcheck disable=SC2206
        commands+=(-- "$BUILD/hpx" $command --store "$scratch/$store")
    done
done
mapfile -t lines < <("$BUILD/bench/spawn" "$runs" "${commands[@]}")
times=("${lines[@]%% *}")
faults=("${lines[@]##* }")
row 'an empty process' 'wall time' "${times[0]}" ms
row 'build of 66 stored cells' 'wall time' "${times[1]}" ms '<=' 10
row 'the same among 100000 artifacts' 'wall time' "${times[2]}" ms '<=' 15
for at in 0 1 2 3; do
    names=('an empty process' 'build of 66 stored cells' 'the same among 100000 artifacts' "the same among $large artifacts")
    row "${names[at]}" 'page faults' "${faults[at]}" faults
done
ratio() { # CASE SMALL LARGE
    row "$1" "wall time among $large artifacts to 990" "$(awk -v a="$2" -v b="$3" 'BEGIN { printf "%.2f", b / a }')" ratio '<=' 1.2
}
ratio 'build RECIPE' "${times[1]}" "${times[3]}"
ratio 'plan RECIPE' "${times[4]}" "${times[5]}"
ratio 'ls RECIPE' "${times[6]}" "${times[7]}"
ratio 'show KEY' "${times[8]}" "${times[9]}"

# --- a large plan ------------------------------------------------------------------------------------------------------

printf '%s\n' 'dataset mnist' 'model mlp' '  hidden = $n1 $n2' 'train' '  epochs = 3' '  seeds = 1..10' \
    'axis n1 = linear 10..109 step 1' 'axis n2 = linear 10..109 step 1' 'search all' '  method = grid' >"$scratch/big.rcp"
mapfile -t times < <("$BUILD/bench/spawn" 7 "$BUILD/hpx" plan "$scratch/big.rcp" --store "$scratch/small" | cut -d' ' -f1)
row 'plan of 100000 trials' 'wall time' "$(awk -v v="${times[0]}" 'BEGIN { printf "%.3f", v / 1e3 }')" s '<=' 1

# --- four million cells -------------------------------------------------------------------------------------------------

printf '%s\n' 'dataset mnist' 'model mlp' '  hidden = $n1 $n2' 'train' '  epochs = 1' 'axis n1 = 1..2048' 'axis n2 = 1..2048' \
    'search few' '  method = partial-cross' '  limit  = 1' 'search all' '  method = grid' >"$scratch/huge.rcp"
seconds_and_kib() { # SEARCH: of a plan without a store
    /usr/bin/time -f '%e %M' -o "$scratch/spent" "$BUILD/hpx" plan "$scratch/huge.rcp:$1" --store "$scratch/none" >/dev/null 2>&1
    cat "$scratch/spent"
}
mib() { awk -v v="$1" 'BEGIN { printf "%.0f", v / 1024 }'; }
read -r seconds kib < <(seconds_and_kib few)
row 'plan of 2 trials among 4.2 million cells' 'wall time' "$(awk -v v="$seconds" 'BEGIN { print v * 1e3 }')" ms '<=' 50
row 'plan of 2 trials among 4.2 million cells' 'memory' "$(mib "$kib")" MiB '<=' 64
read -r seconds kib < <(seconds_and_kib all)
row 'plan of 4.2 million trials' 'wall time' "$seconds" s '<=' 10
row 'plan of 4.2 million trials' 'memory' "$(mib "$kib")" MiB '<=' 512

# --- memory of a build that trains -------------------------------------------------------------------------------------

printf '%s\n' 'dataset mnist' 'model mlp' '  hidden = $n $n' 'train' '  epochs = 3' '  seeds = 7' 'axis n = 16 32 64' \
    'search all' '  method = grid' >"$scratch/train.rcp"
"$BUILD/hpx" build "$scratch/train.rcp" --store "$scratch/large" -q >/dev/null &
build=$!
most=0
while now=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$build/status" 2>/dev/null) && [[ -n $now ]]; do
    most=$((now > most ? now : most))
    sleep 0.02
done
wait "$build"
row "a build of 3 cells among $large artifacts" 'private memory of the parent' "$(awk -v v=$most 'BEGIN { printf "%.1f", v / 1024 }')" \
    MiB '<=' 64

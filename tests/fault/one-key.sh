# 16 builds want one trial at once: it is trained once, and all print the same score. In every second round the build
# that trains is killed: another one takes the trial over where it was left, without waiting for anything to time out.
# SIZE is the number of rounds.
source "$(dirname "$0")/common.sh"

SIZE=${SIZE:-20}
builds=16 epochs=40
make_data "$scratch/data" 2000

recipe "$scratch/recipe" "epochs = $epochs" <<'EOR'
axis n1 = 512
search one
  method = grid
EOR
"$HPX" build "$scratch/recipe" --store "$scratch/right" -q --json >"$scratch/right.json" || bad crash 'a build alone'
results "$scratch/right" >"$scratch/right.results"
score=$(jq '.searches[0].score' "$scratch/right.json")

# How many epochs each parent epoch has led to: the epochs of a result tell who trained it, from where.
round() { # NUMBER
    local store=$scratch/store-$1 pids=() i code killed='' worker trainer what="round $1" trained=0 n
    rm -rf "$store"
    for ((i = 0; i < builds; i++)); do
        "$HPX" build "$scratch/recipe" --store "$store" -q -j 1 --json >"$store.$i.json" 2>"$store.$i.err" &
        pids[i]=$!
    done
    if (($1 % 2 == 0)); then
        what+=', with a kill'
        # Whoever has a worker trains. On a busy machine all may have ended before one is seen to.
        while [[ -z $killed && -n $(jobs -rp) ]]; do
            worker=$(pgrep -P "$(IFS=, && echo "${pids[*]}")" | head -1)
            trainer=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$worker/status" 2>/dev/null)
            for i in "${!pids[@]}"; do
                [[ ${pids[i]} != "$trainer" ]] || { kill -9 "$trainer" 2>/dev/null && killed=$i; }
            done
        done
        start=$(now_ms)
    fi
    for i in "${!pids[@]}"; do
        code=0
        wait "${pids[i]}" 2>/dev/null || code=$?
        [[ $code == 137 && $i == "$killed" ]] && continue
        [[ $code == 0 ]] || { bad crash "$what: build $i: exit code $code: $(cat "$store.$i.err")" && continue; }
        [[ $(jq '.searches[0].score' "$store.$i.json") == "$score" ]] || bad wrong "$what: build $i prints another score"
        n=$(jq '.searches[0].trials | .train + .extend' "$store.$i.json")
        trained=$((trained + n))
    done
    # The killed one may have ended before it was hit, or have finished the training: then nobody else trains.
    if [[ -z $killed ]]; then
        [[ $trained == 1 ]] || bad wrong "$what: $trained trainings"
    else
        [[ $trained -le 1 ]] || bad wrong "$what: $trained trainings after the kill"
        echo "$trained $(($(now_ms) - start))" >>"$scratch/taken"
    fi
    results "$store" >"$store.results"
    cmp -s "$store.results" "$scratch/right.results" || bad wrong "$what: another result"
    # Every epoch was trained by one, and stored once: the store holds nothing else.
    n=$(grep -c '^[0-9]*,' "$store.results")
    [[ $n == "$epochs" ]] || bad wrong "$what: $n epochs are stored"
    verify "$store" "$what"
    rm -rf "$store" "$store".*
}

for ((n = 1; n <= SIZE; n++)); do
    round "$n"
done
note=$(awk '$1 == 1 { n++; ms = $2 > ms ? $2 : ms } END { printf "%d takeovers, the longest round %d ms after its kill", n, ms }' "$scratch/taken" 2>/dev/null)
result "$SIZE" "$note"

# A training that is killed, perhaps several times, and goes on, against the same one uninterrupted: every epoch's
# metrics and the output's hash are equal. The trainings differ in all that a checkpoint has to carry. Times of kills are
# parts of what the uninterrupted training took, so that they fall into it on any machine.
# SIZE is the number of trainings.
source "$(dirname "$0")/common.sh"

SIZE=${SIZE:-20}
make_data "$scratch/data" 1000

pick() {
    local words=("$@")
    echo "${words[RANDOM % $#]}"
}

training() { # NUMBER
    local epochs=$((200 + RANDOM % 400)) settings code=1 kills=0 attempts parent start lasts
    local file=$scratch/recipe-$1 store=$scratch/store-$1 right=$scratch/right-$1
    settings=("epochs = $epochs" "seeds = $((1 + RANDOM % 1000))" "rate = 0.00$((1 + RANDOM % 9))"
        "weight-decay = $(pick 0 0.0001)" "optimizer = $(pick adam sgd)")
    [[ ${settings[4]} == *adam ]] || settings+=("momentum = $(pick 0 0.9)" "nesterov = no")
    settings+=("schedule = $(pick constant cosine)")
    [[ ${settings[*]} != *nesterov* || ${settings[*]} == *'momentum = 0 '* ]] || settings[6]="nesterov = $(pick yes no)"
    recipe "$file" "${settings[@]}" <<EOR
axis n1 = $((8 + RANDOM % 120))
search one
  method = grid
EOR
    sed -i "s/^  hidden = .*/&\n  activation = $(pick relu tanh sigmoid gelu)\n  dropout = $(pick 0 0.25)/" "$file"
    start=$(now_ms)
    "$HPX" build "$file" --store "$right" -q >"$right.out" 2>&1 || bad crash "training $1: $(cat "$right.out")"
    lasts=$(($(now_ms) - start))
    results "$right" >"$right.results"
    for ((attempts = 0; attempts < 30 && code != 0; attempts++)); do
        "$HPX" build "$file" --store "$store" -q >"$store.out" 2>&1 &
        parent=$!
        sleep_ms $((lasts * (5 + RANDOM % 45) / 100))
        # shellcheck disable=SC2046
        kill -9 $(pick "$parent" "$(pgrep -P "$parent")" "$parent $(pgrep -P "$parent")") 2>/dev/null
        code=0
        wait "$parent" 2>/dev/null || code=$?
        [[ $code == 0 ]] || kills=$((kills + 1))
        [[ $code == 0 || $code == 1 || $code == 137 ]] || bad crash "training $1: exit code $code: $(cat "$store.out")"
    done
    if [[ $code != 0 ]]; then
        "$HPX" build "$file" --store "$store" -q >"$store.out" 2>&1 || bad crash "training $1: $(cat "$store.out")"
    fi
    "$HPX" ls --store "$store" --json | jq -r '.[].parent.epoch // 0' >>"$scratch/parents"
    echo "$kills" >>"$scratch/kills"
    results "$store" >"$store.results"
    if ! cmp -s "$right.results" "$store.results"; then
        bad wrong "training $1 (${settings[*]}): $(diff "$right.results" "$store.results" | head -4)"
    fi
    verify "$store" "training $1"
    rm -rf "$store" "$store".* "$right" "$right".* "$file"
}

in_lanes "$SIZE" training
resumed=$(awk '$1 > 0' "$scratch/parents" | wc -l)
[[ $resumed -ge $((SIZE / 4)) ]] || bad wrong "only $resumed trainings were resumed"
result "$SIZE" "$(awk '{ n += $1 } END { print n }' "$scratch/kills") kills, $resumed trainings ended in a resumed run"

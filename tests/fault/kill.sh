# kill -9 of a building hpx, of its workers, or of both at once, at a random time; then the store verifies, what it holds
# is a part of what an uninterrupted build stores, and a rerun ends with all of it, equal.
# SIZE is the number of kills.
source "$(dirname "$0")/common.sh"

make_data "$scratch/data" 500
# As many epochs as it takes for a build to outlast the kills' times on this machine.
for ((epochs = 200, lasts = 0; lasts < 500 && epochs < 100000; epochs *= 2)); do
    recipe "$scratch/recipe" "epochs = $epochs" 'seeds = 1..4' <<'EOR'
axis n1 = 8 16 24
search all
  method = grid
EOR
    rm -rf "$scratch/right"
    start=$(now_ms)
    "$HPX" build "$scratch/recipe" --store "$scratch/right" -j 2 -q >/dev/null || bad crash 'the uninterrupted build'
    lasts=$(($(now_ms) - start))
done
results "$scratch/right" >"$scratch/right.results"
grep -E '^[0-9]+,' "$scratch/right.results" | sort >"$scratch/right.rows"

kill_once() { # NUMBER
    local store=$scratch/store-$1 victim=$((RANDOM % 3)) delay=$((5 + RANDOM % 296)) code=0 parent workers what
    [[ $victim != 2 ]] || victim=both
    what="kill $1 (victim $victim after $delay ms)"
    # Some builds go on from what an earlier, killed one has left.
    [[ ! -d $scratch/left-$lane ]] || mv "$scratch/left-$lane" "$store"
    "$HPX" build "$scratch/recipe" --store "$store" -j 2 -q >"$store.out" 2>&1 &
    parent=$!
    sleep_ms "$delay"
    workers=$(pgrep -P "$parent")
    if [[ $victim == 0 ]]; then
        kill -9 "$parent"
    elif [[ $victim == 1 ]]; then
        [[ -z $workers ]] || kill -9 $workers
    else
        kill -9 "$parent" $workers
    fi 2>/dev/null
    wait "$parent" 2>/dev/null || code=$?
    case $code in
    0) echo late >>"$scratch/late" ;; # it was faster than the kill
    137) [[ $victim != 1 ]] || bad crash "$what: the build died, though only its workers were killed" ;;
    1) [[ $victim == 1 ]] || bad crash "$what: exit code 1: $(cat "$store.out")" ;;
    *) bad crash "$what: exit code $code: $(cat "$store.out")" ;;
    esac
    verify "$store" "$what"
    "$HPX" export --csv --store "$store" 2>>"$store.out" | sed -E 's/,[^,]*,([^,]*)$/,\1/' | grep -E '^[0-9]+,' | sort >"$store.rows"
    [[ -z $(comm -23 "$store.rows" "$scratch/right.rows") ]] || bad wrong "$what: rows that no uninterrupted build has"
    if ((RANDOM % 3 == 0)) && [[ $code != 0 ]]; then
        mv "$store" "$scratch/left-$lane"
        mv "$store.rows" "$scratch/left-$lane.rows"
    else
        code=0
        timeout 300 "$HPX" build "$scratch/recipe" --store "$store" -j 2 -q >"$store.out" 2>&1 || code=$?
        [[ $code == 0 ]] || bad crash "$what: the rerun: exit code $code: $(cat "$store.out")"
        results "$store" >"$store.results"
        cmp -s "$store.results" "$scratch/right.results" || bad wrong "$what: the rerun's results differ"
        verify "$store" "$what, rerun"
        rm -rf "$store"
    fi
    # What was there before the kill is there after it.
    if [[ -e $scratch/before-$lane && -s $store.rows ]]; then
        [[ -z $(comm -23 "$scratch/before-$lane" "$store.rows") ]] || bad lost "$what: rows of an earlier build"
    fi
    rm -f "$scratch/before-$lane"
    [[ ! -e $scratch/left-$lane.rows ]] || mv "$scratch/left-$lane.rows" "$scratch/before-$lane"
    rm -rf "$store".*
}

SIZE=${SIZE:-200}
in_lanes "$SIZE" kill_once
late=$(wc -l <"$scratch/late" 2>/dev/null || echo 0)
[[ $late -le $((SIZE / 2)) ]] || bad wrong "$late of $SIZE builds had ended before the kill"
result "$SIZE" "$late builds had ended before the kill"

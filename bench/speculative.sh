# What speculative training gains on two processors: searches of the paper over MNIST, cold, with and without, in turns.
# HPX_BENCH_EPOCHS (default 2) epochs each, the paper has 15. Then the methods that choose by results or rungs, on 12,000
# images of it and up to 9 epochs, without the widest layers.
source "$(dirname "$0")/common.sh"
prepare_builds
epochs=${HPX_BENCH_EPOCHS:-2}
rounds=3

sed "s/epochs *= .*/epochs = $epochs/" recipes/mnist.rcp >"$folder/speculative.rcp"
cat >>"$folder/speculative.rcp" <<'X'
search partial-l1-1
  method = partial-cross
  first  = n1
  limit  = 1
search partial-l2-1
  method = partial-cross
  first  = n2
  limit  = 1
search hill-climb-8
  method = hill-climb
  neighbours = 8
search hill-climb-4
  method = hill-climb
  neighbours = 4
X
cat >"$folder/rungs.rcp" <<'X'
include speculative.rcp
dataset mnist
  take = 12000
train
  epochs = 9
axis n2 = log2 16..512
search bayes
  method = bayes
  evaluations = 12
search halving
  method = halving
  evaluations = 27
search hyperband
  method = hyperband
search asha
  method = asha
  evaluations = 27
  workers = 2
X

seconds() { # RECIPE:SEARCH OPTION...: the wall time of a cold build; its document is in $folder/out
    local from to
    rm -rf "$folder/store"
    from=$(date +%s%N)
    "$BUILD/hpx" build "$folder/$1" -q -j 2 --json --store "$folder/store" "${@:2}" >"$folder/out"
    to=$(date +%s%N)
    awk "BEGIN { print ($to - $from) * 1e-9 }"
}

measure() { # RECIPE SEARCH EPOCHS
    local round without with
    : >"$folder/gains"
    : >"$folder/works"
    for ((round = 0; round < rounds; round++)); do
        without=$(seconds "$1:$2" --no-speculate)
        with=$(seconds "$1:$2")
        echo "$2: $without s without, $with s with" >&2
        awk "BEGIN { print $without / $with }" >>"$folder/gains"
        jq '1 + .speculative.paid_training_macs / .searches[0].nominal_training_macs' "$folder/out" >>"$folder/works"
    done
    printf 'speculative,%s-j2-%s-epochs,speedup-speculative,%.3f,ratio,,\n' "$2" "$3" "$(median <"$folder/gains")"
    printf 'speculative,%s-j2-%s-epochs,work-ratio,%.3f,ratio,,\n' "$2" "$3" "$(median <"$folder/works")"
}

for search in partial-l1-1 partial-l2-1 hill-climb-8 hill-climb-4; do
    measure speculative.rcp $search "$epochs"
done
for search in bayes halving hyperband asha; do
    measure rungs.rcp $search 9
done

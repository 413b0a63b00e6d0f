#!/usr/bin/env bash
# The recipes of examples/, each as a user runs it, and what docs/programs.md promises of them. Python's are skipped, with a word,
# where its packages are not installed.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# A user's repository with the examples, and the store in it.
begin() { # EXAMPLE
    cp -r "$SOURCE_ROOT/examples" .
    rm -f examples/c/fit
    git init -q .
    cd "examples/$1" || exit 1
}

count() { # VERDICT N: of all searches together
    is "[.searches[].trials.$1] | add" "$2"
}

# Twice: the second time nothing is trained.
build_twice() { # RECIPE
    run 0 hpx build -j2 --json "$1"
    cp out first
    count failed 0
    run 0 hpx build -j2 --json "$1"
    count train 0
    count extend 0
    equal "$(jq -c '[.searches[].end]' out)" "$(jq -c '[.searches[].end]' first)" 'where the searches end'
}

test_awk_goes_on_from_a_checkpoint() {
    begin awk
    build_twice fit.rcp
    run 0 hpx build -j2 --json fit.rcp epochs=10
    count train 0
    is '.searches[0].trials.extend' 36
}

test_score_of_a_script_that_runs_once() {
    begin score
    build_twice score.rcp
    run 0 hpx best score.rcp --json
    local alpha beta
    read -r alpha beta < <(jq -r '.best[0].cell | "\(.alpha) \(.beta)"' out)
    awk -v alpha="$alpha" -v beta="$beta" -f score.awk series.txt >own
    has own "score=$(jq -r '.best[0].score' out)"
}

test_c() {
    begin c
    run 2 hpx build fit.rcp
    has err 'fit does not exist'
    run 0 make fit
    build_twice fit.rcp
    touch fit.c
    run 0 make fit
    run 0 hpx build -j2 --json fit.rcp
    count train 0
}

test_numpy() {
    begin numpy
    needs numpy
    build_twice train.rcp
    run 0 hpx build -j2 --json train.rcp epochs=7
    count train 0
}

test_sklearn() {
    begin sklearn
    needs sklearn
    build_twice train.rcp
}

# Images like MNIST's, but made up: each digit is a bright row.
images() { # FOLDER
    mkdir -p "$1"
    python3 - "$1" <<'END'
import sys
import numpy as np

random = np.random.default_rng(1)
labels = random.integers(0, 10, 7000).astype(np.uint8)
images = random.integers(0, 60, (7000, 28, 28)).astype(np.uint8)
for image, label in zip(images, labels):
    image[4 + 2 * label, 4:24] = random.integers(60, 256, 20)
(open(sys.argv[1] + "/train-images-idx3-ubyte", "wb")).write(bytes(16) + images.tobytes())
(open(sys.argv[1] + "/train-labels-idx1-ubyte", "wb")).write(bytes(8) + labels.tobytes())
END
}

test_pytorch() {
    begin pytorch
    needs torch
    images ../../cache/data/mnist
    sed -i 's/--samples 10000/--samples 600/; s/log2 4..16/4 8/; s/log2 16..64/16 32/' ./*.rcp
    build_twice mnist.rcp
    echo '# a comment' >>images.py
    run 0 hpx why mnist.rcp filters=4 width=16
    has out images.py
}

test_pytorch_goes_on() {
    begin pytorch
    needs torch
    images ../../cache/data/mnist
    sed -i 's/--samples 10000/--samples 600/; s/log2 4..16/4 8/; s/log2 16..64/16/' ./*.rcp
    [[ $(diff mnist.py mnist_continue.py | grep -c '^>') -le 10 ]] || fail 'more than ten lines are changed'
    build_twice mnist-continue.rcp
    run 0 hpx build -j2 --json mnist-continue.rcp epochs=3
    count train 0
    is '[.searches[].trials.extend] | add > 0' true
}

# The same program without its random state.
test_pytorch_that_forgets_is_refused() {
    begin pytorch
    needs torch
    images ../../cache/data/mnist
    sed -i '/torch.set_rng_state/d' mnist_continue.py
    sed -i 's/--samples 10000/--samples 600/; s/log2 4..16/4/; s/log2 16..64/16/' mnist-continue.rcp
    run 12 hpx build mnist-continue.rcp
    has err 'epoch 2'
}

# The lines of docs/programs.md themselves, with fewer trials.
test_optuna() {
    begin score
    needs optuna
    sed -n '/^    import json, subprocess$/,/^    *study.tell/p' "$SOURCE_ROOT/docs/programs.md" | sed 's/^    //' >ask.py
    [[ -s ask.py ]] || fail 'docs/programs.md has no such program'
    sed -i 's/range(20)/range(5)/; s/search.rcp/score.rcp/; s/"val_accuracy"/"score"/
        s/suggest_float("rate", 1e-4, 1e-1, log=True)/suggest_float("alpha", 0.1, 0.9)/; s/f"rate={rate}"/f"alpha={rate}"/
        s/suggest_int("width", 16, 512)/suggest_float("beta", 0.01, 0.5)/; s/f"width={width}"/f"beta={width}"/' ask.py
    echo 'assert len(study.trials) == 5 and study.best_value < 0' >>ask.py
    PATH=$(dirname "$HPX"):$PATH run 0 python3 ask.py
    run 0 hpx ls --json score.rcp
}

run_tests "$@"

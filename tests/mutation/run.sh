#!/usr/bin/env bash
# Mutation test of `hpx adopt`: edits of the trainers (the table in ./edits), each built and asked to adopt a store of many
# kinds of networks; a store of perceptrons and one of convolutional networks, of whose trainer it is a source. What is
# adopted is compared with the truth, all of it trained again: no result that comes out otherwise may be adopted, and an
# edit that changes no number must be. Which edits change one depends a little on the processor: 30 must. Closes with
# 'N passed, N failed'.
#
#   run.sh [--truth] [TEXT]   only edits whose line has this text; --truth: how many results differ, for every edit
. "$(dirname "$0")/../cli/common.sh"
unset HPX_SKIP_SLOW
. "$SOURCE_ROOT/tests/cli/own_repository.sh"
edits=$SOURCE_ROOT/tests/mutation/edits
kinds=(mlp cnn)
truth=
[[ ${1-} == --truth ]] && truth=all && shift
only=${1-}

# --- the stores -------------------------------------------------------------------------------------------------------

# A grid over both data sets, in the folder of its kind of network: lines of model and train, and axes.
write_recipe() { # NAME MODEL TRAIN AXES
    local data
    for data in sparse dense; do
        printf '%s\n' "dataset $data" '  validation = 29' "  train = ../$data/train-images ../$data/train-labels" \
            "  test = ../$data/test-images ../$data/test-labels" "model ${1%/*}" >"$1-$data.rcp"
        sed 's/^/  /' <<<"$2" >>"$1-$data.rcp"
        printf '%s\n' train >>"$1-$data.rcp"
        sed 's/^/  /' <<<"$3" >>"$1-$data.rcp"
        printf '%s\n' "$4" 'search s' '  method = grid' >>"$1-$data.rcp"
    done
}

make_data_sets() {
    local data pixel # of 200, one in 8 is not zero, or every one
    for data in 'sparse 8' 'dense 1'; do
        pixel="draw(${data#* }) ? 0 : 1 + draw(150) + (p % 5 == class ? 100 : 0)"
        mkdir "${data% *}"
        make_images "${data% *}/train-images" "${data% *}/train-labels" 180 1 10 20 5 "$pixel"
        make_images "${data% *}/test-images" "${data% *}/test-labels" 270 2 10 20 5 "$pixel"
    done
}

write_perceptrons() {
    write_recipe mlp/widths 'hidden = $n' $'batch = 50\nepochs = 2' 'axis n = 8 16 20 33 40 44 46 48 64 70 130'
    write_recipe mlp/deep $'hidden = $n 12 9 7 5\nactivation = $act' $'batch = 32\nepochs = 1' \
        $'axis n = 6 17\naxis act = relu tanh sigmoid gelu'
    write_recipe mlp/parts $'hidden = $a $b\nactivation = $act\ndropout = $p' $'batch = 64\nepochs = 1' \
        $'axis a = 16 48\naxis b = 5 64 600\naxis act = relu tanh\naxis p = 0 0.2'
    write_recipe mlp/behind 'hidden = 9 600 $n' $'batch = 64\nepochs = 1' 'axis n = 3 8'
    write_recipe mlp/adam $'hidden = $n\ninit = $init' $'batch = $b\nweight-decay = $d\nepochs = 1' \
        $'axis n = 8 64\naxis init = he glorot\naxis b = 16 128 500\naxis d = 0 0.01'
    write_recipe mlp/moments 'hidden = 8' $'beta2 = $beta\nepsilon = $e\nepochs = 1\nseeds = 1 2' 'axis beta = 0.999 0.9
axis e = 1e-8 0.01'
    write_recipe mlp/sgd 'hidden = 10' $'optimizer = sgd\nrate = 0.1\nweight-decay = $d\nepochs = 2\nbatch = 45' 'axis d = 0 0.01'
    write_recipe mlp/momentum 'hidden = 10' \
        $'optimizer = sgd\nrate = 0.1\nmomentum = 0.9\nnesterov = $nesterov\nweight-decay = $d\nepochs = 2\nbatch = 45' \
        $'axis nesterov = no yes\naxis d = 0 0.01'
    write_recipe mlp/schedules 'hidden = 6' $'schedule = $schedule\nstep-epochs = 2\nepochs = 3\nbatch = 100' \
        'axis schedule = constant step cosine'
    write_recipe mlp/rates 'hidden = 30' $'optimizer = sgd\nrate = $r\nepochs = 12\nbatch = 20' 'axis r = 0.01 0.1 0.5'
    write_recipe mlp/single 'hidden = 7' $'batch = $b\nepochs = 1' 'axis b = 15 25'
}

write_convolutional_networks() {
    write_recipe cnn/filters 'filters = $f' $'batch = 50\nepochs = 1' 'axis f = 1 2 3 5 8 9 17'
    write_recipe cnn/kernels $'filters = 3 $f\nkernel = $k\npadding = $p\npool = 1 2\nhidden = 9' $'batch = 60\nepochs = 1' \
        $'axis f = 4 11\naxis k = 1 2 3 5\naxis p = same valid'
    write_recipe cnn/strides $'filters = 5 3 4\nkernel = 4\nstride = 1 $s 2\npadding = 3\npool = 1 1 $q' \
        $'batch = 60\nepochs = 1' $'axis s = 1 2 3\naxis q = 1 2'
    write_recipe cnn/pools $'filters = 4 6\npool = $q 1\npooling = $m\nactivation = $act\ndropout = $d' \
        $'batch = 60\nepochs = 1' $'axis q = 1 2 3\naxis m = max average\naxis act = relu tanh sigmoid gelu\naxis d = 0 0.25'
    write_recipe cnn/batches $'filters = 3\nhidden = $n\ninit = $init' $'batch = $b\nepochs = 1' \
        $'axis n = 0 7\naxis init = he glorot\naxis b = 10 16 100 500'
    write_recipe cnn/steps $'filters = 4\nkernel = 11' $'optimizer = $o\nweight-decay = $d\nschedule = $s\nepochs = 2' \
        $'axis o = adam sgd\naxis d = 0 0.01\naxis s = constant cosine'
    write_recipe cnn/none $'filters = 0\nhidden = $n' $'batch = 50\nepochs = 1' 'axis n = 5 50'
}

build_all() { # KIND STORE
    local recipe
    for recipe in ../"$1"/*.rcp; do
        ./build/hpx build "$recipe" -q -j1 --store "$2" >/dev/null || return 1
    done
}

version_of() { # KIND: of its trainer
    local name=$1
    [[ $1 != mlp ]] || name=trainer
    ./build/hpx --version | sed "s/.*$name \([0-9a-f]*\).*/\1/"
}

# The newest epoch and output of every trajectory, whatever its key; two stores of equal results have equal lines.
list_outputs() { # STORE
    ./build/hpx ls --store "$1" --json | jq -r '.[] | "\(.epoch) \(.output)"' | sort
}

# --- an edit ----------------------------------------------------------------------------------------------------------

edit_file() { # FILE OLD NEW
    local text
    text=$(<"$1")
    printf '%s\n' "${text/"$2"/"$3"}" >"$1"
}

# Asks this binary to adopt the results of a kind of network, and says what is wrong with the answer, if anything is.
try_adoption() { # EXPECTED KIND
    local code=0 wrong='' differing=''
    rm -rf store truth
    cp -r "../store-$2" store
    ./build/hpx adopt "$(<"../version-$2")" -j1 -q --store store >log 2>&1 || code=$?
    if [[ $code == 0 || $1 == same || -n $truth ]]; then
        build_all "$2" truth >/dev/null 2>&1 || [[ $code != 0 ]] || wrong='adopted, and does not train'
        differing=$(comm -13 "../outputs-$2" <(list_outputs truth) | wc -l)
    fi
    case $1:$code in
    same:0) [[ $differing == 0 ]] || wrong="adopted, and $differing results differ" ;;
    same:*) [[ $differing == 0 ]] && wrong="not adopted, and no result differs: $(head -1 log)" ||
        wrong="$differing results differ: no such edit" ;;
    changes:0) [[ $differing == 0 ]] || wrong="adopted, and $differing results differ" ;;
    changes:12) touch "../changed-$number" ;;
    *) grep -q 'not adopted' log && touch "../changed-$number" || wrong="exit code $code: $(head -1 log)" ;;
    esac
    echo "${wrong:+$2: $wrong}${truth:+ ($differing of $2 differ)}"
}

# In a folder of its own, which has a built tree of the sources, the stores beside it made by that, and ./as-built.
try_edit() { # EXPECTED FILE OLD NEW: says what is wrong, if anything is
    local kind tried=0
    [[ $(grep -cF -- "$3" "src/nn/$2") == 1 ]] || { echo "not once in src/nn/$2"; return; }
    cp -p "src/nn/$2" saved
    edit_file "src/nn/$2" "$3" "$4"
    if ! make -s CFLAGS=-O1 STATIC=no build/hpx >log 2>&1; then
        echo "does not build: $(tail -1 log)"
    else
        for kind in "${kinds[@]}"; do
            [[ $(version_of "$kind") != "$(<"../version-$kind")" ]] || continue
            tried=1
            try_adoption "$1" "$kind"
        done
        [[ $tried == 1 ]] || echo 'a source of no trainer'
    fi | paste -sd' '
    cp -p saved "src/nn/$2"
    cp -p as-built/* build/src/nn/
}

# Every lane takes the next edit, until there is none.
run_lane() { # NUMBER
    local kind vectors file from to number=0 result
    cp -r base "lane-$1"
    cd "lane-$1" || exit 1
    while IFS=$'\t' read -r kind vectors file from to; do
        [[ $kind == \#* || "$kind $file $from $to" != *"$only"* ]] && continue
        number=$((number + 1))
        mkdir "../taken-$number" 2>/dev/null || continue
        if [[ $vectors != any && " $vectors " != *" $vector "* ]]; then
            echo "skipped $file: $from: of $vectors vectors"
            continue
        fi
        result=$(try_edit "$kind" "$file" "$from" "$to")
        if [[ $result =~ ^(\ *\([0-9]+\ of\ [a-z]+\ differ\)|\ )*$ ]]; then
            echo "ok    $kind $file: $from$result"
            touch "../passed-$number"
        else
            echo "FAIL  $kind $file: $from -> $to: $result"
            touch "../failed-$number"
        fi
    done <"$edits"
}

cd "$scratch" || exit 1
mkdir base
copy_sources base
cd base || exit 1
git init -q .
git add -A
git commit -q -m first
make -s -j"$(nproc)" CFLAGS=-O1 STATIC=no build/hpx >log 2>&1 || { tail -5 log; exit 1; }
mkdir as-built
cp -p build/src/nn/* as-built/
vector=$(./build/hpx --version -v | sed -n 's/^machine.vector //p')
(cd .. && mkdir "${kinds[@]}" && make_data_sets && write_perceptrons && write_convolutional_networks)
for kind in "${kinds[@]}"; do
    version_of "$kind" >"../version-$kind"
    build_all "$kind" "../store-$kind" || exit 1
    list_outputs "../store-$kind" >"../outputs-$kind"
    echo "$(wc -l <"../outputs-$kind") results of $kind $(<"../version-$kind"), on $vector vectors"
done
cd ..
for ((lane = 1; lane <= $(nproc); lane++)); do
    run_lane "$lane" &
done
wait
changed=$(find . -maxdepth 1 -name 'changed-*' | wc -l)
if [[ -z $only && $changed -lt 30 ]]; then
    echo "FAIL  only $changed edits change a result here: 30 are wanted"
    touch failed-0
fi
passed=$(find . -maxdepth 1 -name 'passed-*' | wc -l)
failed=$(find . -maxdepth 1 -name 'failed-*' | wc -l)
echo "$passed passed, $failed failed"
[[ $failed == 0 && $passed -gt 0 ]]

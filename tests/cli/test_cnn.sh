# Convolutional networks as a user has them: images of one and of three channels, layers that are left out, shapes that do
# not fit, and that what holds for a perceptron's results (any -j, interruptions, collection) holds for theirs.
. "$(dirname "$0")/common.sh"

cnn() { # FILE SETTING...: of the model, on the data in $DATA; axes and searches from stdin
    local file=$1 data=${DATA:-data}
    shift
    {
        printf '%s\n' 'dataset toy' "  validation = ${VALIDATION:-50}" "  train = $data/train-images $data/train-labels" \
            "  test = $data/test-images $data/test-labels" 'model cnn'
        printf '  %s\n' "$@"
        printf '%s\n' train "  batch = ${BATCH:-32}" "  epochs = ${EPOCHS:-2}" "  seeds = ${SEEDS:-1}" "  rate = ${RATE:-0.001}"
        cat
    } >"$file"
}

grid=$'search grid\n  method = grid'

# Makes of a file of images one of 4 dimensions: so many rows, columns and channels are the same bytes.
as_channels() { # FILE ROWS COLUMNS CHANNELS
    {
        printf '\x00\x00\x08\x04'
        head -c 8 "$1" | tail -c 4
        printf '%b' "$(printf '\\x00\\x00\\x00\\x%02x' "$2" "$3" "$4")"
        tail -c +17 "$1"
    } >"$1.new"
    mv "$1.new" "$1"
}

test_learns() {
    EPOCHS=30 RATE=0.01 cnn a.rcp 'filters = 8 8' 'hidden = 16' <<<"$grid"
    run 0 hpx build a.rcp -q --json
    is '.searches[0].score > 0.9' true
    run 0 hpx verify
    # A pixel of three channels, of which one is lit by the class: the sample is its bytes, the channel last.
    mkdir three
    for name in train-images test-images; do
        make_images "three/$name" three/labels 60 3 6 18 2 'p % 3 == class ? 200 + draw(50) : draw(60)'
        mv three/labels "three/${name%images}labels"
        as_channels "three/$name" 6 6 3
    done
    DATA=three VALIDATION=10 BATCH=8 EPOCHS=5 RATE=0.01 cnn b.rcp 'filters = 4' <<<"$grid"
    run 0 hpx build b.rcp -q --json
    is '.searches[0].score > 0.9' true
    run 0 hpx show "$(hpx ls --json --where epoch=5 | jq -r '.[0].key')"
    grep -Eq '^ +channels +3$' out || fail 'not of three channels'
}

# Some of all settings together; the bits are the same on any number of workers, by any vectors, and in parts.
test_same_bits() {
    write() { # FILE EPOCHS
        EPOCHS=$2 cnn "$1" 'filters = 3 5' 'kernel = 3 2' 'stride = $s 1' 'padding = $p same' 'pool = 1 2' 'pooling = $t' \
            'hidden = $n' 'activation = $a' 'dropout = 0.3' 'init = glorot' <<X
axis s = 1 2
axis p = same valid 1
axis t = max average
axis n = 0 7
axis a = relu tanh sigmoid gelu
search some
  method = random
  evaluations = 24
X
    }
    write a.rcp 4
    write b.rcp 2
    run 0 hpx build a.rcp -q -j 1 --store one
    run 0 hpx build a.rcp -q -j 2 --store two
    results one >expected
    results two >got
    same_files expected got
    grep -q ,nan, expected && fail 'a training came to nothing'
    # From the second epoch on.
    run 0 hpx build b.rcp -q --store parts
    run 0 hpx build a.rcp --json -q --store parts
    is '.searches[0].trials | [.hit, .train, .failed]' '[0,0,0]'
    outputs one >expected
    outputs parts >got
    same_files expected got
    run 0 hpx verify --store parts
    # The loops of AVX2 and of AVX-512 give the same, too.
    if has_avx2; then
        HPX_VECTOR=avx2 run 0 hpx build b.rcp -q --store narrow
        run 0 hpx build b.rcp -q --store wide
        outputs narrow >expected
        outputs wide >got
        same_files expected got
    fi
}

newest_epoch() { # of the one trajectory
    hpx ls --json | jq '.[0].epoch // 0'
}

test_interrupted() {
    EPOCHS=300 cnn a.rcp 'filters = 16 32' 'kernel = 5' 'dropout = 0.3' <<<"$grid"
    run 0 hpx build a.rcp -q --store straight
    "$HPX" build a.rcp -q >log 2>&1 &
    poll eval '[[ $(newest_epoch) -ge 2 ]]'
    kill -INT $!
    wait $! && fail 'the build was not interrupted'
    epoch=$(newest_epoch)
    [[ $epoch -ge 2 && $epoch -lt 300 ]] || fail "interrupted after epoch $epoch"
    run 0 hpx build a.rcp -q --json
    is '.searches[0].trials.extend' 1
    outputs straight >expected
    outputs "$HPX_STORE" >got
    same_files expected got
}

# A layer of no filters is no layer: its entries go with it, and cells that differ in it alone are one trial.
test_layers_left_out() {
    cnn a.rcp 'filters = 4 0' 'kernel = 3 5' 'pool = 2 3' 'hidden = 0 6' <<<"$grid"
    cnn b.rcp 'filters = 4' 'hidden = 6' <<<"$grid"
    cnn c.rcp 'filters = 0 4' 'kernel = 5 3' 'pool = 3 2' 'hidden = 6 0' <<<"$grid"
    run 0 hpx build a.rcp -q
    for recipe in b.rcp c.rcp; do
        run 0 hpx plan $recipe --json
        is '.searches[0].verdicts | [.hit, .train]' '[1,0]'
    done
    equal "$(stored)" 1 'trajectories'
    # Of eight cells those of two layers differ in the kernel of the second, those of one do not.
    cnn d.rcp 'filters = 4 $f' 'kernel = 3 $k' 'hidden = 6' <<X
axis f = 0 2
axis k = 1 2 3 5
$grid
X
    run 0 hpx build d.rcp --json -q
    is '.searches[0].trials | [.hit, .train]' '[4,4]'
    equal "$(stored)" 5 'trajectories'
    run 0 hpx why d.rcp f=0 k=5 --json
    is .verdict '"hit"'
    # No convolution at all is a perceptron, with a key and a trainer of its own.
    cnn e.rcp 'filters = 0' 'hidden = 6' <<<"$grid"
    run 0 hpx build e.rcp --json -q
    is '.searches[0].trials.train' 1
    # Nothing is left of a model without hidden layers but its last one.
    cnn f.rcp 'filters = 0' <<<"$grid"
    run 0 hpx build f.rcp --json -q
    is '.searches[0].trials.train' 1
    run 0 hpx verify
}

test_mistakes() {
    cnn a.rcp 'filters = $f1 $f2' 'kernel = $k' 'padding = valid' 'pool = 1' <<X
axis f1 = 4 8
axis f2 = 0 64
axis k = 3 5
axis p = 0.1 0.2
$grid
X
    sed -i 's/^train/  dropout = $p\n&/' a.rcp
    for command in check plan build; do
        run 2 hpx $command a.rcp
        has err 'a.rcp:5:7: layer 2: 5 x 5 does not fit 4 x 4 images of f1 = 4, f2 = 64, k = 5'
    done
    equal "$(stored)" 0 'trajectories of no training'
    run 0 hpx check a.rcp axis.k=3
    run 2 hpx check a.rcp axis.k=3 model.pool=4
    has err 'layer 2: 3 x 3 does not fit 1 x 1 images of f1 = 4, f2 = 64, k = 3'
}

test_lengths() {
    cnn a.rcp 'filters = 4 0 8' 'kernel = 3 5' <<<"$grid"
    run 2 hpx check a.rcp
    has err "a.rcp:7:3: 'kernel' has 2 values and 'filters' 3: expected one, or as many"
    cnn a.rcp 'filters = 4 8' 'padding = same same 1' 'stride = 1 1 1' <<<"$grid"
    run 2 hpx check a.rcp
    has err "a.rcp:7:3: 'padding' has 3 values and 'filters' 2"
    has err "a.rcp:8:3: 'stride' has 3 values and 'filters' 2"
}

# Whoever asks for a result, of these as of others.
test_provenance() {
    EPOCHS=3 cnn a.rcp 'filters = $f' 'padding = $p' 'hidden = 5' <<X
axis f = 2 4
axis p = same valid
$grid
X
    run 0 hpx build a.rcp -q
    run 0 hpx audit
    has out '4 results'
    key=$(hpx ls --json --where f=4 --where p=valid | jq -r '.[0].key')
    run 0 hpx show "$key"
    grep -Eq '^ +model.padding +valid$' out || fail 'no padding'
    # What differs least: the padding.
    run 0 hpx why a.rcp f=2 p=1 axis.p='same valid 1'
    grep -Eq '^ +padding (same|valid) -> 1$' out || fail 'not the padding'
    run 0 hpx plan --json a.rcp
    is '.searches[0].verdicts | [.hit, .train]' '[4,0]'
    # Without its checkpoint a result is trained from the start, and gives what it gave.
    outputs "$HPX_STORE" >before
    hpx build b.rcp -q 2>/dev/null
    sed 's/ = 2 4$/ = 2/' a.rcp >b.rcp
    run 0 hpx gc b.rcp
    sed -i 's/epochs = 3/epochs = 4/' a.rcp
    run 0 hpx plan --json a.rcp
    is '.searches[0].verdicts | [.extend, .train]' '[2,2]'
    run 0 hpx build a.rcp -q
    outputs "$HPX_STORE" | grep -v ' 4 ' >after
    same_files before after
    run 0 hpx reproduce "$key"
}

# Every search walks over these axes as over others, and what it comes to does not depend on how many train at once.
test_searches() {
    local method
    cnn a.rcp 'filters = $f 4' 'kernel = $k' 'hidden = $n' </dev/null
    printf '%s\n' 'axis f = 0 2 4' 'axis k = 1 2 3 5' 'axis n = 0 4 8' >>a.rcp
    printf '%s\n' 'search x' >x.rcp
    cat a.rcp x.rcp >y.rcp
    hpx complete -- build y.rcp x.method= | sed 's/.*=//' >methods
    [[ $(wc -l <methods) -gt 5 ]] || fail 'no methods'
    for method in $(cat methods); do
        printf '%s\n' "search s-$method" "  method = $method" >>a.rcp
        case $method in
        random | bayes | halving) printf '%s\n' '  evaluations = 9' >>a.rcp ;;
        asha) printf '%s\n' '  evaluations = 9' '  workers = 2' >>a.rcp ;;
        partial-cross) printf '%s\n' '  limit = 1' >>a.rcp ;;
        esac
    done
    run 0 hpx check a.rcp
    run 0 hpx build a.rcp -q -j 2 --store two --json
    jq -S 'del(.speculative) | .searches[] |= del(.seconds)' out >with
    run 0 hpx build a.rcp -q -j 1 --no-speculate --store one --json
    jq -S 'del(.speculative) | .searches[] |= del(.seconds)' out >without
    same_files with without
    # Of 36 cells those without a first layer are asked for by all kernels, of which one stands for none.
    is '.searches[] | select(.name == "s-grid") | .evaluations' 36
}

run_tests "$@"

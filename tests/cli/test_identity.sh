# What makes two trainings the same: the numbers, whatever they are written like, and the bytes of the data.
. "$(dirname "$0")/common.sh"

# The keys of a recipe's trials, without training any.
keys() { # RECIPE
    hpx plan "$1" --json | jq -r '.searches[].trials[].key' | sort
}

base() { # SETTING...: prints the keys of the base recipe with these settings of train
    recipe a.rcp "$@" <<'X'
axis n1 = 2 4
axis n2 = 2 8
search grid
  method = grid
X
    keys a.rcp
}

edited() { # SED-COMMANDS: prints the keys of the base recipe after an edit
    base 'rate = 0.001' 'epochs = 2' >/dev/null
    sed "$1" a.rcp >edited.rcp
    cmp -s a.rcp edited.rcp && echo "the edit '$1' changes nothing" >&2
    keys edited.rcp
}

test_forms_of_a_number() {
    base 'rate = 0.001' >decimal
    equal "$(wc -l <decimal)" 4 'the number of keys'
    base 'rate = 1e-3' >exponent
    base 'rate = 0.0010000' >zeros
    base >absent # it is the default
    same_files decimal exponent
    same_files decimal zeros
    same_files decimal absent
    run 0 hpx build a.rcp -q
    base 'rate = 1e-3' >/dev/null
    run 0 hpx build a.rcp
    has err 'nothing to train'
}

test_defaults_written_out() {
    base >short
    base 'optimizer = adam' 'beta1 = 0.9' 'beta2 = 0.999' 'epsilon = 1e-8' 'rate = 0.001' 'weight-decay = 0' \
        'schedule = constant' 'epochs = 15' 'seeds = 1' 'objective = validation_accuracy' >long
    same_files short long
    edited 's/^model mlp/&\n  activation = relu\n  dropout = 0\n  init = he/' >model
    same_files short model
    edited 's/validation = 50/&\n  take = 150/' >take
    same_files short take
}

# Epochs, objective and search say what is asked of a trajectory, not what it is.
test_not_part_of_it() {
    base >short
    for setting in 'epochs = 40' 'objective = test_loss' 'objective = train_accuracy'; do
        base "$setting" >other
        same_files short other
    done
    edited 's/method = grid/method = hill-climb/; s/search grid/search climb/' | sort >climb # all around its start
    same_files short climb
}

test_names_and_order() {
    base >short
    edited 's/dataset toy/dataset "other name"/' >name
    same_files short name
    edited 's/^axis n1/axis first/; s/\$n1/$first/' >axis
    same_files short axis
    edited '/^axis n1/{h;d}; /^axis n2/{G}' >order
    same_files short order
    edited 's/^axis n1 = 2 4/axis n1 = 4 2/' >values
    same_files short values
    edited 's/^axis n1 = 2 4/axis n1 = log2 2..4/' >scale
    same_files short scale
    edited 's/^axis/# a comment\n\n&/; s/  batch/\tbatch/' >blanks
    same_files short blanks
    # An axis of one value is the value; and the cells of two recipes are one where they are the same network.
    base >/dev/null
    sed 's/^  hidden.*/  hidden = 4 $n2/; /^axis n1/d' a.rcp >half.rcp
    keys half.rcp >half
    equal "$(wc -l <half)" 2 'the number of keys'
    equal "$(comm -23 half short)" '' 'keys of the half that the whole lacks'
}

# A layer of size 0 is none: the network without it has its key and its cost, and is trained once.
test_depth() {
    recipe a.rcp 'epochs = 2' <<'X'
axis n1 = 4 8
axis n2 = 0 4 8
search grid
  method = grid
X
    sed 's/^  hidden.*/  hidden = $n1/; s/^axis n2.*//' a.rcp >one.rcp
    sed 's/^  hidden.*/  hidden = $n1 $n2 $n3/; /^axis n2/aaxis n3 = 0 4' a.rcp >three.rcp
    keys a.rcp >two
    keys one.rcp >one
    equal "$(comm -23 one two | wc -l) $(wc -l <one) $(wc -l <two)" '0 2 6' 'keys of one layer that two lack, and those there are'
    run 0 hpx build one.rcp -q
    run 0 hpx build a.rcp --json
    is '.searches[0] | [.evaluations, .trials.hit, .trials.train]' '[6,2,4]'
    # 64 inputs, 4 classes: one layer, and two.
    is '.grid.macs' $((64 * 4 + 4 * 4 + 64 * 8 + 8 * 4 + (64 * 4 + 4 * 4 + 4 * 4) + (64 * 4 + 4 * 8 + 8 * 4) \
        + (64 * 8 + 8 * 4 + 4 * 4) + (64 * 8 + 8 * 8 + 8 * 4)))
    is '.searches[0].nominal_macs == .grid.macs' true
    # (4, 0, 4) is (4, 4, 0): 12 cells, of which two are others', and six are stored.
    run 0 hpx build three.rcp --json
    is '.searches[0] | [.evaluations, .trials.hit, .trials.train]' '[12,8,4]'
    is '.searches[0].trace | map(select(.cell.n1 == 4 and .cell.n2 + .cell.n3 == 4).score) | [length, (unique | length)]' '[2,1]'
    equal "$(stored)" 10 'trajectories'
    run 0 hpx trial a.rcp n1=8 n2=0 -n --json
    is .verdict '"hit"'
    run 2 hpx build a.rcp 'axis.n1=0 4'
    has err "'hidden' is empty where all of its values are 0"
    run 2 hpx trial a.rcp n1=0 n2=0
    has err "'hidden' is empty where all of its values are 0"
}

test_what_is_part_of_it() {
    base 'rate = 0.001' 'epochs = 2' >short
    local edit
    for edit in 's/rate = 0.001/rate = 0.0011/' 's/batch = 32/batch = 31/' 's/validation = 50/validation = 49/' \
        's/validation = 50/&\n  take = 149/' 's/^model mlp/&\n  activation = tanh/' 's/^model mlp/&\n  dropout = 0.1/' \
        's/^model mlp/&\n  init = glorot/' 's/^train/&\n  seeds = 2/' 's/^train/&\n  optimizer = sgd/' \
        's/^train/&\n  weight-decay = 0.1/' 's/^train/&\n  beta1 = 0.8/' 's/^train/&\n  schedule = step/' \
        's/^train/&\n  schedule = cosine/' 's/  hidden.*/& 4/' 's/  train = \(.*\) \(.*\)/  train = data\/test-images data\/test-labels/'; do
        edited "$edit" >other
        equal "$(wc -l <other)" 4 "the number of keys after $edit"
        equal "$(comm -12 short other)" '' "keys that '$edit' leaves"
    done
}

# AVX2 and AVX-512 give the same bits, so that a processor with either finds what the other trained; what BLAS there is does
# not matter, for no product runs through it. Plain vectors round otherwise, by BLAS.
test_vectors() {
    has_avx2 || return 0
    base 'epochs = 2' >widest
    export HPX_VECTOR=avx2
    base 'epochs = 2' >narrow
    same_files widest narrow
    run 0 hpx build a.rcp -q
    results "$HPX_STORE" >narrow
    unset HPX_VECTOR
    run 0 env OPENBLAS_CORETYPE=Prescott "$HPX" build a.rcp
    has err 'nothing to train: all 4 trials are stored'
    run 0 hpx verify --rebuild 100% -q
    has out '4 trained again: 4 the same'
    run 0 hpx build a.rcp -q --store other
    results other >widest
    same_files narrow widest
    run 0 hpx build a.rcp -q --json
    is '.numerics | keys' '["compiler","libc","threads"]'
    run 0 hpx reproduce "$(hpx ls --json | jq -r '.[0].key')" --json
    is .verdict '"same"'

    export HPX_VECTOR=plain
    run 0 hpx why a.rcp n1=2 n2=8
    has out '2 epochs: train'
    has out 'vector (none) -> plain'
    run 0 hpx why a.rcp n1=2 n2=8 --json
    is '[.diff[].field]' '["numerics.blas","numerics.kernel","numerics.vector"]'
    run 0 hpx build a.rcp -q --json
    is '.searches[0].trials | [.hit, .train]' '[0,4]'
    results "$HPX_STORE" >both
    equal "$(sed 1q both | cut -d' ' -f2)" 2 'the epoch'
    run 0 hpx audit
    has out 'mixed: 2 kernels ('
    has out 'none: 4'
    # Small networks may come out the same all the same; not all of them do.
    local plain code otherwise=0
    unset HPX_VECTOR
    for plain in $(hpx ls --json | jq -r '[.[].key] - ($fused | split("\n")) | .[]' --arg fused "$(cut -d' ' -f1 narrow)"); do
        "$HPX" reproduce "$plain" >out 2>err && code=0 || code=$?
        has out 'vector plain -> (none)'
        [[ $code != 12 ]] || otherwise=$((otherwise + 1))
    done
    [[ $otherwise -gt 0 ]] || fail 'plain vectors round as fused ones'
    run 0 hpx diff "$plain" "$(hpx ls --json | jq -r '.[0].key')"
}

# What a binary runs on here is shown, also where it is no part of the key.
test_machine_is_shown() {
    run 0 env HPX_VECTOR=plain "$HPX" --version -v
    has out 'numerics.vector plain'
    has out 'numerics.blas OpenBLAS '
    has out 'machine.vector plain'
    has_avx2 || return 0
    run 0 env HPX_VECTOR=avx2 "$HPX" --version -v
    has out 'machine.vector avx2'
    has out 'machine.blas OpenBLAS '
    has out 'machine.kernel '
    equal "$(grep -cE '^numerics.(blas|kernel|vector) ' out)" 0 'the numerics of a BLAS that nothing runs through'
}

# --- data -------------------------------------------------------------------------------------------------------------

test_compressed_data() {
    base 'epochs = 2' >plain
    run 0 hpx build a.rcp -q
    gzip -k data/*
    sed 's/\(data\/[a-z-]*\)/\1.gz/g' a.rcp >gz.rcp
    keys gz.rcp >gz
    same_files plain gz
    run 0 hpx build gz.rcp
    has err 'nothing to train'
    rm -r "$HPX_STORE" # and it can be trained from
    run 0 hpx build gz.rcp -q
    run 0 hpx build a.rcp
    has err 'nothing to train'
    # The uncompressed copies are a cache.
    rm -r "$HPX_STORE/data"
    sed -i 's/epochs = 2/epochs = 3/' gz.rcp
    run 0 hpx build gz.rcp
    has err '4 extended'
    sleep 2.2
    run 0 hpx build gz.rcp -q # now the store knows the compressed files without reading them
    for copy in "$HPX_STORE"/data/unpacked/*; do
        printf '~' | dd of="$copy" bs=1 seek=40 conv=notrunc status=none
    done
    sed -i 's/epochs = 3/epochs = 4/' gz.rcp
    run 0 hpx build gz.rcp
    has err '4 extended'
    # So are bytes in other files.
    cp -r data elsewhere
    rm -r data
    sed 's/data\//elsewhere\//g' a.rcp >moved.rcp
    run 0 hpx build moved.rcp
    has err 'nothing to train'
}

change_unseen() { # FILE: another byte near its end, the same size and time of modification
    local time
    time=$(stat -c %y "$1")
    printf '\x7b' | dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 7)) conv=notrunc status=none
    touch -d "$time" "$1"
    equal "$(stat -c %y "$1")" "$time" 'the time of modification'
}

test_changed_data() {
    base 'epochs = 1' >first
    run 0 hpx build a.rcp -q
    change_unseen data/train-images # within the resolution of a clock
    keys a.rcp >second
    equal "$(comm -12 first second)" '' 'keys that a change of the data leaves'
    run 0 hpx build a.rcp
    has err '4 trials trained'

    sleep 2.2 # from now on the store trusts what it knows of the files
    run 0 hpx build a.rcp -q
    sleep 0.1
    run 0 hpx build a.rcp
    has err 'nothing to train'
    change_unseen data/test-images
    keys a.rcp >third
    equal "$(comm -12 second third)" '' 'keys that a change of trusted data leaves'

    sleep 2.2
    run 0 hpx build a.rcp -q
    cp -p data/train-images other # replaced by another file
    change_unseen other
    printf '\x01' | dd of=other bs=1 seek=100 conv=notrunc status=none
    touch -r data/train-images other
    mv other data/train-images
    keys a.rcp >fourth
    equal "$(comm -12 third fourth)" '' 'keys that a replaced file leaves'
}

# What products are made with, where it decides the bits.
test_kernel() {
    base >before
    HPX_VECTOR=plain keys a.rcp >plain
    hpx plan a.rcp --kernel plain --json | jq -r '.searches[].trials[].key' | sort >pinned
    same_files plain pinned
    complains 2 "has no kernel 'none'" hpx build a.rcp --kernel none
    complains 2 'expected avx512, avx2, plain or a kernel' hpx plan a.rcp --kernel 'a b'
    run 0 hpx build a.rcp --kernel plain
    run 0 hpx best a.rcp --kernel plain --json
    is 'length > 0' true
    cp out pinned
    HPX_VECTOR=plain hpx best a.rcp --json >plain
    same_files plain pinned
    complains 2 "has no kernel 'none'" hpx best a.rcp --kernel none
}

run_tests "$@"

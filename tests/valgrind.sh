#!/bin/bash
# Small builds and what looks at them under valgrind, their workers too: no leak, no invalid access, no decision on
# bytes that nobody wrote. Nothing is suppressed. And how many instructions training takes, which no busy machine changes.
HPX=${BUILD:-build}/hpx
. "$(dirname "$0")/cli/common.sh"

# Valgrind reserves address space of its own, and emulates neither AVX-512 nor every processor's kernels.
export HPX_MAP_SIZE=$((64 << 20)) OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE:-Haswell}

checked() { # CODE ARGUMENT...
    local code=0 expected=$1
    shift
    valgrind --quiet --trace-children=yes --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible --error-exitcode=99 \
        --log-file="$scratch/valgrind.%p" "$HPX" "$@" >out 2>err || code=$?
    cat "$scratch"/valgrind.* >log
    rm -f "$scratch"/valgrind.*
    if [[ $code != "$expected" || -s log ]]; then
        echo "FAIL  hpx $* (exit code $code, expected $expected)"
        cat err log
        exit 1
    fi
    echo "ok    hpx $*"
}

cd "$scratch"
make_data data
export HPX_STORE=$scratch/store
search='search cross
  method = partial-cross
  limit = 1
search hill
  method = hill-climb'
recipe a.rcp 'epochs = 1' 'rate = $rate' 'optimizer = sgd' 'momentum = 0.9' 'schedule = step' <<X
axis n1 = 2 9
axis n2 = 3 17
axis rate = 0.1 0.01
$search
X
sed 's/epochs = 1/epochs = 2/' a.rcp >longer.rcp
sed '/momentum/d; /step/d; s/sgd/adam/; s/model mlp/&\n  dropout = 0.2\n  activation = gelu/' a.rcp >adam.rcp
sed '/momentum/d; s/\$rate/0.1/; s/axis rate.*/axis decay = 1000/; s/optimizer/weight-decay = $decay\n  &/; s/epochs = 1/epochs = 5/' \
    a.rcp >diverging.rcp
sed 's/batch/bach/' a.rcp >wrong.rcp
gzip -k data/*
sed 's/\(data\/[a-z-]*\)/\1.gz/g' a.rcp >gz.rcp

# What this processor trains, a processor without AVX-512 finds and trains the same.
"$HPX" build a.rcp -q --store wide >out && "$HPX" build adam.rcp -q --store wide >out || exit 1
checked 0 plan a.rcp --exit-code --store wide
checked 0 verify --rebuild 100% --store wide
checked 0 build a.rcp
checked 0 build gz.rcp
checked 0 plan longer.rcp --json
checked 0 build longer.rcp --json
checked 0 build adam.rcp -j 2
checked 1 build -k diverging.rcp
checked 2 build wrong.rcp
checked 0 ls
checked 0 show "$(hpx ls --json | jq -r '.[0].key')" --json
checked 0 audit a.rcp --json
checked 0 export --csv longer.rcp
cp out table.csv
checked 0 replay table.csv longer.rcp
checked 0 verify

# Instructions of one more epoch of 1,280 images of MNIST, the evaluation of 10,128 with it, by the kernels for AVX2.
# The bounds are a fifth above what gcc 12 makes of it: a part of the work done twice, or no longer in vectors, is more.
export HPX_DATA=${HPX_DATA:-$SOURCE_ROOT/cache/data} HPX_VECTOR=avx2
"$HPX" data fetch mnist -q >out || exit 1

instructions() { # EPOCHS N1 N2 OPTIMIZER: of a whole build
    cat >epochs.rcp <<X
dataset mnist
  validation = 128
  take = 1280
model mlp
  hidden = \$n1 \$n2
  activation = relu
train
  optimizer = $4
  batch = 128
  epochs = $1
axis n1 = $2
axis n2 = $3
search cell
  method = grid
X
    rm -rf epochs epochs.log.*
    valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null --trace-children=yes \
        --log-file="$scratch/epochs.log.%p" "$HPX" build epochs.rcp -q -j 1 --store epochs >out || exit 1
    sed -n 's/.*I *refs: *//p' epochs.log.* | tr -d , | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

bounded() { # BOUND N1 N2 OPTIMIZER
    local bound=$1 one two
    shift
    one=$(instructions 1 "$@") && two=$(instructions 2 "$@") || exit 1
    if ((two - one > bound)); then
        echo "FAIL  an epoch of $*: $((two - one)) instructions, at most $bound expected"
        exit 1
    fi
    echo "ok    an epoch of $*: $((two - one)) instructions"
}

bounded 83000000 16 16 sgd
bounded 150000000 64 32 adam
bounded 470000000 256 128 adam

#!/bin/bash
# Small builds and what looks at them under valgrind, their workers too: no leak, no invalid access, no decision on
# bytes that nobody wrote. Nothing is suppressed.
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

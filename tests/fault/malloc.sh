# Every allocation of a small build fails once, from main on, in the build and in its worker; its checkpoints are files. It
# ends normally, or with exit code 1 and "out of memory"; it does not crash or hang, and the store verifies.
source "$(dirname "$0")/common.sh"

make_data "$scratch/data" 60
recipe "$scratch/recipe" 'epochs = 2' <<'EOR'
axis n1 = 1400
search one
  method = grid
EOR

# One build with the n-th allocation failing; says in $fired whether it came to that.
build() { # WHERE N STORE
    rm -rf "$3" "$3.fired"
    code=0
    FAULT_MALLOC_IN=$1 FAULT_MALLOC_AT=$2 FAULT_FIRED=$3.fired LD_PRELOAD=$FAULT/preload_malloc.so timeout 60 \
        "$HPX" build "$scratch/recipe" --store "$3" -j 1 >"$3.out" 2>"$3.err" || code=$?
    fired=no
    [[ ! -e $3.fired ]] || fired=yes
}

# The number of allocations: a build in which the failing one is never reached.
allocations() { # WHERE
    local low=1 high=1 middle
    build "$1" $high "$scratch/probe"
    while [[ $fired == yes ]]; do
        low=$high high=$((high * 2))
        build "$1" $high "$scratch/probe"
    done
    while ((high - low > 1)); do
        middle=$(((low + high) / 2))
        build "$1" $middle "$scratch/probe"
        if [[ $fired == yes ]]; then low=$middle; else high=$middle; fi
    done
    echo $low
}

one() { # NUMBER
    local where n store=$scratch/store-$1 code fired what
    read -r where n < <(sed -n "$1p" "$scratch/tasks")
    what="allocation $n, $where"
    build "$where" "$n" "$store"
    [[ $fired == no ]] || echo fired >>"$scratch/fired"
    case $code in
    0) echo normal >>"$scratch/ends" ;;
    1)
        echo failed >>"$scratch/ends"
        if grep -q 'out of memory' "$store.err"; then
            :
        else
            bad wrong "$what: $(head -3 "$store.err")"
        fi
        ;;
    *) bad crash "$what: exit code $code: $(head -3 "$store.err")" ;;
    esac
    [[ ! -e $store/hpx.mdb ]] || verify "$store" "$what"
    rm -rf "$store" "$store".*
}

for where in build worker; do
    total=$(allocations $where)
    echo "$where $total" >>"$scratch/totals"
    # Some more than were seen, since runs differ a little.
    for ((n = 1; n <= total + 5; n++)); do
        echo "$where $n"
    done
done >"$scratch/tasks"
in_lanes "$(wc -l <"$scratch/tasks")" one
fired=$(wc -l <"$scratch/fired" 2>/dev/null || echo 0)
result "$fired" "$(tr '\n' ' ' <"$scratch/totals")seen; $(grep -c normal "$scratch/ends") builds ended normally, $(grep -c failed "$scratch/ends") with out of memory"

# SIGKILL, EIO, ENOSPC and a short write at every single call that writes during a put of 1 KB, 800 KB, 4 MB and 20 MB, and
# during the making of a store. Afterwards what was there before is there and equal, what was acknowledged is there
# whole, what was not is whole or absent, the store verifies, and the same put succeeds.
# For 20 MB the put is not repeated, to save time.
source "$(dirname "$0")/common.sh"
need strace strace

calls='pwrite64 pwritev writev write fdatasync fsync ftruncate fallocate rename renameat renameat2 unlink mkdir msync'
put=$FAULT/fault_store
earlier=7:1

# A store with something in it; for small sizes also an epoch whose checkpoint the new one drops.
make_base() { # CASE SIZE
    [[ $1 != new ]] || return 0
    "$put" put "$scratch/base-$1" 1000 $earlier >/dev/null
    [[ $1 == 20MB ]] || "$put" put "$scratch/base-$1" "$2" 1:1 >/dev/null
}

fresh_copy() { # CASE TO
    rm -rf "$2"
    [[ ! -d $scratch/base-$1 ]] || cp -r "$scratch/base-$1" "$2"
}

# Calls to the store's files and to those in memory that bytes come from: `write` to standard output is none of them.
trace_calls() { # CASE SIZE
    fresh_copy "$1" "$scratch/traced"
    strace -f -y -e trace="${calls// /,}" -o "$scratch/trace" "$put" put "$scratch/traced" "$2" 1:2 >/dev/null
    grep -E "^[0-9]+ +(mkdir|[a-z0-9]+\(([0-9]+<[^>]*(traced|memfd:)|\"[^\"]*traced))" "$scratch/trace" | sed -E 's/^[0-9]+ +([a-z0-9]+).*/\1/' | sort | uniq -c
}

one() { # NUMBER: a line of the list of tasks
    local name size fault call n total
    read -r name size fault call n total < <(sed -n "$1p" "$scratch/tasks")
    local store=$scratch/store-$1 what="$name $fault $call $n" code=0 acknowledged=no state
    fresh_copy "$name" "$store"
    if [[ $fault == short ]]; then
        FAULT_WRITE_AT=$n FAULT_FIRED=$store.fired LD_PRELOAD=$FAULT/preload_write.so \
            timeout 100 "$put" put "$store" "$size" 1:2 >"$store.out" 2>"$store.err" || code=$?
        [[ ! -e $store.fired ]] || echo fired >>"$scratch/fired"
    else
        local inject=error=$fault
        [[ $fault != KILL ]] || inject=signal=KILL
        { # without the shell's own word on a kill
            timeout 100 strace -f -y -e trace="$call" -e inject="$call:$inject:when=$n" -o "$store.trace" \
                "$put" put "$store" "$size" 1:2 >"$store.out" 2>"$store.err"
        } 2>/dev/null || code=$?
        ! grep -qE 'INJECTED|killed by SIGKILL' "$store.trace" || echo fired >>"$scratch/fired"
    fi
    grep -q '^acknowledged 1 2' "$store.out" && acknowledged=yes
    if [[ $code -ge 124 && $fault != KILL ]]; then
        bad crash "$what: exit code $code: $(cat "$store.err")"
    elif [[ $acknowledged == no && $fault != KILL && ($code != 1 || ! -s $store.err) ]]; then
        bad wrong "$what: not acknowledged, and exit code $code without a message"
    elif [[ $acknowledged == yes && $code != 0 && $fault != KILL ]]; then
        bad wrong "$what: acknowledged, and exit code $code"
    elif [[ $n -gt $total && $acknowledged == no ]]; then
        bad wrong "$what: no fault, and not acknowledged: $(cat "$store.err")"
    fi
    if [[ $name != new ]]; then
        state=$("$put" check "$store" 1000 $earlier)
        [[ $state == whole* ]] || bad lost "$what: what was there before is now: $state"
        if [[ $name != 20MB ]]; then
            state=$("$put" check "$store" "$size" 1:1)
            [[ $state == whole* ]] || bad lost "$what: the epoch before is now: $state"
        fi
    fi
    # Where a store could not even be made, there is nothing to check.
    if [[ $acknowledged == yes || -s $store/hpx.mdb ]]; then
        state=$("$put" check "$store" "$size" 1:2 2>"$store.err") || state="failed: $(cat "$store.err")"
        case $acknowledged-$state in
        yes-whole* | no-whole* | no-absent*) ;;
        no-failed*"an empty store"*) ;;
        yes-absent* | yes-failed* | no-failed*) bad lost "$what: acknowledged: $acknowledged; now: $state" ;;
        *) bad wrong "$what: acknowledged: $acknowledged; now: $state" ;;
        esac
        verify "$store" "$what"
    fi
    if [[ $name != 20MB ]]; then
        "$put" put "$store" "$size" 1:2 >/dev/null 2>&1 || bad lost "$what: the same put fails afterwards"
        state=$("$put" check "$store" "$size" 1:2)
        [[ $state == whole* ]] || bad lost "$what: put again, it is: $state"
    fi
    rm -rf "$store" "$store".*
}

while read -r name size; do
    make_base "$name" "$size"
    trace_calls "$name" "$size" >"$scratch/calls"
    while read -r total call; do
        for fault in KILL EIO ENOSPC; do
            # Beyond the last call nothing happens: so the faults really were at every one.
            for ((n = 1; n <= total + 1; n++)); do
                echo "$name $size $fault $call $n $total"
            done
        done
    done <"$scratch/calls" >>"$scratch/tasks"
    writes=$(awk '$2 ~ /write/ { n += $1 } END { print n }' "$scratch/calls")
    for ((n = 1; n <= writes + 1; n++)); do
        echo "$name $size short writes $n $writes"
    done >>"$scratch/tasks"
done <<'CASES'
new 1000
1KB 1000
800KB 800000
4MB 4000000
20MB 20000000
CASES

tasks=$(wc -l <"$scratch/tasks")
in_lanes "$tasks" one
fired=$(wc -l <"$scratch/fired")
expected=$(awk '$5 <= $6' "$scratch/tasks" | wc -l)
[[ $fired == "$expected" ]] || bad wrong "$fired of $expected faults took place"
result "$fired" "faults by call: $(awk '$5 <= $6 { n[$3]++ } END { for (f in n) printf "%s %d  ", f, n[f] }' "$scratch/tasks")"

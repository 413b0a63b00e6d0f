# What the fault tests share. A test is a script that sources this file, does its work in $scratch, and ends with
# `result SIZE LOST WRONG CRASHES`, which fails unless the three are 0. What goes wrong is told by `bad`.

set -u
SOURCE_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
. "$SOURCE_ROOT/tests/helper/images.sh"
BUILD=$(realpath "${BUILD:-$SOURCE_ROOT/build}")
HPX=$BUILD/hpx
FAULT=$BUILD/tests/fault
export LC_ALL=C.UTF-8 NO_COLOR=1
unset HPX_STORE HPX_DATA HPX_MAP_SIZE

# In memory where there is room: a process that is killed does not care, and more happens between two kills.
if [[ -z ${TMPDIR:-} && -w /dev/shm && $(df --output=avail -k /dev/shm | tail -1) -gt 2000000 ]]; then
    export TMPDIR=/dev/shm
fi
scratch=$(mktemp -d)
trap 'clean_up' EXIT
clean_up() {
    rm -rf "$scratch"
}

# SEED repeats a run's random draws, as far as time allows.
SEED=${SEED:-$(($(date +%s) % 100000))}
RANDOM=$SEED

need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || skip "$1 is missing; install it with: sh tools/deps.sh $2"
}

skip() { # REASON
    echo "skip: $1"
    exit 77
}

# Counters that lanes, which are subshells, can share: a line each.
bad() { # lost|wrong|crash MESSAGE
    echo "$1" >>"$scratch/bad"
    echo "$1: $2"
}

# What bash calls for a command that does not exist, such as one that is misspelt.
command_not_found_handle() {
    bad crash "no such command: $1" >&2
    return 127
}

count() { # lost|wrong|crash
    local found
    found=$(grep -c "^$1\$" "$scratch/bad" 2>/dev/null)
    echo "${found:-0}"
}

result() { # SIZE [NOTE]
    local lost wrong crashes
    lost=$(count lost) wrong=$(count wrong) crashes=$(count crash)
    [[ -z ${2:-} ]] || echo "note: $2"
    echo "result: $1 $lost $wrong $crashes"
    [[ $1 != 0 && $lost$wrong$crashes == 000 ]] || {
        echo "seed $SEED"
        exit 1
    }
    exit 0
}

# Runs `FUNCTION N` for N from 1 to COUNT in as many lanes, which are subshells, as there are processors. $lane is the
# lane's number.
in_lanes() { # COUNT FUNCTION
    local lanes n
    lanes=$(nproc)
    for ((lane = 0; lane < lanes; lane++)); do
        (
            trap - EXIT
            RANDOM=$((SEED + lane * 7919))
            for ((n = lane + 1; n <= $1; n += lanes)); do
                "$2" "$n"
            done
        ) &
    done
    wait
}

# --- data and recipes -------------------------------------------------------------------------------------------------

# Everything but axes and searches, which come from stdin. Settings of the train section are arguments.
recipe() { # FILE SETTING...
    local file=$1
    shift
    {
        printf '%s\n' 'dataset toy' '  validation = 40' "  train = $scratch/data/train-images $scratch/data/train-labels" \
            "  test = $scratch/data/test-images $scratch/data/test-labels" 'model mlp' '  hidden = $n1' 'train' \
            '  batch = 32'
        printf '  %s\n' "$@"
        cat
    } >"$file"
}

# All that is stored but for wall times: "key epoch output" of the newest epochs, and every epoch's metrics.
results() { # STORE
    "$HPX" ls --store "$1" --json | jq -r '.[] | "\(.key) \(.epoch) \(.output)"' &&
        "$HPX" export --csv --store "$1" | sed -E 's/,[^,]*,([^,]*)$/,\1/'
}

# Exit codes of hpx that are no crash; anything else is one.
is_crash() { # CODE
    [[ $1 -ge 128 && $1 != 130 ]] || [[ $1 == 124 ]]
}

verify() { # STORE WHAT: it is clean
    local code=0 output=$scratch/verify-$BASHPID
    timeout 60 "$HPX" verify --store "$1" >"$output" 2>&1 || code=$?
    [[ $code == 0 ]] && return
    if is_crash "$code"; then
        bad crash "$2: verify: exit code $code: $(head -3 "$output")"
    else
        bad wrong "$2: verify: exit code $code: $(head -3 "$output")"
    fi
}

now_ms() {
    echo $(($(date +%s%N) / 1000000))
}

sleep_ms() {
    sleep "$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))"
}

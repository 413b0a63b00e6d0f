# What the command tests share: a runner, checks, and a small data set. A script sources this file, defines functions
# called test_*, and ends with `run_tests`. Each test runs in a folder of its own, in a subshell that the first failed
# check leaves; the others still run.

set -u
SOURCE_ROOT=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
. "$SOURCE_ROOT/tests/helper/images.sh"
HPX=$(realpath "${HPX:-$SOURCE_ROOT/build/hpx}") || exit 1
export LC_ALL=C.UTF-8 NO_COLOR=1
unset HPX_STORE HPX_DATA HPX_MAP_SIZE

scratch=$(mktemp -d)
trap 'chmod -R u+rwX "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
export HPX_SCRATCH=$scratch/programs HPX_NODE_SCRATCH=$scratch/node
export XDG_CONFIG_HOME=$scratch/config # the user's own says where builds train

hpx() {
    "$HPX" "$@"
}

# --- checks -----------------------------------------------------------------------------------------------------------

fail() { # MESSAGE: prints it, where it happened, and what the last command printed
    local i=1
    while [[ ${FUNCNAME[i]} != test_* && ${FUNCNAME[i]} != main ]]; do i=$((i + 1)); done
    echo "  ${FUNCNAME[i]}, line ${BASH_LINENO[i - 1]}: $1"
    [[ -s out ]] && head -12 out | sed 's/^/    stdout: /'
    [[ -s err ]] && tail -12 err | sed 's/^/    stderr: /'
    [[ -s seen ]] && sed 's/^/    screen: /' seen
    exit 1
}

# What bash calls, in a process of its own, for a command that does not exist, such as a check that is misspelt.
command_not_found_handle() {
    echo "  no such command: $1" >&2
    : >"$scratch/unknown"
    return 127
}

run() { # CODE COMMAND...: the command ends with this exit code; its output is in ./out and ./err
    local expected=$1 code=0
    shift
    "$@" >out 2>err || code=$?
    [[ $code == "$expected" ]] || fail "exit code $code, expected $expected: $*"
}

prints() { # FILE COMMAND...: the command succeeds; its output is in the file
    run 0 "${@:2}"
    cp out "$1"
}

equal() { # ACTUAL EXPECTED [WHAT]
    [[ $1 == "$2" ]] || fail "${3:-value} is '$1', expected '$2'"
}

differ() { # A B [WHAT]
    [[ $1 != "$2" ]] || fail "${3:-value} is the same: '$1'"
}

has() { # FILE TEXT
    grep -qF -- "$2" "$1" || fail "$1 lacks '$2'"
}

has_not() { # FILE TEXT
    ! grep -qF -- "$2" "$1" || fail "$1 has '$2'"
}

empty() { # FILE
    [[ ! -s $1 ]] || fail "$1 is not empty: $(head -3 "$1")"
}

same_files() { # FILE FILE: which are not empty
    local difference
    [[ -s $1 ]] || fail "$1 is empty"
    difference=$(diff "$1" "$2" | head -10) || true
    [[ -z $difference ]] || fail "$1 and $2 differ: $difference"
}

is() { # FILTER VALUE [FILE]: what jq's filter makes of ./out, on one line
    local got
    got=$(jq -c "$1" "${3:-out}" 2>&1) || fail "jq '$1': $got"
    equal "$got" "$2" "$1"
}

members() { # FILTER NAME...: every object that jq's filter makes of ./out has at least these members
    local missing
    missing=$(jq -c "[$1 | \$ARGS.positional - keys] | add" out --args "${@:2}" 2>&1) || fail "jq '$1': $missing"
    equal "$missing" '[]' "what $1 lacks"
}

complains() { # CODE TEXT COMMAND...: the exit code, nothing on stdout, one line on stderr with this text, which may
              # follow the one about a new store
    local text=$2
    run "$1" "${@:3}"
    empty out
    equal "$(grep -vc '^hpx: new store: ' err)" 1 "the number of lines on stderr"
    grep -q '^hpx: ' err || fail "stderr does not begin with 'hpx: '"
    has err "$text"
}

stored() { # the number of trajectories in the store
    hpx ls --json "$@" | jq length
}

# "key epoch output" of every trajectory's newest epoch, then the metrics of all epochs to the last digit.
results() { # STORE
    hpx ls --store "$1" --json | jq -r '.[] | "\(.key) \(.epoch) \(.output)"'
    hpx export --csv --store "$1" | awk -F, -v OFS=, '
        NR == 1 { for (i = 1; i <= NF; i++) skip[i] = $i ~ /seconds/ }
        { for (i = 1; i <= NF; i++) if (skip[i]) $i = ""; print }'
}

# "key epoch output" of every epoch, in order. Slower: a process for each trajectory.
outputs() { # STORE
    local key
    for key in $(hpx ls --store "$1" --json | jq -r '.[].key'); do
        hpx show "$key" --store "$1" --json | jq -r '.key as $key | .epochs[] | "\($key) \(.epoch) \(.output)"'
    done
}

# Changes the first byte of every copy of a text in the data file, those in old pages and in the gaps of others included.
damage() { # TEXT [STORE]
    local at
    for at in $(grep -aboUP -- "$1" "${2:-$HPX_STORE}/hpx.mdb" | cut -d: -f1); do
        printf '~' | dd of="${2:-$HPX_STORE}/hpx.mdb" bs=1 seek="$at" conv=notrunc status=none
    done
}

has_avx2() {
    HPX_VECTOR=avx2 hpx --version >/dev/null 2>&1
}

# Pins other numerics than this machine has by itself. False where there are none: plain vectors, and an OpenBLAS with one
# kernel.
other_numerics() {
    hpx --version -v >before
    export HPX_VECTOR=plain OPENBLAS_CORETYPE=Prescott
    hpx --version -v >after
    ! cmp -s <(grep ^numerics before) <(grep ^numerics after)
}

poll() { # COMMAND...: until it succeeds; gives up after a minute
    local i
    for ((i = 0; i < 2000; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.03
    done
    fail "never came true: $*"
}

# Puts a Python first in PATH that has these packages; skips the test where there is none.
needs() { # PACKAGE...
    local python imports
    printf -v imports 'import %s;' "$@"
    for python in $(type -ap python3); do
        if "$python" -c "$imports" 2>/dev/null; then
            PATH=$(dirname "$python"):$PATH
            return
        fi
    done
    echo "  skipped: no python3 has $*"
    exit 0
}

# --- data and recipes -------------------------------------------------------------------------------------------------

# The data set and model that most tests use; a test appends its axes and searches from stdin. Settings of the train
# section are arguments: "epochs = 3" "seeds = 1 2".
recipe() { # FILE SETTING...
    local file=$1
    shift
    {
        printf '%s\n' 'dataset toy' '  validation = 50' '  train = data/train-images data/train-labels' \
            '  test = data/test-images data/test-labels' 'model mlp' '  hidden = $n1 $n2' 'train' '  batch = 32'
        [[ $# == 0 ]] || printf '  %s\n' "$@"
        cat
    } >"$file"
}

# A program, ./score.sh with this text, and what a test appends from stdin.
program_recipe() { # FILE ARGUMENTS SCRIPT SETTING...
    printf '#!/bin/sh\n%s\n' "$3" >score.sh
    chmod +x score.sh
    {
        printf '%s\n' program "  command = ./score.sh $2" '  code    = score.sh' '  metrics = stdout' train
        printf '  %s\n' "${@:4}"
        cat
    } >"$1"
}

# A program's grid of 2 x 3 cells. A trial runs these lines, its values in $1 and $2, and then waits for the file that lets
# it end: go-11 for a=1 b=1.
waiting_program() { # LINE...
    cat >a.rcp <<X
program
  command = sh train.sh \$a \$b
  code = train.sh
  metrics = stdout
train
  epochs = 4
  objective = maximise score
axis a = 1 2
axis b = 1 2 3
search all
  method = grid
X
    printf '%s\n' "$@" "while [ ! -e '$PWD/go-'\$1\$2 ] && [ -e '$PWD/a.rcp' ]; do sleep 0.05; done" >train.sh
}

# --- the runner -------------------------------------------------------------------------------------------------------

run_tests() { # [NAME...]: those, or all of the script in their order
    local test start failed=0
    make_data "$scratch/data" "${IMAGES:-200}"
    [[ $# -gt 0 ]] || mapfile -t tests < <(sed -n 's/^\(test_[a-z0-9_]*\)().*/\1/p' "$0")
    [[ $# -eq 0 ]] || tests=("$@")
    for test in "${tests[@]}"; do
        start=$SECONDS
        mkdir "$scratch/$test"
        cp -r "$scratch/data" "$scratch/$test/data"
        if (cd "$scratch/$test" && HPX_STORE=$scratch/$test/store && export HPX_STORE && "$test") &&
            [[ ! -e $scratch/unknown ]]; then
            echo "ok    $test ($((SECONDS - start)) s)"
        else
            echo "FAIL  $test"
            failed=$((failed + 1))
            rm -f "$scratch/unknown"
        fi
    done
    echo "${#tests[@]} tests, $failed failed"
    [[ ${#tests[@]} -gt 0 && $failed == 0 ]]
}

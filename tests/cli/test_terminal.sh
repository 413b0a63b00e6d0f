#!/bin/bash
# What hpx prints is text: whatever names hold, no control character and nothing that turns text around is printed, and
# every --json is JSON.
. "$(dirname "$0")/common.sh"

# A folder whose name holds a right-to-left override, CSI as one character, a backslash and "nan".
ODD=$'nan \u202e\u009b31m\\ \u2066'

clean() { # FILE: no C0 but line ends and tabs, no DEL, no C1, no bidi control, all of it UTF-8
    python3 - "$1" <<'PY' || fail "$1 holds what a terminal must not get: $(head -c 300 "$1" | cat -v)"
import sys, unicodedata
text = open(sys.argv[1], "rb").read().decode("utf-8")
sys.exit(any(c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") for c in text))
PY
}

strict() { # FILE: one JSON document, each name of an object once, no NaN or Infinity
    python3 - "$1" <<'PY' || fail "$1 is no strict JSON: $(head -c 300 "$1")"
import json, sys
def refuse(word):
    raise ValueError(word)
def once(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError("a name twice")
    return dict(pairs)
json.loads(open(sys.argv[1], encoding="utf-8").read(), parse_constant=refuse, object_pairs_hook=once)
PY
}

odd_recipe() {
    mkdir "$ODD"
    cp data/train-images "$ODD/images"
    recipe a.rcp 'epochs = 1' <<X
axis images = data/train-images "$ODD/images"
axis n1 = 004 8
axis n2 = 4
search grid
  method = grid
X
    sed -i 's|train = data/train-images|train = $images|' a.rcp
}

test_every_command() {
    local key command
    odd_recipe
    run 0 hpx build a.rcp --json
    strict out && clean out
    run 0 hpx export --csv a.rcp
    cp out table.csv
    key=$(hpx ls --json | jq -r '.[0].key')
    for command in ls 'ls a.rcp' audit 'audit a.rcp' "show $key" "diff $key $key" 'plan a.rcp' 'build a.rcp' 'gc -n' \
        'replay table.csv a.rcp' verify adopt 'why a.rcp n1=4 n2=4' 'log a.rcp n1=4 n2=4'; do
        set -- $command
        [[ $1 == why || $1 == log ]] && set -- "$@" "images=$ODD/images"
        run 0 hpx "$@"
        clean out && clean err
        run 0 hpx "$@" --json
        strict out && clean out && clean err
    done
    grep -qF "$ODD" table.csv || fail 'a table has other names than the recipe'
}

test_messages() { # of names in recipes, arguments and file names
    recipe a.rcp 'epochs = 1' <<X
axis n1 = 4 "$ODD"
axis n2 = 4
search grid
  method = grid
X
    run 2 hpx build a.rcp
    clean err
    run 2 hpx build "$ODD"
    clean err
    run 2 hpx "$ODD"
    clean err
    run 2 hpx ls "--$ODD"
    clean err
    run 1 hpx import "$ODD"
    clean err
    run 2 hpx build $'\xff\x1b[2J.rcp'
    clean err
}

run_tests

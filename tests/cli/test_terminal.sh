#!/bin/bash
# What hpx prints is text: whatever names hold, no control character and nothing that turns text around is printed, and
# every --json is JSON.
. "$(dirname "$0")/common.sh"

# Names that a recipe takes, and one that it does not: with a right-to-left override, and CSI as one character.
ODD=$'nan = b\\c \u00e9\U0001f600'
HIDDEN=$'nan \u202e\u009b31m\\ \u2066'

# All files at once: no C0 but line ends and tabs, no DEL, no C1, no bidi control, all of it UTF-8; and those called
# *.json are one document each, every name of an object once, no NaN or Infinity.
clean() { # FILE...
    local faults
    faults=$(python3 - "$@" <<'PY'
import json, sys, unicodedata

def refuse(word):
    raise ValueError(word)

def once(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise ValueError("a name twice")
    return dict(pairs)

for name in sys.argv[1:]:
    try:
        text = open(name, "rb").read().decode("utf-8")
        for c in text:
            if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
                raise ValueError(f"U+{ord(c):04X}")
        if name.endswith(".json"):
            json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    except ValueError as why:
        print(f"{name}: {why}")
PY
    )
    [[ -z $faults ]] || fail "$faults"
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
    local key command count=0
    odd_recipe
    run 0 hpx build a.rcp --json
    mv out build.json
    run 0 hpx export --csv a.rcp
    mv out table.csv
    grep -qF "$ODD" table.csv || fail 'a table has other names than the recipe'
    key=$(hpx ls --json | jq -r '.[0].key')
    for command in ls 'ls a.rcp' audit 'audit a.rcp' "show $key" "diff $key $key" 'plan a.rcp' 'build a.rcp' 'gc -n' \
        'replay table.csv a.rcp' verify adopt 'forget -n a.rcp' 'why a.rcp n1=4 n2=4' 'log a.rcp n1=4 n2=4'; do
        set -- $command
        [[ $1 == why || $1 == log ]] && set -- "$@" "images=$ODD/images"
        count=$((count + 1))
        run 0 hpx "$@"
        mv out "$count-$1.text"
        mv err "$count-$1.err"
        run 0 hpx "$@" --json
        mv out "$count-$1.json"
    done
    clean ./*.json ./*.text ./*.err
}

test_messages() { # of names in recipes, arguments and file names
    recipe a.rcp 'epochs = 1' <<X
axis n1 = 4 "$HIDDEN"
axis n2 = 4
search grid
  method = grid
X
    run 2 hpx build a.rcp
    cat err >>said
    run 2 hpx build "$HIDDEN"
    cat err >>said
    run 2 hpx "$HIDDEN"
    cat err >>said
    run 2 hpx ls "--$HIDDEN"
    cat err >>said
    run 1 hpx import "$HIDDEN"
    cat err >>said
    run 2 hpx build $'\xff\x1b[2J.rcp'
    cat err >>said
    clean said
}

run_tests

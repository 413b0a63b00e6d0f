#!/usr/bin/env bash
# Trains what the study's tables lack: whole seeds of its recipes, in the order of seeds.txt. A seed that is finished goes
# into its table, RECIPE.csv, before the next one begins; one that was interrupted goes on where it was.
#
#   bench/study/train.sh             trains all that is missing: 9 to 40 minutes for a seed on two cores
#   bench/study/train.sh --stored    trains nothing: adds the seeds that the store has
#
# The store is $HPX_STORE, else cache/. The tables are tidy: a row for each cell, seed and epoch, with the metrics rounded to
# five decimals, the code version of the trainer, the vectors of the processor, and the day. $RECIPES and $TABLES name other
# folders than bench/study and bench/tables.
set -eu -o pipefail
if [[ $# -gt 1 || ${1:---stored} != --stored ]]; then
    echo "usage: bench/study/train.sh [--stored]" >&2
    exit 2
fi
cd "$(dirname "$0")/../.."
HPX=${HPX:-${BUILD:-build}/hpx}
recipes=${RECIPES:-bench/study}
tables=${TABLES:-bench/tables}
vectors=$("$HPX" --version -v | sed -n 's/^machine\.vector //p')

has() { # TABLE SEED
    [[ -e $1 ]] && awk -F, -v seed="$2" '
        NR == 1 { for (i = 1; i <= NF; i++) if ($i == "seed") column = i; next }
        $column == seed { found = 1 } END { exit !found }' "$1"
}

is_stored() { # RECIPE SEED
    local code=0
    "$HPX" plan -q --exit-code "$recipes/$1.rcp" "seeds=$2" >/dev/null || code=$?
    [[ $code == 0 || $code == 10 ]] || exit "$code"
    return $code
}

rows() { # RECIPE SEED: a header and the rows of all its epochs
    "$HPX" ls --epochs --json "$recipes/$1.rcp" "seeds=$2" | jq -r --arg vectors "$vectors" '
        def rounded: if . == null then "" else (. * 1e5 | round) / 1e5 end;
        (map(.metrics // {} | keys_unsorted) | max_by(length)) as $names | sort_by([.cell[]], .epoch) |
            (.[0] | [(.cell | keys_unsorted[]), "seed", "epoch", "status", $names[], "code", "kernel", "date"]),
            (.[] | [.cell[], .seed, .epoch, .status // "", (.metrics[$names[]] | rounded), .code.version[:8], $vectors,
                .started[:10]]) |
        join(",")'
}

add() ( # TABLE RECIPE SEED: all of its rows or none, once, whoever else adds some
    flock 9
    if has "$1" "$3"; then
        exit
    fi
    text=$(rows "$2" "$3")
    if [[ -e $1 ]]; then
        [[ $(head -n 1 "$1") == "${text%%$'\n'*}" ]] || {
            echo "$1 has other columns than the results of $2" >&2
            exit 1
        }
        text=$(cat "$1" && tail -n +2 <<<"$text")
    fi
    echo "$text" >"$1.new"
    mv "$1.new" "$1"
    echo "$1: added seed $3" >&2
) 9<"$tables"

mkdir -p "$tables"
grep -v '^#' "$recipes/seeds.txt" | while read -r recipe seeds; do
    for seed in $seeds; do
        table=$tables/$recipe.csv
        if has "$table" "$seed"; then
            continue
        fi
        if [[ ${1-} != --stored ]]; then
            "$HPX" build --no-speculate "$recipes/$recipe.rcp" "seeds=$seed" </dev/null >/dev/null
        elif ! is_stored "$recipe" "$seed"; then
            continue
        fi
        add "$table" "$recipe" "$seed"
    done
done

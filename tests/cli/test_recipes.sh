#!/usr/bin/env bash
# The recipes that come with hpx: each can be planned without its data set, and its searches come to their ends.
. "$(dirname "$0")/common.sh"

# A table of the whole grid whose plan is in ./out, with every epoch.
make_table() {
    jq -r '.epochs as $epochs | ((.grid.axes | map(.name)) + ["epoch", .objective] | @csv),
        ([.grid.axes[].values] | [combinations] | to_entries[] | .key as $cell | .value as $values |
            range(1; $epochs + 1) | $values + [., (($cell * 7919 + . * 104729) % 997 + 1) / 1000] | @csv)' out
}

test_plan_and_replay() {
    local file name=''
    for file in "$SOURCE_ROOT"/recipes/*.rcp; do
        name=$(basename "$file" .rcp)
        printf '%s\n' "include \"$file\"" 'search every' '  method = grid' >"$name.rcp"
        run 0 hpx plan "$name.rcp" --store none
        has out "$name.rcp: "
        run 0 hpx plan "$name.rcp" --json --store none
        make_table >table.csv
        run 0 hpx replay table.csv "$name.rcp" --json
        is '[.searches[] | .stop == null] | any' false
        is '[.searches[].score] | max == .[-1]' true
    done
    [[ -n $name ]] || fail 'there is no recipe'
    [[ ! -e none ]] || fail 'a plan made a store'
}

run_tests "$@"

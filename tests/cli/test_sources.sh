#!/bin/bash
# The lists of sources in the Makefile: what a trainer is linked from is tested by tests/link, which headers it reads here.
source "$(dirname "$0")/common.sh"

list() { # VARIABLE of the Makefile
    make -s --no-print-directory -C "$SOURCE_ROOT" --eval "print: ; @echo '\$($1)'" print
}

# A header that a trainer's sources include is in its list, or is neutral.
test_headers() {
    local trainer source header sources neutral objects
    objects=$(dirname "$HPX")
    neutral=" $(list NEUTRAL_SOURCES) "
    for trainer in $(list TRAINERS); do
        sources=" $(list "SOURCES_$trainer") "
        [[ $sources == *" src/trainer/$trainer.c "* ]] || fail "$trainer: its own file is not in its list"
        for source in $sources; do
            [[ -e $SOURCE_ROOT/$source ]] || fail "$trainer: $source is not there"
            [[ $source == *.c ]] || continue
            for header in $(tr -s ' \\\n' '\n' <"$objects/${source%.c}.d" | grep -E '^(src|include)/.*\.h$' | sort -u); do
                [[ $sources$neutral == *" $header "* ]] || fail "$trainer: $header of $source is in no list"
            done
        done
    done
}

# No source is both.
test_neutral() {
    local trainer source neutral
    neutral=" $(list NEUTRAL_SOURCES) "
    for trainer in $(list TRAINERS); do
        for source in $(list "SOURCES_$trainer"); do
            [[ $neutral != *" $source "* ]] || fail "$trainer: $source is in its list, and neutral"
        done
    done
}

run_tests

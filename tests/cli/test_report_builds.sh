# What the page of hpx report says of the last build, and of where its results come from.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/page.sh"

small() { # FILE SETTING...
    recipe "$1" "${@:2}" <<'X'
axis n1 = 2 4 8
axis n2 = 2 4
search all
  method = grid
X
}

# The lines of the timeline's table: "trial|verdict|after|to", in order of trial.
lines() {
    figure timeline | grep '^<tr.*<td' | sed 's/<\/*tr[^>]*>//g; s/<td[^>]*>//g; s/<\/td>/|/g' |
        awk -F'|' '{ print $2 ($3 == "" ? "" : " seed " $3) "|" $4 "|" $5 "|" $6 }' | sort
}

bars() { # [MORE]: of the timeline and its legend
    figure timeline | sed 's/<rect/\n<rect/g' | grep -c "class=\"span.*${1-}" || true
}

test_timeline() {
    small a.rcp 'epochs = 3' 'seeds = 1 2'
    run 0 hpx build -q -j2 a.rcp epochs=1
    run 0 hpx report a.rcp -o page.html epochs=1
    equal "$(lines | cut -d'|' -f2- | sort | uniq -c | tr -s ' ')" ' 12 train|0|1' 'the jobs of the first build'
    equal "$(bars)" 13 'the bars, and one of the legend'
    has page.html '0 trials were stored before (hit)'
    run 0 hpx build -q -j3 a.rcp "axis.n1=8 16"
    run 0 hpx report a.rcp -o page.html "axis.n1=8 16"
    { for seed in 1 2; do for n in 2 4; do
        echo "n1=8 n2=$n seed $seed|extend|1|3"
        echo "n1=16 n2=$n seed $seed|train|0|3"
    done; done; } | sort >expected
    lines >got
    same_files got expected
    # The last build that ran one of the trials shown; what it ran besides has keys.
    run 0 hpx build -q a.rcp "axis.n1=32"
    run 0 hpx report a.rcp -o page.html
    lines | sed 's/^<code>[0-9a-f]*<\/code>/another/' | sort | uniq -c | tr -s ' ' >got
    { sed 's/^n1=16[^|]*/another/' expected | sort | uniq -c | tr -s ' '; } >expected.here
    same_files got expected.here
    cp page.html first.html
    run 0 hpx report a.rcp -o page.html # the same bytes twice
    same_files page.html first.html
    # What is stored is said of a build that trains something.
    run 0 hpx build -q a.rcp "axis.n1=8 64" seeds=1
    run 0 hpx report a.rcp -o page.html "axis.n1=8 64" seeds=1
    has page.html '2 trials were stored before (hit)'
}

section() { # ID: of page.html, without tags
    sed -n "/<section id=\"$1\">/,/<\/section>/p" page.html | sed "s/<[^>]*>/ /g; s/&#39;/'/g"
}

# What is said of code, data and machine is what audit and show have.
test_provenance() {
    small a.rcp 'epochs = 2' 'seeds = 1 2'
    run 0 hpx build -q -j2 a.rcp
    key=$(hpx best a.rcp --top 1 --json | jq -r '.best[0].key')
    run 0 hpx report a.rcp -o page.html
    section provenance >said
    run 0 hpx audit "$key" --json
    has said " $(jq -r '.[0].code.version' out) "
    has said " $(jq -r '.[0].code.describe' out) "
    has said " $(jq -r '.[0].host' out) (24 epochs)"
    jq -r '.[0].dataset | to_entries[] | select(.key | test("[.]hash$")) | .value' out >hashes
    equal "$(wc -l <hashes)" 4 'the files of the data set'
    while read -r hash; do has said " $hash "; done <hashes
    jq -r '.[0].numerics.compiler' out >compiler
    has said "compiler $(cat compiler)"
    has said '(12 trials)'
    has said "hpx reproduce ${key:0:12} --at-code"
    has_not said 'Imports'
    has_not said 'Equivalent trainers'
    # Edits: how to print them, and themselves where they are few.
    id=$(hpx audit "$key" | sed -n 's/.*hpx audit --patch \([0-9a-f]*\)).*/\1/p')
    if [[ -z $id ]]; then
        has_not said 'hpx audit --patch'
    else
        has said "uncommitted edits: hpx audit --patch $id"
        run 0 hpx audit --patch "$id"
        if [[ -s out && $(wc -c <out) -le 16384 ]]; then
            has page.html "The uncommitted edits of code $id"
        else
            has_not page.html 'The uncommitted edits of code'
        fi
    fi
}

test_what_the_store_has_lost() {
    small a.rcp 'epochs = 1'
    run 0 hpx build -q -j2 a.rcp
    damage 'describe'
    run 0 hpx report a.rcp -o page.html
    has page.html 'The store has lost which code made it'
    section provenance >said
    has said ' lost '
}

# The commands are those that made this page, as a shell takes them.
test_commands_redo_it() {
    mkdir 'my recipes'
    small 'my recipes/it'"'"'s.rcp' 'epochs = 1'
    mv data 'my recipes'
    run 0 hpx build -q 'my recipes/it'"'"'s.rcp' 'axis.n1=2 4' seeds=3
    run 0 hpx report 'my recipes/it'"'"'s.rcp' 'axis.n1=2 4' seeds=3 -o page.html
    section provenance | sed -n 's/^ *hpx report \(.*\) -o report.html/hpx report \1 -o report.html/p' >command.sh
    equal "$(wc -l <command.sh)" 1 'the command'
    (hpx() { "$HPX" "$@"; } && . ./command.sh) 2>err || fail "what is said does not run: $(cat command.sh)"
    same_files report.html page.html
}

test_files_of_a_program() {
    echo 1 >one.txt
    mkdir more
    echo 2 >more/two.txt
    printf '%s\n' 'program' '  command = sh -c "echo test_accuracy=0.5" $x' '  data = one.txt more' '  metrics = stdout' 'train' \
        '  epochs = 1' '  objective = test_accuracy' 'axis x = 1' 'search all' '  method = grid' >p.rcp
    run 0 hpx build -q p.rcp
    run 0 hpx report p.rcp -o page.html
    section provenance >said
    grep -q 'more/two.txt .* 2 *$' said || fail 'the second file is not said'
    grep -q 'one.txt .* 2 *$' said || fail 'the first file is not said'
}

# Slots that would idle train speculatively what a walk may come to: hollow bars, which the table names.
test_speculative() {
    recipe a.rcp 'epochs = 2' <<'X'
axis n1 = 2 4 8 256
axis n2 = 2 4 8 256
search climb
  method = hill-climb
X
    run 0 hpx build -q -j 6 a.rcp
    run 0 hpx report a.rcp -o page.html
    lines | grep -c 'speculative|0|' >count || fail 'no trial is said to be speculative'
    equal "$(bars 'fill="none"')" \
        "$(($(cat count) + 1))" 'the hollow bars, with that of the legend'
    run 0 hpx build -q -j 6 --no-speculate a.rcp --store other
    run 0 hpx report a.rcp -o page.html --store other
    has_not page.html ', speculative'
    has_not page.html 'speculatively'
}

# Nothing was ever built here.
test_results_of_another_store() {
    small a.rcp 'epochs = 1'
    run 0 hpx build -q a.rcp
    run 0 hpx export -q -o b.hpx --all
    run 0 hpx import -q b.hpx --store other
    run 0 hpx report a.rcp -o page.html --store other
    has_not page.html 'id="timeline"'
    section provenance >said
    grep -q ' imported from .*b.hpx, 20.*(6 epochs)' said || fail 'nothing is said of the import'
}

run_tests "$@"

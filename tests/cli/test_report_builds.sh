# What the page of hpx report says of the last build, and of where its results come from.
. "$(dirname "$0")/common.sh"

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
    sed -n '/<figure id="timeline"/,/<\/figure>/p' page.html | grep '^<tr.*<td' | sed 's/<\/*tr[^>]*>//g; s/<td[^>]*>//g; s/<\/td>/|/g' |
        awk -F'|' '{ print $2 ($3 == "" ? "" : " seed " $3) "|" $4 "|" $5 "|" $6 }' | sort
}

bars() {
    sed -n '/<figure id="timeline"/,/<\/svg>/p' page.html | sed 's/<rect/\n<rect/g' | grep -c 'class="span' || true
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

# Nothing was ever built here.
test_results_of_another_store() {
    small a.rcp 'epochs = 1'
    run 0 hpx build -q a.rcp
    run 0 hpx export -q -o b.hpx --all
    run 0 hpx import -q b.hpx --store other
    run 0 hpx report a.rcp -o page.html --store other
    has_not page.html 'id="timeline"'
    has page.html 'b.hpx'
}

run_tests "$@"

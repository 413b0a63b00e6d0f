# hpx report: the page of the paper's table, of several seeds, of hostile names; in a browser, where there is one.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/page.sh"

GOLDEN=$SOURCE_ROOT/tests/golden/paper-table.csv

# A program that knows the paper's table: its accuracies, reached in four epochs.
paper() { # FILE SETTING...
    cp "$GOLDEN" table.csv
    cat >look.sh <<'X'
#!/bin/sh
awk -F, -v n1="$1" -v n2="$2" -v seed="$3" '$1 == n1 && $2 == n2 {
    for (e = 1; e <= 4; e++) printf "epoch=%d test_accuracy=%.4f\n", e, $3 - 0.01 * (4 - e) - 0.001 * (seed - 1)
}' table.csv
X
    chmod +x look.sh
    {
        cat <<'X'
program
  command  = ./look.sh $n1 $n2 $seed
  continue = yes
  code     = look.sh
  data    = table.csv
  metrics = stdout
train
  epochs    = 4
  objective = test_accuracy
X
        printf '  %s\n' "${@:2}"
        sed -n '/^axis/p' "$SOURCE_ROOT/recipes/mnist.rcp"
        sed '/^include/d; /^#/d' "$SOURCE_ROOT/recipes/mnist-table.rcp"
    } >"$1"
}

small() { # FILE: two axes, three seeds, two searches
    recipe "$1" 'epochs = 2' 'seeds = 1..3' <<'X'
axis n1 = 2 4 8
axis n2 = 2 4
search all
  method = grid
search climb
  method = hill-climb
X
}

page_data() { # FILE: the page's JSON, in ./out
    json_of "$1" >out
    jq '.fields as $fields | .codes as $codes | .cells |= map([$fields, .] | transpose | map({(.[0]): .[1]}) | add
        | .code = $codes[.code])' out >named 2>err || fail "the page's data are no JSON: $(cat err)"
    cp named out
}

test_the_page_of_the_papers_table() {
    paper p.rcp
    run 0 hpx build -j2 -q p.rcp
    run 0 hpx report p.rcp -o page.html
    empty out
    empty err
    run 0 hpx report p.rcp -o - # the same bytes twice
    same_files out page.html
    [[ $(wc -c <page.html) -lt 1000000 ]] || fail "the page has $(wc -c <page.html) bytes"
    well_formed page.html
    has page.html 'The best cell is'
    page_data page.html
    is '.cells | length' 66
    is '[.searches[] | .visits | length]' '[66,21,30,28,21,16,17,13]'
    equal "$(figure limits | rows | cut -d'|' -f1-4)" "$(cat <<'X'
limit 1|n1=128 n2=64|0.9791|17
limit 2|n1=128 n2=64|0.9791|20
limit 3|n1=128 n2=4096|0.9803|28
limit 4|n1=128 n2=4096|0.9803|28
X
)" 'the partial cross-search with other limits'
    equal "$(figure distribution | rows | cut -d'|' -f1-3 | head -1)" '1|n1=128 n2=4096|0.9803' 'the best cell'
    equal "$(sed -n '/<table id="ends"/,/<.table>/p' page.html | rows | cut -d'|' -f1,3-4,6)" "$(cat <<'X'
grid|n1=128 n2=4096|0.9803|0.0000
hill-climb|n1=256 n2=128|0.9792|0.0011
full-l2|n1=128 n2=4096|0.9803|0.0000
partial-l2-3|n1=128 n2=4096|0.9803|0.0000
full-l1|n1=256 n2=128|0.9792|0.0011
partial-l1-2|n1=256 n2=128|0.9792|0.0011
partial-l2-1|n1=128 n2=64|0.9791|0.0012
partial-l1-1|n1=64 n2=32|0.9789|0.0014
X
)" "the paper's table"
    equal "$(jq '.cells[] | .score' out | sort)" "$(tail -n +2 "$GOLDEN" | cut -d, -f3 | jq . | sort)" 'the scores'
}

# The numbers of the page are those of the other commands.
test_numbers_are_those_of_json() {
    small a.rcp
    prints build.json hpx build -j2 --json -q a.rcp
    prints best.json hpx best a.rcp --top 9 --json
    run 0 hpx report a.rcp -o page.html
    page_data page.html
    equal "$(jq -c '[.cells | sort_by(.key)[] | [.key, (.score, .score_sd | . * 1e9 | round), .seeds, .epochs]]' out)" \
        "$(jq -c '[.best | sort_by(.key)[] | [.key, (.score, .score_sd | . * 1e9 | round), .seeds, .epoch]]' best.json)" 'what is known of the cells'
    equal "$(jq -c '[.searches[] | [.name, [.visits[][2]]]]' out)" \
        "$(jq -c '[.searches[] | [.name, [.trace[].score]]]' build.json)" 'what the searches visit'
}

answer() { # QUESTION: what the head of page.html says to it
    sed -n "s/^.*<dt>$1<.dt><dd[^>]*>\(.*\)<.dd>\$/\1/p" page.html | sed 's/<[^>]*>//g'
}

# Which cell, how sure, at what cost, by which code: in plain sentences, the numbers those of the other commands.
test_the_page_answers_at_its_top() {
    small a.rcp
    prints build.json hpx build -j2 --json -q a.rcp
    prints best.json hpx best a.rcp --top 1 --json
    prints audit.json hpx audit a.rcp --json
    run 0 hpx report a.rcp -o page.html
    equal "$(answer Which)" "The best cell is $(jq -r '.best[0] | "\(.cell | to_entries | map("\(.key)=\(.value)") | join(" ")) with validation_accuracy \(.score)"' best.json |
        awk '{ $NF = sprintf("%.4f.", $NF); print }')" 'which'
    answer 'How sure' | grep -q "^That is the mean of 3 seeds, with a standard deviation of $(jq '.best[0].score_sd' best.json | xargs printf '%.5f') and a standard error of " ||
        fail "how sure: $(answer 'How sure')"
    # 64 pixels, 4 classes, and 1948 multiplications in all six networks
    equal "$(answer 'At what cost' | sed 's/.* takes //')" "$(jq -r --slurpfile best best.json '$best[0].best[0].cell as $cell |
        (64 * $cell.n1 + $cell.n1 * $cell.n2 + 4 * $cell.n2) as $cost | [.searches[] | select(.end == $cell)] |
        min_by(.relative_cost) | "\($cost) \(100 * $cost / 1948) \(.name) \(.evaluations) \(100 * .relative_cost)"' build.json |
        while read -r cost part name visits relative; do
            printf '%d multiplications for each sample, %.*f %% of those of all cells. The search %s finds it in %d visits, for %.3g %% of the cost of the grid.' \
                "$cost" "$(jq -n "if $part < 10 then 2 else 0 end")" "$part" "$name" "$visits" "$relative"
        done)" 'at what cost'
    answer 'By which code' | grep -q "^Code version $(jq -r '.[0].code.version[:8]' audit.json)" ||
        fail "by which code: $(answer 'By which code')"
    run 0 hpx report a.rcp seeds=1 epochs=1 -o page.html
    equal "$(answer 'How sure')" 'It has one seed, so how much of its score is chance is not known.' 'how sure of one seed'
}

test_one_axis_is_a_line_and_three_have_two_on_the_map() {
    recipe one.rcp 'epochs = 1' <<'X'
axis n1 = 2 4 8
axis n2 = 2
search all
  method = grid
X
    recipe three.rcp 'rate = $r' 'epochs = 1' <<'X'
axis n1 = 2 4 8
axis n2 = 2 4
axis r = 0.1 0.01 0.001
search all
  method = grid
X
    run 0 hpx build -j2 -q one.rcp
    run 0 hpx report one.rcp -o page.html
    has_not page.html 'id="parallel"'
    well_formed page.html
    run 0 hpx build -j2 -q three.rcp
    run 0 hpx report three.rcp -o page.html
    well_formed page.html
    has page.html '<figure id="parallel"'
    grep -q 'Here n2=[24]\.' page.html || fail 'the third axis is not named'
    page_data page.html
    is '.map' '{"rows":0,"columns":2}'
}

test_what_failed_or_is_not_stored() {
    small a.rcp
    run 2 hpx report a.rcp
    has err 'name the file to write: -o report.html, or a folder for its figures: --figures DIR'
    complains 1 'no store here' hpx report a.rcp -o page.html
    run 0 hpx build -q -j2 a.rcp:climb epochs=1
    complains 1 'no cell of its grid is stored' hpx report a.rcp -o page.html rate=0.5
    run 0 hpx report a.rcp -o page.html # some epochs of some cells
    has page.html 'there is nothing to draw'
    has page.html 'not done: the store lacks its next trials'
    well_formed page.html
    run 1 hpx build -q -j2 a.rcp optimizer=sgd rate=0.1 weight-decay=200 epochs=5
    run 0 hpx report a.rcp optimizer=sgd rate=0.1 weight-decay=200 epochs=5 -o page.html
    has page.html 'Failed cells'
    well_formed page.html
    complains 1 'no/such/folder' hpx report a.rcp -o no/such/folder/page.html
}

# Each figure as a file that stands alone: the drawing of the page, whole or not at all.
test_figures_as_files() {
    small a.rcp
    run 0 hpx build -j2 -q a.rcp
    run 0 hpx report a.rcp --figures new/figures
    empty out
    empty err
    run 0 hpx report a.rcp -o page.html --figures again
    for figure in space surface grid cut-0-n1 cut-1-n2 slices-0-n1 slices-1-n2 costs distribution epochs cost-space path-0-all path-1-climb progress-visits; do
        same_files new/figures/$figure.svg again/$figure.svg
        contained again/$figure.svg page.html
    done
    equal "$(grep -c '<svg\|<ul class="strips"\|<ul class="pictures"' page.html)" "$(ls again | wc -l)" 'the number of figures'
    equal "$(cat again/*.svg | grep -c 'class="paper" .*fill="#ffffff"')" "$(ls again | wc -l)" 'figures on a white ground'
    run 0 hpx report a.rcp --figures again -q # over what is there
    same_files new/figures/space.svg again/space.svg
    echo text >file
    complains 1 'file' hpx report a.rcp --figures file
    equal "$(cat file)" text 'the file'
    rm again/space.svg
    mkdir again/space.svg
    complains 1 'again/space.svg' hpx report a.rcp --figures again
}

# A file's lines, in order and without others between, are in another.
contained() { # PART WHOLE
    command -v python3 >found || return 0
    python3 -c 'import sys; sys.exit(open(sys.argv[1]).read() not in open(sys.argv[2]).read())' "$1" "$2" || fail "$1 is not in $2"
}

test_comparison() {
    small a.rcp
    sed -i 's/seeds = 1..3/seeds = 1/' a.rcp
    run 0 hpx build -j2 -q a.rcp
    run 0 hpx build -j2 -q a.rcp seeds='2 3'
    run 0 hpx compare a.rcp --json
    jq '.searches[0].name = "<script>alert(5)"' out >compared.json
    run 0 hpx report a.rcp -o page.html
    has_not page.html 'id="comparison"'
    run 0 hpx report a.rcp -o page.html --compare compared.json
    empty err
    for figure in regret-cost regret-end ranks importance; do
        has page.html "<figure id=\"$figure\""
    done
    equal "$(grep -c '<script' page.html)" 2 'the number of scripts'
    well_formed page.html
    complains 2 'compared.json: compares by validation_accuracy, but the recipe' \
        hpx report a.rcp -o page.html --compare compared.json objective=test_accuracy
    prints build.json hpx build a.rcp --json
    complains 2 'build.json: not what `hpx compare --json` prints' hpx report a.rcp -o page.html --compare build.json
    head -c 500 compared.json >cut.json
    complains 2 'cut.json: not what' hpx report a.rcp -o page.html --compare cut.json
    complains 1 'none.json' hpx report a.rcp -o page.html --compare none.json
}

# Whatever recipes, axes, values and searches are called is text.
hostile() {
    mkdir -p 'x"><img src=x>'
    program_recipe 'x"><img src=x>/<script>alert(1).rcp' '$w $v' 'echo "score=${#1}"' 'objective = maximise score' <<'X'
axis w = "</script><script>alert(2)//" "'><img src=x onerror=alert(3)>" "<!--" "]]>&amp;"
axis v = "a b" "javascript:alert(4)"
search all
  method = grid
X
    cp score.sh 'x"><img src=x>'
}

test_hostile_names_are_text() {
    hostile
    run 0 hpx build -q 'x"><img src=x>/<script>alert(1).rcp'
    run 0 hpx report 'x"><img src=x>/<script>alert(1).rcp' -o page.html
    has_not page.html '<img'
    equal "$(grep -o '<script' page.html | wc -l)" 2 'the number of scripts'
    equal "$(grep -o '</script' page.html | wc -l)" 2 'the number of ends of scripts'
    has_not page.html '<!--'
    well_formed page.html
    page_data page.html
    is '.axes[0].values[0]' '"</script><script>alert(2)//"'
}

# More cells than have elements of their own: all are there, in tables and in figures.
dense() { # FILE
    program_recipe "$1" '$x $y' 'echo "accuracy=0.$1$2"' 'objective = maximise accuracy' <<'X'
axis x = 1..35
axis y = 1..35
search all
  method = grid
X
}

test_very_many_cells() {
    dense d.rcp
    run 0 hpx build -j2 -q d.rcp
    run 0 hpx report d.rcp -o page.html --figures figures
    well_formed page.html
    page_data page.html
    is '.cells | length' 1225
    has page.html '<figure id="surface"'
    has page.html 'Slices along y are left out: nobody could tell 35 lines apart.'
    equal "$(sed -n '/<pre id="table">/,/<.pre>/p' page.html | grep -c '^[0-9]')" 1225 'rows of the table'
    for figure in space space-error costs distribution path-0-all; do
        equal "$(grep -o ' data-n="[^"]*"/>' figures/$figure.svg | tr ' ' '\n' | grep -c '[0-9]')" 1225 "cells of $figure"
    done
}

# The page as people meet it: from a file, without a network.
test_in_a_browser() {
    needs_browser
    paper p.rcp 'seeds = 1 2'
    run 0 hpx build -j2 -q p.rcp
    run 0 hpx report p.rcp -o page.html
    hostile
    run 0 hpx build -q 'x"><img src=x>/<script>alert(1).rcp'
    run 0 hpx report 'x"><img src=x>/<script>alert(1).rcp' -o hostile.html
    dense d.rcp
    run 0 hpx build -j2 -q d.rcp
    run 0 hpx report d.rcp -o dense.html
    run 0 python3 -B "$SOURCE_ROOT/tests/cli/report.py" "file://$PWD/page.html" "file://$PWD/hostile.html" "file://$PWD/dense.html"
}

run_tests "$@"

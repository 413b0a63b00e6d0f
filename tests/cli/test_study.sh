# The study: bench/study/train.sh trains whole seeds that its tables lack and adds their rows, which replay reads; and the
# page that is made of the tables.
. "$(dirname "$0")/common.sh"

prepare() { # two recipes, of which one is to have two seeds, the other one
    export RECIPES=$PWD TABLES=$PWD/tables HPX
    recipe a.rcp 'epochs = 2' 'keep = none' <<'X'
axis n1 = 2 8
axis n2 = 4 16
search grid
  method = grid
X
    printf '%s\n' 'include a.rcp' train '  rate = 0.01' >b.rcp
    printf '%s\n' '# RECIPE SEED...' 'a 1 2' 'b 1' >seeds.txt
}

train() {
    bash "$SOURCE_ROOT/bench/study/train.sh" "$@"
}

test_study_train() {
    prepare
    run 0 train --stored
    [[ ! -e tables/a.csv ]] || fail 'a table of nothing'
    run 0 hpx build b.rcp
    run 0 train --stored
    [[ ! -e tables/a.csv ]] || fail 'a table of what is not stored'
    equal "$(wc -l <tables/b.csv)" 9 'lines of b'
    run 0 train
    equal "$(wc -l <tables/a.csv)" 17 'lines of a'
    equal "$(cut -d, -f1-5 tables/a.csv | sed -n '1,3p;10,11p' | tr '\n' ' ')" \
        'n1,n2,seed,epoch,status 2,4,1,1, 2,4,1,2, 2,4,2,1, 2,4,2,2, '
    equal "$(head -1 tables/a.csv | cut -d, -f12-)" code,kernel,date
    equal "$(awk -F, 'NR > 1 { print NF, length($12), $13 }' tables/a.csv | sort -u)" \
        "14 8 $(hpx --version -v | sed -n 's/^machine\.vector //p')"

    # What a table has is not trained again, and replay finds in it what the store has.
    cp -r tables before
    run 0 train
    empty err
    diff -r before tables >out || fail 'a table has changed'
    run 0 hpx build a.rcp seeds=1..2
    sed -n '/^grid /p' out | tr -s ' ' | cut -d' ' -f1-4 >expected
    run 0 hpx replay tables/a.csv a.rcp seeds=1..2
    sed -n '/^grid /p' out | tr -s ' ' | cut -d' ' -f1-4 >got
    same_files expected got
}

test_study_train_other_words() {
    prepare
    run 2 train --store
    has err 'usage: bench/study/train.sh [--stored]'
    [[ ! -e tables ]] || fail 'it has begun'
}

test_study_train_other_columns() {
    prepare
    mkdir tables
    echo n1,n2,seed,test_accuracy >tables/a.csv
    run 1 train
    has err 'a.csv has other columns than the results of a'
    equal "$(cat tables/a.csv)" n1,n2,seed,test_accuracy
}

# A training that has failed has a last row without metrics.
test_study_train_failed() {
    prepare
    recipe a.rcp 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $decay' 'epochs = 5' <<'X'
axis n1 = 8
axis n2 = 8
axis decay = 200 0
search grid
  method = grid
X
    echo a 1 >seeds.txt
    run 0 train
    equal "$(grep -c '^8,8,200,1,.,failed,,,,,,,[0-9a-f]*,' tables/a.csv)" 1 'rows that have failed'
    run 0 hpx replay tables/a.csv a.rcp --json
    is '[.searches[].trials.failed]' '[1]'
}

# --- the page ---------------------------------------------------------------------------------------------------------

make_study() { # TABLES DOCS
    "$(dirname "$HPX")/bench/study/study" "$SOURCE_ROOT/bench/study" "$@"
}

test_study_is_current() {
    run 0 make_study "$SOURCE_ROOT/bench/tables" docs
    cmp docs/STUDY.md "$SOURCE_ROOT/docs/STUDY.md" || fail 'docs/STUDY.md is not what `make study` makes'
    diff -rq docs/study "$SOURCE_ROOT/docs/study" >out || fail 'a figure is not what `make study` makes'
    for figure in $(grep -o 'study/[a-z-]*\.svg' docs/STUDY.md); do
        [[ -s docs/$figure ]] || fail "no $figure"
    done
}

# Tables of drawn numbers, with the columns of real ones.
make_table() { # FILE SEEDS
    mkdir -p "$(dirname "$1")"
    awk -v seeds="$2" '
        function draw() { state = state * 16807 % 2147483647; return state / 2147483647 - 0.5 }
        BEGIN {
            state = 7
            print "n1,n2,seed,epoch,status,train_loss,train_accuracy,validation_loss,validation_accuracy,test_loss," \
                "test_accuracy,code,kernel,date"
            for (seed = 1; seed <= seeds; seed++)
                for (n1 = 16; n1 <= 512; n1 *= 2)
                    for (n2 = 16; n2 <= 16384; n2 *= 2) {
                        last = 0.985 - 0.3 / n1 - 0.05 / n2 + 0.002 * draw()
                        for (epoch = 1; epoch <= 15; epoch++)
                            printf "%d,%d,%d,%d,,0.1,0.99,0.1,%.4f,0.1,%.4f,0123abcd,avx2,2026-01-0%d\n", n1, n2, seed,
                                epoch, last - 0.03 / epoch + 0.002 * draw(), last - 0.03 / epoch + 0.002 * draw(),
                                seed % 9 + 1
                    }
        }' >"$1"
}

# The same of convolutions, 32 cells: large filters, many of them, and the largest are best.
make_cnn_table() { # FILE SEEDS
    mkdir -p "$(dirname "$1")"
    awk -v seeds="$2" '
        function draw() { state = state * 16807 % 2147483647; return state / 2147483647 - 0.5 }
        BEGIN {
            state = 11
            print "filters,kernel,pooling,hidden,seed,epoch,status,train_loss,train_accuracy,validation_loss," \
                "validation_accuracy,test_loss,test_accuracy,code,kernel,date"
            for (seed = 1; seed <= seeds; seed++)
                for (filters = 4; filters <= 32; filters *= 2)
                    for (kernel = 3; kernel <= 5; kernel += 2)
                        for (average = 0; average <= 1; average++)
                            for (hidden = 32; hidden <= 128; hidden *= 4)
                                for (epoch = 1; epoch <= 5; epoch++) {
                                    truth = 0.985 - 0.1 / filters - 0.01 / kernel - 0.01 * average - 0.1 / hidden
                                    printf "%d,%d,%s,%d,%d,%d,,0.1,0.99,0.1,%.4f,0.1,%.4f,0123abcd,avx2,2026-01-0%d\n", filters,
                                        kernel, average ? "average" : "max", hidden, seed, epoch,
                                        truth - 0.01 / epoch + 0.001 * draw(), truth - 0.01 / epoch + 0.001 * draw(), seed
                                }
        }' >"$1"
}

summary() { # of the page: what it says in short
    sed -n '/^## In short/,/^## How/p' "$1/STUDY.md"
}

# The accuracies that satisfy every row of the paper's table.
test_study_knows_the_paper() {
    mkdir tables
    awk -F, -v OFS=, 'NR == 1 { print $0, "seed", "epoch", "code", "kernel", "date"; next }
        { print $0, 1, 15, "0123abcd", "avx2", "2026-01-01" }' "$SOURCE_ROOT/tests/golden/paper-table.csv" \
        >tables/mnist-paper-he.csv
    run 0 make_study tables docs
    summary docs >text
    has text '7 of 7 costs hold, and 7 of 7 accuracies (1 block)'
    has docs/STUDY.md '| full cross, n1 first | 0.280 | 0.280 | holds | 0.11 | 0.11 | holds | 0.11 |'
    has docs/STUDY.md 'partial cross ends 0.01 points below hill climbing (1 block, too few for an interval), at 0.41 of its cost'
    # One that is off.
    sed -i 's/^128,4096,0.9803,/128,4096,0.9703,/' tables/mnist-paper-he.csv
    run 0 make_study tables off
    has_not off/STUDY.md '7 of 7 accuracies'
}

# Well-formed, and nothing that a strict policy of a page refuses, or that clashes where several are in one page.
check_figures() { # DOCS
    local file
    for file in "$1"/study/*.svg; do
        if command -v python3 >/dev/null; then
            python3 -c 'import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])' "$file" || fail "$file is no XML"
        fi
        grep -qE 'style|script|href| id=|nan|inf' "$file" && fail "$file: $(grep -m1 -oE 'style|script|href| id=|nan|inf' "$file")"
        grep -q '<title>.' "$file" && grep -q '<desc>.' "$file" || fail "$file has no title or no description"
    done
}

# The words become more certain as seeds are added.
test_study_grows() {
    mkdir none
    run 0 make_study none docs0
    equal "$(summary docs0 | grep -c 'no seeds yet')" 10
    make_table one/mnist-validation-he.csv 1
    run 0 make_study one docs1
    summary docs1 >text
    has text 'full cross ends'
    has text '(1 block, too few for an interval)'
    make_table three/mnist-validation-he.csv 3
    run 0 make_study three docs3
    summary docs3 >text
    has text '(3 blocks, too few for a test)'
    has_not text 'too few for an interval'
    # What the page says to do by hand.
    printf 'include "%s/bench/study/%s.rcp"\n' "$SOURCE_ROOT" mnist-validation-he "$SOURCE_ROOT" starts >both.rcp
    run 0 hpx compare both.rcp --table three/mnist-validation-he.csv
    has out 'n2-none-outward'
    has docs3/STUDY.md '| 3 | 0123abcd | avx2 | 2026-01-02 to 2026-01-04 |'
    make_table six/mnist-validation-he.csv 6
    make_table six/mnist-paper-he.csv 2
    run 0 make_study six docs6
    summary docs6 >text
    grep -q '(6 blocks, p = 0\.[0-9]*)' text || fail 'no p of six blocks'
    has text 'accuracies (2 blocks)'
    check_figures docs6
    make_cnn_table cnn/mnist-cnn.csv 3
    run 0 make_study cnn docs-cnn
    summary docs-cnn >text
    equal "$(grep -c 'no seeds yet' text)" 9
    grep '^- \*\*Convolutions' text >line
    has line 'full cross, filters first, ends 0.00 [0.00, 0.00] points below the grid (3 blocks, too few for a test), at 0.'
    has docs-cnn/STUDY.md 'Of the variance of accuracies decide: filters '
    check_figures docs-cnn
    # No number of workers makes the grid faster than its largest cell.
    has docs6/STUDY.md '| grid | 1.00 [1.00, 1.00] | 2.00 [2.00, 2.00] | 4.88 [4.88, 4.88] | 4.88 [4.88, 4.88] |'
    run 0 make_study one again
    diff -r docs1 again >out || fail 'the same tables give another page'
}

# A search that ends at its start has spent less than any other method on a first result.
test_study_cheap_search() {
    make_table all.csv 3
    mkdir tables
    awk -F, -v OFS=, 'NR > 1 && $1 == 16 && $2 == 16 { $9 = $11 = 0.99 } { print }' all.csv >tables/mnist-validation-he.csv
    run 0 make_study tables docs
    summary docs | grep '^- \*\*At equal cost' >line
    has line 'partial cross loses 1.3'
    has_not line 'no seeds yet'
    sed -n '/^## Methods/,/^## Workers/p' docs/STUDY.md | grep '^| partial-cross' >row
    has_not row '–'
}

run_tests "$@"

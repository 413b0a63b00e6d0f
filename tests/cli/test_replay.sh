# hpx replay: the paper's table from its accuracies, and tables that cannot be replayed. hpx export writes such tables.
. "$(dirname "$0")/common.sh"

GOLDEN=$SOURCE_ROOT/tests/golden/paper-table.csv
RECIPE=$SOURCE_ROOT/recipes/mnist-table.rcp

# The paper's table: search, found (N1,N2), accuracy, difference, relative computation time; and the cells visited.
paper() {
    cat <<'X'
grid (128, 4096) 0.9803 0.0000 1.000 66
hill-climb (256, 128) 0.9792 0.0011 0.075 21
full-l2 (128, 4096) 0.9803 0.0000 0.273 30
partial-l2-3 (128, 4096) 0.9803 0.0000 0.257 28
full-l1 (256, 128) 0.9792 0.0011 0.280 21
partial-l1-2 (256, 128) 0.9792 0.0011 0.063 16
partial-l2-1 (128, 64) 0.9791 0.0012 0.031 17
partial-l1-1 (64, 32) 0.9789 0.0014 0.034 13
X
}

paper_rows() { # of the text in ./out
    grep ' (' out | grep -v 'over 66 cells' | tr -s ' ' | cut -d' ' -f1-7
}

test_paper_table() {
    paper >expected
    run 0 hpx replay "$GOLDEN" "$RECIPE"
    empty err
    paper_rows >got
    same_files expected got
    has out 'test_accuracy over 66 cells (n1, n2)'
    has out 'Cells were selected on test images'
    [[ ! -e $HPX_STORE ]] || fail 'a replay made a store'
}

test_paper_table_json() {
    run 0 hpx replay "$GOLDEN" "$RECIPE" --json
    is '.grid | [.cells, .macs]' '[66,43672128]' # the figure printed in the paper
    is '.searches | map([.end.n1, .end.n2])' \
        '[[128,4096],[256,128],[128,4096],[128,4096],[256,128],[256,128],[128,64],[64,32]]'
    is '.searches | map(.score)' '[0.9803,0.9792,0.9803,0.9803,0.9792,0.9792,0.9791,0.9789]'
    is '.searches | map(.difference)' '[0,0.0011,0,0,0.0011,0.0011,0.0012,0.0014]'
    is '.searches | map(.relative_cost * 1000 | round)' '[1000,75,273,257,280,63,31,34]'
    is '.searches | map(.evaluations)' '[66,21,30,28,21,16,17,13]'
    is '.searches | map(.stop)' '["complete","peak","fixpoint","fixpoint","fixpoint","fixpoint","fixpoint","fixpoint"]'
    is '[.code, .dataset, .numerics]' '[null,null,null]'
    is '[.searches[].trials | .extend, .train, .failed] | add' 0
    is '[.searches[] | .trials.hit == .evaluations] | all' true
    is '[.searches[].paid_macs] | add' 0
    is '[.searches[6].trace[0:4][].cell | [.n1, .n2]]' '[[16,16],[16,32],[16,64],[16,128]]'
}

# A trace that all compilers and C libraries give.
test_bayes_over_the_paper() {
    {
        echo "include \"$SOURCE_ROOT/recipes/mnist.rcp\""
        printf '%s\n' 'search b' '  method = bayes' '  evaluations = 16' 'search cheap' '  method = bayes' \
            '  evaluations = 12' '  per-cost = yes' '  lag = 2'
    } >b.rcp
    run 0 hpx replay "$GOLDEN" b.rcp --json
    is '.searches[0].trace | map(.cell | [.n1, .n2])' \
        '[[64,256],[64,512],[512,16384],[64,64],[16,512],[256,512],[512,2048],[512,1024],[256,4096],[512,4096],[256,2048],[64,16384],[512,16],[16,16384],[128,16384],[128,4096]]'
    is '.searches[1].trace | map(.cell | [.n1, .n2])' \
        '[[64,256],[64,512],[512,16384],[64,64],[16,512],[256,512],[16,16],[256,1024],[512,512],[512,256],[16,16384],[512,4096]]'
}

# The paper has the row of the partial search along L2 for limits 3 and 4.
test_paper_limit_4() {
    {
        echo "include \"$SOURCE_ROOT/recipes/mnist.rcp\""
        printf '%s\n' 'search four' '  method = partial-cross' '  first = n2' '  limit = 4'
    } >four.rcp
    run 0 hpx replay "$GOLDEN" four.rcp
    equal "$(paper_rows | cut -d' ' -f1-6)" 'four (128, 4096) 0.9803 0.0000 0.257' 'the row'
}

test_one_search() {
    run 0 hpx replay "$GOLDEN" "$RECIPE:partial-l2-1"
    equal "$(paper_rows)" 'partial-l2-1 (128, 64) 0.9791 0.0000 0.031 17' 'the row'
}

# Rows of other seeds and epochs, cells beside the grid, columns in another order, quotes and CRLF.
test_seed_and_epoch_columns() {
    paper >expected
    awk -F, -v OFS=, '
        NR == 1 { print "\"note\"", "epoch", "test_accuracy", "n2", "seed", "n1"; next }
        { print "\"a \"\"quoted\"\", note\"", 14, 0.5, $2, 1, $1
          print "", 15, $3, $2, 1, $1
          print "", 15, 0.99, $2, 2, $1 }
        END { print "", 15, 1, 3, 1, 16 }' "$GOLDEN" | sed 's/$/\r/' >table.csv
    run 0 hpx replay table.csv "$RECIPE"
    paper_rows >got
    same_files expected got
}

# With several seeds a cell's score is their mean.
test_seeds_of_a_table() {
    printf '%s\n' "include \"$RECIPE\"" 'train' '  seeds = 7 9' >two.rcp
    awk -F, -v OFS=, '
        NR == 1 { print $0, "seed"; next }
        { print $1, $2, $3 - 0.001, 7; print $1, $2, $3 + 0.001, 9 }' "$GOLDEN" >table.csv
    run 0 hpx replay table.csv two.rcp:hill-climb --json
    is '.searches[0] | [.end.n1, .end.n2, (.score * 1e6 | round), (.score_sd * 1e6 | round)]' '[256,128,979200,1414]'
    is '.searches[0].trials.hit' 42
    run 0 hpx replay "$GOLDEN" two.rcp:hill-climb # without the column a row stands for every seed
    has out '0.9792 ± 0.0000'
}

# From other tools: with the mark of UTF-8, lines of DOS, numbers as 16.0; from a pipe.
test_tables_of_other_tools() {
    run 0 hpx replay "$GOLDEN" "$RECIPE"
    cp out expected
    awk -F, -v OFS=, 'NR == 1 { print "\357\273\277" $0, "epoch\r"; next } { print $1 ".0", $2, $3, "15.0\r" }' "$GOLDEN" >table.csv
    run 0 hpx replay table.csv "$RECIPE"
    cmp out expected
    run 0 hpx replay - "$RECIPE" <table.csv
    cmp out expected
}

test_tables_that_cannot_be_replayed() {
    sed '1s/n2/n3/' "$GOLDEN" >table.csv
    complains 2 "table.csv:1: no column 'n2'" hpx replay table.csv "$RECIPE"
    sed '1s/test_accuracy/accuracy/' "$GOLDEN" >table.csv
    complains 2 "table.csv:1: no column 'test_accuracy'" hpx replay table.csv "$RECIPE"
    grep -v '^64,32,' "$GOLDEN" >table.csv
    complains 2 'table.csv: no row for n1=64 n2=32' hpx replay table.csv "$RECIPE"
    run 0 hpx replay table.csv "$RECIPE:partial-l2-3" # which does not come there
    sed '$p' "$GOLDEN" >table.csv
    complains 2 'table.csv:68: a second row for the same cell' hpx replay table.csv "$RECIPE"
    sed '9s/0\.[0-9]*$/high/' "$GOLDEN" >table.csv
    complains 2 "table.csv:9: test_accuracy 'high' is not a number" hpx replay table.csv "$RECIPE"
    sed '9s/,[^,]*$//' "$GOLDEN" >table.csv
    complains 2 'table.csv:9: 2 fields; the header has 3' hpx replay table.csv "$RECIPE"
    gzip -c "$GOLDEN" >table.csv
    complains 2 'table.csv: no text: expected a CSV table' hpx replay table.csv "$RECIPE"
    : >table.csv
    complains 2 'table.csv: empty' hpx replay table.csv "$RECIPE"
    complains 2 'none.csv' hpx replay none.csv "$RECIPE"
    complains 2 'none.rcp: no such recipe' hpx replay "$GOLDEN" none.rcp
    complains 2 'usage: hpx replay [OPTION]... TABLE.csv RECIPE' hpx replay "$GOLDEN"
}

toy() { # SETTING...
    recipe a.rcp "$@" <<'X'
axis n1 = 2 4 8
axis n2 = 2 4 8 16
search grid
  method = grid
search cross
  method = full-cross
  first = n2
search hill
  method = hill-climb
X
}

outcome() { # of the document in ./out: what a replay has in common with a build
    jq '{objective, grid, searches: [.searches[] | {name, "end": .end, score, score_sd, difference, incumbent, incumbent_score,
        stop, evaluations, relative_cost, nominal_macs, trace: [.trace[] | {cell, score}]}]}' out
}

test_export_and_replay() {
    for objective in validation_accuracy test_loss; do
        toy 'epochs = 3' 'rate = 0.01' 'seeds = 1 2' "objective = $objective"
        run 0 hpx build a.rcp --json
        outcome >built
        run 0 hpx export --csv a.rcp
        empty err
        cp out table.csv
        equal "$(wc -l <table.csv)" $((1 + 12 * 2 * 3)) 'the number of lines'
        run 0 hpx replay table.csv a.rcp --json
        outcome >replayed
        same_files built replayed
    done
}

test_export() {
    toy 'epochs = 2'
    run 0 hpx export --csv a.rcp # of an empty store: the header
    equal "$(cat out)" "n1,n2,seed,epoch,status,train_loss,train_accuracy,validation_loss,validation_accuracy,test_loss,\
test_accuracy,seconds,key" 'the header'
    run 0 hpx build a.rcp -q
    run 0 hpx export --csv
    sort out >all
    run 0 hpx export --csv a.rcp
    sort out >one
    same_files all one
    run 0 hpx ls --json
    jq -r '.[] | .metrics as $m | [.cell.n1, .cell.n2, .seed, .epoch, $m.test_accuracy, .key] | @csv' out |
        tr -d '"' | sort >listed
    awk -F, -v OFS=, '$4 == 2 { print $1, $2, $3, $4, $11, $13 }' one | sort >exported
    same_files listed exported
    complains 2 '--csv' hpx export a.rcp
}

run_tests "$@"

# hpx compare: what it says of the paper's table, of several seeds, of a store, and of what cannot be compared.
. "$(dirname "$0")/common.sh"

GOLDEN=$SOURCE_ROOT/tests/golden/paper-table.csv
RECIPE=$SOURCE_ROOT/recipes/mnist-table.rcp

# 3 x 4 cells, SEEDS seeds, epochs 1 to EPOCHS. Validation and test each have their noise; n1 matters most.
make_table() { # SEEDS EPOCHS
    awk -v seeds="$1" -v epochs="$2" '
        function draw() { state = state * 16807 % 2147483647; return state / 2147483647 - 0.5 }
        BEGIN {
            state = 12345
            print "n1,n2,seed,epoch,status,validation_accuracy,test_accuracy"
            for (s = 1; s <= seeds; s++)
                for (a = 0; a < 3; a++)
                    for (b = 0; b < 4; b++)
                        for (e = 1; e <= epochs; e++) {
                            score = 0.9 + 0.02 * a + 0.002 * b - 0.04 / e
                            printf "%d,%d,%d,%d,,%.4f,%.4f\n", 2 * 2 ^ a, 2 * 2 ^ b, s, e, score + draw() / 100,
                                score + draw() / 100
                        }
        }'
}

many() { # SETTING...: a recipe with searches of several kinds
    recipe a.rcp 'epochs = 9' "$@" <<'X'
axis n1 = 2 4 8
axis n2 = 2 4 8 16
search grid
  method = grid
search hill
  method = hill-climb
search cross
  method = full-cross
search random
  method = random
  evaluations = 4
search hyperband
  method = hyperband
X
}

two_cells() { # SETTING...: a recipe with the search of a grid of two
    recipe a.rcp "$@" <<'X'
axis n1 = 2 4
axis n2 = 2
search grid
  method = grid
X
}

# With one seed the regret is what the paper's table calls the difference.
test_paper_table() {
    run 0 hpx compare "$RECIPE" --table "$GOLDEN" --json
    empty err
    is '.searches | map(.regret.mean)' '[0,0.0011,0,0,0.0011,0.0011,0.0012,0.0014]'
    is '.searches | map(.cost * 1000 | round)' '[1000,75,273,257,280,63,31,34]'
    is '.searches | map(.evaluations)' '[66,21,30,28,21,16,17,13]'
    is '.searches | map(.blocks[0].end | [.n1, .n2])' \
        '[[128,4096],[256,128],[128,4096],[128,4096],[256,128],[256,128],[128,64],[64,32]]'
    is '[.searches[].regret | .low, .high] | unique' '[null]'
    is '[.seed_sd, .tie, .friedman, .importance.noise_sd, .importance.raw]' '[null,null,null,null,true]'
    is '[.truth.metric, .truth.of, .truth.selected_on, .grid.macs]' '["test_accuracy","the table itself",true,43672128]'
    is '[.searches[].verdict] | unique' '["reference","untested","within noise"]'
    run 0 hpx compare "$RECIPE" --table "$GOLDEN"
    has out '1 block of 1 seed; truth: test_accuracy, mean over 1 seed'
    has out 'No tests: 1 block can tell no difference'
    has out 'raw shares: one seed cannot tell them from noise'
    has out 'the truth is the table itself'
    has out 'the luck of its images stays'
    [[ ! -e $HPX_STORE ]] || fail 'a comparison made a store'
}

test_several_seeds() {
    many 'seeds = 1'
    make_table 10 9 >table.csv
    run 0 hpx compare a.rcp --table table.csv
    empty err
    has out '10 blocks of 1 seed; truth: test_accuracy, mean over the other 9 seeds'
    has out 'Friedman over all searches: chi-squared'
    has out 'Importance for test_accuracy: n1 '
    has out 'within noise'
    has_not out 'the luck of its images'
    equal "$(awk 'length($0) > 100' out | wc -l)" 0 'the number of long lines'
    run 0 hpx compare a.rcp --table table.csv --json
    members . schema recipe objective minimised epochs grid seeds blocks truth seed_sd tie reference searches superiority \
        untested friedman importance no_importance notes
    members '.searches[]' name method exact runs cost evaluations regret tied flattery within gain superiority pairs p_alone p \
        mean_rank verdict curve blocks
    members '.searches[].blocks[]' regret tied cost evaluations flattery within end
    is '[.seeds, .blocks | length]' '[10,10]'
    is '[.truth.metric, .truth.of, .truth.seeds, .truth.selected_on]' '["test_accuracy","the other seeds",9,false]'
    is '.searches | map(.exact)' '[false,false,false,true,false]'
    is '.searches[0] | [.cost, .evaluations, .verdict]' '[1,12,"reference"]'
    is '[.searches[] | .curve[-1].end] | unique' '[true]'
    is '[.searches[] | .regret.low <= .regret.mean and .regret.mean <= .regret.high] | all' true
    is '[.searches[].regret.mean < 0] | any' false
    is '.superiority | [.[0][0], .[0][1] + .[1][0]]' '[0.5,1]'
    is '[.importance.shares[].share, .importance.rest, .importance.noise] | add | . * 1e9 | round' 1000000000
    is '.importance.shares[0] | [.axes[0], .share > 0.8]' '["n1",true]'
}

test_blocks_of_two() {
    printf '%s\n' n1,n2,seed,validation_accuracy,test_accuracy \
        2,2,1,0.90,0.5 2,2,2,0.80,0.5 2,2,3,0.10,0.70 2,2,4,0.10,0.74 2,2,5,0.10,0.60 \
        4,2,1,0.95,0.5 4,2,2,0.79,0.5 4,2,3,0.30,0.60 4,2,4,0.30,0.62 4,2,5,0.10,0.70 >table.csv
    two_cells 'seeds = 7 8'
    run 0 hpx compare a.rcp --table table.csv --json
    is '.blocks' '[[1,2],[3,4]]'
    # Block 1 chooses n1=4, at 0.87; the truths are 0.68 and 0.64. Block 2 chooses it at 0.3; they are 0.5333 and 0.5667.
    is '.searches[0].blocks | map(.end.n1)' '[4,4]'
    is '.searches[0].blocks | map(.regret * 1e6 | round)' '[40000,0]'
    is '.searches[0].blocks | map(.flattery * 1e4 | round)' '[2300,-2667]'
    has out '1 seed is in no block'
}

test_starts_and_repeats() {
    many 'seeds = 1'
    make_table 4 9 >table.csv
    run 0 hpx compare a.rcp --table table.csv --starts all --repeat 5 --json
    is '.searches | map([.name, .runs])' '[["grid",1],["hill",12],["cross",12],["random",1],["hyperband",5]]'
    is '[.searches[] | select(.runs > 1) | .blocks[].end] | unique' '[null]'
    run 0 hpx compare a.rcp:hill --table table.csv --starts all --json
    is '.searches | length' 1
    is '.untested' '"there is one search"'
    complains 2 '--starts all: no search of a.rcp has a start' hpx compare a.rcp:grid --table table.csv --starts all
    complains 2 '--repeat 3: no search of a.rcp has a seed' hpx compare a.rcp:random --table table.csv --repeat 3
    complains 2 '--starts some: expected all' hpx compare a.rcp --table table.csv --starts some
}

# Of the numbers 1 to 12 the best of 4 drawn is 4 x 13 / 5 on average.
test_random_is_exact() {
    many 'seeds = 1'
    awk 'BEGIN { print "n1,n2,validation_accuracy"
        for (i = 0; i < 12; i++) print 2 * 2 ^ int(i / 4) "," 2 * 2 ^ (i % 4) "," (i * 7 % 12 + 1) / 100 }' >table.csv
    run 0 hpx compare a.rcp:random --table table.csv --json
    is '.searches[0] | [.regret.mean * 1e6, .cost * 3, .evaluations | round]' "[16000,1,4]"
    has out 'The table has no test_accuracy, so the truth is validation_accuracy'
}

test_against() {
    many 'seeds = 1'
    make_table 10 9 >table.csv
    run 0 hpx compare a.rcp --table table.csv --against cross --json
    is '[.reference, .searches[2].verdict, .searches[2].p]' '["cross","reference",null]'
    is '[.searches[].p | . == null or (. > 0 and . <= 1)] | all' true
    run 0 hpx compare a.rcp --table table.csv --against cross
    has out 'Beside cross'
    complains 2 "did you mean 'cross'?" hpx compare a.rcp --table table.csv --against crosss
    complains 2 '--against grid: that search is not among those compared' \
        hpx compare a.rcp:hill --table table.csv --against grid
}

# A hill climber stays on the lower of two peaks with every seed, by much more than seeds differ.
test_verdicts() {
    recipe a.rcp 'epochs = 1' 'seeds = 1' <<'X'
axis n1 = 2 4 8 16 32
axis n2 = 2
search grid
  method = grid
search hill
  method = hill-climb
search cross
  method = full-cross
X
    awk 'BEGIN { print "n1,n2,seed,validation_accuracy,test_accuracy"
        split("0.9 0.7 0.6 0.7 0.95", peak, " ")
        for (s = 1; s <= 8; s++) for (i = 1; i <= 5; i++) {
            noise = (s * 7 + i * 3) % 5 / 10000
            print 2 ^ i ",2," s "," peak[i] + noise "," peak[i] - noise } }' >table.csv
    run 0 hpx compare a.rcp --table table.csv --json
    is '.searches | map(.verdict)' '["reference","worse","within noise"]'
    is '.searches[1] | [.pairs, .p_alone, .p, .superiority, .tied]' '[8,0.0078125,0.015625,0,0]'
    is '.searches[2] | [.pairs, .p, .superiority, .tied, .regret.mean]' '[0,1,0.5,1,0]'
    is '.searches | map(.mean_rank)' '[1.5,3,1.5]'
    is '.searches | map(.within.blocks)' '[8,0,8]'
    run 0 hpx compare a.rcp --table table.csv --against hill --json
    is '.searches | map(.verdict)' '["better","reference","better"]'
    head -31 table.csv >six.csv
    run 0 hpx compare a.rcp --table six.csv
    has out 'No tests: 6 blocks can tell no difference at the 5 % level: with 2 comparisons 7 blocks are needed.'
    grep -q '^hill .* untested$' out || fail 'the verdict on hill is not: untested'
}

test_some_searches() {
    many 'seeds = 1'
    make_table 3 9 >table.csv
    run 0 hpx compare a.rcp:random a.rcp:hill epochs=9 --table table.csv --against hill --json
    is '[.reference, (.searches | map(.name))]' '["hill",["random","hill"]]'
    cp a.rcp b.rcp
    complains 2 'a.rcp and b.rcp: searches of one recipe' hpx compare a.rcp:random b.rcp:hill --table table.csv
    complains 2 'no such recipe' hpx compare none.rcp --table table.csv
    printf 'axis n1 = 2\naxis n2 = 2\n' | recipe a.rcp
    complains 2 'the recipe has no search' hpx compare a.rcp --table table.csv
}

test_csv() {
    many 'seeds = 1'
    make_table 10 9 >table.csv
    run 0 hpx compare a.rcp --table table.csv --csv
    equal "$(head -1 out | cut -d, -f1-7)" search,method,runs,cost,evaluations,regret,regret_low 'the header'
    equal "$(cut -d, -f1 out | paste -sd' ')" 'search grid hill cross random hyperband' 'the rows'
    cp out rows.csv
    run 0 hpx compare a.rcp --table table.csv --json
    equal "$(jq -r '.searches[] | .regret.mean' out)" "$(awk -F, 'NR > 1 { print $6 }' rows.csv)" 'regrets'
    complains 2 '--json or --csv' hpx compare a.rcp --table table.csv --csv --json
}

test_same_bytes() {
    many 'seeds = 1'
    make_table 8 9 >table.csv
    { head -1 table.csv && tail -n +2 table.csv | sort -t, -k6,6; } >shuffled.csv
    run 0 hpx compare a.rcp --table table.csv --json
    cp out first
    run 0 hpx compare a.rcp --table table.csv --json
    same_files first out
    run 0 hpx compare a.rcp --table shuffled.csv --json
    same_files first out
}

test_tables_that_lack_something() {
    many 'seeds = 1'
    make_table 4 9 >table.csv
    grep -v '^4,8,3,9,' table.csv >hole.csv
    run 0 hpx compare a.rcp --table hole.csv --json
    is '.seeds' '[1,2,4]'
    has out 'Left out: 1 of 4 seeds lacks 1 trial: n1=4 n2=8 seed=3.'
    awk -F, 'NR == 1 || $4 == 9 || $4 == 3' table.csv >late.csv
    run 0 hpx compare a.rcp --table late.csv --json
    is '.searches | map(.name)' '["grid","hill","cross","random"]'
    has out 'Search hyperband is left out: it asks for'
    complains 2 '--against hyperband: Search hyperband is left out' \
        hpx compare a.rcp --table late.csv --against hyperband
    complains 2 'no search can be compared. Search hyperband is left out' hpx compare a.rcp:hyperband --table late.csv
    complains 2 'late.csv: no row for' hpx replay late.csv a.rcp:hyperband
    complains 2 'table.csv: the recipe has 5 seeds, and 4 seeds have all of its cells at 9 epochs' \
        hpx compare a.rcp seeds=1..5 --table table.csv
    complains 2 '0 seeds have all of its cells at 12 epochs; 4 of 4 seeds lack 48 trials: n1=2 n2=2 seed=1; ' \
        hpx compare a.rcp epochs=12 --table table.csv
    sed '$p' table.csv >twice.csv
    complains 2 'twice.csv:434: a second row for the same cell' hpx compare a.rcp --table twice.csv
    complains 2 'none.csv' hpx compare a.rcp --table none.csv
    complains 2 "table.csv:1: no column 'validation_loss'" hpx compare a.rcp objective=validation_loss --table table.csv
}

test_failed_cells() {
    many 'seeds = 1'
    make_table 4 9 | awk -F, -v OFS=, '
        $1 == 8 && $2 == 16 && $3 == 2 && $4 == 5 { print $1, $2, $3, $4, "failed", "", ""; next }
        $1 == 8 && $2 == 16 && $3 == 2 && $4 > 5 { next } { print }' >table.csv
    run 0 hpx compare a.rcp --table table.csv --json
    is '[.importance, .no_importance]' '[null,"1 trial failed"]'
    is '.seeds | length' 4
    is '.searches[0].blocks[1].end | [.n1, .n2] == [8, 16]' false
    has out '1 cell failed with some seed'
    awk -F, -v OFS=, 'NR > 1 { $5 = "failed"; $6 = $7 = "" } NR == 1 || $4 == 1' table.csv >failed.csv
    complains 2 'every cell failed' hpx compare a.rcp --table failed.csv
}

# Without a table: what is stored, with all seeds of which there is something.
test_store() {
    recipe a.rcp 'epochs = 2' 'seeds = 1' <<'X'
axis n1 = 2 4
axis n2 = 2 4
search grid
  method = grid
search hill
  method = hill-climb
X
    complains 2 'no store in' hpx compare a.rcp
    run 0 hpx build -q a.rcp:grid seeds=1..3
    run 0 hpx compare a.rcp --json
    cp out stored
    is '[.seeds, (.blocks | length), .truth.metric]' '[[1,2,3],3,"test_accuracy"]'
    run 0 hpx export --csv a.rcp seeds=1..3
    cp out table.csv
    run 0 hpx compare a.rcp --table table.csv --json
    same_files stored out
    run 0 hpx trial a.rcp n1=2 n2=4 seed=4
    run 0 hpx compare a.rcp --json
    has out 'Left out: 1 of 4 seeds lacks 3 trials: n1=2 n2=2 seed=4; '
    run 0 hpx compare a.rcp
    has out '3 blocks of 1 seed'
}

# Less of a loss is better, and flattery is positive where the score is better than the truth.
test_loss() {
    two_cells 'epochs = 1' 'seeds = 1' 'objective = validation_loss'
    printf '%s\n' n1,n2,seed,validation_loss,test_loss 2,2,1,0.3,0.5 4,2,1,0.4,0.6 2,2,2,0.5,0.7 4,2,2,0.2,0.6 >table.csv
    run 0 hpx compare a.rcp --table table.csv --json
    # Seed 1 chooses n1=2 (0.3), whose truth is 0.7, the other's 0.6; seed 2 chooses n1=4 (0.2): 0.6, the other's 0.5.
    is '.searches[0].blocks | map([.end.n1, (.regret, .flattery | . * 1e6 | round)])' '[[2,100000,400000],[4,100000,400000]]'
}

run_tests "$@"

# The study's tables: bench/study/train.sh trains whole seeds that they lack and adds their rows, which replay reads.
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

run_tests "$@"

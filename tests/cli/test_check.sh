# hpx check: every mistake at its place, files that are not there, and a line for what is right.
. "$(dirname "$0")/common.sh"

test_right() {
    recipe r.rcp 'epochs = 3' 'seeds = 1 2' <<'END'
axis n1 = 16 32
axis n2 = 1..3
search s
  method = grid
END
    run 0 hpx check r.rcp
    equal "$(cat out)" 'r.rcp: 6 cells, 2 seeds, 3 epochs, 1 search'
    empty err
    run 0 hpx check r.rcp:s epochs=1 axis.n1=64
    equal "$(cat out)" 'r.rcp:s: 3 cells, 2 seeds, 1 epoch, 1 search'
    run 0 hpx check -q r.rcp
    empty out
    run 0 hpx check - <r.rcp
    has out '-: 6 cells'
    [[ ! -e store ]] || fail 'it made a store'
}

test_mistakes() {
    recipe a.rcp 'rat = 1' 'epochs = x' <<'END'
axis n1 = 16
axis n2 = log2 3..4
END
    recipe b.rcp <<<'axis n1 = 1
axis n2 = 1'
    run 2 hpx check a.rcp b.rcp
    equal "$(cat out)" 'b.rcp: 1 cell, 1 seed, 15 epochs, 0 searches'
    has err "hpx: a.rcp:9:3: unknown setting 'rat' of train"
    has err "did you mean 'rate'?"
    has err "a.rcp:10:12: 'epochs' cannot be 'x'"
    has err 'a.rcp:12:16: '
    run 2 hpx check b.rcp nothing=3
    has err "command line: no statement has 'nothing'"
    run 2 hpx check b.rcp:s
    has err "has no search"
    run 2 hpx check none.rcp b.rcp
    has err 'none.rcp: no such recipe'
    has out 'b.rcp: 1 cell'
    complains 2 'epochs=3 amends a recipe, and none is given' hpx check epochs=3
}

test_data() {
    printf '%s\n' 'dataset mine' '  validation = 0' '  train = data/train-images gone' '  test = $of data/test-labels' \
        'model mlp' '  hidden = 4' 'train' '  objective = test_accuracy' 'axis of = data/test-images none other' >r.rcp
    run 2 hpx check r.rcp
    has err 'r.rcp:3:29: gone: no such file (train-labels)'
    has err 'r.rcp:9:28: none: no such file (test-images)'
    has err 'r.rcp:9:33: other: no such file (test-images)'
    equal "$(grep -c 'gone: no such file' err)" 1
    printf '%s\n' 'dataset mnist' 'model mlp' '  hidden = 4' >known.rcp
    HPX_DATA=$PWD/nowhere run 0 hpx check known.rcp
}

test_program() {
    mkdir src
    printf '%s\n' 'program' '  command = ./train.sh $n' '  code = train.sh src/*.py' '  data = points.csv "~/a.csv"' 'train' \
        '  objective = loss' 'axis n = 1 2' >p.rcp
    run 2 hpx check p.rcp
    has err 'p.rcp:2:13: ./train.sh: no such program'
    has err 'p.rcp:3:10: train.sh: no such file'
    has err 'p.rcp:3:19: src/*.py: no such file'
    has err 'p.rcp:4:10: points.csv: no such file'
    has err "p.rcp:4:21: ~/a.csv: no such file; only a shell knows '~': expected the whole path"
    sed -i 's| "~/a.csv"||' p.rcp
    touch train.sh src/a.py points.csv
    run 2 hpx check p.rcp
    has err 'p.rcp:2:13: ./train.sh: it cannot be executed; `chmod +x` makes it a program'
    chmod +x train.sh
    run 0 hpx check p.rcp
    equal "$(cat out)" 'p.rcp: 2 cells, 1 seed, 1 epoch, 0 searches'
    empty err
    run 2 hpx check p.rcp 'program.command=no-such-program-anywhere'
    has err 'no-such-program-anywhere: no such program in PATH'
    run 0 hpx check p.rcp 'program.command=sh -c true'
    run 2 hpx check p.rcp 'program.command="./train.sh --fast"'
    has err './train.sh --fast: no such program; what stands in quotes is one word'
}

test_json() {
    recipe a.rcp 'rat = 1' 'epochs = x' <<<'axis n1 = 16
axis n2 = 4'
    recipe b.rcp <<<'axis n1 = 1 2
axis n2 = 1'
    printf '%s\n' 'include a.rcp' >c.rcp
    run 2 hpx check --json a.rcp b.rcp c.rcp none.rcp
    empty err
    is '[.[].valid]' '[false,true,false,false]'
    is '.[1] | [.recipe, .axes, .cells, .seeds, .epochs, .searches, .mistakes]' '["b.rcp",2,2,1,15,0,[]]'
    is '.[0].mistakes | map([.file, .line, .column])' '[["a.rcp",9,3],["a.rcp",10,12]]'
    is '.[2].mistakes | map([.file, .line, .column])' '[["a.rcp",9,3],["a.rcp",10,12]]'
    is '.[0].mistakes[0].message | startswith("unknown setting '"'rat'"'")' true
    is '.[3].mistakes' '[{"message":"none.rcp: no such recipe"}]'
}

test_all_recipes_are_right() {
    run 0 hpx check "$SOURCE_ROOT"/recipes/*.rcp
    equal "$(wc -l <out)" "$(ls "$SOURCE_ROOT"/recipes/*.rcp | wc -l)"
}

run_tests "$@"

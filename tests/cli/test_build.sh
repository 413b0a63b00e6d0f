# hpx build and hpx plan: what is trained, what is said of it, and that no -j changes it.
. "$(dirname "$0")/common.sh"

grid_and_cross() { # FILE SETTING...
    recipe "$@" <<'X'
axis n1 = 2 4 8
axis n2 = 2 4 8 16
search grid
  method = grid
search cross
  method = partial-cross
  first = n2
  limit = 1
X
}

# The multiplications per sample of 64-n1-n2-4, as jq sees a cell.
MACS='def macs: 64 * .n1 + .n1 * .n2 + .n2 * 4;'

row() { # SEARCH [FILE]: the row of the table, blanks squeezed, without the seconds
    grep "^$1 " "${2:-out}" | tr -s ' ' | sed 's/ [^ ]*$//'
}

test_table() {
    grid_and_cross a.rcp 'epochs = 4' 'rate = 0.01'
    run 0 hpx build a.rcp
    equal "$(head -1 err)" "hpx: new store: $HPX_STORE" 'the first line of stderr'
    equal "$(grep -c '^train  n1=' err)" 12 'the number of trials told'
    equal "$(tail -n +14 err)" 'hpx: 12 trials trained, 0 extended, 0 failed: 12 train (never seen)' 'stderr'
    equal "$(head -1 out)" 'a.rcp: validation_accuracy over 12 cells (n1, n2), 4 epochs, 1 seed' 'the first line'
    equal "$(sed -n 3p out | tr -s ' ')" \
        'search end score difference relative cost cells hit extend train failed seconds' 'the header'
    cp out table
    run 0 hpx build a.rcp --json
    equal "$(row grid table)" "$(printf 'grid (%s, %s) %.4f 0.0000 1.000 12 0 0 12 0' \
        $(jq -r '.searches[0] | .end.n1, .end.n2, .score' out))" 'the row of grid'
    [[ $(row cross table) == 'cross ('*' 0 0 0' ]] || fail "cross trained: $(row cross table)"
}

test_second_build_trains_nothing() {
    grid_and_cross a.rcp 'epochs = 2'
    run 0 hpx build a.rcp
    results "$HPX_STORE" >before
    run 0 hpx build a.rcp
    equal "$(cat err)" 'hpx: nothing to train: all 12 trials are stored' 'stderr'
    [[ $(row grid) == *' 12 12 0 0 0' ]] || fail "grid trained: $(row grid)"
    results "$HPX_STORE" >after
    same_files before after
    equal "$(wc -l <after)" $((12 + 1 + 24)) 'the number of trajectories, and of artifacts below a header'
}

test_json_document() {
    grid_and_cross a.rcp 'epochs = 4' 'rate = 0.01' 'objective = test_accuracy'
    run 0 hpx build a.rcp --json
    members . schema recipe objective epochs seeds grid code dataset numerics searches
    is '[.schema, .recipe, .objective, .epochs, .seeds]' '[1,"a.rcp","test_accuracy",4,[1]]'
    members .grid axes cells macs
    is '.grid.axes' '[{"name":"n1","values":[2,4,8]},{"name":"n2","values":[2,4,8,16]}]'
    is '.grid.cells' 12
    is "$MACS"' .grid.macs == ([{n1: (2, 4, 8), n2: (2, 4, 8, 16)} | macs] | add)' true
    members .code version commit describe dirty patch
    is '.code.version | test("^[0-9a-f]{40}$")' true
    members .numerics compiler libc threads
    is '.numerics.threads' 1
    is '[.dataset.name, .dataset.features, .dataset.classes, .dataset["train.count"], .dataset["test.count"]]' \
        '["toy",64,4,200,60]'
    members '.searches[]' name method end score score_sd difference incumbent incumbent_score stop evaluations \
        relative_cost nominal_macs paid_macs nominal_training_macs paid_training_macs trials seconds trace
    is '[.searches[] | [.name, .method]]' '[["grid","grid"],["cross","partial-cross"]]'
    is '[.searches[].stop]' '["complete","fixpoint"]'
    is '[.searches[].trials]' \
        "[{\"hit\":0,\"extend\":0,\"train\":12,\"failed\":0},{\"hit\":$(jq '.searches[1].evaluations' out),\"extend\":0,\"train\":0,\"failed\":0}]"
    # What follows from the trace alone.
    is '[.searches[] | .evaluations == (.trace | length)] | all' true
    is '[.searches[].trace[] | keys_unsorted] | unique' '[["cell","epochs","score","verdict"]]'
    is '[.searches[].trace | length == (map(.cell) | unique | length)] | all' true
    is "$MACS"' [.searches[] | .nominal_macs == ([.trace[].cell | macs] | add)] | all' true
    is '.grid.macs as $grid | [.searches[] | .relative_cost == .nominal_macs / $grid] | all' true
    is '[.searches[] | .incumbent_score == ([.trace[].score] | max)] | all' true
    is '[.searches[] | .end as $cell | .score == (.trace[] | select(.cell == $cell).score)] | all' true
    is '[.searches[] | .incumbent as $best | .incumbent_score == (.trace[] | select(.cell == $best).score)] | all' true
    is '([.searches[].score] | max) as $best | [.searches[] | (.difference - ($best - .score) | fabs) < 1e-12] | all' true
    is '[.searches[].score_sd]' '[null,null]'
    is '[.searches[0].trace[].cell | [.n1, .n2]]' \
        '[[2,2],[2,4],[2,8],[2,16],[4,2],[4,4],[4,8],[4,16],[8,2],[8,4],[8,8],[8,16]]'
    # Paid: the grid paid for all, the other search for nothing. A step takes 3 T - 64 n1 multiplications per sample.
    is '[.searches[0] | .paid_macs == .nominal_macs, .paid_training_macs == .nominal_training_macs]' '[true,true]'
    is '[.searches[1] | .paid_macs, .paid_training_macs, .seconds]' '[0,0,0]'
    is "$MACS"' .searches[0] | .nominal_training_macs == ([.trace[].cell | 3 * macs - 64 * .n1] | add * 150 * 4)' true
    # The scores are those of the artifacts.
    run 0 hpx ls a.rcp --json
    jq -c '[.[] | {cell, score: .metrics.test_accuracy}] | sort' out >stored
    run 0 hpx build a.rcp --json
    jq -c '[.searches[0].trace[] | {cell, score}] | sort' out >traced
    same_files stored traced
    is '[.searches[] | .paid_macs, .trials.train]' '[0,0,0,0]'
}

test_searches_share_evaluations() {
    grid_and_cross a.rcp 'epochs = 2'
    run 0 hpx build a.rcp:cross --json --no-speculate
    is '[.searches[].name]' '["cross"]'
    cross=$(jq '.searches[0].evaluations' out)
    is '.searches[0].trials' "{\"hit\":0,\"extend\":0,\"train\":$cross,\"failed\":0}"
    cross_paid=$(jq '.searches[0].paid_macs' out)
    equal "$(stored)" "$cross" 'the number of stored trajectories'
    run 0 hpx build a.rcp:grid --json
    is '.searches[0].trials' "{\"hit\":$cross,\"extend\":0,\"train\":$((12 - cross)),\"failed\":0}"
    is ".searches[0].paid_macs + $cross_paid == .grid.macs" true
    is '.searches[0].nominal_macs == .grid.macs' true
}

test_named_searches() {
    grid_and_cross a.rcp 'epochs = 1'
    run 0 hpx build a.rcp:cross a.rcp:grid --json
    is '[.searches[].name]' '["cross","grid"]'
    run 0 hpx build a.rcp:cross a.rcp:cross --json
    is '[.searches[].name]' '["cross"]'
    complains 2 "did you mean 'cross'" hpx build a.rcp:crss
    cp a.rcp 'with:colon.rcp'
    run 0 hpx build 'with:colon.rcp'
    has out 'with:colon.rcp: '
}

test_several_recipes() {
    grid_and_cross a.rcp 'epochs = 1'
    grid_and_cross b.rcp 'epochs = 1' 'rate = 0.5'
    run 0 hpx build a.rcp:cross b.rcp:grid
    equal "$(grep -c 'validation_accuracy over' out)" 2 'the number of tables'
    equal "$(grep -o '^[ab].rcp' out | tr '\n' ' ')" 'a.rcp b.rcp ' 'the order of the tables'
    equal "$(grep -c 'trials trained' err)" 2 'the number of summaries'
    run 0 hpx build a.rcp:cross b.rcp:grid --json
    equal "$(jq -r '.recipe' out | tr '\n' ' ')" 'a.rcp b.rcp ' 'the recipes of the documents'
    is '.searches[0].trials.train' "$(printf '0\n0')"
}

test_seeds() {
    grid_and_cross a.rcp 'epochs = 2' 'seeds = 1..3'
    run 0 hpx build a.rcp
    has out '± 0.'
    has err '36 trials trained'
    run 0 hpx build a.rcp:grid --json
    cp out doc
    is '.seeds' '[1,2,3]'
    is '.searches[0].trials.hit' 36
    run 0 hpx ls a.rcp --json
    jq -c 'group_by(.cell) | map(map(.metrics.validation_accuracy) as $v | ($v | add / 3) as $m |
        {cell: .[0].cell, mean: ($m * 1e9 | round), sd: (($v | map(. - $m | . * .) | add / 2 | sqrt) * 1e9 | round)})
        | sort' out >expected
    jq -c '[.searches[0].trace[] | {cell, mean: (.score * 1e9 | round)}] | sort' doc >got
    jq -c 'map(del(.sd))' expected >means
    same_files got means
    is '.searches[0] | .end as $cell | (.score_sd * 1e9 | round)' \
        "$(jq --argjson cell "$(jq -c '.searches[0].end' doc)" '.[] | select(.cell == $cell).sd' expected)" doc
}

test_quiet_and_verbose() {
    grid_and_cross a.rcp 'epochs = 1'
    run 0 hpx build a.rcp -q
    empty err
    has out 'search  end'
    run 0 hpx build a.rcp --quiet
    empty err
    rm -r "$HPX_STORE"
    run 0 hpx build a.rcp -v
    equal "$(grep -c '^train  n1=[248] n2=[0-9]*: 0\.[0-9]*  (never seen)$' err)" 12 'the number of trials told'
    has_not out 'n1='
}

test_always_make() {
    grid_and_cross a.rcp 'epochs = 2'
    run 0 hpx build a.rcp
    results "$HPX_STORE" >before
    run 0 hpx build a.rcp:grid -B --json
    is '.searches[0].trials' '{"hit":0,"extend":0,"train":12,"failed":0}'
    results "$HPX_STORE" >after
    same_files before after
}

# Whatever the number of trials at once: the same questions, the same answers, the same text.
test_jobs() {
    grid_and_cross a.rcp 'epochs = 5' 'rate = 0.01' 'seeds = 1 2'
    for jobs in 1 2 4; do
        run 0 hpx build a.rcp:cross a.rcp:grid -j $jobs --store store-$jobs
        sed 's/ *[^ ]*$//' out >table-$jobs
        run 0 hpx build a.rcp:cross a.rcp:grid -j $jobs --store json-$jobs --json
        jq 'del(.searches[].seconds)' out >doc-$jobs
        results store-$jobs >results-$jobs
    done
    for jobs in 2 4; do
        same_files table-1 table-$jobs
        same_files doc-1 doc-$jobs
        same_files results-1 results-$jobs
    done
    equal "$(wc -l <results-1)" $((12 * 2 + 1 + 12 * 2 * 5)) 'the number of trajectories, and of artifacts below a header'
    complains 2 'expected a whole number from 1' hpx build a.rcp -j 0
    complains 2 'expected a whole number from 1' hpx build a.rcp -j many
}

# --- plan -------------------------------------------------------------------------------------------------------------

timeless() { # ./out without times, which are measured anew where nothing is stored
    sed -E 's/ +[0-9.]+ s |about [0-9.]+ s//' out
}

test_plan_of_nothing_stored() {
    grid_and_cross a.rcp 'epochs = 2'
    run 0 hpx plan a.rcp
    has out 'grid (grid): 12 train'
    has out 'At least 12 trials to train; more may follow from their scores.'
    timeless >planned
    run 10 hpx plan --exit-code a.rcp
    run 0 hpx build -n a.rcp
    same_files planned <(timeless)
    run 0 hpx build --dry-run a.rcp
    same_files planned <(timeless)
    run 0 hpx plan a.rcp --json
    is '[.searches[].decided]' '[false,false]'
    is '.pending' 12
    is '[.searches[0].trials[] | .verdict, .from, .to] | unique' '[0,2,"train"]'
    is '[.searches[0].trials[].key] | unique | length' 12
    [[ ! -e $HPX_STORE ]] || fail 'the plan made a store'
}

# Networks 64-n1-n2-4: the first layer has no gradient of its inputs. Their sums are the costs of a trial.
test_plan_has_layers() {
    printf '%s\n' 'axis n1 = 2 8' 'axis n2 = 4' 'search grid' '  method = grid' | recipe a.rcp 'epochs = 3' 'seeds = 1 2'
    run 0 hpx plan a.rcp --json
    is '.searches[0].trials[0].layers' '[{"layer":"dense 1","forward_macs":128,"training_macs":256},{"layer":"dense 2",'\
'"forward_macs":8,"training_macs":24},{"layer":"dense 3","forward_macs":16,"training_macs":48}]'
    is '[.searches[0].trials[] | .training_macs == 3 * 150 * ([.layers[].training_macs] | add)] | unique' '[true]'
    is '([.searches[0].trials[] | select(.seed == 1).layers[].forward_macs] | add) == .grid.macs' true
    run 0 hpx plan a.rcp
    has_not out 'dense 1'
    run 0 hpx plan -v a.rcp
    grep -A7 'Multiplications of each layer' out | tail -7 | tr -s ' ' >layers
    printf '%s\n' ' cell layer forward training' ' (2, 4) dense 1 128 256' ' (2, 4) dense 2 8 24' ' (2, 4) dense 3 16 48' \
        ' (8, 4) dense 1 512 1024' ' (8, 4) dense 2 32 96' ' (8, 4) dense 3 16 48' >expected
    same_files expected layers
    # Only of what is to be trained.
    run 0 hpx build -q a.rcp 'axis.n1=2' seeds=1..2
    run 0 hpx plan -v a.rcp
    has out '(8, 4)  dense 3'
    has_not out '(2, 4)  dense'
}

# Some cells stored, some with fewer epochs, some not at all: a build does what the plan says, as far as it goes.
test_plan_is_what_build_does() {
    grid_and_cross part.rcp 'epochs = 2'
    sed -i 's/^axis n1 = .*/axis n1 = 2 4/' part.rcp
    grid_and_cross all.rcp 'epochs = 5'
    grid_and_cross some.rcp 'epochs = 5'
    sed -i 's/^axis n2 = .*/axis n2 = 4 16/' some.rcp
    run 0 hpx build part.rcp:grid some.rcp:grid -q
    for search in grid cross; do
        cp -r "$HPX_STORE" "$search"
        sha256sum "$HPX_STORE/hpx.mdb" >before
        run 0 hpx plan all.rcp:$search --json
        cp out plan
        sha256sum "$HPX_STORE/hpx.mdb" >after
        same_files before after
        run 0 hpx build all.rcp:$search --json --store "$search"
        jq -c '.searches[0].trace[] | [.cell, .verdict]' out | sort >built
        jq -c '.searches[0].trials[] | [.cell, .verdict]' plan | sort >planned
        equal "$(comm -23 planned built)" '' 'what was planned and not done'
        [[ $search == cross ]] || same_files planned built
        run 0 hpx plan all.rcp:$search --exit-code --store "$search"
        has out 'nothing to train'
    done
    is '[.searches[0].trials[].verdict] | group_by(.) | map({(.[0]): length}) | add' '{"extend":4,"hit":6,"train":2}' <(
        hpx plan all.rcp:grid --json
    )
    is '[.searches[0].trials[] | select(.verdict == "extend").from] | unique' '[2]' <(hpx plan all.rcp:grid --json)
    run 0 hpx build all.rcp:grid --json
    is '.searches[0].trials' '{"hit":6,"extend":4,"train":2,"failed":0}'
    # Extended ones have paid for three of their five epochs.
    is "$MACS"' .searches[0] | ([.trace[] | select(.verdict != "hit") |
        (.cell | macs) * (if .verdict == "extend" then 0.6 else 1 end)] | add) as $paid | .paid_macs == ($paid | round)' true
}

# What a search does not visit costs nothing: a plan of a few cells of four million, in 64 MiB of addresses.
test_plan_of_few_cells_among_millions() {
    recipe a.rcp 'epochs = 1' <<'X'
axis n1 = 1..2048
axis n2 = 1..2048
search partial
  method = partial-cross
  limit  = 1
search full
  method = full-cross
search hill
  method = hill-climb
X
    local limit='ulimit -v 65536'
    ! ldd "$HPX" | grep -q asan || limit=: # which takes all addresses for itself
    run 0 bash -c "$limit; exec '$HPX' plan a.rcp --json"
    is '.grid.cells' 4194304
    is '[.searches[] | .trials | length]' '[2,2048,4]'
}

test_plan_estimates_time() {
    grid_and_cross a.rcp 'epochs = 2'
    run 0 hpx plan a.rcp
    has out 'by a short training made now to measure that.'
    run 0 hpx plan a.rcp --json
    is '[.seconds_left > 0, .calibrated, .pending]' '[true,true,12]'
    is '.training_macs_left == ([.searches[0].trials[].training_macs] | add)' true
    run 0 hpx build a.rcp:cross
    run 0 hpx plan a.rcp --json
    is '[.seconds_left > 0, .calibrated, .pending > 0]' '[true,false,true]'
    # From a training with fewer epochs, and from that of another recipe.
    grid_and_cross longer.rcp 'epochs = 9'
    run 0 hpx plan longer.rcp --json
    is '[.seconds_left > 0, .calibrated, .pending]' '[true,false,12]'
    grid_and_cross other.rcp 'epochs = 9' 'rate = 0.5'
    run 0 hpx plan other.rcp --json
    is '[.seconds_left > 0, .calibrated, .pending]' '[true,false,12]'
    run 0 hpx plan other.rcp
    has out 'multiplications, about'
}

run_tests "$@"

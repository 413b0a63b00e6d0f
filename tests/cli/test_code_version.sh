# The trainer's sources are part of every result's identity, a README is not; and hpx only reads a repository. Copies the
# sources into a repository of its own and builds them there, which takes a while: HPX_SKIP_SLOW=1 leaves it out.
. "$(dirname "$0")/common.sh"

. "$(dirname "$0")/own_repository.sh"

counts() { # of ./out
    jq -c '.searches[0].trials | [.hit, .train]' out
}

test_code_version() {
    copy_sources .
    echo '# hpx' >README.md
    printf '%s\n' /build/ /cache/ /store/ out err diff make.log >.gitignore
    recipe a.rcp 'epochs = 2' <<'X'
axis n1 = 2 4
axis n2 = 2 4
search grid
  method = grid
X
    git init -q -b main .
    commit first
    HPX=$PWD/build/hpx
    build_hpx
    run 0 hpx --version
    has out "($(git rev-parse --short HEAD), trainer "
    run 0 hpx build a.rcp --json
    equal "$(counts)" '[0,4]' 'hits and trainings'
    is '.code.commit' "\"$(git rev-parse HEAD)\""
    is '[.code.dirty, .code.patch]' '[false,null]'
    is '[.code.branch, .code.author_date]' "[\"main\",\"$(git log -1 --format=%aI)\"]"
    outputs "$HPX_STORE" >first.outputs
    git add -A
    git commit -q -m results

    # A commit elsewhere: another commit, the same trainer.
    echo 'Read me.' >>README.md
    commit 'Edit the README'
    build_hpx
    run 0 hpx --version
    has out "($(git rev-parse --short HEAD), trainer "
    run 0 hpx build a.rcp --json --require-clean
    equal "$(counts)" '[4,0]' 'hits and trainings after a commit of the README'

    # An edit of the trainer, even of a comment, even uncommitted. Until make has run, hpx says that it is old.
    echo '/* A comment. */' >>src/nn/training.c
    run 0 hpx build a.rcp --json
    equal "$(counts)" '[4,0]' 'hits and trainings of the binary as it was'
    grep -Eq '^hpx: warning: this binary is older than its sources in .* \(trainer [0-9a-f]{8} built, [0-9a-f]{8} now\); run make there$' err ||
        fail 'no warning of an old binary'
    build_hpx
    run 10 hpx plan a.rcp --exit-code
    empty err
    run 0 hpx why a.rcp n1=2 n2=2
    commits=$(git rev-parse --short=8 HEAD~2)..$(git rev-parse --short=8 HEAD)
    grep -Eq "^    trainer [0-9a-f]{8} -> [0-9a-f]{8} \\(src/nn/training.c; 2 commits $commits\\)\$" out || fail 'no reason'
    run 0 hpx why a.rcp n1=2 n2=2 --json
    is '[.verdict, [.diff[].field], .code_change.files, .code_change.ahead]' \
        '["train",["code.version"],["src/nn/training.c"],2]'
    complains 1 'built from uncommitted sources' hpx build a.rcp --require-clean
    run 0 hpx build a.rcp --json
    equal "$(counts)" '[0,4]' 'hits and trainings after an edit of the trainer'
    has_not err warning
    is '.code.dirty' true
    is '.code.patch | type' '"string"'
    equal "$(stored)" 8 'the number of stored trajectories'
    run 0 hpx audit a.rcp --json
    is '[length, ([.[].code.dirty] | unique)]' '[4,[true]]'
    run 0 hpx audit
    equal "$(grep -c ' yes  ' out)" 4 'the number of dirty rows'
    has out 'mixed: 2 trainers'
    has_not out 'no branch or tag'
    equal "$(grep -c '^4 results of trainer' out)" 2 'the number of codes'
    origin="$(git describe --always)-dirty on main ($(git rev-parse --short=12 HEAD), $(git log -1 --format=%aI))"
    has out ", $origin: uncommitted edits (hpx audit --patch "
    equal "$(grep -c "  main    $(git log -1 --format=%aI)  " out)" 4 'the number of rows with branch and author date'
    run 0 hpx audit --patch "$(sed -n 's/.*hpx audit --patch \([0-9a-f]*\).*/\1/p' out)"
    has out '+++ b/src/nn/training.c'
    has out '+/* A comment. */'
    git diff >diff
    same_files diff out
    run 0 hpx log a.rcp n1=2 n2=2 --json
    is '[.[].code.dirty]' '[false,true]'
    keys=$(jq -r '.[].key' out)
    run 0 hpx diff $keys
    grep -Eq '^    trainer .* \(src/nn/training.c; 2 commits ' out || fail 'no change of code'
    has out 'outputs  the same, bit for bit, up to epoch 2'
    outputs "$HPX_STORE" | cut -d' ' -f2,3 | sort | uniq -c | awk '{ print $1 }' | sort -u >times
    equal "$(cat times)" 2 'how often every output is stored' # a comment changes no bit

    # What the first binary made, by the second one; and what came of uncommitted code, by that code, while it is nowhere
    # but in the store.
    first=$(head -1 <<<"$keys")
    run 0 hpx reproduce "$first" --json
    is '[.verdict, .at_code, .compared, [.diff[].field], .code_change.files]' \
        '["same",false,2,["code.version"],["src/nn/training.c"]]'
    git stash -q
    git_state >before
    run 0 hpx reproduce "$(tail -1 <<<"$keys")" --at-code --json
    is '[.verdict, .at_code, .compared, .diff]' '["same",true,2,[]]'
    git_state >after
    git stash drop -q
    same_files before after
    equal "$(ls "$TMPDIR" | grep -c hpx-code)" 0 'the number of folders left over'

    # Back to what it was.
    # A stash has taken the edit back.
    touch src/nn/training.c
    build_hpx
    run 0 hpx build a.rcp --json
    equal "$(counts)" '[4,0]' 'hits and trainings after the edit was undone'
    is '.code.dirty' false

    # An edit of what trains nothing is recorded, and costs nothing.
    echo '/* A comment. */' >>src/cli/help.c
    build_hpx
    run 0 hpx build a.rcp --json
    equal "$(counts)" '[4,0]' 'hits and trainings after an edit of the help'
    is '.code.dirty' true

    # A commit that is amended away is said to be lost.
    git commit -q --amend -m 'Another README'
    run 0 hpx audit
    equal "$(grep -c '; no branch or tag leads to its commit$' out)" 1 'the number of lost codes'
    run 0 hpx audit --json
    is '[.[].code_reachable] | group_by(.) | map(length)' '[4,4]'

    # No command writes into .git: none is left out.
    git_state >before
    local -A seen=()
    mkdir -p store
    printf '%s\n' program "  command = sh -c 'echo score=1'" '  metrics = stdout' train \
        '  objective = maximise score' >store/program.rcp
    for command in 'build a.rcp' 'build -B a.rcp' 'plan a.rcp' 'ls a.rcp' "show $first" audit 'audit a.rcp' \
        "audit $first" verify 'verify --rebuild 50%' 'export --csv -q a.rcp' 'export --all -o store/all' \
        'import store/all' 'gc -n' gc 'data ls' 'why a.rcp n1=2 n2=2' 'trial a.rcp n1=2 n2=2' \
        'doctor store/program.rcp' 'log a.rcp n1=2 n2=2' "diff $keys" \
        "reproduce $first" adopt 'best a.rcp' "forget -n $first" 'replay store/table.csv a.rcp' \
        'compare a.rcp --table store/table.csv' 'export --optuna store/study a.rcp' \
        'report a.rcp -o store/report.html' "predict $first data/test-images" "export --safetensors $first store/network" \
        'init store' 'check a.rcp' 'fmt store/program.rcp' key watch worker help --version; do
        mkdir -p store
        run $([[ $command == worker ]] && echo 2 || echo 0) hpx $command </dev/null
        [[ $command != *--csv* ]] || cp out store/table.csv
        seen[${command%% *}]=1
    done
    for command in $(hpx help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
        [[ -n ${seen[$command]-} ]] || fail "$command is not tried"
    done
    echo '/* Another. */' >>src/nn/training.c # with objects that the repository lacks
    make -s stamp >make.log 2>&1
    run 0 hpx plan a.rcp
    git_state >after
    same_files before after

    # A folder for what is built may have any name.
    make -s stamp BUILD="o'ut & more" CFLAGS=-O0 >make.log 2>&1 || fail "make fails: $(tail -5 make.log)"
    [[ -s "o'ut & more/stamp.c" ]] || fail 'no stamp.c'
    make -s clean BUILD="o'ut & more"
    equal "$(ls -d o* .build* 2>/dev/null)" out 'what is left'

    # Without a repository the sources alone decide, to the same version.
    git checkout -q .
    rm -rf .git
    build_hpx
    run 0 hpx --version
    has out '(no commit, trainer '
    run 0 hpx build a.rcp --store store --json
    equal "$(counts)" '[4,0]' 'hits and trainings without a repository'
    is '[.code.commit, .code.describe]' '[null,null]'
}

run_tests "$@"

# The trainer's sources are part of every result's identity, a README is not; and hpx only reads a repository. Copies the
# sources into a repository of its own and builds them there, which takes a while: HPX_SKIP_SLOW=1 leaves it out.
. "$(dirname "$0")/common.sh"

if [[ -n ${HPX_SKIP_SLOW-} ]]; then
    echo 'skipped: HPX_SKIP_SLOW is set'
    exit 0
fi

# Neither the settings of the make that runs this test nor those of the user.
unset BUILD CFLAGS LDFLAGS CPPFLAGS MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=tester GIT_AUTHOR_EMAIL=tester@localhost GIT_COMMITTER_NAME=tester GIT_COMMITTER_EMAIL=tester@localhost

build_hpx() {
    make -s -j2 CFLAGS=-O0 build/hpx >make.log 2>&1 || fail "make fails: $(tail -5 make.log)"
}

commit() { # MESSAGE
    git add -A
    git commit -q -m "$1"
}

state_of_git() {
    find .git -type f | sort | xargs sha256sum
}

counts() { # of ./out
    jq -c '.searches[0].trials | [.hit, .train]' out
}

test_code_version() {
    cp -r "$SOURCE_ROOT"/{Makefile,src,include,tools} .
    echo '# hpx' >README.md
    printf '%s\n' /build/ /cache/ /store/ out err make.log >.gitignore
    recipe a.rcp 'epochs = 2' <<'X'
axis n1 = 2 4
axis n2 = 2 4
search grid
  method = grid
X
    git init -q .
    commit first
    HPX=$PWD/build/hpx
    build_hpx
    run 0 hpx --version
    has out "($(git rev-parse --short HEAD), trainer "
    run 0 hpx build a.rcp --json
    equal "$(counts)" '[0,4]' 'hits and trainings'
    is '.code.commit' "\"$(git rev-parse HEAD)\""
    is '[.code.dirty, .code.patch]' '[false,null]'
    outputs "$HPX_STORE" >first.outputs
    git add -A
    git commit -q -m results

    # A commit elsewhere: another commit, the same trainer.
    echo 'Read me.' >>README.md
    commit 'Edit the README'
    build_hpx
    run 0 hpx --version
    has out "($(git rev-parse --short HEAD), trainer "
    run 0 hpx build a.rcp --json
    equal "$(counts)" '[4,0]' 'hits and trainings after a commit of the README'

    # An edit of the trainer, even of a comment, even uncommitted. Until make has run, hpx says that it is old.
    echo '/* A comment. */' >>src/nn/trainer.c
    run 0 hpx build a.rcp --json
    equal "$(counts)" '[4,0]' 'hits and trainings of the binary as it was'
    grep -Eq '^hpx: warning: this binary \(trainer [0-9a-f]{8}\) is older than its sources in .*; run make there$' err ||
        fail 'no warning of an old binary'
    build_hpx
    run 10 hpx plan a.rcp --exit-code
    empty err
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
    outputs "$HPX_STORE" | cut -d' ' -f2,3 | sort | uniq -c | awk '{ print $1 }' | sort -u >times
    equal "$(cat times)" 2 'how often every output is stored' # a comment changes no bit

    # Back to what it was.
    git checkout -q src/nn/trainer.c
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

    # No command writes into .git.
    state_of_git >before
    for command in 'build a.rcp' 'build -B a.rcp' 'plan a.rcp' 'ls a.rcp' audit 'audit a.rcp' verify 'export --csv' \
        'data ls' help --version; do
        run 0 hpx $command
    done
    echo '/* Another. */' >>src/nn/trainer.c # with objects that the repository lacks
    make -s stamp >make.log 2>&1
    run 0 hpx plan a.rcp
    state_of_git >after
    same_files before after

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

# Numbers answer for themselves whatever becomes of the sources: as a folder of a larger repository, edited while they
# are compiled or while a build trains, moved away under an installed binary. Builds the sources in a repository of its
# own, which takes a while: HPX_SKIP_SLOW=1 leaves it out.
IMAGES=3000 # epochs long enough to be caught in the middle
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/own_repository.sh"

write_recipe() { # EPOCHS
    recipe a.rcp "epochs = $1" <<'X'
axis n1 = 100 200 300
axis n2 = 200
search grid
  method = grid
X
}

# A work tree of another project, with the sources of hpx in a folder whose name has a blank.
make_repository() {
    mkdir -p 'my tools'
    copy_sources 'my tools/hpx'
    echo '# A project' >README.md
    printf '%s\n' '/my tools/hpx/build/' /data/ /store/ /installed/ out err cc make.log >.gitignore
    write_recipe 1
    git init -q -b main .
    commit first
    HPX="$PWD/my tools/hpx/build/hpx"
    build_hpx 'my tools/hpx'
}

versions() { # of all stored results, with what is said of their code
    hpx audit --json | jq -c '[.[].code | [.version, .dirty]] | unique'
}

test_a_part_of_a_repository() {
    make_repository
    echo '/* A comment. */' >>'my tools/hpx/src/nn/training.c'
    echo '# More' >>README.md # of no concern
    build_hpx 'my tools/hpx'
    run 0 hpx build a.rcp --json
    is '.code.dirty' true
    key=$(hpx ls --json | jq -r '.[0].key')
    git stash -q
    touch 'my tools/hpx/src/nn/training.c'
    build_hpx 'my tools/hpx'
    run 0 hpx why a.rcp n1=100 n2=200
    grep -Eq "^    trainer [0-9a-f]{8} -> [0-9a-f]{8} \\(src/nn/training.c; both on commit " out || fail 'no file'
    git_state >before
    interrupted_at_code "$key"
    # Nothing of this environment is of that build.
    BUILD=1234 CC=false CFLAGS=--wrong MAKEFLAGS=n GNUMAKEFLAGS=n run 0 hpx reproduce "$key" --at-code --json
    is '[.verdict, .at_code, .compared]' '["same",true,1]'
    git_state >after
    same_files before after
    equal "$(find "$TMPDIR" -maxdepth 1 -name 'hpx-code*' | wc -l)" 0 'the number of folders left over'

    edit_during_compilation
    edit_during_build
    installed_far_from_sources
}

left_over() {
    find "$TMPDIR" -maxdepth 1 -name 'hpx-code*' | grep -q .
}

interrupted_at_code() { # KEY
    local pid code=0
    "$HPX" reproduce "$1" --at-code >out 2>err &
    pid=$!
    poll left_over
    kill -TERM "$pid"
    wait "$pid" || code=$?
    equal "$code" 143 'the exit code'
    ! left_over || fail 'the folder is left over'
}

# Code from elsewhere is shown before it is run, and run when that is said.
imported_code() { # KEY
    run 0 hpx export --all -o all.hpx
    run 0 hpx import all.hpx --store elsewhere
    run 0 hpx build a.rcp -q --store elsewhere # where the data is, and that the code of this binary is no stranger
    run 1 hpx reproduce "$1" --at-code --store elsewhere
    empty out
    has err "commit $(git -C away rev-parse HEAD) ("
    has err '+++ b/src/nn/training.c'
    has err 'this code came by an import (from '
    has err 'say --trust'
    mkdir -p 'a folder'
    TMPDIR="$PWD/a folder" run 0 hpx reproduce "$1" --at-code --trust --store elsewhere --json
    is '[.verdict, .at_code]' '["same",true]'
    equal "$(ls 'a folder')" '' 'what is left'
    rm -r elsewhere all.hpx
}

# The stamp is taken first, and then the compiler reads something else.
edit_during_compilation() {
    printf '#!/bin/sh\ncase "$*" in *" src/nn/sparse.c "*) echo "/* Late. */" >>src/nn/training.c ;; esac\nexec gcc "$@"\n' >cc
    chmod +x cc
    touch 'my tools/hpx/src/nn/sparse.c'
    run 2 make -s -C 'my tools/hpx' CFLAGS=-O0 CC="$PWD/cc" build/hpx
    has err 'the sources changed while they were compiled; run make again'
    [[ ! -e $HPX ]] || fail 'the binary is there'
    git checkout -q .
    touch 'my tools/hpx/src/nn/training.c'
    build_hpx 'my tools/hpx'
}

# What a build trains is what its binary was made from, whatever make puts in its place: also workers that begin later.
edit_during_build() {
    local build worker before
    rm -r "$HPX_STORE"
    write_recipe 300
    "$HPX" build a.rcp -k -j1 >out 2>err &
    build=$!
    poll has_results
    kill -STOP "$build"
    worker=$(pgrep -P "$build")
    before=$(versions)
    equal "$(jq -c 'map(.[1])' <<<"$before")" '[false]' 'the dirty flags'
    echo '/* Meanwhile. */' >>'my tools/hpx/src/nn/training.c'
    build_hpx 'my tools/hpx'
    kill -KILL "$worker" # its trial fails; those that follow need a new one
    kill -CONT "$build"
    wait "$build"
    equal "$(hpx ls --json | jq 'map(select(.epoch == 300)) | length')" 2 'the number of trials that were finished'
    equal "$(versions)" "$before" 'the versions'
    # None of it is a result of the new code.
    run 0 hpx plan a.rcp --json
    is '[.searches[0].trials[].verdict] | unique' '["train"]'
    run 0 hpx build a.rcp -q
    equal "$(versions | jq -c 'map(.[1]) | sort')" '[false,true]' 'the dirty flags'
}

has_results() {
    [[ $(hpx ls --json | jq length) -gt 0 ]]
}

installed_far_from_sources() {
    make -s -C 'my tools/hpx' CFLAGS=-O0 DESTDIR="$PWD/installed" PREFIX="/usr/my own" install >make.log 2>&1 ||
        fail "make install fails: $(tail -5 make.log)"
    HPX="$PWD/installed/usr/my own/bin/hpx"
    git stash -q
    local keys commit
    commit=$(git rev-parse HEAD)
    keys=$(hpx log a.rcp n1=100 n2=200 --json | jq -r '.[].key')
    mkdir away
    mv .git 'my tools' away
    run 0 hpx --version
    has out "(${commit:0:7}-dirty, trainer "
    run 0 hpx build a.rcp
    has err 'nothing to train'
    run 0 hpx audit --json
    is '[.[].code.commit] | unique' "[\"$commit\"]"
    is '[.[].code_reachable] | unique' '[null]' # nobody knows
    run 0 hpx diff $keys # of the files in the store
    grep -Eq '^    trainer .* \(src/nn/training.c; both on commit ' out || fail 'no file'
    run 0 hpx reproduce "$(tail -1 <<<"$keys")" --json
    is '.verdict' '"same"'
    imported_code "$(head -1 <<<"$keys")"
    git clone -q away elsewhere
    run 0 hpx -C elsewhere diff $keys
    grep -Eq '^    trainer .* \(src/nn/training.c; both on commit ' out || fail 'no file'
}

run_tests "$@"

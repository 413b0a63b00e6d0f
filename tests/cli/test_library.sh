#!/bin/bash
# What `make install` puts where, and the examples of docs/library.md, compiled against it.
source "$(dirname "$0")/common.sh"

BUILT=$HPX

prefix="$scratch/my own"

make_hpx() { # TARGET...: in the source tree, without building anything anew
    local build
    build=$(realpath --relative-to="$SOURCE_ROOT" "$(dirname "$BUILT")")
    MAKEFLAGS='' make -s --no-print-directory -C "$SOURCE_ROOT" BUILD="$build" CC="${CC-gcc}" CFLAGS="${CFLAGS--O2 -g}" "$@"
}

install_once() {
    [[ -e $prefix ]] || run 0 make_hpx install PREFIX="$prefix"
}

compile() { # COMPILER... SOURCE PROGRAM: a source of examples/library, unless it is here
    local words
    cp -n "$SOURCE_ROOT"/examples/library/*.c* .
    words=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig:/usr/lib/$(gcc -print-multiarch)/openblas-serial/pkgconfig" \
        pkg-config --cflags --libs hpx) || fail 'pkg-config does not know it'
    # The words are quoted as for a shell.
    eval "${*:1:$#-2} ${CFLAGS-} ${*: -2:1} $words -o ${*: -1}" >compile.log 2>&1 ||
        fail "it does not compile: $(tail -5 compile.log)"
}

write_recipes() {
    recipe a.rcp 'epochs = 2' <<'END'
axis n1 = 4 8
axis n2 = 4 8
search all
  method = grid
search cross
  method = partial-cross
  limit = 1
END
    sed 's/limit/limmit/' a.rcp >bad.rcp
    sed 's/epochs = 2/epochs = 3/' a.rcp >more.rcp
}

test_c() {
    install_once
    write_recipes
    compile gcc -std=c11 -Wall -Wextra -Wpedantic -Werror runs.c runs
    PATH="$prefix/bin:$PATH" run 0 ./runs store a.rcp
    has out '0 stored, 4 trained, 0 extended, 0 failed'
    grep -Eqx 'search cross: n1=[48] n2=[48] score 0\.[0-9]{4}, [34] evaluations' out || fail 'no search'
    equal "$(grep -Ec '^[0-9a-f]{8} n1=[48] n2=[48] seed=1 epochs=2 code=[0-9a-f]{8} test_accuracy=[0-9.]{6}$' out)" 4 trials
    equal "$(grep -c 'after 2 epochs' err)" 4 'the trials that were told of'
    # What the command finds there is the same.
    hpx ls --store store --json >ls
    equal "$(sed -n 's/^\([0-9a-f]\{8\}\) n1.*/\1/p' out | sort)" "$(jq -r '.[].key[:8]' ls | sort)" 'keys'
    run 0 hpx build --store store a.rcp
    has err 'nothing to train'
    # A recipe with a mistake is told, and the others run.
    PATH="$prefix/bin:$PATH" run 1 ./runs store bad.rcp none.rcp more.rcp
    has out '0 stored, 0 trained, 4 extended, 0 failed'
    has err "runs: bad.rcp:"
    has err "did you mean 'limit'?"
    has err 'runs: none.rcp'
}

# The program of docs/library.md.
test_docs() {
    install_once
    write_recipes
    sed -n '/^```c$/,/^```$/p' "$SOURCE_ROOT/docs/library.md" | grep -v '^```' >docs.c
    compile gcc -std=c11 -Wall -Wextra -Werror docs.c docs
    mv a.rcp my.rcp
    HPX_WORKER="$prefix/bin/hpx" run 0 ./docs
    equal "$(grep -Ec '^n1=[48] test_accuracy=0\.[0-9]+$' out)" 4 trials
    empty err
}

# What trains is found by HPX_WORKER, then on the PATH; a store that has all needs none.
test_worker() {
    install_once
    write_recipes
    compile gcc -std=c11 runs.c runs
    mkdir none
    run 1 env -u HPX_WORKER PATH="$PWD/none" ./runs store a.rcp
    has err 'runs: there is no program hpx, which trains'
    run 0 env HPX_WORKER="$prefix/bin/hpx" PATH="$PWD/none" ./runs store a.rcp
    run 0 env -u HPX_WORKER PATH="$PWD/none" ./runs store a.rcp
    has out '4 stored, 0 trained'
    run 1 env HPX_WORKER="$PWD/none/hpx" ./runs other a.rcp
    has err 'none/hpx'
}

test_cpp() {
    command -v g++ >/dev/null || { echo '  skipped: needs g++' && return; }
    install_once
    write_recipes
    compile g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror best.cc best
    run 1 ./best store a.rcp test_accuracy
    has err 'best: store: there is no store'
    run 0 hpx build --store store a.rcp
    run 0 ./best store a.rcp test_accuracy
    has out "test_accuracy=$(hpx ls --store store --json | jq '[.[].metrics.test_accuracy] | max' | cut -c1-7)"
    run 1 ./best store a.rcp test_accuracy epochs=9
    has err 'best: nothing is stored that has test_accuracy'
    run 1 ./best store bad.rcp test_accuracy
    has err "did you mean 'limit'?"
}

# The installed hpx knows its code, and goes back to that of a result.
test_installed_hpx() {
    install_once
    write_recipes
    HPX=$prefix/bin/hpx
    equal "$(hpx --version)" "$("$BUILT" --version)" '--version'
    run 0 hpx build a.rcp
    run 0 hpx audit --json
    is '[.[].code.version | length] | unique' '[40]'
    for file in README.md docs/library.md recipes/mnist-partial.rcp examples/library/runs.c; do
        cmp -s "$prefix/share/doc/hpx/$file" "$SOURCE_ROOT/$file" || fail "$file is not there"
    done
}

# One header, no other names: what is not hpx.h stays inside.
test_names() {
    install_once
    equal "$(cd "$prefix/include" && find . -type f)" './hpx.h' 'the headers'
    nm -g --defined-only "$prefix/lib/libhpx.a" | sed -n 's/.* [A-Z] //p' | sort >names
    sed -n '/^typedef/d; s/^[a-z].*[ *]\(hpx_[a-z_]*\)(.*/\1/p' "$SOURCE_ROOT/include/hpx.h" | sort >declared
    same_files declared names
}

# Uninstalling takes what was installed, and nothing else.
test_uninstall() {
    local files
    mkdir -p 'root/usr/share/doc/hpx' root/usr/bin
    echo mine | tee root/usr/share/doc/hpx/notes root/usr/bin/hpxtool >/dev/null
    run 0 make_hpx install DESTDIR="$PWD/root" PREFIX=/usr
    files=$(cd root && find . -type f | wc -l)
    [[ $files -gt 60 ]] || fail "$files files are installed"
    run 0 make_hpx uninstall DESTDIR="$PWD/root" PREFIX=/usr
    equal "$(cd root && find . -type f | sort | tr '\n' ' ')" './usr/bin/hpxtool ./usr/share/doc/hpx/notes ' 'what is left'
    equal "$(ls root/usr/share/doc/hpx)" notes 'the folders that are left'
    # A second time there is nothing to do.
    run 0 make_hpx uninstall DESTDIR="$PWD/root" PREFIX=/usr
}

run_tests "$@"

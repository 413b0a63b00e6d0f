# What tests share that build hpx's sources in a git repository of their own. Sourced after common.sh.

if [[ -n ${HPX_SKIP_SLOW-} ]]; then
    echo 'skipped: HPX_SKIP_SLOW is set'
    exit 0
fi

# Neither the settings of the make that runs this test nor those of the user.
unset BUILD CFLAGS LDFLAGS CPPFLAGS MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=tester GIT_AUTHOR_EMAIL=tester@localhost GIT_COMMITTER_NAME=tester GIT_COMMITTER_EMAIL=tester@localhost
export TMPDIR=$scratch

shared=$(dirname "$HPX")/tests/sources # built once for all these tests, and kept from run to run

make_hpx() { # FOLDER
    make -s -j2 -C "$1" CFLAGS=-O0 STATIC=no build/hpx >make.log 2>&1 || fail "make fails: $(tail -5 make.log)"
}

build_shared() {
    mkdir -p "$shared"
    find "$shared" -mindepth 1 -maxdepth 1 ! -name build -exec rm -r {} +
    cp -rp "$SOURCE_ROOT"/{Makefile,src,include,tools} "$shared" # with their times: only what has changed is compiled
    make_hpx "$shared"
}

copy_sources() { # FOLDER: with the objects that make takes for what is not edited there
    mkdir -p "$1" "$shared"
    (flock 9 && build_shared && cp -rp "$shared/build" "$1") 9>"$shared.lock" || exit 1
    cp -rp "$SOURCE_ROOT"/{Makefile,src,include,tools,recipes,docs} "$1"
}

build_hpx() { # [FOLDER]
    make_hpx "${1:-.}"
}

commit() { # MESSAGE
    git add -A
    git commit -q -m "$1"
}

git_state() { # all that is below .git: names, sizes, times and bytes
    find .git -printf '%p %s %T@\n' | sort
    find .git -type f | sort | xargs sha256sum
}

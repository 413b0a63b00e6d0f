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

copy_sources() { # FOLDER
    mkdir -p "$1"
    cp -r "$SOURCE_ROOT"/{Makefile,src,include,tools,recipes,docs} "$1"
}

build_hpx() { # [FOLDER]
    make -s -j2 -C "${1:-.}" CFLAGS=-O0 STATIC=no build/hpx >make.log 2>&1 || fail "make fails: $(tail -5 make.log)"
}

commit() { # MESSAGE
    git add -A
    git commit -q -m "$1"
}

git_state() { # all that is below .git: names, sizes, times and bytes
    find .git -printf '%p %s %T@\n' | sort
    find .git -type f | sort | xargs sha256sum
}

# Who waits for whom, and who must not: stalled imports, slow exports, builds of the same trial, suspended processes,
# users who may only read.
. "$(dirname "$0")/common.sh"

two_cells() { # FILE EPOCHS N1...
    local file=$1 epochs=$2
    shift 2
    recipe "$file" "epochs = $epochs" <<END
axis n1 = $*
axis n2 = 4
search s
  method = grid
END
}

has_results() {
    [[ $(stored 2>/dev/null) -gt 0 ]]
}

# Runs a command as a user who may only read the store; skips where that cannot be had.
as_reader() {
    if [[ $(id -u) == 0 ]]; then
        setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    else
        "$@"
    fi
}

make_readable() { # FOLDER...
    chmod a+x "$scratch" . && chmod -R a+rX "$@"
    [[ $(id -u) == 0 ]] || chmod -R a-w "$@"
}

test_stalled_import() {
    two_cells a.rcp 1 4
    two_cells b.rcp 1 5
    hpx build a.rcp -q >out
    hpx export --all -o all.hpx -q
    mkfifo pipe
    "$HPX" import - --store other -q <pipe >import.out 2>&1 &
    exec 5>pipe
    head -c 100 all.hpx >&5
    poll test -e other/hpx.mdb
    run 0 timeout 20 "$HPX" build b.rcp --store other -q
    tail -c +101 all.hpx >&5
    exec 5>&-
    wait $! || fail "import: $(cat import.out)"
    equal "$(stored --store other)" 2 'stored trials'
}

test_slow_export() {
    local pages
    two_cells a.rcp 1 4
    two_cells b.rcp 40 5 6
    hpx build a.rcp -q >out
    mkfifo pipe
    "$HPX" export --all -o - -q >pipe 2>export.err &
    exec 5<pipe
    sleep 0.3
    run 0 timeout 60 "$HPX" build b.rcp -q
    pages=$(stat -c %s store/hpx.mdb)
    cat <&5 >bundle
    exec 5<&-
    wait $! || fail "export: $(cat export.err)"
    run 0 hpx import bundle --store other -q
    equal "$(stored --store other)" 1 'exported trials'
    # Without a reader in its way a store of a few results reuses its pages.
    [[ $pages -lt 4000000 ]] || fail "the data file has grown to $pages bytes"
}

test_second_build_says_for_whom_it_waits() {
    two_cells a.rcp 100000 64
    "$HPX" build a.rcp -q >first.out 2>&1 &
    local first=$!
    poll test -e store/hpx.mdb
    poll has_results
    "$HPX" build a.rcp -q >second.out 2>second.err &
    local second=$!
    poll grep -q 'waiting for hpx build a.rcp -q (.*, pid '"$first"', since 20.*), which trains it' second.err
    kill -INT $second
    wait $second
    equal $? 130 'exit code of the interrupted one'
    kill -INT $first
    wait $first || true
}

test_suspended_process_is_named() {
    two_cells a.rcp 100000 4
    two_cells b.rcp 1 5
    "$HPX" build a.rcp -q >first.out 2>&1 &
    local first=$!
    poll has_results
    # Stopped at random moments, most of them between turns: then nobody waits. Otherwise its name is said.
    for _ in 1 2 3 4 5; do
        kill -STOP $first
        timeout -s INT 3 "$HPX" build -B b.rcp -q >second.out 2>second.err
        case $? in
        0) ;;
        *) has second.err "waiting for hpx build a.rcp -q (" ;;
        esac
        kill -CONT $first
        sleep 0.2
    done
    kill -INT $first
    wait $first || true
}

test_reader_beside_a_writer() {
    two_cells a.rcp 2 4 5
    two_cells b.rcp 300 6 7
    hpx build a.rcp -q >out
    cp "$HPX" hpx && chmod 755 hpx
    make_readable store hpx
    [[ $(id -u) == 0 ]] || chmod -R u+w store
    "$HPX" build b.rcp -q >build.out 2>&1 &
    local build=$! i
    for ((i = 0; i < 20; i++)); do
        run 0 as_reader ./hpx export --all -o - --store store
        run 0 as_reader ./hpx ls --store store
    done
    wait $build || fail "the build: $(cat build.out)"
    run 0 hpx verify
}

test_store_that_can_only_be_read() {
    local key
    two_cells a.rcp 2 4 5
    two_cells b.rcp 2 4 6
    hpx build a.rcp -q >out
    cp "$HPX" hpx && chmod 755 hpx
    make_readable store data a.rcp b.rcp hpx
    run 0 as_reader ./hpx build a.rcp --store store
    has err 'nothing to train'
    run 1 as_reader ./hpx build b.rcp --store store
    has err 'store: this store can only be read, and there is something to write'
    key=$(hpx ls --json | jq -r '.[0].key')
    run 0 as_reader ./hpx reproduce "$key" --store store
    has out 'bit for bit'
    run 0 as_reader ./hpx verify --rebuild 100% --store store
    chmod -R u+w .
}

test_deleted_store() {
    two_cells a.rcp 100000 4
    "$HPX" build a.rcp -q >out 2>err &
    local build=$!
    poll has_results
    rm -rf store
    wait $build
    equal $? 1 'exit code'
    has err 'store/hpx.mdb: the store was deleted, moved or replaced while it was in use'
}

test_equal_process_numbers() {
    unshare -Urpf --mount-proc true 2>/dev/null || return 0
    two_cells a.rcp 1 4
    two_cells b.rcp 100000 5
    hpx build a.rcp -q >out
    unshare -Urpf --mount-proc --kill-child "$HPX" build b.rcp -q >first.out 2>&1 &
    local first=$!
    sleep 0.7
    run 0 unshare -Urpf --mount-proc "$HPX" ls
    run 0 unshare -Urpf --mount-proc "$HPX" build a.rcp -q
    run 0 unshare -Urpf --mount-proc "$HPX" build -B a.rcp -q
    kill -KILL $first
    wait $first 2>/dev/null
    run 0 hpx verify
}

run_tests "$@"

# A shared store behind HTTP: Debian's nginx with WebDAV, and a server that does what no server should. Whatever comes, a build
# ends, and its results are right.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/shared.sh"
. "$SOURCE_ROOT/tests/helper/nginx.sh"

start_nginx() { # [tls]: its place is ./web; the test is skipped where there is none
    local missing
    missing=$(nginx_needs)
    [[ -z $missing ]] || { echo "  skipped: needs $missing"; exit 0; }
    nginx_start "$PWD/web" "$@" || fail 'nginx does not start'
    trap nginx_stop EXIT
}

build_as() { # USER STORE PLACE WORD...: the document is ./out
    run 0 as "$1" hpx build a.rcp "${@:4}" --store "$2" --remote "$3" --json -q
}

# --- nginx ------------------------------------------------------------------------------------------------------------

# A second machine takes what the first has trained, bit for bit, and trains nothing; a third that trusts no key takes nothing.
test_two_machines() {
    start_nginx
    team_at "$nginx_url/hpx"
    run 0 as bob hpx build a.rcp --store bob --remote "$nginx_url/hpx"
    has err '4 trials were taken from the shared store'
    has err 'nothing to train: all 4 trials are stored'
    cp out table
    run 0 hpx build a.rcp --store alice
    same_files out table
    equal "$(results bob)" "$(results alice)" 'what was taken'
    equal "$(outputs bob)" "$(outputs alice)" 'every epoch of it'
    run 0 hpx verify --store bob
    run 0 as bob hpx verify --rebuild 100% --signer alice --store bob
    has out '4 trained again: 4 the same'
    build_as bob other "$nginx_url/hpx"
    is '.shared' '{"pulled":4,"pushed":0}'
    is '.searches[0].trials' '{"hit":4,"extend":0,"train":0,"failed":0}'

    : >web/access.log
    build_as carol carol "$nginx_url/hpx"
    is '.shared.pulled' 0
    is '.searches[0].trials' '{"hit":0,"extend":0,"train":4,"failed":0}'
    empty err
    empty web/access.log # there is nobody whose results she could ask for
    equal "$(results carol)" "$(results alice)" 'what was trained'
}

test_extension() {
    start_nginx
    team_at "$nginx_url/hpx"
    build_as bob bob "$nginx_url/hpx" epochs=4
    is '.shared.pulled' 4
    is '.searches[0].trials.extend' 4
    run 0 hpx build a.rcp epochs=4 --store alice -q
    equal "$(results bob)" "$(results alice)" 'what was extended'
    new_key bob
    run 0 as bob hpx build a.rcp epochs=4 --store bob --remote "$nginx_url/hpx" --push --json -q
    is '.shared.pushed' 4
    trust carol bob
    build_as carol carol "$nginx_url/hpx" epochs=4
    is '.searches[0].trials.hit' 4
}

# By netrc, and by a bearer token; neither is shown anywhere.
test_credentials() {
    start_nginx
    grid_of_four a.rcp 'epochs = 2'
    new_key alice
    mkdir home
    export HOME=$PWD/home
    run 0 as alice hpx build a.rcp --store alice --remote "$nginx_url/secret" --push
    equal "$(grep -c "warning: the shared store $nginx_url/secret: it refuses access (HTTP 401)" err)" 1 'the number of warnings'
    echo 'machine 127.0.0.1 login hpx password geheim' >home/.netrc
    chmod 600 home/.netrc
    run 0 as alice hpx build a.rcp --store alice --remote "$nginx_url/secret" --push -v
    has err '4 trials were put into the shared store'
    has_not err geheim
    build_as alice second "$nginx_url/secret"
    is '.shared.pulled' 4
    has_not out geheim

    build_as alice third "$nginx_url/token"
    has err 'it refuses access (HTTP 401)'
    export HPX_REMOTE_TOKEN=sesame
    run 0 as alice hpx build a.rcp --store alice --remote "$nginx_url/token" --push --progress json
    has_not out sesame
    has_not err sesame
    unset HPX_REMOTE_TOKEN
    build_as alice fourth "$nginx_url/secret"
    is '.shared.pulled' 4
    grep -raqE 'geheim|sesame' alice second third fourth && fail 'a store has the credentials'
    return 0
}

test_server_goes() {
    start_nginx
    team_at "$nginx_url/hpx"
    kill -STOP "$nginx_pid" $(pgrep -P "$nginx_pid")
    build_as bob stopped "$nginx_url/hpx"
    kill -CONT "$nginx_pid" $(pgrep -P "$nginx_pid")
    is '.searches[0].trials.train' 4
    equal "$(grep -c warning err)" 1 'the number of warnings'
    has err 'seconds waited; it is not asked any more in this build'
    nginx_stop
    build_as bob gone "$nginx_url/hpx"
    is '.searches[0].trials.train' 4
    equal "$(wc -l <err)" 1 'the number of lines'
    has err "warning: the shared store $nginx_url/hpx: "
    run 0 as alice hpx build a.rcp --store alice --remote "$nginx_url/hpx" --push -q
    equal "$(wc -l <err)" 1 'the number of lines'
    equal "$(results gone)" "$(results alice)" 'what was trained'
}

# One that shows a certificate of nobody known may be anybody: it gets no request, and no token.
test_unknown_certificate() {
    command -v openssl >/dev/null || { echo '  skipped: needs openssl'; return; }
    start_nginx tls
    grid_of_four a.rcp 'epochs = 2'
    new_key alice
    HPX_REMOTE_TOKEN=sesame run 0 as alice hpx build a.rcp --store alice --remote "$nginx_url/hpx" --push --json -q
    is '.searches[0].trials.train' 4
    is '.shared' '{"pulled":0,"pushed":0}'
    equal "$(wc -l <err)" 1 'the number of lines'
    has err "warning: the shared store $nginx_url/hpx: "
    empty web/access.log
}

# --- a hostile server -------------------------------------------------------------------------------------------------

# It serves the files of ./team, where Alice has put four trials.
start_hostile() {
    mkdir team
    team_at team
    "$(dirname "$HPX")/tests/cli/hostile_server" team "$PWD/log" >port 2>server.err &
    hostile=$!
    trap 'kill $hostile 2>/dev/null; wait $hostile 2>/dev/null' EXIT
    poll test -s port
    url=http://127.0.0.1:$(cat port)
    results alice >expected
}

trains_all() { # HOW: nothing that the server does so is taken; there is one warning
    build_as bob "store-$1" "$url/$1"
    is '.searches[0].trials.train' 4
    is .shared.pulled 0
    equal "$(wc -l <err)" 1 "the number of lines on stderr of $1"
    has err "warning: the shared store $url/$1: "
    results "store-$1" >got
    same_files got expected
}

test_good() { # as long as it behaves
    start_hostile
    build_as bob bob "$url/good"
    is .shared.pulled 4
    is '.searches[0].trials.hit' 4
    empty err
}

test_bodies() {
    local how
    start_hostile
    for how in {,ac-,cas-}{truncate,shorten,lengthen,boast,negative,overflow,part,flip,swap,endless,head}; do
        trains_all "$how"
    done
    has_not log redirected
}

test_answers() {
    local how
    start_hostile
    for how in {,ac-,cas-}{hangup,nonsense,error,redirect,refuse}; do
        trains_all "$how"
    done
    has_not log /redirected/
}

# Bytes that do not come are waited for 5 seconds, and all of these wait at once.
test_slow() {
    local how pids=()
    start_hostile
    for how in {,cas-}{drip,stall,silent}; do
        mkdir "in-$how"
        cp -r a.rcp data config-bob "in-$how"
        (cd "in-$how" && as bob hpx build a.rcp --store ../"store-$how" --remote "$url/$how" --json -q >out 2>err) &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || fail 'a build failed'
    done
    for how in {,cas-}{drip,stall,silent}; do
        is '.searches[0].trials.train' 4 "in-$how/out"
        equal "$(wc -l <"in-$how/err")" 1 "the number of lines on stderr of $how"
        has "in-$how/err" 'seconds waited; it is not asked any more in this build'
        results "store-$how" >got
        same_files got expected
    done
}

# Entries of others in a signer's place, over HTTP as in a folder.
test_foreign_entries() {
    local file theirs=()
    start_hostile
    new_key mallory
    trust carol mallory
    cp -r team before
    run 0 as mallory hpx build a.rcp --store alice --remote "$url/good" --push --json -q
    is .shared.pushed 4
    mapfile -t theirs < <(comm -13 <(ls before/ac) <(ls team/ac))
    equal "${#theirs[@]}" 4 "Mallory's entries"
    build_as carol believes "$url/good"
    is .shared.pulled 4
    for file in "${theirs[@]}"; do # Alice's, replayed as if Mallory had sent them
        cp "before/ac/$(ls before/ac | head -1)" "team/ac/$file"
    done
    build_as carol replayed "$url/good"
    is '.searches[0].trials.train' 4
    equal "$(wc -l <err)" 1 'the number of lines'
    has err "a result of 'mallory' is refused: its signature is not the signer's"
}

# What is pushed to such a server; the store itself has everything.
test_push() {
    local how
    start_hostile
    for how in put-{error,full,refuse,hangup,nonsense,redirect}; do
        run 0 as alice hpx build a.rcp epochs=3 --store "pushed-$how" --remote "$url/$how" --push --json -q
        is .shared.pushed 0
        equal "$(grep -c "warning: the shared store $url/$how: " err)" 1 'the number of warnings'
        equal "$(stored --store "pushed-$how")" 4 'what is stored'
    done
    has_not log /redirected/
    # One that takes everything and keeps nothing.
    rm -r team/ac/* team/cas/*
    run 0 as alice hpx build a.rcp --store alice --remote "$url/pretend" --push --json -q
    build_as bob bob "$url/good"
    is '.searches[0].trials.train' 4
    results bob >got
    same_files got expected
}

# Who refuses access shows what it was sent; nobody else does. And another server is sent nothing.
test_credentials_stay() {
    local pid
    start_hostile
    export HPX_REMOTE_TOKEN=open-sesame
    trains_all refuse
    has log 'Bearer open-sesame'
    for file in out err; do has_not "$file" open-sesame; done
    XDG_CONFIG_HOME=$PWD/config-bob "$HPX" build a.rcp --store slow --remote "$url/silent" -v --progress json >out 2>err &
    pid=$!
    poll grep -q silent log
    tr '\0' ' ' <"/proc/$pid/cmdline" >words
    has words --remote
    has_not words sesame
    wait "$pid"
    for file in out err; do has_not "$file" open-sesame; done
    trains_all redirect
    has_not log /redirected/
    grep -raq open-sesame slow store-* && fail 'a store has the token'
    return 0
}

run_tests "$@"

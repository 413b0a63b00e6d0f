#!/bin/bash
# forget takes out what is named, and nothing else; a build trains it anew. What is pinned or in training stays.
. "$(dirname "$0")/common.sh"

setup() {
    for n in 2 4; do
        recipe "$n.rcp" 'epochs = 2' 'seeds = 1 2' <<X
axis n1 = $n
axis n2 = 2 4
search grid
  method = grid
X
        run 0 hpx build "$n.rcp" -q
    done
}

test_recipe() {
    setup
    results "$HPX_STORE" >before
    cat "$HPX_STORE/hpx.mdb" >file
    run 0 hpx forget -n 2.rcp
    has err 'nothing was changed (-n)'
    equal "$(wc -l <out)" 5 'the lines of the list'
    has out 'n1=2 n2=4'
    has_not out 'n1=4'
    cmp -s file "$HPX_STORE/hpx.mdb" || fail '-n changed the store'
    run 0 hpx forget 2.rcp
    has err 'hpx: forgot 8 results of 4 trials'
    equal "$(stored)" 4 'what is left'
    run 0 hpx verify
    run 0 hpx plan 2.rcp --json
    is '.searches[0].verdicts.train' 4
    run 0 hpx plan 4.rcp --json
    is '.searches[0].verdicts.hit' 4
    run 0 hpx build 2.rcp -q
    results "$HPX_STORE" >after
    same_files after before
    run 0 hpx forget 2.rcp --json
    is '[.trials[] | .epochs]' '[2,2,2,2]'
    is '[.trials[] | .stays] | unique' '[null]'
    run 0 hpx forget 2.rcp
    empty out
    has err 'nothing to forget'
}

test_key() {
    local key other
    setup
    key=$(hpx ls --json | jq -r '.[0].key')
    run 0 hpx forget "${key:0:12}" "$key"
    has err 'hpx: forgot 2 results of 1 trial'
    complains 1 'no such key' hpx forget "$key"
    equal "$(stored)" 7 'what is left'
    complains 2 'no such recipe' hpx forget none.rcp
    run 2 hpx forget
}

test_kept() { # pinned, or being trained by another process
    local key
    setup
    key=$(hpx ls --json | jq -r '.[0].key')
    run 0 hpx gc --pin "$key"
    run 0 hpx forget "$key"
    has out pinned
    has err 'nothing to forget: all of it stays'
    equal "$(stored)" 8 'what is left'
    run 0 hpx gc --unpin "$key"
    run 0 hpx forget "$key" -y -q
    equal "$(stored)" 7 'what is left'
}

test_asks_on_a_terminal() {
    command -v script >/dev/null || return 0
    setup
    echo n | script -qec "'$HPX' forget 2.rcp" /dev/null >out
    has out 'forget 8 results of 4 trials? [y/N]'
    has out 'nothing was changed'
    equal "$(stored)" 8 'what is left'
    script -qec "'$HPX' forget -y 2.rcp" /dev/null </dev/null >out
    has_not out '[y/N]'
    equal "$(stored)" 4 'what is left'
}

test_no_store() {
    recipe a.rcp 'epochs = 1' <<X
axis n1 = 2
axis n2 = 2
search grid
  method = grid
X
    run 0 hpx forget a.rcp
    complains 1 'no such key' hpx forget 01
    [[ ! -e $HPX_STORE ]] || fail 'forgetting made a store'
}

run_tests

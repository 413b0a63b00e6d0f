# hpx key: the user's own key, and those that are trusted; what a signer's results become with the trust. docs/reliability.md
# says what a signature promises.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/shared.sh"

test_new() {
    local mode
    export XDG_CONFIG_HOME=$PWD/home
    run 0 hpx key list
    empty out
    (umask 0 && run 0 hpx key new) || exit 1
    grep -qxE 'hpx1[A-Za-z0-9_-]{48}' out || fail 'no public key'
    cp out public
    has err "hpx key trust NAME $(cat public)"
    mode=$(stat -c %a home/hpx/key)
    equal "$mode" 600 'the mode of the private key'
    equal "$(stat -c %a home/hpx)" 700 'the mode of its folder'
    has_not out "$(cut -d' ' -f2 home/hpx/key)"
    cp home/hpx/key before
    complains 2 'there is a key already' hpx key new
    same_files home/hpx/key before
    run 0 hpx key
    has out "$(cat public)"
    run 0 hpx key list --json
    is '.keys[] | [.name, .trials]' '["own",0]'
    is '.keys[0].key' "\"$(cat public)\""
    complains 2 'own: your own key is trusted as long as its file is there' hpx key forget own
    complains 2 "$(cat public): your own key is trusted as long as its file is there" hpx key forget "$(cat public)"
    [[ ! -e $HPX_STORE ]] || fail 'a store was made'
}

test_trust() {
    local anna bob
    new_key anna bob
    anna=$(cat anna.key) bob=$(cat bob.key)
    export XDG_CONFIG_HOME=$PWD/home
    run 0 hpx key trust anna "$anna"
    has err 'what anna signs is believed from now on'
    run 0 hpx key trust anna "$anna"
    complains 2 'stands for another key' hpx key trust anna "$bob"
    complains 2 'is not whole' hpx key trust bob "${bob%?}"
    complains 2 'is not whole' hpx key trust bob "${bob:0:20}$([[ ${bob:20:1} == x ]] && echo y || echo x)${bob:21}"
    complains 2 'no public key' hpx key trust bob "$(cut -d' ' -f2 config-bob/hpx/key)"
    complains 2 'not a name' hpx key trust own "$bob"
    complains 2 'not a name' hpx key trust 'bob the builder' "$bob"
    complains 2 'usage: hpx key' hpx key trust bob
    complains 2 'usage: hpx key' hpx key trusts bob "$bob"
    run 0 hpx key trust bob "$bob"
    run 0 hpx key list --json
    is '[.keys[].name]' '["anna","bob"]'
    run 0 hpx complete -- key forget ''
    equal "$(cut -f1 out | tr '\n' ' ')" 'anna bob ' 'the completion'
    run 0 hpx complete -- key ''
    equal "$(cut -f1 out | tr '\n' ' ')" 'list new trust forget ' 'the completion'

    run 0 hpx key forget -n anna
    run 0 hpx key list --json
    is '[.keys[].name]' '["anna","bob"]'
    run 0 hpx key forget anna
    has err 'anna is not trusted'
    run 0 hpx key forget "$bob"
    run 0 hpx key list
    empty out
    complains 2 "no key of the name 'anna'" hpx key forget anna
    complains 2 'goes with --rebuild' hpx verify --signer anna
}

test_at_once() { # who changes the list waits for who is at it, so that nothing is lost
    local pid
    new_key anna bob
    export XDG_CONFIG_HOME=$PWD/home
    run 0 hpx key trust anna "$(cat anna.key)"
    exec 9<home/hpx
    flock 9
    "$HPX" key trust bob "$(cat bob.key)" -q 9<&- &
    pid=$!
    sleep 0.5
    has_not home/hpx/trusted bob
    echo "carol $(as carol hpx key new -q)" >>home/hpx/trusted
    exec 9<&-
    wait $pid || fail 'bob is not trusted'
    run 0 hpx key list --json
    is '[.keys[].name]' '["anna","carol","bob"]'
}

test_refused() { # files that others could have read or changed
    local key
    new_key anna
    key=$(cat anna.key)
    export XDG_CONFIG_HOME=$PWD/home
    run 0 hpx key new
    chmod 644 home/hpx/key
    complains 2 'refused, because others may read it; run: chmod go-r' hpx key list
    chmod 600 home/hpx/key
    run 0 hpx key trust anna "$key"
    chmod 666 home/hpx/trusted
    complains 2 'refused, because others may write it; run: chmod go-w' hpx key list
    chmod 600 home/hpx/trusted
    echo "anna hpx1" >>home/hpx/trusted
    complains 2 'home/hpx/trusted:2: the name anna stands here twice' hpx key list
    printf '# \0\n' >home/hpx/trusted # a text ends there: what stands behind it would be lost
    complains 2 'home/hpx/trusted: cannot be read, or is no list of keys' hpx key trust anna "$key"
    : >home/hpx/trusted
    echo rubbish >home/hpx/key
    complains 2 'this is no private key of hpx' hpx key list
    equal "$(cat home/hpx/key)" rubbish 'what was there'
}

# What a signer has sent goes with the trust, and with it what was trained on from there.
test_forget_a_signer() {
    local key
    mkdir team
    team_at team
    new_key mallory
    trust bob mallory
    run 0 as mallory hpx build a.rcp axis.n1=8 --store mallory --remote team --push -q
    run 0 as bob hpx build a.rcp axis.n1='2 4 8 16' --store bob --remote team -q
    run 0 as bob hpx build a.rcp axis.n1='2 8' epochs=3 --store bob -q
    run 0 as bob hpx key list --store bob --json
    is '[.keys[] | [.name, .trials]]' '[["alice",4],["mallory",2]]'
    run 0 as bob hpx key forget mallory --store bob -n
    equal "$(wc -l <out)" 3 'the lines of the list'
    has err 'nothing was changed (-n)'
    key=$(hpx ls --store bob --json | jq -r '[.[] | select(.cell.n1 == 8)][0].key')
    run 0 hpx gc --pin "$key" --store bob
    run 0 as bob hpx key forget mallory --store bob --json
    is '[.trials[] | .stays] | sort' '[null,"pinned"]'
    has err 'mallory is not trusted'
    has err 'forgot 3 results of 1 trial'
    run 0 as bob hpx key list --store bob --json
    is '[.keys[] | [.name, .trials]]' '[["alice",4],[null,1]]'
    is '.keys[1].key' "\"$(cat mallory.key)\""
    run 0 hpx gc --unpin "$key" --store bob
    run 0 as bob hpx key forget "$(cat mallory.key)" --store bob
    has err 'forgot 3 results of 1 trial'
    run 0 hpx verify --store bob
    run 0 hpx audit --store bob
    has out "2 results imported from $PWD/team, signed by $(cat alice.key)"
    run 0 as bob hpx build a.rcp axis.n1='2 4 8 16' --store bob --remote team --json
    is '.searches[0].trials' '{"hit":6,"extend":0,"train":2,"failed":0}'
    is .shared.pulled 0
}

# A sample of what one signer has sent; one who signs what was never trained is found out.
test_rebuild_a_signer() {
    local key file
    mkdir team
    team_at team
    new_key mallory
    trust bob mallory
    grid_of_four b.rcp 'epochs = 1' 'seeds = 7'
    run 0 hpx build b.rcp --store honest -q
    key=$(hpx ls --store honest --json | jq -r '.[0].key')
    run 0 "$(dirname "$HPX")/tests/cli/forge" honest forged "$key"
    run 0 as mallory hpx build b.rcp --store forged --remote team --push -q
    for file in a.rcp b.rcp; do
        run 0 as bob hpx build "$file" --store bob --remote team --json
        is .shared.pulled 4
    done
    run 0 as bob hpx verify --rebuild 1% --signer alice --store bob
    has out '1 trained again: 1 the same'
    run 0 as bob hpx verify --rebuild 100% --signer alice --store bob --json
    is '[.rebuilt[] | .verdict]' '["same","same","same","same"]'
    is .others 0
    run 12 as bob hpx verify --rebuild 100% --signer mallory --store bob --json
    is '[.rebuilt[] | .verdict] | sort' '["differs","same","same","same"]'
    is '.rebuilt[] | select(.verdict == "differs") | .key' "\"$key\""
    run 0 as bob hpx key trust carol "$(as carol hpx key new -q)"
    run 12 as bob hpx verify --rebuild 100% --signer carol --store bob # for what Mallory's were found to be
    has err 'the store has nothing that carol has signed'
    run 0 hpx show "$key" --store bob
    has out "signed by $(cat mallory.key)"
}

# A signer who says something else than what this store knows is not believed in that, and the build says why.
test_contradiction() {
    local key
    mkdir team
    new_key mallory
    trust bob mallory
    grid_of_four a.rcp 'epochs = 1'
    run 0 hpx build a.rcp --store bob -q
    key=$(hpx ls --store bob --json | jq -r '.[0].key')
    run 0 "$(dirname "$HPX")/tests/cli/forge" bob forged "$key"
    run 0 as mallory hpx build a.rcp epochs=2 --store forged --remote team --push -q
    run 0 hpx build a.rcp epochs=2 --store expected -q
    run 0 as bob hpx build a.rcp epochs=2 --store bob --remote team --json -q
    is .shared.pulled 3
    is '.searches[0].trials' '{"hit":3,"extend":1,"train":0,"failed":0}'
    equal "$(wc -l <err)" 1 'the number of lines'
    has err "a result of 'mallory' is not taken: "
    equal "$(results bob)" "$(results expected)" 'the results'
}

run_tests "$@"

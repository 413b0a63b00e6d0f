# hpx key: the user's own key, and those that are trusted; what a signer's results become with the trust. docs/reliability.md
# says what a signature promises.
. "$(dirname "$0")/common.sh"

as() { # USER COMMAND...: with the configuration of that user
    XDG_CONFIG_HOME=$PWD/home-$1 "${@:2}"
}

new_key() { # USER: its public key
    as "$1" hpx key new -q
}

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
    has_not out "$(cut -d' ' -f2 home/hpx/key)"
    cp home/hpx/key before
    complains 2 'there is a key already' hpx key new
    same_files home/hpx/key before
    run 0 hpx key
    has out "$(cat public)"
    run 0 hpx key list --json
    is '.keys[] | [.name, .trials]' '["own",0]'
    is '.keys[0].key' "\"$(cat public)\""
    [[ ! -e $HPX_STORE ]] || fail 'a store was made'
}

test_trust() {
    local anna bob
    anna=$(new_key anna) bob=$(new_key bob)
    export XDG_CONFIG_HOME=$PWD/home
    run 0 hpx key trust anna "$anna"
    has err 'what anna signs is believed from now on'
    run 0 hpx key trust anna "$anna"
    complains 2 'stands for another key' hpx key trust anna "$bob"
    complains 2 'is not whole' hpx key trust bob "${bob%?}"
    complains 2 'is not whole' hpx key trust bob "${bob:0:20}$([[ ${bob:20:1} == x ]] && echo y || echo x)${bob:21}"
    complains 2 'no public key' hpx key trust bob "$(cut -d' ' -f2 home-bob/hpx/key)"
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

test_refused() { # files that others could have read or changed
    local key
    key=$(new_key anna)
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
    echo rubbish >home/hpx/key
    complains 2 'this is no private key of hpx' hpx key list
    equal "$(cat home/hpx/key)" rubbish 'what was there'
}

run_tests

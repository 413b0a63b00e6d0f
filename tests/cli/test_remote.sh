# A shared store in a folder: what one has pushed another takes, if he trusts the key; what is damaged there, or of somebody
# else, is trained.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/shared.sh"

team() { # WORD...: of the recipe
    mkdir team
    team_at team "$@"
}

build_as() { # USER STORE WORD...: from the shared store; the document is ./out
    run 0 as "$1" hpx build a.rcp "${@:3}" --store "$2" --remote team --json -q
}

# The kinds of blobs, by how they begin: record, metrics, checkpoint, statement.
blobs() { # LETTERS
    local file
    for file in team/cas/*; do
        [[ $(head -c 4 "$file") != "$1"* ]] || echo "$file"
    done
}

test_team() {
    local key
    team
    run 0 as bob hpx build a.rcp --store bob --remote team
    cp out table
    has err '4 trials were taken from the shared store'
    has err 'nothing to train: all 4 trials are stored'
    run 0 hpx build a.rcp --store alice
    same_files out table
    run 0 hpx verify --store bob
    equal "$(results bob)" "$(results alice)" 'what was taken'
    equal "$(outputs bob)" "$(outputs alice)" 'every epoch of it'
    key=$(hpx ls --store bob --json | jq -r '.[0].key')
    run 0 hpx show "$key" --store bob --json
    is '.imported.from' "\"$PWD/team\""
    is '.imported.signer' "\"$(cat alice.key)\""
    build_as bob other
    is '.shared' '{"pulled":4,"pushed":0}'
    is '.searches[0].trials' '{"hit":4,"extend":0,"train":0,"failed":0}'
    build_as bob other
    is '.shared.pulled' 0
}

# Who trusts nobody, or somebody else, takes nothing.
test_nobody() {
    team
    new_key mallory
    trust dave mallory
    build_as carol carol
    is '.shared.pulled' 0
    is '.searches[0].trials.train' 4
    build_as dave dave
    is '.shared.pulled' 0
    is '.searches[0].trials.train' 4
    empty err
}

# The same user on two machines: the own key is trusted.
test_two_machines() {
    team
    build_as alice elsewhere
    is '.shared.pulled' 4
}

test_where_it_is() {
    team
    HPX_REMOTE=team run 0 as bob hpx build a.rcp --store s1
    has err '4 trials were taken'
    mkdir -p config-bob/hpx
    printf '# ours\nremote = %s/team\n' "$PWD" >config-bob/hpx/config
    run 0 as bob hpx build a.rcp --store s2
    has err '4 trials were taken'
    HPX_REMOTE='' run 0 as bob hpx build a.rcp --store s3
    has err '4 trials trained'
    HPX_REMOTE=nowhere run 0 as bob hpx build a.rcp --store s4 --remote team
    has err '4 trials were taken'
    echo 'remote team' >>config-bob/hpx/config
    complains 2 "config:3: expected 'executor = local'" as bob hpx build a.rcp --store s2
}

test_usage() {
    team
    complains 2 'you have no key; make one with: hpx key new' as bob hpx build a.rcp --store s1 --remote team --push
    complains 2 'there is no shared store; name one with --remote or HPX_REMOTE' as alice hpx build a.rcp --push --store s1
    complains 2 'expected http://HOST/PATH' as bob hpx build a.rcp --store s1 --remote ftp://host/path
    complains 2 'no name or password in it' as bob hpx build a.rcp --store s1 --remote https://me:geheim@host/path
    has_not err geheim
    HPX_REMOTE_TOKEN=$'geh\neim' complains 2 'HPX_REMOTE_TOKEN' as bob hpx build a.rcp --store s1 --remote http://127.0.0.1:9/
    has_not err eim
}

# A plan asks nobody, and nor does a build that trains all again.
test_not_asked() {
    team
    rm -r team
    HPX_REMOTE=team run 0 as bob hpx plan a.rcp --store bob -q
    empty err
    run 0 as bob hpx build a.rcp -q --store bob
    run 0 as bob hpx build a.rcp -B --store bob --remote team
    has_not err 'shared store'
}

test_no_folder() {
    team
    run 0 as bob hpx build a.rcp --store bob --remote nowhere
    equal "$(grep -c 'warning: the shared store nowhere: there is no such folder' err)" 1 'the number of warnings'
    has err '4 trials trained'
    run 0 as alice hpx build a.rcp --store alice --remote nowhere --push
    has err 'warning: the shared store nowhere: there is no such folder'
    [[ ! -e nowhere ]] || fail 'a folder was made'
}

# Without the checkpoints all is there but what has to go on from them.
test_checkpoints_when_needed() {
    team
    build_as bob bob epochs=4
    is '.shared.pulled' 4
    is '.searches[0].trials.extend' 4
    run 0 hpx build a.rcp epochs=4 --store alice -q
    equal "$(results bob)" "$(results alice)" 'what was extended'
    blobs P | xargs rm
    build_as bob other
    is '.shared.pulled' 4
    empty err
    build_as bob third epochs=4
    is '.searches[0].trials.train' 4
    equal "$(grep -c "warning: .* the checkpoint of a result of 'alice': missing" err)" 1 'the number of warnings'
    equal "$(wc -l <err)" 1 'the number of lines'
    equal "$(results third)" "$(results bob)" 'what was trained'
}

test_shorter_and_longer() {
    local before
    team epochs=3
    before=$(cat team/ac/* | sha256sum)
    run 0 as alice hpx build a.rcp epochs=2 --store short --remote team --push -B -q
    equal "$(cat team/ac/* | sha256sum)" "$before" 'what is there after a shorter one'
    run 0 as alice hpx build a.rcp epochs=5 --store alice --remote team --push
    has err '4 trials were put into the shared store'
    differ "$(cat team/ac/* | sha256sum)" "$before" 'what is there after a longer one'
    build_as bob bob epochs=5
    is '.searches[0].trials.hit' 4
}

# What came from others is theirs to push; what went on from it is one's own.
test_own_results() {
    team
    new_key bob
    run 0 as bob hpx build a.rcp --store bob --remote team --push --json -q
    is '.shared' '{"pulled":4,"pushed":0}'
    run 0 as bob hpx build a.rcp epochs=3 --store bob --remote team --push --json -q
    is '.shared' '{"pulled":4,"pushed":4}' # their checkpoints, and what went on from these
    trust carol bob
    build_as carol carol epochs=3
    is '.searches[0].trials.hit' 4
    # What was trained without the shared store goes there later.
    mkdir later
    run 0 as alice hpx build a.rcp --store alice --remote later --push --json -q
    is '.shared.pushed' 4
    run 0 as alice hpx build a.rcp --store alice --remote later --push --json -q
    is '.shared.pushed' 0
    # And what has got lost there.
    rm "$(ls later/cas/* | head -1)"
    run 0 as alice hpx build a.rcp --store alice --remote later --push --json -q
    is '.shared.pushed' 1
}

# One trial of four is trained, with one warning, and comes out as it was.
loses_one() { # TEXT OF THE WARNING
    rm -rf bob
    build_as bob bob
    is '.searches[0].trials.train' 1
    is '.shared.pulled' 3
    equal "$(wc -l <err)" 1 'the number of lines on stderr'
    has err "warning: the shared store team: $1"
    equal "$(results bob)" "$(results alice)" 'the results'
}

test_damage() {
    local one two kind
    team
    cp -r team whole
    for kind in HPXB R; do
        mapfile -t files < <(blobs "$kind")
        one=${files[0]} two=${files[1]}
        truncate -s -1 "$one"
        loses_one 'the '
        has err "of a result of 'alice': not the bytes that were signed"
        cp "$two" "$one" # swapped
        loses_one 'the '
        cp "whole/${one#team/}" "$one"
        printf '~' | dd of="$one" bs=1 seek=40 conv=notrunc status=none
        loses_one 'the '
        cat "whole/${one#team/}" whole/cas/* >"$one"
        loses_one 'team/cas/'
        has err 'larger than it may be'
        rm "$one"
        mkdir "$one"
        loses_one ''
        rmdir "$one"
        loses_one 'the '
        has err "of a result of 'alice': missing"
        cp "whole/${one#team/}" "$one"
    done
    build_as bob intact
    empty err
}

test_entries() {
    local one two
    team
    new_key mallory
    cp -r team whole
    files=(team/ac/*)
    one=${files[0]} two=${files[1]}
    cp "$two" "$one"
    loses_one "a result of 'alice' is refused: it is of another manifest"
    truncate -s 100 "$one"
    loses_one "a result of 'alice' is refused: not an ActionResult"
    : >"$one"
    loses_one "a result of 'alice' is refused: it has no statement of a signer"
    { cat "whole/${one#team/}" && head -c 20000 /dev/zero; } >"$one"
    loses_one 'team/ac/'
    has err 'larger than it may be'
    # The statement of another, in alice's place.
    run 0 as mallory hpx build a.rcp --store alice --remote team --push -q
    cp "$(comm -13 <(cd whole && ls ac/*) <(cd team && ls ac/*) | sed 's|^|team/|' | head -1)" "$one"
    loses_one "a result of 'alice' is refused: its signature is not the signer's"
}

# Of two signers the one who has more is taken; where a part of his is missing, the other.
test_two_signers() {
    local longer
    team
    new_key erin
    trust bob erin
    run 0 as erin hpx build a.rcp --store erin --remote team --push epochs=4 -q
    build_as bob bob epochs=3
    is '.searches[0].trials.hit' 4
    build_as bob extended epochs=5
    is '.searches[0].trials.extend' 4
    empty err
    # Erin's metrics are the larger ones.
    for longer in $(blobs R | xargs ls -S | head -4); do
        rm "$longer"
    done
    trust carol erin
    trust carol alice
    build_as carol carol
    is '.searches[0].trials.hit' 4
    equal "$(wc -l <err)" 1 'the number of lines on stderr'
    has err "the metrics of a result of 'erin': missing"
    run 0 hpx ls --store carol --json
    is '.[0].epoch' 2
}

# What the others need not know stays here, unless it is asked for.
test_discreet() {
    local key
    mkdir all
    team
    run 0 as alice hpx build a.rcp --store alice --remote all --push-all -q
    key=$(hpx ls --store alice --json | jq -r '.[0].key')
    run 0 hpx show "$key" --store alice --json
    is '[.epochs[].host | length > 0] | all' true
    cp out expected
    build_as bob bob
    run 0 hpx show "$key" --store bob --json
    is '[.epochs[].host] | unique' '[""]'
    run 0 as bob hpx build a.rcp --store whole --remote all -q
    run 0 hpx show "$key" --store whole --json
    is '[.epochs[].host]' "$(jq -c '[.epochs[].host]' expected)"
    (($(cat team/cas/* | wc -c) < $(cat all/cas/* | wc -c))) || fail 'sources were pushed'
    run 0 hpx verify --store bob
    run 0 hpx verify --store whole
}

# A process of the same number, as containers have them, was killed while it wrote.
test_left_over() {
    local names
    team
    names=(team/{ac,cas}/*)
    rm "${names[@]}"
    push_after_kill() {
        for name in "${names[@]}"; do
            touch "$name.$BASHPID".{0..30}.part
        done
        exec env XDG_CONFIG_HOME="$PWD/config-alice" "$HPX" build a.rcp --store alice --remote team --push --json -q
    }
    (push_after_kill >out 2>err) || fail 'the build failed'
    empty err
    is .shared.pushed 4
    build_as bob bob
    is .shared.pulled 4
}

# Who may use the folder may use what is in it, whatever the umask; what is started here sees no token.
test_modes() {
    mkdir team
    chmod 2770 team
    new_key alice
    program_recipe a.rcp '$x' 'echo "score=$1"; env | grep -c HPX_REMOTE_TOKEN || :' 'epochs = 1' 'objective = maximise score' <<'R'
axis x = 1
search all
  method = grid
R
    (umask 077 && HPX_REMOTE_TOKEN=geheim run 0 as alice hpx build a.rcp --store alice --remote team --push -q) || exit 1
    equal "$(stat -c %a team/ac team/cas | tr '\n' ' ')" '2770 2770 ' 'the modes of the folders'
    equal "$(stat -c %a team/ac/* team/cas/* | sort -u)" 640 'the modes of the files'
    run 0 hpx show "$(hpx ls --store alice --json | jq -r '.[0].key')" --log --store alice
    equal "$(cat out)" $'score=1\n0' 'what the program has printed'
}

# A program's results, its checkpoints and its log.
test_program() {
    local key
    mkdir team all
    new_key alice
    trust bob alice
    program_recipe a.rcp '$x' 'echo "said by $1"; echo "score=$1"' 'epochs = 1' 'objective = maximise score' <<'R'
axis x = 1 2 3
search all
  method = grid
R
    run 0 as alice hpx build a.rcp --store alice --remote team --push -q
    run 0 as alice hpx build a.rcp --store alice --remote all --push-all -q
    build_as bob bob
    is '.shared.pulled' 3
    key=$(hpx ls --store bob --json | jq -r '.[0].key')
    run 1 hpx show "$key" --log --store bob
    run 0 as bob hpx build a.rcp --store logs --remote all -q
    run 0 hpx show "$key" --log --store logs
    has out 'said by'
}

# A failed trial is a result, too.
test_failed() {
    mkdir team
    new_key alice
    trust bob alice
    recipe a.rcp 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $decay' 'epochs = 5' <<'R'
axis n1 = 16 8
axis n2 = 8
axis decay = 200 0
search grid
  method = grid
R
    run 0 as alice hpx build a.rcp --store alice --remote team --push -q
    build_as bob bob
    is '.searches[0].trials' '{"hit":4,"extend":0,"train":0,"failed":2}'
    equal "$(results bob)" "$(results alice)" 'what was taken'
}

# The entry as the published message: field numbers of build/bazel/remote/execution/v2/remote_execution.proto.
test_action_result() {
    command -v protoc >/dev/null || { echo '  skipped: needs protoc'; return; }
    team
    cat >result.proto <<'P'
syntax = "proto3";
message Digest { string hash = 1; int64 size_bytes = 2; }
message OutputFile { string path = 1; Digest digest = 2; bool is_executable = 4; bytes contents = 5; }
message ActionResult { repeated OutputFile output_files = 2; int32 exit_code = 4; }
P
    local entry path hash size
    for entry in team/ac/*; do
        run 0 protoc --decode=ActionResult result.proto <"$entry"
        equal "$(awk '$1 == "path:" { print $2 }' out | tr -d '"' | tr '\n' ' ')" 'record metrics checkpoint statement ' files
        ! grep -qE '^ *[0-9]+:' out || fail 'a field that the message has not'
        paste <(awk '$1 == "hash:" { print $2 }' out | tr -d '"') <(awk '$1 == "size_bytes:" { print $2 }' out) >digests
        while read -r hash size; do
            equal "$(sha256sum <"team/cas/$hash" | cut -d' ' -f1)" "$hash" 'the hash'
            equal "$(wc -c <"team/cas/$hash")" "$size" 'the size'
        done <digests
        protoc --encode=ActionResult result.proto <out >again
        cmp -s "$entry" again || fail 'protoc writes other bytes'
    done
}

run_tests "$@"

# What is stored of programs: why they stopped, what they printed, their checkpoints' files, replicates, and bundles.
. "$(dirname "$0")/common.sh"

write_recipe() { # EPOCHS [LINE...]: of the statement
    cat >r.rcp <<X
program
  command = sh train.sh \$n
  code    = train.sh
$(printf '  %s\n' "${@:2}")
train
  epochs = $1
  objective = maximise score
axis n = 1 2
search all
  method = grid
X
}

key_of() { # N
    hpx ls r.rcp --json | jq -r ".[] | select(.cell.n == $1) | .key"
}

test_log() {
    local key
    write_recipe 1 'metrics = stdout'
    printf 'echo "hello \\033[31mred"\necho "to stderr" >&2\necho score=$1\n' >train.sh
    run 0 hpx build r.rcp -q
    key=$(key_of 2)
    run 0 hpx show --log "$key"
    has out 'hello \x1b[31mred'
    has out 'to stderr'
    has out 'score=2'
    complains 2 '--log prints text' hpx show --log --json "$key"
    run 0 hpx forget -y "$key"
    complains 1 'no such key' hpx show --log "$key"
    run 0 hpx verify
}

test_stopped() {
    write_recipe 5 'continue = resume'
    cat >train.sh <<'X'
epoch=0
if [ -n "${HPX_RESUME-}" ]; then read -r epoch <"$HPX_RESUME/last"; fi
while [ $epoch -lt "$HPX_EPOCHS" ]; do
    epoch=$((epoch + 1))
    echo $epoch >"$HPX_OUT/last"
    echo "{\"epoch\": $epoch, \"score\": $epoch, \"checkpoint\": \"last\"}" >>"$HPX_METRICS"
    sleep 0.03
    if [ $epoch = 3 ]; then
        echo '{"stopped": "no progress"}' >>"$HPX_METRICS"
        exit 0
    fi
done
X
    run 0 hpx build r.rcp
    run 0 hpx show "$(key_of 1)"
    has out 'stopped     after epoch 3, which answers for later ones: no progress'
    run 0 hpx build r.rcp
    has err 'nothing to train'
    run 0 hpx verify
}

test_checkpoint() {
    local key
    write_recipe 1
    cat >train.sh <<'X'
mkdir -p "$HPX_OUT/model/parts"
echo "weights $1" >"$HPX_OUT/model/parts/w"
printf '{"epoch": 1, "score": 1, "checkpoint": "model"}\n' >>"$HPX_METRICS"
X
    run 0 hpx build r.rcp -q
    key=$(key_of 2)
    run 0 hpx export --checkpoint "$key" files
    equal "$(cat files/model/parts/w)" 'weights 2'
    complains 1 'File exists' hpx export --checkpoint "$key" files
    complains 2 '--checkpoint takes a key' hpx export --checkpoint "$key"
    run 1 hpx gc --max-size 0
    complains 1 'no checkpoint of it is stored' hpx export --checkpoint "$key" others
    [[ ! -e others ]] || fail "a folder was made for nothing"
    # Trained again, alike: the result is as before, and its checkpoint is there again.
    run 0 hpx build -B r.rcp -q
    run 0 hpx export --checkpoint "$key" others
    run 0 hpx verify
}

test_replicates() {
    local key
    write_recipe 1 'repeat = no' 'metrics = stdout'
    echo 'echo "score=$(cat '"$PWD"'/number)"' >train.sh
    echo 1 >number
    run 0 hpx build r.rcp -q
    for number in 3 5; do
        echo $number >number
        run 0 hpx build -B r.rcp
        has out '1.0000' # the first one's score remains
    done
    key=$(key_of 1)
    run 0 hpx show "$key"
    has out 'replicates: later runs, beside the first, whose score counts'
    grep -Eq '^score +3 +3\.0000 +2\.0000 +1\.0000 +5\.0000' out || fail 'the spread is not shown'
    run 0 hpx show "$key" --json
    is '.replicates | length' 2
    is '.conflicts | length' 0
    run 0 hpx verify
}

test_differs() {
    write_recipe 1 'metrics = stdout'
    echo 'echo "score=$(cat '"$PWD"'/number) step_seconds=$(cat '"$PWD"'/number)"' >train.sh
    echo 1 >number
    run 0 hpx build r.rcp -q
    echo 2 >number
    run 12 hpx build -B r.rcp
    has err 'trained again with score 2, and 1 before (1 apart)'
    sed -i 's/metrics = stdout/metrics = stdout\n  repeat = within 1/' r.rcp
    run 0 hpx build r.rcp -q # another machine need not be the same one now: it is another key
    run 0 hpx build -B r.rcp -q
    echo 3 >number
    run 0 hpx build -B r.rcp -q
    echo 4 >number
    run 12 hpx build -B r.rcp -q
}

test_bundles() {
    local key logs
    write_recipe 1 'metrics = stdout'
    printf 'echo secret\necho score=$1\n' >train.sh
    run 0 hpx build r.rcp -q
    key=$(key_of 1)
    for logs in '' --logs; do
        run 0 hpx export $logs --all -o "all$logs.hpxb"
        run 0 hpx import --store "other$logs" "all$logs.hpxb"
        run 0 hpx show --store "other$logs" "$key"
        has out 'run.repeat'
        run 0 hpx verify --store "other$logs"
    done
    ! grep -q secret all.hpxb || fail 'a bundle has a log that was not asked for'
    complains 1 'no log is stored of it' hpx show --log --store other "$key"
    run 0 hpx show --log --store other--logs "$key"
    has out secret
    run 0 hpx build --store other r.rcp
    has err 'nothing to train'
    run 2 hpx export --csv --logs
}

run_tests

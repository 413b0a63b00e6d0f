# Programs that continue prove it before anything relies on their checkpoints.
. "$(dirname "$0")/common.sh"

# The state grows by a rule, and the checkpoint has it. What a test wants otherwise it puts before the program's loop.
write_program() { # CONTINUE EPOCHS [LINE...]: of the statement
    cat >train.sh <<'X'
epoch=0 state=$1
[ -f before.sh ] && . ./before.sh
if [ -n "${HPX_RESUME-}" ]; then go_on; fi
echo "from $epoch to $HPX_EPOCHS" >>"$TRACE"
while [ $epoch -lt "$HPX_EPOCHS" ]; do
    epoch=$((epoch + 1))
    state=$(((state * 1103 + 12345) % 65536))
    echo "$epoch $state" >"$HPX_OUT/last$epoch"
    checkpoint=${take-last$epoch}
    echo "{\"epoch\": $epoch, \"score\": $state, \"checkpoint\": \"$checkpoint\"}" >>"$HPX_METRICS"
    sleep 0.15 # the checkpoint of a line is taken unless another line is there by then
done
X
    echo 'go_on() { read -r epoch state <"$HPX_RESUME/last$HPX_RESUME_EPOCH"; }' >before.sh
    cat >r.rcp <<X
program
  command  = sh train.sh \$n
  code     = train.sh before.sh
  env      = TRACE=$PWD/trace
  continue = $1
$(printf '  %s\n' "${@:3}")
train
  epochs = $2
  objective = maximise score
axis n = 1 2 3
search all
  method = grid
X
}

forgetful() { # its random state is not in the checkpoint
    echo 'go_on() { read -r epoch rest <"$HPX_RESUME/last$HPX_RESUME_EPOCH"; }' >before.sh
}

test_yes() {
    write_program yes 4
    run 0 hpx build r.rcp -j1
    equal "$(grep -c 'it continues: from epoch 1 to 2 as in one go' err)" 1 "proofs"
    # In one go, of one epoch, from its checkpoint; then the trial goes on, and the others run whole.
    equal "$(head -3 trace | tr '\n' ,)" 'from 0 to 2,from 0 to 1,from 1 to 2,'
    equal "$(tail -n +4 trace | sort | tr '\n' ,)" 'from 0 to 4,from 0 to 4,from 2 to 4,'
    equal "$(stored)" 3
    run 0 hpx build r.rcp epochs=6 -j1
    has_not err 'prove'
    run 0 hpx build r.rcp
    has err 'nothing to train'
    run 0 hpx verify
}

test_yes_forgetful() {
    write_program yes 4
    forgetful
    run 12 hpx build r.rcp
    has err 'it does not continue as it says: epoch 2: score'
    has err 'in one go'
    has err 'from the checkpoint of epoch 1; usual causes: the order of the data begins anew'
    equal "$(wc -l <trace)" 3
    run 12 hpx build r.rcp -k -j2
    run 0 hpx verify # what is stored was trained in one go
}

# Its number of epochs decides what it does in the first.
test_yes_schedule() {
    write_program yes 4
    echo 'state=$((state + HPX_EPOCHS))' >>before.sh
    run 12 hpx build r.rcp
    has err 'epoch 1: score'
    has err 'say `continue = resume`'
    sed -i 's/continue = yes/continue = resume/' r.rcp
    run 0 hpx build r.rcp
    has err 'it continues: from epoch 1 to 2 as in one go'
}

test_resume() {
    write_program resume 4
    run 0 hpx build r.rcp -j1
    has err 'it continues: from epoch 1 to 2 as in one go'
    equal "$(tr '\n' , <trace)" 'from 0 to 2,from 1 to 2,from 0 to 4,from 0 to 4,from 0 to 4,'
    equal "$(stored)" 4 # the two epochs in one go are a result as any other
}

test_resume_forgetful() {
    write_program resume 4
    forgetful
    run 12 hpx build r.rcp
    has err 'it does not continue as it says: epoch 2: score'
}

# Begins from the start although it is given a checkpoint.
test_ignores_its_checkpoint() {
    write_program resume 3
    echo 'go_on() { :; }' >before.sh
    run 12 hpx build r.rcp
    has err 'it does not continue as it says: the checkpoint of epoch 1: '
}

# A checkpoint every third epoch: the first from which there is something to go on is in the run of 4.
test_resume_later() {
    write_program resume 8
    sed -i 's/checkpoint=${take-last$epoch}/if [ $((epoch % 3)) = 0 ]; then checkpoint=last$epoch; else checkpoint=none; fi/' train.sh
    run 0 hpx build r.rcp -j1
    has err 'it continues: from epoch 3 to 4 as in one go'
    equal "$(head -3 trace | tr '\n' ,)" 'from 0 to 2,from 0 to 4,from 3 to 4,'
}

test_nothing_to_resume_from() {
    write_program resume 3
    echo 'take=none' >>before.sh
    run 0 hpx build r.rcp -j1
    has err 'there is nothing to resume from'
    equal "$(grep -c 'nothing to resume from' err)" 1
    run 0 hpx build r.rcp
    has err 'nothing to train'
}

test_one_epoch() {
    write_program yes 1
    forgetful
    run 0 hpx build r.rcp
    equal "$(wc -l <trace)" 3
}

test_no_repeat() {
    write_program yes 3 'repeat = no'
    run 2 hpx build r.rcp
    [[ ! -e trace ]] || fail "something was run"
}

test_within() {
    write_program yes 3 'repeat = within 65536'
    forgetful
    run 0 hpx build r.rcp
    has err 'it continues'
    sed -i 's/within 65536/within 1/' r.rcp
    run 12 hpx build r.rcp epochs=4
}

test_each_word() {
    write_program yes 3
    sed -i 's/^axis n = .*/axis n = 1 2\naxis mode = fast slow/; s/sh train.sh $n/sh train.sh $n $mode/' r.rcp
    run 0 hpx build r.rcp -j2
    equal "$(grep -c 'it continues: from' err)" 2 "proofs"
    # Another word is another question, and what has been proved is not asked again.
    sed -i 's/fast slow/fast slow careful/' r.rcp
    run 0 hpx build r.rcp -j2
    equal "$(grep -c 'it continues: from' err)" 1 "proofs"
    has err 'mode=careful: it continues'
    # An edit of the code is, too.
    echo '# a comment' >>train.sh
    run 0 hpx build r.rcp -j2
    equal "$(grep -c 'it continues: from' err)" 3 "proofs"
}

test_word_that_forgets() {
    write_program yes 3
    sed -i 's/^axis n = .*/axis n = 1 2\naxis mode = fast slow/; s/sh train.sh $n/sh train.sh $n $mode/' r.rcp
    # shellcheck disable=SC2016
    echo 'if [ "$2" = slow ]; then go_on() { read -r epoch rest <"$HPX_RESUME/last$HPX_RESUME_EPOCH"; }; fi' >>before.sh
    run 12 hpx build r.rcp -j1
    has err 'mode=fast: it continues'
    has err 'mode=slow: it does not continue as it says'
}

test_failed_trial_proves_nothing() {
    write_program yes 3
    # shellcheck disable=SC2016
    echo '[ "$1" = 1 ] && echo "{\"failed\": \"diverged\"}" >>"$HPX_METRICS" && exit 0' >>before.sh
    run 0 hpx build r.rcp -j1
    has err 'n=1: epoch 1: diverged'
    equal "$(grep -c 'it continues: from' err)" 1 "proofs"
}

test_accident() {
    write_program yes 3
    # shellcheck disable=SC2016
    echo 'go_on() { echo "cannot load" >&2; exit 3; }' >before.sh
    run 1 hpx build r.rcp -j1
    has err 'in the run from a checkpoint that is to prove that it continues'
    has err 'exit code 3'
}

test_plan() {
    write_program yes 3
    run 0 hpx plan r.rcp
    has out '1 trial is first to prove that its program continues.'
    run 0 hpx build r.rcp -q
    run 0 hpx plan r.rcp epochs=5
    has_not out 'to prove'
}

run_tests

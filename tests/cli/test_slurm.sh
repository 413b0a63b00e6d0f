#!/bin/bash
# Builds whose workers Slurm places, on a real Slurm of two nodes on this machine.
source "$(dirname "$0")/common.sh"
source "$SOURCE_ROOT/tests/helper/slurm.sh"
source "$SOURCE_ROOT/tests/helper/shared.sh"

missing=$(slurm_needs | paste -sd ' ')
if [[ -n $missing ]]; then
    echo "skipped: needs $missing"
    exit 0
fi
trap 'slurm_stop; rm -rf "$scratch"' EXIT
chmod 0755 "$scratch" # munge looks at the folders above its socket
slurm_start "$scratch/slurm" || {
    tail -3 "$scratch"/slurm/*.log "$scratch"/slurm/*.out
    echo 'Slurm does not start'
    exit 1
}
unset XDG_CONFIG_HOME
export HOME=$scratch/home

grid() { # EPOCHS
    recipe grid.rcp "epochs = $1" 'seeds = 1 2' <<<$'axis n1 = 8 16\naxis n2 = 4 8\nsearch all\n  method = grid'
}

slow() { # TRIALS SECONDS: a program that says every SECONDS how far it is
    printf '%s\n' program '  command = sh train.sh $n' '  code = train.sh' '  metrics = stdout' '  pass = FOLDER' train \
        '  epochs = 6' '  objective = maximise score' "axis n = linear 1..$1 step 1" 'search all' '  method = grid' >slow.rcp
    echo 'for e in 1 2 3 4 5 6; do echo "$1 $e" >>"$FOLDER/run"; echo "epoch=$e score=$1$e"; sleep '"$2"'; done' >train.sh
    export FOLDER=$PWD
}

no_jobs() {
    [[ -z $(squeue -h) ]]
}

pools() { # what is left of pools
    ls "$HPX_SCRATCH/pools" 2>/dev/null | grep -v '\.lock$'
}

on_slurm() { # OPTION...
    hpx build --executor slurm -j 2 "$@"
}

test_equals_local() {
    grid 3
    run 0 hpx build --store here grid.rcp
    run 0 on_slurm --json grid.rcp
    is '.searches[0].trials.train' 8
    results here >here.txt
    results "$HPX_STORE" >there.txt
    same_files here.txt there.txt
    equal "$(pools)" '' 'what is left'
    run 0 on_slurm grid.rcp
    has err 'nothing to train'
    recipe grid.rcp 'epochs = 5' 'seeds = 1 2' <<<$'axis n1 = 8 16\naxis n2 = 4 8\nsearch all\n  method = grid'
    run 0 on_slurm --json grid.rcp
    is '.searches[0].trials.extend' 8
    run 0 hpx build --store here grid.rcp
    results here >here.txt
    results "$HPX_STORE" >there.txt
    same_files here.txt there.txt
}

test_submission() {
    grid 1
    run 0 on_slurm -n grid.rcp -- --partition=main --time=10
    has out 'sbatch --parsable --array=0-1'
    has out '--partition=main --time=10'
    has out " worker '"
    complains 2 '--array is an option of sbatch that hpx sets itself' on_slurm grid.rcp -- --array=1-9
    complains 2 'say with -j how many workers' hpx build --executor slurm grid.rcp
    complains 2 'expected slurm or local' hpx build --executor pbs grid.rcp
    mkdir -p "$HOME/.config/hpx"
    printf '# mine\n\nexecutor = slurm --partition=main\n' >"$HOME/.config/hpx/config"
    run 0 hpx build -n -j 2 grid.rcp
    has out '--partition=main'
    run 0 hpx build -n -j 2 --executor local grid.rcp
    has_not out sbatch
    echo 'executor = pbs' >"$HOME/.config/hpx/config"
    complains 2 "there is no executor 'pbs'" hpx build -j 2 grid.rcp
    printf '# mine\nexecutor =\n' >"$HOME/.config/hpx/config"
    complains 2 "config:2: expected 'executor = local'" hpx build -j 2 grid.rcp
    printf 'executor = pbs\nexecutor = local\n' >"$HOME/.config/hpx/config" # the last one counts
    run 0 hpx build -n -j 2 grid.rcp
    rm -r "$HOME/.config"
}

# A program sees nothing of the scheduler that runs its worker.
test_environment() {
    printf '%s\n' program '  command = sh train.sh $n' '  code = train.sh' '  metrics = stdout' train \
        '  objective = maximise score' 'axis n = 1 2' 'search all' '  method = grid' >a.rcp
    echo 'env | grep -E "^(SLURM|SRUN|PMI)" | sed s/=/:/; echo score=$(env | grep -cE "^(SLURM|SRUN|PMI)")' >train.sh
    run 0 on_slurm --json a.rcp
    run 0 hpx ls --json
    is '[.[].metrics.score] | unique' '[0]'
}

# GPUs are the nodes': the machine that hpx runs on need not have any.
test_gpus() {
    program_recipe a.rcp '$n' 'echo "score=$1$CUDA_VISIBLE_DEVICES"' 'objective = maximise score' <<<$'axis n = 1 2\nsearch all\n  method = grid'
    sed -i 's/^  metrics.*/&\n  gpus = 1/' a.rcp
    mkdir bin
    cat >bin/sbatch <<SH
#!/bin/bash
echo "\$@" >asked
HPX_GPUS=7 exec $(command -v sbatch) "\${@/--gpus-per-task=1/--gpus=0}"
SH
    chmod +x bin/sbatch
    HPX_GPUS= PATH="$PWD/bin:$PATH" run 0 on_slurm --json a.rcp
    has asked '--gpus-per-task=1'
    is '.searches[0].score' 27
}

test_refused_by_slurm() {
    grid 1
    run 1 timeout 60 "$HPX" build --executor slurm -j 2 grid.rcp -- --partition=none
    has err 'invalid partition'
    poll no_jobs
}

# More workers than an array takes are placed by several; where one is refused, the others are taken back.
test_refused_in_part() {
    grid 1
    mkdir bin
    printf '#!/bin/sh\necho >>calls\n[ $(($(wc -l <calls) %% 2)) = 1 ] && echo 1234 || { echo too many; exit 1; }\n' >bin/sbatch
    printf '#!/bin/sh\necho "$@" >>cancelled\n' >bin/scancel
    chmod +x bin/*
    PATH="$PWD/bin:$PATH" "$HPX" build --executor slurm -j 1001 grid.rcp >out 2>err &
    local build=$!
    poll grep -qx 1234 cancelled
    kill -INT $build
    wait $build
    equal $? 130 'exit code'
}

# Workers that cannot begin are not asked for for ever; what they have printed is the reason.
test_worker_without_program() {
    grid 1
    mkdir bin
    printf '#!/bin/sh\nsed "s|^[^[]* worker .*|(echo no such library; exit 9) \\&|" | %s "$@"\n' "$(command -v sbatch)" >bin/sbatch
    chmod +x bin/sbatch
    run 1 timeout 60 env PATH="$PWD/bin:$PATH" "$HPX" build --executor slurm -j 2 grid.rcp
    has err 'workers end in their first minute: its worker ended with exit code 9: no such library'
    poll no_jobs
}

# A worker that is killed is replaced; its trial goes on from its newest epoch.
test_worker_killed() {
    slow 3 0.5
    on_slurm --json slow.rcp >out 2>err &
    local build=$!
    poll grep -q '1 2' run
    pkill -9 -f "hpx worker $HPX_SCRATCH/pools.*-0" || fail 'there is no worker'
    wait $build || fail "the build ended with $?"
    is '.searches[0].trials | [.train, .failed]' '[3,0]'
    is '.searches[0].score' 36
    has err 'it goes on elsewhere'
}

# A warning, as Slurm gives before the end of a worker's time: it ends its epoch and goes, and another goes on.
test_warning() {
    slow 2 0.5
    "$HPX" build --executor slurm -j 1 --json slow.rcp >out 2>err &
    local build=$!
    poll grep -q '1 2' run
    scancel --batch --signal=TERM "$(squeue -h -o %A | head -1)"
    wait $build || fail "the build ended with $?"
    is '.searches[0].score' 26
    has err 'it was told to go; it goes on elsewhere'
}

# A trial that has lost three workers over an epoch is the accident itself.
test_deadly_trial() {
    slow 1 0.1
    echo 'kill -9 $(pgrep -f "worker .*/pools/[^ ]* ")' >>train.sh
    run 1 timeout 300 "$HPX" build --executor slurm -j 1 slow.rcp
    equal "$(grep -c 'goes on elsewhere' err)" 2 'times that it went on'
    has err '1 of 1 trials failed'
}

has_more_epochs() { # THAN
    (($(hpx export --csv | wc -l) > $1))
}

# Nor how often workers are lost, as long as each brings it on: a long trial outlives many of them.
test_trial_of_many_workers() {
    recipe long.rcp 'epochs = 1500' <<<$'axis n1 = 8\naxis n2 = 4\nsearch all\n  method = grid'
    "$HPX" build --executor slurm -j 1 --json long.rcp >out 2>err &
    local build=$! epochs=1 killed
    for killed in 1 2 3; do
        poll has_more_epochs $epochs
        pkill -9 -f "hpx worker $HPX_SCRATCH/pools" || fail 'there is no worker'
        sleep 1 # what it has sent is stored
        epochs=$(hpx export --csv | wc -l)
    done
    wait $build || fail "the build ended with $?"
    equal "$(grep -c 'goes on elsewhere' err)" 3 'times that it went on'
    run 0 hpx build --store here long.rcp
    results here >here.txt
    results "$HPX_STORE" >there.txt
    same_files here.txt there.txt
}

# Workers keep their results until there is room for them. Both trials run by then: a job that cannot be written ends the build.
test_full_disk() {
    recipe grid.rcp 'epochs = 400' 'seeds = 1 2' <<<$'axis n1 = 8\naxis n2 = 4\nsearch all\n  method = grid'
    mkdir small
    mount -t tmpfs -o size=2m,mode=0755 tmpfs small || fail 'no tmpfs'
    HPX_SCRATCH=$PWD/small "$HPX" build --executor slurm -j 2 grid.rcp >out 2>err &
    local build=$!
    poll epochs_are_stored
    head -c 4m /dev/zero >small/filler 2>/dev/null
    sleep 3
    rm small/filler
    wait $build
    local code=$?
    umount -l small
    equal $code 0 'exit code'
    run 0 hpx build --store here grid.rcp
    results here >here.txt
    results "$HPX_STORE" >there.txt
    same_files here.txt there.txt
}

# A node that is suspended is silent: others take its trial; what it says later does no harm.
test_node_suspended() {
    slow 2 1
    on_slurm --json slow.rcp >out 2>err &
    local build=$! worker
    poll grep -q '1 2' run
    mapfile -t worker < <(pgrep -f "$HPX_SCRATCH/pools.*-0\$")
    ((${#worker[@]} > 0)) || fail 'there is no worker'
    kill -STOP "${worker[@]}"
    sleep 22
    kill -CONT "${worker[@]}"
    wait $build || fail "the build ended with $?"
    is '.searches[0].trials | [.train, .failed]' '[2,0]'
    is '.searches[0].score' 26
}

# hpx dies: workers end what they are at; the next build takes over them and what they have written.
test_owner_killed() {
    slow 4 0.4
    "$HPX" build --executor slurm -j 2 slow.rcp >out 2>err &
    local build=$!
    poll grep -q '1 2' run
    run 1 on_slurm slow.rcp
    has err 'another build of this store has its workers'
    kill -9 $build
    wait $build 2>/dev/null
    poll grep -q '1 6' run
    run 0 on_slurm --json slow.rcp
    is '.searches[0].score' 46
    equal "$(sort run | uniq -d)" '' 'epochs that were trained twice'
    poll no_jobs
    equal "$(pools)" '' 'what is left'
}

epochs_are_stored() {
    (($(hpx export --csv | wc -l) > 5))
}

# Ctrl-C takes the workers back; the next build goes on from what they had finished, and ends where an undisturbed one does.
test_interrupted() {
    grid 60
    "$HPX" build --executor slurm -j 2 grid.rcp >out 2>err &
    local build=$!
    poll epochs_are_stored
    kill -INT $build
    wait $build
    equal $? 130 'exit code'
    poll no_jobs
    equal "$(pools)" '' 'what is left'
    run 0 on_slurm grid.rcp
    run 0 hpx build --store here grid.rcp
    results here >here.txt
    results "$HPX_STORE" >there.txt
    same_files here.txt there.txt
}

# Who may write there runs code as this user.
test_pool_of_others() {
    grid 1
    run 0 on_slurm -n grid.rcp
    local pool
    pool=$(sed -n "s/.* worker '\(.*\)' .*/\1/p" out)
    mkdir -p "$pool"
    chmod 0770 "$pool"
    run 1 on_slurm grid.rcp
    has err 'who writes there runs code as you'
    chmod 0700 "$pool"
    run 0 on_slurm grid.rcp
}

# What two nodes have trained, a machine with another store takes, and trains nothing; one that trusts no key takes nothing.
test_shared_store() {
    grid 3
    mkdir team
    new_key alice
    trust bob alice
    run 0 as alice hpx build --executor slurm -j 2 grid.rcp --remote team --push --json
    is .shared.pushed 8
    run 0 as bob hpx build grid.rcp --store bob --remote team --json
    is '.searches[0].trials' '{"hit":8,"extend":0,"train":0,"failed":0}'
    run 0 as carol hpx build grid.rcp --store carol --remote team --json
    is '.searches[0].trials.train' 8
    equal "$(results bob)" "$(results "$HPX_STORE")" 'what was taken'
    equal "$(results carol)" "$(results bob)" 'what was trained'
    # And the other way round: nodes train only what nobody has.
    run 0 as bob hpx build --executor slurm -j 2 grid.rcp 'axis.n1=8 16 32' --store third --remote team --json
    is '.searches[0].trials' '{"hit":8,"extend":0,"train":4,"failed":0}'
}

run_tests "$@"

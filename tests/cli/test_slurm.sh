#!/bin/bash
# Builds whose workers Slurm places, on a real Slurm of two nodes on this machine.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/own_slurm.sh"
. "$SOURCE_ROOT/tests/helper/shared.sh"

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
    equals_local grid.rcp
}

test_submission() {
    grid 1
    run 0 on_slurm -n grid.rcp -- --partition=main --time=10
    has out 'sbatch --parsable --array=0-1'
    has out '--partition=main --time=10'
    has out " worker '"
    run 0 env HPX_SCRATCH="$PWD/a b 5%a" "$HPX" build --executor slurm -j 2 -n grid.rcp
    has out "'--output=$PWD/a b 5%%a/pools/"
    run 0 env HPX_SCRATCH="$PWD/a b 5%a" "$HPX" build --executor slurm -j 2 --store elsewhere grid.rcp
    complains 2 '--array is an option of sbatch that hpx sets itself' on_slurm grid.rcp -- --array=1-9
    complains 2 'say with -j how many workers' hpx build --executor slurm grid.rcp
    complains 2 'expected slurm or local' hpx build --executor pbs grid.rcp
    mkdir -p "$HOME/.config/hpx"
    printf '# mine\n\nexecutor = slurm --partition=main\n' >"$HOME/.config/hpx/config"
    run 0 hpx build -n -j 2 grid.rcp
    has out '--partition=main'
    run 0 hpx build -n -j 2 --executor local grid.rcp
    has_not out sbatch
    echo "executor = slurm '--comment=a \"b\"'  --constraint=\"x|y\" --account=my\\ lab" >"$HOME/.config/hpx/config"
    run 0 hpx build -n -j 2 grid.rcp
    has out " '--comment=a \"b\"' '--constraint=x|y' '--account=my lab'"
    echo 'executor = slurm "--comment=a b' >"$HOME/.config/hpx/config"
    complains 2 'config:1: a quote is not closed: "' hpx build -j 2 grid.rcp
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
    equals_local grid.rcp
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

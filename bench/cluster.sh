# A pool of workers. A thousand of them that are played, and 100,000 no-op trials (bench/cluster.c): in memory, and half of
# them on a disk (DISK, /var/tmp). On a real Slurm of two nodes of one core, which this starts: 100 trials that print a number; a
# part of the paper's table in turns with -j2 on this machine, SAMPLES a cell and EPOCHS of them.
#   CLUSTER_TRIALS=10000 gives an impression of the first; without Slurm, or not as root, the first is all.
source "$(dirname "$0")/common.sh"
prepare_builds
make --no-print-directory BUILD="$BUILD" "$BUILD/bench/cluster" >&2
repository=$PWD
source tests/helper/slurm.sh

played() { # CASE FOLDER TRIALS
    local place
    place=$(mktemp -d -p "$2")
    "$BUILD/bench/cluster" 1000 "$3" "$place" | sed "s/^cluster,/&$1 /"
    rm -rf "$place"
}
if [[ -w /dev/shm ]]; then
    played 'in memory:' /dev/shm "${CLUSTER_TRIALS:-100000}"
fi
played 'on a disk:' "${DISK:-/var/tmp}" $((${CLUSTER_TRIALS:-100000} / 2))

if [[ -n $(slurm_needs) ]]; then
    echo "Slurm is not measured: it needs $(slurm_needs | paste -sd ' ')" >&2
    exit 0
fi
trap 'slurm_stop 2>/dev/null || true; rm -rf "$folder"' EXIT
chmod 0755 "$folder"
slurm_start "$folder/slurm" >&2
export HOME=$folder/home HPX_SCRATCH=$folder/scratch OPENBLAS_NUM_THREADS=1
HPX_DATA=$(realpath "$HPX_DATA")
cd "$folder"

seconds() { # COMMAND...: it takes
    local start
    start=$(date +%s%N)
    "$@" >out 2>&1 || { cat out >&2 && exit 1; }
    echo $(($(date +%s%N) - start)) | awk '{ print $1 / 1e9 }'
}

build() { # RECIPE OPTION...: into a new store
    rm -rf store
    "$BUILD/hpx" build -q --store store "$@"
}

nobody() {
    [[ -z $(squeue -h) ]]
}

row() { # CASE FIGURE VALUE UNIT [TARGET]
    local met=
    [[ $# -lt 5 ]] || met=$(awk -v v="$3" -v t="${5#<=}" 'BEGIN { print v <= t ? "yes" : "no" }')
    echo "cluster,$1,$2,$3,$4,${5-},$met"
}

printf '%s\n' program '  command = sh print.sh $n' '  code = print.sh' '  metrics = stdout' train '  objective = maximise score' \
    'axis n = linear 1..100 step 1' 'search all' '  method = grid' >print.rcp
echo 'echo score=$1' >print.sh
for ((round = 0; round < ${ROUNDS:-5}; round++)); do
    sleep 4 # Slurm places batch jobs every three seconds at the most (batch_sched_delay); it has been idle for so long
    seconds build print.rcp --executor slurm -j 2 >>print.slurm
    wait_until 30 nobody
    seconds build print.rcp -j 2 >>print.local
done
row '100 no-op trials' 'two Slurm nodes' "$(median <print.slurm)" s '<=3'
row '100 no-op trials' '-j 2 on this machine' "$(median <print.local)" s

# Of the table all cells up to (512, 512), and the longest first as in the whole.
cat "$repository/recipes/mnist.rcp" >table.rcp
printf '%s\n' 'search all' '  method = grid' >>table.rcp
words=(take="${SAMPLES:-60000}" epochs="${EPOCHS:-1}" n1='log2 16..512' n2='log2 16..512')
for ((round = 0; round < ${ROUNDS:-3}; round++)); do
    slurm=$(seconds build table.rcp "${words[@]}" --executor slurm -j 2)
    wait_until 30 nobody
    local=$(seconds build table.rcp "${words[@]}" -j 2)
    echo "the table: Slurm $slurm s, -j 2 $local s" >&2
    awk -v a="$slurm" -v b="$local" 'BEGIN { print a / b }' >>table.ratios
done
row '36 cells of the table' 'two Slurm nodes over -j 2' "$(median <table.ratios)" ratio '<=1.1'

# Programs as trainers, beside what runs them without a store: 200 trials of `sh -c 'echo score=1'` at two at once, in a store and a
# scratch folder in memory and on a disk, beside xargs, make and, where it is installed, Snakemake; a build that finds 1,000 results
# of a program with 1,000 files; a checkpoint of 1 GiB (BLOB_BYTES), saved and loaded by a trial, beside cp and sync.
# DISK is a folder on a disk (/var/tmp).
source bench/common.sh
make -s BUILD="$BUILD" "$BUILD/hpx" "$BUILD/bench/spawn" >&2
memory=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
disk=$(mktemp -d "${DISK:-/var/tmp}/hpx-program-XXXXXX")
trap 'rm -rf "$memory" "$disk"' EXIT

row() { # CASE FIGURE VALUE UNIT [OPERATOR TARGET]
    local met=
    [[ $# -lt 6 ]] || met=$(awk -v v="$3" -v t="$6" -v o="$5" 'BEGIN { print (o == ">=" ? v >= t : v <= t) ? "yes" : "no" }')
    echo "program,$1,$2,$3,$4,${5-}${6-},$met"
}

ms() { # COMMAND...: it takes
    local start
    start=$(date +%s%N)
    "$@" >/dev/null 2>&1 || { echo "program: failed: $*" >&2 && exit 1; }
    echo $(($(date +%s%N) - start)) | awk '{ print $1 / 1e6 }'
}

ratio() { # A B
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

# --- 200 trials -----------------------------------------------------------------------------------------------------------

mkdir "$memory/trials"
cd "$memory/trials"
{
    printf '%s\n' program "  command = sh -c 'echo score=1'" '  metrics = stdout' train '  objective = maximise score'
    echo "axis a = $(seq -s' ' 200)"
    printf '%s\n' 'search all' '  method = grid'
} >echo.rcp
printf "all: \$(addprefix t,\$(shell seq 200))\nt%%:\n\t@sh -c 'echo score=1'\n.PHONY: all\n" >Makefile
printf 'rule all:\n    input: expand("out/{i}", i=range(200))\nrule one:\n    output: "out/{i}"\n    shell: "sh -c '"'echo score=1'"' >{output}"\n' >Snakefile

with_xargs() { seq 200 | xargs -P2 -I{} sh -c 'echo score=1'; }
with_make() { make -j2 -s; }
with_hpx() { # FOLDER
    rm -rf "$1/store" "$1/scratch"
    HPX_SCRATCH=$1/scratch "$BUILD/hpx" build -q -j2 --store "$1/store" echo.rcp
}
with_snakemake() {
    rm -rf out .snakemake
    snakemake -j2 -q
}

for ((round = 0; round < ${ROUNDS:-7}; round++)); do
    ms with_xargs >>xargs
    ms with_make >>make
    ms with_hpx "$memory" >>hpx
    ms with_hpx "$disk" >>hpx-disk
done
row '200 trials of echo' xargs "$(median <xargs)" ms
row '200 trials of echo' make "$(median <make)" ms
row '200 trials of echo' 'hpx in memory' "$(median <hpx)" ms
row '200 trials of echo' 'hpx in memory over xargs' "$(ratio "$(median <hpx)" "$(median <xargs)")" times '<=' 3
row '200 trials of echo' 'hpx on a disk' "$(median <hpx-disk)" ms
if command -v snakemake >/dev/null; then
    row '200 trials of echo' snakemake "$(ms with_snakemake)" ms
fi

# --- nothing to do ----------------------------------------------------------------------------------------------------------

mkdir -p "$memory/stored/src"
cd "$memory/stored"
git init -q .
for ((i = 0; i < 1000; i++)); do
    echo "# file $i" >"src/$i.py"
done
git add -A
git -c user.name=bench -c user.email=bench@example.org commit -qm all
sed "s/^  metrics/  code    = src\/\n  metrics/; s/^axis.*/axis a = $(seq -s' ' 1000)/" "$memory/trials/echo.rcp" >stored.rcp
export HPX_SCRATCH=$memory/scratch
"$BUILD/hpx" build -q -j2 --store "$memory/stored-store" stored.rcp >/dev/null
mapfile -t times < <("$BUILD/bench/spawn" 31 "$BUILD/hpx" build stored.rcp --store "$memory/stored-store" | cut -d' ' -f1)
row 'build of 1000 stored trials of 1000 files' 'wall time' "${times[0]}" ms '<=' 30

# --- a large checkpoint -----------------------------------------------------------------------------------------------------

bytes=${BLOB_BYTES:-$((1 << 30))}
if (($(df --output=avail -B1 "$disk" | tail -1) < 8 * bytes)); then
    echo "program: no room in $disk for checkpoints; set DISK or BLOB_BYTES" >&2
    exit
fi
mkdir "$disk/large"
cd "$disk/large"
cat >train.sh <<'X'
#!/bin/sh
# Epoch 1 writes a checkpoint and epoch 2 wants it; how long it took itself goes to the file beside the recipe.
if [ -n "${HPX_RESUME-}" ]; then
    [ "$(stat -c %s "$HPX_RESUME/large")" = "$BYTES" ] || exit 4
fi
for e in $(seq $((${HPX_RESUME_EPOCH-0} + 1)) "$HPX_EPOCHS"); do
    if [ "$e" = 1 ]; then ln "$SOURCE" "$HPX_OUT/large" 2>/dev/null || cp "$SOURCE" "$HPX_OUT/large"; set -- ', "checkpoint": "large"'; else set -- ''; fi
    echo "{\"epoch\": $e, \"score\": 1$1}" >>"$HPX_METRICS"
done
X
chmod +x train.sh
printf '%s\n' program '  command = ./train.sh' '  code = train.sh' "  env = SOURCE=$disk/source BYTES=$bytes" '  continue = resume' '  repeat = within 0' \
    train '  objective = maximise score' '  epochs = 1' 'axis a = 1' 'search all' '  method = grid' >large.rcp
head -c "$bytes" /dev/urandom >"$disk/source"
export HPX_SCRATCH=$disk/scratch
copy() {
    cp --reflink=auto "$disk/source" "$disk/copy"
    sync "$disk/copy"
}
for round in 1 2 3; do
    rm -rf "$disk/copy" "$disk/store"
    ms copy >>copy.ms
    ms "$BUILD/hpx" build -q --store "$disk/store" large.rcp >>put.ms
    key=$("$BUILD/hpx" ls --json --store "$disk/store" large.rcp | jq -r '.[0].key')
    rm -rf out
    ms "$BUILD/hpx" export --store "$disk/store" --checkpoint "$key" out >>get.ms
    cmp -s "$disk/source" out/large || { echo 'program: other bytes came out' >&2 && exit 1; }
done
size=$(awk -v b="$bytes" 'BEGIN { printf "%g MiB", b / 1048576 }')
row "a checkpoint of $size" 'cp and sync' "$(median <copy.ms)" ms
row "a checkpoint of $size" 'a trial over cp and sync' "$(ratio "$(median <put.ms)" "$(median <copy.ms)")" times '<=' 2
row "a checkpoint of $size" 'export over cp and sync' "$(ratio "$(median <get.ms)" "$(median <copy.ms)")" times '<=' 2

# A file system of 2 to 64 MiB filled by builds until it is full: "disk full", exit code 1, what was stored before is
# there and equal, nothing ends by a signal, and with more room the build goes on.
# SIZE is the number of sizes.
source "$(dirname "$0")/common.sh"

[[ $(id -u) == 0 ]] || skip 'only root can mount a tmpfs'
mkdir "$scratch/probe"
mount -t tmpfs -o size=1m hpx-fault "$scratch/probe" 2>/dev/null || skip 'no tmpfs can be mounted here'
umount "$scratch/probe"
SIZE=${SIZE:-16}

clean_up() {
    local folder
    for folder in "$scratch"/disk-*; do
        umount "$folder" 2>/dev/null
    done
    rm -rf "$scratch"
}

rows() { # STORE
    "$HPX" export --csv --store "$1" 2>/dev/null | sed -E 's/,[^,]*,([^,]*)$/,\1/' | sort
}

run_hpx() { # WHAT ALLOWED-CODES COMMAND...: its output in $disk.out and $disk.err
    local label=$1 allowed=$2 code=0
    shift 2
    timeout 300 "$HPX" "$@" >"$disk.out" 2>"$disk.err" || code=$?
    [[ " $allowed " == *" $code "* ]] && return
    if is_crash "$code"; then
        bad crash "$label: exit code $code: $(cat "$disk.err")"
    else
        bad wrong "$label: exit code $code: $(cat "$disk.err")"
    fi
}

fill() { # NUMBER
    local kib=$((2048 + ($1 - 1) * (65536 - 2048) / (SIZE > 1 ? SIZE - 1 : 1)))
    local disk=$scratch/disk-$1 store=$scratch/disk-$1/store what="$kib KiB" before after
    mkdir "$disk"
    mount -t tmpfs -o size="${kib}k" hpx-fault "$disk" || { bad wrong "$what: mount" && return; }
    # A checkpoint is about 828 bytes for each unit: so a dozen of them fill it.
    recipe "$disk.recipe" 'epochs = 2' 'seeds = 1..16' <<<"axis n1 = $((kib * 1024 / 12 / 828))
search all
  method = grid"
    run_hpx "$what: a first build" 0 build "$scratch/recipe" --store "$store" -q
    before=$(rows "$store")
    [[ $(wc -l <<<"$before") -gt 4 ]] || bad wrong "$what: the first build stored nothing"
    run_hpx "$what: the build that fills it" 1 build "$disk.recipe" --store "$store" -j 1 -q
    grep -q 'disk full' "$disk.err" || bad wrong "$what: no word of a full disk: $(cat "$disk.err")"
    verify "$store" "$what, full"
    after=$(rows "$store")
    [[ -z $(comm -23 <(echo "$before") <(echo "$after")) ]] || bad lost "$what: results of the first build"
    [[ $(wc -l <<<"$after") -gt $(wc -l <<<"$before") ]] || bad wrong "$what: it was full from the start"

    # To the last byte, and without the lock file, whose pages are written through a map.
    rm "$store/hpx.mdb-lock"
    head -c $((kib * 1024)) /dev/zero >"$disk/rest" 2>/dev/null
    run_hpx "$what: ls, no byte left" '0 1' ls --store "$store"
    run_hpx "$what: verify, no byte left" '0 1' verify --store "$store"
    run_hpx "$what: a build, no byte left" 1 build "$disk.recipe" --store "$store" -j 1 -q
    grep -q 'disk full\|No space left' "$disk.err" || bad wrong "$what: no word of a full disk: $(cat "$disk.err")"
    run_hpx "$what: a new store, no byte left" 1 build "$scratch/recipe" --store "$disk/new" -q
    rm "$disk/rest"

    mount -o remount,size="$((kib * 4 + 4096))k" "$disk"
    run_hpx "$what: with more room" 0 build "$disk.recipe" --store "$store" -j 1 -q
    run_hpx "$what: the new store with more room" 0 build "$scratch/recipe" --store "$disk/new" -q
    verify "$store" "$what, with more room"
    [[ -z $(comm -23 <(echo "$after") <(rows "$store")) ]] || bad lost "$what: results of the build that filled it"
    umount "$disk" || bad crash "$what: something still uses the store"
    rm -rf "$disk" "$disk".*
}

make_data "$scratch/data"
recipe "$scratch/recipe" 'epochs = 2' 'seeds = 1 2' <<'EOR'
axis n1 = 8 16
search all
  method = grid
EOR
in_lanes "$SIZE" fill
result "$SIZE"

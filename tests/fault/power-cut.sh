# An ext4 file system on a loop device is cut off while results are put on it: shut down without a flush of its journal,
# unmounted and mounted again, which replays the journal. Every result that was acknowledged before the cut is there and
# equal. (What a device that lies about its own cache would do is not tested.)
# SIZE is the number of cuts.
source "$(dirname "$0")/common.sh"
need mkfs.ext4 e2fsprogs
need losetup mount

SIZE=${SIZE:-5}
[[ $(id -u) == 0 ]] || skip 'only root can mount an ext4 image'
disk=$scratch/disk image=$scratch/image
mkdir "$disk"
clean_up() {
    umount "$disk" 2>/dev/null
    rm -rf "$scratch"
}

make_file_system() {
    rm -f "$image"
    truncate -s 1G "$image"
    mkfs.ext4 -q -F "$image" && mount -o loop "$image" "$disk"
}

make_file_system 2>/dev/null || skip 'no loop device can be mounted here'
acknowledged=0
for ((n = 1; n <= SIZE; n++)); do
    store=$disk/store what="cut $n"
    size=$((RANDOM % 3 == 0 ? 1300000 : 1 + RANDOM % 20000))
    # Now and then a new file system, so that the making of a store is cut too.
    if ((n % 4 == 1)) && [[ $n != 1 ]]; then
        umount "$disk"
        make_file_system || bad crash "$what: no new file system"
    fi
    first=$((n * 100000))
    "$FAULT/fault_store" fill "$store" $size $first >"$scratch/out" 2>"$scratch/err" &
    putter=$!
    sleep_ms $((RANDOM % 400))
    "$FAULT/fault_cut" "$disk" || bad crash "$what: the file system cannot be shut down"
    # What is acknowledged after the cut counts too: the put should have failed instead.
    code=0
    wait $putter || code=$?
    [[ $code == 1 ]] || bad crash "$what: the putting process ended with exit code $code: $(cat "$scratch/err")"
    umount "$disk" || bad crash "$what: unmount"
    mount -o loop "$image" "$disk" || bad crash "$what: mount"
    mapfile -t puts < <(sed -n 's/^acknowledged \([0-9]*\) \([0-9]*\)$/\1:\2/p' "$scratch/out")
    acknowledged=$((acknowledged + ${#puts[@]}))
    if [[ ${#puts[@]} -gt 0 ]]; then
        "$FAULT/fault_store" check "$store" $size "${puts[@]}" >"$scratch/states" 2>&1
        missing=$(grep -vc '^whole' "$scratch/states")
        [[ $(wc -l <"$scratch/states") == "${#puts[@]}" && $missing == 0 ]] ||
            bad lost "$what: of ${#puts[@]} acknowledged: $(grep -v '^whole' "$scratch/states" | head -3)"
    fi
    if [[ -d $store ]]; then
        verify "$store" "$what"
        "$FAULT/fault_store" put "$store" $size "$((first - 1)):1" >/dev/null 2>"$scratch/err" ||
            bad lost "$what: nothing can be put any more: $(cat "$scratch/err")"
    fi
    (($(df --output=avail -k "$disk" | tail -1) > 500000)) || rm -rf "$store"
done
result "$SIZE" "$acknowledged results acknowledged before their cut"

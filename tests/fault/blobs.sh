# Flipped bits, truncation and loss of large checkpoints' files: each is seen by a fault that names the checkpoint, the
# record stays, nothing wrong is served, and the same put makes it good. What a writer leaves that is killed while it has
# a file under a temporary name is no damage, and gc removes it.
# SIZE is the number of files that are damaged.
source "$(dirname "$0")/common.sh"

SIZE=${SIZE:-60}
bytes=1300000
put=$FAULT/fault_store
"$put" put "$scratch/right" $bytes 1:1 2:1 3:1 >/dev/null || bad crash 'the first puts'
"$put" put "$scratch/right" 1000 4:1 >/dev/null || bad crash 'the first puts'
mapfile -t files < <(cd "$scratch/right" && ls blobs/??/*)
[[ ${#files[@]} == 3 ]] || bad wrong "${#files[@]} files of 3 large checkpoints"

harm() { # FILE
    local at byte
    case $((RANDOM % 3)) in
    0)
        at=$(((RANDOM << 15 | RANDOM) % bytes)) what="a flip at $at"
        byte=$(od -An -tu1 -j "$at" -N 1 "$1")
        printf "\\x$(printf %02x $((byte ^ 1 << RANDOM % 8)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
        ;;
    1)
        at=$(((RANDOM << 15 | RANDOM) % bytes)) what="a truncation to $at bytes"
        truncate -s "$at" "$1"
        ;;
    2)
        what='a loss'
        rm "$1"
        ;;
    esac
}

one() { # NUMBER
    local store=$scratch/store-$1 file=${files[RANDOM % 3]} what code=0 states
    cp -r "$scratch/right" "$store"
    harm "$store/$file"
    "$HPX" verify --store "$store" >"$store.out" 2>&1 || code=$?
    [[ $code == 11 ]] || bad wrong "$what: verify: exit code $code"
    [[ $(grep -c '^damaged: checkpoint .* its file' "$store.out") == 1 ]] || bad wrong "$what: verify says $(cat "$store.out")"
    states=$("$put" check "$store" $bytes 1:1 2:1 3:1 && "$put" check "$store" 1000 4:1)
    [[ $(grep -c ^whole <<<"$states")$(grep -c ^bare <<<"$states") == 31 ]] || bad lost "$what: $states"
    "$put" put "$store" $bytes 1:1 2:1 3:1 >/dev/null 2>"$store.err" || bad lost "$what: no put any more: $(cat "$store.err")"
    states=$("$put" check "$store" $bytes 1:1 2:1 3:1)
    [[ $(grep -c ^whole <<<"$states") == 3 ]] || bad lost "$what: put again: $states"
    verify "$store" "$what, put again"
    # Left over.
    cp "$store/$file" "$store/blobs/incoming.tmp.1.0"
    cp "$store/$file" "$store/blobs/00/00000000000000000000000000000000" 2>/dev/null ||
        { mkdir "$store/blobs/00" && cp "$store/$file" "$store/blobs/00/00000000000000000000000000000000"; }
    verify "$store" 'files left over'
    "$HPX" verify --store "$store" | grep -q '^note: 1 files' || bad wrong 'files left over: verify has no word of them'
    "$HPX" gc --store "$store" -q >/dev/null 2>&1 || bad crash 'files left over: gc'
    [[ $(cd "$store" && find blobs -type f | sort) == "$(printf '%s\n' "${files[@]}")" ]] || bad wrong "gc leaves $(cd "$store" && find blobs -type f)"
    rm -rf "$store" "$store".*
}

in_lanes "$SIZE" one
result "$SIZE"

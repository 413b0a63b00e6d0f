# A large checkpoint goes into a store and out of it, beside `cp` and `sync` of the same file: in at most twice their time,
# with at most 64 MiB. BLOB_BYTES is its size (4 GiB), BLOB_FOLDER a folder on a disk with room for three times that.
source bench/common.sh

bytes=${BLOB_BYTES:-$((4 << 30))}
folder=$(mktemp -d "${BLOB_FOLDER:-/var/tmp}/hpx-blob-XXXXXX")
trap 'rm -rf "$folder"' EXIT
if (($(df --output=avail -B1 "$folder" | tail -1) < 3 * bytes + (1 << 30))); then
    echo "$folder: no room; set BLOB_FOLDER or BLOB_BYTES" >&2
    exit 77
fi
tool=$BUILD/bench/blob_copy
"$tool" make "$folder/file" "$bytes" >/dev/null

seconds() { # COMMAND...: it takes
    local start
    start=$(date +%s%N)
    "$@"
    echo "$((($(date +%s%N) - start) / 10000000))" | awk '{ printf "%.2f\n", $1 / 100 }'
}

copy() {
    cp --reflink=auto "$folder/file" "$folder/copy"
    sync "$folder/copy"
}

# Each three times, in turns, since a disk is not as fast at all times.
for round in 1 2 3; do
    rm -rf "$folder/copy"
    seconds copy >>"$folder/copy.seconds"
    rm -rf "$folder/copy" "$folder/store"
    "$tool" put "$folder/store" "$folder/file" >>"$folder/put.figures"
    "$tool" get "$folder/store" "$folder/out" >>"$folder/get.figures"
    cmp -s "$folder/file" "$folder/out" || { echo 'other bytes came out' >&2 && exit 1; }
    rm "$folder/out"
done
copied=$(median <"$folder/copy.seconds")
size=$(awk -v b="$bytes" 'BEGIN { printf "%g MiB", b / 1048576 }')
echo "blob,$size,cp and sync,$copied,s,,"
for way in put get; do
    took=$(cut -d' ' -f1 "$folder/$way.figures" | median) most=$(cut -d' ' -f2 "$folder/$way.figures" | sort -g | tail -1)
    awk -v way="$way" -v took="$took" -v copied="$copied" -v most="$most" -v size="$size" 'BEGIN {
        printf "blob,%s,%s,%.2f,s,,\n", size, way, took
        printf "blob,%s,%s over cp and sync,%.2f,times,2,%s\n", size, way, took / copied, took <= 2 * copied ? "yes" : "no"
        printf "blob,%s,%s: memory,%.1f,MiB,64,%s\n", size, way, most, most <= 64 ? "yes" : "no" }'
done

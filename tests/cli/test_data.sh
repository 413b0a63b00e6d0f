# The bytes of a data set decide, whatever the file's name, mode, links and times say; and they are known without the
# file where they have been seen, or are those of a data set known by name.
. "$(dirname "$0")/common.sh"

simple() {
    printf '%s\n' 'axis n1 = 4' 'axis n2 = 4' 'search g' '  method = grid' | recipe a.rcp 'epochs = 1'
}

# Past the time in which a file may change without a new time.
settle() {
    sleep 2.1
}

verdicts() { # EXPECTED: of a plan
    run 0 hpx plan --json a.rcp
    is '.searches[0].verdicts' "$1"
}
hit='{"hit":1,"extend":0,"train":0,"failed":0}'
miss='{"hit":0,"extend":0,"train":1,"failed":0}'

# Writes through a mapping that was written to before, so that the kernel notices no second write until the page is
# clean. WAIT is what happens between the two.
write_mapped() { # FILE WAIT...
    python3 - "$@" <<'PY' || fail 'cannot write through a mapping'
import mmap, subprocess, sys
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 0) as bytes:
    bytes[500] ^= 255
    bytes[500] ^= 255
    subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    bytes[500] ^= 255
PY
}

test_same_bytes() {
    simple
    run 0 hpx build a.rcp
    settle
    chmod 600 data/train-images
    ln data/train-labels data/second
    verdicts "$hit"
    touch data/test-images
    verdicts "$hit"
    mv data/test-labels data/moved
    cp data/moved data/test-labels
    verdicts "$hit"
}

# A mode or a link that changes while it is trained on, and a file that is cut short: the training has its copy.
test_while_training() {
    printf '%s\n' 'axis n1 = 300' 'axis n2 = 300' 'search g' '  method = grid' | recipe a.rcp 'epochs = 300'
    cp -r data whole
    "$HPX" build -j 1 a.rcp >out 2>err &
    local build=$!
    poll eval 'hpx ls --json | jq -e "(.[0].epoch // 0) > 2"'
    chmod 600 data/train-images
    ln data/train-images data/second
    truncate -s 100 data/test-images
    wait "$build" || fail 'the build failed'
    rm -r data
    mv whole data
    HPX_STORE=other hpx build -q a.rcp >out || fail 'the other build failed'
    equal "$(results "$HPX_STORE")" "$(results other)"
}

# On a disk and in memory: the build in the middle hashes the file between two writes to one page.
test_other_bytes_same_times() {
    local place folder
    needs mmap
    simple
    mv data whole
    for place in /var/tmp /dev/shm; do
        folder=$(mktemp -d "$place/hpx-test.XXXXXX") || continue
        cp whole/* "$folder"
        ln -sfn "$folder" data
        export HPX_STORE=$PWD/store-${place##*/}
        write_mapped data/train-images sh -c 'sleep 2.1; "$0" build -q a.rcp' "$HPX"
        run 0 hpx plan --json a.rcp
        rm -r "$folder"
        is '.searches[0].verdicts' "$miss"
    done
}

# A gzip may be as long as what it holds.
test_packed() {
    needs zlib
    simple
    python3 - <<'PY'
import struct, zlib
plain = open("data/train-labels", "rb").read()
packer = zlib.compressobj(9, zlib.DEFLATED, -15)
body = packer.compress(plain) + packer.flush()
name = b"f" * (len(plain) - len(body) - 19) + b"\0"
packed = b"\x1f\x8b\x08\x08\0\0\0\0\x02\x03" + name + body + struct.pack("<II", zlib.crc32(plain), len(plain))
assert len(packed) == len(plain)
open("data/train-labels", "wb").write(packed)
PY
    run 0 hpx build -q a.rcp
    settle
    run 0 hpx build -q a.rcp
    run 0 hpx build -q a.rcp
    verdicts "$hit"
}

# plan, ls, why and export know files that are gone by the bytes that they had.
test_gone() {
    simple
    sed 's/train-images/missing/' a.rcp >b.rcp
    run 2 hpx plan -q b.rcp
    has err 'data/missing: no such file'
    run 0 hpx build -q a.rcp
    mv data gone
    mkdir data
    verdicts "$hit"
    run 0 hpx plan a.rcp
    has out 'Data set toy is not there any more; build needs it.'
    run 0 hpx ls a.rcp --json
    is length 1
    run 0 hpx why a.rcp n1=4 n2=4 --json
    is .verdict '"hit"'
    run 0 hpx export --csv a.rcp
    equal "$(wc -l <out)" 2
    run 2 hpx build a.rcp
    has err 'no such file'
}

# The bytes of a data set known by name are known before it is downloaded.
test_not_downloaded() {
    printf '%s\n' 'dataset mnist' '  take = 100' 'model mlp' '  hidden = $n1' 'axis n1 = 8' 'search g' \
        '  method = grid' >a.rcp
    run 0 hpx plan a.rcp
    has out 'Data set mnist is not downloaded; build downloads it.'
    run 0 hpx why a.rcp n1=8
    run 0 hpx plan --json a.rcp
    local key
    key=$(jq -r '.searches[0].trials[0].key' out)
    if [[ -n ${MNIST:-} ]]; then
        run 0 env HPX_DATA="$MNIST" "$HPX" plan --json a.rcp
        equal "$(jq -r '.searches[0].trials[0].key' out)" "$key"
    fi
    [[ ! -e store ]] || fail 'a plan wrote'
}

# CIFAR-10's binary version, as docs/data.md converts it: COUNT records of a label and of planes in which the byte of channel c,
# row y and column x of image i is (i + 80 c + 3 y + x) mod 256.
cifar_batch() { # FILE FIRST COUNT
    python3 - "$@" <<'PY' || fail 'cannot write a batch'
import sys
first, count = int(sys.argv[2]), int(sys.argv[3])
with open(sys.argv[1], "wb") as file:
    for i in range(first, first + count):
        file.write(bytes([i % 10]))
        file.write(bytes((i + 80 * c + 3 * y + x) % 256 for c in range(3) for y in range(32) for x in range(32)))
PY
}

test_cifar() {
    command -v python3 >found || { echo '  skipped: needs python3' && return; }
    sed -n '/^<!-- file: cifar.py -->/,/^```$/p' "$SOURCE_ROOT/docs/data.md" | sed '1,2d;$d' >cifar.py
    mkdir batches
    for batch in 1 2 3 4 5; do cifar_batch batches/data_batch_$batch.bin $(((batch - 1) * 12)) 12; done
    cifar_batch batches/test_batch.bin 100 20
    run 0 python3 cifar.py batches cifar
    equal "$(head -c 20 cifar/train-images | od -An -v -tx1 | tr -d ' \n')" 000008040000003c000000200000002000000003 'the header'
    equal "$(wc -c <cifar/train-images)" $((20 + 60 * 3072)) 'the size of the training images'
    equal "$(wc -c <cifar/test-images)" $((20 + 20 * 3072)) 'the size of the test images'
    equal "$(tail -c +9 cifar/train-labels | od -An -v -tu1 -w60 | tr -s ' ')" "$(seq 0 59 | awk '{ printf " %d", $1 % 10 }')" 'the labels'
    # Image 13, row 5, column 31; the channels of a pixel beside each other.
    equal "$(tail -c +$((21 + 13 * 3072 + (5 * 32 + 31) * 3)) cifar/train-images | od -An -v -tu1 -N3 | tr -s ' ')" ' 59 139 219' 'a pixel'
    equal "$(tail -c +$((21 + 0 * 3072)) cifar/test-images | od -An -v -tu1 -N6 | tr -s ' ')" ' 100 180 4 101 181 5' 'two pixels'
    for model in 'mlp|hidden = $n' 'cnn|filters = $n'; do
        printf '%s\n' 'dataset cifar-10' '  validation = 10' '  train = cifar/train-images cifar/train-labels' \
            '  test = cifar/test-images cifar/test-labels' "model ${model%|*}" "  ${model#*|}" train '  epochs = 1' 'axis n = 4' \
            'search g' '  method = grid' >c.rcp
        run 0 hpx build c.rcp
        has out '1 cell '
    done
    # What is no such file.
    head -c 3000 batches/test_batch.bin >cut && mv cut batches/test_batch.bin
    run 1 python3 cifar.py batches cifar
    has err 'bytes are no images with labels'
}

run_tests "$@"

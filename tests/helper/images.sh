# The small data set of the tests: noisy images whose class can be learned, made of a seed.

# COUNT images of 8 x 8 noisy pixels in 4 classes. Class c has the quadrant c lit, so that a network learns them, slowly.
make_idx() { # IMAGES LABELS COUNT SEED
    awk -v images="$1.text" -v labels="$2.text" -v count="$3" -v seed="$4" '
        function draw(below) { state = state * 16807 % 2147483647; return int(state / 2147483647 * below) }
        BEGIN {
            state = seed * 7919 + 1
            printf "\\x00\\x00\\x08\\x03\\x00\\x00\\x%02x\\x%02x", count / 256, count % 256 >images
            printf "\\x00\\x00\\x00\\x08\\x00\\x00\\x00\\x08" >images
            printf "\\x00\\x00\\x08\\x01\\x00\\x00\\x%02x\\x%02x", count / 256, count % 256 >labels
            for (i = 0; i < count; i++) {
                class = draw(4)
                printf "\\x%02x", class >labels
                for (p = 0; p < 64; p++)
                    printf "\\x%02x", draw(190) + (int(p / 32) * 2 + int(p % 8 / 4) == class ? 65 : 0) >images
            }
        }'
    printf '%b' "$(cat "$1.text")" >"$1"
    printf '%b' "$(cat "$2.text")" >"$2"
    rm "$1.text" "$2.text"
}

make_data() { # FOLDER [COUNT]: so many training images (200) and 60 test images
    mkdir -p "$1"
    make_idx "$1/train-images" "$1/train-labels" "${2:-200}" 1
    make_idx "$1/test-images" "$1/test-labels" 60 2
}

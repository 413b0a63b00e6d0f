# Small data sets of the tests: noisy images whose class can be learned, made of a seed.

# COUNT images, and the CLASSES that they are of. PIXEL is what awk makes of the number p of a pixel and of the image's class,
# both from 0; draw(N) is a random number below N.
make_images() { # IMAGES LABELS COUNT SEED ROWS COLUMNS CLASSES PIXEL
    awk -v images="$1.text" -v labels="$2.text" -v count="$3" -v seed="$4" -v rows="$5" -v columns="$6" -v classes="$7" '
        function draw(below) { state = state * 16807 % 2147483647; return int(state / 2147483647 * below) }
        BEGIN {
            state = seed * 7919 + 1
            printf "\\x00\\x00\\x08\\x03\\x00\\x00\\x%02x\\x%02x", count / 256, count % 256 >images
            printf "\\x00\\x00\\x00\\x%02x\\x00\\x00\\x00\\x%02x", rows, columns >images
            printf "\\x00\\x00\\x08\\x01\\x00\\x00\\x%02x\\x%02x", count / 256, count % 256 >labels
            for (i = 0; i < count; i++) {
                class = draw(classes)
                printf "\\x%02x", class >labels
                for (p = 0; p < rows * columns; p++)
                    printf "\\x%02x", ('"$8"') >images
            }
        }'
    printf '%b' "$(cat "$1.text")" >"$1"
    printf '%b' "$(cat "$2.text")" >"$2"
    rm "$1.text" "$2.text"
}

# Class c of 4 has the quadrant c lit, so that a network learns them, slowly.
make_data() { # FOLDER [COUNT]: so many training images (200) and 60 test images
    local pixel='draw(190) + (int(p / 32) * 2 + int(p % 8 / 4) == class ? 65 : 0)'
    mkdir -p "$1"
    make_images "$1/train-images" "$1/train-labels" "${2:-200}" 1 8 8 4 "$pixel"
    make_images "$1/test-images" "$1/test-labels" 60 2 8 8 4 "$pixel"
}

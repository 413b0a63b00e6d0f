# What the page of hpx report shows of the data and of the best cell's network.
. "$(dirname "$0")/common.sh"
. "$SOURCE_ROOT/tests/helper/page.sh"

# Every number is one that another command prints; SPLIT is the part of the data that it must be of.
grid() { # SETTING...
    recipe a.rcp 'epochs = 3' 'seeds = 1 2' "$@" <<'X'
axis n1 = 2 4
axis n2 = 2 4
search all
  method = grid
X
    run 0 hpx build -j2 -q a.rcp
}

# The table of the confusion matrix, a line a label: "967,0,4,...".
matrix() {
    figure confusion | grep -o '<tr><th scope="row">.*</tr>' |
        sed 's/^<tr><th[^>]*>[0-9]*<\/th>//; s/<td>//g; s/,*<\/td>/,/g; s/,<\/tr>$//'
}

best() { # FILTER: of the best cell's first seed, which the page shows
    hpx best a.rcp "$@" --top 1 --json | jq -r '.best[0].key'
}

# Its layers are known without a checkpoint.
test_network() {
    grid 'keep = none'
    run 0 hpx report a.rcp -o page.html --figures figures
    read -r n1 n2 < <(hpx best a.rcp --top 1 --json | jq -r '.best[0].cell | "\(.n1) \(.n2)"')
    figure network >network.html
    local w1=$((64 * n1)) w2=$((n1 * n2)) w3=$((n2 * 4))
    equal "$(sed -n 's/.*<details>//;s/<[^>]*>/ /gp' network.html | tr -s ' \n' ' ' | grep -o 'inputs 64 .*')" \
        "inputs 64 0 0 0 dense 1 $n1 $((w1 + n1)) $w1 $((2 * w1)) dense 2 $n2 $((w2 + n2)) $w2 $((3 * w2)) \
dense 3 4 $((w3 + 4)) $w3 $((3 * w3)) all $((w1 + n1 + w2 + n2 + w3 + 4)) $((w1 + w2 + w3)) $((2 * w1 + 3 * w2 + 3 * w3)) " 'the layers'
    [[ -s figures/network.svg ]] || fail 'no figures/network.svg'
}

test_numbers_are_those_of_predict() {
    grid 'objective = test_accuracy'
    key=$(best)
    run 0 hpx report a.rcp -o page.html
    empty err
    run 0 hpx predict "$key" data/test-images
    paste -d, <(tail -c +9 data/test-labels | od -An -v -tu1 -w1 | tr -d ' ') <(tail -n +2 out) >answers
    awk -F, '{ n[$1, $3]++ } END { for (l = 0; l < 4; l++) { for (a = 0; a < 4; a++) printf "%s%d", a ? "," : "", n[l, a]; print "" } }' \
        answers >expected
    matrix >got
    same_files expected got
    awk -F, '$1 == $3 { right++ } END { printf " answers %d of 60 test images right (%.4f).\n", right, right / 60 }' answers >words
    has page.html "$(cat words)"
    has page.html "key <code>${key:0:12}</code>"
    # The mistakes are those with the most probable answers.
    awk -F, '$1 != $3 { p = 0; for (i = 4; i <= 7; i++) p = $i > p ? $i : p; printf "%.9f,%d,%d, answer %d,%.2f %%\n", p, $2, $1, $3, 100 * p }' \
        answers | sort -t, -k1,1nr -k2,2n | head -12 | cut -d, -f3- >expected
    figure mistakes | grep -o '<span>.*</span>' | sed 's/<span>//; s/<br\/>/,/; s/<\/span>//' >got
    same_files expected got
    equal "$(grep -c 'training images of class [0-3]"' page.html)" 4 'the strips of images'
    run 0 hpx report a.rcp --figures figures
    for figure in samples mistakes; do # the same images stand in the files
        equal "$(grep -o 'data:image[^"]*' figures/$figure.svg)" \
            "$(figure $figure | grep -o 'data:image[^"]*')" "the images of $figure.svg"
    done
    [[ -s figures/confusion.svg ]] || fail 'no figures/confusion.svg'
    cp page.html first.html
    run 0 hpx report a.rcp -o page.html # the same bytes twice
    same_files page.html first.html
}

# What was held out, where the objective is not of the test.
test_split() {
    grid
    key=$(best)
    run 0 hpx report a.rcp -o page.html
    right=$(hpx ls --json | jq --arg key "$key" '.[] | select(.key == $key) | .metrics.validation_accuracy * 50 | round')
    has page.html " answers $right of 50 validation images right"
    equal "$(matrix | tr ',' '\n' | awk '{ sum += $1 } END { print sum }')" 50 'the images counted'
    # The recipe's epochs, where the store has more.
    run 0 hpx report a.rcp -o page.html epochs=2
    has page.html 'No confusion matrix and no mistakes of the best cell are shown: no checkpoint of it is stored'
    well_formed page.html
    rm -rf "$HPX_STORE"
    sed -i 's/validation = 50/validation = 0/' a.rcp
    run 0 hpx build -j2 -q a.rcp objective=train_loss
    run 0 hpx report a.rcp -o page.html objective=train_loss
    has page.html ' of 60 test images right'
}

test_what_is_missing() {
    grid keep=none
    run 0 hpx report a.rcp -o page.html
    has page.html 'training images of class 3'
    has page.html 'No confusion matrix and no mistakes of the best cell are shown: no checkpoint of it is stored'
    has_not page.html 'id="confusion"'
    well_formed page.html
    run 0 hpx build -j2 -q -B a.rcp keep=newest
    run 0 hpx report a.rcp -o page.html
    has page.html 'id="confusion"'
    well_formed page.html
}

# Images that are rows alone, without a width and a height.
test_no_pictures() {
    local file
    for file in train test; do # two dimensions in place of three
        { printf '\0\0\10\2'; tail -c +5 data/$file-images | head -c 4; printf '\0\0\0\100'; tail -c +17 data/$file-images; } >flat
        mv flat data/$file-images
    done
    grid
    run 0 hpx report a.rcp -o page.html
    has page.html 'its files do not say how they are pictures'
    has page.html 'id="confusion"'
    has_not page.html '<img'
    well_formed page.html
}

# The filters of the best cell's network, with one scale: the greatest weight without its sign is black or white.
test_filters() {
    grid
    run 0 hpx report a.rcp -o page.html
    has_not page.html 'id="filters"'
    rm -rf "$HPX_STORE"
    sed -i -e 's/^model mlp/model cnn/; s/^  hidden = .*/  filters = $n1 $n2\n  hidden = 5/' a.rcp
    run 0 hpx build -q -j2 a.rcp
    read -r n1 n2 < <(hpx best a.rcp --top 1 --json | jq -r '.best[0].cell | "\(.n1) \(.n2)"')
    run 0 hpx report a.rcp -o page.html --figures figures
    empty err
    well_formed page.html
    figure network >network.html
    equal "$(sed -n 's/.*<details>//;s/<[^>]*>/ /gp' network.html | tr -s ' \n' ' ' | grep -o 'inputs 1 .* dense 1')" \
        "inputs 1 × 8 × 8 0 0 0 convolution 1 $n1 × 4 × 4 $((10 * n1)) $((64 * 9 * n1)) $((2 * 64 * 9 * n1)) \
convolution 2 $n2 × 2 × 2 $((9 * n1 * n2 + n2)) $((16 * 9 * n1 * n2)) $((3 * 16 * 9 * n1 * n2)) dense 1" 'the layers'
    figure filters >filters.html
    has filters.html "begins with $n1 filters of 3 by 3 weights"
    equal "$(grep -c '<li><img' filters.html)" "$n1" 'the pictures'
    equal "$(grep -o 'data:image[^"]*' figures/filters.svg)" "$(grep -o 'data:image[^"]*' filters.html)" 'the images of filters.svg'
    needs numpy
    run 0 hpx export --safetensors "$(best)" weights
    python3 - filters.html 2>err <<'X' || fail "the filters are others: $(tail -1 err)"
import base64, json, numpy, re, struct, sys, zlib
page = open(sys.argv[1]).read()
with open("weights", "rb") as file:
    header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    data = file.read()
filters = numpy.frombuffer(data[slice(*header["0.weight"]["data_offsets"])], "<f4").reshape(-1, 3, 3)
largest = abs(filters).max()
for i, (text, words) in enumerate(re.findall(r'src="data:image/png;base64,([^"]*)" alt="([^"]*)"', page)):
    png = base64.b64decode(text)
    width, height = struct.unpack(">II", png[16:24])
    assert width == height == 47, (width, height)
    size, = struct.unpack(">I", png[33:37])
    pixels = numpy.frombuffer(zlib.decompress(png[41:41 + size]), "u1").reshape(height, width + 1)[:, 1:]
    assert (abs(pixels[8:-1:15, 8:-1:15] - (128 + 127 * filters[i] / largest)) <= 0.5001).all(), pixels[8:-1:15, 8:-1:15]
    assert words == "filter %d: weights from %.4f to %.4f" % (i, filters[i].min(), filters[i].max()), words
numbers = [float(n.replace("−", "-")) for n in re.findall(r"<td>([−-]?\d\.\d{4})</td>", page)]
assert len(numbers) == filters.size and abs(numpy.array(numbers) - filters.ravel()).max() < 6e-5, numbers
X
}

# Pictures decode to the pixels of the data.
test_pictures_are_the_data() {
    command -v python3 >found || { echo "  skipped: needs python3" && return; }
    grid
    run 0 hpx report a.rcp -o page.html
    python3 - 2>err <<'X' || fail "the pictures are others: $(tail -1 err)"
import base64, re, struct, zlib
page = open("page.html").read()
images = open("data/train-images", "rb").read()[16:]
labels = open("data/train-labels", "rb").read()[8:]
strips = re.findall(r'src="data:image/png;base64,([^"]*)" alt="10 training images of class (\d)"', page)
assert len(strips) == 4
for text, label in strips:
    png = base64.b64decode(text)
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (80, 8)
    size, = struct.unpack(">I", png[33:37])
    rows = zlib.decompress(png[41:41 + size])
    of_class = [i for i in range(150) if labels[i] == int(label)][:10]  # 50 are held out
    for n, image in enumerate(of_class):
        for y in range(8):
            at = y * 81 + 1 + n * 8
            assert rows[at:at + 8] == images[image * 64 + y * 8:][:8], (label, n, y)
X
}

test_program_has_none() {
    printf '%s\n' 'program' '  command = sh -c "echo test_accuracy=0.5" $x' '  metrics = stdout' 'train' '  epochs = 1' \
        '  objective = test_accuracy' 'axis x = 1 2' 'search all' '  method = grid' >p.rcp
    run 0 hpx build -q p.rcp
    run 0 hpx report p.rcp -o page.html
    has_not page.html 'Data and mistakes'
    has_not page.html 'id="network"'
}

run_tests "$@"

# hpx predict and hpx export --safetensors: what a stored network answers, and its weights for others.
. "$(dirname "$0")/common.sh"

# One trial of a network; its key is in $key.
train() { # LAYERS SETTING...: "130 7"
    local layers=$1
    shift
    {
        printf '%s\n' 'dataset toy' '  validation = 50' '  train = data/train-images data/train-labels' \
            '  test = data/test-images data/test-labels' 'model mlp' "  hidden = $layers" 'train' '  batch = 32' '  epochs = 2' \
            '  optimizer = $how' 'axis how = adam' 'search all' '  method = grid'
    } >a.rcp
    rm -rf "$HPX_STORE"
    run 0 hpx build -q a.rcp "$@"
    key=$(hpx ls --json | jq -r '.[0].key')
}

metric() { # NAME: of the result
    hpx ls --json | jq -r ".[0].metrics.$1" | xargs printf '%.9f'
}

# The share of ./out whose class is the label.
right() { # LABELS
    paste -d, <(tail -n +2 out | cut -d, -f2) <(tail -c +9 "$1" | od -An -v -tu1 -w1 | tr -d ' ') |
        awk -F, '{ n++; if ($1 == $2) right++ } END { printf "%.9f", right / n }'
}

# The classes are those that the training counted: its forward pass, its pixels.
test_accuracy_is_the_stored_one() {
    local activation
    for activation in relu tanh sigmoid gelu; do
        train "70 3" model.activation=$activation model.dropout=0.2
        run 0 hpx predict "$key" data/test-images
        empty err
        equal "$(wc -l <out)" 61 'the number of lines'
        equal "$(right data/test-labels)" "$(metric test_accuracy)" "the accuracy with $activation"
    done
    # A network without a hidden layer of its own width beside a panel, and as deep as one likes.
    train "64 65 5 9"
    run 0 hpx predict "${key:0:12}" data/test-images
    equal "$(right data/test-labels)" "$(metric test_accuracy)" 'the accuracy of four layers'
}

test_probabilities() {
    train "8 4"
    run 0 hpx predict "$key" data/test-images
    equal "$(head -1 out)" 'image,class,p0,p1,p2,p3' 'the header'
    equal "$(tail -1 out | cut -d, -f1)" 59 'the last image'
    awk -F, 'NR > 1 { sum = $3 + $4 + $5 + $6; top = 3; for (i = 4; i <= 6; i++) if ($i > $top) top = i
        if (sum < 0.999999 || sum > 1.000001 || top - 3 != $2) { print; exit 1 } }' out >bad || fail "no probabilities: $(cat bad)"
    mv out plain.csv
    run 0 hpx predict "$key" data/test-images --logits
    equal "$(head -1 out)" 'image,class,z0,z1,z2,z3' 'the header'
    paste -d, plain.csv out | awk -F, 'NR > 1 { sum = 0; for (i = 9; i <= 12; i++) sum += exp($i)
        for (i = 3; i <= 6; i++) { d = $i - exp($(i + 6)) / sum; if (d * d > 1e-12) { print; exit 1 } } }' >bad ||
        fail "not the softmax of the logits: $(cat bad)"
    # The same from a compressed file, a pipe, into a file, and as JSON.
    gzip -k data/test-images
    run 0 hpx predict "$key" data/test-images.gz
    same_files out plain.csv
    run 0 hpx predict "$key" - <data/test-images
    same_files out plain.csv
    run 0 hpx predict "$key" data/test-images -o kept.csv
    empty out
    same_files kept.csv plain.csv
    run 0 hpx predict "$key" data/test-images --json
    is '[.key, .epoch, .model, .classes, (.images | length)]' "[\"$key\",2,\"mlp\",4,60]"
    equal "$(jq -r '.images[] | [.image, .class, .p0, .p1, .p2, .p3] | join(",")' out)" "$(tail -n +2 plain.csv)" 'what JSON has'
}

test_what_cannot_be_predicted() {
    train "8 4"
    complains 1 'no such key' hpx predict 0123456789 data/test-images
    complains 1 'nowhere' hpx predict "$key" nowhere
    complains 1 'images have 2 dimensions' hpx predict "$key" data/test-labels
    complains 1 'not an IDX file' hpx predict "$key" a.rcp
    make_images other none 3 1 8 9 4 'draw(9)'
    complains 2 'other: images of 8 x 9, and the network was trained on images of 8 x 8' hpx predict "$key" other
    make_images other none 3 1 4 16 4 'draw(9)'
    complains 2 'images of 4 x 16, and' hpx predict "$key" other
    complains 2 'usage: hpx predict' hpx predict "$key"
    # Without a checkpoint, failed, of a program.
    train "8 4" keep=none
    complains 1 'no checkpoint of it is stored; `hpx build -B`' hpx predict "$key" data/test-images
    complains 1 'no checkpoint of it is stored; `hpx build -B`' hpx export --safetensors "$key" weights
    [[ ! -e weights ]] || fail 'a file was written'
    run 0 hpx build -q -B a.rcp
    run 0 hpx predict "$key" data/test-images
    rm -rf "$HPX_STORE"
    run 1 hpx build -q a.rcp axis.how=sgd rate=0.1 weight-decay=1000
    key=$(hpx ls --json | jq -r '.[0].key')
    complains 1 'its training failed in epoch' hpx predict "$key" data/test-images
    rm -rf "$HPX_STORE"
    printf '%s\n' 'program' '  command = sh -c "echo test_accuracy=0.5" $x' '  metrics = stdout' 'train' '  epochs = 1' \
        '  objective = test_accuracy' 'axis x = 1' 'search all' '  method = grid' >p.rcp
    run 0 hpx build -q p.rcp
    key=$(hpx ls --json | jq -r '.[0].key')
    complains 2 "hpx reads no network from checkpoints of 'program'" hpx predict "$key" data/test-images
    complains 2 'export: --safetensors takes a key and the file' hpx export --safetensors "$key"
    complains 2 'export: --safetensors takes a key and the file' hpx export --safetensors "$key" w --csv
}

# Ten lines that read the file: WEIGHTS and METADATA.
reader() {
    cat <<'X'
import json, sys, numpy
with open("weights", "rb") as file:
    size = int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(size))
    data = file.read()
metadata = header.pop("__metadata__")
weights = {name: numpy.frombuffer(data[slice(*tensor["data_offsets"])], "<f4").reshape(tensor["shape"])
           for name, tensor in header.items()}
images = numpy.frombuffer(open("data/test-images", "rb").read()[16:], "u1").reshape(60, 64)
expected = numpy.loadtxt("logits.csv", delimiter=",", skiprows=1)[:, 2:]
assert sum(w.nbytes for w in weights.values()) == len(data) and (8 + size) % 8 == 0
X
}

export_both() { # LAYERS ACTIVATION
    train "$1" model.activation="$2"
    run 0 hpx predict "$key" data/test-images --logits -o logits.csv
    run 0 hpx export --safetensors "$key" weights
    has err 'exported the weights after epoch 2 to weights'
}

test_weights_are_read_by_python() {
    needs numpy
    export_both "130 7" relu
    { reader && cat <<'X'; } >read.py
x = images.astype("f4") / 255
for i in (0, 2, 4):
    x = x @ weights[f"{i}.weight"].T + weights[f"{i}.bias"]
    x = numpy.maximum(x, 0) if i < 4 else x
assert numpy.abs(x - expected).max() < 1e-5, numpy.abs(x - expected).max()
assert metadata["model"] == "mlp" and metadata["activation"] == "relu" and metadata["preprocessing"] == "pixel / 255"
assert metadata["epoch"] == "2" and metadata["key"] == sys.argv[1] and metadata["code"] == sys.argv[2], metadata
X
    python3 read.py "$key" "$(hpx show "$key" --json | jq -r .code.version)" 2>err || fail 'the weights are others'
    cp weights before
    run 0 hpx export --safetensors "$key" - -q
    same_files out before
    # What cannot be written leaves what was there.
    complains 1 'nowhere/weights' hpx export --safetensors "$key" nowhere/weights
}

test_pytorch_gives_the_same_logits() {
    local activation
    needs numpy torch
    for activation in ReLU Tanh Sigmoid GELU; do
        export_both "65 33 6" "${activation,,}"
        { reader && cat <<'X'; } >read.py
import torch
act = getattr(torch.nn, sys.argv[1])
net = torch.nn.Sequential(torch.nn.Linear(64, 65), act(), torch.nn.Linear(65, 33), act(), torch.nn.Linear(33, 6), act(),
                          torch.nn.Linear(6, 4))
net.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
logits = net(torch.tensor(images) / 255).detach().numpy()
assert numpy.abs(logits - expected).max() < 1e-5, numpy.abs(logits - expected).max()
X
        python3 read.py "$activation" 2>err || fail "the logits of $activation are others"
    done
}

# --- convolutional networks -------------------------------------------------------------------------------------------

# One trial of a network of convolutions on images of three channels; its key is in $key.
train_cnn() { # SETTING...
    make_colours data/train-images data/train-labels 200 1
    make_colours data/test-images data/test-labels 60 2
    {
        printf '%s\n' 'dataset toy' '  validation = 50' '  train = data/train-images data/train-labels' \
            '  test = data/test-images data/test-labels' 'model cnn'
        printf '  %s\n' "$@"
        printf '%s\n' train '  batch = 32' '  epochs = 2' 'search all' '  method = grid'
    } >a.rcp
    rm -rf "$HPX_STORE"
    run 0 hpx build -q a.rcp
    key=$(hpx ls --json | jq -r '.[0].key')
}

# Images of 10 x 9 pixels of three channels, of 4 classes.
make_colours() { # IMAGES LABELS COUNT SEED
    make_images "$1" "$2" "$3" "$4" 10 27 4 'draw(190) + (int(p / 135) * 2 + p % 3 % 2 == class ? 65 : 0)'
    { printf '\0\0\10\4' && tail -c +5 "$1" | head -c 8 && printf '\0\0\0\11\0\0\0\3' && tail -c +17 "$1"; } >coloured
    mv coloured "$1"
}

test_convolutions_have_the_stored_accuracy() {
    train_cnn 'filters = 5 8' 'kernel = 3 2' 'stride = 1 2' 'pool = 2 1' 'pooling = average' 'hidden = 12' 'dropout = 0.2' \
        'activation = tanh'
    run 0 hpx predict "$key" data/test-images
    empty err
    equal "$(right data/test-labels)" "$(metric test_accuracy)" 'the accuracy'
    # As many bytes in another shape.
    { printf '\0\0\10\3' && tail -c +5 data/test-images | head -c 8 && printf '\0\0\0\33' && tail -c +21 data/test-images; } >flat
    complains 2 'flat: images of 10 x 27, and the network was trained on images of 10 x 9' hpx predict "$key" flat
}

# The network that docs/models.md makes of the metadata: sides that are padded alike and not, both kinds of pooling, none, and no
# hidden layer behind the convolutions.
test_pytorch_gives_the_same_logits_of_convolutions() {
    local each settings
    needs numpy torch
    sed -n '/^<!-- file: cnn.py -->/,/^```$/p' "$SOURCE_ROOT/docs/models.md" | sed '1,2d;$d' >cnn.py
    { reader | sed '/^images = /d' && cat <<'X'; } >read.py
from cnn import network, logits
images = numpy.frombuffer(open("data/test-images", "rb").read()[20:], "u1").reshape(60, 10, 9, 3)
difference = numpy.abs(logits(network(weights, metadata), images).detach().numpy() - expected).max()
assert difference < 1e-5, difference
X
    for each in 'filters = 6|hidden = 9|activation = gelu' \
        'filters = 6 20|kernel = 4 3|stride = 2 1|pool = 1 2|pooling = average|hidden = 9 7' \
        'filters = 3 4 5|kernel = 5 2 3|stride = 1 1 2|padding = valid 1 same|pool = 2 1 1|hidden = 0|activation = sigmoid'; do
        IFS='|' read -ra settings <<<"$each"
        train_cnn "${settings[@]}"
        run 0 hpx predict "$key" data/test-images --logits -o logits.csv
        run 0 hpx export --safetensors "$key" weights
        python3 read.py 2>err || fail "the logits of $each are others"
    done
}

run_tests

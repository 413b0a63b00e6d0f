# hpx init: a recipe for what a folder holds, which check and plan accept as it is.
. "$(dirname "$0")/common.sh"

accepted() { # RECIPE: it is in the usual layout, right, and plan knows what to do
    run 0 hpx check "$1"
    run 0 hpx fmt --check "$1"
    run 0 hpx plan --json "$1"
    is '.searches | length' 1
}

test_nothing_found() {
    mkdir empty
    run 0 hpx init empty
    equal "$(head -1 out)" 'empty/mnist.rcp: a recipe for MNIST, as there is no script and no image data'
    equal "$(tail -1 out)" 'Next: hpx plan empty/mnist.rcp'
    empty err
    accepted empty/mnist.rcp
    is '.grid.cells' 16
    has empty/mnist.rcp 'hpx data fetch mnist'
}

test_never_overwrites() {
    mkdir empty
    echo mine >empty/mnist.rcp
    complains 2 'empty/mnist.rcp is there already; it is left as it is' hpx init empty
    equal "$(cat empty/mnist.rcp)" mine
    ln -sf nowhere empty/mnist.rcp
    complains 2 'is there already' hpx init empty
    complains 2 'none: no such folder' hpx init none
    complains 2 'empty/mnist.rcp: no such folder' hpx init empty/mnist.rcp
}

test_images() {
    local files
    mkdir -p lab/images
    cp data/train-images lab/images/train-images-idx3-ubyte
    cp data/train-labels lab/images/train-labels-idx1-ubyte
    cp data/test-images lab/images/t10k-images.idx3-ubyte
    cp data/test-labels lab/images/t10k-labels.idx1-ubyte
    run 0 hpx init lab
    has out 'lab/lab.rcp: a recipe for the images of images/train-images-idx3-ubyte and the others'
    accepted lab/lab.rcp
    has lab/lab.rcp '200 to train on, 60 to test, 64 bytes each'
    has lab/lab.rcp 'validation = 33'
    run 0 hpx build -j2 lab/lab.rcp epochs=1 "axis.n1=4 8" axis.n2=4 -q
    files=(lab/images/*)
    gzip "${files[@]}"
    rm lab/lab.rcp
    run 0 hpx init lab
    accepted lab/lab.rcp
    has lab/lab.rcp 'train-images-idx3-ubyte.gz'
}

test_images_that_do_not_belong_together() {
    mkdir lab
    cp data/train-images data/train-labels data/test-images lab
    cp data/train-labels lab/test-labels
    run 0 hpx init lab
    has out 'a recipe for MNIST'
    cp data/test-labels lab
    mv lab/train-images lab/$'train-images\x01' # no recipe can name it
    rm lab/mnist.rcp
    run 0 hpx init lab
    has out 'a recipe for MNIST'
    echo 'no IDX' >lab/train-images
    rm lab/mnist.rcp
    run 0 hpx init lab
    has out 'a recipe for MNIST'
}

test_python() {
    needs argparse
    mkdir -p lab/model
    echo 'x' >lab/points.csv
    touch lab/model/__init__.py lab/setup.py lab/unused.py
    echo 'import math' >lab/helper.py
    cat >lab/train.py <<'END'
import argparse
import helper, json
from model import something
parser = argparse.ArgumentParser(description="(a, b)")
parser.add_argument("-l", "--lr", type=float, default=1e-3,
                    help="a rate, such as 0.1 (default)")
parser.add_argument('--hidden-size', type=int, default=64)
parser.add_argument("--dropout", default=0.5)
parser.add_argument("--depth", type=int, default=3)
parser.add_argument("--features", choices=["log2", "sqrt"], default="sqrt")
parser.add_argument("--num-workers", type=int, default=4)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--fast", action="store_true")
parser.add_argument("name")
args = parser.parse_args()
for line in open("points.csv"):
    print("val_loss=0.1")
END
    run 0 hpx init lab
    equal "$(head -1 out)" 'lab/train.rcp: a recipe for train.py; options of it that are axes: 3'
    has lab/train.rcp 'command = python3 train.py --lr $lr --hidden-size $hidden-size --dropout $dropout --seed $seed'
    has lab/train.rcp 'code    = train.py helper.py model/  #'
    has lab/train.rcp 'data    = points.csv'
    has lab/train.rcp 'objective = minimise val_loss'
    has lab/train.rcp 'axis lr          = 0.0001 1e-3 0.01'
    has lab/train.rcp 'axis hidden-size = 32 64 128'
    has lab/train.rcp 'axis dropout     = 0.25 0.5 0.75'
    has lab/train.rcp '# axis depth = 1 3 6'
    has lab/train.rcp '# axis features = "log2" sqrt'
    has_not lab/train.rcp 'fast'
    accepted lab/train.rcp
    is '.grid.cells' 27
}

# Other ways in which Python takes options: what is one, its default, its values.
test_python_by_other_libraries() {
    try() { # AXES COMMAND; the script on standard input
        rm -rf lab
        mkdir lab
        cat >lab/train.py
        run 0 hpx init lab
        equal "$(sed -n 's/  *#.*//; s/^axis  *//p' lab/train.rcp | tr -s ' ' | paste -sd ';')" "$1"
        has lab/train.rcp "command = python3 train.py $2"
        accepted lab/train.rcp
    }
    try 'lr = 0.01 0.1 1;layers = 1 2 4' '--lr $lr --layers $layers --seed $seed' <<'END'
from absl import app, flags
flags.DEFINE_float("lr", 0.1, "a rate")
flags.DEFINE_integer('layers', 2,
                     "how many")
flags.DEFINE_integer("seed", 1, "")
flags.DEFINE_boolean("fast", False, "")
flags.DEFINE_string("name", None, "")
END
    try 'act = relu tanh;width = 16 32 64' '--act $act --width $width' <<'END'
flags.DEFINE_enum("act", "relu", ["relu", "tanh"], "")
flags.DEFINE_integer("width", 32, "")
END
    try 'lr = 0.01 0.1 1;batch_size = 16 32 64' '--lr $lr --batch_size $batch_size' <<'END'
import fire
def other(depth=3): pass
def train(path, lr=0.1, batch_size: int = 32, fast=False, sizes=[1, 2]):
    print({"loss": lr})
if __name__ == "__main__":
    fire.Fire(train)
END
    try 'lr = 0.01 0.1 1;n-layers = 1 2 4;act = relu tanh' '--lr $lr --n-layers $n-layers --act $act' <<'END'
import typer
app = typer.Typer()
@app.command()
def main(
    data: str,
    lr: float = 0.1,
    n_layers: Annotated[int, typer.Option(help="how [many], = all")] = 2,
    act: Literal["relu", "tanh"] = "relu",
    verbose: bool = False,
): print("loss=1")
app()
END
    try 'lr = 0.01 0.1 1' '--lr $lr' <<'END'
def main(lr: Optional[float] = typer.Option(0.1, help="a, b")): print("loss=1")
typer.run(main)
END
    try 'n-layers = 1 2 4' '--n-layers $n-layers' <<'END'
def main(n_layers: int = 2) -> None: print("loss=1")
tyro.cli(main)
END
    try 'n_layers = 1 2 4' '--n_layers $n_layers' <<'END'
from jsonargparse import CLI
def main(n_layers: int = 2): print("loss=1")
CLI(main)
END
}

test_shell() {
    mkdir lab
    printf '%s\n' '#!/bin/sh' 'while [ $# -gt 0 ]; do' '    case $1 in' '    --rate) rate=$2 && shift ;;' '    --steps=*) ;;' \
        '    -h | --help) ;;' '    esac' '    shift' 'done' 'echo "loss: 1"' >lab/fit.sh
    run 0 hpx init lab
    has out 'a recipe for fit.sh, without an axis so far'
    has lab/fit.rcp 'command = sh fit.sh'
    has lab/fit.rcp '# axis rate = VALUES'
    has lab/fit.rcp '# axis steps = VALUES'
    accepted lab/fit.rcp
    rm lab/fit.rcp
    chmod +x lab/fit.sh
    run 0 hpx init lab
    has lab/fit.rcp 'command = ./fit.sh'
    accepted lab/fit.rcp
    run 0 hpx build -q lab/fit.rcp
}

test_script_or_images() {
    mkdir lab
    cp data/* lab
    echo 'echo no options' >lab/convert.sh
    run 0 hpx init lab
    has out 'lab/lab.rcp'
    echo 'echo loss=1' >lab/train.sh
    run 0 hpx init lab
    has out 'lab/train.rcp'
}

# Whatever a script holds, there is a recipe, and it is right.
test_odd_scripts() {
    local i=0 text
    needs argparse
    while IFS= read -r text; do
        i=$((i + 1))
        mkdir "lab$i"
        printf "$text" >"lab$i/train.py"
        run 0 hpx init "lab$i"
        run 0 hpx check -q "lab$i/train.rcp"
        run 0 hpx fmt --check "lab$i/train.rcp"
    done <<'END'

add_argument(
add_argument("--a", default="
add_argument("--a", choices=[1, 2
add_argument("--a", choices=["x y", 'b'])
add_argument("--a", type=float, default=1e300)
add_argument("--a", type=float, default=-1)
add_argument("--a", type=int, default=1)
add_argument("--a", default="\\xff")\nprint("\xff\xfe")
add_argument("--$a", default=1)
add_argument("--epoch", default=1, type=int)
add_argument("--params", default=1, type=int)\nimport train
add_argument("--a", choices=[1, 1.0])
add_argument("--a", type=float, default=0.1, help=")")
END
    equal "$i" 14
}

test_the_examples() {
    local folder
    needs argparse
    for folder in sklearn numpy pytorch awk; do
        cp -r "$SOURCE_ROOT/examples/$folder" "$folder"
        rm "$folder"/*.rcp
        run 0 hpx init "$folder"
        run 0 hpx check "$folder"/*.rcp
    done
    has numpy/train.rcp 'continue = yes'
    has awk/fit.rcp 'command  = ./fit.sh'
}

run_tests "$@"

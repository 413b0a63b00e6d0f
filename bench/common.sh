# What benchmarks of whole builds share: two processors and MNIST are needed; a scratch folder; medians.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

if [[ $(nproc) -lt 2 ]]; then
    echo 'two processors are needed' >&2
    exit 77
fi
if ! "$BUILD/hpx" data verify mnist >/dev/null 2>&1; then
    echo 'MNIST is missing; `hpx data fetch mnist` gets it' >&2
    exit 77
fi

median() { sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

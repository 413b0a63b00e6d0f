#!/bin/sh
# Fits a polynomial to points.tsv by stochastic gradient descent: a trainer of a shell script and awk.
#
#   fit.sh RATE DEGREE EPOCHS SEED
#
# Under hpx it reports each epoch, keeps its weights after it, and goes on from where an earlier run has ended.
set -eu
rate=$1 degree=$2 epochs=$3 seed=$4
from=${HPX_RESUME_EPOCH:-0}
weights=/dev/null
[ "$from" = 0 ] || weights=$HPX_RESUME/weights

awk -v rate="$rate" -v degree="$degree" -v epochs="$epochs" -v seed="$seed" -v from="$from" -v out="${HPX_OUT:-.}" \
    -v metrics="${HPX_METRICS:-/dev/stdout}" '
# Every epoch draws its own order, so there is no random state to keep.
function draw() { state = (state * 69069 + 1) % 4294967296; return state / 4294967296 }
function predict(i,    sum, power, k) {
    sum = 0
    power = 1
    for (k = 0; k <= degree; k++) { sum += w[k] * power; power *= x[i] }
    return sum
}
FILENAME == ARGV[1] { w[FNR - 1] = $1; next }
FNR % 4 == 0 { test_x[++tests] = $1; test_y[tests] = $2; next }
{ x[++count] = $1; y[count] = $2 }
END {
    for (epoch = from + 1; epoch <= epochs; epoch++) {
        state = seed * 1009 + epoch
        for (step = 1; step <= count; step++) {
            i = 1 + int(draw() * count)
            error = predict(i) - y[i]
            power = 1
            for (k = 0; k <= degree; k++) { w[k] -= rate * error * power; power *= x[i] }
        }
        loss = 0
        for (i = 1; i <= tests; i++) { x[0] = test_x[i]; loss += (predict(0) - test_y[i]) ^ 2 }
        for (k = 0; k <= degree; k++) printf "%.17g\n", w[k] > (out "/weights")
        close(out "/weights")
        printf "{\"epoch\": %d, \"loss\": %.10g, \"checkpoint\": \"weights\"}\n", epoch, loss / tests >> metrics
        fflush(metrics)
    }
}' "$weights" points.tsv

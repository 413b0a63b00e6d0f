# Prints one score: how well a smoothed series predicts its next value. A script that is run once and has no epochs.
#
#   awk -f score.awk -v alpha=0.3 -v beta=0.1 series.txt
NR == 1 { level = $1; trend = 0; next }
{
    error = $1 - (level + trend)
    sum += error * error
    before = level
    level = alpha * $1 + (1 - alpha) * (level + trend)
    trend = beta * (level - before) + (1 - beta) * trend
}
END { printf "mean squared error of %d values\nscore=%.8g\n", NR - 1, -sum / (NR - 1) }

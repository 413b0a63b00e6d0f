# 8 writers with 500 numbers each, half of them shared, 4 readers and a collector on one store, and a kill of one of them
# every 100 ms: nothing acknowledged is lost, nothing wrong is served, the store verifies.
# SIZE is the number of seconds.
source "$(dirname "$0")/common.sh"

SIZE=${SIZE:-30}
code=0
"$FAULT/fault_storm" "$scratch" "$SIZE" "$SEED" "$HPX" >"$scratch/out" 2>"$scratch/err" || code=$?
read -r kills _ acknowledged _ reads _ lost _ wrong _ crashes _ < <(tail -1 "$scratch/out")
head -20 "$scratch/err"
[[ ${lost:-1} == 0 ]] || bad lost "${lost:-?} acknowledged results"
[[ ${wrong:-1} == 0 ]] || bad wrong "${wrong:-?} results"
[[ ${crashes:-1} == 0 && $code == 0 ]] || bad crash "${crashes:-?}, exit code $code"
verify "$scratch/store" 'at the end'
result "$SIZE" "${kills:-0} kills, ${acknowledged:-0} results acknowledged, ${reads:-0} reads"

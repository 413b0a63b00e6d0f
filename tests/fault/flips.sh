# Bit flips in stored values and in any page, and truncation at every 4 KiB. Every flip in a value is seen by a fault
# that names it; whatever was flipped or cut, nothing wrong is served, and storing more loses nothing that could still
# be read. fault_flip looks at most of them by the library; three in a hundred go through hpx itself: verify, ls, and a
# build on what is left.
# SIZE is the number of flips.
source "$(dirname "$0")/common.sh"

SIZE=${SIZE:-2000}
make_data "$scratch/data"
recipe "$scratch/recipe" 'epochs = 3' 'seeds = 1 2' <<'EOR'
axis n1 = 8 64 128
search all
  method = grid
EOR
store=$scratch/right
"$HPX" build "$scratch/recipe" --store "$store" -q >/dev/null || bad crash 'the first build'
results "$store" | sort >"$scratch/right.results"
file_bytes=$(stat -c %s "$store/hpx.mdb")

library() { # 1: values, 2: pages, 3: truncation; in lanes of their own seeds
    local kind=values amount=$((SIZE / 4)) code=0 out=$scratch/library-$1
    case $1 in
    3 | 4) kind=pages amount=$((SIZE / 8)) ;;
    5 | 6) kind=writes amount=$((SIZE / 8)) ;;
    7) kind=truncate amount=4096 ;;
    esac
    "$FAULT/fault_flip" $kind "$store" "$scratch/work-$1" $amount $((SEED + $1)) >"$out" 2>&1 || code=$?
    [[ $code == 0 ]] || bad wrong "fault_flip $kind: exit code $code: $(grep -v changes "$out" | head -5)"
    echo "$kind $(tail -1 "$out")" >>"$scratch/library"
}

flip() { # FILE: a random bit; half of the time in the head of a page
    local at byte
    at=$(((RANDOM << 15 | RANDOM) % (file_bytes / 4096) * 4096 + (RANDOM % 2 ? RANDOM % 64 : RANDOM % 4096)))
    byte=$(od -An -tu1 -j "$at" -N 1 "$1")
    printf "\\x$(printf %02x $((byte ^ 1 << RANDOM % 8)))" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
    what="a flip at $at"
}

clear_line() { # FILE: what hpx says of a failure
    grep -q '^hpx: ' "$1"
}

program() { # NUMBER
    local copy=$scratch/copy-$1 what code=0 command
    cp -r "$store" "$copy"
    if (($1 % 8 == 0)); then
        what="truncation to $((RANDOM % (file_bytes / 4096) * 4096)) bytes"
        truncate -s "${what//[^0-9]/}" "$copy/hpx.mdb"
    else
        flip "$copy/hpx.mdb"
    fi
    timeout 60 "$HPX" verify --store "$copy" --json >"$copy.out" 2>"$copy.err" || code=$?
    case $code in
    0 | 11) jq -e .checked "$copy.out" >/dev/null || bad wrong "$what: verify prints no JSON" ;;
    1) clear_line "$copy.err" || bad wrong "$what: verify: exit code 1 and no line" ;;
    *) bad crash "$what: verify: exit code $code: $(cat "$copy.err")" ;;
    esac
    echo "$code" >>"$scratch/verify-codes"
    for command in 'ls --json' 'export --csv' "build $scratch/recipe -q"; do
        code=0
        # shellcheck disable=SC2086
        timeout 60 "$HPX" $command --store "$copy" >"$copy.out" 2>"$copy.err" || code=$?
        echo "$code" >>"$scratch/codes-${command%% *}"
        case $code in
        0) ;;
        1 | 11) clear_line "$copy.err" || bad wrong "$what: $command: exit code $code and no line" ;;
        *) bad crash "$what: $command: exit code $code: $(cat "$copy.err")" ;;
        esac
        if [[ $code == 0 && $command == 'ls --json' ]]; then
            jq -r '.[] | "\(.key) \(.epoch) \(.output)"' "$copy.out" >"$copy.rows"
            # An older epoch may stand for a lost one, if its own output is right: the rows of export say so.
            awk 'NR == FNR { right[$1] = 1; row[$0] = 1; next } !($1 in right) || ($2 == 3 && !($0 in row))' \
                "$scratch/right.results" "$copy.rows" >"$copy.bad"
            [[ ! -s $copy.bad ]] || bad wrong "$what: ls serves $(head -1 "$copy.bad")"
        elif [[ $code == 0 && $command == 'export --csv' ]]; then
            sed -E 's/,[^,]*,([^,]*)$/,\1/' "$copy.out" | sort | comm -23 - "$scratch/right.results" >"$copy.bad"
            [[ ! -s $copy.bad ]] || bad wrong "$what: export serves $(head -1 "$copy.bad")"
        elif [[ $code == 0 ]]; then
            # A build that succeeds has made good what was lost, unless the store still cannot be listed: the build
            # found what it needed beside the damage.
            if "$HPX" ls --store "$copy" --json >"$copy.out" 2>/dev/null; then
                jq -r '.[] | "\(.key) \(.epoch) \(.output)"' "$copy.out" | awk '$2 == 3' | sort >"$copy.newest"
                awk '$2 == 3' "$scratch/right.results" | cmp -s - "$copy.newest" || bad lost "$what: after a build: $(diff "$copy.newest" <(awk '$2 == 3' "$scratch/right.results") | head -3)"
            fi
        fi
    done
    rm -rf "$copy" "$copy".*
}

in_lanes 7 library
samples=$((SIZE * 3 / 100))
in_lanes "$samples" program
changes=$(awk '{ n += $2 } END { print n }' "$scratch/library")
pages=$(awk '$1 == "pages" { n += $2; seen += $4; crashed += $6 } END { printf "of %d in pages %d are seen, %d of these by a crash in the child", n, seen, crashed }' "$scratch/library")
values=$(awk '$1 == "values" { n += $2; seen += $4 } END { printf "%d of %d flips in values are seen", seen, n }' "$scratch/library")
writes=$(awk '$1 == "writes" { n += $2; refused += $4 } END { printf "of %d pages that were written to after a flip %d are refused", n, refused }' "$scratch/library")
cuts=$(awk '$1 == "truncate" { printf "%d of %d truncations", $4, $2 }' "$scratch/library")
result $((changes + samples)) "$values; $pages; $writes; $cuts; verify ended with $(sort "$scratch/verify-codes" | uniq -c | awk '{ printf "%s%d times %d", (NR > 1 ? ", " : ""), $1, $2 }')"

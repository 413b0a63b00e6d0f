# hpx fmt: recipes in the usual layout, and nothing else changed.
. "$(dirname "$0")/common.sh"

write_sloppy() { # FILE
    printf 'dataset mnist\n validation=0 # none\nmodel mlp\n    hidden=$n\n\n\ntrain\n epochs = 3\n objective=test_accuracy\naxis n=1 2' >"$1"
}

neat='dataset mnist
  validation = 0  # none

model mlp
  hidden = $n

train
  epochs    = 3
  objective = test_accuracy

axis n = 1 2'

test_rewrites() {
    write_sloppy r.rcp
    run 0 hpx fmt r.rcp
    equal "$(cat out)" r.rcp
    empty err
    equal "$(cat r.rcp)" "$neat"
    run 0 hpx fmt r.rcp
    empty out
}

test_only_looks() {
    local option
    write_sloppy r.rcp
    printf '%s\n' "$neat" >neat.rcp
    cp r.rcp before
    for option in --check -n; do
        run 1 hpx fmt "$option" r.rcp neat.rcp
        equal "$(cat out)" r.rcp
        run 0 hpx fmt "$option" neat.rcp
        empty out
    done
    same_files r.rcp before
    run 1 hpx fmt --check - <r.rcp
    equal "$(cat out)" -
}

test_standard_input() {
    write_sloppy r.rcp
    run 0 hpx fmt - <r.rcp
    equal "$(cat out)" "$neat"
    run 0 hpx fmt - <<<"$neat"
    equal "$(cat out)" "$neat"
    run 0 hpx fmt /dev/stdin <r.rcp
    equal "$(cat out)" "$neat"
    run 0 hpx fmt <(cat r.rcp)
    equal "$(cat out)" "$neat"
}

test_mistakes_are_left_alone() {
    write_sloppy r.rcp
    printf 'dataset mnist\n validation 0\n"x' >bad.rcp
    cp bad.rcp before
    run 2 hpx fmt bad.rcp none.rcp r.rcp
    equal "$(cat out)" r.rcp
    has err "hpx: bad.rcp:2:13: expected '=' after 'validation'"
    has err 'hpx: none.rcp: no such recipe'
    same_files bad.rcp before
    run 2 hpx fmt --check bad.rcp
    run 2 hpx fmt - <bad.rcp
    empty out
    mkdir folder.rcp
    run 1 hpx fmt folder.rcp
    has err 'folder.rcp'
}

test_parts_of_recipes() {
    printf 'search s\n first=n2' >part.rcp
    run 0 hpx fmt part.rcp
    equal "$(cat part.rcp)" $'search s\n  first = n2'
}

test_files_stay_what_they_are() {
    mkdir folder
    write_sloppy folder/r.rcp
    chmod 640 folder/r.rcp
    ln -s folder/r.rcp link.rcp
    run 0 hpx fmt link.rcp
    [[ -L link.rcp ]] || fail 'the link is gone'
    equal "$(stat -c %a folder/r.rcp)" 640
    equal "$(cat folder/r.rcp)" "$neat"
    equal "$(ls -A folder)" r.rcp
    touch -d '2001-02-03' folder/r.rcp
    run 0 hpx fmt folder/r.rcp
    equal "$(date -r folder/r.rcp +%Y)" 2001 'the year of a file that is not changed'
}

test_files_that_may_not_be_written() {
    [[ $(id -u) != 0 ]] || { echo '  skipped: needs a user who is not root' && return; }
    write_sloppy r.rcp
    chmod 444 r.rcp
    run 1 hpx fmt r.rcp
    has err 'r.rcp: Permission denied'
}

test_recipes_here_are_laid_out() {
    local files
    mapfile -t files < <(find "$SOURCE_ROOT/recipes" "$SOURCE_ROOT/examples" "$SOURCE_ROOT/bench" -name '*.rcp')
    [[ ${#files[@]} -gt 15 ]] || fail "only ${#files[@]} recipes"
    run 0 hpx fmt --check "${files[@]}"
    empty out
}

run_tests "$@"

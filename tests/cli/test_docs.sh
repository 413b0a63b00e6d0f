# The documentation's commands are run, and what stands below them is compared with what comes.
#
# In README.md and docs/*.md, of each block ```console the lines behind "$ " are commands (which go on behind a "\"), the lines below one
# its output. What stands below none is empty: then it prints nothing, and ends well. Comments in HTML steer that:
#
#     <!-- needs: mnist -->     the rest of the page needs it, in HPX_DATA or where `make demo` has put it
#     <!-- file: NAME -->       the next block is a file
#     <!-- run: COMMAND -->     is run, and not shown
#     <!-- not run: WHY -->     the next block only shows what came once
#     <!-- with: PROGRAM -->    the next block is run where there is such a program
#
# "..." stands for whatever is there. Keys and hashes may be others: one that has come before stands for what came in its place, in
# commands too. Times, dates, sizes of a store, the name of the host and widths of columns are not compared, scores are: AVX2 and AVX-512
# give the same bits. Each page has a folder and a store of its own, and one processor, so that nothing is trained speculatively.
#
# FILL=FOLDER writes the pages there with what came where that differs.
data=${HPX_DATA-}
. "$(dirname "$0")/common.sh"
[[ -n $data ]] || data=$SOURCE_ROOT/cache/data

# As a page shows it: on a terminal the lines of trials are drawn over.
shown() {
    sed -E -e '/^(train|extend|done) +[^ ]+=.*: [0-9.]+( +\(.*\))?$/d' -e "s|$HPX_DATA|/home/me/lab/cache/data|g; s|$PWD|/home/me/lab|g; s/\b$(hostname)\b/lab/g"
}

# What may differ becomes the same. A table's column of seconds is known by its heading.
canon() {
    shown | sed -E -e 's/(of trainer [0-9a-f]+), .*/\1, COMMIT/' -e 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(Z|[+-][0-9:]{5})/DATE/g' \
        -e 's/[0-9]+(\.[0-9]+)? (s|ms|seconds?|minutes?|hours?)\b/TIME/g; s/\b[0-9]+:[0-9]{2}\b/TIME/g; s/[0-9.]+ [KMG]iB\b/SIZE/g; s/±/+/g' |
        awk '
            /(^| )seconds( |$)/ { ends = index($0 " ", "seconds ") + 6; print; next }
            !NF { ends = 0 }
            {
                head = substr($0, 1, ends)
                sub(/[0-9.]+$/, "SECONDS", head)
                print head substr($0, ends + 1)
            }' |
        sed -E 's/ +/ /g; s/ $//'
}

hex='\b[0-9]*[a-f][0-9a-f]*\b' # with a letter; of eight digits or more

hashes() { # those in the text, one a line
    grep -oE "$hex" | awk 'length >= 8 && length <= 40'
}

# A regular expression for text from a page; every hash in it is a group.
pattern() {
    sed -E 's/[][\\.*^$+?(){}|]/\\&/g; s/\\\.\\\.\\\./.*/g' |
        awk -v hex='[0-9a-f]*[a-f][0-9a-f]*' '{
            for (line = ""; match($0, /[A-Za-z0-9_]+/); $0 = substr($0, RSTART + RLENGTH)) {
                word = substr($0, RSTART, RLENGTH)
                found = word ~ "^" hex "$" && RLENGTH >= 8 && RLENGTH <= 40
                line = line substr($0, 1, RSTART - 1) (found ? "([0-9a-f]+)" : word)
            }
            print line $0
        }'
}

declare -A known # what came in place of a hash of the page

translate() { # COMMAND, with the hashes that came
    local word hash text=$1
    for word in $(hashes <<<"$text"; grep -oE '\b[0-9a-f]{4,7}\b' <<<"$text"); do
        for hash in "${!known[@]}"; do
            [[ $hash != "$word"* ]] || { text=${text//$word/${known[$hash]:0:${#word}}} && break; }
        done
    done
    printf '%s' "$text"
}

matches() { # EXPECTED GOT: canonical texts; notes what came in place of hashes
    local expression i=1 hash
    expression=$(pattern <<<"$1")
    [[ $2 =~ ^$expression$ ]] || return 1
    for hash in $(hashes <<<"$1"); do
        [[ -z ${known[$hash]-} || ${known[$hash]} == "${BASH_REMATCH[i]}" ]] || return 1
        known[$hash]=${BASH_REMATCH[i]}
        i=$((i + 1))
    done
}

execute() { # COMMAND EXPECTED
    local got code=0 expected canonical
    got=$(eval "$(translate "$1")" 2>&1 </dev/null) || code=$?
    canonical=$(canon <<<"$got")
    expected=$(canon <<<"$2")
    if [[ $code -lt 126 && ($code == 0 || -n $2) ]] && matches "$expected" "$canonical"; then
        [[ -z ${FILL-} || -z $2 ]] || printf '%s\n' "$2" >>"$page"
    elif [[ -n ${FILL-} ]]; then
        [[ -z $got ]] || shown <<<"$got" >>"$page"
    else
        diff <(echo "$expected") <(echo "$canonical") | head -30 | sed 's/^/    /'
        fail "exit code $code: $1"
    fi
}

# What run_page keeps: the command that is read, the output below it, which block it is in, the file that the next one is, whether
# the next one is only shown, and where the page is written anew.
declare command output inside file passed page

say() { # a line of the page as it is
    [[ -z ${FILL-} ]] || printf '%s\n' "$1" >>"$page"
}

read_comment() { # LINE: fails where the page needs what is not there
    local text=${1#<!-- }
    text=${text% -->}
    case $text in
    'needs: mnist')
        [[ -e $data/mnist/train-images-idx3-ubyte ]] && has_avx2 && return
        echo '  skipped from here: needs MNIST, and AVX2' && return 1
        ;;
    'file: '*) file=${text#file: } ;;
    'run: '*) (eval "${text#run: }") >../said 2>&1 </dev/null || fail "$text: $(tail -3 ../said)" ;;
    'not run: '*) passed=yes ;;
    'with: '*) command -v "${text#with: }" >../said || passed=yes ;;
    esac
}

read_text() { # LINE outside of blocks
    say "$1"
    case $1 in
    '```console')
        [[ -z $passed ]] && inside=console || inside=shown
        passed=
        ;;
    '```'*)
        inside=shown
        [[ -z $file ]] || { inside=file && mkdir -p "$(dirname "$file")" && : >"$file"; }
        ;;
    '<!-- '*) read_comment "$1" ;;
    esac
}

read_console() { # LINE
    if [[ $1 != '$ '* && $1 != '```' && $command == *\\ ]]; then
        say "$1"
        command=${command%\\}$1
    elif [[ $1 != '$ '* && $1 != '```' ]]; then
        output+=$1$'\n'
    else
        [[ -z $command ]] || execute "$command" "${output%$'\n'}"
        say "$1"
        output='' command=${1#\$ }
    fi
}

run_page() { # FILE
    local line was
    command='' output='' inside='' file='' passed='' page=${FILL-}/$1
    [[ -z ${FILL-} ]] || { mkdir -p "$(dirname "$page")" && : >"$page"; }
    command -v taskset >where && taskset -cp "$(taskset -cp $BASHPID | sed 's/.*: \([0-9]*\).*/\1/')" $BASHPID >where
    mkdir lab bin
    ln -s "$HPX" bin/hpx
    unset -f hpx
    export PATH=$PWD/bin:$PATH HPX_DATA=$data XDG_CONFIG_HOME=$PWD/config
    unset HPX_STORE
    cd lab || exit 1
    while IFS= read -r line; do
        was=$inside
        case $inside in
        '') read_text "$line" || { [[ -z ${FILL-} ]] || cat >>"$page"; break; } ;;
        console) read_console "$line" ;;
        file) [[ $line == '```' ]] || printf '%s\n' "$line" >>"$file" ;;&
        *) say "$line" ;;
        esac
        [[ -z $was || $line != '```' ]] || { inside='' command='' file=''; }
    done <"$SOURCE_ROOT/$1"
}

test_tutorial() {
    run_page docs/tutorial.md
}

test_commands() {
    run_page docs/commands.md
}

test_readme() {
    run_page README.md
}

test_recipe() {
    run_page docs/recipe.md
}

test_models() {
    run_page docs/models.md
}

# The other pages have little to run.
test_other_pages() {
    local page
    for page in $(cd "$SOURCE_ROOT" && grep -l '^```console' docs/*.md); do
        grep -qx "    run_page $page" "$SOURCE_ROOT/tests/cli/test_docs.sh" && continue
        mkdir "$(basename "$page")"
        (cd "$(basename "$page")" && run_page "$page") || exit 1
    done
}

# Every command is shown, with what it prints.
test_every_command() {
    local command
    sed -n '/^```console/,/^```$/s/^\$ hpx \([a-z]*\).*/\1/p' "$SOURCE_ROOT"/docs/*.md | sort -u >shown_commands
    run 0 hpx help
    for command in $(sed -n 's/^  \([a-z]*\) .*/\1/p' out); do
        grep -qx "$command" shown_commands || fail "no page shows hpx $command"
    done
}

# Links lead to files and headings that are there.
test_links() {
    local page link file anchor
    for page in $(cd "$SOURCE_ROOT" && echo README.md ARCHITECTURE.md docs/*.md); do
        grep -oE '\]\([^)]+\)' "$SOURCE_ROOT/$page" | sed 's/^](//; s/)$//' >links || continue
        while read -r link; do
            [[ $link != http* ]] || continue
            file=${link%%#*} anchor=${link#"$file"}
            file=${file:+$(dirname "$SOURCE_ROOT/$page")/$file}
            file=${file:-$SOURCE_ROOT/$page}
            [[ -e $file ]] || fail "$page: no $link"
            [[ -z $anchor ]] || grep '^#' "$file" | sed 's/^#* //' | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9\n_-' | grep -qx -- "${anchor#\#}" ||
                fail "$page: no heading for $link"
        done <links
    done
}

run_tests "$@"

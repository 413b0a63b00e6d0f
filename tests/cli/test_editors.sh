# The colours of editors: every setting and every word of the language has one, as the tables of hpx know them.
. "$(dirname "$0")/common.sh"

vim_folder=$SOURCE_ROOT/editors/vim
vscode=$SOURCE_ROOT/editors/vscode
forms='log log2 log10 linear points step ordered unordered'

completed() { # WORD: NAME= and NAME=VALUE in the three recipes, the searches' without their names
    { hpx complete -- build m.rcp "$1" && hpx complete -- build c.rcp "$1" && hpx complete -- build p.rcp "$1"; } | cut -f1 | sed 's/^m-[a-z-]*\.//'
}

# ./settings, ./words and ./statements: what the language has.
list_language() {
    local method key
    printf '%s\n' program '  command = true' train '  objective = loss' >p.rcp
    printf '%s\n' 'dataset x' 'model mlp' '  hidden = 1' >m.rcp
    printf '%s\n' 'dataset x' 'model cnn' '  filters = 1' >c.rcp
    hpx complete -- build m.rcp "x.method=" >/dev/null
    printf '%s\n' 'search m-x' >>m.rcp
    hpx complete -- build m.rcp m-x.method= | sed 's/.*=//' >methods
    while read -r method; do
        printf '%s\n' "search m-$method" "  method = $method" >>m.rcp
    done <methods
    completed '' | sed -n 's/=$//p' >settings
    for method in x $(cat methods); do
        completed "m-$method." | sed -n 's/=$//p' >>settings
    done
    sort -u -o settings settings
    cp methods words
    for key in $(cat settings); do
        completed "$key=" | sed 's/.*=//'
        completed "m-x.$key=" | sed 's/.*=//'
    done | grep -v '^m-' >>words
    printf '%s\n' maximise minimise >>words
    sort -u -o words words
    ! hpx check - <<<'x' 2>err || fail 'x is a statement'
    sed -n "s/.*unknown statement 'x': expected //p" err | tr -d , | tr ' ' '\n' >statements
    [[ $(wc -l <settings) -gt 55 && $(wc -l <words) -gt 30 && $(wc -l <statements) == 7 ]] || fail 'too few names'
}

matches() { # REGEX FILE PREFIX SUFFIX: every word of the file, between these
    local word
    while read -r word; do
        grep -qP -- "$1" <<<"$3$word$4" || fail "the grammar does not know '$word'"
    done <"$2"
}

test_vscode() {
    local file grammar=$vscode/syntaxes/hpx.tmLanguage.json setting
    for file in "$vscode"/*.json "$grammar"; do
        jq -e type "$file" >out || fail "$file is no JSON"
    done
    for file in $(jq -r '.contributes | .languages[].configuration, .grammars[].path' "$vscode/package.json"); do
        [[ -s $vscode/$file ]] || fail "no $file"
    done
    equal "$(jq -r '.contributes.grammars[0].scopeName' "$vscode/package.json")" "$(jq -r .scopeName "$grammar")"
    equal "$(jq -r '.contributes.languages[0].extensions[]' "$vscode/package.json")" .rcp
    jq -r '[.. | .include? // empty | ltrimstr("#")] - (.repository | keys) | .[]' "$grammar" >out
    empty out
    list_language
    setting=$(jq -r .repository.setting.begin "$grammar")
    matches "$setting" settings '  ' ' = 1'
    matches "$setting" settings $'\t' '=1'
    ! grep -qP -- "$setting" <<<'  hiddenx = 1' || fail 'hiddenx is no setting'
    matches "$(jq -r .repository.word.match "$grammar")" words '  x = ' ''
    matches "$(jq -r .repository.word.match "$grammar")" words '  x=' ' # comment'
    grep -v axis statements >others
    matches "$(jq -r .repository.statement.match "$grammar")" others '' ' name'
    tr ' ' '\n' <<<"$forms" >forms
    matches "$(jq -r .repository.form.match "$grammar")" forms 'axis a = ' ' 1..4'
    grep -qP -- "$(jq -r .repository.axis.begin "$grammar")" <<<'axis n1= 1' || fail 'axis'
    # What hpx check says is found in the list of problems.
    printf '%s\n' 'dataset mnist' 'model mlp' '  hidden = x' >'odd name.rcp'
    run 2 hpx check 'odd name.rcp'
    grep -qP -- "$(jq -r '.contributes.problemMatchers[0].pattern.regexp' "$vscode/package.json")" err || fail 'no problem'
}

# ./groups has a line for each line of the recipe: the group of the byte at the column that stands there.
vim_groups() { # RECIPE COLUMNS
    cat >ask.vim <<END
set nocompatible
let &runtimepath = escape('$vim_folder', ' \\,') . ',' . &runtimepath
filetype plugin on
syntax on
edit $1
let groups = ['filetype ' . &filetype]
for place in readfile('$2')
  let [line, column] = split(place)
  call add(groups, synIDattr(synID(line, column, 1), 'name'))
endfor
call writefile(groups, 'groups')
qall!
END
    timeout 60 vim -u NONE -i NONE -n -es -S ask.vim </dev/null >vim.log 2>&1 || fail "vim: $(head -3 vim.log)"
    equal "$(head -1 groups)" 'filetype hpx'
    sed -i 1d groups
}

test_vim() {
    local word line=1
    { type -p vim && vim --version | grep -q '+syntax' && vim --version | grep -q '+eval'; } >/dev/null ||
        { echo '  skipped: needs vim with syntax' && return; }
    list_language
    : >expected && : >columns
    add() { # TEXT COLUMN GROUP
        echo "$1"
        echo "$line $2" >>columns
        echo "$3 $1" >>expected
        line=$((line + 1))
    }
    {
        for word in $(cat statements); do add "$word x" 1 hpxStatement; done
        for word in $(cat settings); do add "  $word = 1" 3 hpxSetting; done
        for word in $(cat words); do add "  x = $word" 7 hpxWord; done
        for word in $forms; do add "axis a = $word 1..4" 10 hpxForm; done
        add '  hiddenx = 1' 3 ''
        add '  x = 1e-4..1e-1' 7 hpxNumber
        add '  x = $n1' 7 hpxReference
        add '  x = "a # b"' 10 hpxString
        add '  x = 1 # yes' 12 hpxComment
        add '# relu' 3 hpxComment
        add '  x = relus' 7 hpxValues
        add 'axis rate = 1' 6 hpxName
    } >all.rcp
    vim_groups all.rcp columns
    paste -d' ' groups all.rcp >got
    same_files got expected
}

run_tests "$@"

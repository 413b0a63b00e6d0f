# What a command line may go on with, and the completion of bash, zsh and fish that asks for it.
. "$(dirname "$0")/common.sh"

make_lab() {
    recipe a.rcp 'rate = $rate' <<'END'
axis n1 = 16 32 64
axis n2 = log2 2..4
axis rate = 0.1 0.2
search line
  method = partial-cross
  limit  = 1
search all
  method = grid
END
    mkdir -p sub/deeper
    cp a.rcp sub/b.rcp
    touch table.csv other.txt .hidden.rcp
}

words() { # EXPECTED WORD...: the candidates for the last word, without what they are
    run 0 hpx complete -- "${@:2}"
    empty err
    equal "$(cut -f1 out | tr '\n' ' ')" "$1" "the words behind '${*:2}'"
}

test_commands_and_options() {
    local command option
    words 'build best ' b
    words '' nonsense ''
    words '--store ' build --st
    words 'plan ' help pl
    words 'recipe ' help rec
    run 0 hpx complete -- ''
    cut -f1 out | sort >completed
    hpx help | sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' | sort >listed
    same_files completed listed
    cp listed commands
    while read -r command; do
        run 0 hpx complete -- "$command" --
        cut -f1 out | sort >completed
        hpx help "$command" | sed -n 's/^  [-,a-zA-Z ]\{4\}\(--[a-z-]*\) .*/\1/p' | sort >listed
        same_files completed listed
    done <commands
    has_not commands worker
    run 0 hpx complete -- build -
    has out $'-j\ttrain N trials at once'
    has out $'--jobs\ttrain N trials at once'
}

test_recipes_and_searches() {
    make_lab
    words 'a.rcp data/ sub/ ' plan ''
    words 'a.rcp data/ sub/ ' -q plan -v ''
    words 'sub/b.rcp sub/deeper/ ' build sub/
    words '.hidden.rcp ' build .h
    words 'b.rcp deeper/ ' -C sub build ''
    words 'a.rcp:line a.rcp:all ' build a.rcp:
    words 'sub/b.rcp:line ' build -j2 sub/b.rcp:l
    words 'a.rcp:all ' build sub/b.rcp a.rcp:a
    words '' build other.rcp:
    words 'data/ sub/ table.csv ' replay ''
    words 'a.rcp data/ sub/ ' replay table.csv ''
}

test_axes_and_values() {
    make_lab
    words 'n1= n2= nesterov= ' build a.rcp n
    words 'n1=16 n1=32 n1=64 ' why a.rcp n1=
    words 'n2=4 ' why a.rcp n1=16 n2=4
    words 'seeds= seed= ' why a.rcp see
    words 'rate= rate= ' build a.rcp rat
    words 'optimizer=adam optimizer=sgd ' build a.rcp optimizer=
    words 'train.rate= ' build a.rcp train.rat
    words 'axis.n1= axis.n2= ' build a.rcp axis.n
    words 'line. ' build a.rcp lin
    words 'line.limit= ' build a.rcp line.l
    words 'line.method=hill-climb line.method=halving line.method=hyperband ' build a.rcp line.method=h
    words 'line.first=n1 line.first=n2 line.first=rate ' build a.rcp line.first=
    words 'all.method= ' build a.rcp all.m
    words '' build n
}

test_values_of_options() {
    make_lab
    words 'sub/ ' ls --store s
    words 'sub/ ' --store s
    words '--store=sub/ ' ls --store=s
    words 'other.txt ' report a.rcp -o ot
    words 'n1= n2= ' best a.rcp --where n
    words '--where=n1=16 ' best a.rcp --where=n1=1
    words 'n1 n2 ' best a.rcp --sort n
    words 'line all ' compare a.rcp --against ''
    words 'all ' compare a.rcp --starts ''
    words '' build a.rcp -j ''
    words 'ls fetch verify ' data ''
    words 'mnist ' data fetch m
}

test_keys() {
    local key
    make_lab
    words '' show ''
    [[ ! -e store ]] || fail 'it made a store'
    run 0 hpx build -q a.rcp:all epochs=1 axis.n2=2 axis.rate=0.1
    equal "$(hpx complete -- show '' | wc -l)" 3
    hpx ls --json | jq -r '.[].key' >keys
    while read -r key; do
        words "${key:0:12} " show "${key:0:9}"
        words "$key " show "${key:0:20}"
        words "${key:0:12} " diff "$key" "${key:0:6}"
        words '' show "$key" "${key:0:3}"
    done <keys
    words '' show x
    read -r key <keys
    cp -r store elsewhere
    words "${key:0:12} " --store elsewhere show "${key:0:9}"
    HPX_STORE=$PWD/nowhere words '' show ''
}

# Of more than are worth a list, the digits that come next.
test_many_keys() {
    recipe r.rcp 'seeds = 1..5' 'keep = none' 'epochs = 1' <<<'axis n1 = 1..14
axis n2 = 1
search all
  method = grid'
    run 0 hpx build -q r.rcp
    run 0 hpx complete -- show ''
    grep -qE '^[0-9a-f]'$'\tkeys that begin so$' out || fail 'no next digit'
    hpx ls --json | jq -r '.[].key[0:1]' | sort -u >digits
    equal "$(cut -f1 out | tr -d '\n')" "$(tr -d '\n' <digits)"
}

test_silent_and_harmless() {
    make_lab
    printf 'search x\n method = grid\naxis n = 1 2\nnonsense "\ntrain\n rate = much\n' >bad.rcp
    words 'bad.rcp:x ' build bad.rcp:
    words 'n=1 n=2 ' build bad.rcp n=
    words '' build --nonsense ''
    words '' -C nowhere build ''
    words '' ''$'\x01'
    mkdir -p damaged
    head -c 20000 /dev/urandom >damaged/hpx.mdb
    words '' show --store damaged ''
    run 0 hpx complete
    run 0 hpx complete --
    run 0 hpx complete -- build a.rcp "$(printf 'x%.0s' {1..5000})"
}

# --- shells -----------------------------------------------------------------------------------------------------------

link_hpx() {
    mkdir -p bin
    ln -sf "$HPX" bin/hpx
    PATH=$PWD/bin:$PATH
}

test_bash() {
    local line expected got
    make_lab
    link_hpx
    cp a.rcp 'with blank.rcp'
    run 0 hpx build -q a.rcp:all epochs=1 axis.n1=16 axis.n2=2 axis.rate=0.1
    cat >ask.sh <<'END'
. "$1"
COMP_LINE=$2 COMP_POINT=${#2}
[[ -z ${3-} ]] || COMP_WORDBREAKS=$3
complete -p hpx >/dev/null || exit 1
_hpx
printf '%s|' "${COMPREPLY[@]}"
END
    while IFS='>' read -r line expected; do
        got=$(bash -u ask.sh "$SOURCE_ROOT/tools/completion/hpx.bash" "$line" $' \t\n"\'><=;|&(:') || fail "bash fails at '$line'"
        equal "$got" "$expected" "what bash offers behind '$line'"
    done <<END
hpx bu>build|
hpx >$(hpx complete -- '' | cut -f1 | tr '\n' '|')
hpx build a.rcp:>line|all|
hpx build a.rcp:l>line|
X=1 hpx build a.rcp n1=>16|32|64|
hpx build a.rcp n1=1>16|
hpx build a.rcp optim>optimizer=|
hpx build with\\ blank.rcp n1=1>16|
hpx build with>with\\ blank.rcp|
hpx build --sto>--store|
hpx show >$(hpx ls --json | jq -r '.[0].key[0:12]')|
hpx nonsense >|
END
    got=$(bash ask.sh "$SOURCE_ROOT/tools/completion/hpx.bash" 'hpx build a.rcp:l' ' ')
    equal "$got" 'a.rcp:line|'
}

test_zsh() {
    type -p zsh >/dev/null || { echo '  skipped: needs zsh' && return; }
    make_lab
    link_hpx
    cat >ask.zsh <<'END'
# Types each line and a tab into an interactive zsh, and prints what comes of it.
zmodload zsh/zpty || exit 1
zpty shell zsh -f -i
line() { zpty -w shell "$1" }
line "PS1='' PROMPT='' RPS1='' TERM=dumb; unsetopt zle_bracketed_paste; fpath=(${(q)1} \$fpath)"
line 'autoload -Uz compinit && compinit -u -D; zstyle ":completion:*" menu no; unsetopt list_beep'
line 'report() { print -r -- "<<$BUFFER>>"; BUFFER= }; zle -N report; bindkey "^X" report; print ready'
while zpty -r shell text; do [[ $text == *ready* && $text != *print* ]] && break; done
while read -r typed; do
    zpty -w -n shell "$typed"$'\t\x18'
    while zpty -r shell text; do
        [[ $text == *'<<'*'>>'* ]] && { print -r -- "$typed>${${text##*<<}%%>>*}"; break; }
    done
done
zpty -d shell
END
    cat >expected <<'END'
hpx bu>hpx build 
hpx build a>hpx build a.rcp 
hpx build a.rcp:l>hpx build a.rcp:line 
hpx build su>hpx build sub/
hpx build a.rcp optim>hpx build a.rcp optimizer=
hpx build a.rcp n1=1>hpx build a.rcp n1=16 
hpx build --no-sp>hpx build --no-speculate 
hpx build nothing>hpx build nothing
END
    cut -d'>' -f1 expected | timeout 60 zsh -f ask.zsh "$SOURCE_ROOT/tools/completion" >got || fail 'zsh ends early'
    same_files got expected
}

test_fish() {
    type -p fish >/dev/null || { echo '  skipped: needs fish' && return; }
    make_lab
    link_hpx
    local line expected
    export HOME=$PWD XDG_CONFIG_HOME=$PWD/config XDG_DATA_HOME=$PWD/share
    while IFS='>' read -r line expected; do
        equal "$(fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$SOURCE_ROOT/tools/completion/hpx.fish" "$line" | cut -f1 | tr '\n' ' ')" \
            "$expected" "what fish offers behind '$line'"
    done <<'END'
hpx bu>build 
hpx build s>share/ sub/ 
hpx build a.rcp:>a.rcp:line a.rcp:all 
hpx build a.rcp n1=>n1=16 n1=32 n1=64 
hpx build --no-sp>--no-speculate 
hpx build nothing>
END
    equal "$(fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$SOURCE_ROOT/tools/completion/hpx.fish" 'hpx plan --excl' )" ''
    equal "$(fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$SOURCE_ROOT/tools/completion/hpx.fish" 'hpx plan --exit' )" $'--exit-code\texit with 10 when work remains'
}

run_tests "$@"

# bash completion for hpx: `hpx complete` knows what a command line may go on with.

_hpx() {
    local words word lead i
    COMPREPLY=()
    # The words as they are typed: bash parts its own at ':' and '=', too.
    # shellcheck disable=SC2162 # backslashes are to be taken away
    read -a words <<<"${COMP_LINE:0:COMP_POINT}"
    [[ ${COMP_LINE:0:COMP_POINT} != *[^\\][[:space:]] ]] || words+=('')
    while [[ ${words[0]-} == *=* ]]; do words=("${words[@]:1}"); done
    [[ ${#words[@]} -gt 1 ]] || return 0
    word=${words[${#words[@]} - 1]}
    mapfile -t COMPREPLY < <("${words[0]/#\~/$HOME}" complete -- "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]%%$'\t'*} != *[/=:.] ]] || compopt -o nospace 2>/dev/null
    # What stands before the last of these is no part of the word that bash replaces.
    lead=${word%"${word##*["${COMP_WORDBREAKS//[^:=]/}"]}"}
    [[ $COMP_WORDBREAKS == *[:=]* ]] || lead=
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=${COMPREPLY[i]%%$'\t'*}
        COMPREPLY[i]=${COMPREPLY[i]#"$lead"}
        [[ ${COMPREPLY[i]} != *[[:space:]\"\'\$\\\&\;]* ]] || printf -v "COMPREPLY[i]" %q "${COMPREPLY[i]}"
    done
}
complete -F _hpx hpx

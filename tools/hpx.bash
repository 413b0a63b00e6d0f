# bash completion for hpx
_hpx() {
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-}
    local options='-j --jobs -k --keep-going -n --dry-run -y --yes -B --always-make -C --directory -q --quiet -v --verbose --no-speculate --require-clean --json --csv --store --exit-code -o --output --where --sort --top --metrics --epochs --all --no-checkpoints --logs --checkpoint --safetensors --logits --optuna --table --compare --against --starts --watch --figures --repeat --log --max-size --compact --pin --unpin --rebuild --at-code --trust --sample --reason --forget --patch --progress --help'
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "build plan trial replay compare report best ls show predict audit why log diff reproduce adopt data doctor verify gc forget export import help --version" -- "$word")
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    elif [ "$command" = data ]; then
        mapfile -t COMPREPLY < <(compgen -W "ls fetch verify mnist fashion-mnist" -- "$word")
    elif [ "$command" = help ]; then
        mapfile -t COMPREPLY < <(compgen -W "build plan trial replay compare report best ls show predict audit why log diff reproduce adopt data doctor verify gc forget export import" -- "$word")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -X '!*.@(rcp|csv)' -- "$word"; compgen -d -- "$word")
    fi
}
complete -F _hpx hpx

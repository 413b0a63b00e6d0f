# fish completion for hpx: `hpx complete` knows what a command line may go on with.

function __hpx_complete
    set -l words (commandline -opc)
    set -l hpx $words[1]
    set -e words[1]
    $hpx complete -- $words (commandline -ct) 2>/dev/null
end

complete -c hpx -f -k -a '(__hpx_complete)'

# Checks the includes of the files given after tools/layers.txt against it.

function folder_of_file(path, parts)
{
    split(path, parts, "/")
    if (parts[1] == "src")
        return parts[2]
    sub(/^include\//, "", path)
    if (path in owner)
        return owner[path]
    sub(/\.h$/, "", path)
    return owner[path]
}

function complain(what)
{
    printf "%s:%d: %s\n", FILENAME, FNR, what
    failed = 1
}

# Whether this file begins with one of these, which have a blank between them.
function is_one_of(prefixes, words, i, n)
{
    n = split(prefixes, words, " ")
    for (i = 1; i <= n; i++)
        if (index(FILENAME, words[i]) == 1)
            return 1
    return 0
}

FILENAME == ARGV[1] {
    if ($1 ~ /^[0-9]+$/) {
        folder = $2
        sub(/:$/, "", folder)
        row[folder] = $1
        for (i = 3; i <= NF; i++)
            owner[$i ~ /\/|\.h$/ ? $i : folder "/" $i] = folder
    } else if ($1 == "only") {
        sole[$2] = substr($0, index($0, $3))
    }
    next
}

FNR == 1 {
    from = folder_of_file(FILENAME)
    if (!(from in row)) {
        printf "%s: not in tools/layers.txt\n", FILENAME
        failed = 1
    }
}

/^#include/ {
    header = $2
    gsub(/[<">]/, "", header)
    for (library in sole)
        if (index(header, library) == 1 && !is_one_of(sole[library]))
            complain("only " sole[library] " may include " header)
    if ($2 !~ /^"/ || header !~ /\//)
        next
    if (FILENAME ~ /^include\// && header !~ /^hpx\//)
        complain("a public header includes public headers only, not " header)
    name = header
    sub(/\.h$/, "", name)
    to = owner[name]
    if (to == "")
        complain(header " is not in tools/layers.txt")
    else if (to != from && row[to] >= row[from])
        complain(from " (row " row[from] ") must not include " header " of " to " (row " row[to] ")")
}

END { exit failed }

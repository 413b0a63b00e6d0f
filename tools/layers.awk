# Checks the includes of the files given after tools/layers.txt against it.

function module_of_file(path, parts)
{
    split(path, parts, "/")
    if (parts[1] == "src")
        return parts[2]
    sub(/\.h$/, "", parts[3])
    return owner[parts[3]]
}

FILENAME == ARGV[1] {
    if ($1 ~ /^[0-9]+$/) {
        module = $2
        sub(/:$/, "", module)
        row[module] = $1
        for (i = 3; i <= NF; i++)
            owner[$i] = module
    } else if ($1 == "allow") {
        allowed[$2, $3] = 1
    } else if ($1 == "only") {
        sole[$2] = $3
    }
    next
}

FNR == 1 {
    from = module_of_file(FILENAME)
    if (!(from in row)) {
        printf "%s: not in tools/layers.txt\n", FILENAME
        failed = 1
    }
}

/^#include/ {
    header = $2
    gsub(/[<">]/, "", header)
    for (library in sole)
        if (index(header, library) == 1 && index(FILENAME, sole[library]) != 1) {
            printf "%s:%d: only %s may include %s\n", FILENAME, FNR, sole[library], header
            failed = 1
        }
    if (header !~ /^hpx\//)
        next
    sub(/^hpx\//, "", header)
    sub(/\.h$/, "", header)
    to = owner[header]
    if (to == "") {
        printf "%s:%d: hpx/%s.h is not in tools/layers.txt\n", FILENAME, FNR, header
        failed = 1
    } else if (to != from && row[to] >= row[from] && !((from, to) in allowed)) {
        printf "%s:%d: %s (row %d) must not include hpx/%s.h of %s (row %d)\n", FILENAME, FNR, from, row[from],
            header, to, row[to]
        failed = 1
    }
}

END { exit failed }

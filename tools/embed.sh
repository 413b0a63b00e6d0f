#!/bin/sh
# Prints files as C: for each NAME and FILE an array of its bytes, NAME, and their number, NAME_size.
set -eu
echo '#include <stddef.h>'
while [ $# -gt 1 ]; do
    echo "extern const unsigned char $1[];"
    echo "extern const size_t $1_size;"
    echo "const unsigned char $1[] = {"
    od -An -v -tu1 "$2" | sed 's/\([0-9][0-9]*\)/\1,/g'
    echo "};"
    echo "const size_t $1_size = sizeof $1;"
    shift 2
done

#!/bin/sh
# Installs hpx to PREFIX, below DESTDIR, with a list of what was installed; or removes what that list has: nothing else, and
# no folder that others use.
#     install.sh install BUILD VERSION PACKAGES PREFIX [DESTDIR]
#     install.sh uninstall PREFIX [DESTDIR]
# MULTIARCH in the environment is put behind lib/, for distributions; then zsh's completion goes where Debian has it.
set -eu

doc=share/doc/hpx
list=$doc/installed

# One file a line: its mode, where it is, and where it goes below PREFIX.
files() {
    echo "755 $build/hpx bin/hpx"
    echo "644 $build/library/libhpx.a $library/libhpx.a"
    echo "644 $build/library/hpx.pc $library/pkgconfig/hpx.pc"
    echo "644 include/hpx.h include/hpx.h"
    echo "644 tools/completion/hpx.bash share/bash-completion/completions/hpx"
    echo "644 tools/completion/_hpx share/zsh/$zsh/_hpx"
    echo "644 tools/completion/hpx.fish share/fish/vendor_completions.d/hpx.fish"
    for page in "$build"/man/*.[1-9]; do
        echo "644 $page share/man/man${page##*.}/${page##*/}"
    done
    find README.md LICENSE docs recipes examples editors -type f ! -path '*/__pycache__/*' ! -name '.*' | sort | while read -r file; do
        echo "$(test -x "$file" && echo 755 || echo 644) $file $doc/$file"
    done
}

# The quotes in it hold a prefix with blanks together.
write_pc() {
    escaped=$(printf %s "$prefix" | sed 's/[&|\\]/\\&/g')
    sed -e "s|@PREFIX@|$escaped|" -e "s|@LIBRARY@|$library|" -e "s|@REQUIRES@|$packages|" -e "s|@VERSION@|$version|" \
        tools/hpx.pc.in >"$build/library/hpx.pc"
}

install_files() {
    write_pc
    files | while read -r mode from to; do
        install -d "$root/${to%/*}"
        install -m "$mode" "$from" "$root/$to"
    done
    { files | cut -d' ' -f3- && echo "$list"; } >"$root/$list"
    chmod 644 "$root/$list"
}

# The folders of our own go, too, the deepest first; one with a file of somebody else's stays.
uninstall_files() {
    while read -r file; do
        rm -f "$root/$file"
    done <"$root/$list"
    find "$root/$doc" -depth -type d -exec rmdir --ignore-fail-on-non-empty {} +
}

case $1 in
install)
    build=$2 version=$3 packages=$4 prefix=$5
    root=${6-}$prefix
    library=lib${MULTIARCH:+/$MULTIARCH}
    zsh=${MULTIARCH:+vendor-completions} zsh=${zsh:-site-functions}
    [ ! -e "$root/$list" ] || uninstall_files
    install_files
    ;;
uninstall)
    root=${3-}$2
    if [ -e "$root/$list" ]; then
        uninstall_files
    else
        echo "uninstall: $root/$list is not there: nothing is installed in $root" >&2
    fi
    ;;
esac

#!/bin/sh
# Debian packages of what the build has made: hpx, and libhpx-dev with header and library. They have the very binary that is
# tested, for its compiler flags are part of every result's identity: packages built with others would share no results with it.
#     deb.sh BUILD VERSION PACKAGES
# The packages lie in BUILD/deb. lintian looks at them where it is installed; what it may find stands in tools/debian/*.lintian-overrides.
set -eu
umask 022

build=$1 version=$2 packages=$3
out=$build/deb

for tool in dpkg-deb dpkg-shlibdeps dpkg-gencontrol dpkg-parsechangelog strip; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "deb: $tool is missing; install it with: sh tools/deps.sh dpkg-dev binutils" >&2
        exit 1
    fi
done

# dpkg's tools look for a folder debian/ here.
rm -rf "$out"
mkdir -p "$out/debian"
cp tools/debian/* "$out/debian/"
main=$out/debian/hpx dev=$out/debian/libhpx-dev
SOURCE_DATE_EPOCH=$(cd "$out" && dpkg-parsechangelog -S Timestamp)
export SOURCE_DATE_EPOCH
if [ "$(cd "$out" && dpkg-parsechangelog -S Version)" != "$version" ]; then
    echo "deb: tools/debian/changelog has no entry for version $version" >&2
    exit 1
fi

# The files of both, then those of the library apart.
MULTIARCH=$(dpkg-architecture -qDEB_HOST_MULTIARCH) \
    sh tools/install.sh install "$build" "$version" "$packages" /usr "$main"
rm "$main/usr/share/doc/hpx/installed" "$main/usr/share/doc/hpx/LICENSE"
mkdir -p "$dev/usr/share/doc/libhpx-dev"
mv "$main/usr/include" "$main/usr/lib" "$dev/usr/"
mkdir -p "$dev/usr/share/doc/libhpx-dev/examples"
mv "$main/usr/share/doc/hpx/examples/library"/* "$dev/usr/share/doc/libhpx-dev/examples/"
rmdir "$main/usr/share/doc/hpx/examples/library"
strip --remove-section=.comment --remove-section=.note "$main/usr/bin/hpx"
strip --strip-debug --remove-section=.comment --enable-deterministic-archives "$dev"/usr/lib/*/libhpx.a

for package in hpx libhpx-dev; do
    root=$out/debian/$package
    doc=$root/usr/share/doc/$package
    cp "$out/debian/copyright" "$doc/"
    gzip -9nc "$out/debian/changelog" >"$doc/changelog.gz"
    if [ -e "$out/debian/$package.lintian-overrides" ]; then
        mkdir -p "$root/usr/share/lintian/overrides"
        cp "$out/debian/$package.lintian-overrides" "$root/usr/share/lintian/overrides/$package"
    fi
    mkdir "$root/DEBIAN"
done
gzip -9n "$main"/usr/share/man/man*/*

# libgit2 is loaded when it is needed, and must be the version whose header was used.
soname=$(echo LIBGIT2_SOVERSION | ${CC:-gcc} -E -P -include git2/version.h - | tr -d '"')
git2=$(dpkg-query -S "*/libgit2.so.$soname" | head -1 | cut -d: -f1)
(
    cd "$out"
    dpkg-shlibdeps -Tdebian/hpx.substvars debian/hpx/usr/bin/hpx
    echo "libgit2:Depends=$git2" >>debian/hpx.substvars
    touch debian/libhpx-dev.substvars
    for package in hpx libhpx-dev; do
        (cd "debian/$package" && find usr -type f | LC_ALL=C sort | xargs -d '\n' md5sum >DEBIAN/md5sums)
        dpkg-gencontrol -p"$package" -P"debian/$package" -T"debian/$package.substvars"
        dpkg-deb --root-owner-group --build "debian/$package" . >/dev/null
    done
    if command -v lintian >/dev/null 2>&1; then
        lintian --fail-on error,warning --allow-root --display-info ./*.deb
    else
        echo "deb: lintian has not looked at them: it is not installed (sh tools/deps.sh lintian)" >&2
    fi
)
ls "$out"/*.deb

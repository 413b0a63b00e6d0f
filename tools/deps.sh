#!/bin/sh
# Installs, through apt, the packages that are missing to build hpx and to run its tests. Says nothing when none is.
set -eu

packages="gcc make git pkg-config liblmdb-dev libgit2-dev libxxhash-dev libopenblas-serial-dev libcurl4-openssl-dev
zlib1g-dev libsodium-dev librandom123-dev libcmocka-dev jq procps ca-certificates"

missing=
for package in $packages "$@"; do
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$state" = "install ok installed" ] || missing="$missing $package"
done
if [ -z "$missing" ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "deps: these Debian packages, or what your system calls them, are needed:$missing" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
fi
echo "deps: installing$missing" >&2
$as_root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null

#!/bin/bash
# The package hpx, installed by apt into a Debian that has nothing but apt, run there and purged. Needs root, mmdebstrap or
# debootstrap, and Debian's mirror; without these it says so, and is skipped. `make check-deb` makes the packages first.
set -eu
: "${BUILD:=build}"
source=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$(realpath "$BUILD")

skip() {
    echo "deb: skipped: $1"
    exit 0
}

fail() {
    echo "deb: $1" >&2
    exit 1
}

[[ $(id -u) == 0 ]] || skip 'needs root'
[[ -r /etc/debian_version ]] || skip 'needs Debian'
. /etc/os-release
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -1)
mirror=${mirror%/}
work=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$work"' EXIT
root=$work/root
/usr/lib/apt/apt-helper download-file "$mirror/dists/$VERSION_CODENAME/InRelease" "$work/InRelease" >/dev/null 2>&1 ||
    skip "needs the mirror $mirror"
unshare --mount true 2>/dev/null || skip 'needs to mount /proc'

if command -v mmdebstrap >/dev/null; then
    mmdebstrap --quiet --mode=root --variant=apt --dpkgopt=force-unsafe-io "$VERSION_CODENAME" "$root" "$mirror" >"$work/log" 2>&1
elif command -v debootstrap >/dev/null; then
    debootstrap --variant=minbase "$VERSION_CODENAME" "$root" "$mirror" >"$work/log" 2>&1
else
    skip 'needs mmdebstrap; install it with: sh tools/deps.sh mmdebstrap'
fi || fail "no clean Debian: $(tail -3 "$work/log")"

. "$source/tests/helper/images.sh"
make_data "$root/srv/data" 200
cp "$BUILD"/deb/hpx_*.deb "$root/srv/hpx.deb"
cp /etc/resolv.conf "$root/etc/"
cat >"$root/srv/small.rcp" <<'END'
dataset toy
  validation = 50
  train = data/train-images data/train-labels
  test = data/test-images data/test-labels
model mlp
  hidden = $n1
train
  epochs = 2
axis n1 = 4 8
search all
  method = grid
END
# What a package may leave: what apt itself writes when it installs anything.
cat >"$root/srv/test" <<'END'
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
files() {
    find / -xdev \( -path /proc -o -path /dev -o -path /srv -o -path /tmp -o -path /var/lib/dpkg -o -path /var/lib/apt \
        -o -path /var/cache -o -path /var/log \) -prune -o -print | sort
}
apt-get update -qq
files >/srv/before
apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-unsafe-io /srv/hpx.deb >/dev/null
dpkg --verify hpx
hpx --version
cd /srv
hpx build -q small.rcp --store store --json >built
hpx build small.rcp --store store
hpx verify --store store
hpx help build | head -1
apt-get purge -y -qq --autoremove hpx >/dev/null
files >/srv/after
diff /srv/before /srv/after
END
unshare --mount sh -c 'mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" && exec chroot "$1" sh /srv/test' - "$root" >"$work/out" 2>"$work/err" ||
    fail "the test in a clean Debian fails: $(tail -8 "$work/out" "$work/err")"

# What it trained there is what the build trains here: the same binary, the same keys.
[[ $(grep -c 'nothing to train: all 2 trials are stored' "$work/err") == 1 ]] || fail "it trains again: $(cat "$work/err")"
[[ $(head -1 "$work/out") == "$("$BUILD/hpx" --version)" ]] || fail "another version: $(head -1 "$work/out")"
cp -r "$root/srv/store" "$root/srv/data" "$root/srv/small.rcp" "$work/"
(cd "$work" && "$BUILD/hpx" build small.rcp --store store 2>err >/dev/null && grep -q 'nothing to train' err) ||
    fail "this hpx does not take its results: $(cat "$work/err")"
echo 'deb: installed, run and purged in a clean Debian'

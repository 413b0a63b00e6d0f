# axe-core, which checks pages for accessibility: from npm, for tests only, kept in the build folder.

# Prints the name of axe.min.js; fails without a word where it cannot be had.
axe() {
    local version=4.14.1 sum=e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745
    local folder=${BUILD:-$SOURCE_ROOT/build}/tests/axe-core-$version archive
    if [[ ! -e $folder/package/axe.min.js ]]; then
        archive=$(mktemp -d "$scratch/axe.XXXXXX")/axe-core-$version.tgz
        (cd "${archive%/*}" && timeout 60 npm pack --silent --fetch-retries=1 "axe-core@$version" </dev/null) >/dev/null 2>&1
        echo "$sum  $archive" | sha256sum --check --status 2>/dev/null || return 1
        mkdir -p "$folder" && tar -xzf "$archive" -C "$folder" package/LICENSE package/axe.min.js || return 1
    fi
    realpath "$folder/package/axe.min.js"
}

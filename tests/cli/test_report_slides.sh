# Every figure that docs/report.md names is in the page.
. "$(dirname "$0")/common.sh"

headings() { # PAGE: the texts of its headings, one a line
    sed -n 's/.*<h[23][^>]*>\([^<]*\)<.*/\1/p' "$1"
}

named() { # what the tables of docs/report.md name, one a line
    sed -n '/^| \*\*\|^| [^|]* | \*\*/p' "$SOURCE_ROOT/docs/report.md" | grep -o '\*\*[^*]*\*\*' | tr -d '*' | sort -u
}

test_every_figure_named_is_there() {
    recipe a.rcp 'epochs = 5' 'optimizer = sgd' 'rate = 0.1' 'weight-decay = $w' 'seeds = 1' <<'X'
axis n1 = log2 2..16
axis n2 = log2 2..16
axis w  = 0 200
search all
  method = grid
search partial-1
  method = partial-cross
  limit  = 1
search partial-2
  method = partial-cross
  limit  = 2
X
    sed 's/0 200/0 0.001/' a.rcp >b.rcp # no cell of it fails
    hpx build -j2 -q a.rcp >out 2>err
    run 0 hpx build -j2 -q b.rcp seeds=1..3
    prints compared.json hpx compare b.rcp --json
    run 0 hpx report a.rcp -o failed.html
    run 0 hpx report b.rcp -o page.html --compare compared.json
    sed -e 's/^model mlp/model cnn/; s/^  hidden = .*/  filters = $n1 $n2/' b.rcp >c.rcp
    run 0 hpx build -q -j2 c.rcp:partial-1
    run 0 hpx report c.rcp -o convolutions.html
    headings page.html >there
    headings failed.html >>there
    headings convolutions.html >>there
    named >named
    [[ $(wc -l <named) -gt 20 ]] || fail "docs/report.md names only $(wc -l <named) figures"
    while read -r heading; do # or how headings begin that a name of the recipe follows
        grep -qF -- "^$heading" <(sed "s/^/^/" there) || fail "the page has no '$heading'"
    done <named
}

run_tests "$@"

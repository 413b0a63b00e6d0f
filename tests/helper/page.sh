# Checks of the page of hpx report. A script sources this behind common.sh.

# Skips the test where there is no browser, or nothing that drives it.
needs_browser() { # [COMMAND...]: these, too
    local command
    for command in chromium chromedriver python3 "$@"; do
        if ! command -v "$command" >/dev/null; then
            echo "  skipped: needs $command"
            exit 0
        fi
    done
}

# All before the data and the script is XML.
well_formed() { # FILE
    command -v python3 >/dev/null || return 0
    { sed '/^<script/,$d' "$1" && echo '</body></html>'; } >page.xml
    python3 - page.xml 2>err <<'X' || fail "$1 is not well formed"
import sys, xml.dom.minidom
page = xml.dom.minidom.parse(sys.argv[1])
assert not [e for e in page.getElementsByTagName("*") if e.hasAttribute("style")], "a style attribute"
figures = page.getElementsByTagName("svg")
assert figures and all(f.getAttribute("role") == "img" and f.getElementsByTagName("title") for f in figures)
ids = [e.getAttribute("id") for e in page.getElementsByTagName("*") if e.hasAttribute("id")]
assert len(ids) == len(set(ids)), ids
for figure in page.getElementsByTagName("figure"):
    what = figure.getAttribute("id")
    assert figure.getAttribute("aria-labelledby") in ids, what
    assert figure.getElementsByTagName("summary") or figure.getElementsByTagName("ul") or figure.hasAttribute("aria-hidden"), f"{what} has no table"
X
}

json_of() { # FILE: the page's JSON
    sed -n '/<script type="application\/json"/,/<\/script>/p' "$1" | sed '1d; $d'
}

figure() { # ID: of page.html
    sed -n "/<figure id=\"$1\"/,/<\/figure>/p" page.html
}

# The rows of a table, "a|b|c".
rows() {
    grep '^<tr.*<t[hd]' | grep -v thead | sed 's/<\/t[hd]>/|/g; s/<[^>]*>//g; s/|$//'
}

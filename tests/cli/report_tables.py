"""What a page of hpx report shows without its script and on paper, and that the numbers in its tables are those of --json:
PAGE, and what hpx build, best and ls have printed of it."""
import json, sys

from browser import Browser

page, *files = sys.argv[1:]
build, best, ls = (json.load(open(file)) for file in files)
rows = """return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))"""
cut = """return [document.documentElement, ...document.querySelectorAll('.scroll, figure, pre')].filter(e =>
    e.scrollWidth > e.clientWidth && e.checkVisibility()).map(e => e.id || e.getAttribute('aria-label') || e.tagName)"""
PAPER = 718  # CSS pixels of A4 between margins of a centimetre


def equal(got, expected, what):
    assert got == expected, f"{what}: {got!r}, expected {expected!r}"


def text(value, decimals=4):
    return "–" if value is None else f"{value:.{decimals}f}"


def words(cell):
    return " ".join(f"{name}={value}" for name, value in cell.items())


def searches(browser):
    equal(browser.run(rows, "#ends"), [
        [s["name"], s["method"], words(s["end"]), text(s["score"]), text(s["score_sd"]), text(s["difference"]),
         text(s["relative_cost"], 3), str(s["evaluations"]), str(len(s["trace"]))] for s in build["searches"]], "the table of searches")


def cells(browser):
    expected = [[*map(str, b["cell"].values()), text(b["score"]), text(b["score_sd"]), str(b["seeds"]), str(b["epoch"]), b["key"][:12]]
                for b in best["best"]]
    got = [row[:-3] + row[-2:-1] for row in browser.run(rows, "#table")]  # without cost and code
    equal(sorted(got), sorted(expected), "the table of cells")
    keys = {result["key"][:12] for result in ls}
    assert keys and {row[-1] for row in got} <= keys, "the keys of hpx ls"


def figures(browser):
    equal(browser.run("return [...document.querySelectorAll('figure')].filter(f => !f.querySelector('svg, img')).length"), 0,
          "figures without a picture")
    assert browser.run("return document.querySelectorAll('figure').length") > 8, "figures"
    equal(browser.run("return [...document.querySelectorAll('figure')].filter(f => f.getBoundingClientRect().height < 100).length"), 0,
          "figures of no height")


with Browser() as browser:
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page)
    equal(browser.run("return document.querySelectorAll('#shown, input, [tabindex=\"-1\"]').length"), 0, "what the script makes")
    for part in (searches, cells, figures):
        part(browser)
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)
    browser.open(page)
    for part in (searches, cells, figures):
        part(browser)
    browser.look(PAPER, 900, True)
    browser.devtools("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    equal(browser.run(cut), [], "what is cut on paper")
    equal(browser.run("return [...document.querySelectorAll('#shown, input, select, button')].filter(e => e.checkVisibility() && "
                      "!e.closest('thead')).length"), 0, "controls on paper")
    equal(browser.run("return getComputedStyle(document.body).color"), "rgb(36, 41, 47)", "ink on paper")
    equal(browser.log(), [], "what the console says")

"""What a page of hpx report does in a browser: PAGE, of the paper's table, one with HOSTILE names, and a DENSE one of very many cells."""
import sys, time

from browser import Browser

page, hostile, dense = sys.argv[1:]
on = "return [...document.querySelectorAll('.cell.on')].length"
shown = "return document.querySelector('#shown').innerText"
over = """const e = document.querySelector(arguments[0]);
          e.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))"""


def equal(got, expected, what):
    assert got == expected, f"{what}: {got!r}, expected {expected!r}"


def has(text, part):
    assert part in text, f"{text!r} lacks {part!r}"


def quiet(browser):
    equal(browser.log(), [], "what the console says")


def links(browser):
    browser.open(page)
    equal(browser.run(on), 0, "cells shown before one is pointed at")
    browser.run(over, "#costs .cell[data-n='25']")
    equal(browser.run("return ['space', 'costs', 'distribution', 'epochs', 'table'].map(id =>"
                      " document.querySelectorAll('#' + id + ' .on[data-n=\"25\"]').length > 0)"), [True] * 5, "figures that show it")
    data = browser.run("return JSON.parse(document.getElementById('data').textContent)")
    cell = dict(zip(data["fields"], data["cells"][25]))
    for part in ("n1=64 n2=128", f"{cell['score']:.4f}", f"{cell['score_sd']:.4f}", cell["key"][:12], data["codes"][cell["code"]][:8]):
        has(browser.run(shown), part)
    browser.run(over, "h1")
    equal(browser.run(on), 0, "cells shown when none is pointed at")


def pins(browser):
    browser.open(page)
    for n in (3, 40):
        browser.run("document.querySelector(`#space .cell[data-n='${arguments[0]}'] rect`).dispatchEvent("
                    "new MouseEvent('click', {bubbles: true}))", n)
    equal(browser.run("return location.hash"), "#pin=3+40", "the fragment")
    has(browser.run(shown), "First less second: ")
    has(browser.run(shown), "standard error")


def keyboard(browser):
    browser.open(page)
    browser.run("document.querySelector('#space svg').focus()")
    start = browser.run("return Number(document.querySelector('.answer .cell').dataset.n)")
    browser.keys("\ue012\ue013")  # left, up
    has(browser.run(shown), "n1=%d n2=%d" % (16 << (start - 12) // 11, 16 << (start - 12) % 11))
    browser.keys("\ue007")  # Enter
    equal(browser.run("return location.hash"), f"#pin={start - 12}", "the fragment")
    browser.keys("\ue00c")  # Escape
    equal(browser.run("return location.hash"), "", "the fragment")
    browser.run("document.querySelector('#table tr[tabindex]').focus()")
    browser.keys("\ue015")  # down
    equal(browser.run("return document.activeElement.dataset.n"), "1", "the row with the focus")
    equal(browser.run("return document.querySelector('#space .on').dataset.n"), "1", "the cell on the map")


def fragment(browser):
    browser.open("about:blank")
    browser.open(page + "#pin=7&sort=-score&filter=n1%3D64+n2%3E32&step.full-l2=5")
    equal(browser.run("return [...document.querySelectorAll('#space .view:not(.other) .pinned')].map(e => e.dataset.n)"), ["7"], "what is pinned")
    rows = browser.run("return [...document.querySelectorAll('#table tbody tr:not([hidden])')].map(r => [r.cells[0].innerText,"
                       " Number(r.cells[1].innerText), Number(r.cells[2].innerText)])")
    equal(len(rows), 9, "rows that the filter leaves")
    assert all(row[0] == "64" and row[1] > 32 for row in rows), rows
    equal([row[2] for row in rows], sorted((row[2] for row in rows), reverse=True), "the order of the rows")
    equal(browser.run("return [...document.querySelectorAll('#path-2 .step:not(.later):not(.way)')].length"), 5, "steps of the path")
    equal(browser.run("return document.querySelector('#path-2 input').value"), "5", "the slider")
    browser.run("const i = document.querySelector('#path-2 input'); i.value = 6; i.dispatchEvent(new Event('input'))")
    has(browser.run("return location.hash"), "step.full-l2=6")
    visible = "return getComputedStyle(document.querySelector('#cut-0 .seed')).display"
    equal(browser.run(visible), "none", "the lines of single seeds")
    browser.run("document.querySelector('.choices input').click()")
    equal(browser.run(visible), "inline", "the lines of single seeds")
    has(browser.run("return location.hash"), "seeds=1")
    browser.run("document.querySelector('#table th button').click()")
    has(browser.run("return location.hash"), "sort=n1")


def hint(browser):
    """Beside the filter stands a word of the recipe's own, which the filter takes."""
    browser.open(page)
    equal(browser.run("return document.getElementById(document.querySelector('.filter input').getAttribute('aria-describedby'))"
                      ".innerText"), "A column with =, <, >, <= or >=, such as n1=16; or any text of a row.", "the hint")
    browser.run("const i = document.querySelector('.filter input'); i.value = 'n1=16'; i.dispatchEvent(new Event('input'))")
    equal(browser.run("return [...document.querySelectorAll('#table tbody tr:not([hidden])')].map(r => r.cells[0].innerText)"),
          ["16"] * 11, "the rows that are left")


def views(browser):
    """A figure that can be looked at in two ways shows one of them, which stands in the fragment."""
    browser.open("about:blank")
    browser.open(page)
    seen = "return [...document.querySelectorAll('#space .view')].map(v => getComputedStyle(v).display)"
    equal(browser.run(seen), ["block", "none"], "the map at first")
    browser.run("document.querySelectorAll('#space input[type=radio]')[1].click()")
    equal(browser.run(seen), ["none", "block"], "the map by its errors")
    equal(browser.run("return location.hash"), "#view.space=error", "the fragment")
    browser.open("about:blank")
    browser.open(page + "#view.space=error&view.costs=none")
    equal(browser.run(seen), ["none", "block"], "the map by its errors")
    spread = "return getComputedStyle(document.querySelector('#epochs .cell[data-n=\"25\"] .spread')).display"
    equal(browser.run(spread), "none", "the band of a cell")
    browser.run(over, "#table .cell[data-n='25']")
    equal(browser.run(spread), "inline", "the band of a cell that is pointed at")


def arrows(browser):
    """The arrow keys move in each figure: along the axes of a map, elsewhere from mark to mark in the figure's order."""
    browser.open("about:blank")
    browser.open(page)
    map_shows = "return Number(document.querySelector('#space .on').dataset.n)"
    order = browser.run("return [...document.querySelectorAll('#costs .view:not(.other) .cell')].map(e => Number(e.dataset.n))")
    best = browser.run("return Number(document.querySelector('.answer .cell').dataset.n)")
    browser.run("document.querySelector('#costs svg').focus()")
    browser.keys("\ue012")  # left, to the next cheaper one
    cheaper = order[max(order.index(best) - 1, 0)]
    equal(browser.run(map_shows), cheaper, "the cell of the map")
    browser.run("document.querySelector('#path-2 svg').focus()")
    browser.keys("\ue012" * 10 + "\ue014")  # on a map left and right go along its axis
    equal(browser.run(map_shows), cheaper - cheaper % 11 + 1, "the cell of the map")
    browser.run("document.querySelector('#progress-cost svg').focus()")
    browser.keys("\ue014\ue014")
    has(browser.run(shown), "Search hill-climb")
    equal(browser.run("return document.querySelectorAll('#ends .search.on').length"), 1, "searches that the table shows")


def many(browser):
    """Of very many cells the marks share elements: pointing, pinning, arrows and the table do what they do elsewhere."""
    browser.open(dense)
    equal(browser.run("return document.querySelectorAll('#results svg .cell').length < 300"), True, "elements of cells are few")
    at = browser.run("""const svg = document.querySelector('#space svg');
        const p = new DOMPoint(arguments[0], arguments[1]).matrixTransform(svg.getScreenCTM());
        for (const kind of ['mousemove', 'click'])
            svg.dispatchEvent(new MouseEvent(kind, {bubbles: true, clientX: p.x, clientY: p.y}));
        return document.querySelector('#shown').innerText""", *middle(browser, 7 * 35 + 3))
    has(at, "x=8 y=4")
    equal(browser.run("return location.hash"), f"#pin={7 * 35 + 3}", "the fragment")
    equal(browser.run("return ['space', 'costs', 'distribution'].map(id =>"
                      " document.querySelectorAll('#' + id + ' .view:not(.other) .spot.on').length)"), [1, 1, 1], "figures that show it")
    browser.run("document.querySelector('#space svg').focus()")
    browser.keys("\ue014")  # right
    has(browser.run(shown), "x=8 y=5")
    rows = "return [...document.querySelectorAll('#table tbody tr')].map(r => Number(r.dataset.n))"
    equal(len(browser.run(rows)), 250, "rows")
    has(browser.run("return document.querySelector('.more').innerText"), "250 of 1225 rows are shown")
    browser.run("document.querySelector('.more').click()")
    equal(len(browser.run(rows)), 500, "rows")
    browser.run("const i = document.querySelector('.filter input'); i.value = 'x=35 y>33'; i.dispatchEvent(new Event('input'))")
    equal(browser.run(rows), [1223, 1224], "rows that are left")
    browser.run("const r = document.querySelector('#path-0 input'); r.value = 40; r.dispatchEvent(new Event('input'))")
    equal(browser.run("return document.querySelector('#path-0 .many').getAttribute('d').split('M').length - 1"), 40, "steps of the path")


def middle(browser, n):
    """Where the first map draws a cell, from its paths."""
    return browser.run("""for (const path of document.querySelector('#space svg').querySelectorAll('.many')) {
        const parts = path.getAttribute('d').slice(1).split('M');
        let n = 0, i = 0;
        for (const step of path.dataset.n.split(' ')) {
            const [x, y, w] = parts[i++].split(/[ h]/).map(Number);
            if ((n += Number(step)) === arguments[0]) return [x + w / 2, y];
        }
    }""", n)


def accessible(browser):
    """What can be used or looked at has a name for who does not see it."""
    browser.open(page)
    named = {"button", "slider", "searchbox", "checkbox", "img", "image", "application", "region"}
    seen = set()
    for node in browser.devtools("Accessibility.getFullAXTree")["nodes"]:
        role = node.get("role", {}).get("value")
        if role in named and not node.get("ignored"):
            seen.add(role)
            assert node.get("name", {}).get("value"), f"{role} without a name: {node}"
    assert {"button", "slider", "searchbox", "checkbox", "application", "region"} <= seen, seen
    levels = browser.run("return [...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1 and all(b <= a + 1 for a, b in zip(levels, levels[1:])), levels


def names(browser):
    browser.open(hostile)
    equal(browser.run("return [document.images.length, document.scripts.length]"), [0, 2], "images and scripts")
    has(browser.run("return document.querySelector('h1').innerText"), "<img src=x>/<script>alert(1).rcp")
    browser.run(over, "#space .cell")
    has(browser.run(shown), "</script><script>alert(2)//")
    has(browser.run("return document.querySelector('#filter-hint').innerText"), "such as w=</script><script>alert(2)//;")


def reloads(browser):
    """A page that is watched loads itself again, with its state, until it is held still."""
    with open(page.removeprefix("file://")) as file:
        text = file.read()
    live = page.replace(".html", "-live.html")
    with open(live.removeprefix("file://"), "w") as file:
        file.write(text.replace("<body>", '<body data-reload="1">'))
    browser.open(live + "#pin=7")
    browser.run("window.first = true")
    browser.until("return window.first === undefined")
    equal(browser.run("return location.hash"), "#pin=7", "the fragment")
    equal(browser.run("return [...document.querySelectorAll('#space .view:not(.other) .pinned')].map(e => e.dataset.n)"), ["7"], "what is pinned")
    browser.run("window.first = true; document.querySelector('.still input').click()")
    has(browser.run("return location.hash"), "still=1")
    time.sleep(2.5)
    equal(browser.run("return window.first"), True, "the page that is held still")


everything = (links, pins, keyboard, fragment, hint, views, arrows, many, accessible, names, reloads)
for width, dark, parts in ((1280, False, everything), (400, True, (links, pins, keyboard, accessible, names))):
    with Browser(width, 900, dark) as browser:
        for part in parts:
            part(browser)
            quiet(browser)
        browser.open(page)
        equal(browser.run("return document.documentElement.scrollWidth"), width, "the width of the page")
        equal(browser.run("return performance.getEntriesByType('resource').length"), 0, "requests")

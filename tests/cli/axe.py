"""What axe-core finds wrong in pages: AXE.JS PAGE..., narrow and wide, in light and, with two cells
pinned, in dark."""
import itertools, json, sys

from browser import Browser

source, *pages = sys.argv[1:]
with open(source) as file:
    source = file.read()
run = """axe.run(document, {resultTypes: ["violations"], rules: {"target-size": {enabled: true}}}).then(found => JSON.stringify(found.violations.flatMap(rule =>
    rule.nodes.map(node => `${rule.id}: ${node.target}: ${node.failureSummary.replace(/\\s+/g, " ")}`))))"""


def violations(browser):
    browser.devtools("Runtime.evaluate", expression=source)  # not stopped by the page's policy, which is for the page
    result = browser.devtools("Runtime.evaluate", expression=run, awaitPromise=True)
    assert "value" in result["result"], result
    return json.loads(result["result"]["value"])


found = set()
with Browser() as browser:
    for page, width, dark in itertools.product(pages, (400, 1600), (False, True)):
        browser.look(width, 900, dark)
        browser.open("about:blank")
        browser.open(page + "#pin=0+1" * dark)
        found |= {f"{page}, {width} pixels, {'dark, pinned' if dark else 'light'}: {words}" for words in violations(browser)}
for words in sorted(found):
    print(words)
sys.exit(len(found) > 0)

"""Report size, load time, requests, console errors and axe findings per page.

    python -m tools.maintain.audit _build/html

Each page is opened in Chromium from a local server, without a network. The columns are:
bytes of the page and of everything that it loads; milliseconds from its last byte until
its scripts have run; requests to other servers; errors on the console; serious or
critical findings of axe-core, in light and dark colours. The exit status is 1 if any of
the last three is not 0. The tests check the same; this prints the numbers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from cplib._base import console
from tools.maintain.browser import SETTLED, required, running, serving, watch

LOADED = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const files = [page, ...performance.getEntriesByType("resource")];
  return [files.reduce((sum, file) => sum + file.encodedBodySize, 0),
          page.loadEventEnd - page.responseEnd];
}"""
THEME = "theme => { document.documentElement.dataset.theme = theme; }"
AXE = {"preload": False, "resultTypes": ["violations"]}
COLUMNS = ("page", "kB", "ready after, ms", "from elsewhere", "errors", "axe")


def audit(browser: Browser, base: str, name: str) -> tuple[str | int, ...]:
    """The row of `COLUMNS` for the page `name` at the address `base`."""
    context = browser.new_context(reduced_motion="reduce")
    problems: list[str] = []
    watch(context, base, problems)
    tab = context.new_page()
    tab.goto(f"{base}/{name}")
    tab.evaluate(SETTLED)
    size, ready = tab.evaluate(LOADED)
    found = sum(_axe(tab, theme) for theme in ("light", "dark"))
    context.close()
    away = sum(problem.startswith("request to") for problem in problems)
    errors = len(problems) - away
    return name, round(size / 1000), round(ready), away, errors, found


def _axe(tab: Page, theme: str) -> int:
    tab.evaluate(THEME, theme)
    rules = Axe().run(tab, options=AXE).response["violations"]
    return sum(rule["impact"] in ("serious", "critical") for rule in rules)


def main() -> int:
    """Print the table; return 1 if anything but size and time is above 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("html", type=Path, nargs="?", default=Path("_build/html"))
    html = parser.parse_args().html
    chromium = required()
    if not (html / "index.html").is_file():
        sys.exit(f"No book in {html}: run make book first.")
    found = sorted([*html.glob("book/*.html"), *html.glob("*/book/*.html")])
    pages = [path.relative_to(html).as_posix() for path in found]
    faults = 0
    print("|", " | ".join(COLUMNS), "|")
    print("|---" * len(COLUMNS) + "|")
    with serving(html) as base, running(chromium) as browser:
        for name in [*pages, "search.html", "genindex.html"]:
            row = audit(browser, base, name)
            print("|", " | ".join(map(str, row)), "|", flush=True)
            faults += sum(row[3:])
    return 1 if faults else 0


if __name__ == "__main__":
    console.run(main)

"""Report size, load time, requests, console errors and axe findings per page.

    python -m tools.maintain.audit _build/html

Each page is opened in Chromium from a local server, without a network. The columns are:
bytes of the page and of everything that it loads; milliseconds from its last byte until
its scripts have run; requests to elsewhere; errors on the console; serious or critical
findings of axe-core, in light and dark colours. The exit status is 1 if any of the last
three is not 0. The tests check the same; this prints the numbers.
"""

from __future__ import annotations

import argparse
import functools
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from cplib._base import console
from tools.maintain.browser import SETTLED, required, running

LOADED = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const files = [page, ...performance.getEntriesByType("resource")];
  return [files.reduce((sum, file) => sum + file.encodedBodySize, 0),
          page.loadEventEnd - page.responseEnd];
}"""
THEME = "theme => { document.documentElement.dataset.theme = theme; }"
AXE = {"preload": False, "resultTypes": ["violations"]}
COLUMNS = ("page", "kB", "ready after, ms", "from elsewhere", "errors", "axe")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def audit(browser: Any, base: str, name: str) -> tuple[str, int, int, int, int, int]:
    """The row of `COLUMNS` for the page `name` at the address `base`."""
    context = browser.new_context(reduced_motion="reduce")
    elsewhere: list[str] = []
    errors: list[str] = []

    def gate(route):
        if route.request.url.startswith((base, "data:", "blob:")):
            route.continue_()
        else:
            elsewhere.append(route.request.url)
            route.abort()

    context.route("**/*", gate)
    context.on("weberror", lambda raised: errors.append(str(raised.error)))
    context.on("console", lambda m: errors.append(m.text) if m.type == "error" else 0)
    tab = context.new_page()
    tab.goto(f"{base}/{name}")
    tab.evaluate(SETTLED)
    size, ready = tab.evaluate(LOADED)
    found = sum(_axe(tab, theme) for theme in ("light", "dark"))
    context.close()
    return name, round(size / 1000), round(ready), len(elsewhere), len(errors), found


def _axe(tab: Any, theme: str) -> int:
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
    handler = functools.partial(_Quiet, directory=html)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    pages = [f"book/{path.name}" for path in sorted((html / "book").glob("*.html"))]
    faults = 0
    print("|", " | ".join(COLUMNS), "|")
    print("|---" * len(COLUMNS) + "|")
    with running(chromium) as browser:
        for name in [*pages, "search.html", "genindex.html"]:
            row = audit(browser, base, name)
            print("|", " | ".join(map(str, row)), "|", flush=True)
            faults += sum(row[3:])
    server.shutdown()
    return 1 if faults else 0


if __name__ == "__main__":
    console.run(main)

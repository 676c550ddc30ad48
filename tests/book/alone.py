"""Pieces of HTML on a page of their own, as a reader meets them: a file, no network."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
SHEET = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Alone</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<body style="margin: 0 auto; padding: 0 16px; max-width: 46rem">{}</body></html>"""

DENIED = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, {
    configurable: true, get() { throw new DOMException("denied", "SecurityError"); },
  });
"""
# of axe: `preload` would fetch the style sheets a second time, from wrong addresses
OPTIONS = {"preload": False, "resultTypes": ["violations"]}


def written(folder: Path, body: str) -> str:
    """The address of a page in `folder` that holds `body`."""
    path = folder / "sheet.html"
    path.write_text(SHEET.format(body), encoding="utf-8")
    return path.as_uri()


@contextlib.contextmanager
def opening(launched: Any) -> Iterator[Callable[..., Any]]:
    """A function that opens an address; options are those of `new_context`.

    At the end nothing may have gone wrong or left the machine.
    """
    contexts, wrong = [], []

    def opened(address, viewport=DESKTOP, **options):
        context = launched.new_context(viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else 0)
        page.on("request", lambda r: wrong.append(r.url) if r.url[:4] == "http" else 0)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


def anew(page: Any, address: str | None = None) -> None:
    """Load `address`, by default the page itself once more, with what is kept here.

    On a busy machine Chromium now and then (1 of 30 times under three such loads, on a
    page with nothing else) shows a new document an empty localStorage; the next load
    shows all of it.
    """
    kept = page.evaluate("localStorage.length")
    for _ in range(5):
        page.goto(address) if address else page.reload()
        if page.evaluate("localStorage.length") == kept:
            return
    raise AssertionError(f"what was kept is lost: {kept} entries")


def flaws(page: Any) -> list[tuple[str, str, str]]:
    """What axe-core finds on `page` that is serious or critical."""
    return [
        (rule["id"], node["html"][:160], node["failureSummary"])
        for rule in Axe().run(page, options=OPTIONS).response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]

"""Print the built book to one PDF with Chromium, in the order of its contents.

python -m tools.build.pdf _build/html _build/critical-periods.pdf
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path

from playwright.sync_api import Browser
from pypdf import PdfReader, PdfWriter

from cplib._base import console
from cplib._base.files import check_file
from tools.build.book import CODE, pages
from tools.maintain.browser import SETTLED, required, running

PAPER = {"format": "A4", "prefer_css_page_size": True, "print_background": True}
# A sheet with a number at its foot, slightly shorter than A4 so as not to overflow.
NUMBER = """<div style="height: 296mm; position: relative; break-after: page"><p
style="position: absolute; bottom: 6mm; width: 100%; text-align: center; margin: 0;
font: 9pt sans-serif">{number}</p></div>"""
# The heading without its permalink.
TITLE = """e => [...e.childNodes].filter((n) => n.className !== "headerlink")
  .map((n) => n.textContent).join("")"""
READY = "() => dispatchEvent(new Event('beforeprint'))"


def in_order(html: Path) -> list[Path]:
    """Pages of the book built in `html`, in the order of `_toc.yml`.

    Raises:
        FileNotFoundError: one of them is missing.
    """
    sources = [path.relative_to(CODE) for path in pages(CODE)]
    files = [html / source.with_suffix(".html") for source in sources]
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f"{file} does not exist: run make book first.")
    return files


def make_pdf(browser: Browser, files: list[Path], target: Path) -> int:
    """Print the pages `files` to one PDF, `target`; return its number of pages."""
    writer = PdfWriter()
    for file in files:
        tab = browser.new_page()
        tab.goto(file.resolve().as_uri())
        tab.evaluate(SETTLED)
        tab.evaluate(READY)
        title = tab.locator("article h1").evaluate(TITLE)
        first = len(writer.pages)
        writer.append(io.BytesIO(tab.pdf(**PAPER)), import_outline=False)
        writer.add_outline_item(title=title, page_number=first)
        tab.close()
    numbers = _numbers(browser, len(writer.pages))
    for page, number in zip(writer.pages, numbers.pages, strict=True):
        page.merge_page(number)
    unfinished = target.with_name(target.name + ".part")
    writer.compress_identical_objects()
    writer.write(unfinished)
    os.replace(unfinished, target)
    return len(writer.pages)


def _numbers(browser: Browser, count: int) -> PdfReader:
    """A document of `count` pages that contain only their numbers."""
    tab = browser.new_page()
    sheets = [NUMBER.format(number=number) for number in range(1, count + 1)]
    tab.set_content('<body style="margin: 0">' + "".join(sheets))
    made = tab.pdf(format="A4", page_ranges=f"1-{count}")
    tab.close()
    return PdfReader(io.BytesIO(made))


def main() -> None:
    """Print the book, and say how many pages it has."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("html", type=Path, help="folder of the built pages")
    parser.add_argument("target", type=Path, help="the file to write")
    arguments = parser.parse_args()
    chromium = required()
    try:
        files = in_order(arguments.html)
    except FileNotFoundError as error:
        sys.exit(str(error))
    check_file(arguments.target, "name another file")
    with running(chromium) as browser:
        count = make_pdf(browser, files, arguments.target)
    print(f"{arguments.target}   ({count} pages)")


if __name__ == "__main__":
    console.run(main)

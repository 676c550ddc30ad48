"""Save a screenshot of a page.

python -m tools.maintain.screenshot _build/html/book/blur.html blur.png --width 360
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from playwright.sync_api import Error

from cplib._base import console, files
from tools.maintain.browser import SETTLED, required, running


def main() -> None:
    """Open the page, wait for its fonts, save the screenshot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", help="a file or a URL")
    parser.add_argument("picture", type=Path, help="PNG file to write")
    parser.add_argument("--width", type=int, default=1280, help="in pixels (1280)")
    parser.add_argument("--height", type=int, default=800, help="in pixels (800)")
    parser.add_argument("--full", action="store_true", help="the whole page")
    parser.add_argument("--dark", action="store_true", help="prefer dark colours")
    arguments = parser.parse_args()
    chromium = required()
    files.check_file(arguments.picture, "name another file")
    page_url = arguments.page
    if "://" not in page_url:
        page_url = Path(page_url).resolve(strict=True).as_uri()
    with running(chromium) as browser:
        page = browser.new_page(
            viewport={"width": arguments.width, "height": arguments.height},
            color_scheme="dark" if arguments.dark else "light",
        )
        try:
            page.goto(page_url)
        except Error as error:
            sys.exit(f"{page_url} cannot be opened: {error.message.splitlines()[0]}")
        page.evaluate(SETTLED)
        page.screenshot(path=arguments.picture, full_page=arguments.full)
    print(arguments.picture)


if __name__ == "__main__":
    console.run(main)

"""Save a film strip of the front page and of the Laboratory in one image.

    python -m tools.maintain.film _build/html film.png

From left to right: the front page, the Laboratory before, during and after a training.
From above: desktop, light; desktop, dark; phone, light and then dark.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Error, Page

from cplib._base import console, files
from tools.maintain.browser import SETTLED, required, running

SIZES = ((1280, 1500), (360, 1900))  # desktop and phone, in pixels
VIEWS = tuple(product(SIZES, ("light", "dark")))
GAP = 8  # between frames, in pixels
WIDE = (
    2 * 360 + GAP
)  # of a frame: four from a desktop are as wide as eight from a phone
STATE = "1;epochs=30;train=1000;test=500;A=blur4@0-12"
AGE = 15  # epochs at which the training is shown
LIVED = "age => /\\d+/.exec(document.querySelector('.said').textContent)[0] >= age"
DRAWN = "() => new Promise((done) => setTimeout(requestAnimationFrame, 200, done))"


def film(page: Page, book: str) -> Iterator[list[Image.Image]]:
    """Every column: a frame for each of `VIEWS`."""
    page.goto(f"{book}/book/index.html")
    yield frames(page)
    page.goto(f"{book}/book/laboratory.html#lab={STATE}")
    page.locator(".chart image").first.wait_for()
    yield frames(page)
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function(LIVED, arg=AGE)
    page.get_by_role("button", name="Pause", exact=True).click()
    yield frames(page)
    page.get_by_role("button", name="Resume", exact=True).click()
    page.locator(".ending p").first.wait_for()
    yield frames(page)


def frames(page: Page) -> list[Image.Image]:
    """The page in each of `VIEWS`."""
    found = []
    for (width, height), scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLED)
        page.evaluate(DRAWN)
        frame = Image.open(io.BytesIO(page.screenshot()))
        frame.thumbnail((WIDE, height))
        found.append(frame)
    return found


def strip(columns: list[list[Image.Image]]) -> Image.Image:
    """The frames of all columns in one image; those of a row are of one size."""
    *desktop, light, dark = zip(*columns, strict=True)
    rows = [*desktop, light + dark]
    width = max(sum(frame.width + GAP for frame in row) for row in rows)
    whole = Image.new("RGB", (width, sum(row[0].height + GAP for row in rows)), "gray")
    top = 0
    for row in rows:
        for i, frame in enumerate(row):
            whole.paste(frame, (i * (frame.width + GAP), top))
        top += row[0].height + GAP
    return whole


def main() -> None:
    """Open the pages, train, save the film strip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("book", type=Path, help="folder of the built book")
    parser.add_argument("picture", type=Path, help="PNG file to write")
    arguments = parser.parse_args()
    chromium = required()
    files.check_file(arguments.picture, "name another file")
    book = arguments.book.resolve(strict=True).as_uri()
    with running(chromium) as browser:
        page = browser.new_page()
        page.set_default_timeout(600_000)  # milliseconds; a training takes its time
        try:
            columns = list(film(page, book))
        except Error as error:
            sys.exit(f"{book} cannot be shown: {error.message.splitlines()[0]}")
    strip(columns).save(arguments.picture)
    print(arguments.picture)


if __name__ == "__main__":
    console.run(main)

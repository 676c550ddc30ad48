"""Every built page, opened in Chromium: offline, from a server and from a file."""

from __future__ import annotations

import build_book
import pytest
from build_book import CODE as ROOT

pytestmark = [pytest.mark.browser, pytest.mark.notebooks]
SOURCES = [path.relative_to(ROOT) for path in build_book.pages(ROOT)]
PAGES = [source.with_suffix(".html").as_posix() for source in SOURCES]
PHONE = 360  # pixels
FIGURES = "figure.cplib-figure img"

# Elements that stick out of the window to the right, but for those in a box of their
# own that scrolls or clips them.
STICKING_OUT = """() => {
  const width = document.documentElement.clientWidth;
  const boxed = (e) => {
    for (e = e.parentElement; e && e !== document.body; e = e.parentElement)
      if (getComputedStyle(e).overflowX !== "visible") return true;
    return false;
  };
  return [...document.body.querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > width + 1 && !boxed(e))
    .map((e) => e.outerHTML.slice(0, 160)).slice(0, 5);
}"""

# For each formula, whether MathJax has set it without an error.
FORMULAS = """() => [...document.querySelectorAll("article .math")].map(
  (e) => e.querySelector("mjx-container") && !e.querySelector("mjx-merror")
)"""


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_page_is_whole(visit, page, scheme):
    """It opens without an error or a foreign request, and shows its figures."""
    tab = visit(page, scheme=scheme)
    assert tab.locator("article h1").count() == 1
    assert tab.locator(".cell_output .traceback").count() == 0
    for figure in tab.locator(FIGURES).all():
        alt = figure.get_attribute("alt") or ""
        assert alt.strip(), "a figure without a text alternative"
        if figure.is_visible():
            assert figure.evaluate("image => image.naturalWidth") > 0, alt


@pytest.mark.parametrize("page", PAGES)
def test_page_fits_a_phone(visit, page):
    tab = visit(page, width=PHONE)
    wide = tab.evaluate("document.scrollingElement.scrollWidth")
    assert wide <= PHONE + 1, tab.evaluate(STICKING_OUT)
    for figure in tab.locator(f"{FIGURES}:visible").all():
        box = figure.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE


def test_blur_chapter_shows_figures(visit):
    assert visit("book/blur.html").locator(f"{FIGURES}:visible").count() > 0


def test_formulas_are_typeset(visit):
    """MathJax is the book's own, so formulas need no network."""
    typeset = 0
    for page in PAGES:
        formulas = visit(page).evaluate(FORMULAS)
        assert all(formulas), page
        typeset += len(formulas)
    assert typeset


def test_colab_opens_the_committed_notebook(visit):
    """The button's address is that of the source, relative to the repository."""
    link = visit("book/blur.html").locator("a[href*='colab.research.google.com']")
    assert link.first.get_attribute("href").endswith("/blob/main/book/blur.ipynb")

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

# For each formula, whether the browser gave it a place.
FORMULAS = """() => [...document.querySelectorAll("article .math")].map(
  (e) => e.querySelector("math").getBoundingClientRect().width > 0
)"""
FONT = """() => [...document.fonts].some(
  (font) => font.family.includes("Book Math") && font.status === "loaded"
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


def test_formulas_are_set(visit):
    """Each page with formulas sets them by itself, in the book's own font."""
    found = 0
    for page in PAGES:
        tab = visit(page)
        formulas = tab.evaluate(FORMULAS)
        assert all(formulas), page
        assert not formulas or tab.evaluate(FONT), page
        found += len(formulas)
    assert found


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_front_door_leads_into_the_book(visit, scheme):
    tab = visit("genindex.html", scheme=scheme)
    tab.goto(tab.url.replace("genindex", "index"))
    tab.wait_for_url(f"**/{PAGES[0]}")
    assert tab.locator("article h1").count() == 1


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search_finds_a_chapter(visit, scheme):
    tab = visit("search.html?q=blur", scheme=scheme)
    tab.locator("#search-results li a[href*='blur.html']").first.wait_for()


def test_search_starts_from_any_page(visit):
    tab = visit(PAGES[1], scheme="file")
    tab.locator(".search-button__button:visible").first.click()
    tab.keyboard.type("blur")
    tab.keyboard.press("Enter")
    tab.locator("#search-results li a[href*='blur.html']").first.wait_for()


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_index_of_terms_opens(visit, scheme):
    assert visit("genindex.html", scheme=scheme).locator("article h1").count()


def test_colab_opens_the_committed_notebook(visit):
    """The button's address is that of the source, relative to the repository."""
    link = visit("book/blur.html").locator("a[href*='colab.research.google.com']")
    assert link.first.get_attribute("href").endswith("/blob/main/book/blur.ipynb")

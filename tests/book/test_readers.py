"""The built pages for every reader: light to load, accessible, printable, portable."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from alone import DENIED, OPTIONS, flaws
from axe_playwright_python.sync_playwright import Axe
from pypdf import PdfReader

from tools.build import book as build_book
from tools.build import languages
from tools.build.book import CODE as ROOT
from tools.build.pdf import make_pdf
from tools.build.zip import DOOR, TOP, make_zip
from tools.maintain.browser import SETTLED, watch

pytestmark = [pytest.mark.browser, pytest.mark.notebooks]
SOURCES = [path.relative_to(ROOT) for path in build_book.pages(ROOT)]
CHAPTERS = [source.with_suffix(".html").as_posix() for source in SOURCES]
PAGES = [*CHAPTERS, *languages.addresses(ROOT), "search.html", "genindex.html"]
BLUR = "book/blur.html"
LIMIT = 1_500_000  # bytes of a page and of all that it loads, not compressed
INTERACTIVE = 10_000  # milliseconds, for a busy machine; the goal is 1,000

# Bytes of each file that the page has loaded, itself included.
WEIGHTS = """() => Object.fromEntries(
  [...performance.getEntriesByType("navigation"),
   ...performance.getEntriesByType("resource")].map((e) => [e.name, e.encodedBodySize])
)"""
# Parsed, before the scripts that wait for the whole page.
READY = """() => {
  const [page] = performance.getEntriesByType("navigation");
  return page.domInteractive - page.responseEnd;
}"""
THEME = "theme => { document.documentElement.dataset.theme = theme; }"
MOVING = """() => [...document.querySelectorAll("*")].filter((e) => {
  const style = getComputedStyle(e);
  const times = `${style.transitionDuration}, ${style.animationDuration}`.split(", ");
  return times.some((time) => parseFloat(time) > 0)
    || style.scrollBehavior === "smooth";
}).map((e) => e.outerHTML.slice(0, 160))"""
FOCUS = """() => {
  const e = document.activeElement, style = getComputedStyle(e);
  const shown = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [e === document.body, shown, e.outerHTML.slice(0, 160)];
}"""


@pytest.mark.parametrize("page", PAGES)
def test_page_is_light(visit, page):
    tab = visit(page)
    weights = tab.evaluate(WEIGHTS)
    assert len(weights) > 10  # style sheets, scripts, fonts: all are counted
    heaviest = sorted(weights.items(), key=lambda entry: -entry[1])[:5]
    assert sum(weights.values()) < LIMIT, heaviest
    assert tab.evaluate(READY) < INTERACTIVE


@pytest.mark.parametrize("page", PAGES)
def test_page_is_accessible(visit, page):
    """axe-core finds nothing serious or critical, in light colours and in dark."""
    tab = visit(page, reduced_motion="reduce")
    for theme in ("light", "dark"):
        tab.evaluate(THEME, theme)
        assert not flaws(tab), theme


def test_front_door_is_accessible(smoke, launched):
    page = (smoke.html / "index.html").read_text(encoding="utf-8")
    tab = launched.new_page()
    tab.set_content(page.replace('http-equiv="refresh"', ""))
    assert Axe().run(tab, options=OPTIONS).violations_count == 0
    tab.close()


def test_dark_is_the_readers_choice(visit):
    assert visit(BLUR, color_scheme="dark").locator("html[data-theme=dark]").count()
    assert visit(BLUR, color_scheme="light").locator("html[data-theme=light]").count()


def test_dark_can_be_chosen_where_nothing_may_be_stored(visit):
    tab = visit("genindex.html")  # any page: the next one has no storage
    tab.add_init_script(DENIED)
    tab.goto(tab.url.replace("genindex.html", BLUR))
    modes = []
    for _ in range(3):
        tab.locator(".theme-switch-button:visible").first.click()
        modes.append(tab.evaluate("document.documentElement.dataset.mode"))
    assert set(modes) == {"auto", "light", "dark"}


def test_motion_is_reduced_on_request(visit):
    assert visit(BLUR, reduced_motion="reduce").evaluate(MOVING) == []


def test_focus_shows(visit):
    """Every control that Tab reaches, from the top of a page on, has an outline."""
    tab = visit(BLUR)
    for _ in range(60):
        tab.keyboard.press("Tab")
        nowhere, shown, element = tab.evaluate(FOCUS)
        assert shown or nowhere, element


def test_print_is_open_and_without_controls(visit):
    tab = visit(BLUR, color_scheme="dark")
    tab.emulate_media(media="print")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("article details:not([open])").count() == 0
    assert tab.locator("html[data-theme=light]").count() == 1
    controls = "nav:visible, button:visible, input[type=search]:visible"
    assert tab.locator(controls).count() == 0
    assert tab.locator("article h1").is_visible()
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    assert tab.locator("html[data-theme=dark]").count() == 1


def test_classroom_copy_opens_from_a_stick(smoke, launched, tmp_path):
    """Unpacked, opened by double click, and searched, all without a network."""
    packed = make_zip(smoke.html, tmp_path / "book.zip")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    top = tmp_path / TOP
    assert [path.name for path in top.glob("*.html")] == [DOOR]
    problems: list[str] = []
    context = launched.new_context(offline=True)
    context.set_default_timeout(90_000)
    watch(context, top.as_uri(), problems)
    tab = context.new_page()
    tab.goto((top / DOOR).as_uri())
    tab.wait_for_url("**/book/index.html")
    for link in ("experiment.html", "blur.html"):
        tab.locator(f"nav a[href='{link}']").first.click()
        tab.wait_for_url(f"**/{link}")
        tab.evaluate(SETTLED)
        shown = tab.locator("figure.cplib-figure svg[role=img]:visible").all()
        assert all(image.evaluate("e => e.clientWidth") for image in shown)
    tab.goto((top / "pages" / "search.html").as_uri() + "?q=deficit")
    tab.locator("#search-results li a").first.wait_for()
    context.close()
    assert not problems


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_door_of_the_classroom_copy(smoke, launched, tmp_path, scripts):
    """Opened inside the ZIP file it says to unpack that; unpacked it leads on."""
    packed = make_zip(smoke.html, tmp_path / "book.zip")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
        archive.extract(f"{TOP}/{DOOR}", tmp_path / "alone")  # as Windows does
    tab = launched.new_page(java_script_enabled=scripts)
    tab.goto((tmp_path / "alone" / TOP / DOOR).as_uri())
    assert tab.get_by_text("unpack the file first").is_visible()
    assert tab.get_by_role("link").count() == 0
    assert not scripts or Axe().run(tab, options=OPTIONS).violations_count == 0
    tab.goto((tmp_path / TOP / DOOR).as_uri())
    if not scripts:
        assert tab.get_by_text("unpack").is_hidden()
        tab.get_by_role("link").click()
    tab.wait_for_url("**/book/index.html")
    tab.close()


def test_pdf_has_numbers_and_bookmarks(smoke, launched, tmp_path):
    names = ("how-built", "bibliography")
    pages = [smoke.html / "book" / f"{name}.html" for name in names]
    files = [Path(os.path.relpath(page)) for page in pages]  # as `make pdf` names them
    count = make_pdf(launched, files, tmp_path / "book.pdf")
    printed = PdfReader(tmp_path / "book.pdf")
    assert [item.title for item in printed.outline] == [
        "How this book is built",
        "Bibliography",
    ]
    assert len(printed.pages) == count >= 2
    for number, page in enumerate(printed.pages, start=1):
        text = page.extract_text()
        assert text.split()[-1] == str(number)
        assert "Show code cell" not in text


def test_zip_needs_a_book(tmp_path):
    with pytest.raises(FileNotFoundError, match="make book"):
        make_zip(tmp_path, tmp_path / "book.zip")
    assert not list(tmp_path.iterdir())

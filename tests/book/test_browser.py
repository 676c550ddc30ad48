"""Every built page, opened in Chromium: offline, from a server and from a file."""

from __future__ import annotations

import re

import pytest

from tools.build import book as build_book
from tools.build import languages
from tools.build.book import CODE as ROOT

pytestmark = [pytest.mark.browser, pytest.mark.notebooks]
SOURCES = [path.relative_to(ROOT) for path in build_book.pages(ROOT)]
PAGES = [source.with_suffix(".html").as_posix() for source in SOURCES]
EVERY = [*PAGES, *languages.addresses(ROOT)]
FOLDERS = ["", *(f"{language}/" for language in languages.catalogues(ROOT))]
PREDICTED = re.compile(r"cp\.predict\.(?!record)")
CLOSED = [
    page
    for page, source in zip(PAGES, SOURCES, strict=True)
    if source.suffix == ".ipynb"
    and PREDICTED.search((ROOT / source).read_text(encoding="utf-8"))
]
PHONE = 360  # pixels
MAGNIFIED = 320  # pixels: what is left of 1280 at 400 %
# the text spacing of WCAG 1.4.12
SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important;
  word-spacing: .16em !important; } p { margin-bottom: 2em !important; }"""
FIGURES = "figure.cplib-figure :is(img, svg[role=img])"
NAMES = (
    "all => all.map((e) => e.getAttribute(e.alt === undefined ? 'aria-label' : 'alt'))"
)

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

# Size in pixels, as shown, of each text in a figure.
TEXTS = """[...document.querySelectorAll(".cplib-parts svg text")]"""
LETTERS = f"""() => {TEXTS}.map((text) => {{
  const svg = text.ownerSVGElement;
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return [parseFloat(getComputedStyle(text).fontSize) * scale, text.textContent];
}}).filter(([size]) => size > 0)"""
LEAST = 11  # pixels
# Whether the text of the page is light, as on dark ones; the colours of all text in
# figures; and those of the grounds of figures.
INKS = f"""() => {{
  const page = getComputedStyle(document.querySelector("article"));
  const light = (ink) => ink.match(/[0-9.]+/g).slice(0, 3).every((part) => part > 128);
  const inks = {TEXTS}.map((text) => getComputedStyle(text).fill);
  const images = [...document.querySelectorAll(".cplib-parts :is(svg, img)")];
  const shown = images.filter((image) => image.checkVisibility());
  const grounds = shown.map((image) => getComputedStyle(image).backgroundColor);
  return [light(page.color), [...new Set(inks)], [...new Set(grounds)]];
}}"""

# For each formula, whether the browser gave it a place.
FORMULAS = """() => [...document.querySelectorAll("article .math")].map(
  (e) => e.querySelector("math").getBoundingClientRect().width > 0
)"""
# Makes a browser of today one without MathML: the formulas become elements of a
# namespace that nobody knows, which style sheets reach by their names all the same.
WITHOUT_MATHML = """() => {
  const plain = (node) => {
    if (node.nodeType !== Node.ELEMENT_NODE) return node.cloneNode();
    const copy = document.createElementNS("urn:unknown", node.localName);
    for (const { name, value } of node.attributes) copy.setAttribute(name, value);
    copy.append(...[...node.childNodes].map(plain));
    return copy;
  };
  for (const math of document.querySelectorAll("math")) math.replaceWith(plain(math));
}"""
# Middle heights of the first and of the second child of all elements of a kind.
MIDDLES = """all => all.map((e) => [...e.children].slice(0, 2).map((child) => {
  const { top, bottom } = child.getBoundingClientRect();
  return (top + bottom) / 2;
}))"""
FONT = """() => [...document.fonts].some(
  (font) => font.family.includes("Book Math") && font.status === "loaded"
)"""


@pytest.mark.parametrize("page", EVERY)
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_page_is_whole(visit, page, scheme):
    """It opens without an error or a foreign request, and shows its figures."""
    tab = visit(page, scheme=scheme)
    assert tab.locator("article h1").count() == 1
    assert tab.locator(".cell_output .traceback").count() == 0
    for figure in tab.locator("figure.cplib-figure").all():
        parts = figure.locator(":is(img, svg[role=img])").evaluate_all(NAMES)
        assert not parts or any(parts), "a figure without a text alternative"
        assert None not in parts  # alt="" where another part has the words
    for figure in tab.locator(FIGURES).all():
        if figure.is_visible():
            assert figure.evaluate("e => e.naturalWidth ?? e.clientWidth") > 0, page


@pytest.mark.parametrize("page", EVERY)
def test_page_fits_a_phone(visit, page):
    tab = visit(page, width=PHONE)
    wide = tab.evaluate("document.scrollingElement.scrollWidth")
    assert wide <= PHONE + 1, tab.evaluate(STICKING_OUT)
    for figure in tab.locator(f"{FIGURES}:visible").all():
        box = figure.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE


@pytest.mark.parametrize("page", EVERY)
def test_letters_in_figures_are_readable_on_a_phone(visit, page):
    """11 pixels or more, in the font of the page."""
    sizes = visit(page, width=PHONE).evaluate(LETTERS)
    assert all(size >= LEAST for size, _ in sizes), min(sizes)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_figures_have_the_ground_and_the_ink_of_the_page(visit, colours):
    tab = visit("book/blur.html", color_scheme=colours)
    dark, inks, grounds = tab.evaluate(INKS)
    assert dark == (colours == "dark")
    assert len(inks) == 1 and grounds == ["rgba(0, 0, 0, 0)"]


@pytest.mark.parametrize("page", [*EVERY, "search.html", "genindex.html"])
def test_page_fits_large_letters(visit, page):
    """In a small window, and there and on a phone with letters as wide as WCAG asks."""
    tab = visit(page, width=MAGNIFIED)
    for width, spaced in ((MAGNIFIED, False), (MAGNIFIED, True), (PHONE, True)):
        tab.set_viewport_size({"width": width, "height": 800})
        if spaced:
            tab.add_style_tag(content=SPACED)
        wide = tab.evaluate("document.scrollingElement.scrollWidth")
        assert wide <= width, (width, spaced, tab.evaluate(STICKING_OUT))


def test_blur_chapter_shows_figures(visit):
    assert visit("book/blur.html").locator(f"{FIGURES}:visible").count() > 0


@pytest.mark.parametrize("page", CLOSED)
def test_what_was_measured_opens_on_demand(visit, page):
    """Closed in the chapter at first, each on its own; open without scripts."""
    tab = visit(page, scheme="file")
    asked = tab.locator(".cplib-predict")
    closed = tab.locator(".cell[data-closed] ~ .cell > *")
    assert closed.count() and not any(part.is_visible() for part in closed.all())
    while (skip := tab.get_by_role("button", name="Skip this")).count():
        skip.first.click()  # a prediction further down may open with it
    assert asked.count() and tab.locator(".cell[data-closed]").count() == 0
    silent = visit(page, scheme="file", java_script_enabled=False)
    assert silent.locator("[data-closed]").count() == 0
    figures = silent.locator(".cell:has(.cplib-predict) ~ .cell figure")
    assert all(figure.is_visible() for figure in figures.all())


def test_the_scorecard_has_the_readers_row(visit):
    """What is called in two chapters, opened as files, is counted there."""
    tab = visit("book/blur.html", scheme="file")
    tab.get_by_label("reproduced").first.check()
    tab.goto(tab.url.replace("blur", "layers"))
    tab.get_by_label("contradicted").first.check()
    tab.goto(tab.url.replace("layers", "scorecard"))
    told = tab.locator(".cplib-record strong").inner_text()
    assert re.fullmatch(r"You called [012] of 2\.", told)
    assert tab.locator(".cplib-record tbody tr").count() == 2


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


def test_formulas_are_readable_without_mathml(visit):
    """Indices below, powers above, fractions one upon the other, and no LaTeX."""
    sheet = (ROOT / "book" / "static" / "math.css").read_text(encoding="utf-8")
    sheet, count = re.subn(r"@supports[^{]*not \(math-style[^{]*", "@media all ", sheet)
    assert count == 1
    tab = visit("genindex.html")
    tab.route("**/math.css*", lambda asked: asked.fulfill(body=sheet))
    tab.goto(tab.url.replace("genindex", "book/fisher"))
    tab.evaluate(WITHOUT_MATHML)
    assert "\\" not in "".join(tab.locator("article .math").all_inner_texts())
    for kind, sign in {"msub": 1, "msup": -1, "mfrac": 1, "munder": 1}.items():
        middles = tab.locator(kind).evaluate_all(MIDDLES)
        assert middles and all(sign * (b - a) > 0.5 for a, b in middles), kind


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_front_door_leads_into_the_book(visit, scheme, folder):
    tab = visit("genindex.html", scheme=scheme)
    tab.goto(tab.url.replace("genindex", f"{folder}index"))
    tab.wait_for_url(f"**/{folder}{PAGES[0]}")
    assert tab.locator("article h1").count() == 1
    assert tab.locator("html").get_attribute("lang") == (folder[:-1] or "en")


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

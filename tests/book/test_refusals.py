"""Where a browser lacks something or a site forbids it, the static form stays."""

import re

import pytest
from alone import PHONE, SHEET, written
from handmade import GRID, handmade
from playwright.sync_api import expect

from cplib.widgets import explore, front_page, predict
from tools.build.book import CODE

pytestmark = pytest.mark.browser
PARTS = ("front-page", "explorer", "predict")
# what browsers of 2019 lack, one or the other
LACKING = """
  for (const kind of [Element, Document, DocumentFragment])
    delete kind.prototype.replaceChildren;
  for (const name of ["ResizeObserver", "PointerEvent", "structuredClone"])
    delete window[name];
  delete Element.prototype.setPointerCapture;
  delete Array.prototype.at;
  delete String.prototype.replaceAll;
"""
# what Chromium cannot unlearn: syntax and selectors of 2020 and later
NEWER = r"\?\.\D|\?\?|\|\|=|&&=|:is\(|:has\(|:where\("
# things that scripts call, before and after they have changed the page
CALLS = """
    JSON.parse document.createElement document.createElementNS Array.from Math.ceil
    Array.prototype.flatMap Array.prototype.join
    CSSStyleDeclaration.prototype.setProperty Element.prototype.append
    Element.prototype.after Element.prototype.prepend Element.prototype.setAttribute
    EventTarget.prototype.addEventListener Number.prototype.toFixed
    ResizeObserver.prototype.observe
""".split()
SITE = "http://school.example/"
FORBIDDING = {"content-security-policy": "script-src 'self'"}


@pytest.fixture(scope="module")
def parts():
    """One of each of the parts that work alone, as HTML."""
    sweep = handmade("1TL", "demo")
    explorer = explore(handmade("timing", "demo", grid=GRID))
    return "".join([
        front_page(sweep)._repr_html_(),
        explorer.html,
        predict.endings(sweep)._repr_html_(),
    ])  # fmt: skip


@pytest.fixture(scope="module")
def sheet(parts, tmp_path_factory):
    return written(tmp_path_factory.mktemp("sheet"), parts)


def states(page):
    """Whether each part is "live" or "static"; one that is neither, or both, fails."""
    found = {}
    for name in PARTS:
        part = page.locator(f".cplib-{name}")
        static = [one.is_visible() for one in part.locator("[data-static]").all()]
        live = part.locator(".live .chart > svg").is_visible()
        assert static and set(static) == {not live}, (name, static, live)
        found[name] = "live" if live else "static"
    return found


def test_browsers_of_2019_run_all(opened, sheet):
    page = opened("about:blank")
    page.add_init_script(LACKING)
    page.goto(sheet)
    assert set(states(page).values()) == {"live"}
    page.get_by_label("Removal").fill("0")
    assert "blur from epoch 0 to 5" in page.locator("output").nth(2).text_content()
    charts = page.locator(".live .chart > svg").all()
    wide = [chart.get_attribute("viewBox") for chart in charts]
    page.set_viewport_size(PHONE)
    for chart, before in zip(charts, wide, strict=True):
        expect(chart).not_to_have_attribute("viewBox", before)


@pytest.mark.parametrize("call", CALLS)
def test_a_script_that_fails_leaves_the_static_form(opened, sheet, call):
    page, told = opened("about:blank"), []
    page.on("console", lambda message: told.append(message.text))
    thing, _, name = call.rpartition(".")
    page.add_init_script(f"{thing}.{name} = () => {{ throw Error('refused'); }};")
    page.goto(sheet)
    found = list(states(page).values())
    assert "static" in found
    assert sum("refused" in text for text in told) == found.count("static")


def test_a_site_that_forbids_scripts_does_not_hide_why(launched, parts):
    page = launched.new_page()
    body = SHEET.format(parts)
    page.route(
        SITE,
        lambda asked: asked.fulfill(
            body=body, content_type="text/html", headers=FORBIDDING
        ),
    )
    page.goto(SITE)
    assert set(states(page).values()) == {"static"}
    told = page.get_by_text("scripts are off, blocked by this site, or too new")
    assert [one.is_visible() for one in told.all()] == [True] * len(PARTS)
    page.close()


def test_where_scripts_run_nothing_says_that_they_do_not(opened, sheet):
    page = opened(sheet)
    assert set(states(page).values()) == {"live"}
    assert "does not run" not in page.locator("body").inner_text()


@pytest.mark.parametrize(
    "path",
    [*CODE.glob("cplib/widgets/static/*.js"), CODE / "book/static/page.js"],
    ids=lambda path: path.name,
)
def test_scripts_keep_to_what_browsers_of_2019_read(path):
    assert not re.search(NEWER, path.read_text(encoding="utf-8"))

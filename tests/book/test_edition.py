"""The edition of every page, and figures with a link and a citation that last."""

import re
from types import SimpleNamespace

import pytest
from nbformat.v4 import new_code_cell, new_output
from pybtex.database import parse_string

import cplib
from tools.build.anchors import add_ids
from tools.build.book import CODE as ROOT
from tools.pages.edition import edition, signed

PERMANENT = (ROOT / "tests/book/figures.txt").read_text(encoding="utf-8").split()
IDS = re.compile(r'<figure id="([^"]+)"')
BLUR = "book/blur.html"
CONFIG = SimpleNamespace(
    author="A & B", html_title="Book", copyright="2026", html_baseurl=""
)
ADDRESSED = SimpleNamespace(**vars(CONFIG) | {"html_baseurl": "https://example.org/b/"})
PAGE = """<article><figure id="figure-hump"></figure>
<div class="measured docutils"><p>Executed; commit 0123456789, with edits.</p></div>
</article><article></article>"""


def entry(page, title="The \\& hump", name="figure-hump"):
    """The entry at the foot of `page`, filled in and read by pybtex."""
    text = re.search(r'data-bibtex="([^"]*)"', page)[1]
    text = text.replace("&amp;", "&").replace("%ID%", name).replace("%TITLE%", title)
    return parse_string(text, "bibtex").entries[f"blur-{name}"]


def test_the_edition_is_that_of_the_package():
    _, ordinal, version = edition().groups()
    number = re.match(r"[\d.]+", version)[0]
    assert cplib.__version__.startswith(f"{number}.")
    assert ordinal in ("First", "Second", "Third")


def test_a_figure_is_cited_with_edition_and_commit():
    page = signed(PAGE, "book/blur", CONFIG)
    assert page.count(f">{edition()[1]}.</p>\n</article>") == 1
    cited = entry(page)
    assert cited.type == "incollection" and "url" not in cited.fields
    assert [str(who) for who in cited.persons["author"]] == ["{A & B}"]
    assert cited.fields["title"] == "{The \\& hump}"
    assert cited.fields["booktitle"] == "Book" and cited.fields["year"] == "2026"
    assert cited.fields["edition"] == edition()[2]
    assert cited.fields["note"].endswith("commit 0123456789, with edits")
    cited = entry(signed(PAGE, "book/blur", ADDRESSED))
    assert cited.fields["url"] == "https://example.org/b/book/blur.html#figure-hump"


def test_a_page_without_figures_has_the_edition_alone():
    page = signed('<footer class="prev-next-footer">', "search", CONFIG)
    assert page.startswith('<p class="edition" data-words=') and "bibtex" not in page


def test_figures_are_named_by_their_cell():
    html = '<figure class="cplib-figure a">1</figure><figure class="cplib-figure">2'
    outputs = [new_output("display_data", {"text/html": html}), new_output("stream")]
    cell = new_code_cell(id="hump", outputs=outputs)
    add_ids(cell)
    shown = cell.outputs[0].data["text/html"]
    assert IDS.findall(shown) == ["figure-hump", "figure-hump-2"]
    assert re.sub(r' id="[^"]*"', "", shown) == html


def test_permanent_links_are_there(smoke):
    """A link once given is kept: add to the list, and take nothing away."""
    for page in sorted((smoke.html / "book").glob("*.html")):
        found = IDS.findall(page.read_text(encoding="utf-8"))
        wanted = {f"{page.stem}#{name}" for name in found}
        assert len(wanted) == len(found)
        assert wanted == {
            link for link in PERMANENT if link.startswith(f"{page.stem}#")
        }


def test_every_page_has_its_edition(smoke):
    for page in smoke.html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        leads_on = page.name == "index.html" and (page.parent / "book").is_dir()
        pages = "_static" not in page.parts and not leads_on
        assert text.count('<p class="edition"') == pages, page


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 360])
def test_a_figure_is_cited_by_keyboard(visit, width):
    tab = visit(BLUR, scheme="file", width=width,
                permissions=["clipboard-read", "clipboard-write"])  # fmt: skip
    figure = tab.locator("#figure-life")
    figure.get_by_role("link", name="Link to this figure").press("Enter")
    assert tab.url.endswith("#figure-life")
    figure.get_by_text("Cite", exact=True).press("Enter")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    figure.get_by_text("Copied.").wait_for()
    text = tab.evaluate("navigator.clipboard.readText()")
    assert text == figure.locator("pre").text_content()
    cited = parse_string(text, "bibtex").entries["blur-figure-life"]
    assert cited.fields["title"] == "{Blur}" and "commit " in cited.fields["note"]
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    tab.emulate_media(media="print")
    assert not figure.locator("pre").is_visible()
    assert not figure.get_by_text("¶").is_visible()


@pytest.mark.browser
def test_a_link_to_a_closed_figure_leads_to_its_prediction(visit):
    tab = visit(f"{BLUR}#figure-window-figure", scheme="file")
    assert not tab.locator("#figure-window-figure").is_visible()
    top = tab.locator(".cplib-predict").nth(1).evaluate(
        "e => e.getBoundingClientRect().top")  # fmt: skip
    assert -50 < top < 500


@pytest.mark.browser
@pytest.mark.parametrize("link", ["figure-of-the-first-edition", "timing-old=blur/0/1"])
def test_a_link_to_what_is_gone_says_so(visit, link):
    tab = visit(f"{BLUR}#{link}", scheme="file")
    told = tab.locator(".astray")
    told.wait_for()
    assert f"“{link.split('=')[0]}”, which is not on this page" in told.text_content()
    tab.evaluate("location.hash = 'figure-life'")
    told.wait_for(state="detached")

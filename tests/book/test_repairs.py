"""Post-processing of the built pages, without a browser."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET

import matplotlib.figure
import pytest
from math_core import LatexError

from tools.pages import accessible, lighten, mathml


def picture() -> str:
    figure = matplotlib.figure.Figure()
    figure.subplots().plot([0, 1, 4])
    figure.suptitle("two  words")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def near(text: str):
    """The same word; a number to a hundredth of a point."""
    value = number(text)
    return value if isinstance(value, str) else pytest.approx(value, abs=0.0051)


def shapes(svg: str, read=str) -> list:
    """Tags and attributes of all shapes, with each word passed through `read`."""
    root = ET.fromstring(svg)
    drawn = [element for element in root.iter() if "svg}" in element.tag]
    return [
        (
            element.tag,
            {key: words(value, read) for key, value in element.attrib.items()},
        )
        for element in drawn
        if not element.tag.endswith("metadata")
    ]


def words(text: str, read) -> list:
    return [read(word) for word in re.split(r"[\s,()]+", text)]


def test_a_smaller_figure_draws_the_same():
    before = picture()
    after = lighten.minified(before)
    assert shapes(after, number) == shapes(before, near)
    assert len(after) < 0.9 * len(before)


def test_figures_become_files(tmp_path):
    page = tmp_path / "book" / "page.html"
    source = base64.b64encode(picture().encode()).decode()
    text = f'<img src="data:image/svg+xml;base64,{source}" alt="a line">'
    moved = lighten.figures_to_files(text, page, tmp_path)
    (file,) = (tmp_path / "_images").iterdir()
    assert f'src="../_images/{file.name}" width="614" height="461" alt=' in moved
    ET.parse(file)


def test_data_of_figures_become_files(tmp_path):
    table = "a,b\n1,ä\n".encode()
    link = base64.b64encode(table).decode()
    text = f'<a download="x.csv" href="data:text/csv;base64,{link}">Save</a>'
    page = tmp_path / "book" / "page.html"
    moved = lighten.tables_to_files(text, page, tmp_path)
    address = re.fullmatch(r'<a download="x.csv" href="(.*?)">Save</a>', moved)[1]
    assert (page.parent / address).resolve().read_bytes() == table


def test_only_the_search_page_keeps_the_search():
    page = '<script src="a.js"></script>\n<script src="searchindex.js"></script>\n'
    assert lighten.without_unused(page) == '<script src="a.js"></script>\n'
    assert lighten.without_unused(page, search=True) == page


def test_only_pages_with_cards_or_tabs_keep_their_styles():
    link = '<link rel="stylesheet" href="../_static/sphinx-design.min.css?v=1" />\n'
    card = '<div class="col sd-card">text</div>'
    assert lighten.without_unused(link + card) == link + card
    assert lighten.without_unused(link + "<p>sd-card</p>") == "<p>sd-card</p>"


def test_a_formula_is_mathml():
    root = ET.fromstring(mathml.convert(r"\tfrac12 x_i", block=False))
    assert root.tag == "math"
    assert root.find(".//mfrac") is not None
    assert [part.text for part in root.find(".//msub")] == ["x", "i"]


@pytest.mark.parametrize("tex", [r"\unheardof x", r"\frac{1}{2", r"x}"])
def test_a_wrong_formula_is_refused(tex):
    with pytest.raises(LatexError):
        mathml.convert(tex, block=True)


def test_controls_are_named_by_their_visible_words():
    page = '<summary aria-label="Toggle hidden content">Show</summary>'
    assert accessible.repair(page) == "<summary>Show</summary>"


def test_a_full_stop_stays_with_its_formula():
    one, other = ('<span class="math"><math>\n</math></span>' + end for end in " .")
    held = f'<span class="together">{other}</span>'
    assert accessible.repair(one + other) == one + held


def test_cells_of_blocks_have_the_names_of_their_columns():
    heads = "".join(f'<th class="head"><p>{name}</p></th>' for name in ("who", "what"))
    cells = "<td><p>a</p></td><td><p>b</p></td>"
    table = f"<table>{heads}{cells * 2}</table>"
    named = '<td><p data-head="who">a</p></td><td><p data-head="what">b</p></td>'
    block = '<div class="blocks docutils container">'
    assert accessible.repair(table) == table
    assert named * 2 in accessible.repair(block + table)

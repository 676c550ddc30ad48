"""The archive of a page has the data of every figure on it."""

import re
import zipfile

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.build import book as build_book
from tools.pages import figure_data

LINK = re.compile(r'<a href="([^"]+)" download>Data of the figures \(CSV\)</a>')
TABLE = re.compile(r'<a download="([^"]+\.csv)" href="([^"]+)"')


@pytest.mark.notebooks
def test_every_page_with_figures_has_its_archive(smoke):
    found = 0
    for page in (smoke.html / "book").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        tables, links = TABLE.findall(text), LINK.findall(text)
        assert len(links) == bool(tables), page
        if not tables:
            continue
        with zipfile.ZipFile((page.parent / links[0]).resolve()) as archive:
            assert archive.testzip() is None
            kept = [(name, archive.read(name)) for name in sorted(archive.namelist())]
        for (name, content), (told, address) in zip(kept, tables, strict=True):
            assert name.partition("-")[2] == told
            assert content == (page.parent / address).resolve().read_bytes()
        found += 1
    assert found > 6


def test_a_page_without_figures_is_unchanged(tmp_path):
    page = tmp_path / "book" / "page.html"
    text = '<p class="run-it"><a href="x">Open in Colab</a></p>'
    assert figure_data.bundle(text, page, tmp_path) == text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tag", ["hide-input", "remove-cell"])
def test_injected_parameters_are_shown_like_the_originals(tag):
    own = new_code_cell("scale = 1", metadata={"tags": ["parameters", tag]})
    added = new_code_cell("scale = 2", metadata={"tags": ["injected-parameters"]})
    notebook = build_book.cleaned(new_notebook(cells=[own, added]))
    assert notebook.cells[1].metadata["tags"] == ["injected-parameters", tag]


def test_prints_are_joined_and_undated():
    printed = [
        new_output("stream", name=name, text=text)
        for name, text in (("stdout", "a\n"), ("stderr", "50 %"), ("stdout", "b\n"))
    ]
    value = new_output("execute_result", data={"text/plain": "1"})
    cell = new_code_cell("f()", outputs=[*printed, value])
    cell.metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    (after,) = build_book.cleaned(new_notebook(cells=[cell])).cells
    assert [output.get("text") for output in after.outputs] == ["a\nb\n", None]
    assert not after.metadata

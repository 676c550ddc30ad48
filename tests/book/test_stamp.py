"""The provenance line of every chapter is true."""

import re
import subprocess

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cplib.engine.provenance import commit
from tools.build import stamp


@pytest.fixture
def checkout(tmp_path):
    def git(*words):
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True)

    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-qm", "first")
    return tmp_path


def test_the_commit_and_edits_to_it_are_named(checkout, tmp_path_factory):
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True
    ).stdout
    assert commit(checkout) == f"commit {head[:10]}"
    (checkout / "file").write_text("2")
    assert commit(checkout) == f"commit {head[:10]}, with edits"
    assert "not a git checkout" in commit(tmp_path_factory.mktemp("bare"))


def test_the_line_is_at_the_end(checkout):
    cells = [new_markdown_cell("# Title"), new_code_cell("1")]
    notebook = new_notebook(cells=cells)
    notebook.metadata[stamp.RUN] = stamp.run_of(checkout, {"scale": "smoke"}, 12.3)
    stamp.add_line(notebook)
    assert stamp.RUN not in notebook.metadata and len(notebook.cells) == 3
    source = notebook.cells[-1].source
    found = re.fullmatch(r":::\{div\} measured\n(.*)\n:::", source)
    assert re.fullmatch(
        r"Executed \d{4}-\d\d-\d\d \d\d:\d\d UTC at scale `smoke`, in 12 s, on .+, "
        r"Python 3\.\d+\.\d+, PyTorch \S+; commit [0-9a-f]{10}\.",
        found[1],
    )
    nbformat.validate(notebook)


def test_a_notebook_that_was_not_executed_gets_none():
    notebook = new_notebook(cells=[new_markdown_cell("# Title")])
    stamp.add_line(notebook)
    assert [cell.source for cell in notebook.cells] == ["# Title"]


def test_every_page_has_its_line(smoke):
    for page in (smoke.html / "book").glob("*.html"):
        source = page.read_text(encoding="utf-8")
        executed = (
            smoke.output / "executed/smoke/book" / f"{page.stem}.ipynb"
        ).exists()
        assert source.count('class="measured docutils"') == executed, page

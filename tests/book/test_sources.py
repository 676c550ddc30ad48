"""The committed notebooks, as files."""

from __future__ import annotations

import ast
import re

import nbformat
import pytest
import yaml

import cplib
from cplib import studies
from tools.build import book as build_book
from tools.build.book import CODE as ROOT

LONGEST = 12  # lines of a code cell; plumbing belongs in cplib
NOTEBOOKS = sorted((ROOT / "book").glob("**/*.ipynb"))
PARAMETERS = {"scale": "laptop", "seeds": "all", "device": "auto"}
every_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda path: str(path.relative_to(ROOT))
)


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_contents_list_the_notebooks():
    listed = {path for path in build_book.pages(ROOT) if path.suffix == ".ipynb"}
    assert listed == set(NOTEBOOKS)


def test_contents_naming_no_page_are_refused(tmp_path):
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/indx\n")
    with pytest.raises(build_book.BookError, match="lists book/indx"):
        build_book.pages(tmp_path)


@every_notebook
def test_no_outputs(path):
    for number, cell in enumerate(code_cells(read(path)), 1):
        assert not cell.outputs, f"code cell {number} has outputs"
        assert cell.execution_count is None, f"code cell {number} has a count"


@every_notebook
def test_no_traces_of_a_session(path):
    kept = {"kernelspec", "language_info", "mystnb"}
    assert set(read(path).metadata) <= kept


@every_notebook
def test_the_first_code_cells_are_the_set_up_and_the_parameters(path):
    """In this order: what papermill injects comes after the parameters."""
    cells = code_cells(read(path))
    for place, tag in enumerate(("setup", "parameters")):
        tagged = [cell for cell in cells if tag in cell.metadata.get("tags", [])]
        assert tagged == cells[place : place + 1], f"one cell is tagged {tag}"
    assigned = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(tagged[0].source).body
        if isinstance(node, ast.Assign)
    }
    assert assigned == PARAMETERS


def test_settings_in_the_text_are_those_of_the_studies():
    """Numbers of scales that sentences of *The experiment* and *Deprivation* have."""
    here, there, small = (
        studies.get(name, scale).setup
        for name, scale in (("1TL", "laptop"), ("1TL", "paper"), ("demo", "demo"))
    )
    demo = studies.get("demo", "demo")
    removal = demo.runs[-1].removal
    text = (ROOT / "book" / "experiment.ipynb").read_text(encoding="utf-8")
    images = f"{here.data.train:,} images for training, where the paper has "
    assert images + f"{there.data.train:,}" in text
    assert f"until epoch {removal}, and {demo.clean_epochs} clean epochs after" in text
    steps = [s.data.train // s.schedule.batch for s in (here, small)]
    decay = here.schedule.weight_decay / small.schedule.weight_decay
    assert (round(2 * steps[0] / steps[1]), round(2 * decay, 6)) == (3, 5)
    text = (ROOT / "book" / "deprivation.ipynb").read_text(encoding="utf-8")
    assert "half as many steps again, and weight decay is two and a half times" in text


@every_notebook
def test_code_cells_are_short(path):
    for number, cell in enumerate(code_cells(read(path)), 1):
        lines = len(cell.source.splitlines())
        assert lines <= LONGEST, f"code cell {number} has {lines} lines"


@every_notebook
def test_cplib_is_imported_by_its_front_door(path):
    """Chapters need one name of the package, and readers who copy a cell too."""
    if path.stem == "speed":  # it shows benchmarks, which the front door does not have
        return
    given = [c.source for c in code_cells(read(path)) if c.get("id") != "setup"]
    prose = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    given += re.findall(r"^```python\n(.*?)^```$", prose, re.M | re.S)
    imports = re.findall(r"^ *(?:import|from) +cplib\b.*", "\n".join(given), re.M)
    assert set(imports) == {"import cplib as cp"}


@pytest.mark.parametrize(
    "path",
    [*NOTEBOOKS, *ROOT.glob("*.md"), *ROOT.glob("book/*.md")],
    ids=lambda p: p.name,
)
def test_names_of_the_front_door_are_there(path):
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"\bcp\.([A-Za-z]\w*)", text)) <= set(cplib.__all__)


@every_notebook
def test_one_title(path):
    text = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    prose = re.sub(r"```.*?```", "", "\n\n".join(text), flags=re.S)
    assert len(re.findall(r"^# ", prose, re.M)) == 1


def test_version_is_the_cited_one():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == cplib.__version__

"""The recipes of how-built.md: what they tell to do works, at smoke scale."""

from __future__ import annotations

import re
import shutil
import textwrap

import pytest
import test_sources
import torch

import cplib as cp
from cplib.__main__ import main
from cplib.engine import workers
from cplib.studies import catalogue
from tools.build.book import CODE as ROOT
from tools.maintain import setup_cell

pytestmark = [pytest.mark.notebooks, pytest.mark.slow]
PAGE = (ROOT / "book" / "how-built.md").read_text(encoding="utf-8")


def blocks(heading, language="python"):
    """The code below a heading of the page, up to the next one."""
    section = PAGE.split(f"\n### {heading}\n")[1].partition("\n### ")[0]
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", section, re.M | re.S)
    return [block for words, block in fenced if words == language]


@pytest.fixture
def apart(tmp_path, monkeypatch):
    """A folder of its own, and no processes to wait for."""
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers.loky, "cpu_count", lambda: 1)
    yield tmp_path
    torch.set_num_threads(threads)


def ran(*sources):
    """The names that the code makes, computed at smoke scale with one seed."""
    space = {"__name__": "recipe"}
    for source in sources:
        small = re.sub('"(?:demo|laptop)"', '"smoke"', source).replace("1_000", "100")
        exec(re.sub(r"seeds=[^)]+\)", "seeds=[0])", small), space)
    return space


@pytest.mark.parametrize("page", ["README.md", "book/how-built.md"])
def test_the_first_lines_of_code(apart, page):
    text = (ROOT / page).read_text(encoding="utf-8")
    first = re.search(r"^ *```python\n(.*?)^ *```$", text, re.M | re.S)[1]
    assert ran(textwrap.dedent(first))["result"].study.name == "1TL"


def test_add_a_deficit(apart):
    space = ran(*blocks("Add a deficit"))
    result = space["result"]
    assert [run.label for run in result.study.runs] == [
        "no deficit", "greyscale", "greyscale"
    ]  # fmt: skip
    grey = result.study.runs[1].deficits[0].images(torch.rand(2, 3, 4, 4), 0)
    assert torch.equal(grey[:, 0], grey[:, 2])
    assert isinstance(cp.draw(result), cp.Panel)


def test_add_a_study_in_a_notebook(apart):
    varied, several, _ = blocks("Add a study")
    space = ran(varied, several)
    study, small = space["study"], space["small"].setup
    assert [(r.onset, r.removal) for r in study.runs[1:]] == [(0, 10), (10, 20)]
    assert (small.schedule.batch, small.model.width, small.data.train) == (64, 4, 100)
    assert space["result"].study == space["small"]
    _, two = space["two"].runs
    assert two.label == "blur, then noise"


def test_add_a_study_to_the_book(apart, monkeypatch, capsys):
    space = {"__package__": "cplib.studies", "__name__": "cplib.studies.recipe"}
    exec(blocks("Add a study")[-1], space)
    monkeypatch.setitem(catalogue.STUDIES, "late-blur", space["late_blur"])
    (commands,) = blocks("Add a study", "")
    for line in commands.replace("laptop", "smoke").replace("3", "1").splitlines():
        assert main(line.split()[3:]) == 0, line
    assert cp.get("late-blur", "smoke", 1).live == ()  # stored by `run`
    assert (apart / "late-blur-smoke.svg").is_file()
    assert "late-blur" in capsys.readouterr().out


@pytest.fixture
def book(apart):
    """A book without chapters, and all else that the recipe touches."""
    for name in ("_config.yml", "tools"):
        (apart / name).symlink_to(ROOT / name)
    for name in setup_cell.TEXTS:
        shutil.copy(ROOT / name, apart)
    (apart / "_toc.yml").write_text("format: jb-book\nroot: book/front\nchapters:\n")
    shutil.copytree(ROOT / "book" / "static", apart / "book" / "static")
    shutil.copy(ROOT / "book" / "references.bib", apart / "book")
    (apart / "book" / "front.md").write_text("# Front\n")
    return apart


def test_add_a_chapter(book, build):
    (written,), (listed,) = blocks("Add a chapter"), blocks("Add a chapter", "yaml")
    exec(written, {})
    with open(book / "_toc.yml", "a", encoding="utf-8") as contents:
        contents.write(listed)
    assert setup_cell.main(["--write", "--root", str(book)]) == 0
    for rule in (
        test_sources.test_no_outputs,
        test_sources.test_no_traces_of_a_session,
        test_sources.test_the_first_code_cells_are_the_set_up_and_the_parameters,
        test_sources.test_code_cells_are_short,
        test_sources.test_cplib_is_imported_by_its_front_door,
        test_sources.test_one_title,
    ):
        rule(book / "book" / "grey.ipynb")
    options = ("--scale", "smoke", "--seeds", "1", "--device", "cpu")
    done = build(book / "out", "--root", str(book), *options)
    assert done.returncode == 0, done.log
    page = (done.html / "book" / "grey.html").read_text(encoding="utf-8")
    assert 'class="cplib-figure"' in page and "Scale smoke" in page
    assert "1TL" in page and "Download notebook" in page

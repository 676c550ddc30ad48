"""The pipeline: notebooks executed, pages built, failures told."""

from __future__ import annotations

import os
import re
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.build import book as build_book
from tools.build import execute
from tools.build.book import CODE as ROOT

pytestmark = pytest.mark.notebooks
PAGES = [path.relative_to(ROOT) for path in build_book.pages(ROOT)]
WIDGET_VIEW = build_book.WIDGET_VIEW


@pytest.fixture
def small(tmp_path):
    """A book of one page, and a function that writes its cells."""
    for name in ("_config.yml", "tools"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    shutil.copytree(ROOT / "book" / "static", tmp_path / "book" / "static")
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")

    def write(*sources: str, text: str = "# Title"):
        cells = [new_code_cell(source) for source in sources]
        cells[0].metadata["tags"] = ["parameters"]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = new_notebook(
            cells=[new_markdown_cell(text), *cells], metadata={"kernelspec": kernel}
        )
        nbformat.write(notebook, tmp_path / "book" / "index.ipynb")
        return tmp_path

    return write


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_book_builds(smoke):
    assert smoke.returncode == 0, smoke.log
    assert f"Book: {smoke.html / 'index.html'}" in smoke.log
    for page in PAGES:
        assert (smoke.html / page.with_suffix(".html")).is_file()
    front = (smoke.html / "index.html").read_text(encoding="utf-8")
    assert f"url={PAGES[0].with_suffix('.html').as_posix()}" in front


def test_every_notebook_ran_at_smoke_scale(smoke):
    for page in PAGES:
        if page.suffix == ".ipynb":
            notebook = nbformat.read(smoke.output / "executed/smoke" / page, 4)
            codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
            counts = [cell.execution_count for cell in codes if cell.source.strip()]
            assert counts == list(range(1, len(counts) + 1)), page
            injected = [c for c in codes if "injected-parameters" in c.metadata.tags]
            assert 'scale = "smoke"' in injected[0].source


def test_nothing_is_written_into_the_sources(smoke):
    committed = {path for path in (ROOT / "book").rglob("*") if path.is_file()}
    staged = smoke.output / "stage"
    assert not [path for path in committed if path.suffix == ".part"]
    for page in PAGES:
        if page.suffix == ".ipynb":
            assert (staged / page).read_bytes() != (ROOT / page).read_bytes()


def test_widgets_have_a_static_form(smoke):
    """A static page has no kernel: what a widget shows there is its HTML."""
    for path in (smoke.output / "executed/smoke").rglob("*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            for output in cell.get("outputs", []):
                if WIDGET_VIEW in output.get("data", {}):
                    assert "text/html" in output.data, (path, cell.source)


def test_a_table_in_a_cells_output_is_a_table(smoke):
    """Markdown that a cell prints has tables only in one of Sphinx's dialects."""
    for page in smoke.html.rglob("*.html"):
        assert "<p>| " not in page.read_text(encoding="utf-8"), page


def test_no_sentence_gives_a_number_that_is_none(smoke):
    """Even at a scale at which there may be nothing to compare."""
    for page in smoke.html.rglob("*.html"):
        prose = re.findall(
            r"<(?:p|li)\b[^>]*>(.*?)</(?:p|li)>", page.read_text("utf-8"), re.S
        )
        assert not [words for words in prose if re.search(r"[ (−+]nan\b", words)], page


def test_pages_carry_no_widget_state(smoke):
    for page in smoke.html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert WIDGET_VIEW not in text
        assert "application/vnd.jupyter.widget-state+json" not in text
    for download in smoke.html.rglob("*.ipynb"):
        assert not {"papermill", "widgets"} & set(nbformat.read(download, 4).metadata)


def test_second_build_executes_nothing_and_changes_no_file(smoke, build):
    before = contents(smoke.html)
    again = build(smoke.output, "--scale", "smoke", "--seeds", "2", "--device", "cpu")
    assert again.returncode == 0, again.log
    count = sum(page.suffix == ".ipynb" for page in PAGES)
    assert f"{count} of {count} unchanged" in again.log
    after = contents(smoke.html)
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []


def test_a_book_executed_twice_gives_the_same_files(small, build, tmp_path):
    figure = "from cplib.figures import animals\nanimals.kitten_acuity()"
    title = "Title\n=====\n"  # not "# Title", below which is the time of its execution
    root = small("seeds = 3", "print(seeds)", figure, text=title)
    made = []
    for output in (tmp_path / "one", tmp_path / "two"):
        done = build(output, "--root", str(root), "--seeds", "4")
        assert done.returncode == 0, done.log
        made.append(contents(output / "html"))
    assert made[0].keys() == made[1].keys()
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [("scale", "lptop", "laptop"), ("seeds", "x", "'all'"), ("device", "gpu", "cpu")],
)
def test_an_unknown_setting_is_refused_before_any_notebook(
    build, tmp_path, option, value, remedy
):
    done = build(tmp_path / "out", f"--{option}", value)
    (said,) = done.log.strip().splitlines()
    assert done.returncode == 1 and said.startswith("The book was not built: ")
    assert f"'{value}'" in said and remedy in said
    assert not (tmp_path / "out").exists()


def test_failing_cell_is_named_and_the_built_book_stays(small, build, tmp_path):
    output = tmp_path / "out"
    root = small("seeds = 3", "1 + 1")
    good = build(output, "--root", str(root))
    assert good.returncode == 0, good.log
    before = (output / "html/book/index.html").read_bytes()

    small("seeds = 3", "1 + 1", "divisor = seeds - 4\n3 / divisor", "print('after')")
    bad = build(output, "--root", str(root), "--seeds", "4")
    assert bad.returncode == 1
    said = "book/index.ipynb, code cell 3, raised ZeroDivisionError: division by zero"
    assert said in bad.log
    assert "3 / divisor" in bad.log
    assert "\x1b" not in bad.log
    assert (output / "html/book/index.html").read_bytes() == before


def test_killed_kernel_is_told(small, build, tmp_path):
    root = small("seeds = 3", "import os\nos._exit(9)")
    done = build(tmp_path / "out", "--root", str(root))
    assert done.returncode == 1
    assert "book/index.ipynb, code cell 2, lost its kernel" in done.log


def test_file_that_is_no_notebook_is_told(small, build, tmp_path):
    root = small("seeds = 3")
    (root / "book/index.ipynb").write_text("<<<<<<< HEAD\n{}")
    done = build(tmp_path / "out", "--root", str(root))
    assert done.returncode == 1
    assert "book/index.ipynb could not be executed" in done.log


def test_warning_of_jupyter_book_fails_the_build(small, build, tmp_path):
    output = tmp_path / "out"
    root = small("seeds = 3", text="# Title\n\n{cite}`nobody1900`")
    done = build(output, "--root", str(root))
    assert done.returncode == 1
    assert "jupyter-book refused the pages" in done.log
    assert "nobody1900" in done.log
    assert not (output / "html").exists()


def test_notebook_is_executed_again_when_an_input_changed(small, tmp_path):
    source = small("seeds = 3") / "book/index.ipynb"
    results = tmp_path / "book/results"
    keys = [execute.input_key(source, {"seeds": 3}, results)]
    assert execute.input_key(source, {"seeds": 3}, results) == keys[0]
    keys.append(execute.input_key(source, {"seeds": 4}, results))
    results.mkdir()
    (results / "blur-laptop.csv").write_text("value\n1\n")
    keys.append(execute.input_key(source, {"seeds": 3}, results))
    (results / "blur-laptop.csv").write_text("value\n2\n")
    keys.append(execute.input_key(source, {"seeds": 3}, results))
    small("seeds = 3", "1")
    keys.append(execute.input_key(source, {"seeds": 3}, results))
    assert len(set(keys)) == len(keys)


def test_only_changed_parameters_are_injected(small):
    source = small('scale = "laptop"\nseeds = 3') / "book/index.ipynb"
    given = {"scale": "laptop", "seeds": 5, "device": "auto"}
    assert execute.changed(source, given) == {"seeds": 5}


def test_a_relative_folder_of_results_is_that_of_the_command(
    small, tmp_path, monkeypatch
):
    """And not one in the kernel's folder, which the next build removes."""
    root = small("seeds = 3", "from cplib._base import files\nfiles.results_folders()")
    monkeypatch.setenv("CPLIB_RESULTS", "mine")
    monkeypatch.chdir(root)
    parameters = {"scale": "laptop", "seeds": 3}
    output = tmp_path / "out"
    build_book.stage_text(root, output / "stage")
    source = root / "book/index.ipynb"
    made = build_book.execute(root, output, [source], parameters)
    shown = nbformat.read(made[source], 4).cells[-1].outputs[0].data["text/plain"]
    assert str(tmp_path / "mine") in shown


def test_without_processes_notebooks_are_executed_one_by_one(
    small, tmp_path, monkeypatch, capsys
):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(execute, "ProcessPoolExecutor", refuse)
    monkeypatch.setattr(os, "environ", dict(os.environ))  # what is set for the kernels
    source = small("seeds = 3", "seeds + 1") / "book/index.ipynb"
    jobs = [
        execute.Job(source, tmp_path / f"{name}.ipynb", name, tmp_path, {}, name)
        for name in ("one", "two")
    ]
    assert [job.name for job, _ in execute.execute_all(jobs, 2)] == ["one", "two"]
    assert all(execute.is_done(job) for job in jobs)
    assert "No processes can be started here" in capsys.readouterr().err

"""The tools refuse bad input in one sentence, before they begin."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import bench
import nbformat
import pytest
from PIL import Image

from cplib import __main__
from cplib.errors import StorageError
from tools.build import book as build_book
from tools.build import slides
from tools.build.book import CODE as ROOT
from tools.maintain import browser, clear_outputs, film

NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


def tool(name, *words, **environment):
    """Run a tool; return its status and the lines on stderr."""
    done = subprocess.run(
        [sys.executable, "-m", f"tools.{name}", *map(str, words)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


@pytest.fixture
def pages(tmp_path):
    """A book of one page."""
    (tmp_path / "html").mkdir()
    (tmp_path / "html/index.html").write_text("<h1>Page</h1>")
    return tmp_path / "html"


@pytest.fixture
def blocked(tmp_path):
    """A path that nobody can write, root included: its parent is a file."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "out"


# -- make serve


def test_the_book_is_served_until_control_c(pages):
    command = [sys.executable, "-m", "tools.build.serve", pages, "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    address = process.stdout.readline().split()[0]
    with urllib.request.urlopen(address) as page:
        assert page.read() == b"<h1>Page</h1>"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0 and "Traceback" not in process.stderr.read()


def test_a_port_in_use_is_reported(pages):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = tool("build.serve", pages, "--host", "127.0.0.1", "--port", port)
    assert status == 1 and len(said) == 1
    assert f"port {port} " in said[0] and "PORT=8001" in said[0]


@pytest.mark.parametrize(
    ("words", "named"),
    [(("--port", "99999"), "99999"), (("--host", "203.0.113.1"), "203.0.113.1")],
)
def test_an_impossible_address_is_reported(pages, words, named):
    status, said = tool("build.serve", pages, *words)
    assert status == 1 and len(said) == 1
    assert named in said[0] and "make serve" in said[0]


def test_a_missing_book_is_not_served(tmp_path):
    status, said = tool("build.serve", tmp_path)
    assert status == 1 and said == [f"No book in {tmp_path} yet: run make book first."]


# -- what cannot be written


def test_a_book_that_cannot_be_written_is_not_begun(blocked, capsys, monkeypatch):
    monkeypatch.setattr(build_book, "execute", pytest.fail)
    assert build_book.main(["--output", str(blocked)]) == 1
    said = capsys.readouterr().err.strip()
    assert "not built: Cannot write in" in said and "--output" in said
    assert str(blocked) in said and len(said.splitlines()) == 1


def test_slides_that_cannot_be_written_are_not_begun(blocked, capsys, monkeypatch):
    monkeypatch.setattr(slides, "deck", pytest.fail)
    assert slides.main(["--output", str(blocked)]) == 1
    said = capsys.readouterr().err
    assert "not made: Cannot write in" in said and "--output" in said


def test_a_benchmark_that_cannot_be_written_is_not_begun(blocked):
    chosen = bench.options("").parse_args(["--out", str(blocked), "--device", "cpu"])
    with pytest.raises(StorageError, match="--out"):
        bench.Bench("step", chosen, {}, [])


@pytest.mark.parametrize("name", ["build.zip", "maintain.screenshot", "maintain.film"])
def test_a_file_that_cannot_be_written_is_named(name, pages, blocked):
    page = pages / "index.html" if name == "maintain.screenshot" else pages
    status, said = tool(name, page, blocked, CHROMIUM=sys.executable)
    assert status and len(said) == 1 and str(blocked.parent) in said[0]


def test_a_missing_browser_is_named(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/no/chromium")
    assert browser.executable() is None
    with pytest.raises(SystemExit, match="CHROMIUM=/no/chromium is not a program"):
        browser.required()


def test_a_missing_page_is_named(tmp_path):
    page = tmp_path / "page.html"
    words = (page, tmp_path / "page.png")
    status, said = tool("maintain.screenshot", *words, CHROMIUM=sys.executable)
    assert status == 1 and said == [
        f"{page} cannot be used (No such file or directory): name another file."
    ]


def test_a_film_strip_holds_every_frame_whole():
    sizes = [(20, 9), (20, 9), (6, 30), (6, 30)]
    columns = [
        [Image.new("RGB", size, (column, row, 0)) for row, size in enumerate(sizes)]
        for column in range(4)
    ]
    seen = {colour: count for count, colour in film.strip(columns).getcolors()}
    for column in range(4):
        for row, (width, height) in enumerate(sizes):
            assert seen.pop((column, row, 0)) == width * height
    assert len(seen) == 1  # what is between them


# -- notebooks as they are committed


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_session_data_is_cleared_and_nothing_else(path, tmp_path, monkeypatch):
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["widgets"] = {"state": {}}
    for number, cell in enumerate(notebook.cells):
        cell.metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", text="−4.2\n")]
            cell.execution_count = number
    copy = tmp_path / path.name
    nbformat.write(notebook, copy)
    monkeypatch.setattr(sys, "argv", ["clear_outputs.py", str(copy)])
    clear_outputs.main()
    assert copy.read_bytes() == path.read_bytes()


# -- commands and files named on pages


def pages_of_text():
    """Every page and its text; the changelog also names what was removed."""
    for page in [*ROOT.glob("*.md"), *ROOT.glob("book/*.md"), *ROOT.glob("book/*.yml")]:
        if page.name != "CHANGELOG.md":
            yield page.name, page.read_text(encoding="utf-8")
    for page in NOTEBOOKS:
        cells = nbformat.read(page, as_version=4).cells
        yield page.name, "\n".join(cell.source for cell in cells)


def commands():
    """Every command in backticks or in a block, with the page that names it."""
    start = r"(?:\.venv/bin/|make |python |papermill |jupyter |ruff |pytest )"
    for page, text in pages_of_text():
        for found in re.findall(rf"(?:`|^)({start}[^`\n]*)", text, re.M):
            yield from ((page, part.split("#")[0]) for part in found.split("&&"))


def test_commands_on_pages_exist():
    """With what `make test` installs; jupyter lab is what a reader adds."""
    beside = str(Path(sys.executable).parent)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    known = list(commands())
    assert len(known) > 30
    for page, command in known:
        program, *words = command.split()
        if program == "make":
            assert all("=" in w or w in targets for w in words[:1]), (page, command)
        else:
            program = program.removeprefix(".venv/bin/")
            installed = program == "jupyter" and words[:1] == ["lab"]
            here = shutil.which(program, path=beside) or (ROOT / program).is_file()
            assert installed or here, (page, command)
            if program == "jupyter" and not installed:
                assert shutil.which(f"jupyter-{words[0]}", path=beside), (page, command)
        if words[:2] == ["-m", "cplib"] and words[2:]:  # an unknown word ends the test
            __main__.parser().parse_args([word for word in words[2:] if word != "&"])
        elif words[:1] == ["-m"]:
            assert importlib.util.find_spec(words[1]), (page, command)


# What the recipes of how-built.md create, and what `make book` and the wheel have.
CREATED = {"book/grey", "book/grey.ipynb", "book/blur.html", "cplib/book"}


def test_files_on_pages_exist():
    """Paths, and modules by their dotted names, which may end in a name inside."""
    known = 0
    for page, text in pages_of_text():
        names = re.findall(r"\b(?:cplib|tools|tests|benchmarks|book)/[\w./-]*\w", text)
        modules = re.findall(r"\b(?:cplib|tools)(?:\.\w+)+", text)
        for name in {*names, *modules} - CREATED:
            path = ROOT / (name if "/" in name else name.replace(".", "/"))
            inside = [path, path.with_suffix(".py"), path.parent.with_suffix(".py")]
            assert "NAME" in name or any(map(Path.exists, inside)), (page, name)
            known += 1
    assert known > 30

"""cplib as Colab's readers get it: installed from elsewhere, into what is there."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import nbformat
import pip
import pytest

from tools.maintain import setup_cell

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NEEDS = PROJECT["project"]["dependencies"]
PART = ("pyproject.toml", "README.md", "LICENSE", "cplib", "book")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built from a copy, so that no leftovers get in or stay."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PART:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", target]
    done = subprocess.run([*command, source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(target.glob("*.whl"))


def test_the_wheel_holds_the_package_and_what_chapters_read(wheel):
    """If a folder of cplib is missing: name it in pyproject.toml's `packages`."""
    wanted = {"cplib/book/claims.yml", "cplib/book/outcomes.yml"}
    for folder in ("cplib", "book/results", "book/benchmarks"):
        inside = folder if folder == "cplib" else f"cplib/{folder}"
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                place = path.relative_to(ROOT / folder).as_posix()
                wanted.add(f"{inside}/{place}")
    held = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    assert held == wanted
    assert wheel.stat().st_size < 12e6  # bytes; it is fetched at each session in Colab


def test_the_installed_package_finds_its_results_in_an_empty_folder(
    wheel, tmp_path, monkeypatch
):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "empty").mkdir()
    for name in ("RESULTS", "CLAIMS"):
        monkeypatch.delenv(f"CPLIB_{name}", raising=False)
    code = (
        "import cplib; from cplib import results, studies\n"
        "from cplib.analysis import ledger\n"
        "print(cplib.__file__, len(ledger.ledger()))\n"
        "r = results.get(studies.get('1TL', 'laptop'), seeds=3)\n"
        "print(r.seeds, r.live, results.folder())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "empty",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(str(tmp_path / "site")) and not first.endswith(" 0")
    assert second == f"[0, 1, 2] () {tmp_path / 'empty' / 'results'}"
    assert not list((tmp_path / "empty").iterdir())


# -- Colab, in small: packages that are only names and versions


def package(name, version, needs=()):
    """Files of a distribution without content, by path in its wheel."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {need}" for need in needs]
    tag = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
    files = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": "\n".join(lines) + "\n",
        f"{info}/WHEEL": tag + "Tag: py3-none-any\n",
    }
    record = [f"{path},{_digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    return files


def _digest(text):
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def offer(folder, name, version, needs=()):
    """Put a wheel into `folder`, where pip looks instead of on the network."""
    wheel = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for path, text in package(name, version, needs).items():
            file.writestr(path, text)


class Colab:
    """An environment with all that cplib needs, at the oldest versions, but loky."""

    def __init__(self, folder, wheel):
        self.folder, self.index, self.wheel = folder / "env", folder / "index", wheel
        venv.create(self.folder)
        self.python = next(self.folder.glob("[bS]*/python*"))
        self.site = next(self.folder.rglob("site-packages"))
        (self.site / "pip").symlink_to(Path(pip.__file__).parent)  # quicker than a copy
        self.index.mkdir()
        for need in NEEDS:  # "name>=version", all of them
            name, version = need.split(">=")
            local = "+cu121" if name.startswith("torch") else ""
            if name != "loky":
                self.put(name, f"{version}.1{local}")
            offer(self.index, name, "99.0")  # newer ones are to be had, all of them
        self.put("google_colab", "1.0")
        (self.site / "google").mkdir()
        (self.site / "google" / "colab.py").write_text("")

    def put(self, name, version):
        for place, text in package(name, version).items():
            path = self.site / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def packages(self):
        return {path.name for path in self.site.glob("*.dist-info")}

    def run(self, archive=None, imported="google.colab"):
        """Run the set-up cell as a kernel would; Colab's has google.colab imported."""
        cell = setup_cell.source(archive or self.wheel.as_uri())
        cell = cell.replace("/tmp/have.txt", str(self.folder / "have.txt"))
        code = f"import os, {imported}\n"
        code += (
            "get_ipython = lambda: type('', (), {'system': staticmethod(os.system)})\n"
        )
        return subprocess.run(
            [self.python, "-c", code + cell],
            cwd=self.folder,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("PIP_")},
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(self.index),
                "PIP_RETRIES": "0",
                "PYTHONPATH": "",
            },
            capture_output=True,
            text=True,
        )


@pytest.fixture
def colab(tmp_path, wheel):
    return Colab(tmp_path, wheel)


def test_nothing_that_is_there_is_replaced(colab):
    colab.put("legacy", "1.1build1")  # a version that pip no longer accepts
    before = colab.packages()
    done = colab.run()
    assert done.returncode == 0, done.stderr + done.stdout
    after = colab.packages()
    assert before <= after
    new = {name.split("-")[0] for name in after - before}
    assert new == {"cplib", "loky"}
    again = colab.run("file:///nowhere.whl")  # it is there: nothing is done
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_packages_with_broken_metadata_are_in_nobodys_way(colab):
    """Without any, nameless, without a version, and what pip left behind."""
    for name, content in {
        "bare": None,
        "nameless": b"Version: 1.0\n",
        "undated": b"Name: undated\n",
        "~umpy": b"Name: numpy\nVersion: 0.1\n",
    }.items():
        folder = colab.site / f"{name}-1.0.dist-info"
        folder.mkdir()
        if content is not None:
            (folder / "METADATA").write_bytes(content)
    before = colab.packages()
    done = colab.run()
    assert done.returncode == 0, done.stderr + done.stdout
    assert {name.split("-")[0] for name in colab.packages() - before} == {
        "cplib", "loky",
    }  # fmt: skip
    assert "numpy===0.1" not in (colab.folder / "have.txt").read_text()


def test_rather_nothing_is_installed_than_something_replaced(colab):
    offer(colab.index, "loky", "99.1", ["numpy>=2.5"])
    (colab.index / "loky-99.0-py3-none-any.whl").unlink()
    before = colab.packages()
    done = colab.run()
    assert done.returncode == 1
    assert colab.packages() == before
    assert done.stderr.splitlines()[-1].startswith("ImportError: No cplib: ")


def test_without_a_network_one_sentence_says_what_to_do(colab):
    archive = "http://127.0.0.1:9/main.zip"
    done = colab.run(archive)
    last = done.stderr.splitlines()[-1]
    assert "find a network" in last and f"pip install {archive}" in last
    assert "ERROR: " in done.stderr  # pip's own words stand before it


def test_elsewhere_nothing_is_installed_and_the_way_is_told(colab):
    before = colab.packages()
    done = colab.run(imported="json")
    assert "No cplib" in done.stderr.splitlines()[-1]
    assert colab.packages() == before


@pytest.mark.notebooks
@pytest.mark.parametrize("name", ["index", "experiment"])
def test_a_notebook_runs_alone_in_an_empty_folder(wheel, tmp_path, name):
    """From the wheel, in a fresh kernel, without the repository around it."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    empty, executed = tmp_path / "empty", tmp_path / "executed.ipynb"
    empty.mkdir()
    check = tmp_path / f"{name}.ipynb"
    notebook = nbformat.read(ROOT / "book" / f"{name}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("import cplib; cplib.__file__"))
    nbformat.write(notebook, check)
    options = ["-k", "python3", "--no-progress-bar", "-p", "scale", "smoke"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            check,
            executed,
            *options,
            "-p",
            "seeds",
            "1",
        ],
        cwd=empty,
        env={
            **{k: v for k, v in os.environ.items() if k != "CPLIB_RESULTS"},
            "PYTHONPATH": str(tmp_path / "site"),
            "JUPYTER_PREFER_ENV_PATH": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    last = nbformat.read(executed, as_version=4).cells[-1].outputs[0]
    assert str(tmp_path / "site") in last.data["text/plain"]
    assert not list(empty.iterdir())

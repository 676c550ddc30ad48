"""The floor plan, and files that can be read in one sitting."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "cplib").rglob("*.py"))


def test_rooms_import_from_the_rooms_below_them(tmp_path):
    """The plan is in pyproject.toml, `[tool.importlinter]`."""
    command = [Path(sys.executable).with_name("lint-imports"), "--cache-dir", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_files_are_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def test_the_project_never_refers_to_what_lies_beside_it():
    root = ROOT
    folders = ("book", "cplib", "tests", "tools", "benchmarks")
    files = [path for name in folders for path in (root / name).rglob("*.*")]
    for path in [*files, *root.glob("*.*"), root / "Makefile"]:
        text = path.suffix in {".py", ".md", ".yml", ".toml", ".ipynb", ".js", ""}
        if text and path.is_file():
            assert "../" + "shared" not in path.read_text(encoding="utf-8"), path

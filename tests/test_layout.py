"""The floor plan, and a package that can be read room by room."""

import ast
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tools.maintain import floor_plan

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "cplib").rglob("*.py"))
ROOMS = sorted((ROOT / "cplib").glob("[a-z]*/__init__.py"))
MOST = 11_771  # lines of Python; may only be lowered, to 9,000 in the end


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def test_rooms_import_from_the_rooms_below_them(tmp_path):
    """The plan is in pyproject.toml, `[tool.importlinter]`."""
    command = [Path(sys.executable).with_name("lint-imports"), "--cache-dir", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_floor_plan_is_that_of_the_imports():
    """If it is not: python -m tools.maintain.floor_plan."""
    assert floor_plan.PICTURE.read_text(encoding="utf-8") == floor_plan.picture()
    page = floor_plan.PAGE.read_text(encoding="utf-8")
    assert floor_plan.TABLE.search(page)[0] == floor_plan.table()


def imported(path):
    """The first names of what a file imports from the package."""
    up = len(path.relative_to(ROOT / "cplib").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == up:
            names = [node.module] if node.module else [a.name for a in node.names]
            yield from (name.split(".")[0] for name in names)


def test_side_by_side_tests_are_in_the_group_of_their_file(request):
    """So that what a file, or the built book, takes to make is made once."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("one process runs all tests")
    assert request.node.nodeid.endswith("@test_layout.py")


def test_every_import_is_an_arrow_or_a_path_of_arrows():
    reached = {}
    for room in [room for floor in floor_plan.floors() for room in floor][::-1]:
        below = {other for start, other in floor_plan.arrows() if start == room}
        reached[room] = below.union(*(reached[other] for other in below))
    for path in MODULES:
        room = path.relative_to(ROOT / "cplib").parts[0].removesuffix(".py")
        rooms = set(imported(path)) & reached.keys() - {*floor_plan.GROUND, room}
        assert room == "__init__" or rooms <= reached[room], path


def test_the_floor_plan_is_described_from_the_top_down():
    page = floor_plan.PAGE.read_text(encoding="utf-8")
    alt = re.search(r"!\[(.*?)\]\(static/floor-plan\.svg\)", page)[1]
    rooms = [room for floor in floor_plan.floors() for room in floor]
    places = [re.search(rf"(?<!\w){room}(?!\w)", alt).start() for room in rooms]
    assert places == sorted(places)


def test_the_package_does_not_grow():
    """Python alone: styles, scripts and data are not counted."""
    assert sum(map(lines, MODULES)) <= MOST


def test_files_are_small():
    assert not {path.name: lines(path) for path in MODULES if lines(path) > 300}


def test_rooms_have_a_few_public_names():
    rooms = [import_module(f"cplib.{path.parent.name}") for path in ROOMS]
    counts = {room.__name__: len(set(room.__all__)) for room in rooms}
    assert not {room: count for room, count in counts.items() if not 3 <= count <= 18}
    assert all(hasattr(room, name) for room in rooms for name in room.__all__)


def test_the_project_never_refers_to_what_lies_beside_it():
    root = ROOT
    folders = ("book", "cplib", "tests", "tools", "benchmarks")
    files = [path for name in folders for path in (root / name).rglob("*.*")]
    for path in [*files, *root.glob("*.*"), root / "Makefile"]:
        text = path.suffix in {".py", ".md", ".yml", ".toml", ".ipynb", ".js", ""}
        if text and path.is_file():
            assert "../" + "shared" not in path.read_text(encoding="utf-8"), path

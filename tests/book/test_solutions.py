"""The code to copy out of exercises and their folded solutions runs, at smoke scale."""

from __future__ import annotations

import dis
import re
from types import CodeType

import nbformat
import pytest
import torch

from cplib.engine import workers
from tools.build.book import CODE as ROOT

pytestmark = [pytest.mark.notebooks, pytest.mark.slow]
NEEDS_A_FILE = {"blur-fit": "a CSV file of measurements, which the reader brings"}
SMOKE = 'scale, seeds, device = "smoke", 1, "cpu"'


def found():
    """Each block: its exercise, its source, and the code cells before it."""
    for path in sorted((ROOT / "book").glob("*.ipynb")):
        cells, label, inside = [], "", False
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                given = "parameters" in cell.metadata.get("tags", [])
                cells.append(SMOKE if given else cell.source)
                continue
            parts = r"^## (\w+)|^:label: (?:ex|sol)-(\S+)$|^```python\n(.*?)^```$"
            for heading, name, block in re.findall(parts, cell.source, re.M | re.S):
                inside = heading == "Exercises" if heading else inside
                label = name or label
                if block and inside:
                    yield label, block, tuple(cells)


BLOCKS = list(found())


def compiled(source: str) -> CodeType:
    """As a notebook compiles it: without what this file has from `__future__`."""
    return compile(source, "cell", "exec", dont_inherit=True)


def names(code: CodeType) -> tuple[set[str], set[str]]:
    """The names that `code` makes, and those that it needs from before."""
    made: set[str] = set()
    needed: set[str] = set()
    for step in dis.get_instructions(code):
        if step.opname in ("STORE_NAME", "STORE_GLOBAL"):
            made.add(step.argval)
        elif step.opname in ("LOAD_NAME", "LOAD_GLOBAL") and step.argval not in made:
            needed.add(step.argval)
        elif isinstance(step.argval, CodeType):  # of a function or a class
            needed |= names(step.argval)[1] - made
    return made, needed


def before(block: str, cells: tuple[str, ...]) -> list[str]:
    """Those of `cells` that make what `block` needs, or what they need in turn."""
    kept: list[str] = []
    _, wanted = names(compiled(block))
    for cell in reversed(cells):
        made, needed = names(compiled(cell))
        if made & wanted:
            kept.insert(0, cell)
            wanted = (wanted - made) | needed
    return kept


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One cache for all blocks: several begin with the same healthy run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def apart(tmp_path, cache, monkeypatch):
    """No results, a folder of its own, and no processes to wait for."""
    threads = torch.get_num_threads()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CPLIB_CACHE", str(cache))
    monkeypatch.setattr(workers.loky, "cpu_count", lambda: 1)
    yield
    torch.set_num_threads(threads)


def test_blocks_are_found_and_exceptions_exist():
    labels = [label for label, *_ in BLOCKS]
    assert len(labels) == len(set(labels)) > 10
    assert set(NEEDS_A_FILE) <= set(labels)


@pytest.mark.parametrize(
    ("label", "block", "cells"), BLOCKS, ids=[b[0] for b in BLOCKS]
)
def test_a_block_runs(label, block, cells, apart):
    if label in NEEDS_A_FILE:
        pytest.skip(NEEDS_A_FILE[label])
    shown = []
    space = {"display": lambda *values: shown.extend(values)}
    for source in [*before(block, cells), block.replace("[0, 1]", "[0]")]:
        exec(compiled(source), space)
    assert all(value is not None for value in shown)

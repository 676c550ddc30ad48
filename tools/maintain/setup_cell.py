"""Keep the set-up cell of all notebooks, and addresses, up to date with _config.yml.

    python -m tools.maintain.setup_cell --write  # after changing _config.yml
    python -m tools.maintain.setup_cell --check  # name the files not up to date

In Colab the cell installs cplib from the repository; where cplib can be imported it
does nothing. Pip is given the versions of all installed packages as constraints, so it
can add packages but replace none. (They are read from the names of folders,
NAME-VERSION, since their contents can be broken; `pip list` would stop at an invalid
version, but `===` accepts any.) The pages do not show the cell.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cplib._base import console
from tools.maintain.addresses import AddressError, Repository, repository

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ("README.md", "CITATION.cff")
NAME = "setup"
TAGS = [NAME, "remove-cell"]  # the second is for jupyter-book
CELL = """\
# In Colab this installs cplib and replaces nothing; elsewhere it does nothing.
import sys
from importlib import util
from pathlib import Path

BOOK = "ADDRESS"
if "google.colab" in sys.modules and not util.find_spec("cplib"):
    v = [p.stem.split("-")[:2] for s in sys.path for p in Path(s).glob("[!~-]*-*-info")]
    Path("/tmp/have.txt").write_text("\\n".join(map("===".join, dict(v[::-1]).items())))
    get_ipython().system(f"{sys.executable} -m pip install -qc /tmp/have.txt {BOOK}")
if not util.find_spec("cplib"):
    raise ImportError(f"No cplib: find a network and retry, or pip install {BOOK}")"""


def source(archive: str) -> str:
    """The cell's code; `archive` is what pip installs."""
    return CELL.replace("ADDRESS", archive)


def with_cell(notebook: dict[str, Any], archive: str) -> dict[str, Any]:
    """`notebook` with the cell before its first code cell and nowhere else."""
    cells = [cell for cell in notebook["cells"] if not _is_ours(cell)]
    kinds = [cell["cell_type"] for cell in cells]
    place = kinds.index("code") if "code" in kinds else len(cells)
    ours = {
        "cell_type": "code",
        "execution_count": None,
        "id": NAME,
        "metadata": {"tags": TAGS},
        "outputs": [],
        "source": source(archive).splitlines(keepends=True),
    }
    return {**notebook, "cells": [*cells[:place], ours, *cells[place:]]}


def _is_ours(cell: dict[str, Any]) -> bool:
    return NAME in cell["metadata"].get("tags", [])


def wanted(root: Path, repo: Repository) -> Iterator[tuple[Path, str]]:
    """Each file with the cell or an address, and its text when up to date."""
    for path in sorted((root / "book").glob("**/*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        made = with_cell(notebook, repo.archive)
        yield path, json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    for name in TEXTS:
        yield root / name, repo.updated((root / name).read_text(encoding="utf-8"))


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0 if all files are up to date or were updated, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help="update the files")
    choice.add_argument("--check", action="store_true", help="report only")
    parser.add_argument("--root", type=Path, default=ROOT)
    arguments = parser.parse_args(argv)
    root = arguments.root.resolve()
    try:
        files = list(wanted(root, repository(root)))
    except AddressError as error:
        print(error, file=sys.stderr)
        return 1
    stale = [
        (path, text) for path, text in files if path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if arguments.write:
            path.write_text(text, encoding="utf-8", newline="\n")
        state = "updated" if arguments.write else "not up to date"
        print(path.relative_to(root), state)
    if stale and arguments.check:
        print("Run: python -m tools.maintain.setup_cell --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    console.run(main)

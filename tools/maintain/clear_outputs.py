"""Remove outputs, execution counts and session metadata from notebooks.

    python -m tools.maintain.clear_outputs [book/blur.ipynb ...]

Without names: from all chapters.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from cplib._base import console
from tools.build.execute import CODE

KEPT = {"kernelspec", "language_info", "mystnb"}  # in a notebook's metadata
LEFT = ("collapsed", "execution", "papermill")  # removed from a cell's metadata


def cleared(notebook: NotebookNode) -> NotebookNode:
    """`notebook` as it is committed."""
    for name in notebook.metadata.keys() - KEPT:
        del notebook.metadata[name]
    for cell in notebook.cells:
        for name in LEFT:
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def main() -> None:
    """Clear the notebooks, and print the names of those that changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "notebooks", nargs="*", type=Path, help="notebooks (all of the book)"
    )
    chapters = sorted((CODE / "book").glob("*.ipynb"))
    for path in parser.parse_args().notebooks or chapters:
        before = path.read_text(encoding="utf-8")
        notebook = cleared(nbformat.reads(before, as_version=4))
        after = nbformat.writes(notebook, ensure_ascii=False) + "\n"
        if after != before:
            path.write_text(after, encoding="utf-8", newline="\n")
            print(f"{path} cleared")


if __name__ == "__main__":
    console.run(main)

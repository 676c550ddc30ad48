"""Take out of notebooks what a session left in them: outputs, counts, times.

    python -m tools.maintain.clear_outputs [book/blur.ipynb ...]

All chapters, if none is named.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from cplib._base import console
from tools.build.execute import CODE

KEPT = {"kernelspec", "language_info", "mystnb"}  # of a notebook's metadata
LEFT = ("collapsed", "execution", "papermill")  # by a session, in a cell's


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
    """Clear each notebook that holds anything of a session, and name it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="(all of the book's)")
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

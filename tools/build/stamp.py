"""Provenance line at the foot of each chapter: when, where and how it was executed."""

from __future__ import annotations

import datetime
import platform
import re
from importlib.metadata import version
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from cplib._base.words import translated as _

__all__ = ["RUN", "add_line", "run_of"]

TITLE = re.compile(r"^# .*$", re.M)
RUN = "cplib_run"  # notebook metadata: the value of `run_of`


def run_of(
    root: Path, parameters: dict[str, str | int], seconds: float
) -> dict[str, str]:
    """Provenance of a notebook that has just been executed."""
    # imported here, since it loads torch
    from cplib.engine.provenance import commit, processor

    now = datetime.datetime.now(datetime.UTC)
    return {
        "when": now.strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": f"{seconds:.0f} s",
        "where": f"{processor()}, Python {platform.python_version()}, "
        f"PyTorch {version('torch')}",
        "scale": str(parameters.get("scale", "")),
        "commit": commit(root),
    }


def add_line(notebook: NotebookNode) -> None:
    """Add the line at the end of an executed notebook with a title "# …"."""
    run = notebook.metadata.pop(RUN, None)
    if run is None or not any(TITLE.search(_text(cell)) for cell in notebook.cells):
        return
    scale = _(" at scale `{scale}`", scale=run["scale"]) if run["scale"] else ""
    line = _(
        "Executed {when}{at}, in {seconds}, on {where}; {commit}.", at=scale, **run
    )
    text = f":::{{div}} measured\n{line}\n:::"
    notebook.cells.append(new_markdown_cell(text, id="measured"))


def _text(cell: NotebookNode) -> str:
    return cell.source if cell.cell_type == "markdown" else ""

"""The line atop every chapter: when it was executed, on what, how long, from what."""

from __future__ import annotations

import datetime
import platform
import re
from importlib.metadata import version
from pathlib import Path

from nbformat import NotebookNode

__all__ = ["RUN", "add_line", "run_of"]

TITLE = re.compile(r"^# .*$", re.M)
RUN = "cplib_run"  # notebook metadata: what `run_of` says of its execution


def run_of(
    root: Path, parameters: dict[str, str | int], seconds: float
) -> dict[str, str]:
    """What there is to say of a notebook that was executed just now."""
    # here, since it brings torch with it
    from cplib._base.processor import processor
    from cplib.engine.provenance import commit

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
    """Put the line below the title of an executed notebook, and drop its metadata."""
    run = notebook.metadata.pop(RUN, None)
    titles = [cell for cell in notebook.cells if TITLE.search(_text(cell))]
    if run is None or not titles:
        return
    title = titles[0]
    end = TITLE.search(title.source).end()
    scale = f" at scale `{run['scale']}`" if run["scale"] else ""
    line = (
        f"Executed {run['when']}{scale}, in {run['seconds']}, on {run['where']}; "
        f"{run['commit']}."
    )
    before, after = title.source[:end], title.source[end:]
    title.source = f"{before}\n\n:::{{div}} measured\n{line}\n:::\n{after}"


def _text(cell: NotebookNode) -> str:
    return cell.source if cell.cell_type == "markdown" else ""

"""The line atop every chapter: when it was executed, on what, how long, from what."""

from __future__ import annotations

import datetime
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from nbformat import NotebookNode

__all__ = ["RUN", "add_line", "commit", "run_of"]

TITLE = re.compile(r"^# .*$", re.M)
RUN = "cplib_run"  # notebook metadata: what `run_of` says of its execution


def run_of(
    root: Path, parameters: dict[str, str | int], seconds: float
) -> dict[str, str]:
    """What there is to say of a notebook that was executed just now."""
    from cplib.processor import processor  # here, since it brings torch with it

    now = datetime.datetime.now(datetime.UTC)
    return {
        "when": now.strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": f"{seconds:.0f} s",
        "where": f"{processor()}, Python {platform.python_version()}, "
        f"PyTorch {version('torch')}",
        "scale": str(parameters.get("scale", "")),
        "commit": commit(root),
    }


def commit(root: Path) -> str:
    """The commit that is checked out at `root`, and whether files differ from it."""
    try:
        found = _git(root, "rev-parse", "--short=10", "HEAD")
        edited = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "no commit (not a git checkout)"
    return f"commit {found}" + (", with edits" if edited else "")


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


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

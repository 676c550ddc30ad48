"""A permanent link to each figure: its id is the name of the cell that shows it."""

from __future__ import annotations

import itertools
import re

from nbformat import NotebookNode

FIGURE = re.compile(r"<figure (?=class=\"cplib-figure)")


def add_ids(cell: NotebookNode) -> None:
    """Give the figures that `cell` shows the ids figure-NAME, figure-NAME-2, …

    Cells are named by hand and keep their names, so that a link outlasts an edition.
    """
    numbers = itertools.count(1)

    def named(_: re.Match) -> str:
        number = next(numbers)
        return f'<figure id="figure-{cell.id}{f"-{number}" * (number > 1)}" '

    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/html" in data:
            data["text/html"] = FIGURE.sub(named, data["text/html"])

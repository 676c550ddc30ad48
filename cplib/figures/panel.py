"""A figure that explains itself: picture, alt text, caption and the data behind it."""

from __future__ import annotations

import base64
import html
import io
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from .._base import files
from ..errors import InputError
from .palette import style

__all__ = ["Panel", "check"]

FORMATS = ("svg", "png", "pdf")
ELSEWHERE = "name another file"
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


@dataclass(frozen=True)
class Panel:
    """A figure with all that a reader without eyes, colour or kernel needs.

    Shown by a notebook as an HTML figure: the picture (SVG), its caption, and its data
    in a table that unfolds.

    Attributes:
        figure: the matplotlib figure.
        alt: what the picture shows, in words.
        caption: what it is and where the numbers come from.
        table: the data drawn.
    """

    figure: Figure
    alt: str
    caption: str
    table: pd.DataFrame

    def save(self, path: Path | str) -> None:
        """Write the picture; the suffix says how (SVG, PNG or PDF)."""
        path = check(path)
        try:
            self._write(path, path.suffix[1:].lower(), dpi=200)
        except OSError as error:
            raise files.storage_error(path, error, ELSEWHERE) from error

    def svg(self, trimmed: bool = True) -> bytes:
        """The picture as SVG, without its margins if `trimmed`, which takes longer."""
        buffer = io.BytesIO()
        self._write(buffer, "svg", bbox_inches="tight" if trimmed else None)
        return buffer.getvalue()

    def _write(self, target: Path | io.BytesIO, kind: str, **options) -> None:
        """Save in the look in which it was drawn; the same figure, the same bytes."""
        options = {"bbox_inches": "tight", "metadata": UNDATED.get(kind), **options}
        with style():
            if self.figure.get_layout_engine():
                # once: at every saving it would move things by a hair
                self.figure.draw_without_rendering()
                self.figure.set_layout_engine("none")
            self.figure.savefig(target, format=kind, **options)

    def image_html(self) -> str:
        """The picture alone, as an HTML image."""
        picture = base64.b64encode(self.svg()).decode()
        return (
            f'<img src="data:image/svg+xml;base64,{picture}" '
            f'alt="{html.escape(self.alt, quote=True)}">'
        )

    def _repr_html_(self) -> str:
        rows = self.table.to_html(
            index=False, border=0, float_format="{:.4g}".format, na_rep="–"
        )
        return (
            f'<figure class="cplib-figure">{self.image_html()}'
            f"<figcaption>{html.escape(self.caption)}</figcaption>"
            "<details><summary>The data behind this figure</summary>"
            f'<div class="cplib-table" tabindex="0" role="region" '
            f'aria-label="Data of the figure">{rows}</div>'
            f"{self._download()}</details></figure>"
        )

    def _download(self) -> str:
        """A link that saves the table as CSV; it holds the data itself."""
        payload = base64.b64encode(self.table.to_csv(index=False).encode()).decode()
        words = re.findall(r"[a-z0-9]+", self.caption.lower())[:6]
        name = "-".join(words) or "figure"
        return (
            f'<p><a download="{name}.csv" href="data:text/csv;base64,{payload}">'
            "Save the data as CSV</a></p>"
        )


def check(path: Path | str) -> Path:
    """`path`, if a picture can be saved there; to be asked before a long computation.

    Raises:
        InputError: its suffix is of no format that we write, or its folder is missing.
        StorageError: it cannot be written.
    """
    path = Path(path)
    if path.suffix[1:].lower() not in FORMATS:
        raise InputError(f"{path}: choose a name that ends in {', '.join(FORMATS)}.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist.")
    files.check_file(path, ELSEWHERE)
    return path

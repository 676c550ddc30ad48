"""A figure that explains itself: image, alt text, caption and the data behind it."""

import base64
import html
import io
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from .._base import files
from ..errors import InputError
from .palette import style

FORMATS = ("svg", "png", "pdf")
ELSEWHERE = "name another file"
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


@dataclass(frozen=True)
class Panel:
    """A figure for all readers: those who use a screen reader or have no kernel, too.

    A notebook shows it as an HTML figure: the image (SVG), its caption, and its data in
    a table that unfolds.

    Attributes:
        figure: the matplotlib figure.
        alt: what the image shows, in words.
        caption: what it is and where the numbers come from.
        table: the data drawn.
    """

    figure: Figure
    alt: str
    caption: str
    table: pd.DataFrame

    def save(self, path: Path | str) -> None:
        """Write the image; the suffix says how (SVG, PNG or PDF)."""
        path = check(path)
        try:
            self._write(path, path.suffix[1:].lower(), dpi=200)
        except OSError as error:
            raise files.storage_error(path, error, ELSEWHERE) from error

    def svg(self, trimmed: bool = True) -> bytes:
        """The image as SVG, without its margins if `trimmed`, which takes longer."""
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
        """The image alone, in HTML."""
        payload = base64.b64encode(self.svg()).decode()
        return (
            f'<img src="data:image/svg+xml;base64,{payload}" '
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


def worded(name: str, figure: Figure, table: pd.DataFrame, **parts: object) -> Panel:
    """A panel with the words called `name` in `words.toml`, with `parts` filled in."""
    texts = resources.files(__package__).joinpath("words.toml").read_text("utf-8")
    words = tomllib.loads(texts)[name]
    alt, caption = (words[key].format(**parts) for key in ("alt", "caption"))
    return Panel(figure, alt, caption, table)


def check(path: Path | str) -> Path:
    """`path`, if an image can be saved there; asked before a long computation.

    Raises:
        InputError: its suffix names no known format, or its folder is missing.
        StorageError: it cannot be written.
    """
    path = Path(path)
    if path.suffix[1:].lower() not in FORMATS:
        raise InputError(f"{path}: choose a name that ends in {', '.join(FORMATS)}.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist.")
    files.check_file(path, ELSEWHERE)
    return path

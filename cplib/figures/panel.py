"""A figure that explains itself: image, alt text, caption and the data behind it."""

import base64
import html
import io
import math
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from itertools import zip_longest
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from .._base import files
from .._base.words import translated as _
from ..errors import InputError
from .palette import WHITE, style

FORMATS = ("svg", "png", "pdf")
ELSEWHERE = "name another file"
BESIDE = "display:flex;flex-wrap:wrap;gap:1rem"  # without a style sheet
WIDEST = 3.4  # inches, of one part
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


@dataclass(frozen=True)
class Panel:
    """A figure for all readers, also those with a screen reader or without a kernel.

    A notebook shows it as an HTML figure: the image (SVG) in parts, side by side where
    there is room, its caption, and its data in a table that unfolds.

    Attributes:
        figure: the matplotlib figure.
        alt: what the image shows, in words.
        caption: what the figure is; a line for each part that a `Sheet` shows alone.
        table: the data drawn.
        origin: meaning of lines and bands, and where the numbers come from.
        links: for each part, an address and what the part shows.
    """

    figure: Figure
    alt: str
    caption: str
    table: pd.DataFrame
    origin: str = ""
    links: tuple[tuple[str, str], ...] = ()

    def save(self, path: Path | str) -> None:
        """Write the image on white; the suffix is its format (SVG, PNG or PDF)."""
        path = check(path)
        with files.writing(path, ELSEWHERE):
            self._write(path, path.suffix[1:].lower(), dpi=200, facecolor=WHITE)

    def svg(self, part: list[Axes] | None = None) -> bytes:
        """The image as SVG without a background, or the `part` of it with these axes.

        Text stays text, in the font of the page that shows it.
        """
        buffer, axes = io.BytesIO(), self.figure.axes
        with style():
            box = _box(self.figure, part) if part else "tight"
        for one in axes:
            one.set_visible(not part or one in part)
        self._write(buffer, "svg", text="none", bbox_inches=box)
        for one in axes:
            one.set_visible(True)
        return buffer.getvalue()

    def _write(
        self, target: Path | io.BytesIO, kind: str, text: str = "path", **options
    ) -> None:
        """Save in the book's style; the same figure gives the same bytes."""
        options = {"bbox_inches": "tight", "metadata": UNDATED.get(kind), **options}
        with style(), mpl.rc_context({"svg.fonttype": text}):
            settle(self.figure)
            self.figure.savefig(target, format=kind, **options)

    def parts(self) -> list[list[Axes]]:
        """Axes in groups that may be side by side: rows without a common x axis."""
        axes = self.figure.axes
        if {one.get_gridspec().ncols for one in axes if one.get_gridspec()} != {1}:
            return [axes]
        groups: list[list[Axes]] = []
        for one in axes:
            if groups and one.get_shared_x_axes().joined(one, groups[-1][0]):
                groups[-1].append(one)
            else:
                groups.append([one])
        return groups

    def image_html(self) -> str:
        """The image alone, in HTML, on white unless the page adapts its colours."""
        links, found = self.links or [("", self.alt)], []
        pairs = zip_longest(self.parts(), links, fillvalue=("", ""))
        for part, (address, words) in pairs:
            image = _image(self.svg(part), words)
            found.append(f'<a href="{address}">{image}</a>' if address else image)
        return _beside(found, self.figure.get_figwidth() / WIDEST)

    def _repr_html_(self) -> str:
        return (
            f'<figure class="cplib-figure">{self.image_html()}'
            f"<figcaption>{self.words()}</figcaption>{_folded(self.data())}</figure>"
        )

    def data(self) -> str:
        """The table as HTML, with a link that saves it as CSV and holds it all."""
        rows = self.table.apply(_plain).rename(columns=_)
        rows = rows.to_html(index=False, border=0, na_rep="–")
        payload = base64.b64encode(self.table.to_csv(index=False).encode()).decode()
        name = "-".join(re.findall(r"[a-z0-9]+", self.caption.lower())[:6]) or "figure"
        return (
            f'<div class="cplib-table" tabindex="0" role="region" '
            f'aria-label="{_("Data of the figure")}">{rows}</div>'
            f'<p><a download="{name}.csv" href="data:text/csv;base64,{payload}">'
            f"{_('Save the data as CSV')}</a></p>"
        )

    def words(self, part: int | None = None) -> str:
        """The caption, or its line on a part, with the origin folded behind an icon."""
        said = self.caption if part is None else self.caption.split("\n")[part]
        label = _("Where these numbers come from")
        sign = f'<summary aria-label="{label}">ⓘ</summary>'
        words = html.escape(self.origin)
        folded = f' <details class="cplib-origin">{sign}{words}</details>' * bool(words)
        return html.escape(said) + folded


def worded(name: str, figure: Figure, table: pd.DataFrame, **parts: object) -> Panel:
    """A panel with the words called `name` in `words.toml`, with `parts` filled in."""
    texts = resources.files(__package__).joinpath("words.toml").read_text("utf-8")
    words = tomllib.loads(texts)[name]
    alt, caption, origin = (
        _(words.get(key, ""), **parts) for key in ("alt", "caption", "origin")
    )
    return Panel(figure, alt, caption, table, origin)


@dataclass(frozen=True)
class Sheet:
    """Parts of several panels as one figure, each under a title.

    Attributes:
        shown: title, panel, and which of its parts.
    """

    shown: tuple[tuple[str, Panel, int], ...]

    def _repr_html_(self) -> str:
        images, words = [], ""
        for title, panel, part in self.shown:
            image = _image(panel.svg(panel.parts()[part]), panel.alt)
            images.append(f"<div><b>{html.escape(title)}</b>{image}</div>")
            words += f"<div><b>{html.escape(title)}.</b> {panel.words(part)}</div>"
        return (
            f'<figure class="cplib-figure">{_beside(images)}'
            f"<figcaption>{words}</figcaption>"
            f"{_folded(''.join(panel.data() for _, panel, _ in self.shown))}</figure>"
        )


def _plain(column: pd.Series) -> pd.Series:
    """Numbers as texts, with the decimals that show the largest in three digits."""
    if not pd.api.types.is_float_dtype(column):
        return column
    largest = column[np.isfinite(column)].abs().max()
    digits = max(0, 2 - math.floor(math.log10(largest))) if largest > 0 else 0
    return column.map(lambda x: f"{round(x, digits) + 0.0:,.{digits}f}", "ignore")


def _folded(data: str) -> str:
    summary = f"<summary>{_('The data behind this figure')}</summary>"
    return f"<details>{summary}{data}</details>"


def _beside(images: list[str], part: float = 1) -> str:
    style = f"--part:{part:.2f};{BESIDE}"
    return f'<div class="cplib-parts" style="{style}">{"".join(images)}</div>'


def _image(picture: bytes, words: str) -> str:
    payload = base64.b64encode(picture).decode()
    return (
        f'<img src="data:image/svg+xml;base64,{payload}" '
        f'alt="{html.escape(words, quote=True)}" style="background:#fff">'
    )


def settle(figure: Figure) -> None:
    """Lay out `figure` once; every saving would otherwise move its parts slightly."""
    if figure.get_layout_engine():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


def _box(figure: Figure, part: list[Axes]) -> Bbox:
    """The box of `part` in the figure, in inches, as wide as the whole."""
    settle(figure)
    boxes = [one.get_tightbbox() for one in figure.axes]
    own = [one.get_tightbbox() for one in part]
    across, down = Bbox.union(boxes), Bbox.union(own)
    box = Bbox.from_extents(across.x0, down.y0, across.x1, down.y1)
    return box.transformed(figure.dpi_scale_trans.inverted()).padded(0.04)


def check(path: Path | str) -> Path:
    """`path`, if an image can be saved there; call it before a long computation.

    Raises:
        InputError: its suffix names no known format, or its folder is missing.
        StorageError: it cannot be written.
    """
    path = Path(path)
    if path.suffix[1:].lower() not in FORMATS:
        raise InputError(f"{path}: choose a name that ends in {', '.join(FORMATS)}.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it.")
    files.check_file(path, ELSEWHERE)
    return path

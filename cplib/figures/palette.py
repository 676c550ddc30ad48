"""The book's look: colours, markers, dashes and names, the same in every figure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.style
import seaborn as sns

__all__ = ["LABELS", "LOOKS", "SERIES", "style"]

BLUE, ORANGE, GREEN, RED, PURPLE = sns.color_palette("colorblind", 5)
GREY = "0.35"
# colour, marker and dash of each deficit: never told apart by colour alone
LOOKS = {
    "none": (GREY, "o", "-"),
    "blur": (BLUE, "s", "-"),
    "flip": (ORANGE, "^", "--"),
    "labels": (GREEN, "D", "-."),
    "noise": (RED, "v", ":"),
    "moving-noise": (PURPLE, "P", "--"),
}
# the same for a series of things that are not deficits
SERIES = (
    (BLUE, "s", "-"),
    (ORANGE, "^", "--"),
    (GREEN, "D", "-."),
    (RED, "v", ":"),
    (PURPLE, "o", "-"),
)
LABELS = {
    "none": "no deficit",
    "blur": "blur",
    "flip": "vertical flip",
    "labels": "label permutation",
    "noise": "noise",
    "moving-noise": "moving noise",
}
LOOK = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("notebook", font_scale=1.1),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib brings it: the same everywhere
    "svg.hashsalt": "cplib",  # the same figure gives the same file
    "figure.facecolor": "white",
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The book's look, and nothing of the reader's, for as long as the context lasts.

    Matplotlib reads one part of a style when a figure is drawn and the other when it is
    saved, so both are done in this context.
    """
    with mpl.style.context(["default", LOOK]):
        yield

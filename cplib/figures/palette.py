"""The book's style, and looks for what has none of its own."""

import contextlib
from collections.abc import Iterable, Iterator

import matplotlib as mpl
import matplotlib.style
import seaborn as sns

from ..deficits import Deficit, Look
from ..studies import Run

PALETTE = sns.color_palette("colorblind").as_hex()
BLUE, ORANGE, GREEN, RED, PURPLE = PALETTE[:5]
GREY = Deficit.look.colour
ANIMAL = "#ad5588"
CLEAN = Deficit.look
# of a series of things that are not deficits: never told apart by colour alone
SERIES = (
    Look(BLUE, "s", "-"), Look(ORANGE, "^", "--"), Look(GREEN, "D", "-."),
    Look(RED, "v", ":"), Look(PURPLE, "o", "-"),
)  # fmt: skip
STYLE = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("notebook", font_scale=1.1),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": "small",
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib brings it: the same everywhere
    "svg.hashsalt": "cplib",  # the same figure gives the same file
    "figure.facecolor": "white",
}


def looks(runs: Iterable[Run]) -> list[Look]:
    """The looks of the runs' deficits, made different where several share one."""
    own = [(run.deficits or (Deficit(),))[0].look for run in runs]
    if len(set(own)) == len(own):
        return own
    alone = len(set(own) - {CLEAN}) == 1
    found: list[Look] = []
    for i, look in enumerate(own):
        other = series(own[:i].count(look))
        other = other if alone else look._replace(dash=other.dash)
        found.append(look if look == CLEAN else other)
    return found


def series(i: int) -> Look:
    """The look of the `i`-th thing of a series, from 0: 25 are different."""
    first, other = SERIES[i % len(SERIES)], SERIES[(i + i // len(SERIES)) % len(SERIES)]
    return other._replace(colour=first.colour)


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The book's style, and nothing of the reader's, while the context lasts.

    Matplotlib reads one part of a style when a figure is drawn and the other when it is
    saved, so both are done in this context.
    """
    with mpl.style.context(["default", STYLE]):
        yield

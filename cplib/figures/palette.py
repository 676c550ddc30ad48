"""The book's style, and one colour for each thing in the whole book.

Deficits have theirs in `deficits`. All have a contrast of 3:1 on a white page and on a
dark one, so that a figure needs no second version: only its ink follows the page.
"""

import contextlib
from collections.abc import Iterable, Iterator

import matplotlib as mpl
import matplotlib.style
import seaborn as sns

from ..deficits import CONTROLS, KINDS, SPARE, Deficit, Look
from ..studies import Run, Study

INK, WHITE = "#262626", "#ffffff"
GREY = mpl.colors.to_hex(Deficit.look.colour)
ANIMAL = "#ad5588"
LOST, GAINED = "#cf3a53", "#3a93c4"  # of maps; larger is more opaque
DEEPEST = 0.6  # their opacity at the ends of the scale, on which ink is readable
# of things that are not deficits, never distinguished by colour alone
SERIES = (
    Look("#8462e0", "s", "-"), Look("#148c9c", "^", "--"), Look("#96623b", "D", "-."),
    Look("#7f8000", "v", ":"), Look("#64748b", "o", "-"),
)  # fmt: skip
NETWORKS = dict(zip(("AllCNN", "ResNet18", "DepthCNN", "MLP"), SERIES, strict=False))
MORE = "XPph*"  # markers of further networks of one family
STEP = 5  # percent, in which colours are mixed with ink
INKED = "axes.edgecolor axes.labelcolor text.color xtick.color ytick.color".split()
STYLE = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper", font_scale=1.07),
    **dict.fromkeys(INKED, INK),
    **dict.fromkeys(("axes.facecolor", "figure.facecolor"), "none"),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib's: the same everywhere
    "svg.hashsalt": "cplib",  # the same figure gives the same file
}


def looks(runs: Iterable[Run]) -> list[Look]:
    """The looks of the runs' deficits; where several share one, a ramp of its colour.

    Their markers differ as well, and their dashes, unless these distinguish deficits.
    """
    own = [(run.deficits or (Deficit(),))[0].look for run in runs]
    alone = len(set(own) - {Deficit.look}) == 1
    found: list[Look] = []
    for i, look in enumerate(own):
        if look == Deficit.look or own.count(look) == 1:
            found.append(look)
            continue
        step = own[:i].count(look)
        other = series(step)
        colour = ramp(look.colour, own.count(look))[step]
        found.append(Look(colour, other.marker, other.dash if alone else look.dash))
    return found


def networks(studies: Iterable[Study]) -> list[Look]:
    """The looks of the studies' networks; where several share one, a ramp."""
    families = [study.setup.model.family for study in studies]
    found = []
    for i, family in enumerate(families):
        step, own = families[:i].count(family), NETWORKS.get(family, SERIES[-1])
        colour = ramp(own.colour, families.count(family))[step]
        marker = (own.marker + MORE)[step % (1 + len(MORE))]
        found.append(Look(colour, marker, own.dash))
    return found


def series(i: int) -> Look:
    """The look of the `i`-th thing of a series, from 0: 25 are different."""
    first, other = SERIES[i % len(SERIES)], SERIES[(i + i // len(SERIES)) % len(SERIES)]
    return other._replace(colour=first.colour)


def ramp(colour: str, count: int) -> list[str]:
    """`count` colours from `colour` towards the ink."""
    parts = (75 * i // max(1, count - 1) for i in range(count))
    return [_mixed(colour, 100 - part // STEP * STEP) for part in parts]


def _mixed(colour: str, percent: int) -> str:
    pairs = zip(*map(mpl.colors.to_rgb, (colour, INK)), strict=True)
    return mpl.colors.to_hex(
        [(percent * c + (100 - percent) * i) / 100 for c, i in pairs]
    )


def page_colours() -> dict[str, str]:
    """CSS for colours that follow those of a page, by their hex in figures."""
    found = {INK: "currentColor", GREY: "var(--pst-color-text-muted)",
             WHITE: "var(--pst-color-background)"}  # fmt: skip
    deficits = (kind.look for kind in {**KINDS, **CONTROLS}.values())
    for colour in {look.colour for look in (*deficits, *SPARE, *SERIES)}:
        for percent in range(25, 100, STEP):
            css = f"color-mix(in srgb, {colour} {percent}%, currentColor)"
            found.setdefault(_mixed(colour, percent), css)
    return found


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Context with the book's style and none of the reader's settings.

    Matplotlib reads one part of a style when a figure is drawn and another when it is
    saved, so do both in this context.
    """
    with mpl.style.context(["default", STYLE]):
        yield

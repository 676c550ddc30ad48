"""Our panels beside the kittens of the paper's, and beside its words."""

import math

import pandas as pd

from .._base.plain import choose
from .._base.words import translated as _
from ..results import Result
from .animals import kitten_acuity, kitten_sensitivity
from .marks import rows
from .palette import GREY, INK
from .panel import Panel, Sheet, worded
from .sweeps import LEAST, PAPER_LOST, T0, removal_sweep, window_sweep

ONSET = _("epoch of onset, window of 40 epochs")
FLAT = [(80, 0.0, _("largely flat"))]
# the paper's words: x axis and its end, then epoch, points lost and text; a line marks
# an epoch for which the paper gives no height
DESCRIBED = {
    "1TL": (T0, 180, [(0, 0.0, _("6.4 % error\nwithout deficit")),
                      (140, PAPER_LOST, _("more than\n18 % error"))]),
    "1BL": (ONSET, 120, [(30, math.nan, _("most harm:\naround epoch 30")),
                         (100, 0.0, _("later: little\nor no effect"))]),
    "2L": (T0, 180, FLAT), "2R": (T0, 180, FLAT),
}  # fmt: skip


def described(name: str) -> Panel:
    """A panel of the paper, drawn from its words, not from its data.

    Args:
        name: "1TL", "1BL", "2L" or "2R".
    """
    choose("panel that the paper describes", name, DESCRIBED)
    what, last, said = DESCRIBED[name]
    with rows(2.5) as (figure, (axes,)):
        axes.axhline(0, color=GREY, linewidth=0.8)
        for epoch, points, words in said:
            high = LEAST[1] if math.isnan(points) else points
            if math.isnan(points):
                axes.axvline(epoch, color=INK, linestyle=":")
            else:
                axes.plot(epoch, points, "*", color=INK, markersize=9)
            left = epoch < last / 2
            axes.annotate(
                words, (epoch, high), (4 if left else -4, -4), va="top",
                ha="left" if left else "right", textcoords="offset points",
            )  # fmt: skip
        axes.set(xlabel=what, ylabel=_("points lost"), ylim=LEAST)
        axes.set_xlim(-last / 40, last)
    table = pd.DataFrame(said, columns=["epoch", "points lost", "in words"])
    table["in words"] = table["in words"].str.replace("\n", " ")
    words = _("{said} (epoch {epoch})")
    words = "; ".join(words.format(said=r[2], epoch=r[0]) for r in table.to_numpy())
    return worded("described", figure, table, panel=name, words=words)


def beside_paper(result: Result) -> Sheet:
    """Points lost as the paper describes them, and as we found them (1TL, 1BL, 2)."""
    name = result.study.name
    paper = described(name)
    ours = (window_sweep if name == "1BL" else removal_sweep)(result)
    return Sheet(((_("as the paper describes it"), paper, 0), (_("ours"), ours, 1)))


def figure_1(removals: Result, windows: Result) -> Sheet:
    """The paper's Figure 1: networks at the left, kittens at the right.

    Args:
        removals: blur until t0 (1TL).
        windows: a short blur over its onset (1BL).
    """
    return Sheet(
        (
            (_("networks: blur until t₀"), removal_sweep(removals), 0),
            (_("kittens: one eye closed from birth"), kitten_acuity(), 0),
            (_("networks: a short blur"), window_sweep(windows), 1),
            (_("kittens: one eye closed for days"), kitten_sensitivity(), 0),
        )
    )

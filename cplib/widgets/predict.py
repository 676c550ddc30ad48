"""Predict, then reveal: the reader draws a curve, then sees the measured one.

Nothing is graded and nothing is kept. It works on a page without a kernel, by mouse,
finger or keyboard.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .. import results
from .._base.plain import whole
from ..analysis import sensitivity
from ..errors import InputError
from ..figures import origin
from ..figures.palette import LABELS
from ..results import Result
from .fragments import standalone

__all__ = ["Sketch", "endings", "layer_shares", "losses", "outcomes", "trace"]

STEPS = 40  # of a slider, at least


@dataclass(frozen=True)
class Sketch:
    """A curve to be guessed, one point for each of `x`.

    Attributes:
        x: where the points stand, numbers that rise or names.
        mean, sd: the measured curve, (len(x),); sd over seeds is None for one seed.
        xlabel, ylabel: of the axes; ylabel with its unit.
        low, high: ends of the y axis.
        start: height of the sketch before it is drawn.
        digits: decimals of a value in words.
        caption: what is measured, and where the numbers come from.
    """

    x: tuple[float, ...] | tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...] | None
    xlabel: str
    ylabel: str
    low: float
    high: float
    start: float
    digits: int
    caption: str

    def __post_init__(self):
        lengths = {len(self.x), len(self.mean), len(self.sd or self.mean)}
        if len(lengths) > 1 or len(self.x) < 2:
            raise InputError(
                f"A sketch of {len(self.x)} points has {len(self.mean)} measured "
                "values: give two or more of each, and as many."
            )

    def data(self) -> dict:
        """What the script needs."""
        named = isinstance(self.x[0], str)
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / STEPS))
        return {
            "names": [str(x) for x in self.x],
            "x": list(range(len(self.x))) if named else list(self.x),
            "joined": not named,
            "mean": [round(v, self.digits + 1) for v in self.mean],
            "sd": self.sd and [round(v, self.digits + 1) for v in self.sd],
            "low": self.low, "high": self.high, "step": step, "start": self.start,
            "digits": self.digits, "xlabel": self.xlabel, "ylabel": self.ylabel,
        }  # fmt: skip

    def _repr_html_(self) -> str:
        caption = f'<p class="caption">{html.escape(self.caption)}</p>'
        words = (
            "<p>A sheet of paper does as well: the measured curve is in the next "
            "figure.</p>"
        )
        missing = "sketch the curve that you expect"
        return standalone("sketch", self.data(), caption, missing, words)


def endings(result: Result, kind: str | None = None) -> Sketch:
    """Final accuracy against the epoch at which the deficit ends (1TL, 2, 3).

    Args:
        result: of a study whose deficits begin at birth.
        kind: of deficit; default: the study's first.
    """
    kind = kind or result.study.runs[1].name
    table = results.finals(result)
    kept = table["deficit"].isin(["none", kind]) & (table["onset"] == 0)
    by_end = (100 * table[kept].set_index("removal")["final"]).groupby("removal")
    label = LABELS[kind]
    return _sketch(
        by_end,
        f"{label} until epoch t₀",
        "final test accuracy (%)",
        f"Final accuracy of networks with {label} until epoch t₀, then "
        f"{result.study.clean_epochs} clean epochs; t₀ = 0 is the healthy network. "
        f"{origin(result)}",
        *_decades(100 * table["final"]),
    )


def outcomes(result: Result) -> Sketch:
    """Final accuracy without deficit and with each of the study's, by name."""
    table = results.finals(result)
    final = 100 * table["final"]
    names = table["deficit"].map(LABELS)
    order = pd.CategoricalDtype(names.drop_duplicates(), ordered=True)
    return _sketch(
        final.groupby(names.astype(order), observed=True),
        "by deficit",
        "final test accuracy (%)",
        f"Final accuracy of networks with a deficit, then {result.study.clean_epochs} "
        f"clean epochs, and of one without. {origin(result)}",
        *_decades(final),
    )


def losses(result: Result) -> Sketch:
    """What a window costs at equal length, against its onset (1BL)."""
    table = results.finals(result)
    table = table[table["deficit"] != "none"]
    lost = 100 * (table["control"] - table["final"])
    run = result.study.runs[1]
    return _sketch(
        lost.groupby(table["onset"]),
        "onset of the window (epoch)",
        "loss (points)",
        f"Final accuracy lost by {run.label} in a window of "
        f"{run.removal - run.onset} epochs, against a healthy network that trained for "
        f"as long. {origin(result)}",
        min(0, math.floor(lost.min())),
        _round_top(lost.max()),
    )


def trace(result: Result, points: int = 8) -> Sketch:
    """The trace of the Fisher information of the clean run, at some of its epochs."""
    points = whole("points", points, 2)
    curve = sensitivity.trace_curve(result, result.study.runs[0])
    chosen = np.linspace(0, len(curve) - 1, min(points, len(curve))).round().astype(int)
    curve = curve.iloc[np.unique(chosen)]
    tidy = curve.melt(ignore_index=False)["value"]
    return _sketch(
        tidy.groupby(level=0),
        "epochs of training",
        "trace of the Fisher information",
        f"The trace of a healthy network while it learns. {origin(result)}",
        0,
        _round_top(tidy.max()),
    )


def layer_shares(result: Result) -> Sketch:
    """Each layer's share of the trace at the end of the clean run."""
    table = sensitivity.shares(result, result.study.runs[0])
    table = table[table["epoch"] == table["epoch"].max()]
    share = 100 * table["share"]
    return _sketch(
        share.groupby(table["layer"]),
        "layer, from the input to the output",
        "share of the trace (%)",
        "Share of each layer in the trace of the Fisher information of a healthy "
        f"network at the end of training. {origin(result)}",
        0,
        _round_top(share.max()),
    )


def _sketch(
    groups: pd.core.groupby.SeriesGroupBy,
    xlabel: str,
    ylabel: str,
    caption: str,
    low: float,
    high: float,
) -> Sketch:
    """From values grouped by what stands on the x axis, one for each seed."""
    mean, sd = groups.mean(), groups.std(ddof=1)
    return Sketch(
        tuple(x.item() if hasattr(x, "item") else x for x in mean.index),
        tuple(mean.tolist()),
        None if sd.isna().any() else tuple(sd.tolist()),
        xlabel,
        ylabel,
        float(low),
        float(high),
        (low + high) / 2,
        0 if high - low > 200 else 1,
        caption,
    )


def _decades(percent: pd.Series) -> tuple[float, float]:
    """Ends of an axis for `percent`, with more than ten points to spare."""
    low, high = percent.min() // 10 * 10 - 10, percent.max() // 10 * 10 + 20
    return max(0.0, low), min(100.0, high)


def _round_top(highest: float) -> float:
    """A round number well above `highest`, so that the axis does not tell the end."""
    wanted = 1.25 * max(float(highest), 1.0)
    tens = 10 ** math.floor(math.log10(wanted))
    return next(
        s * tens for s in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if s * tens >= wanted
    )

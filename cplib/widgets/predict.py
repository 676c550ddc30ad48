"""Predict, then reveal: the reader draws a curve, then sees the measured one.

Nothing is graded and nothing is kept. It works on a page without a kernel, by mouse,
finger or keyboard.
"""

import html
import math
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from .. import results
from .._base.plain import whole
from ..analysis import sensitivity
from ..errors import InputError
from ..figures import origin
from ..results import Result
from ..studies import Run
from .fragments import standalone
from .outcomes import half_width

ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
FINAL = "final test accuracy (%)"


@dataclass(frozen=True)
class Sketch:
    """A curve to be guessed, one point for each of `x`.

    Attributes:
        x: the points' places on the x axis, numbers that rise or names.
        mean, half: the measured curve, (len(x),), and half of its 95 % interval over
            seeds, which is None for one seed.
        xlabel, ylabel: of the axes; ylabel with its unit.
        low, high: ends of the y axis.
        caption: what is measured, and where the numbers come from.
    """

    x: tuple[float, ...] | tuple[str, ...]
    mean: tuple[float, ...]
    half: tuple[float, ...] | None
    xlabel: str
    ylabel: str
    low: float
    high: float
    caption: str

    def __post_init__(self):
        lengths = {len(self.x), len(self.mean), len(self.half or self.mean)}
        if len(lengths) > 1 or len(self.x) < 2:
            raise InputError(
                f"A sketch of {len(self.x)} points has {len(self.mean)} measured "
                "values: give two or more of each, and as many."
            )

    def _repr_html_(self) -> str:
        caption = f'<p class="caption">{html.escape(self.caption)}</p>'
        words = (
            "<p>A sheet of paper does as well: the measured curve is in the next "
            "figure.</p>"
        )
        missing = "sketch the curve that you expect"
        return standalone("sketch", asdict(self), caption, missing, words)


def endings(result: Result, deficit: str | None = None) -> Sketch:
    """Final accuracy against the epoch at which the deficit ends (1TL, 2, 3).

    Args:
        result: of a study whose deficits begin at birth.
        deficit: its name in tables; default: the study's first.
    """
    run, table = _of_one(result, deficit)
    final = 100 * table[table["onset"] == 0].set_index("removal")["final"]
    return _sketch(
        final,
        f"{run.label} until epoch t₀",
        FINAL,
        f"Final accuracy of networks with {run.label} until epoch t₀, then "
        f"{result.study.clean_epochs} clean epochs; t₀ = 0 is the network without "
        f"deficit. {origin(result)}",
        *_decades(final),
    )


def outcomes(result: Result) -> Sketch:
    """Final accuracy without deficit and with each of the study's, by name."""
    table, names = results.finals(result), [run.label for run in result.study.runs]
    if len(set(names)) < len(names):
        names = [run.title for run in result.study.runs]
    final = 100 * table.set_index(np.array(names)[table["run"]])["final"]
    return _sketch(
        final,
        "by deficit",
        FINAL,
        f"Final accuracy of networks with a deficit, then {result.study.clean_epochs} "
        f"clean epochs, and of one without. {origin(result)}",
        *_decades(final),
    )


def losses(result: Result, deficit: str | None = None) -> Sketch:
    """What a window of the study's first deficit, or another, costs by onset (1BL).

    Each network is compared with the control: without deficit, same length in all.
    """
    run, table = _of_one(result, deficit)
    table = table[table["run"] > 0].set_index("onset")
    lost = 100 * (table["control"] - table["final"])
    return _sketch(
        lost,
        "onset of the window (epoch)",
        "loss (points)",
        f"Final accuracy lost by {run.label} in a window of "
        f"{run.removal - run.onset} epochs, against a network without deficit that "
        f"trained for as long. {origin(result)}",
        min(0, math.floor(lost.min())),
        _round_top(lost.max()),
    )


def trace(result: Result, points: int = 8) -> Sketch:
    """The trace of the Fisher information of the clean run, at some of its epochs."""
    points = whole("points", points, 2)
    curve = sensitivity.trace_curve(result, result.study.runs[0])
    chosen = np.linspace(0, len(curve) - 1, min(points, len(curve))).round().astype(int)
    tidy = curve.iloc[np.unique(chosen)].stack().droplevel(1)
    return _sketch(
        tidy,
        "epochs of training",
        "trace of the Fisher information",
        f"The trace of a network without deficit while it learns. {origin(result)}",
        0,
        _round_top(tidy.max()),
    )


def layer_shares(result: Result) -> Sketch:
    """Each layer's share of the trace at the end of the clean run."""
    table = sensitivity.shares(result, result.study.runs[0])
    table = table[table["epoch"] == table["epoch"].max()]
    share = 100 * table.set_index("layer")["share"]
    return _sketch(
        share,
        "layer, from the input to the output",
        "share of the trace (%)",
        "Share of each layer in the trace of the Fisher information of a network "
        f"without deficit at the end of training. {origin(result)}",
        0,
        _round_top(share.max()),
    )


def _of_one(result: Result, deficit: str | None) -> tuple[Run, pd.DataFrame]:
    """The first run of a deficit, and the final accuracies of its runs and the clean.

    Runs in which it returns are left out.
    """
    runs = result.study.runs
    run = result.study.find(deficit or runs[1].name, runs[1].onset)
    kept = [r.clean or (r.name == run.name and len(r.windows) == 1) for r in runs]
    table = results.finals(result)
    return run, table[np.array(kept)[table["run"]]]


def _sketch(
    values: pd.Series, xlabel: str, ylabel: str, caption: str, low: float, high: float
) -> Sketch:
    """From `values`, whose index is the x axis: one row for each seed and point."""
    sort = pd.api.types.is_numeric_dtype(values.index)
    points = values.groupby(level=0, sort=sort)
    mean, several = points.mean(), points.size().min() > 1
    half = tuple(points.agg(half_width).tolist()) if several else None
    x, y = tuple(mean.index.tolist()), tuple(mean.tolist())
    return Sketch(x, y, half, xlabel, ylabel, float(low), float(high), caption)


def _decades(percent: pd.Series) -> tuple[float, float]:
    """Ends of an axis for `percent`, with more than ten points to spare."""
    low, high = percent.min() // 10 * 10 - 10, percent.max() // 10 * 10 + 20
    return max(0.0, low), min(100.0, high)


def _round_top(highest: float) -> float:
    """A round number well above `highest`, so that the axis does not tell the end."""
    wanted = 1.25 * max(float(highest), 1.0)
    tens = 10 ** math.floor(math.log10(wanted))
    return next(s * tens for s in ROUND if s * tens >= wanted)

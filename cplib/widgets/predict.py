"""Predict, then reveal: the reader draws a curve, or calls a claim, and then looks.

On a page, the outputs that follow in the same section stay closed until the reader asks
for them (open without scripts and in print). Nothing is graded. Predictions are kept on
the reader's device alone, where `record` counts them on the Scorecard.
"""

import math
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from IPython.display import HTML

from .. import results
from .._base.plain import whole
from .._base.words import translated as _
from ..analysis import Scorecard, sensitivity
from ..analysis.effects import half_width
from ..analysis.ledger import registered
from ..errors import InputError
from ..results import Result
from ..studies import Run
from .fragments import standalone

FINAL = _("final test accuracy (%)")
PERCENT = (0, 100)


@dataclass(frozen=True)
class Sketch:
    """A curve to be guessed, one point for each of `x`."""

    study: str  # whose curve it is, as in "1TL laptop"
    x: tuple[float, ...] | tuple[str, ...]  # numbers that rise, or names
    mean: tuple[float, ...]  # the measured curve
    half: tuple[float, ...] | None  # of its 95 % interval over seeds; None for one seed
    xlabel: str
    ylabel: str  # with its unit
    low: float  # the ends of the y axis must not tell the answer
    high: float

    def __post_init__(self):
        lengths = {len(self.x), len(self.mean), len(self.half or self.mean)}
        if len(lengths) > 1 or len(self.x) < 2:
            raise InputError(
                f"A sketch of {len(self.x)} points has {len(self.mean)} measured "
                "values: give two or more of each, and as many (for a study of one "
                "removal: predict.outcomes)."
            )

    def _repr_html_(self) -> str:
        return call(sketch=self).data


def call(*names: str, sketch: Sketch | None = None) -> HTML:
    """Ask whether claims, by their ids, will be reproduced; with a sketch or without.

    Raises:
        InputError: there is no claim of that name.
    """
    calls = [{"id": name, "claim": registered(name).claim} for name in names]
    data = {"sketch": sketch and asdict(sketch), "calls": calls}
    words = _("A sheet of paper does as well: what was measured is just below.")
    missing = _("predict before you look")
    return HTML(standalone("predict", data, "", missing, f"<p>{words}</p>"))


def record(card: Scorecard) -> HTML:
    """The reader's own row: how many of the calls on this device came out."""
    columns = ["id", "panel", "claim", "verdict"]
    data = card.table[columns].to_dict("records")
    return HTML(standalone("record", data, "", "see what became of your calls", ""))


def endings(result: Result, deficit: str | None = None) -> Sketch:
    """Final accuracy against the epoch at which the deficit ends (1TL, 2, 3).

    Args:
        result: of a study whose deficits begin at birth.
        deficit: its name in tables; default: the study's first.
    """
    run, table = _of_one(result, deficit)
    final = 100 * table[table["onset"] == 0].set_index("removal")["final"]
    until = f"{run.label} " + _("until epoch t₀")
    return _sketch(result, final, until, FINAL)


def outcomes(result: Result) -> Sketch:
    """Final accuracy without deficit and with each of the study's, by name."""
    table, names = results.finals(result), [run.label for run in result.study.runs]
    if len(set(names)) < len(names):
        names = [run.title for run in result.study.runs]
    final = 100 * table.set_index(np.array(names)[table["run"]])["final"]
    return _sketch(result, final, "deficit", FINAL)


def losses(result: Result, deficit: str | None = None) -> Sketch:
    """What a window of the study's first deficit, or another, costs by onset (1BL).

    Each network is compared with the control: without deficit, same age.
    """
    run, table = _of_one(result, deficit)
    table = table[table["run"] > 0].set_index("onset")
    lost = 100 * (table["control"] - table["final"])
    window = _("onset of {length} epochs of {deficit}", deficit=run.label,
               length=run.removal - run.onset)  # fmt: skip
    return _sketch(result, lost, window, _("points lost, at the same age"), (-10, 30))


def trace(result: Result, points: int = 8) -> Sketch:
    """The trace of the Fisher information of the clean run, at some of its epochs.

    It is in per cent of the greatest of them: nobody can guess its size.
    """
    points = whole("points", points, 2)
    curve = sensitivity.trace_curve(result, result.study.runs[0])
    chosen = np.linspace(0, len(curve) - 1, min(points, len(curve))).round().astype(int)
    curve = curve.iloc[np.unique(chosen)]
    tidy = (100 * curve / curve.mean(axis=1).max()).stack().droplevel(1)
    return _sketch(result, tidy, "epochs of training", "trace (% of its greatest)")


def layer_shares(result: Result) -> Sketch:
    """Each layer's share of the trace at the end of the clean run."""
    table = sensitivity.shares(result, result.study.runs[0])
    table = table[table["epoch"] == table["epoch"].max()]
    share = 100 * table.set_index("layer")["share"]
    across = "layer, from the input to the output"
    return _sketch(result, share, across, "share of the trace (%)", (0, 50))


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
    result: Result, values: pd.Series, xlabel: str, ylabel: str, ends: tuple = PERCENT
) -> Sketch:
    """From `values`, whose index is the x axis: one row for each seed and point.

    `ends` of the y axis are the same whatever came out, unless a mean lies beyond.
    """
    sort = pd.api.types.is_numeric_dtype(values.index)
    points = values.groupby(level=0, sort=sort)
    mean, several = points.mean(), points.size().min() > 1
    half = tuple(points.agg(half_width).tolist()) if several else None
    low = min(ends[0], math.floor(mean.min()))
    high = max(ends[1], math.ceil(mean.max()))
    study = f"{result.study.name} {result.study.scale}"
    x, y = tuple(mean.index.tolist()), tuple(mean.tolist())
    return Sketch(study, x, y, half, xlabel, ylabel, low, high)

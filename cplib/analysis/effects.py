"""The change in final accuracy caused by a deficit, with an interval over seeds."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from .._base.plain import choose, whole
from .._base.words import translated as _
from ..errors import DataError
from ..results import Result, finals
from ..studies import Run

# the two networks without deficit that an impaired one is compared with, in words
REFERENCES = {"baseline": _("same clean training"), "control": _("same age")}


@dataclass(frozen=True)
class Effect:
    """The change in final accuracy caused by one deficit.

    Attributes:
        name: the deficit and its window, in words.
        final, reference: mean final accuracy with and without the deficit, in %.
        against: which network without deficit: "baseline" or "control".
        change: mean over seeds of final - reference, in points.
        low, high: confidence interval of `change` (Student's t over seeds, paired by
            seed); NaN for a single seed.
        seeds: number of seeds.
        level: of the interval.
        lost: a sentence on the seeds that are left out, or "".
    """

    name: str
    final: float
    reference: float
    against: str
    change: float
    low: float
    high: float
    seeds: int
    level: float
    lost: str = ""

    def __str__(self) -> str:
        interval = (
            f"{self.level:.0%} interval over {self.seeds} seeds: {signed(self.low)} "
            f"to {signed(self.high)}".replace("%", " %")
            if self.seeds > 1
            else "one seed, so no interval"
        )
        return (
            f"After {self.name}: {self.final:.1f} %, against {self.reference:.1f} % "
            f"without it ({REFERENCES[self.against]}). Before rounding, this is "
            f"a change of {signed(self.change)} points ({interval}).{self.lost}"
        )

    def _repr_markdown_(self) -> str:
        return str(self).replace(self.name, f"**{self.name}**", 1)


def effect(
    result: Result,
    *,
    removal: int,
    onset: int = 0,
    deficit: str | None = None,
    against: str = "baseline",
    level: float = 0.95,
) -> Effect:
    """The change in final accuracy caused by `deficit` in onset <= epoch < removal.

    Args:
        result: of a study that holds such a run.
        onset, removal, deficit: which run; by default the first with these epochs.
        against: "baseline" or "control"; see `changes`.
        level: of the confidence interval.

    Raises:
        InputError: the study has no such run; the message names those it has.
        DataError: it diverged with every seed.
    """
    onset, removal = whole("onset", onset, 0), whole("removal", removal, 0)
    run = result.study.find(deficit, onset, removal)
    table = changes(result, against)
    rows = table[table["run"] == result.study.number(run)]
    runs = [run, result.study.runs[0]]
    name = f"{run.name} from epoch {onset} to {removal}"
    if rows.empty:
        raise DataError(
            f"No seed is left for the effect of {name}, because runs diverged "
            f"({result.lost(*runs)}): choose a lower learning rate than "
            f"{result.study.setup.schedule.lr:g}."
        )
    final, reference, change = map(float, rows[["final", against, "change"]].mean())
    ends, lost = interval(rows["change"], level), left_out(result, *runs)
    means = 100 * final, 100 * reference, against, change
    return Effect(name, *means, *ends, seeds=len(rows), level=level, lost=lost)


def changes(result: Result, against: str = "baseline") -> pd.DataFrame:
    """`finals` with a column `change`: final minus reference accuracy, in points.

    Args:
        result: of any study.
        against: "baseline" (no deficit, as many clean epochs) or "control" (no
            deficit, as many epochs in all).
    """
    choose("reference", against, REFERENCES)
    table = finals(result)
    return table.assign(change=100 * (table["final"] - table[against]))


def left_out(result: Result, *runs: Run) -> str:
    """A sentence, after a space, on those of `runs` (default: all) that diverged."""
    lost = result.lost(*runs)
    return _(" Diverged, and left out: {runs}.", runs=lost) if lost else ""


def signed(number: float, digits: int = 1) -> str:
    """`number` with its sign, a true minus; never a minus before zero."""
    return f"{round(number, digits) + 0.0:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Confidence interval of the mean of `values` (n,), Student's t; NaN if n = 1."""
    if len(values) < 2:
        return float("nan"), float("nan")
    half = half_width(values, level)
    return float(values.mean() - half), float(values.mean() + half)


def half_width(values: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Half of the confidence interval of the mean over the last axis (Student's t)."""
    factor = stats.t.ppf((1 + level) / 2, np.shape(values)[-1] - 1)
    return factor * stats.sem(values, axis=-1)

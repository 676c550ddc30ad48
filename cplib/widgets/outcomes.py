"""Windows of deficit and what became of them: the numbers and words to explore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..analysis.effects import left_out
from ..errors import InputError
from ..figures.palette import LABELS
from ..results import Result, finals
from ..studies import Run

__all__ = [
    "SEES", "YARDSTICKS", "Ending", "Interval", "Timeline", "Trace", "nearest",
]  # fmt: skip

# what stands before the network, in words
SEES = {
    "none": "clear images, true labels",
    "blur": "blurred images, true labels",
    "flip": "images upside down, true labels",
    "labels": "clear images, permuted labels",
    "noise": "noise in place of images, true labels",
}
# the networks without deficit that one can compare with, by the name of their column
YARDSTICKS = {"baseline": "as many clean epochs", "control": "as many epochs in all"}
MINUS = "\N{MINUS SIGN}"
TIE = "\N{NO-BREAK SPACE}"  # between a number and what belongs to it


class Interval(NamedTuple):
    """Mean over seeds and standard deviation, in % or points, to one decimal.

    They are rounded here, once, so that every view shows the same digits. `sd` is
    None for a single seed.
    """

    mean: float
    sd: float | None

    @classmethod
    def of(cls, fractions: pd.Series) -> Interval:
        """Mean and spread of one value per seed."""
        sd = tenths(fractions.std(ddof=1)) if len(fractions) > 1 else None
        return cls(tenths(fractions.mean()), sd)

    @property
    def number(self) -> str:
        """'48.3 ± 0.5', without unit or sign."""
        spread = "" if self.sd is None else f"{TIE}±{TIE}{self.sd:.1f}"
        return f"{abs(self.mean):.1f}{spread}"

    @property
    def percent(self) -> str:
        """'48.3 ± 0.5 %'."""
        return f"{self.number}{TIE}%"


class Ending(NamedTuple):
    """Final accuracy in %, the mean of the last 5 epochs: over seeds, and of each."""

    over: Interval
    seeds: tuple[float, ...]

    @classmethod
    def of(cls, fractions: pd.Series) -> Ending:
        """From one fraction per seed."""
        return cls(Interval.of(fractions), tuple(fractions.map(tenths)))


def tenths(fraction: float) -> float:
    """A fraction in %, to one decimal."""
    return round(100 * float(fraction), 1) + 0.0  # never -0.0


@dataclass(frozen=True)
class Trace:
    """One run, over all seeds; accuracies are of the test set, in %.

    Attributes:
        kind, onset, removal, epochs: as in `studies.Run`.
        mean, sd: after each epoch, (epochs + 1,); sd is None for one seed.
        final: of this run.
        without: of the run without deficit, by `YARDSTICKS`: after as many clean
            epochs ("baseline"), after as many epochs in all ("control").
        changes: `final` less each of these, in points; paired by seed.
    """

    kind: str
    onset: int
    removal: int
    epochs: int
    mean: np.ndarray
    sd: np.ndarray | None
    final: Ending
    without: dict[str, Ending]
    changes: dict[str, Interval]

    @property
    def window(self) -> tuple[int, int]:
        """(onset, removal)."""
        return self.onset, self.removal

    @property
    def name(self) -> str:
        """'blur from epoch 0 to 30'."""
        return f"{LABELS[self.kind]} from epoch {self.onset} to {self.removal}"

    def at(self, epoch: int) -> Interval:
        """Accuracy after `epoch` epochs."""
        sd = None if self.sd is None else float(self.sd[epoch])
        return Interval(float(self.mean[epoch]), sd)

    def seen(self, epoch: int) -> str:
        """The deficit that training epoch `epoch` is under, or 'none'."""
        return self.kind if self.onset <= epoch < self.removal else "none"

    def phase(self, epoch: int) -> str:
        """Where `epoch` lies in the run, in words."""
        label = LABELS[self.kind]
        if epoch >= self.epochs:
            return "the end of training"
        if epoch < self.onset:
            return f"before the {label}"
        return f"under {label}" if epoch < self.removal else f"after the {label}"


class Timeline:
    """All windows of a result, by kind of deficit.

    Attributes:
        result: where the numbers are from.
        clean: the run without deficit; its `final` is the baseline.
        runs: for each kind, its traces by onset and removal; none of a run that
            diverged with every seed.

    Raises:
        InputError: when no run of the result has a deficit.
    """

    def __init__(self, result: Result):
        self.result = result
        endings = dict(list(finals(result).groupby(["deficit", "onset", "removal"])))
        traces = [
            _trace(result, run, endings[run.name, run.onset, run.removal])
            for run in result.study.runs
            if (run.clean or run.onset < run.removal)
            and (run.name, run.onset, run.removal) in endings
        ]
        self.clean, *windowed = traces
        windowed.sort(key=lambda trace: trace.window)
        kinds = dict.fromkeys(run.name for run in result.study.runs[1:])
        self.runs: dict[str, list[Trace]] = {
            kind: traces
            for kind in kinds
            if (traces := [trace for trace in windowed if trace.kind == kind])
        }
        if not windowed:
            raise InputError(
                f"Study {result.study.name!r} has no run with a deficit, so there is "
                "no timing to explore: give the result of 'timing', '1TL' or '1BL'."
            )

    def choose(self, kind: str, onset: int | None, removal: int | None) -> Trace:
        """The run with these; by default the earliest onset and the last removal.

        Raises:
            InputError: when there is none; the message names those that there are.
        """
        if kind not in self.runs:
            raise InputError(
                f"deficit={kind!r} is not in this result: choose one of "
                f"{', '.join(self.runs)}.{left_out(self.result)}"
            )
        fits = [
            trace
            for trace in self.runs[kind]
            if onset in (None, trace.onset) and removal in (None, trace.removal)
        ]
        if not fits:
            windows = ", ".join(f"{t.onset} to {t.removal}" for t in self.runs[kind])
            raise InputError(
                f"No {LABELS[kind]} with onset={onset!r} and removal={removal!r} in "
                f"this result: choose one of the windows {windows}."
                f"{left_out(self.result)}"
            )
        return min(fits, key=lambda trace: (trace.onset, -trace.removal))

    def now(self, trace: Trace, epoch: int) -> str:
        """The state of learning after `epoch` epochs, in words."""
        return (
            f"Epoch {epoch} of {trace.epochs}, {trace.phase(epoch)}: test accuracy "
            f"{trace.at(epoch).percent}, without deficit "
            f"{self.clean.at(epoch).percent}."
        )

    def verdict(self, trace: Trace, yardstick: str) -> str:
        """The change in final accuracy, in a few words."""
        change = trace.changes[yardstick]
        if change.mean == 0:
            return "no change"
        direction = "lower" if change.mean < 0 else "higher"
        return f"{change.number} points {direction}"

    def ending(self, trace: Trace) -> str:
        """The final accuracy beside those without deficit, in words."""
        seeds = len(trace.final.seeds)
        spread = "one seed" if seeds == 1 else f"mean ± sd of {seeds} seeds"
        clean, whole = self.result.study.clean_epochs, trace.epochs
        return (
            f"Final accuracy after {trace.name}: {trace.final.over.percent} "
            f"({spread}). That is {self._compared(trace, 'baseline')} without deficit "
            f"after as many clean epochs ({clean}), and "
            f"{self._compared(trace, 'control')} without deficit after as many epochs "
            f"in all ({whole})."
        )

    def _compared(self, trace: Trace, yardstick: str) -> str:
        change = trace.changes[yardstick].mean
        words = f"{self.verdict(trace, yardstick)} than" if change else "as much as"
        return f"{words} the {trace.without[yardstick].over.percent}"

    def table(self) -> pd.DataFrame:
        """Every window's final accuracy in %, and its change in points."""
        return pd.DataFrame(
            {
                "deficit": LABELS[trace.kind],
                "onset": trace.onset,
                "removal": trace.removal,
                "final (%)": trace.final.over.mean,
                "sd": trace.final.over.sd,
                "without deficit (%)": trace.without["baseline"].over.mean,
                "change (points)": trace.changes["baseline"].mean,
                "sd of change": trace.changes["baseline"].sd,
                "without deficit, same age (%)": trace.without["control"].over.mean,
                "change, same age": trace.changes["control"].mean,
                "sd of change, same age": trace.changes["control"].sd,
            }
            for traces in self.runs.values()
            for trace in traces
        )


def nearest(traces: list[Trace], onset: int, removal: int, keep: str) -> Trace:
    """The available window nearest to (onset, removal).

    Args:
        traces: to choose from; of equals, the first is taken.
        onset, removal: in epochs.
        keep: which of the two matters more, "onset" or "removal".
    """

    def distance(trace: Trace) -> tuple[int, int]:
        away = abs(trace.onset - onset), abs(trace.removal - removal)
        return away if keep == "onset" else away[::-1]

    return min(traces, key=distance)


def _trace(result: Result, run: Run, ending: pd.DataFrame) -> Trace:
    curve = result.curve(run).sort_index().dropna(axis=1)
    spread = curve.std(axis=1, ddof=1) if curve.shape[1] > 1 else None
    return Trace(
        run.name,
        run.onset,
        run.removal,
        run.epochs,
        curve.mean(axis=1).map(tenths).to_numpy(),
        None if spread is None else spread.map(tenths).to_numpy(),
        Ending.of(ending["final"]),
        {yardstick: Ending.of(ending[yardstick]) for yardstick in YARDSTICKS},
        {
            yardstick: Interval.of(ending["final"] - ending[yardstick])
            for yardstick in YARDSTICKS
        },
    )

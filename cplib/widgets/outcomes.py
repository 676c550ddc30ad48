"""Runs with deficits and their outcomes, as numbers and sentences for all views."""

from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import pandas as pd

from .._base.words import translated as _
from ..analysis.effects import REFERENCES, half_width, left_out
from ..deficits import Deficit
from ..errors import InputError
from ..results import Result, finals
from ..studies import Run

# sentences that change with the epoch; the script of the page fills them in, too
WORDS = {
    "now": _(
        "Epoch {epoch} of {epochs}, {phase}: test accuracy {run}, without deficit "
        "{clean}."
    ),
    "sight": _("Epoch {epoch}: the network sees {sees}."),
    "over": _("Epoch {epoch}: training is over."),
    "end": _("the end of training"),
}
TIE = "\N{NO-BREAK SPACE}"  # between a number and what belongs to it


class Interval(NamedTuple):
    """Mean over seeds, in % or points, and half of its 95 % interval.

    They are rounded here, once, to one decimal, so that every view shows the same
    digits. `half` is None for a single seed; `seeds` are the values averaged.
    """

    mean: float
    half: float | None
    seeds: tuple[float, ...] = ()

    @classmethod
    def of(cls, fractions: pd.Series) -> "Interval":
        """Of one fraction for each seed."""
        half = tenths(half_width(fractions)) if len(fractions) > 1 else None
        return cls(tenths(fractions.mean()), half, tuple(map(tenths, fractions)))

    @property
    def number(self) -> str:
        """'48.3 ± 0.5', without unit or sign."""
        spread = "" if self.half is None else f"{TIE}±{TIE}{self.half:.1f}"
        return f"{abs(self.mean):.1f}{spread}"

    @property
    def percent(self) -> str:
        """'48.3 ± 0.5 %'."""
        return f"{self.number}{TIE}%"

    @property
    def verdict(self) -> str:
        """A change in points, in a few words."""
        if self.mean == 0:
            return _("no change")
        higher, lower = _("{points} points higher"), _("{points} points lower")
        return (lower if self.mean < 0 else higher).format(points=self.number)


def tenths(fraction: float) -> float:
    """A fraction in %, to one decimal."""
    return round(100 * float(fraction), 1) + 0.0  # never -0.0


@dataclass(frozen=True, eq=False)
class Outcome:
    """One run, over all seeds; accuracies are of the test set, in %."""

    run: Run
    mean: list[float]  # over seeds, after each epoch, (epochs + 1,)
    half: list[float] | None  # of its 95 % interval; None for one seed
    final: Interval  # accuracy
    without: dict[str, Interval]  # that of the network without deficit, by `REFERENCES`
    changes: dict[str, Interval]  # `final` less each of these, in points, by seed

    @classmethod
    def of(cls, result: Result, run: Run, ending: pd.DataFrame) -> "Outcome":
        """From the rows of `finals` of one run, and its curve."""
        values = result.curve(run).sort_index().dropna(axis=1).to_numpy()
        several = values.shape[1] > 1
        return cls(
            run,
            [*map(tenths, values.mean(1))],
            [*map(tenths, half_width(values))] if several else None,
            Interval.of(ending["final"]),
            {name: Interval.of(ending[name]) for name in REFERENCES},
            {name: Interval.of(ending["final"] - ending[name]) for name in REFERENCES},
        )

    @property
    def middle(self) -> int:
        """An epoch in the middle of its first window."""
        _, onset, removal = self.run.windows[0]
        return (onset + removal) // 2

    def at(self, epoch: int) -> Interval:
        """Accuracy after `epoch` epochs."""
        return Interval(self.mean[epoch], self.half and self.half[epoch])

    def phases(self) -> list[tuple[int, tuple[str, str]]]:
        """The end of each phase of the run, with its words and its deficit's name.

        In a clean phase the name is 'none'.
        """
        told, last = [], None
        for deficit, end in self.run.phases():
            other = deficit or last or self.run.deficits[0]
            words = _("before the {deficit}") if not last else _("after the {deficit}")
            words = _("under {deficit}") if deficit else words
            words = words.format(deficit=other.title)
            told.append((end, (words, (deficit or Deficit()).name)))
            last = deficit or last
        return told

    def sight(self, epoch: int) -> str:
        """What the network sees in training epoch `epoch`, as a sentence."""
        sees = (self.run.sees(epoch) or Deficit()).sees
        words = WORDS["sight" if epoch < self.run.epochs else "over"]
        return words.format(epoch=epoch, sees=sees)


class Outcomes:
    """All runs of a result that have a deficit, and the clean one.

    Attributes:
        result: where the numbers are from.
        clean: the run without deficit; its `final` is the baseline.
        groups: those with a deficit, by `Run.name` and sorted by their windows; none
            of a run that diverged with every seed.

    Raises:
        InputError: no run of the result has a deficit.
    """

    def __init__(self, result: Result):
        self.result = result
        rows = dict(list(finals(result).groupby("run")))
        self.clean, *others = (
            Outcome.of(result, run, rows[number])
            for number, run in enumerate(result.study.runs)
            if number in rows and (run.clean or run.onset < run.removal)
        )
        if not others:
            raise InputError(
                f"Study {result.study.name!r} has no run with a deficit, so there is "
                "nothing to explore: give the result of 'timing', '1TL' or '1BL'."
            )
        self.groups: dict[str, list[Outcome]] = {}
        for outcome in others:
            self.groups.setdefault(outcome.run.name, []).append(outcome)
        for group in self.groups.values():
            group.sort(key=lambda o: [window[1:] for window in o.run.windows])

    @property
    def all(self) -> list[Outcome]:
        """Every run with a deficit, group by group."""
        return list(chain.from_iterable(self.groups.values()))

    def choose(
        self,
        deficit: str | None = None,
        onset: int | None = None,
        removal: int | None = None,
    ) -> Outcome:
        """The run with this deficit (`Run.name`), onset and removal.

        By default the study's first deficit, the earliest onset and the last removal.

        Raises:
            InputError: when there is none; the message names those that there are.
        """
        deficit = next(iter(self.groups)) if deficit is None else deficit
        if deficit not in self.groups:
            raise InputError(
                f"deficit={deficit!r} is not in this result: choose one of "
                f"{', '.join(self.groups)}.{left_out(self.result)}"
            )
        fits = [
            o for o in self.groups[deficit]
            if onset in (None, o.run.onset) and removal in (None, o.run.removal)
        ]  # fmt: skip
        if not fits:
            held = "; ".join(o.run.title for o in self.groups[deficit])
            raise InputError(
                f"No run with onset={onset!r} and removal={removal!r} in this result: "
                f"choose one of {held}.{left_out(self.result)}"
            )
        return min(fits, key=lambda o: (o.run.onset, -o.run.removal))

    def now(self, outcome: Outcome, epoch: int) -> str:
        """The state of learning after `epoch` epochs, in words."""
        words = (words for end, (words, _) in outcome.phases() if epoch < end)
        run, clean = (one.at(epoch).percent for one in (outcome, self.clean))
        parts = {"phase": next(words, WORDS["end"]), "run": run, "clean": clean}
        return WORDS["now"].format(epoch=epoch, epochs=outcome.run.epochs, **parts)

    def ending(self, outcome: Outcome) -> str:
        """The final accuracy beside those without deficit, in words."""
        seeds = len(outcome.final.seeds)
        spread = averaged(seeds) + _(", 95\N{NO-BREAK SPACE}% interval") * (seeds > 1)
        window = _("{deficit} from epoch {onset} to {removal}")
        windows = (
            window.format(deficit=w.deficit.title, onset=w.onset, removal=w.removal)
            for w in outcome.run.windows
        )
        lengths = self.result.study.clean_epochs, outcome.run.epochs
        baseline, control = (
            _("{compared} without deficit with the {reference} ({epochs} epochs)",
              compared=_compared(outcome, name), reference=words, epochs=epochs)
            for (name, words), epochs in zip(REFERENCES.items(), lengths, strict=True)
        )  # fmt: skip
        return _(
            "Final accuracy after {windows}: {final} ({spread}). That is {baseline}, "
            "and {control}.",
            windows=_(" and then ").join(windows), final=outcome.final.percent,
            spread=spread, baseline=baseline, control=control,
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Every run's final accuracy in %, and its changes in points."""
        return pd.DataFrame(map(_row, self.all))


def averaged(seeds: int) -> str:
    """What an accuracy is the mean of, in words."""
    return _("one seed") if seeds == 1 else _("mean of {seeds} seeds", seeds=seeds)


def listed(group: list[Outcome]) -> bool:
    """Whether runs are chosen from a list, as onset and removal do not say which."""
    several = any(len(outcome.run.windows) > 1 for outcome in group)
    ends = {(outcome.run.onset, outcome.run.removal) for outcome in group}
    return several or len(ends) < len(group)


def _compared(outcome: Outcome, against: str) -> str:
    change, other = outcome.changes[against], outcome.without[against]
    same, words = _("as much as the {other}"), _("{change} than the {other}")
    words = words if change.mean else same
    return words.format(change=change.verdict, other=other.percent)


def _row(outcome: Outcome) -> dict:
    run, final = outcome.run, outcome.final
    cells = {"run": run.title, "onset": run.onset, "removal": run.removal}
    cells |= {"final (%)": final.mean, "final ±": final.half}
    for name, change in outcome.changes.items():
        cells[f"{name} (%)"] = outcome.without[name].mean
        cells[f"change from {name} (points)"] = change.mean
        cells[f"change from {name} ±"] = change.half
    return cells

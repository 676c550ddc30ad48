"""Are the stored numbers true? Recompute a sample of runs and compare."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .. import engine
from ..engine import Trained
from ..engine.provenance import UNKNOWN, summarise
from ..studies import Run
from ..training import DECIMALS, METRICS
from . import library
from .library import LAST, Result

__all__ = ["Check", "verify"]

# of provenance: where these are equal, every digit must be
KIND = ("device", "instructions", "threads", "torch", "data_sha256")
LEVEL = 0.99
FLOOR = 0.01  # where a single seed is stored, so that no spread is known


@dataclass(frozen=True)
class Check:
    """One recomputed run.

    On the same kind of processor, thread count, PyTorch and data, every digit must be
    equal. On another, sums are rounded otherwise, training amplifies that, and the same
    seed ends elsewhere, as another seed would: the final accuracy must then lie within
    `tolerance`.

    Attributes:
        name: study, scale, seed and run in words.
        stored, recomputed: final test accuracy, fractions; NaN for a run that diverged.
        exact: whether every stored number of the run came out the same.
        differs: what is another than when the run was stored, each in words.
        tolerance: of the final accuracy where anything differs, digits included.
        why: where the tolerance comes from, in words.
    """

    name: str
    stored: float
    recomputed: float
    exact: bool
    differs: tuple[str, ...]
    tolerance: float
    why: str

    @property
    def good(self) -> bool:
        """Whether the run was reproduced."""
        close = abs(self.stored - self.recomputed) <= self.tolerance
        return self.exact or (bool(self.differs) and close)

    def describe(self) -> str:
        """One line, and others that explain digits which differ."""
        verdict = "ok" if self.good else "DIFFERS"
        line = (
            f"{verdict}: {self.name}: stored {_words(self.stored)}, recomputed "
            f"{_words(self.recomputed)}"
        )
        if self.exact:
            return f"{line} (every number equal)"
        if not self.differs:
            return (
                f"{line}\n    The processor, its instructions, threads, PyTorch and "
                "data are those of the stored run: every digit should be equal."
            )
        return (
            f"{line} (tolerance {self.tolerance:.4f})\n    Digits differ, as they may "
            f"on another machine: {'; '.join(self.differs)}.\n    {self.why}"
        )


def _words(accuracy: float) -> str:
    return "diverged" if np.isnan(accuracy) else f"{accuracy:.4f}"


def verify(result: Result, runs: int, sample: int, **options) -> list[Check]:
    """Recompute `runs` of the stored (seed, run) pairs with an empty cache.

    Args:
        result: the stored result.
        runs: how many to recompute; the first is always one with the longest deficit.
        sample: seed of the choice of the others.
        options: of `engine.run` (device, max_workers, cache).
    """
    study, choice = result.study, random.Random(sample)
    pairs = [(seed, run) for seed in result.seeds for run in study.runs]
    longest = max(study.runs, key=lambda run: run.removal - run.onset)
    first = (choice.choice(result.seeds), longest)
    rest = [pair for pair in pairs if pair != first]
    chosen = [first, *choice.sample(rest, min(runs - 1, len(rest)))]
    checks = []
    for seed, run in chosen:
        trained = engine.run(study.setup, [run], [seed], **options)
        checks.append(_compare(result, seed, run, trained[seed, run]))
    return checks


def _compare(result: Result, seed: int, run: Run, trained: Trained) -> Check:
    kept, log = list(result.study.metrics), trained.log
    fresh = log[:, [1 + METRICS.index(m) for m in kept]].round(DECIMALS)
    stored = np.column_stack(
        [result.curve(run, m)[seed].reindex(range(len(log))) for m in kept]
    )
    accuracy = kept.index("test_accuracy")
    old, new = (table[-LAST:, accuracy].mean() for table in (stored, fresh))
    exact = bool(np.allclose(stored, fresh, rtol=0, atol=1e-9, equal_nan=True))
    tolerance, why = (0.0, "") if exact else _tolerance(result)
    return Check(
        name=f"{result.study.name} {result.study.scale} seed {seed}, {run.name} "
        f"{run.onset} to {run.removal}",
        stored=float(old),
        recomputed=float(new),
        exact=exact,
        differs=_differences(result.provenance[seed], summarise(trained.notes)),
        tolerance=tolerance,
        why=why,
    )


def _differences(stored: dict, now: dict) -> tuple[str, ...]:
    """What is another now than in the `stored` provenance, in words."""
    pairs = [(key, stored.get(key, UNKNOWN), now[key]) for key in KIND]
    return tuple(
        f"{key} {was} when stored, {is_} now" for key, was, is_ in pairs if was != is_
    )


def _tolerance(result: Result) -> tuple[float, str]:
    """By how much two runs of this study with equal settings differ, and the reason.

    99 of 100 differences between two seeds of one run lie within it: Student's
    t * sd * sqrt(2), the standard deviation pooled over the runs of the study.
    """
    by_run = library.finals(result).groupby(["deficit", "onset", "removal"]).final
    free = int((by_run.count() - 1).sum())
    if free == 0:
        return FLOOR, "One seed is stored, so no spread is known; a point is allowed."
    spread = float(np.sqrt((by_run.var() * (by_run.count() - 1)).sum() / free))
    width = float(stats.t.ppf((1 + LEVEL) / 2, free) * np.sqrt(2) * spread)
    return width, (
        f"Between the {len(result.seeds)} stored seeds a run's final accuracy has a "
        f"standard deviation of {spread:.4f}: {LEVEL:.0%} of the differences between "
        f"two of them are within {width:.4f}, and so should this one be."
    )

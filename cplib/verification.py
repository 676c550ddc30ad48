"""Are the stored numbers true? Recompute a sample of runs and compare."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from . import engine, results
from .results import LAST, Result
from .runs import Run
from .training import DECIMALS, METRICS

__all__ = ["Check", "verify"]

# On another processor or version of PyTorch rounding differs, training amplifies it,
# and the same seed ends elsewhere within the spread between seeds. A final accuracy
# then counts as reproduced within this many standard deviations of that spread, but
# never more than `CEILING`.
SPREADS, FLOOR, CEILING = 4.0, 0.01, 0.04


@dataclass(frozen=True)
class Check:
    """One recomputed run.

    Attributes:
        name: study, scale, seed and run in words.
        stored, recomputed: final test accuracy, fractions.
        exact: whether every stored number of the run came out the same.
        tolerance: of the final accuracy where it is not exact.
    """

    name: str
    stored: float
    recomputed: float
    exact: bool
    tolerance: float

    @property
    def good(self) -> bool:
        """Whether the run was reproduced."""
        return self.exact or abs(self.stored - self.recomputed) <= self.tolerance

    def describe(self) -> str:
        """One line."""
        how = "every number equal" if self.exact else f"tolerance {self.tolerance:.4f}"
        verdict = "ok" if self.good else "DIFFERS"
        return (
            f"{verdict}: {self.name}: stored {self.stored:.4f}, recomputed "
            f"{self.recomputed:.4f} ({how})"
        )


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
        checks.append(_compare(result, seed, run, trained[seed, run].log))
    return checks


def _compare(result: Result, seed: int, run: Run, log: np.ndarray) -> Check:
    kept = list(result.study.metrics)
    fresh = log[:, [1 + METRICS.index(m) for m in kept]].round(DECIMALS)
    stored = np.column_stack(
        [result.curve(run, m)[seed].reindex(range(len(log))) for m in kept]
    )
    accuracy = kept.index("test_accuracy")
    old, new = (table[-LAST:, accuracy].mean() for table in (stored, fresh))
    return Check(
        name=f"{result.study.name} {result.study.scale} seed {seed}, {run.kind} "
        f"{run.onset} to {run.removal}",
        stored=float(old),
        recomputed=float(new),
        exact=bool(np.allclose(stored, fresh, rtol=0, atol=1e-9, equal_nan=True)),
        tolerance=_tolerance(result, run),
    )


def _tolerance(result: Result, run: Run) -> float:
    by_seed = results.finals(result)
    rows = (
        (by_seed.deficit == run.kind)
        & (by_seed.onset == run.onset)
        & (by_seed.removal == run.removal)
    )
    spread = by_seed[rows].final.std() if len(result.seeds) > 1 else 0.0
    return float(np.clip(SPREADS * spread, FLOOR, CEILING))

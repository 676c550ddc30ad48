"""Recompute a sample of stored runs and compare."""

import random
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .. import engine
from ..engine import Trained
from ..engine.provenance import UNKNOWN, summarise
from ..studies import Run
from ..training import DECIMALS, METRICS
from .result import LAST, Result, finals

# parts of the provenance; if all are equal, every digit must be
KIND = ("device", "instructions", "threads", "torch", "data_sha256")
LEVEL = 0.99
FLOOR = 0.01  # tolerance where a single seed is stored, so that no spread is known


@dataclass(frozen=True)
class Check:
    """One recomputed run.

    If all of `KIND` is the same, every digit must be equal. Otherwise sums are rounded
    differently, and training amplifies that until the same seed ends as another seed
    would: the final accuracy must then be within `tolerance`.
    """

    name: str  # study, scale, seed and run in words
    stored: float  # final test accuracy, a fraction; NaN for a run that diverged
    recomputed: float
    exact: bool  # whether every stored number of the run came out the same
    differs: tuple[str, ...]  # what has changed since the run was stored, in words
    tolerance: float  # of the final accuracy, if anything differs
    why: str  # the origin of the tolerance, in words

    @property
    def good(self) -> bool:
        """Whether the run was reproduced."""
        close = abs(self.stored - self.recomputed) <= self.tolerance
        return self.exact or (bool(self.differs) and close)

    def describe(self) -> str:
        """One line, followed by an explanation if digits differ."""
        line = (
            f"{'ok' if self.good else 'DIFFERS'}: {self.name}: stored "
            f"{_words(self.stored)}, recomputed {_words(self.recomputed)}"
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
    """Recompute `runs` of the (seed, run) pairs of a stored `result`.

    Args:
        result: the stored result; `result.only(seeds)` for some of its seeds.
        runs: how many to recompute; the first is always one with the longest deficit.
        sample: seed of the choice of the others.
        options: of `engine.run` (device, workers, cache); nothing is recomputed
            that the cache holds, so name an empty one.
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
    study, log = result.study, trained.log
    columns = [1 + METRICS.index(metric) for metric in study.metrics]
    fresh = log[:, columns].round(DECIMALS)
    curves = [result.curve(run, metric)[seed] for metric in study.metrics]
    stored = np.column_stack([curve.reindex(range(len(log))) for curve in curves])
    exact = bool(np.allclose(stored, fresh, rtol=0, atol=1e-9, equal_nan=True))
    accuracy = study.metrics.index("test_accuracy")
    then = dict.fromkeys(KIND, UNKNOWN) | result.provenance[seed]
    now = summarise(trained.notes)
    changed = [key for key in KIND if then[key] != now[key]]
    differs = tuple(f"{k} {then[k]} when stored, {now[k]} now" for k in changed)
    tolerance = (0.0, "") if exact else _tolerance(result)
    name = f"{study.name} {study.scale} seed {seed}, {run.title}"
    ends = (float(part[-LAST:, accuracy].mean()) for part in (stored, fresh))
    return Check(name, *ends, exact, differs, *tolerance)


def _tolerance(result: Result) -> tuple[float, str]:
    """How far two runs of this study with equal settings may differ, and the reason.

    99 of 100 differences between two seeds of one run are within it: Student's
    t * sd * sqrt(2), the standard deviation pooled over the runs of the study.
    """
    by_run = finals(result).groupby("run").final
    free = int((by_run.count() - 1).sum())
    if free == 0:
        return FLOOR, "One seed is stored, so no spread is known; a point is allowed."
    spread = float(np.sqrt((by_run.var() * (by_run.count() - 1)).sum() / free))
    width = float(stats.t.ppf((1 + LEVEL) / 2, free) * np.sqrt(2) * spread)
    return width, (
        f"Over the {len(result.seeds)} stored seeds, the final accuracy of a run has a "
        f"standard deviation of {spread:.4f}: {LEVEL:.0%} of the differences between "
        f"two seeds are within {width:.4f}, and so should this one be."
    )

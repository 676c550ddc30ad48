"""Exercises of the *Scorecard*: the rule of the verdicts, what many intervals miss."""

from __future__ import annotations

import math

from scipy import stats

from ..analysis.ledger import VERDICTS, Claim
from .checker import Exercise, Mistake, NotRight, Observations, calls

__all__ = ["EXERCISES"]

YES, HALF, NO = VERDICTS[:3]
NAMES = ("mean", "low", "high", "threshold")
FINDINGS = [  # mean and interval, counted from the threshold
    (2.0, 1.0, 3.0),
    (1.0, -0.5, 2.5),
    (-1.0, -2.5, 0.5),
    (-2.0, -3.0, -1.0),
    (1.0, math.nan, math.nan),
    (-1.0, math.nan, math.nan),
]
CASES = [
    (*(threshold + value for value in finding), threshold)
    for threshold in (0.0, 0.5, -1.5)
    for finding in FINDINGS
]


def _by_the_book(mean: float, low: float, high: float, threshold: float) -> str:
    """What the card itself says."""
    claim = Claim("", "", "", "", statistic="change", threshold=threshold)
    return claim.verdict(low, high)


def _observe_verdicts(answer) -> Observations:
    seen: Observations = []

    def place(*case: float) -> float | None:
        """The number of the verdict, for answers are expected to be numbers."""
        word = answer.function(*case)
        if word is ... or (word is None and not seen):
            return word  # not yet answered
        if not isinstance(word, str) or word not in (YES, HALF, NO):
            raise NotRight(
                f"it gives {word!r}, which is none of the words {YES!r}, {HALF!r} and "
                f"{NO!r}."
            )
        return VERDICTS.index(word)

    placed = type(answer)(place)
    for case in CASES:
        given = ", ".join(f"{n} = {v:g}" for n, v in zip(NAMES, case, strict=True))
        seen.append((f"with {given} it gives", VERDICTS[int(placed(*case))]))
    return seen


RULE = Exercise(
    "scorecard-verdict",
    reference=_by_the_book,
    observe=_observe_verdicts,
    mistakes=(
        Mistake(
            lambda mean, low, high, threshold: YES if mean > threshold else NO,
            "you judge by the mean alone. *Reproduced* is said of the whole interval: "
            "how far must it reach?",
        ),
        Mistake(
            lambda mean, low, high, threshold: (
                YES if high > threshold else NO if high < threshold else HALF
            ),
            "you compare the upper end of the interval. If the lower end is below the "
            "threshold, the interval holds both. Which end decides?",
        ),
        Mistake(
            lambda mean, low, high, threshold: (
                YES if low > 0 else NO if high < 0 else HALF
            ),
            "you compare with 0. The claim says above which threshold the statistic "
            "should be.",
        ),
        Mistake(
            lambda mean, low, high, threshold: YES if low > threshold else NO,
            "an interval that includes the threshold refutes nothing. There is a "
            "verdict for it.",
        ),
        Mistake(
            lambda mean, low, high, threshold: (
                NO if not mean > threshold else YES if low > threshold else HALF
            ),
            "you say *contradicted* as soon as the mean is on the wrong side. It is "
            "said of the whole interval, as *reproduced* is.",
        ),
        Mistake(
            lambda mean, low, high, threshold: (
                HALF if low <= threshold <= high else YES if mean > threshold else NO
            ),
            "without an interval (NaN, from a single seed) you decide. Every "
            "comparison with NaN is false, so ask what must be true.",
        ),
    ),
)


def _over_all_numbers(n: int, level: float) -> tuple[float, float]:
    """Summed over every number of misses there can be."""
    chance = [stats.binom.pmf(misses, n, 1 - level) for misses in range(n + 1)]
    mean = math.fsum(misses * p for misses, p in enumerate(chance))
    return mean, math.fsum(chance[1:])


MISSES = Exercise(
    "scorecard-misses",
    reference=_over_all_numbers,
    observe=calls(
        {"n": n, "level": level}
        for n, level in ((1, 0.95), (3, 0.9), (10, 0.95), (30, 0.99), (30, 0.95))
    ),
    mistakes=(
        Mistake(
            lambda n, level: (n * (1 - level), level**n),
            "your probability is that of *no* miss. At least one is the opposite.",
        ),
        Mistake(
            lambda n, level: (n * level, 1 - level**n),
            "you count the intervals that hold the truth. The others are asked for.",
        ),
        Mistake(
            lambda n, level: (n * (1 - level), n * (1 - level)),
            "you add the probabilities. Two misses can happen together, and are then "
            "counted twice. With many intervals your sum is above 1.",
        ),
        Mistake(
            lambda n, level: (n * (1 - level), 1 - (1 - level) ** n),
            "`(1 - level) ** n` is the probability that *all* miss. What is the "
            "probability that none does?",
        ),
        Mistake(
            lambda n, level: (n * (1 - level), n * (1 - level) * level ** (n - 1)),
            "that is the probability of *exactly* one miss. Two or more count as well.",
        ),
        Mistake(
            lambda n, level: (1 - level**n, n * (1 - level)),
            "the two numbers have changed places: the expected number first.",
        ),
    ),
)

EXERCISES = (RULE, MISSES)

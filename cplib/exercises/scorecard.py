"""Exercises of the *Scorecard*: the rule of the verdicts, what many intervals miss."""

import math

from scipy import stats

from ..analysis.ledger import VERDICTS, Claim
from .checker import Exercise

YES, HALF, NO = VERDICTS[:3]
FINDINGS = (  # mean and interval, counted from the threshold
    (2.0, 1.0, 3.0), (1.0, -0.5, 2.5), (-1.0, -2.5, 0.5), (-2.0, -3.0, -1.0),
    (1.0, math.nan, math.nan), (-1.0, math.nan, math.nan),
)  # fmt: skip


def _by_the_book(mean: float, low: float, high: float, threshold: float) -> str:
    """The verdict of the Scorecard."""
    claim = Claim("", "", "", "", statistic="change", threshold=threshold)
    return claim.verdict(low, high)


RULE = Exercise(
    "scorecard-verdict",
    reference=_by_the_book,
    words=(YES, HALF, NO),
    cases=tuple(
        (*(threshold + value for value in finding), threshold)
        for threshold in (0.0, 0.5, -1.5)
        for finding in FINDINGS
    ),
    wrong=lambda mean, low, high, least: {
        "you judge by the mean alone. *Reproduced* is said of the whole interval: how "
        "far must it reach?": YES if mean > least else NO,
        "you compare the upper end of the interval. If the lower end is below the "
        "threshold, the interval holds both. Which end decides?":
            YES if high > least else NO if high < least else HALF,
        "you compare with 0. The claim says above which threshold the statistic should "
        "be.": YES if low > 0 else NO if high < 0 else HALF,
        "an interval that includes the threshold refutes nothing. There is a verdict "
        "for it.": YES if low > least else NO,
        "you say *contradicted* as soon as the mean is on the wrong side. It is said "
        "of the whole interval, as *reproduced* is.":
            NO if not mean > least else YES if low > least else HALF,
        "without an interval (NaN, from a single seed) you decide. Every comparison "
        "with NaN is false, so ask what must be true.":
            HALF if low <= least <= high else YES if mean > least else NO,
    },
)  # fmt: skip


def _over_all_numbers(n: int, level: float) -> tuple[float, float]:
    """Mean and probability, summed over all possible numbers of misses."""
    chance = [stats.binom.pmf(misses, n, 1 - level) for misses in range(n + 1)]
    mean = math.fsum(misses * p for misses, p in enumerate(chance))
    return mean, math.fsum(chance[1:])


MISSES = Exercise(
    "scorecard-misses",
    reference=_over_all_numbers,
    cases=((1, 0.95), (3, 0.9), (10, 0.95), (30, 0.99), (30, 0.95)),
    wrong=lambda n, level: {
        "your probability is that of *no* miss. At least one is the opposite.":
            (n * (1 - level), level**n),
        "you count the intervals that hold the truth. The others are asked for.":
            (n * level, 1 - level**n),
        "you add the probabilities. Two misses can happen together, and are then "
        "counted twice. With many intervals your sum is above 1.":
            (n * (1 - level), n * (1 - level)),
        "`(1 - level) ** n` is the probability that *all* miss. What is the "
        "probability that none does?": (n * (1 - level), 1 - (1 - level) ** n),
        "that is the probability of *exactly* one miss. Two or more count as well.":
            (n * (1 - level), n * (1 - level) * level ** (n - 1)),
        "the two numbers are swapped: the expected number first.":
            (1 - level**n, n * (1 - level)),
    },
)  # fmt: skip

"""Exercises of the *Scorecard*: the rule of the verdicts, what many intervals miss."""

import math

from ..analysis.ledger import VERDICTS
from .checker import Exercise

YES, HALF, NO = VERDICTS[:3]
FINDINGS = (  # mean and interval, counted from the threshold
    (2.0, 1.0, 3.0), (1.0, -0.5, 2.5), (-1.0, -2.5, 0.5), (-2.0, -3.0, -1.0),
    (1.0, math.nan, math.nan), (-1.0, math.nan, math.nan),
)  # fmt: skip


RULE = Exercise(
    "scorecard-verdict",
    reference=lambda mean, low, high, threshold: (
        YES if low > threshold else NO if high < threshold else HALF
    ),
    words=(YES, HALF, NO),
    cases=tuple(
        (*(threshold + value for value in finding), threshold)
        for threshold in (0.0, 0.5, -1.5)
        for finding in FINDINGS
    ),
    wrong=lambda mean, low, high, least: {
        "mean": YES if mean > least else NO,
        "upper-end": YES if high > least else NO if high < least else HALF,
        "zero": YES if low > 0 else NO if high < 0 else HALF,
        "refuted": YES if low > least else NO,
        "one-sided": NO if not mean > least else YES if low > least else HALF,
        "one-seed": HALF if low <= least <= high else YES if mean > least else NO,
    },
)

MISSES = Exercise(
    "scorecard-misses",
    reference=lambda n, level: (n * (1 - level), 1 - level**n),
    cases=((1, 0.95), (3, 0.9), (10, 0.95), (30, 0.99), (30, 0.95)),
    wrong=lambda n, level: {
        "no-miss": (n * (1 - level), level**n),
        "hits": (n * level, 1 - level**n),
        "added": (n * (1 - level), n * (1 - level)),
        "all-miss": (n * (1 - level), 1 - (1 - level) ** n),
        "exactly-one": (n * (1 - level), n * (1 - level) * level ** (n - 1)),
        "swapped": (1 - level**n, n * (1 - level)),
    },
)

"""Exercises of *Layer by layer*: what a share hides, what a weight is worth."""

import numpy as np

from .checker import Exercise


def _own(shares: tuple[float, float], totals: tuple[float, float]) -> float:
    """Both traces of the layer, and then their ratio."""
    traces = [share * total for share, total in zip(shares, totals, strict=True)]
    return traces[1] / traces[0]


OWN = Exercise(
    "layers-read",
    reference=_own,
    cases=(
        ((0.2, 0.1), (10.0, 40.0)),
        ((0.1, 0.3), (5.0, 5.0)),
        ((0.5, 0.4), (8.0, 2.0)),
    ),
    wrong=lambda shares, totals: {
        "share": shares[1] / shares[0],
        "total": totals[1] / totals[0],
        "inverted": 1 / _own(shares, totals),
        "ratio": shares[1] / shares[0] / (totals[1] / totals[0]),
        "difference": shares[1] * totals[1] - shares[0] * totals[0],
    },
)


def _one_weight(trace: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Information of one weight, over its mean over all weights of the network."""
    each = np.repeat(trace / weights, weights)
    return trace / weights / each.mean()


PAIRS = ([1.0, 1.0], [10, 30]), ([4.0, 2.0, 6.0], [5, 50, 20]), ([3.0, 3.0], [7, 7])

WORTH = Exercise(
    "layers-weights",
    reference=_one_weight,
    cases=tuple(tuple(map(np.array, pair)) for pair in PAIRS),
    wrong=lambda trace, weights: {
        "own-units": trace / weights,
        "inverted": 1 / _one_weight(trace, weights),
        "by-layer": trace / weights / (trace / weights).mean(),
        "share": trace / trace.sum(),
    },
)

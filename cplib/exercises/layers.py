"""Exercises of *Layer by layer*: what a share hides, what a weight is worth."""

from __future__ import annotations

import numpy as np

from .checker import Exercise, Mistake, calls

__all__ = ["EXERCISES"]


def _own(shares, totals) -> float:
    """Both traces of the layer, and then their ratio."""
    traces = [share * total for share, total in zip(shares, totals, strict=True)]
    return traces[1] / traces[0]


OWN = Exercise(
    "layers-read",
    reference=_own,
    observe=calls(
        {"shares": shares, "totals": totals}
        for shares, totals in (
            ((0.2, 0.1), (10.0, 40.0)),
            ((0.1, 0.3), (5.0, 5.0)),
            ((0.5, 0.4), (8.0, 2.0)),
        )
    ),
    mistakes=(
        Mistake(
            lambda shares, totals: shares[1] / shares[0],
            "that is the change of the share. The whole of which it is a share has "
            "changed as well.",
        ),
        Mistake(
            lambda shares, totals: totals[1] / totals[0],
            "that is the change of the whole network.",
        ),
        Mistake(
            lambda shares, totals: 1 / _own(shares, totals),
            "upside down: above 1 should mean that the layer's trace has grown.",
        ),
        Mistake(
            lambda shares, totals: shares[1] / shares[0] / (totals[1] / totals[0]),
            "a share is a trace *divided* by the total. What undoes that?",
        ),
        Mistake(
            lambda shares, totals: shares[1] * totals[1] - shares[0] * totals[0],
            "that is a difference. By which *factor* does the trace change?",
        ),
    ),
)


def _one_weight(trace: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Information of one weight, over its mean over all weights of the network."""
    each = np.repeat(trace / weights, weights)
    return trace / weights / each.mean()


WORTH = Exercise(
    "layers-weights",
    reference=_one_weight,
    observe=calls(
        {"trace": np.array(trace), "weights": np.array(weights)}
        for trace, weights in (
            ([1.0, 1.0], [10, 30]),
            ([4.0, 2.0, 6.0], [5, 50, 20]),
            ([3.0, 3.0], [7, 7]),
        )
    ),
    mistakes=(
        Mistake(
            lambda trace, weights: trace / weights,
            "that is the trace of one weight, in the trace's own units. Compare it "
            "with the mean over the network: both should be parts of a whole.",
        ),
        Mistake(
            lambda trace, weights: weights / weights.sum() / (trace / trace.sum()),
            "upside down: above 1 should mean that a weight of the layer has more than "
            "its part.",
        ),
        Mistake(
            lambda trace, weights: trace / weights / (trace / weights).mean(),
            "your mean counts each layer once. Over the network, each *weight* counts "
            "once, and large layers have more of them.",
        ),
        Mistake(
            lambda trace, weights: trace / trace.sum(),
            "that is the share. Now divide by the layer's part of the weights.",
        ),
    ),
)

EXERCISES = (OWN, WORTH)

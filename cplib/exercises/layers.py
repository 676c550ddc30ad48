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
        ((0.2, 0.1), (10.0, 40.0)), ((0.1, 0.3), (5.0, 5.0)), ((0.5, 0.4), (8.0, 2.0)),
    ),
    wrong=lambda shares, totals: {
        "that is the change of the share. The total, of which it is a share, has "
        "changed as well.": shares[1] / shares[0],
        "that is the change of the whole network.": totals[1] / totals[0],
        "upside down: above 1 should mean that the layer's trace has grown.":
            1 / _own(shares, totals),
        "a share is a trace *divided* by the total. What undoes that?":
            shares[1] / shares[0] / (totals[1] / totals[0]),
        "that is a difference. By which *factor* does the trace change?":
            shares[1] * totals[1] - shares[0] * totals[0],
    },
)  # fmt: skip


def _one_weight(trace: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Information of one weight, over its mean over all weights of the network."""
    each = np.repeat(trace / weights, weights)
    return trace / weights / each.mean()


PAIRS = (
    ([1.0, 1.0], [10, 30]), ([4.0, 2.0, 6.0], [5, 50, 20]), ([3.0, 3.0], [7, 7]),
)  # fmt: skip

WORTH = Exercise(
    "layers-weights",
    reference=_one_weight,
    cases=tuple(tuple(map(np.array, pair)) for pair in PAIRS),
    wrong=lambda trace, weights: {
        "that is the trace of one weight, in the trace's own units. Compare it with "
        "the mean over the network: both should be parts of a whole.": trace / weights,
        "upside down: above 1 should mean that a weight of the layer has more than its "
        "part.": 1 / _one_weight(trace, weights),
        "your mean counts each layer once. Over the network, each *weight* counts "
        "once, and large layers have more of them.":
            trace / weights / (trace / weights).mean(),
        "that is the share. Now divide by the layer's part of the weights.":
            trace / trace.sum(),
    },
)  # fmt: skip

"""Exercises of *Depth*: what a unit sees, and an interval over seeds."""

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from .checker import Exercise


def _by_tracing(kernels: list[int], strides: list[int]) -> int:
    """Pixels from the first to the last that one unit reaches, layer by layer down."""
    reached = {0}
    for kernel, stride in zip(kernels[::-1], strides[::-1], strict=True):
        reached = {unit * stride + k for unit in reached for k in range(kernel)}
    return max(reached) - min(reached) + 1


def _sees(kernels, strides, *, own_stride=False, flat=False, whole=False) -> int:
    """The rule, and ways to get it wrong."""
    sees, step = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        step = step * stride if own_stride else step
        sees += (kernel if whole else kernel - 1) * (1 if flat else step)
        step = step if own_stride else step * stride
    return sees


SEES = Exercise(
    "depth-sees",
    reference=_by_tracing,
    cases=(
        ([3], [1]),
        ([3, 3], [1, 1]),
        ([3, 3], [2, 1]),
        ([5, 3, 1], [2, 2, 1]),
        ([3, 3, 3, 3, 3, 3, 3, 3, 1, 1], [1, 1, 2, 1, 2, 1, 2, 1, 1, 1]),
    ),
    wrong=lambda kernels, strides: {
        "own-stride": _sees(kernels, strides, own_stride=True),
        "no-strides": _sees(kernels, strides, flat=True),
        "whole-kernel": _sees(kernels, strides, whole=True),
        "no-pixel": _sees(kernels, strides) - 1,
    },
)


def _not_rejected(values: np.ndarray) -> tuple[float, float]:
    """The means that a t test at 5 % would not reject."""

    def excess(mean: float) -> float:
        return stats.ttest_1samp(values, mean).pvalue - 0.05

    centre, far = values.mean(), 20 * np.ptp(values)
    ends = [(centre - far, centre), (centre, centre + far)]
    low, high = (brentq(excess, *pair, xtol=1e-7, rtol=1e-7) for pair in ends)
    return low, high


def _around(values: np.ndarray, half: float) -> tuple[float, float]:
    return values.mean() - half, values.mean() + half


def _factor(values: np.ndarray, level: float = 0.975) -> float:
    return stats.t.ppf(level, len(values) - 1)


VALUES = [1.0, 2.0, 4.0], [-0.3, 0.1], [5.0, 6.0, 5.5, 7.0, 4.0]

INTERVAL = Exercise(
    "depth-measure",
    reference=_not_rejected,
    cases=tuple((np.array(values),) for values in VALUES),
    wrong=lambda x: {
        "normal": _around(x, 1.96 * stats.sem(x)),
        "spread": _around(x, _factor(x) * x.std(ddof=1)),
        "variance": _around(x, _factor(x) * x.var(ddof=1) / len(x)),
        "by-n": _around(x, _factor(x) * x.std() / len(x) ** 0.5),
        "one-sided": _around(x, _factor(x, 0.95) * stats.sem(x)),
        "half": (x.mean(), _factor(x) * stats.sem(x)),
    },
)

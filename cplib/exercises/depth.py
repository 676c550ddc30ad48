"""Exercises of *Depth*: what a unit sees, and an interval over seeds."""

import numpy as np
from scipy import stats

from .checker import Exercise


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
    reference=lambda kernels, strides: _sees(kernels, strides),
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


def _around(values: np.ndarray, half: float) -> tuple[float, float]:
    return values.mean() - half, values.mean() + half


def _factor(values: np.ndarray, level: float = 0.975) -> float:
    return stats.t.ppf(level, len(values) - 1)


VALUES = [1.0, 2.0, 4.0], [-0.3, 0.1], [5.0, 6.0, 5.5, 7.0, 4.0]

INTERVAL = Exercise(
    "depth-measure",
    reference=lambda values: _around(values, _factor(values) * stats.sem(values)),
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

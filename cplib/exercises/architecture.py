"""Exercises of *Architecture and optimiser*: time, temperature, length of weights."""

import math

import numpy as np

from .checker import Exercise


def _by_steps(rate: float, images: int, batch: int) -> tuple[float, float]:
    """Time summed step by step, temperature as the time that one image brings."""
    time = math.fsum(rate for _ in range(images // batch))
    return time, time / images


CLOCK = Exercise(
    "architecture-time",
    reference=_by_steps,
    cases=((0.05, 1280, 128), (0.01, 5120, 64), (0.001, 51_200, 128), (0.3, 12, 1)),
    wrong=lambda rate, n, batch: {
        "swapped": (rate / batch, rate * n / batch),
        "per-image": (rate * n, rate / batch),
        "batch-heats": (rate * n / batch, rate * batch),
        "one-step": (rate * n / batch, rate**2 / batch),
        "steps": (n / batch, rate / batch),
    },
)


def _by_vectors(w2: float, g2: float, rate: float) -> float:
    """The step, taken by two vectors in a plane that are perpendicular."""
    w, g = np.array([math.sqrt(w2), 0]), np.array([0, math.sqrt(g2)])
    return np.linalg.norm(w - rate * g) ** 2


NORM = Exercise(
    "architecture-norm",
    reference=_by_vectors,
    cases=((1.0, 1.0, 0.5), (9.0, 4.0, 0.1), (2.0, 30.0, 0.05)),
    wrong=lambda w2, g2, rate: {
        "shrinks": w2 - rate**2 * g2,
        "not-squared": w2 + rate * g2,
        "along": (w2**0.5 - rate * g2**0.5) ** 2,
        "circle": w2,
    },
)

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
        "the two numbers are swapped: time first, then temperature.":
            (rate / batch, rate * n / batch),
        "your time has a step for each image. An epoch has one for each mini-batch.":
            (rate * n, rate / batch),
        "your temperature rises with the mini-batch. A larger one averages over more "
        "images, and shakes less.": (rate * n / batch, rate * batch),
        "that is the variance of a single step. The temperature is the variance for "
        "each unit of *time*, and a step takes the time η.":
            (rate * n / batch, rate**2 / batch),
        "you count steps. A step with a larger rate takes more time.":
            (n / batch, rate / batch),
    },
)  # fmt: skip


def _by_vectors(w2: float, g2: float, rate: float) -> float:
    """The step, taken by two vectors in a plane that are perpendicular."""
    w, g = np.array([math.sqrt(w2), 0]), np.array([0, math.sqrt(g2)])
    return np.linalg.norm(w - rate * g) ** 2


NORM = Exercise(
    "architecture-norm",
    reference=_by_vectors,
    cases=((1.0, 1.0, 0.5), (9.0, 4.0, 0.1), (2.0, 30.0, 0.05)),
    wrong=lambda w2, g2, rate: {
        "your weights shrink. Draw the two arrows: the step leads away at a right "
        "angle.": w2 - rate**2 * g2,
        "the step has the length η |∇L|, and its square is needed.": w2 + rate * g2,
        "you subtract lengths, as if the gradient pointed along the weights. By part "
        "(a) it is perpendicular to them.": (w2**0.5 - rate * g2**0.5) ** 2,
        "along a circle the length would stay, but a step is straight and leaves the "
        "circle.": w2,
    },
)

"""Exercises of *Architecture and optimiser*: time, temperature, length of weights."""

from __future__ import annotations

import math

import numpy as np

from .checker import Exercise, Mistake, calls

__all__ = ["EXERCISES"]


def _by_steps(rate: float, pictures: int, batch: int) -> tuple[float, float]:
    """Time summed step by step, temperature as the time that one picture brings."""
    time = math.fsum(rate for _ in range(pictures // batch))
    return time, time / pictures


CLOCK = Exercise(
    "architecture-time",
    reference=_by_steps,
    observe=calls(
        {"rate": rate, "pictures": pictures, "batch": batch}
        for rate, pictures, batch in (
            (0.05, 1280, 128),
            (0.01, 5120, 64),
            (0.001, 51_200, 128),
            (0.3, 12, 1),
        )
    ),
    mistakes=(
        Mistake(
            lambda rate, pictures, batch: (rate / batch, rate * pictures / batch),
            "the two numbers have changed places: time first, then temperature.",
        ),
        Mistake(
            lambda rate, pictures, batch: (rate * pictures, rate / batch),
            "your time has a step for each picture. An epoch has one for each "
            "mini-batch.",
        ),
        Mistake(
            lambda rate, pictures, batch: (rate * pictures / batch, rate * batch),
            "your temperature rises with the mini-batch. A larger one averages over "
            "more pictures, and shakes less.",
        ),
        Mistake(
            lambda rate, pictures, batch: (rate * pictures / batch, rate**2 / batch),
            "that is the variance of a single step. The temperature is the variance "
            "for each unit of *time*, and a step takes the time η.",
        ),
        Mistake(
            lambda rate, pictures, batch: (pictures / batch, rate / batch),
            "you count steps. A step with a larger rate takes more time.",
        ),
    ),
)


def _by_vectors(w2: float, g2: float, rate: float) -> float:
    """The step, taken by two vectors in a plane that are perpendicular."""
    w, g = np.array([math.sqrt(w2), 0]), np.array([0, math.sqrt(g2)])
    return np.linalg.norm(w - rate * g) ** 2


NORM = Exercise(
    "architecture-norm",
    reference=_by_vectors,
    observe=calls(
        {"w2": w2, "g2": g2, "rate": rate}
        for w2, g2, rate in ((1.0, 1.0, 0.5), (9.0, 4.0, 0.1), (2.0, 30.0, 0.05))
    ),
    mistakes=(
        Mistake(
            lambda w2, g2, rate: w2 - rate**2 * g2,
            "your weights shrink. Draw the two arrows: the step leads away at a right "
            "angle.",
        ),
        Mistake(
            lambda w2, g2, rate: w2 + rate * g2,
            "the step has the length η |∇L|, and its square is needed.",
        ),
        Mistake(
            lambda w2, g2, rate: (math.sqrt(w2) - rate * math.sqrt(g2)) ** 2,
            "you subtract lengths, as if the gradient pointed along the weights. By "
            "part (a) it is perpendicular to them.",
        ),
        Mistake(
            lambda w2, g2, rate: w2,
            "along a circle the length would stay, but a step is straight and leaves "
            "the circle.",
        ),
    ),
)

EXERCISES = (CLOCK, NORM)

"""Exercises of *Architecture and optimiser*: time, temperature, length of weights."""

from .checker import Exercise

CLOCK = Exercise(
    "architecture-time",
    reference=lambda rate, images, batch: (rate * images / batch, rate / batch),
    cases=((0.05, 1280, 128), (0.01, 5120, 64), (0.001, 51_200, 128), (0.3, 12, 1)),
    wrong=lambda rate, n, batch: {
        "swapped": (rate / batch, rate * n / batch),
        "per-image": (rate * n, rate / batch),
        "batch-heats": (rate * n / batch, rate * batch),
        "one-step": (rate * n / batch, rate**2 / batch),
        "steps": (n / batch, rate / batch),
    },
)

NORM = Exercise(
    "architecture-norm",
    reference=lambda w2, g2, rate: w2 + rate**2 * g2,
    cases=((1.0, 1.0, 0.5), (9.0, 4.0, 0.1), (2.0, 30.0, 0.05)),
    wrong=lambda w2, g2, rate: {
        "shrinks": w2 - rate**2 * g2,
        "not-squared": w2 + rate * g2,
        "along": (w2**0.5 - rate * g2**0.5) ** 2,
        "circle": w2,
    },
)

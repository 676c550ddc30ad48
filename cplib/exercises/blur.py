"""Exercises of *Blur*: steps of an epoch, the cost of a window, the age of the peak."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar

from .checker import Exercise, Mistake, calls

__all__ = ["EXERCISES"]

STEPS = Exercise(
    "blur-steps",
    reference=lambda pictures, batch: len(range(batch, pictures + 1, batch)),
    observe=calls(
        {"pictures": pictures, "batch": batch}
        for pictures, batch in ((128, 128), (5000, 128), (50_000, 128), (127, 128))
    ),
    mistakes=(
        Mistake(
            lambda pictures, batch: math.ceil(pictures / batch),
            "you count the last, incomplete mini-batch. It is left out.",
        ),
        Mistake(
            lambda pictures, batch: pictures / batch,
            "a step is taken whole or not at all.",
        ),
        Mistake(
            lambda pictures, batch: round(pictures / batch),
            "you round to the nearest number. The last mini-batch is left out when it "
            "is incomplete, be it ever so nearly full.",
        ),
        Mistake(
            lambda pictures, batch: pictures,
            "one step is taken for each mini-batch, not for each picture.",
        ),
    ),
)


def _accuracies(seeds: int) -> dict[str, np.ndarray]:
    names = ("final", "baseline", "control")
    return dict(
        zip(names, np.random.default_rng(seeds).random((3, seeds)), strict=True)
    )


def _cost(final, baseline, control) -> float:
    """The same, in another order: errors first, in points, one seed after another."""
    errors = [[100 - 100 * value for value in values] for values in (final, control)]
    return math.fsum(f - c for f, c in zip(*errors, strict=True)) / len(final)


COST = Exercise(
    "blur-sum",
    reference=_cost,
    observe=calls(_accuracies(seeds) for seeds in (1, 3, 5)),
    mistakes=(
        Mistake(
            lambda final, baseline, control: 100 * np.mean(baseline - final),
            "you compare with the baseline. With as many epochs *in all* as the "
            "network with the window trains another one.",
        ),
        Mistake(
            lambda final, baseline, control: 100 * np.mean(final - control),
            "a loss is to be a positive number.",
        ),
        Mistake(
            lambda final, baseline, control: np.mean(control - final),
            "accuracies are given as numbers from 0 to 1, and the cost is asked for "
            "in points.",
        ),
        Mistake(
            lambda final, baseline, control: 100 * np.mean((control - final) / control),
            "you divide by an accuracy. Points are plain differences of per cent.",
        ),
        Mistake(
            lambda final, baseline, control: 100 * (control - final),
            "that is one number for each seed. Take the mean over them.",
        ),
    ),
)


def _highest(d: float, tau1: float, tau2: float, k: float) -> float:
    """The age at which the curve is highest, by search."""

    def depth(t: float) -> float:
        return k * math.exp(-(t - d) / tau2) - math.exp(-(t - d) / tau1)

    bounds = (d - 10 * tau1, d + 10 * tau1)
    return minimize_scalar(depth, bounds=bounds, options={"xatol": 1e-7}).x


PEAK = Exercise(
    "blur-fit",
    reference=_highest,
    observe=calls(
        {"d": d, "tau1": tau1, "tau2": tau2, "k": k}
        for d, tau1, tau2, k in (
            (14.0, 40.0, 15.0, 1.0),
            (10.0, 30.0, 20.0, 2.0),
            (20.0, 50.0, 5.0, 0.8),
        )
    ),
    mistakes=(
        Mistake(
            lambda d, tau1, tau2, k: (
                d + math.log(tau2 / (k * tau1)) / (1 / tau2 - 1 / tau1)
            ),
            "the logarithm is that of the ratio the wrong way round. Is your peak "
            "before or after the curve begins?",
        ),
        Mistake(
            lambda d, tau1, tau2, k: d + math.log(tau1 / tau2) / (1 / tau2 - 1 / tau1),
            "the factor k got lost when you took the logarithm.",
        ),
        Mistake(
            lambda d, tau1, tau2, k: math.log(k * tau1 / tau2) / (1 / tau2 - 1 / tau1),
            "that is the time from d on. The age is asked for.",
        ),
        Mistake(
            lambda d, tau1, tau2, k: d + math.log(k) / (1 / tau2 - 1 / tau1),
            "that is where the curve itself is zero. At the peak its slope is: each "
            "exponential, differentiated, brings down its own 1/τ.",
        ),
    ),
)

EXERCISES = (STEPS, COST, PEAK)

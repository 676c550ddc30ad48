"""Exercises of *Blur*: steps of an epoch, the cost of a window, the age of the peak."""

import math

import numpy as np

from .checker import Exercise

STEPS = Exercise(
    "blur-steps",
    reference=lambda images, batch: len(range(batch, images + 1, batch)),
    cases=((128, 128), (5000, 128), (50_000, 128), (127, 128)),
    wrong=lambda images, batch: {
        "incomplete": math.ceil(images / batch),
        "fraction": images / batch,
        "rounded": round(images / batch),
        "images": images,
    },
)

COST = Exercise(
    "blur-sum",
    reference=lambda final, baseline, control: 100 * np.mean(control - final),
    cases=tuple(tuple(np.random.default_rng(n).random((3, n))) for n in (1, 3, 5)),
    wrong=lambda final, baseline, control: {
        "baseline": 100 * np.mean(baseline - final),
        "sign": 100 * np.mean(final - control),
        "per-cent": np.mean(control - final),
        "relative": 100 * np.mean(1 - final / control),
        "by-seed": 100 * (control - final),
    },
)


def _after(ratio: float, tau1: float, tau2: float) -> float:
    return math.log(ratio) / (1 / tau2 - 1 / tau1)


PEAK = Exercise(
    "blur-fit",
    reference=lambda d, tau1, tau2, k: d + _after(k * tau1 / tau2, tau1, tau2),
    cases=((14.0, 40.0, 15.0, 1.0), (10.0, 30.0, 20.0, 2.0), (20.0, 50.0, 5.0, 0.8)),
    wrong=lambda d, tau1, tau2, k: {
        "inverted": d + _after(tau2 / (k * tau1), tau1, tau2),
        "no-k": d + _after(tau1 / tau2, tau1, tau2),
        "from-d": _after(k * tau1 / tau2, tau1, tau2),
        "zero": d + _after(k, tau1, tau2),
    },
)

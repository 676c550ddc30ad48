"""Exercises of *Deprivation*: bits to know by heart, noise that stays."""

from __future__ import annotations

import math

import numpy as np
import torch

from .checker import Exercise, Mistake, Observations, calls, shaped

__all__ = ["EXERCISES"]

BITS = Exercise(
    "deprivation-bits",
    # the number of ways to label the set, as a whole number
    reference=lambda pictures, classes: math.log2(classes**pictures),
    observe=calls(
        {"pictures": pictures, "classes": classes}
        for pictures, classes in ((1, 2), (1, 10), (5000, 10), (300, 4))
    ),
    mistakes=(
        Mistake(
            lambda pictures, classes: pictures * math.log(classes),
            "these are nats, by the natural logarithm. A bit is a choice between two.",
        ),
        Mistake(
            lambda pictures, classes: classes * math.log2(pictures),
            "pictures and classes have changed places: a label is one of so many "
            "classes, and there is a label for each picture.",
        ),
        Mistake(
            lambda pictures, classes: pictures * classes,
            "one bit for each class is more than a label needs. How many questions "
            "with yes or no find one of them?",
        ),
        Mistake(
            lambda pictures, classes: pictures * math.ceil(math.log2(classes)),
            "you round up to whole bits for each label. Taken together, labels need "
            "less: do not round.",
        ),
        Mistake(
            lambda pictures, classes: math.log2(classes * pictures),
            "you multiply inside the logarithm. With each picture the number of "
            "possible labellings is multiplied by the number of classes.",
        ),
    ),
)


def _observe_noise(answer) -> Observations:
    x = torch.linspace(-2, 2, 64)[:, None, None, None].expand(64, 3, 8, 8)
    y = shaped(answer(x, 1), x.shape)
    twin = (y == y[:1]).all((1, 2, 3))[1:]
    grey = np.isclose(y[:, 0], y[:, 1]).all()
    alike = (y[..., 1:, :] == y[..., :-1, :]).mean(), (y[..., 1:] == y[..., :-1]).mean()
    return [
        ("noise of the same seed, drawn twice, is", _same(y, answer(x, 1))),
        ("noise in the place of other pictures is", _same(y, answer(x + 5, 1))),
        ("noise of another seed is", _same(y, answer(x, 2))),
        (
            "pictures with the same noise as the first:",
            "some" if twin.any() else "none",
        ),
        ("noise in the three channels is", "the same" if grey else "another"),
        ("neighbours with the same noise:", "some" if max(alike) > 0.1 else "none"),
        ("its mean is", _about(y.mean(), 0)),
        ("its standard deviation is", _about(y.std(), 1)),
    ]


def _same(one: np.ndarray, other: np.ndarray) -> str:
    return "the same" if np.array_equal(one, other) else "another"


def _about(value: float, wanted: float) -> float:
    """`wanted` if it is near, for chance is not what is examined."""
    return wanted if abs(value - wanted) < 0.2 else round(float(value), 1)


def _random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


NOISE = Exercise(
    "deprivation-noise",
    reference=lambda x, seed: np.random.default_rng(seed).standard_normal(x.shape),
    observe=_observe_noise,
    mistakes=(
        Mistake(
            lambda x, seed: torch.randn(x.shape),
            "the noise is new each time it is drawn. Then nothing comes round twice "
            "in training, and there is nothing to memorise. Let the seed decide.",
        ),
        Mistake(
            lambda x, seed: torch.randn(x.shape[1:], generator=_random(seed)).expand(
                x.shape
            ),
            "all pictures are replaced by the same noise. Then no label can be told "
            "from another: each picture needs noise of its own.",
        ),
        Mistake(
            lambda x, seed: torch.rand(x.shape, generator=_random(seed)),
            "that is uniform noise between 0 and 1. Gaussian noise of mean 0 and "
            "standard deviation 1 is asked for.",
        ),
        Mistake(
            lambda x, seed: x + torch.randn(x.shape, generator=_random(seed)),
            "you add noise to the picture, which can still be seen behind it. Noise "
            "is to take its place.",
        ),
        Mistake(
            lambda x, seed: torch.randn(
                (len(x), 1, *x.shape[2:]), generator=_random(seed)
            ).expand(x.shape),
            "your noise is grey: the same in all three channels. Each number should be "
            "independent of the others.",
        ),
        Mistake(
            lambda x, seed: torch.randn(
                (*x.shape[:3], 1), generator=_random(seed)
            ).expand(x.shape),
            "your noise has stripes or patches: neighbouring pixels have the same "
            "value. Draw a number for each of them.",
        ),
        Mistake(
            lambda x, seed: torch.randn(x.shape, generator=_random(0)),
            "the noise does not depend on the seed, so that all runs would be "
            "deprived by the same pictures.",
        ),
    ),
)

EXERCISES = (BITS, NOISE)

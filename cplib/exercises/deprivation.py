"""Exercises of *Deprivation*: bits to memorise, noise that stays."""

import math

import numpy as np
import torch

from .checker import Exercise, Observations, randomly, shaped

BITS = Exercise(
    "deprivation-bits",
    # the number of ways to label the set, as a whole number
    reference=lambda images, classes: math.log2(classes**images),
    cases=((1, 2), (1, 10), (5000, 10), (300, 4)),
    wrong=lambda images, classes: {
        "these are nats, by the natural logarithm. A bit is a choice between two.":
            images * math.log(classes),
        "images and classes are swapped: a label is one of so many classes, and there "
        "is a label for each image.": classes * math.log2(images),
        "one bit for each class is more than a label needs. How many yes-or-no "
        "questions find one of them?": images * classes,
        "you round up to whole bits for each label. Taken together, labels need less: "
        "do not round.": images * math.ceil(math.log2(classes)),
        "you multiply inside the logarithm. With each image the number of possible "
        "labellings is multiplied by the number of classes.":
            math.log2(classes * images),
    },
)  # fmt: skip


def _observe_noise(answer) -> Observations:
    x = torch.linspace(-2, 2, 64)[:, None, None, None].expand(64, 3, 8, 8)
    y = shaped(answer(x, 1), x.shape)
    twin = (y == y[:1]).all((1, 2, 3))[1:].any()
    grey = np.isclose(y[:, 0], y[:, 1]).all()
    alike = (y[..., 1:, :] == y[..., :-1, :]).mean(), (y[..., 1:] == y[..., :-1]).mean()
    return [
        ("noise of the same seed, drawn twice, is", _same(y, answer(x, 1))),
        ("noise in the place of other images is", _same(y, answer(x + 5, 1))),
        ("noise of another seed is", _same(y, answer(x, 2))),
        ("images with the same noise as the first:", "some" if twin else "none"),
        ("noise in the three channels is", "the same" if grey else "another"),
        ("neighbours with the same noise:", "some" if max(alike) > 0.1 else "none"),
        ("its mean is", _about(y.mean(), 0)),
        ("its standard deviation is", _about(y.std(), 1)),
    ]


def _same(one: np.ndarray, other: np.ndarray) -> str:
    return "the same" if np.array_equal(one, other) else "another"


def _about(value: float, wanted: float) -> float:
    """`wanted` if `value` is near, since chance is not examined."""
    return wanted if abs(value - wanted) < 0.2 else round(float(value), 1)


def _spread(x: torch.Tensor, seed: int, *shape: int) -> torch.Tensor:
    """Noise of `shape`, repeated over the shape of `x`."""
    return torch.randn(shape, generator=randomly(seed)).expand(x.shape)


NOISE = Exercise(
    "deprivation-noise",
    reference=lambda x, seed: np.random.default_rng(seed).standard_normal(x.shape),
    observe=_observe_noise,
    wrong=lambda x, seed: {
        "the noise is new each time it is drawn. Then no image comes back in "
        "training, and there is nothing to memorise. Let the seed decide.":
            torch.randn(x.shape),
        "all images are replaced by the same noise. Then no label can be told from "
        "another: each image needs noise of its own.": _spread(x, seed, *x.shape[1:]),
        "that is uniform noise between 0 and 1. Gaussian noise of mean 0 and standard "
        "deviation 1 is asked for.": torch.rand(x.shape, generator=randomly(seed)),
        "you add noise to the image, which can still be seen behind it. Noise should "
        "take its place.": x + _spread(x, seed, *x.shape),
        "your noise is grey: the same in all three channels. Each number should be "
        "independent of the others.": _spread(x, seed, len(x), 1, *x.shape[2:]),
        "your noise has stripes or patches: neighbouring pixels have the same value. "
        "Draw a number for each of them.": _spread(x, seed, *x.shape[:3], 1),
        "the noise does not depend on the seed, so that all runs would be deprived by "
        "the same images.": _spread(x, 0, *x.shape),
    },
)  # fmt: skip

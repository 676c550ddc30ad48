"""Exercises of *Deprivation*: bits to memorise, noise that stays."""

import math

import numpy as np
import torch

from .checker import Exercise, Observations, randomly, shaped

BITS = Exercise(
    "deprivation-bits",
    reference=lambda images, classes: images * math.log2(classes),
    cases=((1, 2), (1, 10), (5000, 10), (300, 4)),
    wrong=lambda images, classes: {
        "nats": images * math.log(classes),
        "swapped": classes * math.log2(images),
        "by-class": images * classes,
        "rounded": images * math.ceil(math.log2(classes)),
        "inside": math.log2(classes * images),
    },
)


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
        "new": torch.randn(x.shape),
        "same": _spread(x, seed, *x.shape[1:]),
        "uniform": torch.rand(x.shape, generator=randomly(seed)),
        "added": x + _spread(x, seed, *x.shape),
        "grey": _spread(x, seed, len(x), 1, *x.shape[2:]),
        "stripes": _spread(x, seed, *x.shape[:3], 1),
        "no-seed": _spread(x, 0, *x.shape),
    },
)

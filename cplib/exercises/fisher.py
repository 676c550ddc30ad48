"""Exercises of *Fisher information*: a trace by enumeration, a direction by signs."""

import itertools

import torch
from torch import Tensor

from .checker import Exercise, Observations, randomly, shaped


def _task(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (4, 3), images (5, 3) and labels (5,)."""
    random = randomly(seed)
    weights, x = (torch.randn(n, 3, generator=random) for n in (4, 5))
    return weights, x, torch.randint(4, (5,), generator=random)


def _lengths(weights: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities and squared gradients for each label, both (N, classes)."""
    p = (x @ weights.T).softmax(1)
    errors = (torch.eye(len(weights)) - p[:, None]).square().sum(2)
    return p, errors * x.square().sum(1, keepdim=True)


def _of_labels(weights: Tensor, x: Tensor, labels: Tensor) -> Tensor:
    return _lengths(weights, x)[1].gather(1, labels[:, None]).mean()


TRACE = Exercise(
    "fisher-trace",
    reference=lambda weights, x, labels: torch.mul(*_lengths(weights, x)).sum(1).mean(),
    cases=tuple(map(_task, range(2))),
    wrong=lambda w, x, labels: {
        "empirical": _of_labels(w, x, labels),
        "likeliest": _of_labels(w, x, (x @ w.T).argmax(1)),
        "equal": _lengths(w, x)[1].mean(),
        "sum": torch.mul(*_lengths(w, x)).sum(),
        "scores": 1 - _lengths(w, x)[0].square().sum(1).mean(),
    },
)

ANSWERS = ([0.5, 0.5], [0.7, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1])


def _observe_direction(answer) -> Observations:
    """The mean of v v^T over all signs, by enumeration."""
    seen = []
    for chances in ANSWERS:
        p = torch.tensor(chances)
        draws = [torch.tensor(s) for s in itertools.product((-1.0, 1.0), repeat=len(p))]
        found = [shaped(answer(p, signs), p.shape) for signs in draws]
        mean = sum(v[:, None] * v for v in found) / len(found)
        what = f"p = {chances}: over all signs, the mean of v vᵀ is"
        seen.append((what, mean.round(6)))
    return seen


SIGNS = Exercise(
    "fisher-signs",
    reference=lambda p, signs: p.sqrt() * signs - p * (p.sqrt() * signs).sum(),
    observe=_observe_direction,
    wrong=lambda p, s: {
        "one-term": p.sqrt() * s,
        "p-inside": p.sqrt() * s - p * (p * s).sum(),
        "not-root": p * s - p * (p * s).sum(),
        "p-outside": p.sqrt() * s - p.sqrt() * (p.sqrt() * s).sum(),
    },
)

"""Exercises of *Fisher information*: a trace by enumeration, a direction by signs."""

from __future__ import annotations

import itertools

import torch

from .checker import Exercise, Mistake, Observations, calls, shaped

__all__ = ["EXERCISES"]

Tensor = torch.Tensor


def _by_autograd(weights: Tensor, x: Tensor, labels: Tensor) -> float:
    """Every picture with every label: squared gradients, weighted by their chances."""
    weights = weights.double().requires_grad_()
    total = 0.0
    for picture in x.double():
        log_p = (weights @ picture).log_softmax(0)
        for each in log_p:
            (found,) = torch.autograd.grad(each, weights, retain_graph=True)
            total += each.exp().item() * found.square().sum().item()
    return total / len(x)


def _task(seed: int) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    weights = torch.randn(4, 3, generator=random)
    x = torch.randn(5, 3, generator=random)
    labels = torch.randint(4, (5,), generator=random)
    return {"weights": weights, "x": x, "labels": labels}


def _lengths(weights: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities (N, classes) and squared gradients for each label, the same."""
    p = (x @ weights.T).softmax(1)
    errors = (torch.eye(len(weights)) - p[:, None]).square().sum(2)
    return p, errors * x.square().sum(1, keepdim=True)


def _of_labels(weights: Tensor, x: Tensor, labels: Tensor) -> Tensor:
    return _lengths(weights, x)[1].gather(1, labels[:, None]).mean()


TRACE = Exercise(
    "fisher-trace",
    reference=_by_autograd,
    observe=calls(_task(seed) for seed in range(2)),
    mistakes=(
        Mistake(
            _of_labels,
            "you use the labels of the data. That is the empirical Fisher, which is "
            "not the Fisher information: the label comes from the network's answer.",
        ),
        Mistake(
            lambda weights, x, labels: _of_labels(
                weights, x, (x @ weights.T).argmax(1)
            ),
            "you use the most likely label alone. The others count too, each with its "
            "probability, and their gradients are longer.",
        ),
        Mistake(
            lambda weights, x, labels: _lengths(weights, x)[1].mean(),
            "all labels have the same weight in your mean. Each should have the "
            "probability that the network gives it.",
        ),
        Mistake(
            lambda weights, x, labels: (
                _lengths(weights, x)[0] * _lengths(weights, x)[1]
            ).sum(),
            "you sum over the pictures. Take their mean.",
        ),
        Mistake(
            lambda weights, x, labels: (
                1 - _lengths(weights, x)[0].square().sum(1).mean()
            ),
            "that is for the gradient by the scores. By the weights, the length of the "
            "picture comes in.",
        ),
    ),
)

ANSWERS = ([0.5, 0.5], [0.7, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1])


def _observe_direction(answer) -> Observations:
    """The mean of v v^T over all signs, by enumeration."""
    seen: Observations = []
    for chances in ANSWERS:
        p = torch.tensor(chances)
        draws = [torch.tensor(s) for s in itertools.product((-1.0, 1.0), repeat=len(p))]
        found = [shaped(answer(p, signs), p.shape) for signs in draws]
        mean = sum(v[:, None] * v for v in found) / len(found)
        seen.append(
            (f"p = {chances}: over all signs, the mean of v vᵀ is", mean.round(6))
        )
    return seen


def _by_root(p: Tensor, signs: Tensor) -> Tensor:
    """The symmetric root of diag p - p p^T, times the signs: another v of this kind."""
    values, vectors = torch.linalg.eigh(p.diag() - p[:, None] * p)
    return vectors @ (values.clamp(min=0).sqrt() * (vectors.T @ signs))


SIGNS = Exercise(
    "fisher-signs",
    reference=_by_root,
    observe=_observe_direction,
    mistakes=(
        Mistake(
            lambda p, signs: p.sqrt() * signs,
            "the mean of your v vᵀ is diag p. The second term is missing.",
        ),
        Mistake(
            lambda p, signs: p.sqrt() * signs - p * (p * signs).sum(),
            "in the second term the product with the signs needs √p, not p.",
        ),
        Mistake(
            lambda p, signs: p * signs - p * (p * signs).sum(),
            "diag √p, not diag p: squared, it should become p.",
        ),
        Mistake(
            lambda p, signs: p.sqrt() * signs - p.sqrt() * (p.sqrt() * signs).sum(),
            "in the second term the vector in front is p, not √p.",
        ),
    ),
)

EXERCISES = (TRACE, SIGNS)

"""No weight is left out without a word: networks of all kinds against plain autograd.

The reference differentiates log p(y|x) by every trainable parameter that is not a
vector, image by image and label by label, whatever the modules are that they are in.
"""

import itertools
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cplib.errors import InputError
from cplib.fisher import backward, noise_injection

ESTIMATORS = {
    "trace": backward.trace,
    "single": partial(backward.single_backward, batch=2),
    "noise": partial(noise_injection, steps=16, batch=4),
}
pytestmark = pytest.mark.usefixtures("one_thread")
PICTURES = torch.randn(6, 2, 4, 4, generator=torch.Generator().manual_seed(1))


class Net(nn.Module):
    """`first` on images (B, 2, 4, 4), then a linear map of its (flattened) answer."""

    def __init__(self, first, use, width):
        super().__init__()
        self.first, self.last = first, nn.Linear(width, 3)
        self.use = use

    def forward(self, x):
        return self.last(self.use(self.first, x).flatten(1).tanh())


class Masked(nn.Linear):
    def forward(self, x):
        return F.linear(x, self.weight.tril())


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(32, 5) / 6)

    def forward(self, x):
        return x.flatten(1) @ self.matrix


def pair(tied):
    one, other = nn.Linear(4, 4), nn.Linear(4, 4)
    if tied:
        other.weight = one.weight
    return nn.Sequential(one, nn.Tanh(), other)


def plain(first, x):
    return first(x)


def flat(first, x):
    return first(x.flatten(1))


def rows(first, x):  # the rows of each image, as a sequence
    return first(x.flatten(1, 2))


def summed(first, x):
    return rows(first, x).sum(1)


def folded(first, x):
    return first(x.flatten(0, 2)).view(len(x), -1)


def aside(first, x):
    return F.linear(x.flatten(1), first.weight)


def also_aside(first, x):
    return flat(first, x) + aside(first, x)


def attended(first, x):
    x = x.flatten(1, 2)
    return first(x, x, x)[0]


def of_signs(first, x):
    return first((x > 0).long().flatten(1))


# (module, its use, width of its answer, the weights that cannot be measured)
REFUSED = {
    "attention": (
        lambda: nn.MultiheadAttention(4, 2, batch_first=True), attended, 32,
        ["first.in_proj_weight", "first.out_proj.weight"],
    ),
    "1d": (lambda: nn.Conv1d(8, 2, 3), rows, 4, ["first.weight"]),
    "transposed": (
        lambda: nn.ConvTranspose2d(2, 1, 3), plain, 36, ["first.weight"],
    ),
    "embedding": (lambda: nn.Embedding(2, 3), of_signs, 96, ["first.weight"]),
    "recurrent": (
        lambda: nn.GRU(4, 2, batch_first=True), lambda first, x: rows(first, x)[0], 16,
        ["first.weight_ih_l0", "first.weight_hh_l0"],
    ),
    "matrix of its own": (Product, plain, 5, ["first.matrix"]),
    "another forward": (lambda: Masked(32, 5), flat, 5, ["first.weight"]),
    "never called": (lambda: nn.Linear(32, 5), aside, 5, ["first.weight"]),
    "called and used": (lambda: nn.Linear(32, 5), also_aside, 5, ["first.weight"]),
    "shared": (lambda: pair(tied=True), rows, 32, ["first.0.weight"]),
    "folded into the batch": (lambda: nn.Linear(4, 2), folded, 16, ["first.weight"]),
    "reparametrised": (
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(32, 5)), flat, 5,
        [f"first.parametrizations.weight.original{i}" for i in (0, 1)],
    ),
    "spectral": (
        lambda: nn.utils.spectral_norm(nn.Linear(32, 5)), flat, 5, ["first.weight_orig"]
    ),
}  # fmt: skip


def bent(module):
    """With a hook that changes its answer, as a reader may have set one."""
    module.register_forward_hook(lambda module, args, output: 2 * output.sin())
    return module


def half_frozen():
    net = pair(tied=False)
    net[0].weight.requires_grad_(False)
    return net


COUNTED = {
    "sequence": (lambda: pair(tied=False), summed, 4),
    "normalised": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4)),
                   plain, 16),
    "hooked": (lambda: bent(nn.Linear(32, 5)), flat, 5),
    "frozen": (half_frozen, rows, 32),
    "unused": (lambda: nn.Linear(5, 5), lambda first, x: x, 32),
    "circular": (lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"), plain,
                 32),
}  # fmt: skip


def made(first, use, width, *_):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Net(first(), use, width).eval()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def by_enumeration(net):
    """The trace of each trainable parameter's block but for vectors, by name."""
    weights = {
        n: p for n, p in net.named_parameters() if p.requires_grad and p.ndim > 1
    }
    total = dict.fromkeys(weights, 0.0)
    for image in PICTURES:
        log_p = net(image[None])[0].log_softmax(0)
        for y in range(3):
            found = torch.autograd.grad(
                log_p[y], list(weights.values()), retain_graph=True, allow_unused=True
            )
            for name, g in zip(weights, found, strict=True):
                square = 0.0 if g is None else g.double().square().sum().item()
                total[name] += log_p[y].exp().item() * square / len(PICTURES)
    return total


def by_all_signs(net, monkeypatch):
    """`fisher.trace` with each choice of signs once, so that no chance is left."""
    patterns = torch.tensor(list(itertools.product((0.7, 0.2), repeat=3)))
    monkeypatch.setattr(
        backward, "_uniform", lambda logits, _: patterns.repeat(len(logits) // 8, 1)
    )
    found = backward.trace(net, PICTURES.repeat_interleave(8, 0), generator(), chunk=16)
    names = [f"{name}.weight" for name in found.layers]
    return dict(zip(names, found.trace, strict=True))


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("kind", REFUSED)
def test_weights_that_cannot_be_measured_are_named(kind, estimator):
    net, names = made(*REFUSED[kind]), REFUSED[kind][-1]
    assert all(by_enumeration(net)[name] > 0 for name in names)  # they do count
    with pytest.raises(InputError, match="requires_grad_") as caught:
        ESTIMATORS[estimator](net, PICTURES, generator())
    assert f": {', '.join(names)};" in str(caught.value)
    assert all(p.requires_grad for p in net.parameters())
    assert not any(m._forward_hooks for m in net.modules())


@pytest.mark.parametrize("kind", REFUSED)
def test_with_these_frozen_the_others_are_measured(kind, monkeypatch):
    net = made(*REFUSED[kind])
    for name in REFUSED[kind][-1]:
        net.get_parameter(name).requires_grad_(False)
    wanted = by_enumeration(net)
    assert wanted["last.weight"] > 0
    assert by_all_signs(net, monkeypatch) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("kind", COUNTED)
def test_the_trace_is_that_of_all_trainable_weights(kind, monkeypatch):
    net = made(*COUNTED[kind])
    wanted = by_enumeration(net)
    assert by_all_signs(net, monkeypatch) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("kind", COUNTED)
def test_the_other_estimators_measure_the_same_layers(kind):
    net = made(*COUNTED[kind])
    wanted = np.array(list(by_enumeration(net).values()))
    many = PICTURES.repeat(400, 1, 1, 1)
    found = backward.single_backward(net, many, generator(), batch=6)
    assert (np.abs(found.trace - wanted) <= 5 * found.error).all()
    assert (found.trace[wanted == 0] == 0).all()
    noisy = noise_injection(net, PICTURES, generator(), beta=1e-7)
    assert noisy.layers == found.layers
    np.testing.assert_allclose(noisy.trace, wanted, rtol=0.2)


def test_noise_cannot_be_put_on_a_layer_that_is_called_twice():
    """Its noise is drawn anew at each call, but one weight has one noise."""
    net = made(lambda: nn.Linear(4, 4), lambda f, x: f(rows(f, x).tanh()), 32)
    assert backward.trace(net, PICTURES, generator()).total > 0
    with pytest.raises(InputError, match=r"called once, with .*: first\.weight;"):
        ESTIMATORS["noise"](net, PICTURES, generator())


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_networks_without_anything_to_measure_are_named(estimator):
    measure = partial(ESTIMATORS[estimator], images=PICTURES, random=generator())
    idle = made(lambda: nn.Linear(5, 5), lambda first, x: x, 32)
    idle.last.weight.requires_grad_(False)
    with pytest.raises(InputError, match="Net uses no nn.Conv2d and no nn.Linear"):
        measure(idle)
    with pytest.raises(InputError, match="Net uses no nn.Conv2d"):
        measure(idle.requires_grad_(False))
    lazy = made(lambda: nn.LazyLinear(5), flat, 5)
    with pytest.raises(InputError, match="first.weight of Net has no shape yet"):
        measure(lazy)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_of_a_diverged_network_the_trace_is_no_number(estimator):
    net = made(lambda: nn.Linear(32, 5), flat, 5)
    net.last.weight.data.fill_(float("nan"))
    assert np.isnan(ESTIMATORS[estimator](net, PICTURES, generator()).total)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_layer_that_breaks_can_still_be_trained(estimator):
    net = made(lambda: nn.Linear(31, 5), flat, 5)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        ESTIMATORS[estimator](net, PICTURES, generator())
    assert all(p.requires_grad for p in net.parameters())
    assert not any(m._forward_pre_hooks or m._forward_hooks for m in net.modules())

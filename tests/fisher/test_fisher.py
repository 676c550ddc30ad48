"""Estimates of the Fisher information against references that share no code with them.

The references: the closed form of a linear softmax model, enumeration of all labels by
plain automatic differentiation, and BackPACK's diagonal of the generalised Gauss-Newton
matrix, which for a softmax and cross-entropy is the Fisher information.
"""

import copy
import dataclasses
import itertools
from functools import partial

import backpack
import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from backpack.extensions import DiagGGNExact
from scipy import stats
from torch import nn

from cplib import data, deficits, engine, models, results, studies, training
from cplib._base import device
from cplib._base.device import stream
from cplib.data import DataSpec
from cplib.errors import InputError
from cplib.fisher import Probe, backward, estimate, layers, noise_injection
from cplib.models import ModelSpec
from cplib.training import Schedule, Setup

pytestmark = pytest.mark.usefixtures("one_thread")
BY_SAMPLE = {
    "signs": backward.trace,
    "sampled": partial(backward.trace, labels="sampled"),
    "single": partial(backward.single_backward, batch=6),
}
SMOKE = studies.get("1TL", "smoke").setup
PROBED = dataclasses.replace(SMOKE, probe=Probe(images=32, every=1))


@pytest.fixture(scope="module")
def dataset():
    return data.load(SMOKE.data)


def generator(seed):
    return torch.Generator().manual_seed(seed)


# --- references ---------------------------------------------------------------------


def linear(inputs=12, classes=5, scale=1.0, bias=None):
    """A linear softmax model over images of shape (inputs, 1, 1)."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(inputs, classes))
    random = generator(inputs + classes)
    with torch.no_grad():
        weight = torch.randn(classes, inputs, generator=random) / inputs**0.5
        net[1].weight.copy_(scale * weight)
        net[1].bias.copy_(torch.randn(classes, generator=random) / 2)
        if bias is not None:
            net[1].bias.copy_(torch.tensor(bias))
    return net


def closed_form(net, images):
    """|x|^2 (1 - sum_k p_k^2) for each image, of a linear softmax model."""
    p = net(images).detach().double().softmax(1)
    return images.flatten(1).double().square().sum(1) * (1 - p.square().sum(1))


def population(inputs=12, count=300):
    """The values, all equally likely, of a random image whose trace is known."""
    return torch.randn(count, inputs, 1, 1, generator=generator(1))


def drawn(images, count, seed):
    return images[torch.randint(len(images), (count,), generator=generator(seed))]


def by_enumeration(net, images, positions=False):
    """sum_y p(y|x) |grad log p(y|x)|^2, mean over the images, for each layer.

    With `positions`, the gradients at the positions of a shared kernel are squared
    before they are added up, as if each position had a kernel of its own.
    """
    modules = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    kept = {}
    hooks = [
        m.register_forward_hook(lambda m, i, o: kept.update({m: (i[0].detach(), o)}))
        for m in modules
    ]
    total = np.zeros(len(modules))
    for image in images:
        log_p = net(image[None])[0].log_softmax(0)
        aims = [kept[m][1] if positions else m.weight for m in modules]
        for y in range(len(log_p)):
            found = torch.autograd.grad(log_p[y], aims, retain_graph=True)
            squares = [g.double().square() for g in found]
            if positions:
                squares = [
                    g * _ones(m, kept[m][0].double().square())
                    for m, g in zip(modules, squares, strict=True)
                ]
            total += log_p[y].exp().item() * np.array([s.sum().item() for s in squares])
    for hook in hooks:
        hook.remove()
    return total / len(images)


def _ones(module, x):
    ones = torch.ones_like(module.weight, dtype=x.dtype)
    if isinstance(module, nn.Linear):
        return F.linear(x, ones)
    return F.conv2d(x, ones, None, module.stride, module.padding)


def lively(net, size=8, gain=2.0):
    """`net` in evaluation mode, its normalisation unlike that of a new network."""
    random = generator(3)
    net.train()
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if parameter.ndim == 1:
                noise = torch.randn(parameter.shape, generator=random)
                parameter.copy_((gain if "weight" in name else 0.5) + 0.2 * noise)
        for _ in range(4):
            net(1 + 2 * torch.randn(32, 3, size, size, generator=random))
    return net.eval()


def seeded(make, *arguments):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make(*arguments)


def small_nets():
    return {
        "conv": lively(seeded(models.AllCNN, 3, 2, 3)),
        "resnet": lively(seeded(models.ResNet18, 3, 2, 3)),
        "mlp": lively(seeded(models.MLP, 3, 10, 8, 3)),
    }


NETS = small_nets()
PICTURES = torch.randn(6, 3, 8, 8, generator=generator(4)) + 1
BRUTE = {name: by_enumeration(net, PICTURES) for name, net in NETS.items()}


# --- the estimates are right --------------------------------------------------------


@pytest.mark.parametrize("name", BY_SAMPLE)
def test_a_linear_model_has_the_closed_form(name):
    net, everything = linear(), population()
    exact = closed_form(net, everything).mean().item()
    images = drawn(everything, 12_000, 5)
    options = {"batch": 4} if name == "single" else {"chunk": 3000}
    found = BY_SAMPLE[name](net, images, generator(6), **options)
    assert abs(found.total - exact) < 3.5 * found.total_error
    assert found.total_error < 0.03 * exact
    assert found.layers == ("1",)
    assert found.samples == (3000 if name == "single" else 12_000)
    assert found.trace.tolist() == [found.total]


@pytest.mark.parametrize("classes", [2, 3])
def test_each_image_takes_one_of_the_values_that_can_be_worked_out(classes):
    """Labels come with the network's own probabilities, signs each with 1/2.

    Beside an image of zeros, which has no gradient, another one is on its own.
    """
    net = linear(classes=classes)
    image = torch.cat([population(count=1), torch.zeros(1, 12, 1, 1)])
    p = net(image[:1]).detach().double().softmax(1)[0].numpy()
    square = image.double().square().sum().item()
    signs = np.array(list(itertools.product((-1, 1), repeat=classes))) * np.sqrt(p)
    sign_values = square * ((signs - p * signs.sum(1)[:, None]) ** 2).sum(1)
    label_values = square * ((np.eye(classes) - p) ** 2).sum(1)
    exact = closed_form(net, image[:1]).item()
    assert sign_values.mean() == pytest.approx(exact)  # so signs are unbiased
    assert p @ label_values == pytest.approx(exact)
    even = np.full(len(sign_values), 1 / len(sign_values))
    for labels, values, chances in (
        ("signs", sign_values, even), ("sampled", label_values, p),
    ):  # fmt: skip
        values, place = np.unique(values.round(9), return_inverse=True)
        random = generator(7)
        seen = 2 * np.array(
            [
                backward.trace(net, image, random, labels=labels).total
                for _ in range(200)
            ]
        )
        nearest = np.abs(seen[:, None] - values).argmin(1)
        np.testing.assert_allclose(seen, values[nearest], rtol=1e-5)
        counts = np.bincount(nearest, minlength=len(values))
        wanted = 200 * np.bincount(place, weights=chances)
        assert stats.chisquare(counts, wanted).pvalue > 1e-3


@pytest.mark.parametrize("net", NETS)
def test_over_all_signs_the_trace_is_that_of_all_labels(net, monkeypatch):
    """Each image with each choice of signs once: no chance is left."""
    patterns = torch.tensor(list(itertools.product((0.7, 0.2), repeat=3)))
    monkeypatch.setattr(
        backward, "_uniform", lambda logits, _: patterns.repeat(len(logits) // 8, 1)
    )
    images = PICTURES.repeat_interleave(8, 0)
    found = backward.trace(NETS[net], images, generator(0), chunk=16)
    assert (BRUTE[net] > 1e-3).all()  # there is something to be found
    np.testing.assert_allclose(found.trace, BRUTE[net], rtol=1e-4)
    assert found.total == pytest.approx(BRUTE[net].sum(), rel=1e-4)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("name", BY_SAMPLE)
def test_the_mean_of_many_estimates_is_that_of_all_labels(net, name):
    repeats = 16
    images = PICTURES.repeat(22, 1, 1, 1)
    options = {} if name == "single" else {"chunk": 132}
    estimates = [
        BY_SAMPLE[name](NETS[net], images, generator(100 + i), **options)
        for i in range(repeats)
    ]
    found = np.array([[*e.trace, e.total] for e in estimates])
    wanted = np.array([*BRUTE[net], BRUTE[net].sum()])
    error = found.std(0, ddof=1) / repeats**0.5
    # 4.5 standard errors of 16 estimates: one in 2000 is further off by chance
    assert (np.abs(found.mean(0) - wanted) < 4.5 * error).all()
    assert error[-1] < (0.12 if name == "single" else 0.04) * wanted[-1]


def test_another_library_finds_the_same():
    torch.manual_seed(0)
    net = lively(
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
            nn.Conv2d(4, 5, 3, stride=2, padding=1), nn.BatchNorm2d(5), nn.ReLU(),
            nn.AvgPool2d(2), nn.Flatten(), nn.Linear(20, 4),
        )
    )  # fmt: skip
    theirs = backpack.extend(copy.deepcopy(net))
    loss = backpack.extend(nn.CrossEntropyLoss())  # the mean over the images
    with backpack.backpack(DiagGGNExact()):
        images = PICTURES.clone().requires_grad_()
        loss(theirs(images), torch.zeros(6, dtype=torch.long)).backward()
    wanted = [theirs[i].weight.diag_ggn_exact.sum().item() for i in (0, 3, 8)]
    np.testing.assert_allclose(by_enumeration(net, PICTURES), wanted, rtol=1e-4)
    for name in ("signs", "sampled"):
        many = PICTURES.repeat(500, 1, 1, 1)
        found = BY_SAMPLE[name](net, many, generator(9), chunk=500)
        assert found.layers == ("0", "3", "8")
        # errors are over images, and these are the six for certain
        assert (np.abs(found.trace - wanted) < 3.5 * found.error).all()
        assert found.total == pytest.approx(sum(wanted), rel=0.1)


# --- and so are their errors --------------------------------------------------------


@pytest.mark.parametrize("name", BY_SAMPLE)
def test_the_standard_error_covers_the_truth(name):
    """In 95 of 100 repetitions with fresh images, within three standard deviations."""
    net, everything = linear(), population()
    exact = closed_form(net, everything).mean().item()
    repeats, covered = 300, 0
    for i in range(repeats):
        images = drawn(everything, 240, 1000 + i)
        options = {"batch": 4} if name == "single" else {"chunk": 240}
        found = BY_SAMPLE[name](net, images, generator(2000 + i), **options)
        covered += abs(found.total - exact) < 1.96 * found.total_error
    slack = 3 * (0.95 * 0.05 / repeats) ** 0.5
    if name == "single":  # its 60 values are skewed, which costs a point or two
        slack += 0.02
    assert abs(covered / repeats - 0.95) < slack


def test_estimates_come_with_the_error_of_the_mean():
    samples = np.array([[1.0, 10.0], [3.0, 20.0], [8.0, 0.0]])
    found = estimate.estimate_of(("a", "b"), samples)
    np.testing.assert_allclose(found.trace, [4, 10])
    np.testing.assert_allclose(found.error, stats.sem(samples))
    assert found.total == 14
    assert found.total_error == pytest.approx(stats.sem([11, 23, 8]))
    np.testing.assert_allclose(found.share, [4 / 14, 10 / 14])


def test_one_backward_pass_tells_no_more_of_a_larger_batch():
    """For gradients g of mean 0 and covariance F the variance of B |mean g|^2 is

        2 tr F^2 (1 - 1/B) + (E|g|^4 - (tr F)^2) / B,

    which for large B is that of the square of a Gaussian, and falls no more.
    """
    net, everything = linear(), population()
    p = net(everything).detach().double().softmax(1)
    logits = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    x = everything.flatten(1).double()
    whole = torch.einsum("nkl,ni,nj->kilj", logits, x, x).reshape(60, 60) / len(x)
    trace, limit = whole.trace().item(), 2 * whole.square().sum().item()
    assert trace == pytest.approx(closed_form(net, everything).mean().item())
    lengths = x.square().sum(1, keepdim=True) * (
        (torch.eye(5) - p[:, None]).square().sum(2)  # |e_y - p|^2 for each y
    )
    fourth = (p * lengths.square()).sum(1).mean().item()
    batches = 400
    for batch in (4, 32, 256):
        images = drawn(everything, batch * batches, batch)
        found = backward.single_backward(net, images, generator(batch), batch=batch)
        assert found.samples == batches
        wanted = limit * (1 - 1 / batch) + (fourth - trace**2) / batch
        assert wanted > 0.95 * limit
        assert 0.7 < found.total_error**2 * batches / wanted < 1.4
    few, many = (
        backward.trace(net, drawn(everything, n, n), generator(n), chunk=1600)
        for n in (400, 6400)
    )
    assert few.total_error / many.total_error == pytest.approx(4, rel=0.15)
    # the same 6400 images: 25 numbers, or 6400
    images = drawn(everything, 6400, 8)
    once = backward.single_backward(net, images, generator(8), batch=256)
    assert once.total_error > 4 * many.total_error


@pytest.mark.parametrize(
    ("net", "times"),
    [
        (linear(scale=8.0), 1.3),  # sure of most images, torn about some
        (linear(bias=[6.0, 0.0, 0.0, 0.0, 0.0]), 20),  # sure of every one
    ],
)
def test_signs_spread_less_than_labels_once_the_network_is_confident(net, times):
    images = population(count=64)
    variance = {
        labels: np.var(
            [
                backward.trace(net, images, generator(i), labels=labels, chunk=64).total
                for i in range(150)
            ]
        )
        for labels in ("signs", "sampled")
    }
    assert variance["sampled"] > times * variance["signs"]


# --- noise --------------------------------------------------------------------------


def test_noise_finds_the_closed_form_when_it_is_small():
    net, images = linear(), population(count=128)
    exact = closed_form(net, images).mean().item()
    found = {
        beta: noise_injection(net, images, generator(2), beta=beta).total / exact
        for beta in (1e-1, 1e-2, 1e-3, 1e-6)
    }
    assert found[1e-6] == pytest.approx(1, abs=0.1)
    off = [abs(ratio - 1) for ratio in found.values()]
    assert off[0] > off[1] + 0.1 > off[2] + 0.2
    assert off[0] > 0.4


def test_noise_with_given_labels_finds_the_closed_form():
    """The linear model's Hessian is the same whichever the labels are.

    With labels the loss has a slope, whose chance part outweighs the curvature when the
    noise is very small: hence a larger beta and more steps.
    """
    net, images = linear(), population(count=128)
    exact = closed_form(net, images).mean().item()
    labels = torch.arange(128) % 5
    found = noise_injection(
        net, images, generator(2), labels=labels, beta=3e-4, steps=1600
    )
    assert found.total == pytest.approx(exact, rel=0.1)


def trained(family, epochs):
    spec = DataSpec("gratings", 512, 64, 8)
    setup = Setup(spec, ModelSpec(family, 20 if family == "MLP" else 4),
                  Schedule(shift=0, batch=32))  # fmt: skip
    dataset = data.load(spec)
    state = training.start(setup, 0, dataset)
    training.advance(state, setup, 0, dataset, [(None, epochs)])
    return state.net.eval(), dataset.train_images[:48]


def test_noise_in_a_fully_connected_network_finds_all_labels_trace():
    net, images = trained("MLP", 20)
    found = noise_injection(net, images, generator(1))
    wanted = by_enumeration(net, images)
    assert found.total == pytest.approx(wanted.sum(), rel=0.15)
    np.testing.assert_allclose(found.trace, wanted, rtol=0.35)


@pytest.mark.parametrize("shared", [True, False])
def test_noise_in_a_convolutional_network_is_shared_by_positions_or_not(shared):
    """Shared, as the weights are, it finds the trace.

    Drawn at each position of a layer's output by itself, it finds what the trace would
    be if gradients at different positions of an image had nothing to do with each
    other; here, two thirds of it.
    """
    net, images = trained("AllCNN", 20)
    whole, apart = (by_enumeration(net, images, positions=p) for p in (False, True))
    assert whole.sum() > 100  # far above the least curvature that is looked for
    assert 0.5 < apart.sum() / whole.sum() < 0.85
    found = noise_injection(
        net, images, generator(1), beta=1e-7, batch=32, steps=240, shared=shared
    )
    wanted = whole if shared else apart
    assert found.total == pytest.approx(wanted.sum(), rel=0.15)
    np.testing.assert_allclose(found.trace, wanted, rtol=0.35)


# --- nothing is changed -------------------------------------------------------------

ALL = BY_SAMPLE | {
    "single": partial(backward.single_backward, batch=2),
    "noise": partial(noise_injection, steps=16, batch=4),
    "noise, labels": partial(
        noise_injection, labels=torch.arange(6) % 3, steps=16, batch=4
    ),
}


class Fuse(nn.Module):
    """Lets `calls` calls pass and breaks at the next."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def forward(self, x):
        self.calls -= 1
        if self.calls < 0:
            raise RuntimeError("the fuse is blown")
        return x


def snapshot(net):
    """All that an estimator could disturb, as comparable values."""
    tensors = [*net.named_parameters(), *net.named_buffers()]
    bits = {name: t.detach().numpy().tobytes() for name, t in tensors}
    objects = {name: (id(t), t.requires_grad) for name, t in tensors}
    slopes = {
        name: None if p.grad is None else (id(p.grad), p.grad.numpy().tobytes())
        for name, p in net.named_parameters()
    }
    modes = [m.training for m in net.modules()]
    hooks = [
        len(held)
        for m in net.modules()
        for held in (
            m._forward_hooks, m._forward_pre_hooks, m._backward_hooks,
            m._backward_pre_hooks,
        )
    ]  # fmt: skip
    return bits, objects, slopes, modes, hooks, torch.get_rng_state().tolist()


@pytest.mark.parametrize("calls", [None, 0, 1, 2], ids=lambda n: f"breaks at {n}")
@pytest.mark.parametrize("name", ALL)
def test_the_network_is_left_as_it_was(name, calls):
    net = small_nets()["conv"]
    if calls is not None:
        net.blocks.insert(4, Fuse(calls))
    net.train()
    net.blocks[2].eval()  # some modules one way, some the other
    held = list(net.parameters())
    held[0].grad = torch.ones_like(held[0])
    held[1].requires_grad_(False)  # a scale of batch normalisation
    before, images = snapshot(net), PICTURES.clone()
    small = {"chunk": 2} if name in ("signs", "sampled") else {}
    if calls is None:
        ALL[name](net, images, generator(0), **small)
    else:
        with pytest.raises(RuntimeError, match="blown"):
            ALL[name](net, images, generator(0), **small)
    assert snapshot(net) == before
    assert torch.equal(images, PICTURES)


@pytest.mark.parametrize("name", ALL)
def test_batch_normalisation_uses_its_running_statistics(name):
    """Whatever the mode: an image's gradient has nothing to do with its neighbours."""
    net = small_nets()["conv"]
    found = ALL[name](net.eval(), PICTURES, generator(0))
    again = ALL[name](net.train(), PICTURES, generator(0))
    np.testing.assert_array_equal(found.trace, again.trace)
    with torch.no_grad():  # which callers may well have switched on
        quiet = ALL[name](net, PICTURES, generator(0))
    np.testing.assert_array_equal(found.trace, quiet.trace)


@pytest.mark.parametrize("name", ALL)
def test_only_the_given_generator_is_used(name):
    net = NETS["mlp"]
    one, same, other = (
        ALL[name](net, PICTURES, generator(seed)).total for seed in (1, 1, 2)
    )
    assert one == same != other


def test_layers_stand_from_the_input_to_the_output():
    names = [f"blocks.{i}.0" for i in range(9)]
    assert list(layers(NETS["conv"])) == names
    assert list(layers(NETS["mlp"])) == [f"layers.{i}" for i in range(1, 17, 3)]
    names = list(layers(NETS["resnet"]))
    assert len(names) == 1 + 16 + 3 + 1
    assert (names[0], names[-1]) == ("blocks.0.0", "classifier")
    start = names.index("blocks.3.first.0")
    assert names[start : start + 3] == [
        "blocks.3.first.0", "blocks.3.second.0", "blocks.3.shortcut.0",
    ]  # fmt: skip


# --- what cannot be done is said ----------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_impossible_probe_sets_and_networks_are_named(name):
    with pytest.raises(InputError, match=r"\(1, 3, 8, 8\).*2 or more"):
        ALL[name](NETS["conv"], PICTURES[:1], generator(0))
    with pytest.raises(InputError, match="Sequential uses no nn.Conv2d"):
        ALL[name](nn.Sequential(nn.Flatten(), nn.ReLU()), PICTURES, generator(0))


@pytest.mark.parametrize(
    ("estimator", "options", "words"),
    [
        (backward.trace, {"labels": "true"}, "labels 'true'.*signs.*sampled"),
        (backward.single_backward, {"batch": 4}, "batch=4 gives 1 full batches of 6"),
        (backward.single_backward, {"batch": 7}, "batch=7 gives 0 full batches"),
        (backward.single_backward, {"batch": 0}, "batch=0"),
        (noise_injection, {"beta": 0}, "beta=0 must be a positive"),
        (noise_injection, {"beta": -1e-6}, "beta=-1e-06"),
        (noise_injection, {"beta": float("nan")}, "beta=nan"),
        (noise_injection, {"steps": 15}, "steps=15 must be .*16 or more"),
        (
            noise_injection, {"labels": torch.zeros(5, dtype=torch.long)},
            r"6 images.*\(5,\)",
        ),
    ],
)  # fmt: skip
def test_impossible_options_are_named(estimator, options, words):
    with pytest.raises(InputError, match=words):
        estimator(NETS["conv"], PICTURES, generator(0), **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"images": 1}, "images=1 must be .*2"), ({"images": 2.5}, "images=2.5"),
        ({"images": True}, "images=True"), ({"images": "all"}, "images='all'"),
        ({"every": 0}, "every=0 must be .*1"), ({"every": -1}, "every=-1"),
    ],
)  # fmt: skip
def test_bad_probes_are_named(options, words):
    with pytest.raises(InputError, match=words):
        Probe(**options)


def test_images_beyond_the_last_full_batch_are_left_out():
    net = linear()
    images = population(count=23)
    found = backward.single_backward(net, images, generator(0), batch=5)
    again = backward.single_backward(net, images[:20], generator(0), batch=5)
    assert (found.samples, found.total) == (4, again.total)


# --- during training ----------------------------------------------------------------


def after(setup, dataset, *phases, seed=3):
    with device.deterministic("cpu"):
        state = training.start(setup, seed, dataset)
        return training.advance(state, setup, seed, dataset, list(phases))


def test_measuring_changes_nothing_in_the_training(dataset):
    phases = (deficits.Blur(), 1), (None, 3)
    plain, probed = (after(s, dataset, *phases) for s in (SMOKE, PROBED))
    tensors, others = plain.net.state_dict(), probed.net.state_dict()
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)
    np.testing.assert_array_equal(plain.log, probed.log)
    assert plain.information.shape == (0, 2 + 9)
    assert probed.information.shape == (3, 2 + 9)


@pytest.mark.parametrize("family", ["AllCNN", "ResNet18"])
def test_rows_are_the_trace_of_the_network_at_that_epoch(dataset, family):
    """On the images as the network sees them then: first blurred, then noise, clean."""
    bare = dataclasses.replace(SMOKE, model=ModelSpec(family, 2))
    setup = dataclasses.replace(bare, probe=PROBED.probe)
    phases = [(deficits.Blur(), 1), (deficits.Noise(), 2), (None, 3)]
    state = after(setup, dataset, *phases)
    assert state.information[:, 0].tolist() == [1, 2, 3]
    for row, (deficit, epoch) in zip(state.information, phases, strict=True):
        images = dataset.train_images
        if deficit is not None:
            images = deficit.images(images, 3)
            assert not torch.equal(images[:32], dataset.train_images[:32])
        random = stream(3, "fisher", epoch)
        with device.deterministic("cpu"):
            net = after(bare, dataset, *phases[:epoch]).net
            found = backward.trace(net, images[:32], random)
        np.testing.assert_array_equal(row, [epoch, *found.trace, found.total_error])


def test_forks_measure_what_one_long_run_does(dataset):
    whole = after(PROBED, dataset, (deficits.Blur(), 2), (None, 4))
    begun = after(PROBED, dataset, (deficits.Blur(), 2))
    payload = begun.to_bytes()
    with device.deterministic("cpu"):
        state = training.restore(payload, PROBED, 3, dataset)
        np.testing.assert_array_equal(state.information, begun.information)
        training.advance(state, PROBED, 3, dataset, [(None, 4)])
    np.testing.assert_array_equal(state.information, whole.information)
    np.testing.assert_array_equal(training.tables_of(payload)[1], whole.information[:2])


def test_it_is_measured_as_often_as_asked(dataset):
    setup = dataclasses.replace(SMOKE, probe=Probe(images=8, every=2))
    state = after(setup, dataset, (None, 1), (None, 5))
    assert state.information[:, 0].tolist() == [2, 4]
    early = after(setup, dataset, (None, 1)).to_bytes()  # nothing is measured yet
    assert training.tables_of(early)[1] is None
    state = training.restore(early, setup, 3, dataset)
    assert state.information.shape == (0, 2 + 9)


def test_a_probe_is_part_of_the_study():
    assert "probe" not in SMOKE.spec()
    assert PROBED.spec() == SMOKE.spec() | {"probe": {"images": 32, "every": 1}}


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """Figure 5 at smoke scale, clean and blurred, with the tables of its states."""
    study = studies.get("5", "smoke")
    study = dataclasses.replace(study, runs=study.runs[:2])
    cache = tmp_path_factory.mktemp("cache")
    options = {"cache": cache, "workers": 1, "progress": False}
    result = results.compute(study, [0], **options)
    trained = engine.run(study.setup, study.runs, [0], **options)
    return result, {run: trained[0, run].information for run in study.runs}


def test_tables_hold_the_trace_by_layer(tracked):
    result, measured = tracked
    for run, table in measured.items():
        total = result.curve(run, "trace")[0]
        by_layer = [result.curve(run, "trace", str(i))[0] for i in range(9)]
        error = result.curve(run, "trace_error")[0]
        assert total.index.tolist() == table[:, 0].tolist()
        assert table[:, 0].tolist() == list(range(1, run.epochs + 1))
        np.testing.assert_allclose(np.transpose(by_layer), table[:, 1:-1], rtol=1e-5)
        np.testing.assert_allclose(error, table[:, -1], rtol=1e-5)
        np.testing.assert_allclose(sum(by_layer), total, rtol=1e-5)
    rows = result.table[result.table["metric"] == "trace"]
    assert set(rows["layer"]) == {"", *map(str, range(9))}


def test_stored_tables_hold_the_same_trace(tracked):
    result, measured = tracked
    results.save(result)
    again = results.stored(result.study)
    pd.testing.assert_frame_equal(again.table, result.table, check_dtype=False)
    for run in measured:
        for layer in ("", "0", "8"):
            pd.testing.assert_frame_equal(
                again.curve(run, "trace", layer), result.curve(run, "trace", layer)
            )

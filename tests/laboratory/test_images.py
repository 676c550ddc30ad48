"""The engine's deficits against those of cplib, and its gratings against Python's."""

import math

import numpy as np
import pytest
import torch
from native import Engine, Stream
from references import softened
from scipy import stats

from cplib import deficits
from cplib.data import DataSpec, gratings
from cplib.models import ModelSpec
from cplib.training import Schedule, Setup, evaluate, train

pytestmark = pytest.mark.usefixtures("one_thread")


def clear(engine, which=0):
    """The images of the engine's set, normalised by the mean and deviation of set 0."""
    train, images = (torch.tensor(engine.raw(k)[0]).double() / 255 for k in (0, which))
    std, mean = torch.std_mean(train, (0, 1, 2))
    return ((images - mean) / std).permute(0, 3, 1, 2)


@pytest.mark.parametrize("size", [8, 16, 28])
@pytest.mark.parametrize("factor", [2, 3, 4, 5, 7])
def test_blur_is_pytorchs(library, size, factor):
    engine = Engine(library, size=size)
    engine.show("blur", factor)
    truth = deficits.Blur(factor).images(clear(engine).float(), 0)
    assert (engine.seen() - truth).abs().max() < 1e-5


@pytest.mark.parametrize(("size", "factor"), [(16, 4), (16, 2), (28, 3)])
def test_detail_is_what_blur_takes_away(library, size, factor):
    engine = Engine(library, size=size)
    engine.show("detail", factor)
    images = clear(engine).numpy()
    truth = images - softened(images, factor)
    assert np.abs(engine.seen().numpy() - truth).max() < 1e-5
    assert np.abs(truth).max() > 1


@pytest.mark.parametrize("kind", ["clear", "flip", "grey", "contrast", "labels"])
def test_deficits_are_those_of_cplib(library, kind):
    engine = Engine(library)
    engine.show(kind, 0.25)
    images = clear(engine)
    truth = {
        "flip": deficits.VerticalFlip().images,
        "grey": deficits.Grey().images,
        "contrast": lambda x, _: x / 4,
    }.get(kind, deficits.Deficit().images)(images, 0)
    assert (engine.seen() - truth).abs().max() < 1e-6
    assert ((engine.labels_shown == engine.raw(0)[1]).all()) == (kind != "labels")


@pytest.mark.parametrize("side", range(4))
def test_occlusion_hides_one_half(library, side):
    engine = Engine(library)
    engine.show("occlusion", side)
    truth, half = clear(engine), [slice(None)] * 4
    half[2 + side % 2] = slice(None, 8) if side < 2 else slice(8, None)
    truth[tuple(half)] = 0
    assert (engine.seen() - truth).abs().max() < 1e-6


def test_noise_is_normal_and_fixed_for_a_seed(library):
    engine = Engine(library, counts=(400, 8))
    engine.show("noise", seed=1)
    noise = engine.seen()
    assert stats.kstest(noise.flatten()[:50_000], "norm").pvalue > 0.01
    flat = noise.flatten(1).numpy()
    between = np.corrcoef(flat)[~np.eye(len(flat), dtype=bool)]  # images
    within = np.corrcoef(flat.T)[~np.eye(flat.shape[1], dtype=bool)]  # pixels
    assert np.abs(between).max() < 6 / math.sqrt(768)
    assert np.abs(within).max() < 6 / math.sqrt(400)
    assert (engine.labels_shown == engine.raw(0)[1]).all()
    engine.show("clear")
    engine.show("noise", seed=1)
    assert (engine.seen() == noise).all()
    engine.show("noise", seed=2)
    assert (engine.seen() != noise).float().mean() > 0.99


def test_labels_are_permuted_in_one_cycle(library):
    engine, maps = Engine(library, counts=(400, 8)), set()
    truth = engine.raw(0)[1]
    for seed in range(5):
        engine.show("labels", seed=seed)
        order = Stream(seed, "cycle", 0).permutation(10)
        new = dict(zip(order, order[1:] + order[:1], strict=True))
        assert [new[k] for k in truth] == list(engine.labels_shown)
        maps.add(tuple(order))
    assert len(maps) == 5


def test_a_view_is_the_image_as_it_was_made(library):
    engine = Engine(library)
    for kind, upside_down in (("clear", False), ("flip", True)):
        engine.show(kind)
        for i in (0, 95):
            pixels = engine.array(library.view(i), 16, 16, 4)
            truth = engine.raw(0)[0][i]
            assert (pixels[..., :3] == (truth[::-1] if upside_down else truth)).all()
            assert (pixels[..., 3] == 255).all()


# --- gratings -----------------------------------------------------------------------

PARTS = {
    "all": {},
    "fine": {"coarse": 0.0, "noise": 0.0},
    "coarse": {"fine": 0.0, "noise": 0.0},
    "noise": {"fine": 0.0, "coarse": 0.0},
}
COUNT = 2_000


def drawn(library, size=16, **amplitudes):
    """A set of the engine's: images and labels."""
    engine = Engine(library, size=size, counts=(COUNT, 8))
    usual = gratings.make_gratings.__kwdefaults__
    names = "fine", "coarse", "noise", "jitter_fine", "jitter_coarse"
    library.gratings(0, 1, *({**usual, **amplitudes}[name] for name in names))
    return tuple(part.copy() for part in engine.raw(0))


def features(images):
    """What a recipe can change, (N, features).

    Mean and deviation of each channel, energies in rings of frequency and, of the
    highest frequencies, in sectors of orientation; the hue as a point in the plane.
    """
    x = (images.astype(float) - 128) / 32
    means = x.mean((1, 2))
    size = x.shape[1]
    fy, fx = np.meshgrid(*[np.fft.fftfreq(size)] * 2, indexing="ij")
    power = np.abs(np.fft.fft2(x.mean(3))) ** 2 / size**2  # of the sum of the channels
    colours = np.abs(np.fft.fft2(x - x.mean(3, keepdims=True), axes=(1, 2))) ** 2
    radius, angle = np.hypot(fy, fx), np.arctan2(fy, fx) % math.pi
    columns = [*means.T, *x.std((1, 2)).T]
    for low in np.arange(0, 0.5, 0.1):
        ring = (radius >= low) & (radius < low + 0.1)
        columns += [power[:, ring].mean(1), colours[:, ring].sum((1, 2)) / size**4]
    for sector in range(10):
        inside = np.abs((angle / math.pi * 10 - sector + 5) % 10 - 5) < 0.5
        columns.append(power[:, inside & (radius > 0.2)].mean(1))
    hue = means @ np.exp(2j * math.pi / 3 * np.array([0, 1, -1]))
    columns += [hue.real, hue.imag]
    return np.stack(columns, 1)


def unlike(a, b):
    """P-value that features (N, features) have one distribution, after Bonferroni.

    Constant features, such as the colours of grey gratings, say nothing.
    """
    pairs = [(x, y) for x, y in zip(a.T, b.T, strict=True) if x.std() + y.std() > 1e-9]
    return len(pairs) * min(
        stats.ks_2samp(*pair, method="asymp").pvalue for pair in pairs
    )


@pytest.mark.parametrize("part", PARTS)
def test_gratings_are_distributed_as_pythons(library, part):
    """All classes together, and each class."""
    images, labels = drawn(library, **PARTS[part])
    others, theirs = gratings.make_gratings(COUNT, 1, **PARTS[part])
    assert abs(images.mean() - others.mean()) < 0.5
    assert images.std() == pytest.approx(others.std(), rel=0.01)
    assert stats.chisquare(np.bincount(labels, minlength=10)).pvalue > 1e-3
    a, b = features(images), features(others)
    assert unlike(a, b) > 0.01
    assert min(unlike(a[labels == k], b[theirs == k]) for k in range(10)) > 0.001


@pytest.mark.parametrize("name", ["fine", "coarse"])
def test_another_amplitude_is_noticed(library, name):
    """The test above can fail: a fifth more of one amplitude is too much for it."""
    usual = gratings.make_gratings.__kwdefaults__[name]
    others, _ = gratings.make_gratings(COUNT, 1)
    images, _ = drawn(library, **{name: 1.2 * usual})
    assert unlike(features(images), features(others)) < 0.01


def test_classes_differ_as_pythons_do(library):
    """Hue and orientation of each class, against the recipe."""
    images, labels = drawn(library, fine=0.0, noise=0.0, jitter_coarse=0.0)
    turn = 2j * math.pi / 10
    found = features(images)[:, -2:] @ (1, 1j)
    assert np.abs(np.angle(found / np.exp(turn * labels))).max() < 0.05
    images, labels = drawn(library, coarse=0.0, noise=0.0, jitter_fine=0.0)
    sectors = features(images)[:, -12:-2]
    strongest = [sectors[labels == k].mean(0).argmax() for k in range(10)]
    assert strongest == list(range(10))


@pytest.mark.slow
def test_a_network_trained_on_pythons_set_scores_the_same_on_the_pages(library):
    data = DataSpec("gratings", 1_500, COUNT, 16)
    setup = Setup(data, ModelSpec("AllCNN", 8), Schedule(batch=32, shift=2))
    state = train(setup, phases=[(None, 10)])
    theirs = state.log[-1][-1]
    engine = Engine(library, counts=(3_000, COUNT))
    labels = torch.tensor(engine.raw(1)[1].astype(int))
    _, mine = evaluate(state.net, clear(engine, 1).float(), labels)
    assert theirs > 0.4
    assert abs(mine - theirs) < 2 * math.sqrt(2 * theirs * (1 - theirs) / COUNT)

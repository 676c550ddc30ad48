import numpy as np
import pytest
import torch
from PIL import Image
from references import softened

from cplib import deficits
from cplib.errors import InputError


def random_images(count=6, size=16):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("size", "factor"), [(16, 4), (32, 4), (32, 2)])
def test_blur_is_pils_antialiased_bilinear_resize(size, factor):
    x = random_images(size=size)
    got = deficits.Blur(factor).images(x, seed=0)
    for image, blurred in zip(x.reshape(-1, size, size), got.reshape(-1, size, size),
                              strict=True):  # fmt: skip
        small = Image.fromarray(image.numpy(), mode="F").resize(
            (size // factor,) * 2, Image.Resampling.BILINEAR
        )
        wanted = np.asarray(small.resize((size, size), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(blurred.numpy(), wanted, atol=1e-5)


def test_blur_keeps_the_mean_and_removes_what_is_fine():
    checkerboard = torch.ones(1, 1, 16, 16)
    checkerboard[..., ::2, 1::2] = checkerboard[..., 1::2, ::2] = -1
    blurred = deficits.Blur().images(checkerboard, 0)
    assert blurred.abs().max() < 0.05
    assert torch.allclose(deficits.Blur().images(torch.full((1, 1, 16, 16), 0.7), 0),
                          torch.tensor(0.7))  # fmt: skip


@pytest.mark.parametrize(("size", "factor"), [(16, 4), (32, 4), (28, 3)])
def test_detail_is_what_blur_takes_away(size, factor):
    x = random_images(size=size).double()
    truth = x.numpy() - softened(x.numpy(), factor)
    got = deficits.Detail(factor).images(x, seed=0)
    np.testing.assert_allclose(got.numpy(), truth, atol=1e-12)
    assert deficits.Detail(factor).title.startswith("fine detail alone")


def test_flip_is_upside_down_for_every_image_and_its_own_inverse():
    x = random_images()
    flipped = deficits.VerticalFlip().images(x, 0)
    np.testing.assert_array_equal(flipped.numpy(), x.numpy()[:, :, ::-1])
    assert torch.equal(deficits.VerticalFlip().images(flipped, 0), x)


@pytest.mark.parametrize("seed", range(5))
def test_label_permutation_is_a_bijection_that_moves_every_class(seed):
    mapping = deficits.LabelPermutation().mapping(seed)
    assert sorted(mapping.tolist()) == list(range(10))
    assert (mapping != torch.arange(10)).all()
    y = torch.randint(0, 10, (200,))
    told = deficits.LabelPermutation().labels(y, seed)
    assert torch.equal(torch.argsort(mapping)[told], y)  # undone by its inverse
    assert torch.equal(told, deficits.LabelPermutation().labels(y, seed))


def test_noise_is_gaussian_fixed_and_one_image_per_example():
    x = random_images(400)
    noise = deficits.Noise().images(x, seed=1)
    assert torch.equal(noise, deficits.Noise().images(x * 0, seed=1))  # not of x
    assert not torch.equal(noise, deficits.Noise().images(x, seed=2))
    assert len(torch.unique(noise[:, 0, 0, 0])) == 400
    flat = noise.flatten()
    error = len(flat) ** -0.5
    assert abs(flat.mean()) < 5 * error
    assert abs(flat.var() - 1) < 5 * 2**0.5 * error
    assert abs((flat**4).mean() - 3) < 5 * 96**0.5 * error  # kurtosis of a Gaussian


def test_moving_noise_is_the_same_noise_but_moves():
    noise, moving = (deficits.deficit(kind) for kind in ("noise", "moving-noise"))
    x = random_images()
    assert torch.equal(noise.images(x, 1), moving.images(x, 1))
    assert (noise.augment, moving.augment) == (False, True)
    assert noise != moving
    assert noise.spec() != moving.spec()  # their results are stored apart


def test_only_labels_or_only_images_change():
    x, y = random_images(), torch.arange(6)
    for kind in deficits.KINDS:
        d = deficits.deficit(kind)
        assert torch.equal(d.images(x, 0), x) == (kind == "labels")
        assert torch.equal(d.labels(y, 0), y) == (kind != "labels")
        assert d.augment == (kind != "noise")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: deficits.deficit("blurr"), ["blurr", "blur", "noise"]),
        (lambda: deficits.Blur(1), ["factor=1", "2 or more"]),
        (lambda: deficits.Blur(32).images(random_images(), 0), ["32", "16x16"]),
    ],
)
def test_bad_deficits_are_named(make, words):
    with pytest.raises(InputError) as error:
        make()
    assert all(word in str(error.value) for word in words)

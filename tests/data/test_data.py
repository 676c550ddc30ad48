import contextlib
import errno
import io
import os
import pickle
import re
import zlib

import numpy as np
import pytest
import torch

from cplib import data
from cplib._base import files
from cplib.data import DataSpec, Raw, download, gratings, published
from cplib.errors import DataError, InputError, StorageError

SPEC = DataSpec("cifar10", 20_001, 100, 32)  # more than the listed subset: stored order


def fake_cifar(train=20_001, test=200):
    random = np.random.default_rng(0)
    arrays = {}
    for kind, count in (("train", train), ("test", test)):
        arrays[f"{kind}_images"] = random.integers(
            0, 256, (count, 32, 32, 3), dtype=np.uint8
        )
        arrays[f"{kind}_labels"] = random.integers(0, 10, count, dtype=np.uint8)
    return Raw(**arrays)


@pytest.fixture(scope="module")
def raw():
    return fake_cifar()


@pytest.fixture
def downloads(monkeypatch, raw):
    """Replaces the network: counts downloads and hands out `raw`."""
    calls = []
    monkeypatch.setattr(
        published, "_fetched", lambda source, folder: calls.append(source.name) or raw
    )
    return calls


def test_a_set_is_downloaded_once_and_kept_exactly(downloads, raw):
    first = data.load_raw(SPEC)
    again = data.load_raw(SPEC)
    assert downloads == ["cifar10"]
    np.testing.assert_array_equal(first.train_images, raw.train_images)
    np.testing.assert_array_equal(first.test_labels, again.test_labels[:100])
    with np.load(files.data_folder() / "cifar10.npz", allow_pickle=False) as file:
        assert set(file.files) == set(Raw._fields)
    assert not list(files.data_folder().glob("*download*"))


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "truncated":
        content = content[: len(content) // 2]
    elif how == "emptied":
        content = b""
    elif how == "flipped":
        content[len(content) // 2] ^= 1
    elif how == "replaced":
        buffer = io.BytesIO()
        np.savez(buffer, train_images=np.zeros(3))
        content = buffer.getvalue()
    elif how == "pickled":
        content = pickle.dumps({"train_images": 1})
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "how", ["truncated", "emptied", "flipped", "replaced", "pickled"]
)
def test_a_damaged_set_is_set_aside_and_fetched_again(downloads, raw, how):
    data.load_raw(SPEC)
    path = files.data_folder() / "cifar10.npz"
    damage(path, how)
    with pytest.warns(UserWarning, match="damaged"):
        again = data.load_raw(SPEC)
    assert downloads == ["cifar10"] * 2
    assert path.with_name("cifar10.npz.damaged-1").exists()
    np.testing.assert_array_equal(again.train_images, raw.train_images)


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_a_flipped_bit_is_found_or_harmless(tmp_path, write):
    """In every part of the format."""
    raw, path = fake_cifar(1, 1), tmp_path / "cifar10.npz"
    few = raw._replace(train_images=raw.train_images // 64, test_images=raw.test_images)
    write(path, **few._asdict())
    whole = path.read_bytes()
    heads = [m.start() for m in re.finditer(b"PK", whole)]
    near = {place + i for place in heads for i in range(64) if place + i < len(whole)}
    for place in sorted({*near, *range(0, len(whole), 29)}):
        for bit in (0, 3):
            content = bytearray(whole)
            content[place] ^= 1 << bit
            path.write_bytes(content)
            with contextlib.suppress(files.Damaged):
                found = published.read(path, published.CIFAR10)
                for got, wanted in zip(found, few, strict=True):
                    np.testing.assert_array_equal(got, wanted)


def test_a_damaged_compressed_set_is_set_aside(downloads, raw):
    """As somebody may have put one there, who wanted a smaller file."""
    path = files.data_folder() / "cifar10.npz"
    path.parent.mkdir(parents=True)
    np.savez_compressed(
        path, **raw._replace(train_images=raw.train_images * 0)._asdict()
    )
    content = bytearray(path.read_bytes())
    names = sum(int.from_bytes(content[i : i + 2], "little") for i in (26, 28))
    content[30 + names] = 7  # the stream begins with a block of a type that is none
    path.write_bytes(content)
    with pytest.raises(zlib.error), np.load(path) as arrays:
        arrays["train_images"]
    with pytest.warns(UserWarning, match="damaged"):
        again = data.load_raw(SPEC)
    np.testing.assert_array_equal(again.train_images, raw.train_images)


def test_what_a_killed_download_left_is_removed_by_the_next(downloads):
    archives = files.data_folder() / "cifar10-download"
    archives.mkdir(parents=True)
    for name in (".part-of-the-npz", "cifar-10-binary.tar.gz.part"):
        (archives / name).write_bytes(b"rest")
    data.load_raw(SPEC)
    assert not archives.exists()
    assert downloads == ["cifar10"]


def test_no_network_is_one_sentence_that_says_what_to_do(monkeypatch):
    import urllib.error
    import urllib.request

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setattr(download, "PAUSE", 0)
    with pytest.raises(DataError) as error:
        data.load_raw(SPEC)
    words = ("cifar10", "network", "CPLIB_DATA", "demo", "Name or service not known")
    assert all(word in str(error.value) for word in words)


def test_a_full_disk_keeps_what_there_was(monkeypatch, downloads):
    def full(handle, *args):
        raise OSError(errno.ENOSPC, "No space left on device")

    files.write_atomic(files.data_folder() / "old.npz", b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="full.*CPLIB_DATA"):
        data.load_raw(SPEC)
    kept = {p.name for p in files.data_folder().iterdir() if p.is_file()}
    assert kept - {"cifar10.lock"} == {"old.npz"}


def test_an_unwritable_folder_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CPLIB_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(StorageError, match="file/data.*CPLIB_DATA"):
        data.load_raw(SPEC)


def test_the_laptop_subset_does_not_depend_on_order_or_number(monkeypatch, raw):
    """A partial copy in another order gives the same images as the whole set."""
    random = np.random.default_rng(1)
    order, part = random.permutation(20_001), np.arange(200)
    few = np.sort(random.choice(20_001, 9_000, replace=False))
    shuffled = Raw(
        raw.train_images[order], raw.train_labels[order],
        raw.test_images[part[::-1]], raw.test_labels[part[::-1]],
    )  # fmt: skip
    partial = shuffled._replace(
        train_images=raw.train_images[few], train_labels=raw.train_labels[few]
    )
    wanted = published.image_hashes(raw.train_images[few[:50]])
    for variant in (raw, shuffled, partial):
        found = published._places(variant.train_images, wanted, "cifar10")
        np.testing.assert_array_equal(
            variant.train_images[found], raw.train_images[few[:50]]
        )
        np.testing.assert_array_equal(
            variant.train_labels[found], raw.train_labels[few[:50]]
        )
    with pytest.raises(DataError, match="lacks 1 of the 51"):
        published._places(raw.train_images, np.append(wanted, np.uint64(1)), "cifar10")


def test_the_listed_subsets_have_no_repeats():
    from importlib import resources

    for name, train in (("cifar10", 20_000), ("mnist", 5_000)):
        file = resources.files("cplib.data") / "subsets" / f"{name}.npz"
        with file.open("rb") as handle, np.load(handle) as subset:
            for kind, count in (("train", train), ("test", 10_000)):
                assert len(np.unique(subset[kind])) == count


def test_preparation_matches_pil_and_undoes_itself(downloads, raw):
    from PIL import Image

    ready = data.load(DataSpec("cifar10", 20_001, 100, 16))
    small = Image.fromarray(raw.train_images[3]).resize(
        (16, 16), Image.Resampling.BILINEAR
    )
    shown = ready.to_rgb(ready.train_images[3:4])[0].astype(int)
    assert np.abs(shown - np.asarray(small).astype(int)).max() <= 1
    # the mean colour of the paper's padding is 0 after normalisation
    colour = torch.tensor([125, 123, 113]).view(-1, 1, 1) / 255
    assert ((colour - ready.mean) / ready.std).abs().max() < 0.02


def test_mnist_is_padded_with_zeros_to_32(monkeypatch):
    images = np.full((6_001, 28, 28), 255, np.uint8)
    labels = np.zeros(6_001, np.uint8)
    fake = Raw(images, labels, images, labels)
    monkeypatch.setattr(published, "_fetched", lambda *_: fake)
    ready = data.load(DataSpec("mnist", 6_001, 6_001, 32))
    shown = ready.to_rgb(ready.train_images[:1])[0, :, :, 0]
    assert shown.shape == (32, 32)
    assert (shown[2:-2, 2:-2] == 255).all()
    assert shown.sum() == 255 * 28 * 28


@pytest.mark.parametrize("name", ["gratings", "digits"])
def test_embedded_sets_need_nothing(name):
    ready = data.load(DataSpec(name, 500, 200, 16))
    assert ready.train_images.shape[0] == 500
    assert ready.train_images.shape[2:] == (16, 16)
    assert abs(ready.train_images.mean()) < 1e-4
    assert abs(ready.train_images.std() - 1) < 0.02
    assert set(ready.train_labels.tolist()) == set(range(10))
    assert not files.data_folder().exists()


def test_gratings_write_the_label_at_two_scales():
    """Orientation is in the fine scale, hue in the coarse, and a blur keeps the hue."""
    from cplib.deficits import Blur

    options = {"noise": 0.0, "jitter_fine": 0.0, "jitter_coarse": 0.0}
    images, labels = gratings.make_gratings(300, 5, **options)
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() - gratings.GREY
    power = np.abs(np.fft.fft2(x.mean(1).numpy())) ** 2
    row, column = np.meshgrid(*[np.fft.fftfreq(16)] * 2, indexing="ij")
    fine = np.hypot(row, column) > 0.2
    angle = 2 * np.arctan2(row, column)  # orientation: defined up to half a turn
    direction = (power * fine * np.exp(1j * angle)).sum((1, 2))
    theta = np.angle(direction) / 2 % np.pi
    off = (theta - np.pi * labels / 10 + np.pi / 2) % np.pi - np.pi / 2
    assert np.median(np.abs(off)) < 0.06
    blurred = Blur().images(x, 0)
    lost = (np.abs(np.fft.fft2(blurred.mean(1).numpy())) ** 2 * fine).sum()
    assert lost < 0.02 * (power * fine).sum()
    weights = blurred.mean((2, 3))  # (N, 3): the blob's colour
    basis = torch.tensor([0.0, -1.0, 1.0]) * 2 * torch.pi / 3
    cos, sin = (weights * basis.cos()).sum(1), -(weights * basis.sin()).sum(1)
    hue = torch.atan2(sin, cos).numpy() % (2 * np.pi)
    off = (hue - 2 * np.pi * labels / 10 + np.pi) % (2 * np.pi) - np.pi
    assert np.median(np.abs(off)) < 0.05


def test_gratings_are_a_function_of_their_arguments():
    one, two, other = (gratings.make_gratings(50, s)[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DataSpec("cifar", 1, 1, 8), ["cifar", "cifar10", "gratings"]),
        (lambda: DataSpec("mnist", 0, 1, 8), ["train=0", "1 or more"]),
        (lambda: DataSpec("mnist", 1, 1, 8, (("fine", 1),)), ["mnist", "no options"]),
        (lambda: gratings.make_gratings(5, 0, fine=-1), ["fine=-1", "0 or more"]),
        (lambda: gratings.make_gratings(5, 0, fine=0, coarse=0, noise=0), ["all 0"]),
        (
            lambda: DataSpec("gratings", 5, 5, 8, (("fin", 1.0),)),
            ["gratings", "'fin'", "fine"],
        ),
        (lambda: data.folder("x", "y", channels=4), ["channels=4", "greyscale"]),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(InputError) as error:
        make()
    assert all(word in str(error.value) for word in words)


def test_too_few_images_are_refused():
    with pytest.raises(DataError, match="digits.*5000.*1297"):
        data.load_raw(DataSpec("digits", 5_000, 10, 8))

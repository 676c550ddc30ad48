"""Data sets: fetched once, verified, kept as one `.npz`, prepared as tensors.

`cifar10` and `mnist` are downloaded on first use (`download`) and kept in the data
folder (`$CPLIB_DATA`, else the platform's cache folder) as `NAME.npz` with the arrays
`train_images, train_labels, test_images, test_labels`, all uint8. `gratings` (made in
memory) and `digits` (in scikit-learn) need no download.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import zipfile
import zlib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from .._base import console, files, locks
from .._base.device import isolated
from .._base.plain import number, settle, whole
from ..errors import DataError, InputError, StorageError
from . import download, gratings

__all__ = ["NAMES", "DataSpec", "Dataset", "Raw", "ensure", "load_raw", "prepare"]

DOWNLOADED = ("cifar10", "mnist")
NAMES = ("gratings", "digits", *DOWNLOADED)
# What a flipped bit makes of an .npz; RuntimeError: an "encrypted" member, or one whose
# compression is unknown.
UNREADABLE = (
    OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
SHAPES = {"cifar10": (32, 32, 3), "mnist": (28, 28)}
# The constants of the lab's code (PROTOCOL: "Normalisation"); 0 is then the mean
# colour (125, 123, 113) with which the paper pads. Other sets use their own.
CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
CIFAR10_STD = (0.2023, 0.1994, 0.2010)


class Raw(NamedTuple):
    """A data set as stored: uint8 images (N, H, W[, C]) and labels (N,)."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


@dataclass(frozen=True)
class DataSpec:
    """Which images: a set, how many of them, at which size.

    Attributes:
        name: one of `NAMES`.
        train, test: number of training and test images.
        size: side of the square image in pixels, after resizing.
        options: keyword arguments of `make_gratings`, as sorted (name, value) pairs.
    """

    name: str
    train: int
    test: int
    size: int
    options: tuple[tuple[str, float], ...] = field(default=())

    def __post_init__(self):
        if self.name not in NAMES:
            raise InputError(
                f"Unknown data set {self.name!r}: choose one of {', '.join(NAMES)}."
            )
        settle(self, "train test size", whole, 1)
        if self.options and self.name != "gratings":
            raise InputError(f"{self.name} takes no options; only gratings does.")
        options = ((k, number(f"gratings: {k}", value)) for k, value in self.options)
        object.__setattr__(self, "options", tuple(options))

    @property
    def channels(self) -> int:
        """Colour channels of an image."""
        return 1 if self.name in ("mnist", "digits") else 3


@dataclass(frozen=True)
class Dataset:
    """Images as a network sees them: normalised float32 tensors on one device.

    Attributes:
        train_images, test_images: (N, C, size, size), zero mean, unit scale.
        train_labels, test_labels: (N,), int64.
        mean, std: (C, 1, 1), the normalisation, in units of pixel value / 255.
        fingerprint: SHA-256 of the uint8 images and labels that were chosen.
    """

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor
    fingerprint: str

    def to_rgb(self, images: torch.Tensor) -> np.ndarray:
        """Undo the normalisation: (N, C, H, W) -> uint8 (N, H, W, 3) for display."""
        pixels = ((images * self.std + self.mean) * 255).round().clamp(0, 255)
        pixels = pixels.permute(0, 2, 3, 1).expand(-1, -1, -1, 3)
        return pixels.to(torch.uint8).cpu().numpy()


def ensure(spec: DataSpec) -> None:
    """Make sure that `spec` can be loaded, downloading it now if need be."""
    load_raw(spec)


def load_raw(spec: DataSpec) -> Raw:
    """The chosen images and labels of `spec`, as stored.

    Raises:
        DataError: no network, a damaged file in a read-only folder, too few images.
        StorageError: the data folder cannot be written or its disk is full.
    """
    if spec.name == "gratings":
        return _gratings(spec)
    if spec.name == "digits":
        return _first(_digits(), spec)
    return _choose(_stored(spec.name), spec)


@functools.lru_cache(maxsize=4)
@isolated()
def prepare(spec: DataSpec, device: str = "cpu") -> Dataset:
    """`spec` as normalised tensors on `device`; the same object on each call."""
    raw = load_raw(spec)
    train, test = (
        _resized(images, spec.size) for images in (raw.train_images, raw.test_images)
    )
    if spec.name == "cifar10":
        mean, std = (
            torch.tensor(v).view(-1, 1, 1) for v in (CIFAR10_MEAN, CIFAR10_STD)
        )
    else:
        mean = train.mean((0, 2, 3)).view(-1, 1, 1)
        std = train.std((0, 2, 3)).view(-1, 1, 1)
    parts = {
        "train_images": (train - mean) / std,
        "train_labels": torch.from_numpy(raw.train_labels.astype(np.int64)),
        "test_images": (test - mean) / std,
        "test_labels": torch.from_numpy(raw.test_labels.astype(np.int64)),
        "mean": mean,
        "std": std,
    }
    fingerprint = files.sha256(b"".join(a.tobytes() for a in raw))
    return Dataset(
        **{k: v.to(device) for k, v in parts.items()}, fingerprint=fingerprint
    )


def _resized(images: np.ndarray, size: int) -> torch.Tensor:
    """uint8 (N, H, W[, C]) -> float in [0, 1], (N, C, size, size), antialiased."""
    x = torch.from_numpy(images)
    x = x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2)
    x = x.float() / 255
    if x.shape[-1] == 28:  # MNIST, padded with zeros to 32 as in the paper
        x = F.pad(x, (2, 2, 2, 2))
    if x.shape[-1] != size:
        x = F.interpolate(x, size=size, mode="bilinear", antialias=True)
    return x.contiguous()


def _gratings(spec: DataSpec) -> Raw:
    options = dict(spec.options)
    try:
        train = gratings.make_gratings(spec.train, 1, size=spec.size, **options)
        test = gratings.make_gratings(spec.test, 2, size=spec.size, **options)
    except TypeError as error:
        raise InputError(f"gratings: {error}.") from error
    return Raw(*train, *test)


def _digits() -> Raw:
    """scikit-learn's 1,797 handwritten digits of 8x8 pixels, the last 500 for test."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) / 16 * 255).round().astype(np.uint8)
    labels = labels.astype(np.uint8)
    return Raw(images[:-500], labels[:-500], images[-500:], labels[-500:])


def _first(raw: Raw, spec: DataSpec) -> Raw:
    held = len(raw.train_labels), len(raw.test_labels)
    if spec.train > held[0] or spec.test > held[1]:
        raise DataError(
            f"{spec.name} was asked for {spec.train} training and {spec.test} test "
            f"images but holds {held[0]} and {held[1]}: ask for fewer."
        )
    n, m = spec.train, spec.test
    return Raw(
        raw.train_images[:n], raw.train_labels[:n],
        raw.test_images[:m], raw.test_labels[:m],
    )  # fmt: skip


def _choose(raw: Raw, spec: DataSpec) -> Raw:
    """The images of `spec`, the same ones in whatever order and number they are kept.

    The laptop scale trains on a listed subset (`subsets/NAME.npz` holds the first
    eight bytes of each image's BLAKE2b), so that a partial copy of the set and the
    full download give the same images in the same order. Beyond the list, images are
    taken in stored order.
    """
    listed = resources.files(__package__) / "subsets" / f"{spec.name}.npz"
    with listed.open("rb") as file, np.load(file, allow_pickle=False) as subset:
        train, test = subset["train"], subset["test"]
    if spec.train > len(train) or spec.test > len(test):
        return _first(raw, spec)
    n = _find(raw.train_images, train[: spec.train], spec.name)
    m = _find(raw.test_images, test[: spec.test], spec.name)
    return Raw(
        raw.train_images[n], raw.train_labels[n],
        raw.test_images[m], raw.test_labels[m],
    )  # fmt: skip


def image_hashes(images: np.ndarray) -> np.ndarray:
    """First eight bytes of each image's BLAKE2b, uint64 of shape (N,)."""
    import hashlib

    known = functools.partial(hashlib.blake2b, digest_size=8, usedforsecurity=False)
    digests = [known(image.tobytes()).digest() for image in images]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _find(images: np.ndarray, wanted: np.ndarray, name: str) -> np.ndarray:
    hashes = image_hashes(images)
    order = np.argsort(hashes, kind="stable")
    places = np.searchsorted(hashes[order], wanted).clip(max=len(order) - 1)
    found = order[places]
    missing = int((hashes[found] != wanted).sum())
    if missing:
        raise DataError(
            f"{files.data_folder() / name}.npz lacks {missing} of the "
            f"{len(wanted)} images that this scale uses: remove the file, so that "
            "the full set is downloaded."
        )
    return found


def _stored(name: str) -> Raw:
    """The set kept in the data folder; downloaded when absent or damaged."""
    path = files.data_folder() / f"{name}.npz"
    if path.exists():
        try:
            raw = _read(path, name)
        except files.Damaged as error:
            files.quarantine(path, error.why)
        else:
            _tidy(path, name)
            return raw
    return _download(name, path)


def _tidy(path: Path, name: str) -> None:
    """Remove what a killed process left of making the set that is whole at `path`."""
    files.remove_leftovers(path.parent, pattern=".part-*")
    folder = _receiving(path, name)
    if folder.exists():
        with (
            contextlib.suppress(StorageError),
            locks.hold(download.lock_of(path)) as ours,
        ):
            if ours:  # else a process that began before the set was whole is at it
                shutil.rmtree(folder, ignore_errors=True)


def _receiving(path: Path, name: str) -> Path:
    """Where the archives of `name` are received."""
    return path.parent / f"{name}-download"


def _read(path: Path, name: str) -> Raw:
    digest = path.with_suffix(".npz.sha256")
    try:
        if digest.exists():
            if files.sha256(path.read_bytes()) != digest.read_text().strip():
                raise files.Damaged(path, "checksum mismatch")
        with np.load(path, allow_pickle=False) as arrays:
            raw = Raw(*(arrays[key] for key in Raw._fields))
    except PermissionError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror}).") from error
    except UNREADABLE as error:
        raise files.Damaged(path, f"{type(error).__name__}: {error}") from error
    _check(raw, path, name)
    return raw


def _check(raw: Raw, path: Path, name: str) -> None:
    for kind in ("train", "test"):
        images, labels = getattr(raw, f"{kind}_images"), getattr(raw, f"{kind}_labels")
        good = images.dtype == labels.dtype == np.uint8
        good = good and images.shape == (len(labels), *SHAPES[name]) and len(labels)
        if not good or labels.max() > 9:
            raise files.Damaged(path, f"its {kind} arrays are not {name}'s")


def _download(name: str, path: Path) -> Raw:
    """Fetch `name` and keep it at `path`."""
    folder = _receiving(path, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise files.storage_error(path.parent, error) from error
    with download.alone(path):
        if path.exists():  # another process was first
            return _read(path, name)
        console.say(f"Downloading {name} to {path} (once).")
        raw = _fetch(name, folder)
        buffer = io.BytesIO()
        np.savez(buffer, **raw._asdict())
        payload = buffer.getvalue()
        files.write_atomic(path, payload)
        digest = path.with_suffix(".npz.sha256")
        files.write_atomic(digest, files.sha256(payload).encode())
        shutil.rmtree(folder, ignore_errors=True)  # not before: a full disk loses none
    return raw


def _fetch(name: str, folder: Path) -> Raw:
    return Raw(*download.arrays(name, folder))

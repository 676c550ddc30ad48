"""CIFAR-10 and MNIST: downloaded once, verified, and kept as one `.npz` each.

They are in the data folder (`$CPLIB_DATA`, else the platform's cache folder) as
`NAME.npz` with the arrays of `Raw`, all uint8.
"""

import functools
import gzip
import hashlib
import io
import os
import shutil
import tarfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import ClassVar

import numpy as np

from .._base import console, files
from ..errors import DataError, StorageError
from .download import Archive, fetch
from .source import DataSpec, Raw, Source, fault


@dataclass(frozen=True, eq=False)
class Published(Source):
    """A set downloaded on first use; `load` takes the paths of its archives."""

    archives: tuple[Archive, ...] = ()
    shape: tuple[int, ...] = ()
    border: int = 0
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    downloaded: ClassVar[bool] = True

    def all(self) -> Raw:
        """All images, from the data folder; downloaded if absent or damaged."""
        path = files.data_folder() / f"{self.name}.npz"
        if path.exists():
            try:
                return read(path, self)
            except files.Damaged as error:
                files.quarantine(error)
        return _download(self, path)

    def take(self, spec: DataSpec) -> Raw:
        """The images of `spec`, the same whatever their number and order on disk.

        `subsets/NAME.npz` lists images by the first eight bytes of their BLAKE2b, so
        that a partial copy of the set and the full download give the same images in
        the same order. Beyond the list, images are taken in stored order.
        """
        path = resources.files(__package__) / "subsets" / f"{self.name}.npz"
        with path.open("rb") as file, np.load(file, allow_pickle=False) as listed:
            train, test = listed["train"], listed["test"]
        if spec.train > len(train) or spec.test > len(test):
            return super().take(spec)
        raw = self.all()
        places = _places(raw.train_images, train[: spec.train], self.name)
        return raw.at(places, _places(raw.test_images, test[: spec.test], self.name))


def _cifar10(archive: Path) -> list[np.ndarray]:
    """The four arrays of `Raw`, from records of a label and 3 x 32 x 32 pixels."""
    train, found = [f"data_batch_{i}.bin" for i in range(1, 6)], []
    with tarfile.open(archive) as tar:
        for part in (train, ["test_batch.bin"]):
            opened = (tar.extractfile(f"cifar-10-batches-bin/{name}") for name in part)
            content = b"".join(file.read() for file in opened)
            records = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3072)
            images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            found += [np.ascontiguousarray(images), records[:, 0].copy()]
    return found


def _mnist(*archives: Path) -> list[np.ndarray]:
    """The four arrays of `Raw`, after 16 bytes (images) or 8 (labels) of a file."""
    contents = [gzip.decompress(archive.read_bytes()) for archive in archives]
    forms = ((16, (-1, 28, 28)), (8, -1)) * 2
    return [
        np.frombuffer(content, np.uint8, offset=head).reshape(shape)
        for content, (head, shape) in zip(contents, forms, strict=True)
    ]


CIFAR_AT = ("https://www.cs.toronto.edu/~kriz/",)
MNIST_AT = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
CIFAR10 = Published(
    "cifar10", _cifar10, shape=(32, 32, 3),
    # the lab's constants; 0 is then the mean colour, with which the paper pads
    mean=(0.4914, 0.4822, 0.4465), std=(0.2023, 0.1994, 0.2010),
    archives=(
        Archive("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", CIFAR_AT),
    ),
)  # fmt: skip
MNIST = Published(
    "mnist", _mnist, channels=1, shape=(28, 28), border=2,  # 32 pixels, as in the paper
    archives=tuple(
        Archive(name, md5, MNIST_AT)
        for name, md5 in (
            ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
            ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
            ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
        )
    ),
)  # fmt: skip


def image_hashes(images: np.ndarray) -> np.ndarray:
    """First eight bytes of each image's BLAKE2b, uint64 of shape (N,)."""
    known = functools.partial(hashlib.blake2b, digest_size=8, usedforsecurity=False)
    digests = [known(image.tobytes()).digest() for image in images]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _places(images: np.ndarray, wanted: np.ndarray, name: str) -> np.ndarray:
    """Indices in `images` of those with the hashes `wanted`, (n,)."""
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


def read(path: Path, source: Published) -> Raw:
    """The set stored at `path`; `files.Damaged` unless it is all of `source`."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            raw = Raw(*(arrays[key] for key in Raw._fields))
    except PermissionError as error:
        why = f"{path} cannot be read ({error.strerror}): make it readable."
        raise StorageError(why) from error
    except MemoryError:
        raise
    except Exception as error:  # a flipped bit of an .npz may raise anything
        raise files.Damaged(path, f"{type(error).__name__}: {error}") from error
    shapes = {raw.train_images.shape[1:], raw.test_images.shape[1:]}
    if shapes != {source.shape} or fault(source, raw):
        raise files.Damaged(path, f"its arrays are not those of {source.name}")
    return raw


def _download(source: Published, path: Path) -> Raw:
    """Download `source` and store it at `path`, one process at a time."""
    folder, lock = path.with_name(f"{path.stem}-download"), path.with_suffix(".lock")
    files.check_folder(folder)
    with files.hold(lock, f"Another process is downloading {path}: waiting for it."):
        if not path.exists():
            console.say(f"Downloading {source.name} to {path} (once).")
            raw, buffer = _fetched(source, folder), io.BytesIO()
            np.savez(buffer, **raw._asdict())
            files.write_atomic(folder / path.name, buffer.getvalue())
            os.replace(folder / path.name, path)
        shutil.rmtree(folder, ignore_errors=True)  # last: a full disk loses nothing
    return read(path, source)


def _fetched(source: Published, folder: Path) -> Raw:
    try:
        with files.writing(folder):
            return Raw(*source.load(*(fetch(part, folder) for part in source.archives)))
    except DataError as problem:
        raise DataError(
            f"{source.name} could not be downloaded ({problem}): check the network and "
            "try again (the part received is kept), name a mirror in CPLIB_MIRROR, put "
            f"{source.name}.npz into {folder.parent}, or set CPLIB_DATA to a folder "
            "that holds it. The scales 'smoke' and 'demo' need no download."
        ) from problem

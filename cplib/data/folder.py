"""A data set from a folder of images."""

import functools
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from .._base import files
from .._base.plain import whole
from ..errors import DataError, InputError
from .source import Raw, Source


def folder(name: str, path: str | Path, *, size: int = 32, channels: int = 3) -> Source:
    """The images in `path/train/CLASS` and `path/test/CLASS`, or all in `path/CLASS`.

    >>> data.register(data.folder("shapes", "~/shapes", channels=1))

    Classes are numbered in the order of their names. Images come in an order that
    mixes the classes and depends on the files' names alone. Without a folder `train`,
    every fifth image of a class is a test image.

    Args:
        name: of the set.
        path: of the folder; worker processes read it too.
        size: side in pixels of the square to which images are cropped and resized.
        channels: 3 for colour, 1 for greyscale.

    Raises:
        InputError: another number of channels, or a size below 1.
        DataError: fewer than two classes, or one without training or test images.
    """
    if channels not in (1, 3):
        raise InputError(f"channels={channels!r}: choose 3 (colour) or 1 (greyscale).")
    root = Path(path).expanduser().absolute()
    load = functools.partial(_load, root, whole("size", size, 1), channels)
    return Source(name, load, channels, len(_listed(root)[0]))


def _load(root: Path, size: int, channels: int) -> Raw:
    classes, *parts = _listed(root)
    arrays = []
    for part in parts:
        arrays.append(np.stack([_pixels(file, size, channels) for file in part]))
        arrays.append(np.array([classes.index(file.parent.name) for file in part]))
    return Raw(*arrays)


def _listed(root: Path) -> tuple[list[str], list[Path], list[Path]]:
    """Names of the classes, and the files of training and test images."""
    train, test = _files(root, "train/*/*"), _files(root, "test/*/*")
    if not train:
        every = _files(root, "*/*")
        each = [[f for f in every if f.parent.name == c] for c in _classes(every)]
        fifth = {file for group in each for file in group[4::5]}
        train = [file for file in every if file not in fifth]
        test = [file for file in every if file in fifth]
    classes = _classes(train)
    if len(classes) < 2:
        raise DataError(
            f"{root} holds images of {len(classes)} classes: put those of each class "
            "into a folder CLASS of its own, or into train/CLASS and test/CLASS."
        )
    if lonely := set(classes) ^ set(_classes(test)):
        raise DataError(
            f"{root}: {', '.join(sorted(lonely))} has no training images or no test "
            "images: add some to train/CLASS and test/CLASS, or five or more to CLASS."
        )
    return classes, train, test


def _files(root: Path, pattern: str) -> list[Path]:
    found = [f for f in root.glob(pattern) if f.is_file() and f.name[0] != "."]
    names = {f: f"{f.parent.name}/{f.name}".encode() for f in found}
    return sorted(found, key=lambda f: files.sha256(names[f]))


def _classes(listed: list[Path]) -> list[str]:
    return sorted({file.parent.name for file in listed})


def _pixels(file: Path, size: int, channels: int) -> np.ndarray:
    """uint8 (size, size[, 3])."""
    try:
        with Image.open(file) as image:
            if image.mode[0] in "IF":
                raise ValueError("more than 8 bits a channel")
            upright = ImageOps.exif_transpose(image)
            plain = upright.convert("L" if channels == 1 else "RGB")
            return np.asarray(ImageOps.fit(plain, (size, size)))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{file} cannot be read as an image ({error}): replace or remove it."
        ) from error

"""Data sets as values: the source of the images, and which of them are used."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from .._base import files
from .._base.plain import choose, number, settle, whole
from ..errors import DataError, InputError


class Raw(NamedTuple):
    """A data set as stored: uint8 images (N, H, W[, C]) and integer labels (N,)."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    def at(self, train: slice | np.ndarray, test: slice | np.ndarray) -> "Raw":
        """The images and labels at these indices."""
        places = (train, train, test, test)
        return Raw(*(array[i] for array, i in zip(self, places, strict=True)))


@dataclass(frozen=True)
class DataSpec:
    """The images of a study: their set, number and size.

    Attributes:
        name: 'gratings', 'digits', 'cifar10', 'mnist', or a set that you registered.
        train, test: number of training and test images.
        size: side of the square image in pixels, after resizing.
        options: keyword arguments of `make_gratings`, as (name, value) pairs.
        content: that of the source when this was created.
    """

    name: str
    train: int
    test: int
    size: int
    options: tuple[tuple[str, float], ...] = ()
    content: str = field(default="", init=False, repr=False)

    def __post_init__(self):
        settle(self, "train test size", whole, 1)
        source = _find(self.name)
        for option, _ in self.options:
            if option not in source.options:
                raise InputError(
                    f"{self.name} has no option {option!r}; it takes "
                    f"{', '.join(source.options) or 'no options'}."
                )
        options = ((k, number(f"{self.name}: {k}", v)) for k, v in self.options)
        self.__dict__.update(options=tuple(options), content=source.content)

    @property
    def source(self) -> "Source":
        """The data set called `name`."""
        source = _find(self.name)
        if source.content != self.content:
            raise InputError(
                f"Data set {self.name!r} was registered anew with other images: create "
                "its DataSpec and studies anew."
            )
        return source

    def __reduce__(self):  # so that a set of your own reaches worker processes
        values = self.name, self.train, self.test, self.size, self.options
        return _received, (self.source, *values)

    def spec(self) -> dict:
        """Plain values, for hashes and provenance."""
        spec = {**asdict(self), "options": dict(self.options)}
        content = spec.pop("content")  # a later field, not in old hashes
        return spec | ({"content": content} if content else {})


@dataclass(frozen=True, eq=False)
class Source:
    """A named data set; register your own before its first use.

    >>> data.register(data.Source("shapes", load=my_function, channels=1, classes=7))
    >>> spec = cp.DataSpec("shapes", train=400, test=100, size=16)

    Attributes:
        name: the name in `DataSpec`.
        load: returns all images and labels, as the four arrays of `Raw`. Worker
            processes call it too.
        channels: of an image; figures show one as grey, the first three as colours.
        classes: labels are 0, 1, ..., classes - 1.
        content: hash of the images, set by `register`. It is part of a study's
            definition, so that other images under the same name never mix with old
            results. Empty for the sets of cplib.
    """

    name: str
    load: Callable[..., tuple]
    channels: int = 3
    classes: int = 10
    content: str = ""
    downloaded: ClassVar[bool] = False
    options: ClassVar[tuple[str, ...]] = ()
    border: ClassVar[int] = 0  # pixels of zeros on each side, added before resizing
    mean: ClassVar[tuple[float, ...] | None] = None  # None: of the training images
    std: ClassVar[tuple[float, ...] | None] = None

    def __post_init__(self):
        settle(self, "channels", whole, 1)
        settle(self, "classes", whole, 2)

    def all(self) -> Raw:
        """All images; `DataError` unless they are as described and as registered."""
        raw = Raw(*map(np.asarray, self.load()))
        if found := fault(self, raw):
            raise DataError(f"Data set {self.name!r}: {found}.")
        if self.content not in ("", _content(self, raw)):
            raise DataError(
                f"The images of data set {self.name!r} have changed since it was "
                "registered: register it again."
            )
        return raw

    def take(self, spec: DataSpec) -> Raw:
        """The images that `spec` asks for: the first ones."""
        raw = self.all()
        held = len(raw.train_labels), len(raw.test_labels)
        if spec.train > held[0] or spec.test > held[1]:
            raise DataError(
                f"{spec.name} was asked for {spec.train} training and {spec.test} test "
                f"images but holds {held[0]} and {held[1]}: ask for fewer."
            )
        return raw.at(slice(spec.train), slice(spec.test))


KNOWN: dict[str, Source] = {}  # by name


def register(source: Source) -> Source:
    """Register `source` by its name, in place of an earlier one of your own.

    All of its images are loaded and checked. Worker processes receive it automatically.

    Returns:
        The source with its `content`.
    """
    held = KNOWN.get(source.name)
    if held and not held.content:
        if held.load is source.load:
            return held
        raise InputError(f"cplib already has a data set {source.name!r}: rename yours.")
    if not source.content:
        source = replace(source, content=_content(source, source.all()))
    if not held or held.content != source.content:
        KNOWN[source.name] = source
    return KNOWN[source.name]


def _received(source: Source, *values) -> DataSpec:
    register(source)
    return DataSpec(*values)


def _find(name: str) -> Source:
    choose("data set", name, KNOWN, ", or add your own with cplib.data.register")
    return KNOWN[name]


def fault(source: Source, raw: Raw) -> str | None:
    """What is wrong with `raw` as the images of `source`; None if nothing."""
    colours = [(source.channels,), *[()] * (source.channels == 1)]
    for kind, images, labels in (("training", *raw[:2]), ("test", *raw[2:])):
        right = (
            images.dtype == np.uint8
            and labels.dtype.kind in "iu"
            and labels.shape == images.shape[:1] != (0,)
            and images.ndim > 2
            and images.shape[3:] in colours
        )
        if not right:
            return (
                f"{kind} images are {images.dtype} {images.shape} and labels "
                f"{labels.dtype} {labels.shape}, but must be uint8 (N, height, width, "
                f"{source.channels}) and whole numbers (N,)"
            )
        low, high = labels.min(), labels.max()
        if low < 0 or high >= source.classes:
            return (
                f"{kind} labels are from {low} to {high}, but must be from 0 to "
                f"{source.classes - 1} (classes={source.classes})"
            )
    return None


def _content(source: Source, raw: Raw) -> str:
    digest = hashlib.sha256(f"{source.channels} {source.classes}".encode())
    for array in raw:
        plain = array.astype(np.uint8 if array.ndim > 1 else "<i8")
        digest.update(str(array.shape).encode() + plain.tobytes())
    return digest.hexdigest()[:32]


def folder(name: str, path: str | Path, *, size: int = 32, channels: int = 3) -> Source:
    """The images in `path/train/CLASS` and `path/test/CLASS`, or all in `path/CLASS`.

    >>> data.register(data.folder("shapes", "~/shapes", channels=1))

    Classes are numbered in the order of their names. Images come in an order that
    mixes the classes and depends on the files' names alone. Without a folder `train`,
    every fifth image of a class is a test image. Worker processes read the folder too.

    Args:
        name, path: name of the set, and its folder.
        size: side in pixels of the square to which images are cropped and resized.
        channels: 3 for colour, 1 for greyscale.

    Raises:
        DataError: fewer than two classes, or one without training or test images.
    """
    if channels not in (1, 3):
        raise InputError(f"channels={channels!r}: choose 3 (colour) or 1 (greyscale).")
    root = Path(path).expanduser().absolute()
    load = functools.partial(_read, root, whole("size", size, 1), channels)
    return Source(name, load, channels, len(_listed(root)[0]))


def _read(root: Path, size: int, channels: int) -> tuple[np.ndarray, ...]:
    classes, *parts = _listed(root)
    arrays = []
    for part in parts:
        arrays.append(np.stack([_pixels(file, size, channels) for file in part]))
        arrays.append(np.array([classes.index(file.parent.name) for file in part]))
    return tuple(arrays)


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
    return sorted(found, key=lambda f: files.sha256("/".join(f.parts[-2:]).encode()))


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

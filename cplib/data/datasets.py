"""Images as a network sees them: chosen, normalised, translated and mirrored."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from .._base import files
from .._base.device import isolated
from . import published
from .gratings import make_gratings
from .source import KNOWN, DataSpec, Raw, Source


class Procedural(Source):
    """A set generated on demand: `load` draws the requested number of images."""

    options = tuple(sorted(make_gratings.__kwdefaults__.keys() - {"size"}))

    def take(self, spec: DataSpec) -> Raw:
        options = {"size": spec.size, **dict(spec.options)}
        return Raw(
            *self.load(spec.train, 1, **options), *self.load(spec.test, 2, **options)
        )


def _digits() -> Raw:
    """scikit-learn's 1,797 handwritten digits of 8x8 pixels, the last 500 for test."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8) / 16 * 255).round().astype(np.uint8)
    labels = labels.astype(np.uint8)
    return Raw(images[:-500], labels[:-500], images[-500:], labels[-500:])


SHIPPED = Procedural("gratings", make_gratings), Source("digits", _digits, channels=1)
KNOWN.update({s.name: s for s in (*SHIPPED, published.CIFAR10, published.MNIST)})


@dataclass(frozen=True)
class Dataset:
    """Images as a network sees them: normalised float32 tensors on one device."""

    train_images: torch.Tensor  # (N, C, size, size), zero mean, unit scale
    train_labels: torch.Tensor  # (N,), int64
    test_images: torch.Tensor
    test_labels: torch.Tensor
    mean: torch.Tensor  # (C, 1, 1), of the pixels / 255 before they were normalised
    std: torch.Tensor
    fingerprint: str  # SHA-256 of the uint8 images and labels that were chosen
    classes: int

    def to_rgb(self, images: torch.Tensor) -> np.ndarray:
        """Undo the normalisation: (N, C, H, W) -> uint8 (N, H, W, 3) for display."""
        pixels = ((images * self.std + self.mean) * 255).round().clamp(0, 255)
        shown = pixels[:, : 3 if pixels.shape[1] > 2 else 1]
        shown = shown.permute(0, 2, 3, 1).expand(-1, -1, -1, 3)
        return shown.to(torch.uint8).cpu().numpy()


def load_raw(spec: DataSpec) -> Raw:
    """The chosen images and labels of `spec`, as stored; downloaded if necessary.

    Raises:
        DataError: no network, or too few images.
        StorageError: the data folder cannot be written or its disk is full.
    """
    return spec.source.take(spec)


@functools.lru_cache(maxsize=4)
@isolated()
def load(spec: DataSpec, device: str = "cpu") -> Dataset:
    """`load_raw` as normalised tensors on `device`; the same object on each call."""
    raw, source = load_raw(spec), spec.source
    train = resized(raw.train_images, source.border, spec.size)
    test = resized(raw.test_images, source.border, spec.size)
    mean, std = source.mean, source.std
    mean = train.mean((0, 2, 3)) if mean is None else torch.tensor(mean)
    std = train.std((0, 2, 3)) if std is None else torch.tensor(std)
    mean = mean.view(-1, 1, 1)
    std = std.view(-1, 1, 1).clamp_min(1 / 255)  # a channel may be constant
    labels = (torch.from_numpy(part.astype(np.int64)) for part in raw[1::2])
    tensors = (train - mean) / std, next(labels), (test - mean) / std, next(labels)
    fingerprint = files.sha256(b"".join(a.tobytes() for a in raw))
    placed = (tensor.to(device) for tensor in (*tensors, mean, std))
    return Dataset(*placed, fingerprint, source.classes)


def resized(images: np.ndarray, border: int, size: int) -> torch.Tensor:
    """uint8 (N, H, W[, C]) -> float in [0, 1], (N, C, size, size), antialiased."""
    x = torch.from_numpy(images)
    x = x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2)
    x = F.pad(x.float() / 255, (border,) * 4)
    if x.shape[2:] != (size, size):
        x = F.interpolate(x, size=(size, size), mode="bilinear", antialias=True)
    return x.contiguous()


class Augmented:
    """Training images that are translated and mirrored as batches are taken.

    The set is padded once, and a batch gathers its pixels by index, so that no image is
    copied twice and batches are in the channels-last format.

    Args:
        images: (N, C, H, W), normalised: pixels shifted in are 0, the mean colour.
        shift: the longest translation, in pixels, in either direction.
        mirror: whether images are mirrored with probability 1/2.
    """

    def __init__(self, images: torch.Tensor, shift: int, mirror: bool):
        self.size = images.shape[2:]
        self.shift, self.mirror = shift, mirror
        padded = F.pad(images, (shift,) * 4).permute(0, 2, 3, 1)
        self.padded = padded.shape[1:3]
        self.pixels = padded.reshape(-1, images.shape[1])

    def take(self, chosen: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        """The images with indices `chosen` (B,), moved at random: (B, C, H, W)."""
        count, device = len(chosen), chosen.device
        height, width = self.size
        down, right = torch.randint(0, 2 * self.shift + 1, (2, count), generator=random)
        columns = right[:, None] + torch.arange(width)  # (B, W), in the padded image
        if self.mirror:
            mirrored = torch.rand(count, generator=random) < 0.5
            columns = torch.where(mirrored[:, None], columns.flip(1), columns)
        rows = (down[:, None] + torch.arange(height)).to(device)
        rows = rows + chosen[:, None] * self.padded[0]  # (B, H), of all padded images
        places = rows[:, :, None] * self.padded[1] + columns.to(device)[:, None, :]
        taken = self.pixels.index_select(0, places.flatten())
        return taken.view(count, height, width, -1).permute(0, 3, 1, 2)

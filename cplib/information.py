"""An estimate of the trace of the Fisher information, and what all estimators share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from .device import isolated
from .errors import InputError

__all__ = ["Estimate", "check_images", "estimate_of", "frozen", "layers"]


@dataclass(frozen=True)
class Estimate:
    """An estimate of the trace, layer by layer.

    Attributes:
        layers: names of the layers' modules, from the input to the output.
        trace: trace of each layer's block of the Fisher information, (layers,).
        error: standard error of each, (layers,).
        total: their sum.
        total_error: its standard error. Layers share images and labels, so it is not
            the root of the sum of squares.
        samples: number of images (or of batches, or of blocks) behind the errors.
    """

    layers: tuple[str, ...]
    trace: np.ndarray
    error: np.ndarray
    total: float
    total_error: float
    samples: int

    @property
    def share(self) -> np.ndarray:
        """Each layer's part of the total, (layers,), summing to 1 (paper, Fig. 5)."""
        return self.trace / self.total


def estimate_of(names: tuple[str, ...], samples: np.ndarray) -> Estimate:
    """The mean over independent `samples` (n, layers) and its standard error."""
    root = np.sqrt(len(samples))
    total = samples.sum(1)
    return Estimate(
        layers=names,
        trace=samples.mean(0),
        error=samples.std(0, ddof=1) / root,
        total=float(total.mean()),
        total_error=float(total.std(ddof=1) / root),
        samples=len(samples),
    )


def layers(net: nn.Module) -> dict[str, nn.Module]:
    """The convolutions and linear maps of `net` by name, from input to output.

    A shortcut's projection comes after the convolutions that it passes by.
    """
    kinds = (nn.Conv2d, nn.Linear)
    found = {name: m for name, m in net.named_modules() if isinstance(m, kinds)}
    if not found:
        raise InputError(
            f"{type(net).__name__} has no convolution and no linear layer, so no "
            "weights whose Fisher information could be measured."
        )
    return found


@contextlib.contextmanager
def frozen(net: nn.Module) -> Iterator[None]:
    """Within: `net` in evaluation mode, `isolated`; on leaving, as it was before."""
    modes = {module: module.training for module in net.modules()}
    net.eval()
    try:
        with isolated():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def check_images(images: torch.Tensor) -> None:
    if images.ndim < 2 or len(images) < 2:
        raise InputError(
            f"A probe set of shape {tuple(images.shape)} gives no standard error: "
            "give 2 or more images."
        )

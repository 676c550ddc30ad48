"""The deficits as pictures, on images that need no download."""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from . import data, studies
from .deficits import KINDS, Deficit, deficit
from .look import LABELS, style
from .panel import Panel

__all__ = ["deficits", "photographs"]

CROPS = ((110, 240, 300), (40, 190, 340))  # top, left, side: in china, in flower


@functools.cache
def photographs(size: int = 32) -> torch.Tensor:
    """scikit-learn's two sample photographs, cropped: (2, 3, size, size) in [-1, 1]."""
    from sklearn.datasets import load_sample_images

    crops = []
    for image, (top, left, side) in zip(
        load_sample_images().images, CROPS, strict=True
    ):
        cut = image[top : top + side, left : left + side]
        x = torch.from_numpy(cut.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        crops.append(F.interpolate(x, size=size, mode="bilinear", antialias=True))
    return torch.cat(crops)


def deficits(count: int = 3) -> Panel:
    """What a network sees under each deficit: photographs, and images of gratings."""
    spec = studies.get("1TL", "demo").setup.data
    gratings = data.prepare(spec)
    first = [int((gratings.train_labels == c).nonzero()[0]) for c in range(count)]
    rows = [
        ("photograph", photographs(), _unit_rgb),
        ("gratings", gratings.train_images[first], gratings.to_rgb),
    ]
    kinds: list[Deficit] = [Deficit(), *(deficit(kind) for kind in KINDS)]
    total = sum(len(images) for _, images, _ in rows)
    with style():
        figure = Figure(figsize=(6.4, 1.35 * total), layout="constrained")
        grid = figure.subplots(total, len(kinds))
        place = 0
        for _, images, rgb in rows:
            for column, kind in enumerate(kinds):
                pictures = rgb(kind.images(images, seed=0))
                for i, picture in enumerate(pictures):
                    grid[place + i, column].imshow(picture, interpolation="nearest")
            for i in range(len(images)):
                told = "label c → π(c)"
                grid[place + i, list(KINDS).index("labels") + 1].set_xlabel(told)
            place += len(images)
        for ax in grid.flat:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for ax, kind in zip(grid[0], kinds, strict=True):
            ax.set_title(LABELS[kind.kind], fontsize=9)
    names = ", ".join(LABELS[kind] for kind in KINDS)
    alt = (
        "Two photographs at 32 by 32 pixels and three images of gratings at 16 by 16, "
        f"each as it is and under {names}: the blur leaves only coarse patches of "
        "colour, the flip stands on its head, under label permutation the image is "
        "unchanged but is called something else, and noise shows nothing of the image."
    )
    caption = (
        "What the network is shown during each deficit. Top: two photographs at the "
        "size of CIFAR-10's images (china and flower, from scikit-learn); bottom: "
        "images of gratings, the set that this book can make without a download. Test "
        "images never have a deficit."
    )
    table = _sizes(kinds)
    return Panel(figure, alt, caption, table)


def _unit_rgb(images: torch.Tensor) -> np.ndarray:
    pixels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).numpy()


def _sizes(kinds: list[Deficit]):
    """How much of the photographs' variation each deficit keeps, by scale."""
    import pandas as pd

    images = photographs()
    rows = []
    for kind in kinds:
        shown = kind.images(images, seed=0)
        power = torch.fft.fft2(shown - shown.mean((2, 3), keepdim=True)).abs() ** 2
        frequency = torch.fft.fftfreq(images.shape[-1])
        radius = (frequency[:, None] ** 2 + frequency[None] ** 2).sqrt()
        fine = (power * (radius > 0.125)).sum() / power.sum()
        rows.append(
            {
                "deficit": LABELS[kind.kind],
                "contrast (standard deviation)": float(shown.std()),
                "share of it above 1/8 cycle per pixel": float(fine),
                "labels changed": kind.kind == "labels",
                "augmentation": kind.augment,
            }
        )
    return pd.DataFrame(rows)

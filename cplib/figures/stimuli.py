"""Figures of the experiment, on images that need no download."""

import functools
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from .. import data, studies
from .._base.plain import whole
from .._base.words import translated as _
from ..analysis.effects import REFERENCES
from ..data import gratings as procedural
from ..deficits import KINDS, Deficit, LabelPermutation
from ..studies import Run, Study
from .marks import WIDTH, lanes, rows
from .palette import GREY, style
from .panel import Panel, worded

PHOTOGRAPHS = ("lake", "flower")
CROPS = ((110, 240, 300), (40, 190, 340))  # top, left, side: in china, in flower
CLUES = {
    "stripes alone": {"coarse": 0.0, "noise": 0.0},
    "hue alone": {"fine": 0.0, "noise": 0.0},
    "both": {"noise": 0.0},
    "as the network sees it": {},
}


@functools.cache
def photographs(size: int = 32) -> torch.Tensor:
    """scikit-learn's two sample photographs, cropped: (2, 3, size, size) in [-1, 1]."""
    from sklearn.datasets import load_sample_images

    size = whole("size", size, 1)
    crops = []
    for image, (top, left, side) in zip(
        load_sample_images().images, CROPS, strict=True
    ):
        cut = image[top : top + side, left : left + side]
        x = torch.from_numpy(cut.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        crops.append(F.interpolate(x, size=size, mode="bilinear", antialias=True))
    return torch.cat(crops)


def deficits(count: int = 3) -> Panel:
    """Images as the network sees them under each deficit: photographs, and gratings."""
    count = whole("count", count, 1, procedural.CLASSES)
    gratings = data.load(studies.get("1TL", "demo").setup.data)
    first = [int((gratings.train_labels == c).nonzero()[0]) for c in range(count)]
    kinds = [Deficit(), *(kind() for kind in KINDS.values())]
    shown = {
        kind.label: [
            *_unit_rgb(kind.images(photographs(), seed=0)),
            *gratings.to_rgb(kind.images(gratings.train_images[first], seed=0)),
        ]
        for kind in kinds
    }
    with style():
        figure, grid = _gallery(shown)
        given = LabelPermutation().mapping(0).tolist()
        names = [*PHOTOGRAPHS[::-1], *given[:count]]
        column = grid[:, list(shown).index(LabelPermutation.label)]
        for axes, name in zip(column, names, strict=True):
            axes.set_xlabel(f"called\n“{name}”")
        true = [*PHOTOGRAPHS, *(f"class {c}" for c in range(count))]
        for axes, name in zip(grid[:, 0], true, strict=True):
            axes.set_ylabel(name)
    table, names = pd.DataFrame(map(_kept, kinds)), ", ".join(list(shown)[1:])
    return worded("deficits", figure, table, count=count, deficits=names)


def clues(classes: tuple[int, ...] = (0, 2, 4, 6)) -> Panel:
    """The components of an image of gratings, for one image of each of `classes`."""
    classes = [whole("class", c, 0, procedural.CLASSES - 1) for c in classes]
    size = studies.get("1TL", "demo").setup.data.size
    shown = {}
    for name, amounts in CLUES.items():
        images, labels = procedural.make_gratings(500, 1, size=size, **amounts)
        shown[name] = [images[(labels == c).argmax()] for c in classes]
    with style():
        figure, grid = _gallery(shown)
        for axes, c in zip(grid[:, 0], classes, strict=True):
            axes.set_ylabel(f"class {c}")
    table = pd.DataFrame({"class": classes})
    table["angle of the stripes (degrees)"] = 18 * table["class"]
    table["hue (degrees)"] = 36 * table["class"]
    return worded("clues", figure, table, count=len(classes), size=size)


def course(study: Study) -> Panel:
    """Epochs of the middle impaired run of `study`, and of its references."""
    run = study.runs[1 + len(study.runs[1:]) // 2]
    clean = study.clean_epochs
    lives = {
        _("impaired"): run,
        textwrap.fill(REFERENCES["baseline"], 14): Run((), clean),
        REFERENCES["control"]: Run((), run.epochs),
    }
    with style():
        figure, (axes,) = rows(2.2)
        table = lanes(axes, lives)
        for epoch, name, side in (
            (run.onset, _("onset") + " ", "right"),
            (run.removal, " " + _("removal"), "left"),
        ):  # fmt: skip
            axes.annotate(
                name, (epoch, 0.3), (epoch, 0.62), ha=side,
                arrowprops={"arrowstyle": "-", "color": GREY},
            )  # fmt: skip
        axes.set(xlabel=_("epochs of training"), ylim=(0.5 - len(lives), 0.95))
    return worded(
        "course", figure, table, windows=run.title, epochs=run.epochs, clean=clean,
    )  # fmt: skip


def _gallery(shown: Mapping[str, Sequence[np.ndarray]]) -> tuple[Figure, np.ndarray]:
    """Images (H, W, 3) in columns under their titles."""
    count = len(next(iter(shown.values())))
    height = WIDTH / len(shown) * count + 0.6
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(count, len(shown), squeeze=False)
    for column, (title, images) in zip(grid.T, shown.items(), strict=True):
        column[0].set_title(textwrap.fill(title, 11))
        for axes, image in zip(column, images, strict=True):
            axes.imshow(image, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    return figure, grid


def _unit_rgb(images: torch.Tensor) -> np.ndarray:
    pixels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).numpy()


def _kept(kind: Deficit) -> dict:
    """Contrast of the photographs under a deficit, and the share of fine detail."""
    shown = kind.images(photographs(), seed=0)
    power = torch.fft.fft2(shown - shown.mean((2, 3), keepdim=True)).abs() ** 2
    frequency = torch.fft.fftfreq(shown.shape[-1])
    fine = (frequency[:, None] ** 2 + frequency[None] ** 2).sqrt() > 0.125
    return {
        "deficit": kind.label,
        "contrast (standard deviation)": float(shown.std()),
        "share of it above 1/8 cycle per pixel": float(
            (power * fine).sum() / power.sum()
        ),
        "labels changed": isinstance(kind, LabelPermutation),
        "augmentation": kind.augment,
    }

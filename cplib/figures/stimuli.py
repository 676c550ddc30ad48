"""Figures of the experiment, on images that need no download."""

import functools
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from .. import data, studies
from .._base.plain import whole
from .._base.words import translated as _
from ..analysis.effects import REFERENCES
from ..data import gratings as procedural
from ..data.datasets import resized
from ..deficits import KINDS, Deficit, LabelPermutation
from ..studies import Run, Study
from .marks import WIDTH, lanes, rows
from .palette import GREY, style
from .panel import Panel, worded

PHOTOGRAPHS = ("lake", "flower")
CROPS = ((110, 240, 300), (40, 190, 340))  # top, left, side: in china, in flower
TITLED = 0.9  # inches, beside the rows of images
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
    pairs = zip(load_sample_images().images, CROPS, strict=True)
    cuts = (x[top : top + k, left : left + k] for x, (top, left, k) in pairs)
    return 2 * torch.cat([resized(cut[None].copy(), 0, size) for cut in cuts]) - 1


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
    true = [*PHOTOGRAPHS, *(f"class {c}" for c in range(count))]
    figure, grid = gallery(shown, true)
    given = LabelPermutation().mapping(0).tolist()
    names = [*PHOTOGRAPHS[::-1], *(f"class {c}" for c in given[:count])]
    called = grid[list(shown).index(LabelPermutation.label)]
    for axes, name in zip(called, names, strict=True):
        axes.set_xlabel(f"called\n{name}")
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
    figure, _grid = gallery(shown, [f"class {c}" for c in classes])
    per = {"class": 1, "angle of the stripes (degrees)": 18, "hue (degrees)": 36}
    table = pd.DataFrame({name: np.multiply(k, classes) for name, k in per.items()})
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
    with rows(2.2) as (figure, (axes,)):
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


@style()
def gallery(
    shown: Mapping[str, Sequence[np.ndarray]], names: Sequence[str]
) -> tuple[Figure, np.ndarray]:
    """Images (H, W, 3) in rows beside their titles, in columns under `names`."""
    side = (WIDTH - TITLED) / len(names)
    figure = Figure(figsize=(WIDTH, side * len(shown) + 0.8), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    grid = figure.subplots(len(shown), len(names), squeeze=False)
    for row, (title, images) in zip(grid, shown.items(), strict=True):
        title = textwrap.fill(title, 11)
        row[0].set_ylabel(title, rotation=0, ha="right", va="center")
        for axes, image in zip(row, images, strict=True):
            axes.imshow(image, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name)
    return figure, grid


def _unit_rgb(images: torch.Tensor) -> np.ndarray:
    pixels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).numpy()


def _kept(kind: Deficit) -> dict:
    """Contrast of the photographs under a deficit, and the share of fine detail."""
    shown = kind.images(photographs(), seed=0).numpy()
    fade, f = np.hanning(size := shown.shape[-1]), np.fft.fftfreq(size)
    fade = np.outer(fade, fade)  # or edges would count as fine detail
    mean = (shown * fade).sum((2, 3), keepdims=True) / fade.sum()
    power = np.abs(np.fft.fft2((shown - mean) * fade)) ** 2
    share = power[..., np.hypot(f[:, None], f) > 0.125].sum() / power.sum()
    return {
        "deficit": kind.label,
        "contrast (standard deviation)": float(shown.std()),
        "share of it above 1/8 cycle per pixel": float(share),
        "labels changed": isinstance(kind, LabelPermutation),
        "augmentation": kind.augment,
    }

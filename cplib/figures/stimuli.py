"""The experiment in pictures, on images that need no download."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from .. import data, studies
from .._base.plain import whole
from ..data import gratings as procedural
from ..deficits import KINDS, Deficit, deficit
from ..studies import Run, Study
from .palette import GREY, LABELS, LOOKS, style
from .panel import Panel

__all__ = ["clues", "course", "deficits", "photographs"]

CROPS = ((110, 240, 300), (40, 190, 340))  # top, left, side: in china, in flower


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
    """What a network sees under each deficit: photographs, and images of gratings."""
    count = whole("count", count, 1, procedural.CLASSES)
    spec = studies.get("1TL", "demo").setup.data
    gratings = data.load(spec)
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
                grid[place + i, list(KINDS).index("labels") + 1].set_xlabel(
                    "called another", fontsize="small"
                )
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


CLUES = {
    "stripes alone": {"coarse": 0.0, "noise": 0.0},
    "hue alone": {"fine": 0.0, "noise": 0.0},
    "both": {"noise": 0.0},
    "as the network\nsees it": {},
}


def clues(classes: tuple[int, ...] = (0, 2, 4, 6)) -> Panel:
    """What an image of gratings is made of: one of each of `classes`, part by part."""
    classes = [whole("class", c, 0, procedural.CLASSES - 1) for c in classes]
    spec = studies.get("1TL", "demo").setup.data
    with style():
        size = (1.6 * len(CLUES), 1.5 * len(classes))
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(len(classes), len(CLUES))
        for column, (name, amounts) in zip(grid.T, CLUES.items(), strict=True):
            images, labels = procedural.make_gratings(500, 1, size=spec.size, **amounts)
            column[0].set_title(name, fontsize="medium")
            for ax, c in zip(column, classes, strict=True):
                ax.imshow(images[(labels == c).argmax()], interpolation="nearest")
                ax.set(xticks=[], yticks=[])
                ax.spines[:].set_visible(False)
        for ax, c in zip(grid[:, 0], classes, strict=True):
            ax.set_ylabel(f"class {c}")
    table = pd.DataFrame(
        {
            "class": classes,
            "angle of the stripes (degrees)": [18 * c for c in classes],
            "hue (degrees)": [36 * c for c in classes],
        }
    )
    alt = (
        f"Images of {len(classes)} classes of gratings in four versions: stripes whose "
        "angle goes with the class, on grey; a soft blob whose hue goes with the "
        "class; both together, plainly visible; and both under noise, where the blob "
        "can be made out and the stripes hardly."
    )
    caption = (
        "The two clues of gratings, and what hides them. The class is written finely, "
        "in the angle of the stripes, and coarsely, in the hue of the blob; both "
        "scatter around the values in the table. Right: with the noise, as the network "
        f"is shown it, {spec.size}×{spec.size} pixels."
    )
    return Panel(figure, alt, caption, table)


def course(study: Study) -> Panel:
    """The course of an impaired network's life, and of those it is compared with.

    Drawn is the run in the middle of those of `study`.
    """
    run = study.runs[1 + len(study.runs[1:]) // 2]
    lives = _lives(run, study.clean_epochs)
    colour = LOOKS[run.name][0]
    with style():
        figure = Figure(figsize=(6.4, 2.6), layout="constrained")
        axes = figure.subplots()
        for y, phases in enumerate(lives.values()):
            for begin, end, deficit_on in phases:
                look = {"facecolor": colour, "hatch": "//"} if deficit_on else {
                    "facecolor": "0.9"}  # fmt: skip
                axes.barh(
                    -y, end - begin, left=begin, height=0.6, edgecolor=GREY, **look
                )
                word = run.label if deficit_on else "clear"
                axes.text(
                    (begin + end) / 2, -y, word, ha="center", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
                )  # fmt: skip
        for epoch, name, side in (
            (run.onset, "onset ", "right"), (run.removal, " removal", "left")
        ):  # fmt: skip
            axes.annotate(
                name, (epoch, 0.3), (epoch, 0.62), ha=side,
                arrowprops={"arrowstyle": "-", "color": GREY},
            )  # fmt: skip
        axes.set(
            xlabel="epochs of training", yticks=[-y for y in range(len(lives))],
            yticklabels=lives, xlim=(0, run.epochs), ylim=(-len(lives) + 0.5, 0.95),
        )  # fmt: skip
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
    rows = [
        {"network": name, "from epoch": begin, "until epoch": end,
         "sees": run.label if deficit_on else "clear pictures"}
        for name, phases in lives.items() for begin, end, deficit_on in phases
    ]  # fmt: skip
    alt = (
        f"Three bars over epochs. Impaired: clear until {run.onset} (the onset), "
        f"{run.label} until {run.removal} (the removal), clear until "
        f"{run.epochs}. Baseline: clear until {study.clean_epochs}. Control: clear "
        f"until {run.epochs}."
    )
    caption = (
        f"One run of study {study.name} and the two healthy networks that it is "
        f"compared with. After the removal come {study.clean_epochs} clean epochs. The "
        "baseline has had as many clean epochs as these, the control as many epochs in "
        "all."
    )
    return Panel(figure, alt, caption, pd.DataFrame(rows))


def _lives(run: Run, clean: int) -> dict[str, list[tuple[int, int, bool]]]:
    """Phases (begin, end, whether with deficit) of each network, in epochs."""
    impaired = [(0, run.onset, False), (run.onset, run.removal, True)]
    impaired.append((run.removal, run.epochs, False))
    return {
        "impaired": [phase for phase in impaired if phase[0] < phase[1]],
        "baseline": [(0, clean, False)],
        "control": [(0, run.epochs, False)],
    }


def _unit_rgb(images: torch.Tensor) -> np.ndarray:
    pixels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).numpy()


def _sizes(kinds: list[Deficit]) -> pd.DataFrame:
    """How much of the photographs' variation each deficit keeps, by scale."""
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

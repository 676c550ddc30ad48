"""A few training images, as the network sees them with and without a deficit."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace
from importlib import resources

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from .. import data
from .._base.plain import whole
from ..deficits import Deficit
from ..studies import Study

__all__ = ["Examples", "examples", "png_uri"]

MOST = 6  # of different classes; more would be too small to see
CAT = 3  # the class of that name in CIFAR-10
CREDIT = "Chelsea, photographed by Stefan van der Walt, CC0, from scikit-image"


@dataclass(frozen=True)
class Examples:
    """Training images of different classes, by kind of deficit ('none': without).

    Attributes:
        images: for each kind, uint8 (n, H, W, 3).
        told: for each kind, the n labels that the network is told.
        note: what the pictures are, for a caption.
    """

    images: dict[str, np.ndarray]
    told: dict[str, list[int]]
    note: str


def examples(study: Study, count: int, seed: int) -> Examples:
    """Up to `count` training images of the study's data under each of its deficits.

    A set that would have to be downloaded is replaced by images that need none, and the
    note says so: colours by the photograph of a cat, greyscale by `digits`. Labels
    are permuted and noise is drawn as for the run of `seed`.

    Raises:
        InputError: unless 1 <= count <= 6.
    """
    count = whole("images", count, 1, MOST)
    spec = study.setup.data
    changes = "shifts and mirroring" if study.setup.schedule.mirror else "shifts"
    after = f"before random {changes}, labels and noise as for seed {seed}"
    if spec.source.downloaded and spec.source.channels == 3:
        note = (
            f"Picture: a cat at {spec.size} × {spec.size} pixels ({CREDIT}), in place "
            "of the training images, which need a download."
        )
        return _shown(study, *_photograph(spec), seed, note)
    note = f"Pictures: training images of {spec.name} {after}."
    if spec.source.downloaded:
        spec = replace(spec, name="digits", train=500, test=1)
        note = (
            f"Pictures: scikit-learn's digits {after}, in place of the training "
            "images, which need a download."
        )
    dataset = data.load(spec)
    # the first image of each class that comes up, for variety
    labels = dataset.train_labels
    chosen = list({int(c): i for i, c in reversed(list(enumerate(labels)))}.values())
    chosen = sorted(chosen)[:count]
    return _shown(study, dataset, chosen, seed, note)


def _shown(
    study: Study, dataset: data.Dataset, chosen: list[int], seed: int, note: str
) -> Examples:
    """The `chosen` training images and labels under each deficit of `study`."""
    images, labels = dataset.train_images, dataset.train_labels
    deficits = {"none": Deficit()}
    deficits |= {d.name: d for run in study.runs for d in run.deficits}
    return Examples(
        {
            kind: dataset.to_rgb(deficit.images(images, seed)[chosen])
            for kind, deficit in deficits.items()
        },
        {
            kind: deficit.labels(labels, seed)[chosen].tolist()
            for kind, deficit in deficits.items()
        },
        note,
    )


def _photograph(spec: data.DataSpec) -> tuple[data.Dataset, list[int]]:
    """A cat as a training set of one image, and the list of its number."""
    file = resources.files(__package__) / "cat.png"
    with file.open("rb") as opened, Image.open(opened) as image:
        pixels = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    photo = F.interpolate(
        pixels[None].float() / 255, size=spec.size, mode="bilinear", antialias=True
    )
    mean, std = (
        torch.tensor(values).view(-1, 1, 1)
        for values in (spec.source.mean, spec.source.std)
    )
    photo, label = (photo - mean) / std, torch.tensor([CAT])
    return data.Dataset(photo, label, photo, label, mean, std, "cat.png", 10), [0]


def png_uri(image: np.ndarray) -> str:
    """An image, uint8 (H, W, 3), as a PNG in a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

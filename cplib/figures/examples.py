"""A few training images, as the network sees them with and without a deficit."""

import base64
import io
from dataclasses import dataclass, replace
from importlib import resources

import numpy as np
import torch
from PIL import Image

from .. import data
from .._base.plain import whole
from .._base.words import translated as _
from ..data import DataSpec
from ..data.datasets import resized
from ..deficits import Deficit
from ..studies import Study

MOST = 6  # of different classes; more would be too small to see
CAT = 3  # the class of that name in CIFAR-10
CREDIT = _("Chelsea, photographed by Stefan van der Walt, CC0, from scikit-image")


@dataclass(frozen=True)
class Examples:
    """Training images of some classes, by name of the deficit ('none': without)."""

    images: dict[str, np.ndarray]  # uint8 (n, H, W, 3)
    told: dict[str, list[int]]  # the n labels that the network is given
    note: str  # what the images are, for a caption


def examples(study: Study, count: int, seed: int) -> Examples:
    """Up to `count` training images of the study's data under each of its deficits.

    A set that would have to be downloaded is replaced by images that need none, and
    the note says so. Labels are permuted and noise is drawn as for the run of `seed`.

    Raises:
        InputError: unless 1 <= count <= 6.
    """
    count = whole("images", count, 1, MOST)
    mirror = study.setup.schedule.mirror
    changes = _("shifts and mirroring") if mirror else _("shifts")
    after = _("before random {changes}, labels and noise as for seed {seed}",
              changes=changes, seed=seed)  # fmt: skip
    dataset, note = _local(study.setup.data, after)
    # the first image of each class, for variety
    labels = dataset.train_labels
    chosen = {int(c): i for i, c in reversed(list(enumerate(labels)))}
    chosen = sorted(chosen.values())[:count]
    found = [Deficit(), *(d for run in study.runs for d in run.deficits)]
    images, told = {}, {}
    for deficit in dict.fromkeys(found):
        seen = deficit.images(dataset.train_images, seed)[chosen]
        images[deficit.name] = dataset.to_rgb(seen)
        told[deficit.name] = deficit.labels(labels, seed)[chosen].tolist()
    return Examples(images, told, note)


def _local(spec: DataSpec, after: str) -> tuple[data.Dataset, str]:
    """A training set that needs no download, and a note on its images."""
    instead = _("in place of the training images, which need a download.")
    source = spec.source
    if source.downloaded and source.channels == 3:
        words = _("Image: a cat at {size} × {size} pixels ({credit}),", size=spec.size,
                  credit=CREDIT)  # fmt: skip
        return _photograph(spec), f"{words} {instead}"
    if source.downloaded:
        spec = replace(spec, name="digits", train=500, test=1)
        note = _("Images: scikit-learn's digits {after},", after=after)
        return data.load(spec), f"{note} {instead}"
    note = _("Images: training images of {name} {after}.", name=spec.name, after=after)
    return data.load(spec), note


def _photograph(spec: data.DataSpec) -> data.Dataset:
    """A cat as a training set of one image."""
    file = resources.files(__package__) / "cat.png"
    with file.open("rb") as opened, Image.open(opened) as image:
        pixels = np.array(image.convert("RGB"))[None]
    source, label = spec.source, torch.tensor([CAT])
    mean, std = (torch.tensor(x).view(-1, 1, 1) for x in (source.mean, source.std))
    photo = (resized(pixels, 0, spec.size) - mean) / std
    return data.Dataset(photo, label, photo, label, mean, std, "cat.png", 10)


def png_uri(image: np.ndarray) -> str:
    """An image, uint8 (H, W, 3), as a PNG in a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

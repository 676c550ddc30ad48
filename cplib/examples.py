"""A few training images, as the network sees them with and without a deficit."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from . import data
from .deficits import Deficit
from .errors import InputError
from .studies import Study

__all__ = ["Examples", "examples", "png_uri"]

MOST = 6  # of different classes; more would be too small to see


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
    """`count` training images of the study's data under each of its deficits.

    A set that would have to be downloaded is replaced by `gratings`, and the note
    says so. Labels are permuted and noise is drawn as for the run of `seed`.

    Raises:
        InputError: unless 1 <= count <= 6.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
        raise InputError(f"images={count!r}: choose a number from 1 to {MOST}.")
    spec = study.setup.data
    note = "."
    if spec.name in data.DOWNLOADED:
        note = f"; those of {spec.name}, on which it is trained, need a download."
        spec = replace(spec, name="gratings", train=500, test=1)
    dataset = data.prepare(spec)
    images, labels = dataset.train_images, dataset.train_labels
    # the first image of each class that comes up, for variety
    chosen = list({int(c): i for i, c in reversed(list(enumerate(labels)))}.values())
    chosen = sorted(chosen)[:count]
    changes = "shifts and mirroring" if study.setup.schedule.mirror else "shifts"
    deficits = {run.kind: run.deficit or Deficit() for run in study.runs}
    return Examples(
        {
            kind: dataset.to_rgb(deficit.images(images, seed)[chosen])
            for kind, deficit in deficits.items()
        },
        {
            kind: deficit.labels(labels, seed)[chosen].tolist()
            for kind, deficit in deficits.items()
        },
        f"Pictures: training images of {spec.name} before random {changes}, labels and "
        f"noise as for seed {seed}{note}",
    )


def png_uri(image: np.ndarray) -> str:
    """An image, uint8 (H, W, 3), as a PNG in a data URI."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()

"""The settings of each scale: data, networks, schedules, and when deficits end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..data import DataSpec
from ..fisher import Probe
from ..models import ModelSpec
from ..training import Schedule, Setup

__all__ = [
    "SCALES", "TIMES", "Times", "fixed_rate", "main_setup", "probe", "resnet",
]  # fmt: skip

SCALES = ("smoke", "demo", "laptop", "paper")


@dataclass(frozen=True)
class Times:
    """When deficits begin and end at one scale, in epochs.

    Attributes:
        clean: clean epochs after removal.
        removals: t0 of the main sweep.
        few: t0 of the other sweeps.
        length: of the short window, and `long` of the longer one.
        onsets: of the short window.
        few_onsets: of the windows of two lengths.
        grid: onsets and removals of the map.
    """

    clean: int
    removals: tuple[int, ...]
    few: tuple[int, ...]
    length: int
    long: int
    onsets: tuple[int, ...]
    few_onsets: tuple[int, ...]
    grid: tuple[int, ...]


TIMES = {
    "smoke": Times(2, (1, 2), (1, 2), 1, 2, (0, 1, 2), (0, 1, 2, 3, 4), (0, 1, 2)),
    "demo": Times(
        30, (5, 10, 15, 20, 30), (10, 30), 10, 15, (0, 5, 10, 15, 20, 30),
        (0, 5, 10, 20, 30), (0, 2, 5, 10, 15, 20, 25, 30, 40),
    ),
    "laptop": Times(
        40, (5, 10, 15, 20, 30, 40), (10, 20, 30, 40), 10, 15,
        (0, 5, 10, 15, 20, 30, 40), (0, 5, 10, 20, 30),
        (0, 5, 10, 15, 20, 25, 30, 35, 40),
    ),
    "paper": Times(
        160, tuple(range(20, 181, 20)), tuple(range(20, 181, 40)), 40, 60,
        tuple(range(0, 121, 20)), tuple(range(0, 121, 20)),
        tuple(range(0, 161, 20)),
    ),
}  # fmt: skip


def main_setup(scale: str) -> Setup:
    """The main setting of each scale (paper: All-CNN on CIFAR-10, annealed)."""
    sets = {
        "smoke": DataSpec("gratings", 384, 256, 16),
        "demo": DataSpec("gratings", 3_000, 2_000, 16),
        "laptop": DataSpec("cifar10", 5_000, 2_000, 16),
        "paper": DataSpec("cifar10", 50_000, 10_000, 32),
    }
    width = {"smoke": 4, "demo": 8, "laptop": 16, "paper": 96}[scale]
    shift = 4 if scale == "paper" else 2  # an eighth of the image's side
    return Setup(sets[scale], ModelSpec("AllCNN", width), Schedule(shift=shift))


def probe(scale: str) -> Probe:
    """When and on how much the Fisher information is measured."""
    images, every = {
        "smoke": (32, 1),
        "demo": (128, 2),
        "laptop": (256, 2),
        "paper": (1024, 2),
    }[scale]
    return Probe(images, every)


def resnet(scale: str) -> Setup:
    """ResNet-18 as the paper trains it, with its Fisher information."""
    main = main_setup(scale)
    width = {"smoke": 2, "demo": 4, "laptop": 8, "paper": 64}[scale]
    return replace(
        main,
        model=ModelSpec("ResNet18", width),
        schedule=replace(main.schedule, lr=0.1, weight_decay=0.0005),
        probe=probe(scale),
    )


def fixed_rate(scale: str) -> Schedule:
    """The fixed learning rate of Figure 3, bottom.

    The paper's is 0.001. Below its scale an epoch has a tenth of the steps, so that the
    rate is ten times as high.
    """
    rate = 0.001 if scale == "paper" else 0.01
    return replace(main_setup(scale).schedule, lr=rate, decay=1.0)

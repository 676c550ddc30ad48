"""What to compute: the paper's panels as `Study` values, at each scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from .data import DataSpec
from .deficits import KINDS, deficit
from .errors import InputError
from .fisher import Probe
from .models import ModelSpec
from .runs import Run, Study, windows
from .training import Schedule, Setup

__all__ = ["SCALES", "Run", "Study", "get", "names"]

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
        (0, 5, 10, 20, 30), (0, 5, 10, 20, 30),
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


def _setup(scale: str) -> Setup:
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


def _sweep(
    name: str,
    scale: str,
    title: str,
    setup: Setup,
    kind: str,
    removals: Iterable[int],
    clean: int,
) -> Study:
    """One deficit from the start, removed at each of `removals`."""
    spans = [(deficit(kind), 0, t0) for t0 in removals]
    return windows(name, scale, title, setup, spans, clean)


def blur_removal(scale: str) -> Study:
    """Figure 1, top left: blur from the start until epoch t0."""
    times = TIMES[scale]
    title = "Blur until epoch t0"
    setup = _setup(scale)
    return _sweep("1TL", scale, title, setup, "blur", times.removals, times.clean)


def blur_window(scale: str) -> Study:
    """Figure 1, bottom left: blur in a short window, over its onset."""
    times = TIMES[scale]
    spans = [(deficit("blur"), a, a + times.length) for a in times.onsets]
    title = f"Blur in a window of {times.length} epochs"
    return windows("1BL", scale, title, _setup(scale), spans, times.clean)


def flip_removal(scale: str) -> Study:
    """Figure 2, left: vertical flip from the start until epoch t0."""
    times = TIMES[scale]
    title = "Vertical flip until epoch t0"
    return _sweep("2L", scale, title, _setup(scale), "flip", times.few, times.clean)


def labels_removal(scale: str) -> Study:
    """Figure 2, right: permuted labels from the start until epoch t0."""
    times = TIMES[scale]
    title = "Label permutation until epoch t0"
    return _sweep("2R", scale, title, _setup(scale), "labels", times.few, times.clean)


def noise_removal(scale: str) -> Study:
    """Figure 2, bottom: noise in place of images from the start until epoch t0."""
    times = TIMES[scale]
    title = "Noise until epoch t0"
    return _sweep("2B", scale, title, _setup(scale), "noise", times.few, times.clean)


def _probe(scale: str) -> Probe:
    """When and on how much the Fisher information is measured."""
    images, every = {
        "smoke": (32, 1),
        "demo": (128, 2),
        "laptop": (256, 2),
        "paper": (1024, 2),
    }[scale]
    return Probe(images, every)


def _resnet(scale: str) -> Setup:
    """ResNet-18 as the paper trains it, with its Fisher information."""
    main = _setup(scale)
    width = {"smoke": 2, "demo": 4, "laptop": 8, "paper": 64}[scale]
    return replace(
        main,
        model=ModelSpec("ResNet18", width),
        schedule=replace(main.schedule, lr=0.1, weight_decay=0.0005),
        probe=_probe(scale),
    )


def resnet_removal(scale: str) -> Study:
    """Figure 3, top left, and Figure 4, right: ResNet-18, blur until epoch t0."""
    times = TIMES[scale]
    title = "ResNet-18: blur until epoch t0"
    return _sweep("3TL", scale, title, _resnet(scale), "blur", times.few, times.clean)


def resnet_windows(scale: str) -> Study:
    """Figure 4, left: ResNet-18, blur in windows of two lengths, over the onset."""
    times = TIMES[scale]
    lengths = (times.length, times.long)
    spans = [(deficit("blur"), a, a + k) for k in lengths for a in times.few_onsets]
    title = f"ResNet-18: blur in windows of {lengths[0]} and {lengths[1]} epochs"
    setup = replace(_resnet(scale), probe=None)
    return windows("4L", scale, title, setup, spans, times.clean)


def layers(scale: str) -> Study:
    """Figure 5: All-CNN, its Fisher information under blur and flip, early and late."""
    times = TIMES[scale]
    ends = (times.few[0], times.few[-1])
    spans = [(deficit(kind), 0, t0) for kind in ("blur", "flip") for t0 in ends]
    title = "Fisher information layer by layer, under blur and flip"
    setup = replace(_setup(scale), probe=_probe(scale))
    return windows("5", scale, title, setup, spans, times.clean)


def _constant(scale: str) -> Schedule:
    """The fixed learning rate of Figure 3, bottom.

    The paper's is 0.001. Below its scale an epoch has a tenth of the steps, so that the
    rate is ten times as high.
    """
    rate = 0.001 if scale == "paper" else 0.01
    return replace(_setup(scale).schedule, lr=rate, decay=1.0)


def constant_rate(scale: str) -> Study:
    """Figure 3, bottom left: blur until epoch t0, at a fixed learning rate."""
    times = TIMES[scale]
    ends = tuple(range(40, 281, 40)) if scale == "paper" else times.few
    setup = replace(_setup(scale), schedule=_constant(scale))
    title = "Fixed learning rate: blur until epoch t0"
    return _sweep("3BL", scale, title, setup, "blur", ends, times.clean)


def depth(scale: str, blocks: int) -> Study:
    """Figure 3, bottom right: a network of `blocks` stages, blur until epoch t0."""
    times = TIMES[scale]
    width = {"smoke": 2, "demo": 8, "laptop": 16, "paper": 96}[scale]
    setup = replace(
        _setup(scale),
        model=ModelSpec("DepthCNN", width, blocks),
        schedule=_constant(scale),
    )
    stages = "1 stage" if blocks == 1 else f"{blocks} stages"
    title = f"Network of {stages}: blur until epoch t0"
    ends = times.few[1::2]
    return _sweep(f"3BR{blocks}", scale, title, setup, "blur", ends, times.clean)


def fully_connected(scale: str) -> Study:
    """Figure 3, top right: a fully connected network on MNIST, fixed learning rate.

    The paper's rate is 0.005; see `_constant`. Digits are not mirrored.
    """
    data, width, clean, ends = {
        "smoke": (DataSpec("digits", 384, 256, 16), 20, 2, (1, 2)),
        "demo": (DataSpec("digits", 1_297, 500, 16), 100, 30, (10, 30)),
        "laptop": (DataSpec("mnist", 5_000, 2_000, 32), 250, 80, (20, 40, 80, 120)),
        "paper": (
            DataSpec("mnist", 60_000, 10_000, 32), 2500, 160, tuple(range(50, 401, 50)),
        ),
    }[scale]  # fmt: skip
    schedule = Schedule(
        lr=0.005 if scale == "paper" else 0.05, decay=1.0, weight_decay=0.0,
        shift=data.size // 8, mirror=False,
    )  # fmt: skip
    setup = Setup(data, ModelSpec("MLP", width), schedule)
    title = "Fully connected network on digits: blur until epoch t0"
    return _sweep("3TR", scale, title, setup, "blur", ends, clean)


def timing(scale: str) -> Study:
    """Every deficit over the half grid of onset and removal, for the explorer."""
    grid = TIMES[scale].grid
    kinds = ("blur",) if scale in ("laptop", "paper") else tuple(KINDS)
    spans = [
        (deficit(kind), onset, removal)
        for kind in kinds
        for onset in grid
        for removal in grid
        if onset < removal
    ]
    title = "Onset and removal of a deficit"
    study = windows("timing", scale, title, _setup(scale), spans, TIMES[scale].clean)
    return replace(study, metrics=("test_accuracy",))  # one small file, many runs


def demo(scale: str) -> Study:
    """Clean, blur and flip until one late epoch: the effect in its shortest form."""
    times = TIMES[scale]
    spans = [(deficit(kind), 0, times.removals[-1]) for kind in ("blur", "flip")]
    title = "Clean, blur and flip"
    return windows("demo", scale, title, _setup(scale), spans, times.clean)


def unmirrored(scale: str) -> Study:
    """Gratings without mirroring, where a vertical flip is a deficit indeed.

    A grating turned upside down is, but for its phase, one mirrored left to right. With
    mirroring as augmentation the flipped set is the set itself, so that the flip tests
    nothing; without, it exchanges the orientations of the classes. The grating is made
    fainter here, for the set is easier to learn without mirroring.
    """
    times = TIMES[scale]
    small = "smoke" if scale == "smoke" else "demo"
    main = _setup(small)
    setup = Setup(
        replace(main.data, options=(("fine", 0.5),)),
        main.model,
        replace(main.schedule, mirror=False),
    )
    spans = [
        (deficit(kind), 0, times.removals[-1]) for kind in ("blur", "flip", "noise")
    ]
    title = "Gratings without mirroring"
    return windows("unmirrored", scale, title, setup, spans, times.clean)


STUDIES = {
    "1TL": blur_removal,
    "1BL": blur_window,
    "2L": flip_removal,
    "2R": labels_removal,
    "2B": noise_removal,
    "3TL": resnet_removal,
    "3TR": fully_connected,
    "3BL": constant_rate,
    "3BR1": partial(depth, blocks=1),
    "3BR2": partial(depth, blocks=2),
    "3BR3": partial(depth, blocks=3),
    "4L": resnet_windows,
    "5": layers,
    "timing": timing,
    "demo": demo,
    "unmirrored": unmirrored,
}
# what the book shows, with the scale at which it is stored
BOOK = (
    ("1TL", "laptop"),
    ("1BL", "laptop"),
    ("2L", "laptop"),
    ("2R", "laptop"),
    ("2B", "laptop"),
    ("3TL", "laptop"),
    ("3TR", "laptop"),
    ("3BL", "laptop"),
    ("3BR1", "laptop"),
    ("3BR2", "laptop"),
    ("3BR3", "laptop"),
    ("4L", "laptop"),
    ("5", "laptop"),
    ("demo", "demo"),
    ("timing", "demo"),
    ("unmirrored", "demo"),
)


def names() -> tuple[str, ...]:
    """Names of all studies."""
    return tuple(STUDIES)


def get(name: str, scale: str) -> Study:
    """The study `name` at `scale`.

    Raises:
        InputError: for a name or scale that does not exist.
    """
    if name not in STUDIES:
        raise InputError(f"Unknown study {name!r}: choose one of {', '.join(STUDIES)}.")
    if scale not in SCALES:
        raise InputError(f"Unknown scale {scale!r}: choose one of {', '.join(SCALES)}.")
    return STUDIES[name](scale)

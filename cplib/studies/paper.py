"""What to compute: the paper's panels as `Study` values, at each scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from ..data import DataSpec
from ..deficits import KINDS, deficit
from ..errors import InputError
from ..models import ModelSpec
from ..training import Schedule, Setup
from .scales import SCALES, TIMES, fixed_rate, main_setup, probe, resnet
from .study import Run, Study, windows

__all__ = ["ATLAS", "BOOK", "SCALES", "Run", "Study", "get", "names", "windows"]

FEW = 0.25  # of the images, so that they can be learned by heart


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
    setup = main_setup(scale)
    return _sweep("1TL", scale, title, setup, "blur", times.removals, times.clean)


def blur_window(scale: str) -> Study:
    """Figure 1, bottom left: blur in a short window, over its onset."""
    times = TIMES[scale]
    spans = [(deficit("blur"), a, a + times.length) for a in times.onsets]
    title = f"Blur in a window of {times.length} epochs"
    return windows("1BL", scale, title, main_setup(scale), spans, times.clean)


def flip_removal(scale: str) -> Study:
    """Figure 2, left: vertical flip from the start until epoch t0."""
    times = TIMES[scale]
    title = "Vertical flip until epoch t0"
    return _sweep("2L", scale, title, main_setup(scale), "flip", times.few, times.clean)


def labels_removal(scale: str) -> Study:
    """Figure 2, right: permuted labels from the start until epoch t0."""
    times = TIMES[scale]
    title = "Label permutation until epoch t0"
    return _sweep(
        "2R", scale, title, main_setup(scale), "labels", times.few, times.clean
    )


def noise_removal(scale: str) -> Study:
    """Figure 2, bottom: noise in place of images from the start until epoch t0."""
    times = TIMES[scale]
    title = "Noise until epoch t0"
    return _sweep(
        "2B", scale, title, main_setup(scale), "noise", times.few, times.clean
    )


def resnet_removal(scale: str) -> Study:
    """Figure 3, top left, and Figure 4, right: ResNet-18, blur until epoch t0."""
    times = TIMES[scale]
    title = "ResNet-18: blur until epoch t0"
    return _sweep("3TL", scale, title, resnet(scale), "blur", times.few, times.clean)


def resnet_windows(scale: str) -> Study:
    """Figure 4, left: ResNet-18, blur in windows of two lengths, over the onset."""
    times = TIMES[scale]
    lengths = (times.length, times.long)
    spans = [(deficit("blur"), a, a + k) for k in lengths for a in times.few_onsets]
    title = f"ResNet-18: blur in windows of {lengths[0]} and {lengths[1]} epochs"
    setup = replace(resnet(scale), probe=None)
    return windows("4L", scale, title, setup, spans, times.clean)


def layers(scale: str) -> Study:
    """Figure 5: All-CNN, its Fisher information under blur and flip, early and late."""
    times = TIMES[scale]
    ends = (times.few[0], times.few[-1])
    spans = [(deficit(kind), 0, t0) for kind in ("blur", "flip") for t0 in ends]
    title = "All-CNN: Fisher information by layer, under blur and flip"
    setup = replace(main_setup(scale), probe=probe(scale))
    return windows("5", scale, title, setup, spans, times.clean)


def constant_rate(scale: str) -> Study:
    """Figure 3, bottom left: blur until epoch t0, at a fixed learning rate."""
    times = TIMES[scale]
    ends = tuple(range(40, 281, 40)) if scale == "paper" else times.few
    setup = replace(main_setup(scale), schedule=fixed_rate(scale))
    title = "Fixed learning rate: blur until epoch t0"
    return _sweep("3BL", scale, title, setup, "blur", ends, times.clean)


def depth(scale: str, blocks: int) -> Study:
    """Figure 3, bottom right: a network of `blocks` stages, blur until epoch t0."""
    times = TIMES[scale]
    width = {"smoke": 2, "demo": 8, "laptop": 16, "paper": 96}[scale]
    setup = replace(
        main_setup(scale),
        model=ModelSpec("DepthCNN", width, blocks),
        schedule=fixed_rate(scale),
    )
    stages = "1 stage" if blocks == 1 else f"{blocks} stages"
    title = f"Network of {stages}: blur until epoch t0"
    ends = times.few[1::2]
    return _sweep(f"3BR{blocks}", scale, title, setup, "blur", ends, times.clean)


def fully_connected(scale: str) -> Study:
    """Figure 3, top right: a fully connected network on MNIST, fixed learning rate.

    The paper's rate is 0.005; see `settings.fixed_rate`. Digits are not mirrored.
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


def moving_noise(scale: str) -> Study:
    """As Figure 2, bottom, but the noise is translated and mirrored."""
    times = TIMES[scale]
    title = "Augmented noise until epoch t0"
    setup = main_setup(scale)
    kind, ends = "moving-noise", times.few[1::2]
    return _sweep("2B-moving", scale, title, setup, kind, ends, times.clean)


def _images(data: DataSpec, factor: float) -> DataSpec:
    """`data` with another number of training images, as far as there are so many."""
    return replace(data, train=min(50_000, round(data.train * factor)))


def memorised(scale: str) -> Study:
    """Figure 4, right, with images so few that they can be learned by heart.

    The paper's reason why blur should raise the trace is that the network has to learn
    blurred images by heart. That takes a network that can.
    """
    main = main_setup(scale)
    setup = replace(main, data=_images(main.data, FEW), probe=probe(scale))
    half = {"smoke": 2, "demo": 20, "laptop": 80, "paper": 160}[scale]
    title = "All-CNN, a quarter of the images: blur until epoch t0"
    return _sweep("4R-few", scale, title, setup, "blur", (half,), half)


def long_training(scale: str, change: str) -> Study:
    """Does the trace fall (Figure 4, left)? The main setting with one thing changed.

    `change`: "none", "data" (four times the images), "few" (a quarter of them) or
    "loose" (no weight decay).
    """
    main = main_setup(scale)
    epochs, title = {
        "none": (160, "All-CNN, longer"),
        "data": (60, "All-CNN, 4 times the images"),
        "few": (160, "All-CNN, a quarter of the images"),
        "loose": (100, "All-CNN, no weight decay"),
    }[change]
    factor = {"data": 4, "few": FEW}.get(change, 1)
    setup = replace(
        main,
        data=_images(main.data, factor),
        schedule=replace(
            main.schedule,
            weight_decay=0.0 if change == "loose" else main.schedule.weight_decay,
        ),
        probe=probe(scale),
    )
    epochs = {"smoke": 3, "demo": epochs // 4, "paper": 2 * epochs}.get(scale, epochs)
    name = "4L-long" if change == "none" else f"4L-{change}"
    return windows(name, scale, f"{title}: no deficit", setup, (), epochs)


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
    study = windows(
        "timing", scale, title, main_setup(scale), spans, TIMES[scale].clean
    )
    return replace(study, metrics=("test_accuracy",))  # one small file, many runs


def demo(scale: str) -> Study:
    """Clean, blur and flip until one late epoch: the effect in its shortest form."""
    times = TIMES[scale]
    spans = [(deficit(kind), 0, times.removals[-1]) for kind in ("blur", "flip")]
    title = "Clean, blur and flip"
    return windows("demo", scale, title, main_setup(scale), spans, times.clean)


def unmirrored(scale: str) -> Study:
    """Gratings without mirroring, where a vertical flip is a deficit indeed.

    A grating turned upside down is, but for its phase, one mirrored left to right. With
    mirroring as augmentation the flipped set is the set itself, so that the flip tests
    nothing; without, it exchanges the orientations of the classes. The grating is made
    fainter here, for the set is easier to learn without mirroring.
    """
    times = TIMES[scale]
    small = "smoke" if scale == "smoke" else "demo"
    main = main_setup(small)
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
    "2B-moving": moving_noise,
    "4R-few": memorised,
    "4L-long": partial(long_training, change="none"),
    "4L-data": partial(long_training, change="data"),
    "4L-few": partial(long_training, change="few"),
    "4L-loose": partial(long_training, change="loose"),
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
    ("2B-moving", "laptop"),
    ("4R-few", "laptop"),
    ("4L-long", "laptop"),
    ("4L-data", "laptop"),
    ("4L-few", "laptop"),
    ("4L-loose", "laptop"),
    ("demo", "demo"),
    ("timing", "demo"),
    ("timing", "laptop"),
    ("unmirrored", "demo"),
)

# what comes with the package, in one small file
ATLAS = tuple(entry for entry in BOOK if entry[0] == "timing")


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

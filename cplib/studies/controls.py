"""Studies of the book that the paper does not have: controls, maps and short demos."""

from dataclasses import replace

from ..data import DataSpec
from ..deficits import deficit
from .scales import SCALES, Scale
from .study import Study, windows

FEW = 0.25  # of the images, so that they can be memorised


def moving_noise(scale: Scale) -> Study:
    """As Figure 2, bottom, but the noise is translated and mirrored."""
    title = "Augmented noise until epoch t0"
    spans = [(deficit("moving-noise"), 0, t0) for t0 in scale.few[1::2]]
    return windows("2B-moving", scale.name, title, scale.main, spans, scale.clean)


def _images(data: DataSpec, factor: float) -> DataSpec:
    """`data` with `factor` times the training images, capped at 50,000."""
    return replace(data, train=min(50_000, round(data.train * factor)))


def memorised(scale: Scale) -> Study:
    """Figure 4, right, with so few images that they can be memorised.

    The paper's reason why blur should raise the trace is that the network has to
    memorise blurred images. That takes a network that can.
    """
    data, half = _images(scale.main.data, FEW), 2 * scale.clean
    setup = replace(scale.main, data=data, probe=scale.probe)
    title = "All-CNN, a quarter of the images: blur until epoch t0"
    spans = [(deficit("blur"), 0, half)]
    return windows("4R-few", scale.name, title, setup, spans, half)


def long_training(scale: Scale, change: str) -> Study:
    """Does the trace fall (Figure 4, left)? The main setting with one thing changed.

    `change`: "none", "data" (four times the images), "few" (a quarter of them) or
    "loose" (no weight decay).
    """
    times, title = {
        "none": (4, "All-CNN, longer"),
        "data": (1.5, "All-CNN, 4 times the images"),
        "few": (4, "All-CNN, a quarter of the images"),
        "loose": (2.5, "All-CNN, no weight decay"),
    }[change]
    factor = {"data": 4, "few": FEW}.get(change, 1)
    decay = 0.0 if change == "loose" else scale.main.schedule.weight_decay
    setup = scale.main.vary(weight_decay=decay, probe=scale.probe)
    setup = replace(setup, data=_images(setup.data, factor))
    name = "4L-long" if change == "none" else f"4L-{change}"
    epochs = round(times * scale.clean)
    return windows(name, scale.name, f"{title}: no deficit", setup, (), epochs)


def worth(scale: Scale) -> Study:
    """What the first epochs are worth: one run for each way to spend them."""
    kinds = ("blur", "flip", "labels", "grey", "noise", "moving-noise")
    spans = [(deficit(kind), 0, scale.length) for kind in kinds]
    title = f"The first {scale.length} epochs, spent in several ways"
    return windows("worth", scale.name, title, scale.main, spans, scale.clean)


def permanent(scale: Scale) -> Study:
    """Is the loss permanent, or late? Twice as many clean epochs after removal."""
    kinds, end = ("blur", "flip"), scale.few[-1]
    spans = [(deficit(kind), 0, end) for kind in kinds]
    title = f"Blur and flip until epoch {end}, then twice as many clean epochs"
    clean = 2 * scale.clean
    return windows("permanent", scale.name, title, scale.main, spans, clean)


def timing(scale: Scale) -> Study:
    """Deficits over the half grid of onset and removal, for the explorer."""
    spans = [
        (deficit(kind), onset, removal)
        for kind in scale.mapped
        for onset in scale.grid
        for removal in scale.grid
        if onset < removal
    ]
    title = "Onset and removal of a deficit"
    study = windows("timing", scale.name, title, scale.main, spans, scale.clean)
    return replace(study, metrics=("test_accuracy",))  # one small file, many runs


def demo(scale: Scale) -> Study:
    """Clean, blur and flip until one late epoch: the effect in its shortest form."""
    spans = [(deficit(kind), 0, scale.removals[-1]) for kind in ("blur", "flip")]
    title = "Clean, blur and flip"
    return windows("demo", scale.name, title, scale.main, spans, scale.clean)


def unmirrored(scale: Scale) -> Study:
    """Gratings without mirroring, where a vertical flip is a deficit indeed.

    A grating turned upside down is, but for its phase, one mirrored left to right. With
    mirroring as augmentation the flipped set is the set itself, so that the flip tests
    nothing; without, it exchanges the orientations of the classes. The grating is made
    fainter here, for the set is easier to learn without mirroring.
    """
    small = scale if scale.main.data.name == "gratings" else SCALES["demo"]
    setup = small.main.vary(options=(("fine", 0.5),), mirror=False)
    kinds = ("blur", "flip", "noise")
    spans = [(deficit(kind), 0, scale.removals[-1]) for kind in kinds]
    title = "Gratings without mirroring"
    return windows("unmirrored", scale.name, title, setup, spans, scale.clean)

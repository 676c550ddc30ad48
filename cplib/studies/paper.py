"""The paper's panels as `Study` values, at each scale."""

from dataclasses import replace

from ..deficits import deficit
from .scales import Scale
from .study import Study, windows

# One deficit from birth, removed at each of several epochs t0. By panel: the scale's
# setup and its removals, the deficit, and a title.
SWEEPS = {
    "1TL": ("main", "removals", "blur", "Blur until epoch t0"),
    "2L": ("main", "few", "flip", "Vertical flip until epoch t0"),
    "2R": ("main", "few", "labels", "Label permutation until epoch t0"),
    "2B": ("main", "few", "noise", "Noise until epoch t0"),
    "3TL": ("resnet", "few", "blur", "ResNet-18: blur until epoch t0"),
    "3TR": (
        "digits", "digits_removals", "blur",
        "Fully connected network on digits: blur until epoch t0",
    ),
    "3BL": (
        "fixed", "fixed_removals", "blur", "Fixed learning rate: blur until epoch t0",
    ),
}  # fmt: skip


def swept(scale: Scale, name: str) -> Study:
    """The panel `name` of `SWEEPS`."""
    setup, removals, kind, title = SWEEPS[name]
    spans = [(deficit(kind), 0, t0) for t0 in getattr(scale, removals)]
    clean = scale.digits_clean if setup == "digits" else scale.clean
    return windows(name, scale.name, title, getattr(scale, setup), spans, clean)


def depth(scale: Scale, blocks: int) -> Study:
    """Figure 3, bottom right: a network of `blocks` stages, blur until epoch t0."""
    spans = [(deficit("blur"), 0, t0) for t0 in scale.depth_removals]
    stages = "1 stage" if blocks == 1 else f"{blocks} stages"
    title = f"Network of {stages}: blur until epoch t0"
    setup = scale.depth.vary(blocks=blocks)
    return windows(f"3BR{blocks}", scale.name, title, setup, spans, scale.clean)


def blur_window(scale: Scale) -> Study:
    """Figure 1, bottom left: blur in a short window, over its onset."""
    spans = [(deficit("blur"), a, a + scale.length) for a in scale.onsets]
    title = f"Blur in a window of {scale.length} epochs"
    return windows("1BL", scale.name, title, scale.main, spans, scale.clean)


def resnet_windows(scale: Scale) -> Study:
    """Figure 4, left: ResNet-18, blur in windows of two lengths, over the onset."""
    lengths = (scale.length, scale.long)
    spans = [(deficit("blur"), a, a + k) for k in lengths for a in scale.few_onsets]
    title = f"ResNet-18: blur in windows of {lengths[0]} and {lengths[1]} epochs"
    setup = scale.resnet
    if setup.readout is None:  # the first edition measured no trace here
        setup = replace(setup, probe=None)
    return windows("4L", scale.name, title, setup, spans, scale.clean)


def layers(scale: Scale) -> Study:
    """Figure 5: All-CNN, its Fisher information under blur and flip, early and late."""
    kinds = ("blur", "flip")
    spans = [(deficit(kind), 0, t0) for kind in kinds for t0 in scale.layered]
    title = "All-CNN: Fisher information by layer, under blur and flip"
    setup = replace(scale.main, probe=scale.probe)
    return windows("5", scale.name, title, setup, spans, scale.clean)

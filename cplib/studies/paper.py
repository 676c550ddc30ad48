"""The paper's panels as `Study` values, at each scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..deficits import deficit
from ..training import Setup
from .scales import Scale
from .study import Study, windows

__all__ = [
    "blur_removal", "blur_window", "constant_rate", "depth", "flip_removal",
    "fully_connected", "labels_removal", "layers", "noise_removal", "removal_sweep",
    "resnet_removal", "resnet_windows",
]  # fmt: skip


def removal_sweep(
    name: str,
    scale: Scale,
    title: str,
    setup: Setup,
    kind: str,
    removals: Iterable[int],
    clean: int | None = None,
) -> Study:
    """One deficit from the start, removed at each of `removals`."""
    spans = [(deficit(kind), 0, t0) for t0 in removals]
    clean = scale.clean if clean is None else clean
    return windows(name, scale.name, title, setup, spans, clean)


def blur_removal(scale: Scale) -> Study:
    """Figure 1, top left: blur from the start until epoch t0."""
    title = "Blur until epoch t0"
    return removal_sweep("1TL", scale, title, scale.main, "blur", scale.removals)


def blur_window(scale: Scale) -> Study:
    """Figure 1, bottom left: blur in a short window, over its onset."""
    spans = [(deficit("blur"), a, a + scale.length) for a in scale.onsets]
    title = f"Blur in a window of {scale.length} epochs"
    return windows("1BL", scale.name, title, scale.main, spans, scale.clean)


def flip_removal(scale: Scale) -> Study:
    """Figure 2, left: vertical flip from the start until epoch t0."""
    title = "Vertical flip until epoch t0"
    return removal_sweep("2L", scale, title, scale.main, "flip", scale.few)


def labels_removal(scale: Scale) -> Study:
    """Figure 2, right: permuted labels from the start until epoch t0."""
    title = "Label permutation until epoch t0"
    return removal_sweep("2R", scale, title, scale.main, "labels", scale.few)


def noise_removal(scale: Scale) -> Study:
    """Figure 2, bottom: noise in place of images from the start until epoch t0."""
    title = "Noise until epoch t0"
    return removal_sweep("2B", scale, title, scale.main, "noise", scale.few)


def resnet_removal(scale: Scale) -> Study:
    """Figure 3, top left, and Figure 4, right: ResNet-18, blur until epoch t0."""
    title = "ResNet-18: blur until epoch t0"
    return removal_sweep("3TL", scale, title, scale.resnet, "blur", scale.few)


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
    spans = [
        (deficit(kind), 0, t0) for kind in ("blur", "flip") for t0 in scale.layered
    ]
    title = "All-CNN: Fisher information by layer, under blur and flip"
    setup = replace(scale.main, probe=scale.probe)
    return windows("5", scale.name, title, setup, spans, scale.clean)


def constant_rate(scale: Scale) -> Study:
    """Figure 3, bottom left: blur until epoch t0, at a fixed learning rate."""
    title = "Fixed learning rate: blur until epoch t0"
    ends = scale.fixed_removals
    return removal_sweep("3BL", scale, title, scale.fixed, "blur", ends)


def depth(scale: Scale, blocks: int) -> Study:
    """Figure 3, bottom right: a network of `blocks` stages, blur until epoch t0."""
    stages = "1 stage" if blocks == 1 else f"{blocks} stages"
    title = f"Network of {stages}: blur until epoch t0"
    setup = scale.depth.vary(blocks=blocks)
    ends = scale.depth_removals
    return removal_sweep(f"3BR{blocks}", scale, title, setup, "blur", ends)


def fully_connected(scale: Scale) -> Study:
    """Figure 3, top right: a fully connected network on digits, fixed learning rate."""
    title = "Fully connected network on digits: blur until epoch t0"
    ends, clean = scale.digits_removals, scale.digits_clean
    return removal_sweep("3TR", scale, title, scale.digits, "blur", ends, clean)

"""Exercises of *The experiment*: the window, the blur, the shared epochs."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F

from .checker import Exercise, Observations, randomly, shaped

WINDOW = Exercise(
    "experiment-window",
    reference=lambda epoch, onset, removal: epoch in range(onset, removal),
    cases=tuple(
        (epoch, *window)
        for window in ((0, 0), (0, 4), (3, 7), (5, 6))
        for epoch in range(12)
    ),
    wrong=lambda epoch, onset, removal: {
        "too-long": onset <= epoch <= removal,
        "late-onset": onset < epoch < removal,
        "late": onset < epoch <= removal,
        "length": onset <= epoch < onset + removal,
    },
)


def _blurred(x: torch.Tensor) -> torch.Tensor:
    """Each pixel replaced by the mean of its block of 4 x 4 pixels."""
    return F.interpolate(F.avg_pool2d(x, 4), scale_factor=4)


def _observe_blur(answer) -> Observations:
    random = randomly(0)
    checkerboard = (torch.arange(8)[:, None] + torch.arange(8)) % 2.0
    left = shaped(answer(checkerboard.expand(1, 1, 8, 8)), (1, 1, 8, 8))
    seen = [("of a checkerboard it leaves a contrast of", np.ptp(left).round(5))]
    for shape in ((2, 3, 8, 8), (1, 2, 12, 20)):
        x = torch.rand(shape, generator=random)
        y = shaped(answer(x), shape)
        moved = np.abs(y.mean((2, 3)) - x.mean((2, 3)).numpy()).max().round(5)
        seen += [
            (f"in images of {shape[2:]} pixels it changes the mean by", moved),
            (f"from pixels of shape {shape} it makes", y),
        ]
    return seen


BLUR = Exercise(
    "experiment-blur",
    reference=_blurred,
    observe=_observe_blur,
    wrong=lambda x: {
        "sampled": x[..., ::4, ::4].repeat_interleave(4, -2).repeat_interleave(4, -1),
        "small": F.avg_pool2d(x, 4),
        "four-blocks": F.interpolate(F.adaptive_avg_pool2d(x, 4), x.shape[-2:]),
        "channels": _blurred(x.mean(1, keepdim=True).expand_as(x)),
        "whole-image": x.mean((2, 3), keepdim=True) + 0 * x,
    },
)


TREE = Exercise(
    "experiment-tree",
    reference=lambda removals, clean: 2 * max(removals) + clean * (len(removals) + 1),
    cases=tuple(itertools.product(([5], [5, 10], [2, 4, 8, 16], [3, 4]), (1, 6, 40))),
    wrong=lambda removals, clean: {
        "unshared": sum(removals) + clean * len(removals) + max(removals) + clean,
        "no-clean": max(removals) + clean * len(removals),
        "short-clean": max(removals) + clean * (len(removals) + 1),
        "shared-all": 2 * (max(removals) + clean),
    },
)

"""Estimate the compute cost of studies before training."""

from collections.abc import Iterable
from statistics import fmean

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from .. import models
from .._base.plain import number
from ..training import Setup
from . import catalogue
from .plan import make_plan

# the makers' peak rates in dense bfloat16, 10^12 operations per second
CARDS = {"L4": 121, "RTX 4090": 165, "A100": 312, "H100": 989}


def forward(setup: Setup) -> tuple[int, int, int]:
    """Operations and activations of one image's forward pass, and number of weights.

    A multiply-add counts as two operations. Activations are the outputs of all layers,
    which training keeps until the backward pass.
    """
    size, source = setup.data.size, setup.data.source
    shape = {"channels": source.channels, "size": size, "classes": source.classes}
    net = models.build(setup.model, seed=0, **shape).eval()
    kept = []
    for layer in net.modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda *call: kept.append(call[-1].numel()))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(1, source.channels, size, size))
    weights = sum(weight.numel() for weight in net.parameters())
    return counter.get_total_flops(), sum(kept), weights


def tested(setup: Setup, epochs: int) -> float:
    """Mean number of test images that are evaluated after an epoch."""
    data, readout = setup.data, setup.readout
    if readout is None:
        return data.test
    ages = range(1, epochs + 1)
    return fmean(data.test if readout.whole(e) else readout.images for e in ages)


def table(
    scale: str = "paper",
    names: Iterable[str] | None = None,
    *,
    seeds: int | str | Iterable[int] = 3,
    share: float = 0.1,
) -> pd.DataFrame:
    """Epochs, memory and hours of studies (default: the book's) on some GPUs.

    Training is counted as three times the forward pass, evaluation as one; the Fisher
    information and the augmentation are left out. That a card reaches this `share` of
    its peak rate is an assumption, not a measurement. Memory, in GB, is that of
    weights, gradients and momentum in 4 bytes per number, of a mini-batch's activations
    in 2, and of the images in 1; PyTorch itself takes about 1 GB more.
    """
    share = number("share", share, True)
    rows = []
    for name in names or dict.fromkeys(name for name, _ in catalogue.BOOK):
        study = catalogue.get(name, scale)
        data, source = study.setup.data, study.setup.data.source
        flops, activations, weights = forward(study.setup)
        epochs = make_plan(study.setup, study.runs, seeds).epochs
        longest = max(run.epochs for run in study.runs)
        work = epochs * (3 * data.train + tested(study.setup, longest)) * flops
        images = (data.train + data.test) * source.channels * data.size**2
        held = 12 * weights + 2 * study.setup.schedule.batch * activations + images
        row = {"study": name, "network": study.setup.model.family, "epochs": epochs}
        row |= {"PFLOP": round(work / 1e15, 1), "GB": round(held / 1e9, 2)}
        for card, peak in CARDS.items():
            row[f"hours, {card}"] = round(work / (share * peak * 3.6e15), 2)
        rows.append(row)
    return pd.DataFrame(rows)

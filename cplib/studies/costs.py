"""What a study costs, before it is trained."""

from collections.abc import Iterable

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from .. import models
from .._base.plain import number
from ..training import Setup
from . import catalogue
from .plan import make_plan


def forward_flops(setup: Setup) -> int:
    """Floating-point operations for an image; a multiply-add counts as two."""
    size, source = setup.data.size, setup.data.source
    shape = {"channels": source.channels, "size": size, "classes": source.classes}
    net = models.build(setup.model, seed=0, **shape).eval()
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        net(torch.zeros(1, source.channels, size, size))
    return counter.get_total_flops()


def table(
    scale: str = "paper",
    names: Iterable[str] | None = None,
    *,
    seeds: int | str | Iterable[int] = 3,
    teraflops: float = 10.0,
) -> pd.DataFrame:
    """Epochs and operations of studies (default: the book's), and hours at a speed.

    Training is counted as three times the forward pass, evaluation as one; the Fisher
    information and the augmentation are left out. The speed, in 10^12 operations a
    second, is an assumption: no GPU was at hand.
    """
    teraflops = number("teraflops", teraflops, True)
    rows = []
    for name in names or dict.fromkeys(name for name, _ in catalogue.BOOK):
        study = catalogue.get(name, scale)
        epochs = make_plan(study.setup, study.runs, seeds).epochs
        forward, data = forward_flops(study.setup), study.setup.data
        work = epochs * (3 * data.train + data.test) * forward
        rows.append(
            {
                "study": name,
                "network": study.setup.model.family,
                "epochs": epochs,
                "MFLOP an image": round(forward / 1e6, 1),
                "PFLOP": round(work / 1e15, 1),
                f"hours at {teraflops:g} TFLOP/s": round(work / teraflops / 3.6e15, 2),
            }
        )
    return pd.DataFrame(rows)

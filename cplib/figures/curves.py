"""Figures of learning during a deficit and after it, and of the learning left."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .._base.words import translated as _
from ..errors import InputError
from ..results import Result
from ..studies import Run, Study
from .captions import origins, over_seeds
from .marks import interval, legend, mean, percent, rows
from .palette import GREY, looks, series
from .panel import Panel, worded
from .sweeps import T0

TICKS = (0, 1, 2, 5, 10, 20, 40, 80, 160, 320)  # of clean epochs


def during(sweeps: dict[str, Result]) -> Panel:
    """Training accuracy during the longest deficit that all `sweeps` share."""
    runs, curves = _longest(sweeps), {}
    for name, result in sweeps.items():
        curve = 100 * result.curve(runs[name], "train_accuracy")
        curves[name] = curve.loc[1 : runs[name].removal]
    with rows(3.8) as (_, (axes,)):
        axes.set(xlabel="epochs of training, all under the deficit", ylim=(0, 100))
        return _drawn("during", axes, curves, runs, sweeps, "training accuracy (%)")


def after(sweeps: dict[str, Result]) -> Panel:
    """Test accuracy after the longest shared deficit, and without any deficit."""
    runs, result = _longest(sweeps), next(iter(sweeps.values()))
    removal, clean = next(iter(runs.values())).removal, result.study.runs[0]
    curves = {n: _since(removal, r, runs[n]) for n, r in sweeps.items()}
    never = {"from birth": _since(0, result, clean)}
    never["no deficit, same age"] = _since(removal, result, clean)
    with rows(4.2) as (_, (axes,)):
        for (name, curve), dash in zip(never.items(), ("--", ":"), strict=True):
            axes.plot(curve.mean(axis=1), color=GREY, linestyle=dash, label=name)
        axes.set_xscale("symlog", linthresh=1)
        ticks = [tick for tick in TICKS if tick <= result.study.clean_epochs]
        axes.set_xticks(ticks, labels=map(str, ticks))
        axes.minorticks_off()
        axes.set(xlabel="clean epochs since the removal, or birth")
        return _drawn("after", axes, curves, runs, sweeps, "test accuracy (%)")


def time_left(studies: dict[str, Study]) -> Panel:
    """Learning rate summed over the clean epochs after t0, in % of that from birth."""
    left, ends = {}, []
    with rows(3.2) as (figure, (axes,)):
        for i, (name, study) in enumerate(studies.items()):
            epochs = range(study.runs[-1].removal + study.clean_epochs)
            rates = [study.setup.schedule.rate_at(epoch) for epoch in epochs]
            sums = np.convolve(rates, np.ones(study.clean_epochs), "valid")
            left[name] = pd.Series(100 * sums / sums[0])
            ends.append(_("{name} {share:.1f} % at {epoch}", name=name,
                          share=left[name].iloc[-1], epoch=len(sums) - 1))  # fmt: skip
            look = series(i)
            axes.plot(left[name], color=look.colour, linestyle=look.dash, label=name)
        axes.set(xlabel=T0, ylabel=_("learning left (%)"), ylim=(0, 105))
        axes.margins(x=0.02)
        legend(axes)
    table = pd.concat(left, names=["schedule", "removal"]).rename("% left")
    return worded("time_left", figure, table.reset_index(), words="; ".join(ends))


def _longest(sweeps: dict[str, Result]) -> dict[str, Run]:
    """Each sweep's run with a deficit from birth to the last removal that all have."""
    found = [{run.removal for run in sweep.study.runs} for sweep in sweeps.values()]
    shared = set.intersection(*found) - {0}
    if not shared:
        raise InputError(f"{', '.join(sweeps)} share no removal: choose others.")
    return {n: s.study.find(removal=max(shared)) for n, s in sweeps.items()}


def _since(epoch: int, result: Result, run: Run) -> pd.DataFrame:
    """Test accuracy of `run` in %, by the clean epochs since `epoch`."""
    curve = 100 * result.curve(run).loc[epoch : epoch + result.study.clean_epochs]
    return curve.set_axis(curve.index - epoch)


def _drawn(
    words: str,
    axes: Axes,
    curves: dict[str, pd.DataFrame],
    runs: dict[str, Run],
    sweeps: dict[str, Result],
    label: str,
) -> Panel:
    """The panel of `curves`, whose names are those of `runs` and `sweeps`."""
    for (name, curve), look in zip(curves.items(), looks(runs.values()), strict=True):
        mean(axes, curve, look, name)
    percent(axes, label)
    legend(axes)
    ends = [f"{name} {curve.iloc[-1].mean():.1f} %" for name, curve in curves.items()]
    table = pd.concat({name: interval(curve) for name, curve in curves.items()})
    removal = next(iter(runs.values())).removal
    return worded(
        words, axes.figure, table.rename_axis(["line", "epoch"]).reset_index(),
        words="; ".join(ends), removal=removal, seeds=over_seeds(*sweeps.values()),
        origin=origins(sweeps),
    )  # fmt: skip

"""The curves that figures are made of: sweeps, controls, losses, learning curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results import Result
from .palette import BLUE, GREY, LOOKS, PURPLE

# Paper, Figure 1 top left, as quoted in its text (PROTOCOL: "Errors quoted"): test
# error in %, by removal epoch, at 160 clean epochs after removal.
PAPER_ERRORS = {0: 6.4, 140: 18.0}
PAPER_CLEAN_EPOCHS = 160
# inches; narrow, so that the text can be read when a phone shrinks the figure
TALL = (6.4, 7.2)
ROOM_BELOW = 16  # points of the learning curve that are shown below the results


def summary(by_seed: pd.DataFrame, over: str) -> pd.DataFrame:
    """Mean and spread over seeds, in %, for each value of column `over`."""
    percent = by_seed.assign(
        **{name: 100 * by_seed[name] for name in ("final", "baseline", "control")}
    )
    grouped = percent.groupby(over)
    return pd.DataFrame(
        {
            "mean": grouped["final"].mean(),
            "sd": grouped["final"].std(),
            "lowest seed": grouped["final"].min(),
            "highest seed": grouped["final"].max(),
            "baseline": grouped["baseline"].mean(),
            "control": grouped["control"].mean(),
        }
    ).reset_index()


def swept(
    axes: Axes, by_seed: pd.DataFrame, x: str, y: str, kind: str, label: str
) -> None:
    """Mean over seeds with its band, and each seed as a dot; y in %."""
    colour, marker, _ = LOOKS[kind]
    grouped = 100 * by_seed.groupby(x)[y].agg(["mean", "std"])
    mean, deviation = grouped["mean"], grouped["std"].fillna(0)
    axes.fill_between(
        mean.index, mean - deviation, mean + deviation, color=colour, alpha=0.2,
        linewidth=0,
    )  # fmt: skip
    axes.scatter(by_seed[x], 100 * by_seed[y], color=colour, s=8, alpha=0.6)
    axes.plot(mean, color=colour, marker=marker, linewidth=2, label=label)


def learning_curve(axes: Axes, result: Result, until: float) -> None:
    """The clean run's test accuracy, dashed as in the paper."""
    curve = 100 * result.curve(result.study.runs[0])
    curve = curve.loc[:until].mean(axis=1)
    axes.plot(curve, color=GREY, linestyle="--", label="learning without deficit")


def sweep(
    result: Result, by_seed: pd.DataFrame, x: str, name: str, label_x: str
) -> tuple[Figure, Axes, Axes]:
    """Final accuracy over column `x`, with its control and the clean learning curve.

    Returns:
        The figure, the axes drawn upon, and empty axes below them.
    """
    figure = Figure(figsize=TALL, layout="constrained")
    top, bottom = figure.subplots(2, 1, height_ratios=(1.6, 1))
    table = summary(by_seed, x)
    learning_curve(top, result, table[x].max())
    swept(top, by_seed, x, "final", result.study.runs[-1].name, name)
    equal_length(top, summary(by_seed[by_seed["removal"] > 0], x), x)
    top.set_ylim(bottom=max(0, table["lowest seed"].min() - ROOM_BELOW))
    accuracy_axis(top, label_x)
    return figure, top, bottom


def loss(
    axes: Axes, by_seed: pd.DataFrame, against: str, look: tuple, name: str
) -> None:
    """Loss of final accuracy over t0, in points, against one of the references."""
    colour, marker, dash = look
    points = 100 * (by_seed[against] - by_seed["final"])
    grouped = points.groupby(by_seed["removal"]).agg(["mean", "std"])
    mean, deviation = grouped["mean"], grouped["std"].fillna(0)
    axes.fill_between(
        mean.index, mean - deviation, mean + deviation, color=colour, alpha=0.15,
        linewidth=0,
    )  # fmt: skip
    axes.plot(mean, color=colour, marker=marker, linestyle=dash, label=name)


def equal_length(axes: Axes, table: pd.DataFrame, x: str) -> None:
    """The control: the clean run after as many epochs in all."""
    axes.plot(
        table[x], table["control"], color=GREY, marker="o", markerfacecolor="white",
        linestyle=":", label="no deficit, equal length",
    )  # fmt: skip


def sensitivity(axes: Axes, by_seed: pd.DataFrame) -> None:
    """Loss of final accuracy over the onset, against both clean references."""
    looks = {"baseline": (GREY, "o", "-"), "control": (BLUE, "s", "--")}
    names = {
        "baseline": "against equal clean epochs",
        "control": "against equal length",
    }
    for reference, (colour, marker, dash) in looks.items():
        loss = 100 * (by_seed[reference] - by_seed["final"])
        grouped = loss.groupby(by_seed["onset"]).agg(["mean", "std"])
        mean, deviation = grouped["mean"], grouped["std"].fillna(0)
        axes.fill_between(
            mean.index, mean - deviation, mean + deviation, color=colour, alpha=0.15,
            linewidth=0,
        )  # fmt: skip
        axes.plot(
            mean, color=colour, marker=marker, linestyle=dash, label=names[reference]
        )
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel="epoch of onset", ylabel="loss of accuracy (points)")
    axes.legend(loc="best", fontsize="small")


def relative_error(
    axes: Axes, by_seed: pd.DataFrame, clean_epochs: int, kind: str, quoted: bool
) -> None:
    """Error relative to no deficit over t0 / clean epochs; the paper's if `quoted`."""
    colour, marker, _ = LOOKS[kind]
    ratio = by_seed.assign(
        ratio=(1 - by_seed["final"]) / (1 - by_seed["baseline"]),
        time=by_seed["removal"] / clean_epochs,
    )
    grouped = ratio.groupby("time")["ratio"].agg(["mean", "std"])
    deviation = grouped["std"].fillna(0)
    axes.fill_between(
        grouped.index, grouped["mean"] - deviation, grouped["mean"] + deviation,
        color=colour, alpha=0.2, linewidth=0,
    )  # fmt: skip
    axes.plot(grouped["mean"], color=colour, marker=marker, label="ours")
    axes.set(
        xlabel="t₀ / clean epochs after removal", ylabel="test error / without deficit"
    )
    if not quoted:
        axes.axhline(1, color=GREY, linewidth=0.8)
        return
    time = np.array(list(PAPER_ERRORS)) / PAPER_CLEAN_EPOCHS
    error = np.array(list(PAPER_ERRORS.values())) / PAPER_ERRORS[0]
    axes.plot(
        time, error, color=PURPLE, marker="*", markersize=11, linestyle="",
        label="paper, quoted",
    )  # fmt: skip
    axes.legend(loc="upper left")


def accuracy_axis(axes: Axes, x_label: str) -> None:
    """Labels with units, and a legend that keeps clear of the lines."""
    axes.set(xlabel=x_label, ylabel="test accuracy (%)")
    axes.margins(x=0.02)
    axes.legend(loc="best")

"""Marks that figures share: means over seeds, and windows of deficit."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike
from scipy import stats

from .._base.words import translated as _
from ..deficits import Deficit, Look
from ..studies import Run
from .palette import style

WIDTH = 3.4  # inches: as narrow as a phone, so that text keeps its size there
MARKED = 8  # epochs of a long curve that carry markers and dots


@contextlib.contextmanager
def rows(
    *heights: float, sharex: bool = False, width: float = WIDTH
) -> Iterator[tuple[Figure, list[Axes]]]:
    """Context of the book's style, with a figure of its width and a column of axes.

    The axes have these heights (inches). A page shows rows side by side where there is
    room, unless they share their x axis.
    """
    with style():
        figure = Figure(figsize=(width, sum(heights)), layout="constrained")
        grid = figure.subplots(
            len(heights), 1, height_ratios=heights, sharex=sharex, squeeze=False
        )[:, 0]
        for axes in grid:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        yield figure, list(grid)


def legend(axes: Axes, ncols: int = 1, **options) -> None:
    """Draw a legend above the axes, where it crosses no line."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.12, 1.0), ncols=ncols, handlelength=1.8,
        borderpad=0, labelspacing=0.25, columnspacing=1, **options,
    )  # fmt: skip


def common(grid: Sequence[Axes], least: tuple[float, float]) -> None:
    """Give all axes of `grid` one y range, which includes `least`."""
    ends = [*least, *(end for axes in grid for end in axes.get_ylim())]
    for axes in grid:
        axes.set_ylim(min(ends), max(ends))


def interval(values: pd.DataFrame, geometric: bool = False) -> pd.DataFrame:
    """Mean over seeds (columns) and its 95 % interval, for each row of `values`.

    Args:
        values: a column for each seed.
        geometric: of the logarithms, for a logarithmic axis, without values up to 0.

    Returns:
        Columns mean, low and high (Student's t); no low and high for a single seed.
    """
    if geometric:
        return np.exp(interval(np.log(values.where(values > 0))))
    half = stats.t.ppf(0.975, values.count(axis=1) - 1) * values.sem(axis=1)
    middle = values.mean(axis=1)
    return pd.DataFrame({"mean": middle, "low": middle - half, "high": middle + half})


def mean(
    axes: Axes, values: pd.DataFrame, look: Look, label: str | None = None,
    geometric: bool = False, **line,
) -> None:  # fmt: skip
    """Draw the mean over seeds as a line, its 95 % interval as a band, seeds as dots.

    Args:
        axes: to draw on.
        values: index x, one column per seed. If x has many values, only some have
            markers and dots.
        look: of the deficit, or of a series.
        label: in the legend.
        geometric: see `interval`.
        line: options of the line.
    """
    every = max(1, len(values) // MARKED)
    found = interval(values, geometric)
    band(axes, found.index, found.low, found.high, look.colour)
    if values.shape[1] > 1:
        dots = {"color": look.colour, "markersize": 3, "alpha": 0.6}
        axes.plot(values.iloc[::every], ".", **dots)
    options = {"linestyle": look.dash, "marker": look.marker, "markevery": every}
    axes.plot(found["mean"], color=look.colour, label=label, **options | line)


def band(axes: Axes, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str):
    """Draw a 95 % interval over `x` (n,)."""
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)


def lanes(axes: Axes, runs: Mapping[str, Run]) -> pd.DataFrame:
    """Draw one bar per run over its epochs, labelled with its deficits.

    Returns:
        The bars as a table.
    """
    last, table = max(run.epochs for run in runs.values()), []
    for y, (name, run) in enumerate(runs.items()):
        begin = 0
        for deficit, end in run.phases():
            colour = (deficit or Deficit()).look.colour
            shade = colour if deficit else "none"
            axes.barh(-y, end - begin, left=begin, height=0.6, color=shade, alpha=0.35)
            axes.barh(-y, end - begin, left=begin, height=0.6, color="none",
                      edgecolor=colour, hatch="//" if deficit else "")  # fmt: skip
            word = deficit.label if deficit else _("clean")
            if end - begin > 0.035 * last * len(word):  # else it does not fit
                axes.text(
                    (begin + end) / 2, -y, word, ha="center", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
                )  # fmt: skip
            sees = deficit.sees if deficit else _("sharp images")
            table.append((name, begin, end, sees))
            begin = end
    axes.set(yticks=[-y for y in range(len(runs))], yticklabels=runs, xlim=(0, last))
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return pd.DataFrame(table, columns=["network", "from epoch", "until epoch", "sees"])


def name_of(run: Run) -> str:
    """A run in a legend: 'no deficit', 'blur until 40', 'blur 0–10, noise 20–30'."""
    if len(run.windows) == 1 and run.onset == 0:
        return f"{run.label} until {run.removal}"
    return run.title


def percent(axes: Axes, label: str = _("test accuracy (%)"), least: float = 0) -> None:
    """Make the y axis one of accuracy, in %, from `least` or more to 100 or less."""
    low, high = axes.get_ylim()
    axes.set(ylabel=label, ylim=(max(least, low), min(100, high)))
    axes.margins(x=0.02)


def log_axis(axes: Axes, seen: pd.Series, label: str) -> None:
    """Make the y axis logarithmic, with plain numbers, over `seen`, all above 0."""
    axes.set_yscale("log")
    axes.set(ylabel=label, ylim=(seen.min() / 1.2, 1.2 * seen.max()))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_minor_locator(NullLocator())

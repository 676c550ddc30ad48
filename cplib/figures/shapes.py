"""The figure of any study, chosen by what it varies; learning curves; maps."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ..analysis.effects import REFERENCES
from ..results import LAST, Result
from ..studies import Run
from .captions import finished, origin
from .fisher import over_training
from .marks import WIDTH, interval, lanes, legend, mean, name_of, percent, rows
from .palette import DEEPEST, GAINED, GREY, LOST, looks
from .panel import Panel, worded
from .sweeps import LOST as LOSSES
from .sweeps import lines_of, readouts, removal_sweep, summary, window_sweep

FEW = 6  # the most runs with distinguishable learning curves


def draw(result: Result) -> Panel:
    """The figure of a result, chosen by what its study varies.

    If it varies the removal of deficits: final accuracy over the removal; if the onset
    of windows: over the onset; if both: a map; otherwise: learning curves, or, without
    deficit and with a probe, the trace of the Fisher information.
    """
    runs = [run for run in result.study.runs if not run.clean]
    if result.study.setup.probe and not runs:
        return over_training(result)
    return _kind(runs)(result)


def _kind(runs: list[Run]) -> Callable[[Result], Panel]:
    """The function that draws runs with these windows of deficit."""
    several = any(len(run.windows) > 1 for run in runs)
    if several or len({run.windows for run in runs}) < max(2, len(runs)):
        return comparison
    onsets = {run.onset for run in runs}
    if len(onsets) == 1 and len(runs) > len({run.name for run in runs}):
        return removal_sweep
    lengths = Counter((run.name, run.removal - run.onset) for run in runs)
    if len(onsets) > 1 and min(lengths.values()) > 1:
        return window_sweep
    return timing_map if len(runs) > FEW else comparison


def comparison(result: Result) -> Panel:
    """Learning curves of all runs, and a table of their final accuracies."""
    runs, ends = _named(result.study.runs), readouts(result)
    each = ends.pivot_table("final", "run", "seed").add_prefix("seed ")
    table = summary(ends, "run").drop(columns=["low", "high"]).join(each)
    table = table.rename(columns={"mean": "final"} | REFERENCES)
    table.index = pd.Index([list(runs)[number] for number in table.index], name="run")
    table = table.round(1).reset_index()
    impaired = [run for run in runs.values() if not run.clean]
    alike = len({tuple(window[1:] for window in run.windows) for run in impaired}) < 2
    below = [] if alike else [0.5 + 0.3 * len(runs)]
    with rows(2.7, *below, sharex=True) as (figure, (axes, *rest)):
        for (name, run), look in zip(runs.items(), looks(runs.values()), strict=True):
            mean(axes, 100 * result.curve(run), look, name)
        if below:
            lanes(rest[0], runs)
            rest[0].set_xlim(axes.get_xlim())
        elif impaired:
            shaded(axes, impaired)
        figure.axes[-1].set(xlabel="epochs of training")
        percent(axes)
        legend(axes)
    last = {n: 100 * result.curve(r).tail(LAST).mean().mean() for n, r in runs.items()}
    endings = "; ".join(f"{name} {last[name]:.1f} %" for name in table["run"])
    shown = ", with the windows of deficit below" if below else ""
    shown = ", with a deficit in the grey epochs" if impaired and alike else shown
    return finished(
        result, worded("comparison", figure, table, words=endings, shown=shown)
    )


def timing_map(result: Result) -> Panel:
    """Points lost over onset and removal of a deficit, one map per deficit."""
    by = {"index": ["onset", "removal"], "columns": "seed"}
    tables = {
        line.name: interval(line.rows.pivot_table(values=LOSSES["control"], **by))
        for line in lines_of(result, lambda run: run.label)
    }
    table = pd.concat(tables, names=["deficit"]).round(2).reset_index()
    limit = max(1.0, float(table["mean"].abs().max()))
    with rows(*[WIDTH] * len(tables)) as (figure, grid):
        for axes, name in zip(grid, tables, strict=True):
            heat(axes, table[table["deficit"] == name], limit)
            axes.set(title=name, xlabel="onset (epoch)", ylabel="removal (epoch)")
    worst = table.loc[table["mean"].idxmax()]
    return worded(
        "timing_map", figure, table, deficits=", ".join(tables), most=worst["mean"],
        **worst[["deficit", "onset", "removal"]], seeds=len(result.seeds),
        clean=result.study.clean_epochs, origin=origin(result),
    )  # fmt: skip


def _named(runs: tuple[Run, ...]) -> dict[str, Run]:
    """Runs by the shortest form of name that is different for each."""
    for name in ("{0.label}", "{1}", "{0.title}, {0.epochs} epochs"):
        named = {name.format(run, name_of(run)): run for run in runs}
        if len(named) == len(runs):
            break
    return named


def shaded(axes: Axes, runs: list[Run]) -> None:
    """Shade the windows, the same for all `runs`, in grey, with the deficit's name."""
    alike = len({run.deficits for run in runs}) == 1
    for deficit, onset, removal in runs[0].windows:
        axes.axvspan(onset, removal, color=GREY, alpha=0.15, linewidth=0, zorder=0)
        axes.text(
            (onset + removal) / 2, 0.99, deficit.label if alike else "deficit",
            ha="center", va="top", transform=axes.get_xaxis_transform(),
        )  # fmt: skip


def heat(
    axes: Axes, table: pd.DataFrame, limit: float, x: str = "onset", y: str = "removal"
) -> None:
    """Draw a map of points lost: more opaque for more, another colour if gained.

    Args:
        axes: to draw on.
        table: columns `x`, `y` and mean, one row per cell.
        limit: points from which a cell is most opaque.
        x, y: columns along the axes.
    """
    found = table.pivot(index=y, columns=x, values="mean")
    for y, (_, row) in enumerate(found.iterrows()):
        for x, points in enumerate(row):
            if pd.isna(points):
                continue
            axes.add_patch(Rectangle((x, y), 1, 1, **shade(points, limit)))
            words = f"{round(points)}".replace("-", "\N{MINUS SIGN}")
            axes.text(x + 0.5, y + 0.5, words, ha="center", va="center")
    axes.set(aspect="equal", xlim=(0, found.shape[1]), ylim=(0, found.shape[0]))
    axes.set_xticks(np.arange(found.shape[1]) + 0.5, found.columns)
    axes.set_yticks(np.arange(found.shape[0]) + 0.5, found.index)
    axes.tick_params(length=0)


def shade(points: float, limit: float) -> dict:
    """The look of a cell for the points lost, most opaque at `limit`."""
    part = DEEPEST * min(1.0, abs(points) / limit) ** 0.5  # few are seen in the dark
    return {"color": LOST if points > 0 else GAINED, "alpha": part, "linewidth": 0}

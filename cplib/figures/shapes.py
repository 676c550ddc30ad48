"""Any study's figure, chosen by what it varies; learning curves, and maps."""

from collections import Counter
from collections.abc import Callable

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..results import Result
from ..studies import Run
from .captions import finished, origin
from .fisher import over_training, under_deficit
from .marks import interval, lanes, mean, name_of, percent, rows
from .palette import looks, style
from .panel import Panel, worded
from .sweeps import lines_of, readouts, removal_sweep, summary, window_sweep

FEW = 6  # runs whose learning curves can be told apart


def draw(result: Result) -> Panel:
    """The figure of a result, chosen by what its study varies.

    Where it varies the removal of deficits, final accuracy over the removal; where it
    varies the onset of windows, over the onset; both, a map; else the learning curves.
    With a probe, the trace of the Fisher information is added.
    """
    runs = [run for run in result.study.runs if not run.clean]
    probed = result.study.setup.probe is not None
    if probed and not runs:
        return over_training(result)
    kind = _kind(runs)
    if not probed or kind is timing_map:
        return kind(result)
    return under_deficit(result, below=kind(result))


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
    """Learning curves of every run, and a table of its endings."""
    runs = _named(result.study.runs)
    table = summary(readouts(result), "run").rename(columns={"mean": "final"})
    table.index = pd.Index([list(runs)[number] for number in table.index], name="run")
    table = table.round(1).reset_index()
    impaired = [run for run in runs.values() if not run.clean]
    alike = len({tuple(window[1:] for window in run.windows) for run in impaired}) < 2
    below = [] if alike else [0.6 + 0.35 * len(runs)]
    with style():
        figure, (axes, *rest) = rows(4.4, *below)
        for (name, run), look in zip(runs.items(), looks(runs.values()), strict=True):
            mean(axes, 100 * result.curve(run), look, name)
        if below:
            lanes(rest[0], runs)
            rest[0].set_xlim(axes.get_xlim())
        elif impaired:
            _shade(axes, impaired)
        axes.set(xlabel="epochs of training")
        percent(axes)
        legend = axes.get_legend_handles_labels()
        figure.legend(*legend, loc="outside upper center", ncols=2)
    endings = "; ".join(f"{row.run} {row.final:.1f} %" for row in table.itertuples())
    shown = ", with the windows of deficit below" if below else ""
    shown = ", with a deficit in the grey epochs" if impaired and alike else shown
    return finished(
        result, worded("comparison", figure, table, words=endings, shown=shown)
    )


def timing_map(result: Result) -> Panel:
    """Points lost over onset and removal of a deficit, one map per deficit."""
    by = {"index": ["onset", "removal"], "columns": "seed"}
    tables = {
        line.name: interval(line.rows.pivot_table(values="lost to baseline", **by))
        for line in lines_of(result, lambda run: run.label)
    }
    table = pd.concat(tables, names=["deficit"]).round(2).reset_index()
    limit = max(1.0, float(table["mean"].abs().max()))
    across = min(2, len(tables))
    down = -(-len(tables) // across)
    with style():
        figure = Figure(figsize=(0.8 + 2.8 * across, 3 * down), layout="constrained")
        grid = list(figure.subplots(down, across, squeeze=False).flat)
        for axes, name in zip(grid, tables, strict=False):
            _heat(axes, table[table["deficit"] == name], name, limit)
        for axes in grid[len(tables) :]:
            axes.set_axis_off()
        colours = grid[0].collections[0]
        figure.colorbar(colours, ax=grid, shrink=0.6, label="points lost")
    worst = table.loc[table["mean"].idxmax()]
    return worded(
        "timing_map", figure, table, deficits=", ".join(tables), most=worst["mean"],
        **worst[["deficit", "onset", "removal"]], seeds=len(result.seeds),
        clean=result.study.clean_epochs, origin=origin(result),
    )  # fmt: skip


def _named(runs: tuple[Run, ...]) -> dict[str, Run]:
    """Runs by the shortest name that tells them apart."""
    for name in ("{0.label}", "{1}", "{0.title}, {0.epochs} epochs"):
        named = {name.format(run, name_of(run)): run for run in runs}
        if len(named) == len(runs):
            break
    return named


def _shade(axes: Axes, runs: list[Run]) -> None:
    """Grey for the windows, the same for all `runs`, with the deficit's name above."""
    alike = len({run.deficits for run in runs}) == 1
    for deficit, onset, removal in runs[0].windows:
        axes.axvspan(onset, removal, color="0.93", zorder=0)
        axes.text(
            (onset + removal) / 2, 1.01, deficit.label if alike else "deficit",
            ha="center", transform=axes.get_xaxis_transform(),
        )  # fmt: skip


def _heat(axes: Axes, table: pd.DataFrame, name: str, limit: float) -> None:
    """One map: red where accuracy is lost."""
    found = table.pivot(index="removal", columns="onset", values="mean").iloc[::-1]
    digits = 1 if found.shape[1] < 6 else 0
    sns.heatmap(
        found.round(digits) + 0.0, ax=axes, annot=True, fmt=f".{digits}f", square=True,
        vmin=-limit, vmax=limit, cmap="RdBu_r", cbar=False,
    )  # fmt: skip
    axes.tick_params(axis="y", rotation=0)
    axes.set(title=name, xlabel="onset (epoch)", ylabel="removal (epoch)")

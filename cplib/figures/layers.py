"""Figures of the trace layer by layer: its shares, and what a deficit moves."""

import pandas as pd
from matplotlib.axes import Axes

from ..analysis.sensitivity import shares
from ..results import Result
from ..studies import Run
from .captions import origin
from .fisher import measured, probed, runs_with
from .marks import WIDTH, common, interval, legend, mean, name_of, rows
from .palette import INK, WHITE, looks, networks, ramp
from .panel import Panel, worded

THIN = 5  # percent of the trace; thinner layers have no room for their number


def by_layer(result: Result, deficit: str | None = None) -> Panel:
    """Share of each layer in the trace over training (5, a row of three panels).

    Args:
        result: of a study with a probe.
        deficit: the name of one, removed early and late; default: the study's first.
    """
    late = runs_with(result, deficit)
    late = [run for run in late if run.name == late[0].name]
    runs = list(dict.fromkeys([result.study.runs[0], *late[:1], *late[-1:]]))
    last = min(run.epochs for run in runs)
    runs = [run for run in runs if measured(result, run)] or runs
    tables, words = [], []
    with rows(*[2.4] * len(runs)) as (figure, grid):
        (own,) = networks([result.study])
        for axes, run in zip(grid, runs, strict=True):
            share = shares(result, run).groupby(["epoch", "layer"]).share.mean()
            table, name = 100 * share.unstack(), name_of(run)
            _stack(axes, table, run, own.colour)
            tables.append(table.round(1).assign(run=name).reset_index())
            row = table.loc[: run.removal or last].iloc[-1]
            words.append(
                f"{name}: after epoch {row.name}, layer {row.idxmax()} has the "
                f"largest share, {row.max():.0f} %"
            )
    return worded(
        "by_layer", figure, pd.concat(tables, ignore_index=True), panels=len(runs),
        words="; ".join(words), probed=probed(result), origin=origin(result),
    )  # fmt: skip


def moved(result: Result, deficit: str | None = None) -> Panel:
    """Each layer's share minus that without deficit at the same age (5, by layer).

    For the arguments see `by_layer`.
    """
    clean, late = result.study.runs[0], runs_with(result, deficit)
    late = [run for run in late if run.name == late[0].name]
    runs = list(dict.fromkeys([late[0], late[-1]]))
    excess = {name_of(run): _apart(result, run, clean) for run in runs}
    layers = excess[name_of(runs[-1])].columns.unique("layer")
    tables = []
    with rows(*[1.45] * len(layers), width=WIDTH / 2) as (figure, grid):
        own = looks([clean, *late])
        drawn = [own[late.index(run) + 1] for run in runs]
        lines = list(zip(runs, excess.items(), drawn, strict=True))
        for axes, layer in zip(grid, layers, strict=True):
            axes.axhline(0, color=INK, linewidth=0.8)
            for run, (name, apart), look in lines:
                mean(axes, apart[layer], look, name, marker="")
                axes.axvline(run.removal, color=look.colour, linestyle=":")
                found = interval(apart[layer]).round(2).assign(layer=layer, run=name)
                tables.append(found.reset_index())
            axes.set(xlabel="epoch", ylabel=f"layer {layer} (%)")
            axes.set_xlim(left=0)
            axes.locator_params("x", nbins=3)
        common(grid, (-1, 1))
        legend(grid[0])
    words = "; ".join(
        f"{name}: at the end, layer {end.abs().idxmax()} differs most, "
        f"{end[end.abs().idxmax()]:+.1f} % of the trace".replace("-", "\N{MINUS SIGN}")
        for name, apart in excess.items()
        for end in [apart.iloc[-1].groupby("layer").mean()]
    )
    return worded(
        "layers_moved", figure, pd.concat(tables, ignore_index=True), words=words,
        layers=len(layers), probed=probed(result), origin=origin(result),
    )  # fmt: skip


def _apart(result: Result, run: Run, clean: Run) -> pd.DataFrame:
    """Shares of `run` minus those of `clean`, in %: by epoch, and layer and seed."""
    one, other = (
        shares(result, r).set_index(["epoch", "layer", "seed"])["share"].unstack([1, 2])
        for r in (run, clean)
    )
    return 100 * (one - other).dropna(how="all").dropna(axis=1, how="all")


def _stack(axes: Axes, table: pd.DataFrame, run: Run, colour: str) -> None:
    """Draw the layers' shares in shades of `colour`, with their numbers at the end."""
    colours = ramp(colour, table.shape[1])
    axes.stackplot(
        table.index, table.T.to_numpy(), colors=colours, edgecolor=WHITE, linewidth=0.6
    )
    axes.set(title=name_of(run), ylabel="share of trace (%)", ylim=(0, 100))
    axes.set(xlabel="epochs of training")
    axes.margins(x=0)
    axes.locator_params("x", nbins=6)
    tops = table.iloc[-1].cumsum()
    for layer, share in table.iloc[-1].items():
        if share > THIN:
            axes.annotate(
                f" {layer}", (table.index[-1], tops[layer] - share / 2), va="center",
                annotation_clip=False,
            )  # fmt: skip
    for window in run.windows:
        axes.axvline(window.removal, color=INK, linestyle="--", linewidth=1.2)

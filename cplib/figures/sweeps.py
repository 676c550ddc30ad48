"""One function per panel: a `Result` in, a `Panel` out. Nothing here trains."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ..analysis.effects import left_out
from ..engine import provenance
from ..errors import InputError
from ..results import Result, finals
from ..training import Schedule
from .marks import (
    PAPER_ERRORS,
    TALL,
    accuracy_axis,
    loss,
    relative_error,
    sensitivity,
    summary,
    sweep,
)
from .palette import GREY, LABELS, LOOKS, SERIES, style
from .panel import Panel

__all__ = [
    "comparison", "draw", "origin", "origins", "removal_sweep", "timing_map",
    "together", "window_sweep",
]  # fmt: skip

SWEEPS = (
    "1TL", "2L", "2R", "2B", "2B-moving", "3TL", "3TR", "3BL", "3BR1", "3BR2", "3BR3",
)  # fmt: skip
REFERENCES = {
    "baseline": "against equal clean epochs",
    "control": "against equal length",
}
WIDE = (6.4, 4.4)  # inches; narrow, so that the text can be read on a phone


def draw(result: Result) -> Panel:
    """The figure of `result`'s study."""
    panels = dict.fromkeys(SWEEPS, removal_sweep) | {
        "1BL": window_sweep,
        "demo": comparison,
        "unmirrored": comparison,
        "timing": timing_map,
    }
    if result.study.name not in panels:
        raise InputError(
            f"No figure is drawn for study {result.study.name!r}; there is one for "
            f"{', '.join(panels)}."
        )
    return panels[result.study.name](result)


def origin(result: Result) -> str:
    """The end of every caption: scale, data, seeds, device, where it was computed."""
    words = f"Scale {result.study.scale}: {', '.join(_parts(result))}."
    return words + left_out(result)


def origins(sweeps: dict[str, Result]) -> str:
    """The same for several results: what they have in common is said once."""
    parts = {name: _parts(result) for name, result in sweeps.items()}
    shared = [part for part, *rest in zip(*parts.values(), strict=True)
              if all(part == other for other in rest)]  # fmt: skip
    scale = next(iter(sweeps.values())).study.scale
    sentences = [f"Scale {scale}: {', '.join(shared)}."] if shared else []
    for name, own in parts.items():
        rest = [part for part in own if part not in shared]
        sentences += [f"{name}: {', '.join(rest)}."] if rest else []
    lost = {name: left_out(result) for name, result in sweeps.items()}
    sentences += [f"{name}:{words}" for name, words in lost.items() if words]
    return " ".join(sentences)


def _parts(result: Result) -> list[str]:
    """Data, network, learning rate, seeds, and where the numbers come from."""
    data, model = result.study.setup.data, result.study.setup.model
    seeds = ", ".join(map(str, result.seeds))
    source = "stored result" if not result.live else "computed live"
    if 0 < len(result.live) < len(result.seeds):
        source = "partly stored, partly computed live"
    return [
        f"{data.train:,} training and {data.test:,} test images of {data.name} at "
        f"{data.size}×{data.size} pixels",
        f"{model.family} of width {model.width}",
        schedule_words(result.study.setup.schedule),
        f"seed{'s' if len(result.seeds) > 1 else ''} {seeds}",
        f"{source} ({provenance.describe(result.provenance)})",
    ]


def schedule_words(schedule: Schedule) -> str:
    """The learning rate in words."""
    if schedule.decay == 1:
        return f"learning rate {schedule.lr:g}"
    return f"learning rate {schedule.lr:g}·{schedule.decay:g}^epoch"


def spread_words(seeds: int) -> str:
    """What the band means."""
    if seeds == 1:
        return "one seed, so no band"
    return f"line: mean over {seeds} seeds, band: ± 1 standard deviation, dots: seeds"


def removal_sweep(result: Result) -> Panel:
    """Final accuracy against the epoch t0 at which a deficit ends (1TL, 2, 3)."""
    by_seed = finals(result)
    label = LABELS[result.study.runs[-1].name]
    clean = result.study.clean_epochs
    quoted = result.study.name == "1TL"  # the paper's two errors are of this panel
    table = summary(by_seed, "removal")
    with style():
        label_x = "epoch t₀ at which the deficit is removed"
        name = f"{label} until epoch t₀"
        figure, _, bottom = sweep(result, by_seed, "removal", name, label_x)
        kind = result.study.runs[-1].name
        relative_error(bottom, by_seed, clean, kind, quoted)
    first, last = table.iloc[0], table.iloc[-1]
    drop = first["mean"] - last["mean"]
    alt = (
        f"Final test accuracy against the epoch at which the {label} is removed: "
        f"{first['mean']:.1f} % without deficit, {last['mean']:.1f} % when it lasts "
        f"until epoch {last['removal']:.0f}, {abs(drop):.1f} points "
        f"{'less' if drop > 0 else 'more'}. A "
        "dashed line shows test accuracy during training without deficit. Below it, "
        "test error relative to no deficit"
        + (", ours and the paper's two quoted values." if quoted else ".")
    )
    caption = (
        f"Top: test accuracy at the end of training ({clean} clean epochs after "
        f"removal, mean of the last 5) of networks trained with {label} until epoch "
        f"t₀ ({spread_words(len(result.seeds))}); dashed: test accuracy during "
        "training without deficit; dotted: without deficit, as many epochs in all. "
        "Bottom: test error divided by that without deficit"
        + (
            f"; stars: the values quoted for the paper, {PAPER_ERRORS[0]:g} % error "
            f"without deficit and more than {PAPER_ERRORS[140]:g} % at t₀ = 140. "
            if quoted
            else ". "
        )
        + origin(result)
    )
    return Panel(figure, alt, caption, table)


def window_sweep(result: Result) -> Panel:
    """Final accuracy against the onset of a short window of deficit (1BL)."""
    by_seed = finals(result)
    windowed = by_seed[by_seed["removal"] > 0]
    run = result.study.runs[-1]
    length, label = run.removal - run.onset, run.label
    span = f"{length} epoch{'s' * (length != 1)}"
    table = summary(windowed, "onset")
    baseline = 100 * by_seed["baseline"].mean()
    with style():
        label_x = "epoch of onset of the deficit window"
        name = f"{label} for {span}"
        figure, top, bottom = sweep(result, windowed, "onset", name, label_x)
        top.axhline(baseline, color=GREY, linewidth=1, label="no deficit")
        top.legend(loc="best")
        sensitivity(bottom, windowed)
    worst = table.loc[table["mean"].idxmin()]
    loss = table["control"] - table["mean"]
    peak = table.loc[loss.idxmax()]
    alt = (
        f"Final test accuracy against the onset of {span} of {label}: lowest, "
        f"{worst['mean']:.1f} %, for onset {worst['onset']:.0f}; "
        f"{table['mean'].iloc[-1]:.1f} % for onset {table['onset'].iloc[-1]:.0f}; "
        f"{baseline:.1f} % without deficit. A dashed line shows test accuracy during "
        "training without deficit. Below it, the loss against a network of equal "
        f"length without deficit: greatest, {loss.max():.1f} points, for onset "
        f"{peak['onset']:.0f}."
    )
    caption = (
        f"Top: test accuracy at the end of training of networks that see {label} for "
        f"{span}, against the epoch at which it sets in; "
        f"{result.study.clean_epochs} clean epochs follow "
        f"({spread_words(len(result.seeds))}); dashed: test accuracy during training "
        "without deficit; horizontal: final accuracy without deficit; dotted: without "
        "deficit, as many epochs in all. Bottom: how much lower the final accuracy is "
        "than without deficit, after as many clean epochs or as many in all. "
        + origin(result)
    )
    return Panel(figure, alt, caption, table)


def together(sweeps: dict[str, Result]) -> Panel:
    """Losses of several removal sweeps over t0, by the names given (2, 3 BR)."""
    tables = {name: finals(result) for name, result in sweeps.items()}
    with style():
        figure = Figure(figsize=TALL, layout="constrained")
        axes = figure.subplots(2, 1, sharex=True)
        for ax, against in zip(axes, REFERENCES, strict=True):
            for look, (name, by_seed) in zip(
                _looks(sweeps), tables.items(), strict=True
            ):
                loss(ax, by_seed, against, look, name)
            ax.axhline(0, color=GREY, linewidth=0.8)
            ax.set(ylabel="loss of accuracy (points)", title=REFERENCES[against])
        axes[0].legend(loc="best")
        axes[1].set(xlabel="epoch t₀ at which the deficit is removed")
    table = pd.concat(
        {name: summary(by_seed, "removal") for name, by_seed in tables.items()},
        names=["sweep"],
    ).reset_index("sweep")
    ends = table[table["removal"] > 0].groupby("sweep", sort=False).last()
    words = "; ".join(
        f"{name}: {row['baseline'] - row['mean']:.1f} and "
        f"{row['control'] - row['mean']:.1f} points at t₀ = {row['removal']:.0f}"
        for name, row in ends.iterrows()
    )
    alt = (
        "Loss of final test accuracy against the epoch at which a deficit is removed, "
        f"for {len(sweeps)} sweeps, against the clean network after as many clean "
        f"epochs (top) and after as many in all (bottom). At the last removal: {words}."
    )
    caption = (
        "Final test accuracy without deficit less that with it. Top: both after as "
        "many clean epochs (baseline); bottom: after as many epochs in all (control). "
        "Lines: means over seeds, bands: ± 1 standard deviation. " + origins(sweeps)
    )
    return Panel(figure, alt, caption, table)


def _looks(sweeps: dict[str, Result]) -> list[tuple]:
    """Colour, marker and dash of each: its deficit's, unless several share one."""
    kinds = [result.study.runs[-1].name for result in sweeps.values()]
    if len(set(kinds)) == len(kinds):
        return [LOOKS[kind] for kind in kinds]
    return [SERIES[i % len(SERIES)] for i in range(len(kinds))]


def comparison(result: Result) -> Panel:
    """Learning curves of every run of a small study, and a table of its endings."""
    by_seed = finals(result)
    grouped = by_seed.groupby(["deficit", "onset", "removal"], sort=False)
    table = (100 * grouped[["final", "baseline", "control"]].mean()).round(1)
    table.insert(1, "sd", (100 * grouped["final"].std()).round(1))
    change = (table["final"] - table["baseline"]).round(1)
    table["change from baseline"] = change
    table = table.reset_index()
    with style():
        figure = Figure(figsize=WIDE, layout="constrained")
        axes = figure.subplots()
        for run in result.study.runs:
            colour, marker, dash = LOOKS[run.name]
            curve = 100 * result.curve(run)
            mean = curve.mean(axis=1)
            axes.plot(
                mean, color=colour, linestyle=dash, marker=marker,
                markevery=max(1, len(mean) // 8), label=run.label,
            )  # fmt: skip
            axes.fill_between(
                curve.index, curve.min(axis=1), curve.max(axis=1), color=colour,
                alpha=0.15, linewidth=0,
            )  # fmt: skip
        removal = max(run.removal for run in result.study.runs)
        axes.axvspan(0, removal, color="0.93", zorder=0)
        axes.text(removal / 2, 1.01, "deficit", ha="center",
                  transform=axes.get_xaxis_transform())  # fmt: skip
        accuracy_axis(axes, "epochs of training")
        if len(result.study.runs) > 3:  # no place among the lines
            axes.get_legend().remove()
            figure.legend(loc="outside lower center", ncols=2)
    endings = "; ".join(
        f"{LABELS[row.deficit]} {row.final:.1f} %" for row in table.itertuples()
    )
    alt = (
        f"Test accuracy during training with a deficit until epoch {removal} and "
        f"without. At the end: {endings}."
    )
    caption = (
        f"Test accuracy during training: without deficit, and with one until epoch "
        f"{removal} (grey). Band: lowest to highest seed. In the table, in %: final "
        "accuracy (mean of the last 5 epochs), that of the clean run after equally "
        "many clean epochs (baseline) and after equally many in all (control). "
        + origin(result)
    )
    return Panel(figure, alt, caption, table)


def timing_map(result: Result) -> Panel:
    """Final accuracy, less the baseline, over onset and removal, one map a deficit."""
    by_seed = finals(result)
    rows = by_seed[by_seed["deficit"] != "none"].copy()
    rows["change"] = 100 * (rows["final"] - rows["baseline"])
    grouped = rows.groupby(["deficit", "onset", "removal"], sort=False)
    table = grouped["change"].agg(["mean", "std"]).round(2).reset_index()
    kinds = list(dict.fromkeys(table["deficit"]))
    limit = max(1.0, float(table["mean"].abs().max()))
    with style():
        across = min(2, len(kinds))
        down = -(-len(kinds) // across)
        figure = Figure(figsize=(0.8 + 2.8 * across, 3 * down), layout="constrained")
        axes = figure.subplots(down, across, squeeze=False).flat
        colours = {"vmin": -limit, "vmax": limit, "cmap": "RdBu", "cbar": False}
        for ax, kind in zip(axes, kinds, strict=False):
            grid = table[table["deficit"] == kind].pivot(
                index="removal", columns="onset", values="mean"
            )
            sns.heatmap(
                grid.iloc[::-1], ax=ax, annot=True, fmt=".1f", square=True, **colours
            )
            ax.tick_params(axis="y", rotation=0)
            ax.set(title=LABELS[kind], xlabel="onset (epoch)", ylabel="removal (epoch)")
        figure.colorbar(
            axes[0].collections[0], ax=list(axes), shrink=0.6,
            label="change in accuracy (points)",
        )  # fmt: skip
    worst = table.loc[table["mean"].idxmin()]
    alt = (
        "Maps of the change in final accuracy over onset and removal of the deficit, "
        f"one for each of {', '.join(LABELS[k] for k in kinds)}. The greatest loss, "
        f"{-worst['mean']:.1f} points, is for {LABELS[worst['deficit']]} from epoch "
        f"{worst['onset']} to {worst['removal']}."
    )
    caption = (
        "Final test accuracy less that without deficit, in points, for a deficit from "
        f"one epoch (onset) to another (removal), mean over {len(result.seeds)} seeds; "
        f"{result.study.clean_epochs} clean epochs follow. " + origin(result)
    )
    return Panel(figure, alt, caption, table)

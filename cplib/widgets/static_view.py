"""One state of the explorer of deficit timing, as a picture."""

from __future__ import annotations

import math
from itertools import chain

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..figures import origin
from ..figures.examples import Examples
from ..figures.palette import GREY, LABELS, LOOKS, style
from ..figures.panel import Panel
from .outcomes import MINUS, SEES, YARDSTICKS, Timeline, Trace

__all__ = [
    "CLEAN_DASHES", "DASHES", "greatest_change", "limits", "state_panel", "top",
]  # fmt: skip

# dashes and gaps of the lines, in pixels, by matplotlib's name
DASHES = {"-": [], "--": [12, 4], "-.": [12, 4, 2, 4], ":": [2, 4]}
CLEAN_DASHES = [5, 3]
CHANGES = mpl.colormaps["RdBu"]


def state_panel(
    timeline: Timeline, examples: Examples, trace: Trace, epoch: int, yardstick: str
) -> Panel:
    """One state of the explorer: window `trace`, cursor at `epoch`.

    `yardstick` is one of `timeline.YARDSTICKS`.
    """
    seeds = len(trace.final.seeds)
    band = "one seed" if seeds == 1 else f"mean of {seeds} seeds, band ± sd"
    caption = (
        "A deficit spoils the training images or labels from one epoch (onset) to "
        "another (removal, exclusive); "
        f"{timeline.result.study.clean_epochs} clean epochs follow. Curves: accuracy "
        f"on clean test images ({band}). Final accuracy: mean of the last 5 epochs, "
        f"beside that without deficit after {YARDSTICKS[yardstick]} (or, if you choose "
        f"so, after {YARDSTICKS[_other(yardstick)]}); changes, in percentage points, "
        f"are of unrounded values. {examples.note} "
        f"{origin(timeline.result)}"
    )
    return Panel(
        _figure(timeline, examples, trace, epoch, yardstick),
        f"{_sees(trace, epoch)} {timeline.now(trace, epoch)} {timeline.ending(trace)}",
        caption,
        timeline.table(),
    )


def _sees(trace: Trace, epoch: int) -> str:
    if epoch >= trace.epochs:
        return f"Epoch {epoch}: training is over."
    return f"Epoch {epoch}: the network sees {SEES[trace.seen(epoch)]}."


def _other(yardstick: str) -> str:
    return next(name for name in YARDSTICKS if name != yardstick)


def _figure(
    timeline: Timeline, examples: Examples, trace: Trace, epoch: int, yardstick: str
) -> Figure:
    count = len(examples.told["none"])
    with style():
        figure = Figure(figsize=(8.6, 7))
        grid = figure.add_gridspec(
            2, 2, left=0.08, right=0.98, top=0.9, bottom=0.09, wspace=0.25, hspace=0.5,
            width_ratios=(1.55, 1), height_ratios=(1, 1.9),
        )  # fmt: skip
        pictures = grid[0, 0].subgridspec(1, count, wspace=0.1).subplots(squeeze=False)
        _draw_examples(pictures[0], examples, trace.seen(epoch))
        heading = _sees(trace, epoch).replace("sees ", "sees\n")
        figure.text(0.08, 0.91, heading, fontsize="large")
        _draw_curves(figure.add_subplot(grid[1, 0]), timeline, trace, epoch)
        _draw_endings(figure.add_subplot(grid[0, 1]), timeline, trace, yardstick)
        _draw_map(figure.add_subplot(grid[1, 1]), timeline, trace, yardstick)
    return figure


def _draw_examples(axes: np.ndarray, examples: Examples, kind: str) -> None:
    rows = zip(
        axes, examples.images[kind], examples.told["none"], examples.told[kind],
        strict=True,
    )  # fmt: skip
    for ax, image, true, told in rows:
        ax.imshow(image, interpolation="nearest")
        ax.set_xlabel(f"class {true},\ntold {told}", fontsize="small")
        ax.set(xticks=[], yticks=[])


def _draw_curves(axes: Axes, timeline: Timeline, trace: Trace, epoch: int) -> None:
    colour, marker, dash = LOOKS[trace.kind]
    axes.axvspan(*trace.window, color="0.9", zorder=0)
    lines = (
        (timeline.clean, GREY, CLEAN_DASHES, 1.2, "without deficit"),
        (trace, colour, DASHES[dash], 2.2, f"with {LABELS[trace.kind]}"),
    )
    for line, shade, dashes, width, label in lines:
        epochs = range(len(line.mean))
        if line.sd is not None:
            axes.fill_between(
                epochs, line.mean - line.sd, line.mean + line.sd, color=shade,
                alpha=0.2, linewidth=0,
            )  # fmt: skip
        # matplotlib's dashes are in units of the line's width
        scaled = (0, [length / 2 for length in dashes]) if dashes else "-"
        axes.plot(
            epochs, line.mean, color=shade, linestyle=scaled, linewidth=width,
            label=label,
        )  # fmt: skip
    axes.axvline(epoch, color="black", linewidth=1)
    axes.plot(epoch, trace.mean[epoch], color=colour, marker=marker, markersize=8)
    axes.text(
        sum(trace.window) / 2, 1.02, "deficit", ha="center", fontsize="small",
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip
    axes.set(
        xlabel="epochs of training", ylabel="test accuracy (%)",
        xlim=(0, timeline.clean.epochs), ylim=(0, top(timeline)),
    )  # fmt: skip
    axes.legend(loc="best", fontsize="small")


def _draw_endings(axes: Axes, timeline: Timeline, trace: Trace, yardstick: str) -> None:
    colour, marker, _ = LOOKS[trace.kind]
    rows = ((trace.without[yardstick], GREY, "o"), (trace.final, colour, marker))
    for y, (ending, shade, mark) in enumerate(rows):
        axes.errorbar(
            ending.over.mean, -y, xerr=ending.over.sd, color=shade, marker=mark,
            markersize=8, capsize=4,
        )  # fmt: skip
        name = f"after {LABELS[trace.kind]}" if y else "without deficit"
        words = f"{name}: {ending.over.percent}"
        axes.text(
            0, 0.28 - y, words, transform=axes.get_yaxis_transform(), fontsize="small"
        )
    axes.set(
        xlim=limits(timeline), ylim=(-1.4, 0.7), yticks=[],
        xlabel="final accuracy (%)", title=timeline.verdict(trace, yardstick),
    )  # fmt: skip
    axes.spines["left"].set_visible(False)


def _draw_map(axes: Axes, timeline: Timeline, trace: Trace, yardstick: str) -> None:
    traces = timeline.runs[trace.kind]
    onsets = sorted({t.onset for t in traces})
    removals = sorted({t.removal for t in traces})
    limit = greatest_change(timeline, yardstick)
    digits = 1 if len(onsets) <= 5 else 0  # what there is room for
    for t in traces:
        corner = onsets.index(t.onset) - 0.5, removals.index(t.removal) - 0.5
        change = t.changes[yardstick].mean
        shade = CHANGES(0.5 + change / limit / 4)  # pale enough for black text
        edge = ("black", 3, 3) if t is trace else ("0.8", 0.8, 2)
        look = dict(zip(("edgecolor", "linewidth", "zorder"), edge, strict=True))
        axes.add_patch(Rectangle(corner, 1, 1, facecolor=shade, **look))
        axes.text(
            corner[0] + 0.5, corner[1] + 0.5, _signed(change, digits),
            ha="center", va="center", fontsize="small" if digits else "x-small",
            zorder=4,
        )  # fmt: skip
    axes.set(
        xlim=(-0.6, len(onsets) - 0.4), ylim=(-0.6, len(removals) - 0.4),
        xticks=range(len(onsets)), yticks=range(len(removals)),
        xticklabels=onsets, yticklabels=removals, xlabel="onset (epoch)",
        ylabel="removal (epoch)", title="change (points)",
    )  # fmt: skip


def top(timeline: Timeline) -> int:
    """Upper end of the accuracy axis in %, the same for all windows."""
    traces = [timeline.clean, *chain.from_iterable(timeline.runs.values())]
    highest = max(
        float(np.max(t.mean if t.sd is None else t.mean + t.sd)) for t in traces
    )
    return min(100, 10 * math.ceil(highest / 10))


def limits(timeline: Timeline) -> tuple[int, int]:
    """Ends of the axis of final accuracies in %, the same for all windows."""
    endings = [
        ending
        for t in chain.from_iterable(timeline.runs.values())
        for ending in (t.final, *t.without.values())
    ]
    values = [v for ending in endings for v in ending.seeds]
    for mean, sd in (ending.over for ending in endings):
        values += [mean - (sd or 0), mean + (sd or 0)]
    low, high = 5 * math.floor(min(values) / 5), 5 * math.ceil(max(values) / 5)
    return max(0, low), min(100, max(high, low + 5))


def greatest_change(timeline: Timeline, yardstick: str) -> float:
    """The largest change in points, up or down; at least 1."""
    traces = chain.from_iterable(timeline.runs.values())
    return max(1.0, *(abs(t.changes[yardstick].mean) for t in traces))


def _signed(points: float, digits: int) -> str:
    size = math.floor(abs(points) * 10**digits + 0.5) / 10**digits  # as the script's
    sign = "" if size == 0 else MINUS if points < 0 else "+"
    return f"{sign}{size:.{digits}f}"

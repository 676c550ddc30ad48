"""The explorer's first state as a static figure."""

import textwrap

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.patches import Rectangle

from .._base.words import translated as _
from ..deficits import Deficit
from ..figures import origin
from ..figures.examples import Examples
from ..figures.palette import style
from ..figures.panel import Panel
from .outcomes import REFERENCES, Outcome, Outcomes, averaged, listed

# dashes and gaps of the lines, in pixels, by matplotlib's name
DASHES = {"-": [], "--": [12, 4], "-.": [12, 4, 2, 4], ":": [2, 4]}
OTHER_DASHES, CLEAN_DASHES = [8, 2], [5, 3]


def state_panel(
    outcomes: Outcomes, examples: Examples, outcome: Outcome, against: str
) -> Panel:
    """The run `outcome`, in the middle of its deficit, compared with `against`."""
    seeds = len(outcome.final.seeds)
    band = averaged(seeds) + _(", band: 95 % interval") * (seeds > 1)
    other = next(words for name, words in REFERENCES.items() if name != against)
    epoch = outcome.middle
    caption = _(
        "A deficit spoils the training images or labels from one epoch (onset) to "
        "another (removal, exclusive); {clean} clean epochs follow. Curves: accuracy "
        "on clean test images ({band}). Final accuracy: mean of the last 5 epochs, "
        "beside that without deficit with the {reference} (or, if you choose so, the "
        "{other}); changes, in percentage points, are of unrounded values. {note} "
        "{origin}",
        clean=outcomes.result.study.clean_epochs, band=band, other=other,
        reference=REFERENCES[against], note=examples.note,
        origin=origin(outcomes.result),
    )  # fmt: skip
    words = outcome.sight(epoch), outcomes.now(outcome, epoch), outcomes.ending(outcome)
    figure = _figure(outcomes, examples, outcome, against)
    return Panel(figure, " ".join(words), caption, outcomes.table())


def dashes_of(outcome: Outcome) -> list[int]:
    """Dashes and gaps of a run's line, in pixels; empty for a solid one."""
    return DASHES.get(outcome.run.deficits[0].look.dash, OTHER_DASHES)


def _figure(
    outcomes: Outcomes, examples: Examples, outcome: Outcome, against: str
) -> Figure:
    heading = textwrap.fill(outcome.sight(outcome.middle), 45)
    results = _(
        "final accuracy\nafter {deficit}: {final}\nwithout deficit: {other}\n{change}",
        deficit=outcome.run.label, final=outcome.final.percent,
        other=outcome.without[against].percent, change=outcome.changes[against].verdict,
    )  # fmt: skip
    with style():
        figure = Figure(figsize=(8.6, 7))
        grid = figure.add_gridspec(
            2, 2, left=0.08, right=0.98, top=0.88, bottom=0.09, wspace=0.25, hspace=0.4,
            width_ratios=(1.55, 1), height_ratios=(1, 1.9),
        )  # fmt: skip
        figure.text(0.08, 0.91, heading, fontsize="large")
        figure.text(0.66, 0.9, results, va="top", linespacing=1.6)
        _draw_examples(figure, grid[0, 0], examples, outcome)
        _draw_curves(figure.add_subplot(grid[1, 0]), outcomes, outcome)
        group = outcomes.groups[outcome.run.name]
        _draw_changes(figure.add_subplot(grid[1, 1]), group, outcome, against)
    return figure


def _draw_examples(
    figure: Figure, place: SubplotSpec, examples: Examples, outcome: Outcome
) -> None:
    seen, told = outcome.run.sees(outcome.middle).name, examples.told
    tiles = place.subgridspec(1, len(told[seen]), wspace=0.1).subplots(squeeze=False)
    shown = zip(tiles[0], examples.images[seen], told["none"], told[seen], strict=True)
    for ax, image, true, said in shown:
        ax.imshow(image, interpolation="nearest")
        words = _("class {true}", true=true)
        if true != said:
            words = _("class {true},\ncalled {said}", true=true, said=said)
        ax.set_xlabel(words, fontsize="small")
        ax.set(xticks=[], yticks=[])


def _draw_curves(axes: Axes, outcomes: Outcomes, outcome: Outcome) -> None:
    look, grey = outcome.run.deficits[0].look, Deficit.look.colour
    impaired = _("with {deficit}", deficit=outcome.run.label)
    for line, colour, dashes, width, label in (
        (outcomes.clean, grey, CLEAN_DASHES, 1.2, _("without deficit")),
        (outcome, look.colour, dashes_of(outcome), 2.2, impaired),
    ):
        epochs, mean, half = range(len(line.mean)), line.mean, line.half
        if half is not None:
            band = np.subtract(mean, half), np.add(mean, half)
            axes.fill_between(epochs, *band, color=colour, alpha=0.2, linewidth=0)
        # matplotlib's dashes are in units of the line's width
        dash = (0, [length / 2 for length in dashes]) if dashes else "-"
        axes.plot(epochs, mean, color=colour, ls=dash, linewidth=width, label=label)
    for window in outcome.run.windows:
        axes.axvspan(*window[1:], color="0.9", zorder=0)
        axes.text(
            sum(window[1:]) / 2, 1.02, _("deficit"), ha="center", fontsize="small",
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
    at = outcome.middle
    axes.axvline(at, color="black", linewidth=1)
    axes.plot(at, outcome.mean[at], look.marker, color=look.colour, markersize=8)
    axes.set(xlabel=_("epochs of training"), ylabel=_("test accuracy (%)"))
    axes.set(
        xlim=(0, outcomes.clean.run.epochs), ylim=(0, min(100, axes.get_ylim()[1]))
    )
    axes.legend(loc="best", fontsize="small")


def _draw_changes(
    axes: Axes, group: list[Outcome], outcome: Outcome, against: str
) -> None:
    """The changes as a map over onset and removal, or as a column of runs."""
    column = listed(group)

    def place(o: Outcome) -> tuple:
        return (o.run.title, "") if column else (o.run.removal, o.run.onset)

    changes = pd.Series({place(o): o.changes[against].mean for o in group})
    cells = changes.unstack().sort_index(ascending=False)
    digits = 1 if len(cells.columns) <= 5 else 0  # what there is room for
    words = cells.map(lambda change: _signed(change, digits))
    if column:
        words = words.apply(lambda cell: cell.index + "\n" + cell)
    limit = 2 * max(1, changes.abs().max())  # pale enough for black text
    small = {"fontsize": "x-small", "color": "black"}
    sns.heatmap(
        cells, annot=words, fmt="", annot_kws=small, cbar=False, cmap="RdBu",
        vmin=-limit, vmax=limit, yticklabels=not column, rasterized=True, ax=axes,
    )  # fmt: skip
    places = zip(cells.axes, place(outcome), strict=True)
    y, x = (index.get_loc(at) for index, at in places)
    axes.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor="black", linewidth=2))
    axes.tick_params(axis="y", rotation=0)
    names = ("", "") if column else (_("onset (epoch)"), _("removal (epoch)"))
    axes.set(title=_("change (points)"), xlabel=names[0], ylabel=names[1])


def _signed(points: float, digits: int) -> str:
    words = f"{points:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return words if round(points, digits) else words[1:]

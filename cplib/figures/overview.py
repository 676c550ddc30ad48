"""Figures of the whole paper: all windows on one scale; worth of the first epochs."""

import math
import textwrap
from collections.abc import Iterable
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from .._base.words import translated as _
from ..analysis.effects import interval
from ..deficits import Deficit
from ..results import Result
from ..studies import Run, Study
from .captions import origins
from .marks import WIDTH, rows
from .palette import GREY, INK, WHITE
from .panel import Panel, worded
from .shapes import shade
from .sweeps import LEAST, LOST, readouts

# studies of the figure `triangles`, with the page that shows more of each
TRIANGLES = {
    "timing": "blur.html#explorer", "1TL": "blur.html#explorer",
    "1BL": "blur.html#explorer", "2L": "high-level.html", "2R": "high-level.html",
    "2B": "deprivation.html", "2B-moving": "deprivation.html",
    "3TL": "architecture.html", "4L": "fisher.html", "3TR": "architecture.html",
    "3BL": "architecture.html", "3BR1": "depth.html", "3BR2": "depth.html",
    "3BR3": "depth.html",
}  # fmt: skip
FAMILIES = {"ResNet18": "ResNet-18", "MLP": "digits, MLP"}
SPENT = {
    "none": _("clean"), "flip": _("upside down"), "labels": _("renamed"),
    "grey": _("grey"), "blur": _("blurred"), "noise": _("fixed noise"),
    "moving-noise": _("moving noise"), "nothing": _("no learning"),
}  # fmt: skip


def triangles(*results: Result) -> Panel:
    """Points lost to every window of every deficit, by onset and removal.

    Each tile is a deficit and a network; results that share both share a tile.
    """
    cells, addresses = _cells(results)
    limit = LEAST[1]
    named = dict(list(cells.groupby("tile", sort=False)))
    with rows(*[WIDTH / 2] * len(named), 0.8, width=WIDTH / 2) as (figure, grid):
        for axes, (name, found) in zip(grid, named.items(), strict=False):
            _triangle(axes, found, limit)
            axes.set_title(textwrap.fill(name, 18), loc="left")
        _scale(grid[-1], limit)
    worst = cells.loc[cells["points lost"].idxmax()]
    links = tuple((addresses[name], _said(name, c)) for name, c in named.items())
    panel = worded(
        "triangles", figure, cells, count=len(named), most=worst["points lost"],
        tile=worst["tile"], onset=worst["onset"], removal=worst["removal"],
        origin=origins({result.study.title: result for result in results}),
    )  # fmt: skip
    return replace(panel, links=links)


def worth(*results: Result, epochs: int = 40) -> Panel:
    """What the first epochs are worth, for each way to spend them.

    Args:
        results: of studies with deficits from birth, in the same network.
        epochs: their number; of each deficit, the run with the nearest removal is used.
    """
    spent = _worth(results, epochs)
    found = [(n, p.mean(), *interval(p.to_numpy())) for n, (c, p) in spent.items()]
    found.append((_("left out"), 0.0, math.nan, math.nan))
    names = ["epochs spent", "points gained", "low", "high"]
    table = pd.DataFrame(found, columns=names).sort_values(names[1], ignore_index=True)
    with rows(0.32 * len(table) + 0.9) as (figure, (axes,)):
        for y, (name, middle, low, high) in enumerate(table.to_numpy()):
            colour, points = spent.get(name, (INK, []))
            axes.barh(y, middle, 0.7, color=colour, alpha=0.75)
            axes.plot([low, high], [y, y], color=INK, linewidth=1.2)
            axes.plot(points, [y] * len(points), "o", color=WHITE,
                      markeredgecolor=INK, markersize=3)  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set(yticks=range(len(table)), yticklabels=table["epochs spent"])
        axes.set_xlabel(_("points of accuracy gained"))
        axes.tick_params(axis="y", length=0)
        axes.locator_params("x", nbins=5)
        axes.spines["left"].set_visible(False)
    words = "; ".join(f"{n} {g:+.1f}" for n, g in table.iloc[::-1, :2].to_numpy())
    named = {result.study.name: result for result in results}
    return worded(
        "worth", figure, table.round(2), epochs=epochs, origin=origins(named),
        words=words.replace("-", "\N{MINUS SIGN}"), clean=results[0].study.clean_epochs,
    )  # fmt: skip


def _cells(results: Iterable[Result]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Points lost to the same age by tile and window, and the address of each tile."""
    found, addresses = [], {}
    for result in results:
        table = readouts(result).query("removal > onset")
        for number, rows_of in table.groupby("run"):
            run = result.study.runs[number]
            tile = _tile(result.study, run)
            found.append(rows_of.assign(tile=tile, lost=rows_of[LOST["control"]]))
            addresses.setdefault(tile, TRIANGLES.get(result.study.name, ""))
    by, named = ["tile", "onset", "removal"], {"points lost": "mean", "seeds": "count"}
    cells = pd.concat(found).groupby([*by, "seed"], sort=False)["lost"].mean()
    return cells.groupby(by, sort=False).agg(**named).reset_index(), addresses


def _tile(study: Study, run: Run) -> str:
    """Deficit and network in a few words."""
    setup = study.setup
    family = setup.model.family
    if family == "DepthCNN":
        return f"{setup.model.blocks} stage{'s' * (setup.model.blocks > 1)}"
    if setup.schedule.decay == 1 and family == "AllCNN":
        return "fixed rate"
    if family in FAMILIES:
        return FAMILIES[family]
    return run.label + ", gratings" * (setup.data.name == "gratings")


def _triangle(axes: Axes, cells: pd.DataFrame, limit: float) -> None:
    """Windows where they are in the plane of onset and removal."""
    onsets, removals = (sorted({0, *cells[end]}) for end in ("onset", "removal"))
    last = removals[-1]
    for onset, removal, lost in cells[["onset", "removal", "points lost"]].to_numpy():
        wide = min([o for o in onsets if o > onset], default=onset + last / 10) - onset
        low = max([0, *(r for r in removals if r < removal)])
        axes.add_patch(Rectangle((onset, low), wide, removal - low,
                                 **shade(lost, limit)))  # fmt: skip
    axes.plot([0, last], [0, last], color=GREY, linewidth=0.6)
    axes.set(aspect="equal", xlim=(0, last), ylim=(0, last), xticks=[0, last],
             yticks=[0, last])  # fmt: skip
    axes.set_xlabel("onset", labelpad=-8)
    axes.set_ylabel("removal", labelpad=-12)
    axes.tick_params(length=2)


def _scale(axes: Axes, limit: float) -> None:
    """Draw the colour scale."""
    steps = (-limit / 3, 0, limit / 3, limit)
    for x, points in enumerate(steps):
        axes.add_patch(Rectangle((x, 0), 1, 1, **shade(points, limit)))
        words = "\N{GREATER-THAN OR EQUAL TO}" * (points == limit) + f"{round(points)}"
        words = words.replace("-", "\N{MINUS SIGN}")
        axes.text(x + 0.5, 0.5, words, ha="center", va="center")
    axes.set(xlim=(0, len(steps)), ylim=(0, 1), xticks=[], yticks=[])
    axes.set_title("points lost", loc="left")
    axes.spines[:].set_visible(False)


def _said(name: str, cells: pd.DataFrame) -> str:
    ends = ["points lost", "onset", "removal"]
    lost, onset, removal = cells.loc[cells["points lost"].idxmax(), ends]
    window = f"from epoch {onset} to {removal}"
    return f"{name}: up to {round(lost, 1) + 0:.1f} points lost, {window}"


def _worth(results: Iterable[Result], epochs: int) -> dict[str, tuple[str, pd.Series]]:
    """Colour, and points gained by the first epochs for each seed, by their use."""
    found: dict[str, tuple[str, pd.Series]] = {}
    for result in results:
        table = readouts(result).query("onset == 0 and removal > 0")
        for kind, own in table.groupby("deficit", sort=False):
            near = min(set(own["removal"]), key=lambda t0: abs(t0 - epochs))
            own = own[own["removal"] == near].set_index("seed")
            colour = result.study.runs[own["run"].iloc[0]].deficits[0].look.colour
            found.setdefault(SPENT.get(kind, kind), (colour, -own[LOST["baseline"]]))
            if near == epochs:
                gained = own["control"] - own["baseline"]
                found.setdefault(SPENT["none"], (Deficit.look.colour, gained))
    return found

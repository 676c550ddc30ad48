"""Figure 1 of the paper as a whole: networks beside kittens."""

import pandas as pd
from matplotlib.axes import Axes

from ..analysis import biology
from ..deficits import Blur
from ..results import Result
from .captions import origins, over_seeds
from .marks import mean, percent, rows
from .palette import ANIMAL, GREY, style
from .panel import Panel, worded
from .sweeps import BELOW, T0, readouts

HEIGHT = 2.8  # inches, of each of the four
LANE = -0.2  # height of the abstracts' words, below a curve from 0 to 1


def beside_kittens(removals: Result, windows: Result) -> Panel:
    """What late removals and short windows do, to networks and to kittens (Figure 1).

    Args:
        removals: of blur from birth (1TL).
        windows: of blur in a short window (1BL).
    """
    with style():
        figure, grid = rows(*[HEIGHT] * 4)
        tables = {
            "network: blur removed": _removed(grid[0], removals),
            "kitten: eye opened": _opened(grid[1]),
            "network: blurred for a while": _blurred(grid[2], windows),
            "kitten: eye closed for a while": _closed(grid[3]),
        }
        for axes, title in zip(grid, tables, strict=True):
            axes.set_title(title)
    table = pd.concat(tables, names=["panel", None]).reset_index("panel")
    return worded(
        "beside_kittens", figure, table, seeds=over_seeds(removals, windows),
        origin=origins({"Until t₀": removals, "For a while": windows}),
    )  # fmt: skip


def _removed(axes: Axes, result: Result) -> pd.DataFrame:
    """Final accuracy over the removal, with the learning curve without blur."""
    table = _network(axes, result, "removal", "final")
    curve = 100 * result.curve(result.study.runs[0]).mean(axis=1)
    axes.plot(curve.loc[: result.study.runs[-1].removal], "--", color=GREY)
    percent(axes, "final accuracy (%)", least=max(0, table["low"].min() - BELOW))
    axes.set(xlabel=T0)
    return table


def _blurred(axes: Axes, result: Result) -> pd.DataFrame:
    """Points lost to a network of the same age, over the onset of the window."""
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set(xlabel="epoch of onset of the blur", ylabel="points lost")
    return _network(axes, result, "onset", "lost to control")


def _network(axes: Axes, result: Result, x: str, column: str) -> pd.DataFrame:
    """`column` of `readouts` over `x`, drawn; mean, lowest and highest seed."""
    found = readouts(result)
    found = found if x == "removal" else found.query("run > 0")
    values = found.pivot_table(index=x, columns="seed", values=column)
    mean(axes, values, Blur.look)
    ends = values.agg(["mean", "min", "max"], axis=1).reset_index()
    return ends.set_axis(["age", "value", "low", "high"], axis=1)


def _opened(axes: Axes) -> pd.DataFrame:
    """Acuity of normal kittens, and that regained by an eye that was opened late."""
    known = biology.kitten_acuity().dropna(subset=["age_days"])
    normal = known["condition"] == "normal"
    _schematic(axes, "kitten_acuity", "--", GREY)
    _schematic(axes, "kitten_recovery", "-", ANIMAL)
    axes.plot("age_days", "acuity_cpd", "^", data=known[normal], color=GREY)
    axes.plot("age_days", "acuity_cpd", "s", data=known[~normal], color=ANIMAL)
    axes.vlines("age_days", "low", "high", data=known, color=ANIMAL, linewidth=4)
    axes.set(
        xlabel="age, or age when the eye was opened (days)", xlim=(0, 200),
        ylabel="acuity (cycles/degree)", ylim=(0, 9),
    )  # fmt: skip
    named = {"age_days": "age", "acuity_cpd": "value", "condition": "what"}
    return known.rename(columns=named)[[*named.values(), "low", "high", "source"]]


def _closed(axes: Axes) -> pd.DataFrame:
    """Sensitivity of kittens to closing an eye, and what abstracts say of its cells."""
    said = biology.kitten_sensitivity()
    said = said[said["measure"].str.startswith("V1")]
    _schematic(axes, "kitten_sensitivity", "-", ANIMAL)
    for row in said.fillna({"age_start": 0}).itertuples():
        ages, level = (row.age_start, row.age_end), row.level
        axes.plot(ages, [LANE] * 2, "|-", color=ANIMAL, markersize=8)
        axes.text(sum(ages) / 2, LANE / 2, level, ha="center", fontsize="x-small")
    axes.set(
        xlabel="age when the eye was closed (days)", ylim=(1.5 * LANE, 1.1),
        ylabel="sensitivity", yticks=[],
    )  # fmt: skip
    named = {"age_start": "age", "age_end": "until", "level": "what"}
    return said.rename(columns=named)[[*named.values(), "source"]]


def _schematic(axes: Axes, name: str, dash: str, colour: str) -> None:
    curve = biology.schematic(name)
    axes.plot(curve["age_days"], curve["value"], dash, color=colour, alpha=0.8)

"""Figures of sweeps: final accuracy, and points lost, over removal or onset."""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from .._base.words import translated as _
from ..analysis.effects import REFERENCES
from ..deficits import Blur, Look
from ..results import Result, finals
from ..studies import Run, Study
from .captions import finished, origins, over_seeds
from .marks import common, interval, legend, mean, percent, rows
from .palette import GREY, INK, WHITE, looks, networks, series
from .panel import Panel, worded

# Paper, Figure 1, top left, as quoted in its text (Methods): 6.4 % test error, and more
# than 18 % where blur is removed at epoch 140; 160 clean epochs follow.
PAPER_LOST, PAPER_TIME = 18.0 - 6.4, 140 / 160
LEAST = (-5, 15)  # least range of axes of points lost, so that equal losses look alike
BELOW = 16  # points of the learning curve shown below the results
LOST = {name: _("lost, {to}", to=words) for name, words in REFERENCES.items()}
LINES = {
    "baseline": {"linestyle": "-"},
    "control": {"linestyle": ":", "markerfacecolor": WHITE},
}
DOTTED = _("dotted: no deficit, same age")
NEAR = _("at the same age it is within a point of it")
BOTH = _(" (solid) and with the same age (dotted)")
CLOSE = _(" (at the same age the loss is within a point of that)")
T0 = _("epoch t₀ at which the deficit is removed")


class Line(NamedTuple):
    """One line of a sweep: its name, its look, and its rows of `readouts`."""

    name: str
    look: Look
    rows: pd.DataFrame

    def over(self, x: str, column: str) -> pd.DataFrame:
        """Values of `column`: index `x`, one column per seed."""
        return self.rows.pivot_table(index=x, columns="seed", values=column)


def removal_sweep(result: Result) -> Panel:
    """Final accuracy over the epoch t0 at which deficits are removed (1TL, 2, 3)."""
    onset = result.study.runs[-1].onset
    start = _("from epoch {onset} ", onset=onset) if onset else ""
    until = start + _("until epoch t₀")
    clean = readouts(result).query("run == 0").assign(removal=onset)
    lines = [
        line._replace(rows=pd.concat([clean, line.rows]))
        for line in lines_of(result, lambda run: f"{run.label} {until}")
    ]
    return _sweep(result, lines, "removal", T0)


def window_sweep(result: Result) -> Panel:
    """Final accuracy over the onset of deficits of one or more lengths (1BL, 4L)."""

    def name(run: Run) -> str:
        length = run.removal - run.onset
        words = _("for {length} epochs") if length > 1 else _("for one epoch")
        return f"{run.label} {words.format(length=length)}"

    lines = lines_of(result, name)
    return _sweep(result, lines, "onset", _("epoch of onset of the deficit"))


def together(sweeps: dict[str, Result], clock: bool = False) -> Panel:
    """Points lost over t0 in several removal sweeps, by the names given (2, 3 BR).

    With `clock` only to the same clean training, and once more over `decay_left`.
    """
    shown = [result.study for result in sweeps.values()]
    alike = len({study.runs[-1].name for study in shown}) == 1
    one = len({study.setup.model for study in shown}) == 1
    own = [series(i) for i in range(len(shown))] if one else networks(shown)
    own = own if alike else looks([study.runs[-1] for study in shown])
    lines, by = [], ["removal", "left"] if clock else "removal"
    for (name, result), look in zip(sweeps.items(), own, strict=True):
        table, study = readouts(result), result.study
        table["left"] = [decay_left(study, t0) for t0 in table["removal"]]
        lines.append(Line(name, look, table))
    table = _table(lines, by)
    apart = bool((table["control"] - table["baseline"]).abs().max() > 1)
    with rows(*[2.6] * (1 + (apart or clock))) as (figure, grid):
        _points_lost(grid[: 2 - clock], lines, "removal", T0)
        if clock:
            _points_lost(grid[1:], lines, "left", _("weight decay to come, D(t₀)"))
            grid[1].set_xscale("log")
            grid[1].xaxis.set_major_formatter("{x:g}")  # an exponent would be tiny
            grid[1].xaxis.set_minor_formatter("")
            grid[1].invert_xaxis()
    table = table.rename(columns={"line": "sweep"} | REFERENCES)
    ends = table.groupby("sweep", sort=False)[list(LOST.values())].last()
    words = "; ".join(
        _("{name} {one:.1f} and {two:.1f} points", name=n, one=one, two=two)
        for n, one, two in ends.itertuples()
    )
    return worded(
        "clock" if clock else "together", figure, table, count=len(sweeps), words=words,
        seeds=over_seeds(*sweeps.values()), origin=origins(sweeps),
        aged=BOTH if apart else CLOSE,
    )  # fmt: skip


def decay_left(study: Study, t0: int) -> float:
    """D(t0): a weight without gradients shrinks to exp(-D) of itself from t0 on."""
    s, epochs = study.setup.schedule, range(t0, t0 + study.clean_epochs)
    rates = sum(map(s.rate_at, epochs)) * max(1, study.setup.data.train // s.batch)
    return rates * s.weight_decay / (1 - s.momentum)


def readouts(result: Result) -> pd.DataFrame:
    """`finals` in %, and the points lost to each reference."""
    table = finals(result)
    table[["final", *LOST]] *= 100
    for reference, column in LOST.items():
        table[column] = table[reference] - table["final"]
    return table


def lines_of(result: Result, name: Callable[[Run], str]) -> list[Line]:
    """The runs with a deficit, one line for each value of `name`."""
    table, runs = readouts(result), result.study.runs
    groups: dict[str, list[int]] = {}
    for number, run in enumerate(runs):
        if not run.clean and number in table["run"].values:  # not all diverged
            groups.setdefault(name(run), []).append(number)
    own = looks([runs[numbers[0]] for numbers in groups.values()])
    return [
        Line(name, look, table[table["run"].isin(numbers)])
        for (name, numbers), look in zip(groups.items(), own, strict=True)
    ]


def summary(table: pd.DataFrame, x: str | list[str]) -> pd.DataFrame:
    """Final accuracy with its 95 % interval, its references and points lost, by `x`."""
    found = interval(table.pivot_table(index=x, columns="seed", values="final"))
    return found.join(table.groupby(x)[[*LOST, *LOST.values()]].mean())


def _table(lines: list[Line], x: str | list[str]) -> pd.DataFrame:
    tables = {line.name: summary(line.rows, x) for line in lines}
    return pd.concat(tables, names=["line"]).reset_index()


def _sweep(result: Result, lines: list[Line], x: str, what: str) -> Panel:
    """Final accuracy over `x`, a column of the lines, and below it the points lost."""
    table = _table(lines, x)
    apart = bool((table["control"] - table["baseline"]).abs().max() > 1)
    split, quoted = apart and len(lines) > 1, x == "removal" and _quoted(result.study)
    with rows(2.7, *[2.5] * (1 + split)) as (figure, (top, *rest)):
        _accuracy(top, result, lines, x, apart)
        top.set(xlabel=what)
        _points_lost(rest if split or not apart else rest * 2, lines, x, what)
        if quoted:
            time = PAPER_TIME * result.study.clean_epochs
            rest[0].plot(time, PAPER_LOST, "*", color=INK, markersize=9,
                         label=_("paper, from memory"))  # fmt: skip
            legend(rest[0])
    words = [_in_words(found, x) for _, found in table.groupby("line", sort=False)]
    star = _(
        " Star: {points:.1f} points or more, from memory, for the paper at t₀ = 140, "
        "seven eighths of its clean epochs, as here.", points=PAPER_LOST
    )  # fmt: skip
    table = table.rename(columns=REFERENCES)
    panel = worded(
        "sweep", figure, table if len(lines) > 1 else table.drop(columns="line"),
        what=what, words=" ".join(words), clean=result.study.clean_epochs,
        control=DOTTED if apart else NEAR, aged=BOTH if apart else CLOSE,
        star=star * quoted,
    )  # fmt: skip
    return finished(result, panel)


def _accuracy(
    axes: Axes, result: Result, lines: list[Line], x: str, apart: bool
) -> None:
    """Draw final accuracy, its references, and the clean learning curve."""
    every = pd.concat([line.rows for line in lines])
    for line in lines:
        mean(axes, line.over(x, "final"), line.look, line.name, linestyle="-")
    names = {name: _("no deficit, {to}", to=to) for name, to in REFERENCES.items()}
    axes.axhline(every["baseline"].mean(), color=GREY, linewidth=1,
                 label=names["baseline"])  # fmt: skip
    for line in lines if apart else []:
        control = line.rows.query("run > 0").groupby(x)["control"].mean()
        label = names["control"] if line is lines[0] else None
        axes.plot(control, marker="o", color=GREY, label=label, **LINES["control"])
    curve = 100 * result.curve(result.study.runs[0]).loc[: every[x].max()]
    axes.plot(curve.mean(axis=1), "--", color=GREY, label=_("no deficit, learning"))
    below = min(BELOW, 100 - every["baseline"].mean())  # few errors: a fine axis
    percent(axes, least=max(0, every["final"].min() - below))
    legend(axes)


def _points_lost(grid: list[Axes], lines: list[Line], x: str, what: str) -> None:
    """Draw the points lost to each reference, in axes of `grid`, perhaps the same."""
    several, apart = len(lines) > 1, len(lines) > 1 < len(grid)
    for axes, (other, words) in zip(grid, REFERENCES.items(), strict=False):
        against = _("against {reference}", reference=words)
        for line in lines:
            name = line.name if several else against
            mean(axes, line.over(x, LOST[other]), line.look, name, **LINES[other])
        axes.set(xlabel=what, ylabel=_("points lost") + f"\n{against}" * apart)
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.margins(x=0.02)
        legend(axes)
    common(grid, LEAST)


def _quoted(study: Study) -> bool:
    """Whether the paper quotes values for it: blur, the All-CNN, a falling rate."""
    windows = {run.windows[0][:2] for run in study.runs if not run.clean}
    falls = study.setup.schedule.rate is None and study.setup.schedule.decay < 1
    return windows == {(Blur(), 0)} and study.setup.model.family == "AllCNN" and falls


def _in_words(table: pd.DataFrame, x: str) -> str:
    """One line of a sweep in words."""
    first, last = table.iloc[0], table.iloc[-1]
    name = first["line"]
    most = []
    for reference, column in zip(REFERENCES.values(), LOST.values(), strict=True):
        row = table.loc[table[column].idxmax()]
        most.append(
            _("{points:.1f} to the {reference}, at epoch {epoch}", points=row[column],
              reference=reference, epoch=row[x])
        )  # fmt: skip
    return _(
        "{line}: {first:.1f} % at epoch {begin}, {last:.1f} % at epoch {end}. Most "
        "points lost: {most}.",
        line=f"{name[:1].upper()}{name[1:]}", first=first["mean"], begin=first[x],
        last=last["mean"], end=last[x], most="; ".join(most),
    )  # fmt: skip

"""Figures of the benchmarks: how long a sweep takes, and an estimate of the trace."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .palette import BLUE, GREY, SERIES, style
from .panel import Panel
from .records import Record

__all__ = ["against", "by_method", "estimators", "sweep"]

SIDES = (
    ("script", "plain script"),
    ("cplib", "cplib"),
    ("script, traces", "plain script, traces"),
    ("cplib, traces", "cplib, traces"),
)


def sweep(record: Record) -> Panel:
    """Minutes of the sweep by the plain script and by cplib, with every round."""
    rows = [
        {"": words, "round": i + 1, "minutes": value / 60}
        for name, words in SIDES
        for i, value in enumerate(record.measured[name])
    ]
    table = pd.DataFrame(rows)
    medians = table.groupby("", sort=False).minutes.median()
    with style():
        figure = Figure(figsize=(7, 3.2), layout="constrained")
        axes = figure.subplots()
        colours = [BLUE if "cplib" in name else GREY for name in medians.index]
        axes.barh(medians.index, medians, color=colours, height=0.6)
        axes.plot(table.minutes, table[""], "o", color="white", markeredgecolor="black")
        ends = table.groupby("").minutes.max()
        for name, value in medians.items():
            axes.annotate(
                f"{value:.1f}", (ends[name], name), (9, 0),
                textcoords="offset points", va="center",
            )  # fmt: skip
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_xlim(left=0)
        axes.set_xlabel("minutes")
    words = "; ".join(f"{name} {value:.1f}" for name, value in medians.items())
    return Panel(
        figure,
        alt=f"Bars, the minutes that the same sweep takes (medians): {words}.",
        caption=f"The same sweep by a plain script and by cplib ({_setting(record)}). "
        "Bars: medians; dots: rounds.",
        table=table,
    )


def estimators(record: Record) -> Panel:
    """Seconds to a standard error of 1 %, by network, time in training and method."""
    table = by_method(record)
    places = table[["network", "stage"]].drop_duplicates().apply(tuple, axis=1)
    order = {place: i for i, place in enumerate(places)}
    methods = list(dict.fromkeys(table.method))
    with style():
        figure = Figure(figsize=(7, 0.5 * len(order) + 2.2), layout="constrained")
        axes = figure.subplots()
        looks = [*SERIES, (GREY, "X", "-")]
        for method, (colour, marker, _) in zip(methods, looks, strict=False):
            rows = table[table.method == method]
            heights = [order[p] for p in zip(rows.network, rows.stage, strict=True)]
            ours = method == "cplib"
            axes.plot(
                rows.seconds, heights, marker, label=method,
                color="black" if ours else colour, markersize=11 if ours else 7,
            )  # fmt: skip
        axes.set_yticks(range(len(order)), [f"{n}\n{s}" for n, s in order])
        axes.tick_params(axis="y", labelsize=10)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.grid(axis="x", alpha=0.3)
        axes.set_xlabel("seconds to a standard error of 1 % (median)")
        figure.legend(loc="outside upper center", ncols=2, fontsize=10)
    best = [
        f"{n}, {s}: {group.sort_values('seconds').method.iloc[0]}"
        for (n, s), group in table.groupby(["network", "stage"], sort=False)
    ]
    return Panel(
        figure,
        alt="Points on a logarithmic axis, the seconds that each method needs. Fastest "
        f"are, {'; '.join(best)}.",
        caption="Seconds to the same standard error of the trace, by method "
        f"({_setting(record)}).",
        table=table.round(4),
    )


def by_method(record: Record) -> pd.DataFrame:
    """Medians of the estimator's benchmark: network, stage, method, seconds."""
    rows = []
    for name, values in record.measured.items():
        where, colon, method = name.partition(": ")
        network, comma, stage = where.rpartition(", ")
        if colon and comma and stage in ("early", "mid", "late"):
            rows.append((network, stage, method, float(np.median(values))))
    return pd.DataFrame(rows, columns=["network", "stage", "method", "seconds"])


def against(record: Record, ours: str = "cplib") -> pd.DataFrame:
    """How many times as long as `ours` each method takes: medians over the rounds."""
    rows = {}
    for ratio in record.ratios:
        where, colon, method = ratio.over.partition(": ")
        if colon and ratio.under == f"{where}: {ours}" and len(record.values(ratio)):
            place = tuple(where.rsplit(", ", 1))
            rows.setdefault(place, {})[method] = float(np.median(record.values(ratio)))
    found = pd.DataFrame.from_dict(rows, orient="index")
    found.index = pd.MultiIndex.from_tuples(rows, names=["network", "stage"])
    return found


def _setting(record: Record) -> str:
    where = record.machine.get("GPU", record.machine["processor"])
    return f"{where}, {record.date}"

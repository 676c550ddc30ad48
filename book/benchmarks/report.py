"""Records of the benchmarks, with their tables and figures.

The programs in `benchmarks/` write one record per benchmark and kind of device: raw
numbers of every round, and the ratios to compute. The appendix "How fast is it" shows
them all. This file is in the folder of the records, outside `cplib`; to import it, put
that folder on `sys.path` first.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cplib._base.files import write_atomic
from cplib.errors import DataError
from cplib.figures.marks import legend
from cplib.figures.marks import rows as rows_of_axes
from cplib.figures.palette import GREY, INK, SERIES, WHITE
from cplib.figures.panel import Panel

__all__ = [
    "BENCHMARKS", "FOLDER", "Ratio", "Record", "by_method", "chaos", "estimators",
    "ratios", "raw", "read", "save", "sweep", "table", "times_as_long",
]  # fmt: skip

BENCHMARKS = ("sweep", "estimator", "step", "scaling", "neighbour", "laboratory")
FOLDER = Path(__file__).parent  # of the book's records
SIDES = {
    "script": "plain script",
    "cplib": "cplib",
    "script, traces": "plain script, traces",
    "cplib, traces": "cplib, traces",
}


@dataclass(frozen=True)
class Ratio:
    """A ratio of two measurements, computed for each round.

    Attributes:
        what: the ratio in words.
        over, under: names of the two measurements.
        aim: the least value aimed at, if one was set beforehand.
    """

    what: str
    over: str
    under: str
    aim: float | None = None


@dataclass
class Record:
    """The outcome of a benchmark on one machine.

    Attributes:
        benchmark: its name.
        device: "cpu" or "cuda".
        machine: processor, cores, threads, versions.
        code, date: of the measurement.
        setting: what was run, in words and numbers.
        unit: of the measurements.
        measured: for each name, one value per round.
        ratios: what to compare.
    """

    benchmark: str
    device: str
    machine: dict[str, str]
    code: str
    date: str
    setting: dict[str, str]
    unit: str
    measured: dict[str, list[float]]
    ratios: list[Ratio]

    def values(self, ratio: Ratio) -> np.ndarray:
        """`ratio` in each round; empty if one of its ends was not measured."""
        sides = [self.measured.get(end, []) for end in (ratio.over, ratio.under)]
        rounds = min(map(len, sides))
        over, under = (np.array(side[:rounds]) for side in sides)
        return over / under

    @property
    def origin(self) -> str:
        """Machine and date, for captions."""
        where = self.machine.get("GPU", self.machine["processor"])
        return f"{where}, {self.date}"


def save(record: Record, place: Path) -> Path:
    """Write `record` into the folder `place`."""
    path = place / f"{record.benchmark}-{record.device}.json"
    text = json.dumps(asdict(record), indent=1, ensure_ascii=False)
    write_atomic(path, (text + "\n").encode())
    return path


def read(benchmark: str, device: str = "cpu", place: Path = FOLDER) -> Record:
    """The record of `benchmark` on `device` ("cpu" or "cuda").

    Raises:
        DataError: the record is missing or cannot be read.
    """
    path = place / f"{benchmark}-{device}.json"
    again = f"measure it with 'make bench', or take {path.name} from the repository."
    try:
        parts = json.loads(path.read_text(encoding="utf-8"))
        return Record(**parts | {"ratios": [Ratio(**r) for r in parts["ratios"]]})
    except FileNotFoundError as error:
        raise DataError(f"There is no {path}: {again}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is damaged ({error}): {again}") from error


def chaos(place: Path = FOLDER) -> tuple[pd.DataFrame, str]:
    """Counts of `tests/chaos.py`, one row per way of running, and their origin.

    Raises:
        DataError: the record is missing or cannot be read.
    """
    path = place / "chaos.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        ways = pd.DataFrame(found["ways"])
        counts = {
            "workers": ways.workers,
            "sweeps at once": ways.at_once,
            "kills": ways.groups + ways.parents,
            "of these, of the parent alone": ways.parents,
            "segments needed": ways.segments,
            "begun": ways.begun,
            "trained twice without need": ways.needless.map(len),
            "epochs needed": ways.needed,
            "trained": ways.trained,
        }
        words = "{study}; {processor}; {date}; cplib {code}".format(**found)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        again = "write it with 'python tests/chaos.py --out FILE'"
        raise DataError(f"{path} cannot be read ({error}): {again}.") from error
    counts = pd.DataFrame(counts).sort_values(["workers", "sweeps at once"])
    return counts.set_axis(range(1, len(counts) + 1)), words


def raw(record: Record) -> pd.DataFrame:
    """Every measurement, one row per name and one column per round."""
    found = pd.DataFrame({k: pd.Series(v) for k, v in record.measured.items()}).T
    found.columns = [f"round {i + 1}" for i in found.columns]
    found.insert(0, "median", found.median(axis=1))
    return found.map("{:.4g}".format).replace("nan", "–").rename_axis(record.unit)


def table(benchmark: str, place: Path = FOLDER) -> pd.DataFrame:
    """Median, range and aim of each ratio, with a column per kind of device."""
    found = ratios(read(benchmark, place=place))
    found["GPU"] = "not measured"
    if (place / f"{benchmark}-cuda.json").exists():
        found["GPU"] = ratios(read(benchmark, "cuda", place))["CPU"]
        found["GPU"] = found["GPU"].fillna("–")
    return found


def ratios(record: Record) -> pd.DataFrame:
    """Median, range and aim of each ratio of `record`."""
    rows = []
    for ratio in record.ratios:
        values = record.values(ratio)
        if not len(values):
            continue
        median = np.median(values)
        reached = "" if ratio.aim is None else "yes" if median >= ratio.aim else "no"
        rows.append(
            {
                "": ratio.what,
                "CPU": _short(median),
                "rounds": f"{_short(values.min())} to {_short(values.max())}",
                "aim": "" if ratio.aim is None else f"≥\N{NO-BREAK SPACE}{ratio.aim:g}",
                "reached": reached,
            }
        )
    columns = ["", "CPU", "rounds", "aim", "reached"]
    return pd.DataFrame(rows, columns=columns).set_index("")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def sweep(record: Record) -> Panel:
    """Minutes of the same sweep by the plain script and by cplib, round by round."""
    rows = [
        {"": words, "round": i + 1, "minutes": value / 60}
        for name, words in SIDES.items()
        for i, value in enumerate(record.measured[name])
    ]
    table = pd.DataFrame(rows)
    medians = table.groupby("", sort=False).minutes.median()
    ends = table.groupby("").minutes.max()
    with rows_of_axes(1.8) as (figure, (axes,)):
        colours = [
            SERIES[0].colour if "cplib" in name else GREY for name in medians.index
        ]
        axes.barh(medians.index, medians, color=colours, height=0.6)
        axes.plot(table.minutes, table[""], "o", color=WHITE, markeredgecolor=INK)
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
        caption="Minutes of the same sweep by a plain script and by cplib. Bars: "
        "medians; dots: rounds.",
        table=table,
        origin=f"{record.origin}.",
    )


def estimators(record: Record) -> Panel:
    """Seconds to a standard error of 1 %, by network, time in training and method."""
    table = by_method(record)
    places = table[["network", "stage"]].drop_duplicates().apply(tuple, axis=1)
    order = {place: i for i, place in enumerate(places)}
    methods = list(dict.fromkeys(table.method))
    with rows_of_axes(0.45 * len(order) + 1.6) as (figure, (axes,)):
        looks = [*SERIES, (GREY, "X", "-")]
        for method, (colour, marker, _) in zip(methods, looks, strict=False):
            rows = table[table.method == method]
            heights = [order[p] for p in zip(rows.network, rows.stage, strict=True)]
            ours = method == "cplib"
            axes.plot(
                rows.seconds, heights, marker, label=method,
                color=INK if ours else colour, markersize=8 if ours else 5,
            )  # fmt: skip
        axes.set(yticks=[])
        for (network, stage), height in order.items():
            axes.text(0, height - 0.2, f" {network}, {stage}",
                      transform=axes.get_yaxis_transform())  # fmt: skip
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.grid(axis="x", alpha=0.3)
        axes.set_xlabel("seconds to a standard error of 1 % (median)")
        legend(axes)
    best = [
        f"{n}, {s}: {group.sort_values('seconds').method.iloc[0]}"
        for (n, s), group in table.groupby(["network", "stage"], sort=False)
    ]
    return Panel(
        figure,
        alt="Points on a logarithmic axis, the seconds that each method needs. The "
        f"fastest are, {'; '.join(best)}.",
        caption="Seconds to the same standard error of the trace, by method.",
        table=table.round(4),
        origin=f"{record.origin}.",
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


def times_as_long(record: Record, ours: str = "cplib") -> pd.DataFrame:
    """How many times as long as `ours` each method takes: medians over the rounds."""
    rows: dict[tuple, dict] = {}
    for ratio in record.ratios:
        where, colon, method = ratio.over.partition(": ")
        if colon and ratio.under == f"{where}: {ours}" and len(record.values(ratio)):
            place = tuple(where.rsplit(", ", 1))
            rows.setdefault(place, {})[method] = float(np.median(record.values(ratio)))
    found = pd.DataFrame.from_dict(rows, orient="index")
    found.index = pd.MultiIndex.from_tuples(rows, names=["network", "stage"])
    return found

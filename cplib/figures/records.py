"""The benchmarks' records: raw numbers of each round, and the ratios made of them.

`benchmarks/` writes one file for each benchmark and kind of device; the appendix "How
fast is it" shows them all.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .._base import files
from ..errors import DataError

__all__ = [
    "BENCHMARKS", "Ratio", "Record", "chaos", "folder", "read", "ratios", "raw", "save",
    "table",
]  # fmt: skip

BENCHMARKS = ("sweep", "estimator", "step", "scaling", "neighbour")


@dataclass(frozen=True)
class Ratio:
    """What is divided by what, round by round.

    Attributes:
        what: in words.
        over, under: names of measurements.
        aim: what we wanted the ratio to reach at least, if we said so beforehand.
    """

    what: str
    over: str
    under: str
    aim: float | None = None


@dataclass
class Record:
    """A benchmark's outcome on one machine.

    Attributes:
        benchmark: its name.
        device: "cpu" or "cuda".
        machine: processor, cores, threads, versions.
        code, date: of the measurement.
        setting: what was run, in words and numbers.
        unit: of the measurements.
        measured: for each name, one value for each round.
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
        """`ratio` in each round, or nothing if one of its ends was not measured."""
        sides = [self.measured.get(end, []) for end in (ratio.over, ratio.under)]
        rounds = min(map(len, sides))
        over, under = (np.array(side[:rounds]) for side in sides)
        return over / under


def folder() -> Path:
    """Where the book's records are kept."""
    return files.book_folder() / "benchmarks"


def save(record: Record, place: Path) -> Path:
    """Write `record` into the folder `place`."""
    path = place / f"{record.benchmark}-{record.device}.json"
    text = json.dumps(asdict(record), indent=1, ensure_ascii=False)
    files.write_atomic(path, (text + "\n").encode())
    return path


def read(benchmark: str, device: str = "cpu", place: Path | None = None) -> Record:
    """The record of `benchmark` on a `device` ("cpu" or "cuda").

    Raises:
        DataError: there is none, or it cannot be read.
    """
    path = (place or folder()) / f"{benchmark}-{device}.json"
    again = f"measure it with 'make bench', or take {path.name} from the repository."
    try:
        parts = json.loads(path.read_text(encoding="utf-8"))
        return Record(**parts | {"ratios": [Ratio(**r) for r in parts["ratios"]]})
    except FileNotFoundError as error:
        raise DataError(f"There is no {path}: {again}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is damaged ({error}): {again}") from error


def chaos(place: Path | None = None) -> tuple[pd.DataFrame, str]:
    """What `tests/chaos.py` counted, one row for each way of running; where and when.

    Raises:
        DataError: its record is not there, or cannot be read.
    """
    path = (place or folder()) / "chaos.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        ways = pd.DataFrame(found["ways"])
        needless = ways.needless.map(len)
        counts = {
            "workers": ways.workers,
            "sweeps at once": ways.at_once,
            "kills": ways.groups + ways.parents,
            "of these, of the parent alone": ways.parents,
            "segments needed": ways.segments,
            "begun": ways.begun,
            "trained twice without need": needless,
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
    """Every measurement, one row for each name and one column for each round."""
    found = pd.DataFrame({k: pd.Series(v) for k, v in record.measured.items()}).T
    found.columns = [f"round {i + 1}" for i in found.columns]
    found.insert(0, "median", found.median(axis=1))
    return found.map("{:.4g}".format).rename_axis(record.unit)


def table(benchmark: str, place: Path | None = None) -> pd.DataFrame:
    """Median, range and aim of each ratio, a column for each kind of device."""
    record = read(benchmark, place=place)
    found = ratios(record)
    found["GPU"] = "not measured"
    if ((place or folder()) / f"{benchmark}-cuda.json").exists():
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

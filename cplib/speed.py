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

from . import storage

__all__ = ["DEVICES", "Ratio", "Record", "folder", "load", "raw", "ratios", "save"]

DEVICES = ("cpu", "cuda")


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
        machine: processor, cores, memory, versions.
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
        """`ratio` in each round."""
        sides = self.measured[ratio.over], self.measured[ratio.under]
        rounds = min(map(len, sides))
        over, under = (np.array(side[:rounds]) for side in sides)
        return over / under


def folder() -> Path:
    """Where the records are kept."""
    return storage.book_folder() / "benchmarks"


def save(record: Record, place: Path) -> Path:
    """Write `record` into the folder `place`."""
    path = place / f"{record.benchmark}-{record.device}.json"
    text = json.dumps(asdict(record), indent=1, ensure_ascii=False)
    storage.write_atomic(path, (text + "\n").encode())
    return path


def load(benchmark: str, device: str = "cpu", place: Path | None = None) -> Record:
    """The record of `benchmark` on a `device`.

    Raises:
        FileNotFoundError: it was never measured there.
    """
    path = (place or folder()) / f"{benchmark}-{device}.json"
    parts = json.loads(path.read_text(encoding="utf-8"))
    return Record(**parts | {"ratios": [Ratio(**r) for r in parts["ratios"]]})


def ratios(record: Record) -> pd.DataFrame:
    """Median, range and aim of each ratio of `record`."""
    rows = []
    for ratio in record.ratios:
        if not {ratio.over, ratio.under} <= set(record.measured):
            continue
        values = record.values(ratio)
        aim = "" if ratio.aim is None else f"{ratio.aim:g}"
        verdict = "" if ratio.aim is None else "no"
        if ratio.aim is not None and np.median(values) >= ratio.aim:
            verdict = "yes"
        rows.append(
            {
                "": ratio.what,
                "ratio": f"{np.median(values):.3g}",
                "rounds": f"{values.min():.3g} to {values.max():.3g} ({len(values)})",
                "aim": aim,
                "reached": verdict,
            }
        )
    return pd.DataFrame(rows).set_index("")


def raw(record: Record) -> pd.DataFrame:
    """Every measurement, one row for each name and one column for each round."""
    table = pd.DataFrame.from_dict(record.measured, orient="index")
    table.columns = [f"round {i + 1}" for i in table.columns]
    table.insert(0, "median", table.median(axis=1))
    return table.rename_axis(record.unit)

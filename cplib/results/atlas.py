"""The atlas: the study `timing` in one small file that comes with the package.

Onset and removal over a half grid, many runs and only the test accuracy of each. The
accuracy is a number of test images out of a known number, so whole numbers keep it
without loss, in a thirtieth of the room that a table takes.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import DataError
from ..studies.study import Study
from ..training import DECIMALS

__all__ = ["LARGEST", "Entry", "file", "pack", "read"]

METRIC = "test_accuracy"
LARGEST = 300_000  # bytes; readers on a phone load it
DAMAGE = (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error)
NOTES = "notes"  # JSON, as bytes, in an array of its own


@dataclass(frozen=True)
class Entry:
    """One study of the atlas.

    Attributes:
        study: the study.
        table: its rows, as `results.Result` has them.
        provenance: for each seed, where its numbers come from.
    """

    study: Study
    table: pd.DataFrame
    provenance: dict[int, dict]


def file() -> Path:
    """Where the atlas lies."""
    return Path(str(resources.files(__package__) / "atlas.npz"))


def pack(entries: list[Entry]) -> bytes:
    """The entries in one file.

    Raises:
        DataError: a table holds other numbers than `test_accuracy` at every epoch of
            each run, or accuracies that are no whole number of test images, or the
            file would be larger than `LARGEST`.
    """
    arrays, notes = {}, {}
    for entry in entries:
        study, seeds = entry.study, sorted(entry.provenance)
        key = f"{study.name}-{study.scale}"
        frame = _frame(study, seeds)
        columns = list(frame.columns)
        table = entry.table[[*columns, "value"]].reset_index(drop=True)
        if not table[columns].equals(frame):
            raise DataError(
                f"{key}: the table does not hold {METRIC} at every epoch of each run."
            )
        right = table["value"].to_numpy() * study.setup.data.test
        whole = right.round()
        if not np.abs(right - whole).max() <= 1e-3:  # nor NaN, of a run that diverged
            raise DataError(f"{key}: an accuracy is no whole number of test images.")
        # differences are small numbers, which compress well
        arrays[key] = np.diff(whole.astype(np.int32), prepend=0).astype(np.int16)
        origin = {str(seed): entry.provenance[seed] for seed in seeds}
        notes[key] = {"study_hash": study.hash, "seeds": origin}
    text = json.dumps(notes, sort_keys=True).encode()
    arrays[NOTES] = np.frombuffer(text, dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    payload = buffer.getvalue()
    if len(payload) > LARGEST:
        raise DataError(
            f"The atlas would take {len(payload):,} bytes; {LARGEST:,} are allowed: "
            "choose a coarser grid or fewer seeds."
        )
    return payload


def read(study: Study, path: Path | None = None) -> Entry | None:
    """The study as the atlas has it; None when it has not, or has another of its name.

    A damaged file is an error, since it is part of the package.
    """
    path = path or file()
    if not path.exists():
        return None
    key = f"{study.name}-{study.scale}"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            notes = json.loads(arrays[NOTES].tobytes())
            if key not in notes or notes[key]["study_hash"] != study.hash:
                return None
            differences = arrays[key]
        origin = {int(seed): o for seed, o in notes[key]["seeds"].items()}
        table = _frame(study, sorted(origin))
        right = differences.astype(np.int64).cumsum()
        table["value"] = (right / study.setup.data.test).round(DECIMALS)
    except DAMAGE as error:
        raise DataError(
            f"{path} is damaged ({error}): install cplib again, or make it anew with "
            "'python -m cplib atlas'."
        ) from None
    return Entry(study, table, origin)


def _frame(study: Study, seeds: list[int]) -> pd.DataFrame:
    """The rows of a table that holds one metric at every epoch, but for its values."""
    frames = [
        pd.DataFrame(
            {
                "study": study.name, "scale": study.scale, "seed": seed,
                "deficit": run.kind, "onset": run.onset, "removal": run.removal,
                "epoch": range(run.epochs + 1), "metric": METRIC, "layer": "",
            }
        )
        for seed in seeds
        for run in study.runs
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)

"""A study's stored numbers: a CSV and, beside it, the JSON that says where from.

The two are one, for the JSON holds the CSV's checksum. A kill between writing the one
and the other must not cost them both: the new JSON is first written as `.json.new`,
then the CSV, then the JSON gets its name. Who reads takes the JSON that fits the CSV.
Line ends do not count: Git or an editor on Windows may have changed them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import warnings
from pathlib import Path

import pandas as pd

from .._base import files, locks
from ..errors import StorageError
from ..studies.study import Study

__all__ = ["COLUMNS", "alone", "read", "repaired", "write"]

COLUMNS = (
    "study", "scale", "seed", "deficit", "onset", "removal", "epoch", "metric",
    "layer", "value",
)  # fmt: skip
TEXT = dict.fromkeys(("study", "layer", "value"), str)  # "5" is a study, "0" a layer
Shelved = tuple[pd.DataFrame, dict[int, dict]]


def alone(folder: Path) -> contextlib.AbstractContextManager[bool]:
    """Within, no other process changes the results in `folder`; see `locks.hold`."""
    return locks.hold(folder / ".lock", wait=True)


def write(study: Study, table: pd.DataFrame, origin: dict, folder: Path) -> Path:
    """Store `table` and, by seed, its `origin`; return the CSV's path.

    Raises:
        StorageError: the folder cannot be written or its disk is full; what was stored
            before is then intact.
    """
    csv, note, coming = _paths(study, folder)
    payload = table.to_csv(index=False, lineterminator="\n").encode()
    entry = {
        "title": study.title,
        "study_hash": study.hash,
        "table_sha256": files.sha256(payload),
        "seeds": {str(seed): origin[seed] for seed in sorted(origin)},
        "study": study.spec(),
    }
    entry["sha256"] = seal(entry)
    _keep_older(study, folder)
    files.write_atomic(coming, (json.dumps(entry, indent=1) + "\n").encode())
    try:
        files.write_atomic(csv, payload)
        os.replace(coming, note)
    except StorageError:
        coming.unlink(missing_ok=True)
        raise
    return csv


def read(study: Study, folder: Path) -> Shelved | None:
    """The table and its origin; None where there is none, or of an earlier definition.

    Raises:
        storage.Damaged: the files are not as they were written, or another study's.
    """
    csv, note, coming = _paths(study, folder)
    if not csv.exists() or not (note.exists() or coming.exists()):
        return None
    try:
        return _read(study, csv, note)
    except files.Damaged as error:
        with contextlib.suppress(files.Damaged):  # a kill came before the renaming
            return _read(study, csv, coming)
        raise error


def repaired(study: Study, folder: Path, held: bool = False) -> Shelved | None:
    """As `read`, but damaged files are set aside with a warning, and count as absent.

    Args:
        held: whether `folder` is `alone` already.
    """
    with contextlib.suppress(files.Damaged):
        return read(study, folder)
    with contextlib.ExitStack() as stack:
        if not held:  # what looks damaged may have been half written
            with contextlib.suppress(StorageError):  # it will be said below
                stack.enter_context(alone(folder))
        try:
            return read(study, folder)
        except files.Damaged as error:
            for path in _paths(study, folder):
                if path.exists():
                    files.set_aside(path, error.why)
            return None


def _keep_older(study: Study, folder: Path) -> None:
    """Rename results of another definition of `study`, which it would replace."""
    csv, note, _ = _paths(study, folder)
    try:
        held = str(json.loads(note.read_bytes())["study_hash"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if held == study.hash or not re.fullmatch("[0-9a-f]{16}", held):
        return
    for path in (csv, note):
        try:
            path.replace(path.with_name(f"{path.stem}.{held}{path.suffix}"))
        except FileNotFoundError:
            continue  # a kill came between the two
        except OSError as error:
            raise files.storage_error(folder, error) from error
    warnings.warn(
        f"{csv.name} held results of {study.name} as it was defined before; they are "
        f"kept as {csv.stem}.{held}.csv.",
        stacklevel=2,
    )


def seal(entry: dict) -> str:
    """Checksum of a provenance entry, so that an edited one is noticed."""
    return files.sha256(json.dumps(entry, sort_keys=True).encode())


def _paths(study: Study, folder: Path) -> tuple[Path, Path, Path]:
    stem = f"{study.name}-{study.scale}"
    names = (f"{stem}.csv", f"{stem}.json", f"{stem}.json.new")
    return tuple(folder / name for name in names)


def _read(study: Study, csv: Path, note: Path) -> Shelved | None:
    """What `csv` holds, if that is what `note` was written for."""
    try:
        entry = json.loads(note.read_bytes())
        if entry.pop("sha256") != seal(entry):
            raise ValueError(f"checksum mismatch of {note.name}")
        named = entry["study"]["name"], entry["study"]["scale"]
        if named != (study.name, study.scale):
            raise ValueError("these are the results of {} at scale {}".format(*named))
        payload = csv.read_bytes().replace(b"\r\n", b"\n")
        if entry["table_sha256"] != files.sha256(payload):
            raise ValueError(f"checksum mismatch of {csv.name}")
        if entry["study_hash"] != study.hash:
            return None
        table = _table(payload)
        origin = {int(seed): o for seed, o in entry["seeds"].items()}
        if tuple(table.columns) != COLUMNS or set(table.seed) != set(origin):
            raise ValueError("wrong columns or seeds")
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise files.Damaged(csv, str(error)) from error
    return table, origin


def _table(payload: bytes) -> pd.DataFrame:
    """The rows; every number is the one that was written, bit for bit."""
    table = pd.read_csv(io.BytesIO(payload), dtype=TEXT, keep_default_na=False)
    table["value"] = [float(text or "nan") for text in table["value"]]  # pandas rounds
    return table

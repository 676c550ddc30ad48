"""A study's stored numbers: one gzipped CSV, whose first line says where they are from.

The line is a comment of JSON: title, definition of the study, and for each seed its
provenance. `pandas.read_csv(path, comment="#")` reads the rest.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import warnings
import zlib
from pathlib import Path

import pandas as pd

from .._base import files, locks
from ..errors import StorageError
from ..studies import Study
from . import first_edition

__all__ = ["alone", "differences", "read", "repaired", "write"]

COLUMNS = ["seed", "run", "epoch", "metric", "layer", "value"]
TEXT = dict.fromkeys(("layer", "value"), str)  # "0" is a layer
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OSError, EOFError)
Shelved = tuple[pd.DataFrame, dict[int, dict]]


def alone(folder: Path) -> contextlib.AbstractContextManager[bool]:
    """Within, no other process changes the results in `folder`; see `locks.hold`."""
    return locks.hold(folder / ".lock", wait=True)


def write(study: Study, table: pd.DataFrame, origin: dict, folder: Path) -> Path:
    """Store `table` and, by seed, its `origin`; return the file's path.

    Raises:
        StorageError: the folder cannot be written or its disk is full; what was stored
            before is then intact.
    """
    rows = table[COLUMNS].to_csv(index=False, lineterminator="\n").encode()
    head = {
        "title": study.title,
        "study_hash": study.hash,
        "table_sha256": files.sha256(rows),
        "seeds": {str(seed): origin[seed] for seed in sorted(origin)},
        "study": study.spec(),
    }
    _keep_older(study, folder)
    payload = b"# " + json.dumps(head).encode() + b"\n" + rows
    files.write_atomic(path := _path(study, folder), gzip.compress(payload, mtime=0))
    return path


def read(study: Study, folder: Path) -> Shelved | None:
    """The table (`COLUMNS`) and its origin; None if there is none of this definition.

    Raises:
        files.Damaged: the file is not as it was written, or another study's.
    """
    first_edition.convert(study, folder, write)
    path = _path(study, folder)
    if not path.exists():
        return None
    try:
        head, rows = _parts(path)
        named = head["study"]["name"], head["study"]["scale"]
        if named != (study.name, study.scale):
            raise ValueError("these are the results of {} at scale {}".format(*named))
        if head["table_sha256"] != files.sha256(rows):
            raise ValueError("checksum mismatch")
        if head["study_hash"] != study.hash:
            return None
        table = _table(rows)
        origin = {int(seed): o for seed, o in head["seeds"].items()}
        if list(table.columns) != COLUMNS or set(table.seed) != set(origin):
            raise ValueError("wrong columns or seeds")
    except (*UNREADABLE, zlib.error) as error:
        raise files.Damaged(path, str(error)) from error
    return table, origin


def repaired(study: Study, folder: Path, held: bool = False) -> Shelved | None:
    """As `read`, but a damaged file is set aside with a warning, and counts as absent.

    Args:
        held: whether `folder` is `alone` already.
    """
    with contextlib.suppress(files.Damaged):
        return read(study, folder)
    with contextlib.ExitStack() as stack:
        if not held:  # another process may have replaced it since
            with contextlib.suppress(StorageError):  # it will be said below
                stack.enter_context(alone(folder))
        try:
            return read(study, folder)
        except files.Damaged as error:
            files.set_aside(error.path, error.why)
            return None


def differences(study: Study, folder: Path) -> list[str]:
    """How `study` differs from the definition that is stored under its name, in words.

    Empty when there is none, or the same; for example ["schedule.batch 128, now 64"].
    """
    try:
        head, _ = _parts(_path(study, folder))
        if head["study_hash"] == study.hash:
            return []
        then, now = _flat(head["study"]), _flat(json.loads(json.dumps(study.spec())))
    except (*UNREADABLE, zlib.error):
        return []
    changed = [key for key in {**then, **now} if then.get(key) != now.get(key)]
    return [f"{key} {then.get(key)}, now {now.get(key)}" for key in changed]


def _flat(spec: dict, prefix: str = "") -> dict[str, object]:
    """Nested values by dotted name, without the study's own name for its parts."""
    flat: dict[str, object] = {}
    for key, value in spec.items():
        name = prefix if key == "setup" else f"{prefix}{key}"
        if isinstance(value, dict):
            flat |= _flat(value, name if key == "setup" else f"{name}.")
        else:
            several = isinstance(value, list) and key == "runs"
            flat[name] = f"({len(value)} of them)" if several else value
    return flat


def _keep_older(study: Study, folder: Path) -> None:
    """Rename results of another definition of `study`, which it would replace."""
    path = _path(study, folder)
    try:
        held = str(_parts(path)[0]["study_hash"])
    except (*UNREADABLE, zlib.error):
        return
    if held == study.hash or not held.isalnum():
        return
    kept = path.with_name(f"{study.name}-{study.scale}.{held}.csv.gz")
    try:
        path.replace(kept)
    except OSError as error:
        raise files.storage_error(folder, error) from error
    warnings.warn(
        f"{path.name} held results of {study.name} as it was defined before; they are "
        f"kept as {kept.name}.",
        stacklevel=2,
    )


def _path(study: Study, folder: Path) -> Path:
    return folder / f"{study.name}-{study.scale}.csv.gz"


def _parts(path: Path) -> tuple[dict, bytes]:
    """What the first line says, and the bytes of the others."""
    head, _, rows = gzip.decompress(path.read_bytes()).partition(b"\n")
    return json.loads(head.removeprefix(b"# ")), rows


def _table(rows: bytes) -> pd.DataFrame:
    """The rows; every number is the one that was written, bit for bit."""
    table = pd.read_csv(io.BytesIO(rows), dtype=TEXT, keep_default_na=False)
    table["value"] = [float(text or "nan") for text in table["value"]]  # pandas rounds
    return table

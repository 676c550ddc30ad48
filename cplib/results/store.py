"""A study's stored numbers: one gzipped CSV whose first line is their provenance.

That line is a comment of JSON: title and definition of the study, a checksum of the
table, and the origin of each seed. `pandas.read_csv(path, comment="#")` reads the rest.
"""

import contextlib
import gzip
import io
import json
import warnings
import zlib
from pathlib import Path

import pandas as pd

from .._base import files
from ..studies import Study

COLUMNS = ["seed", "run", "epoch", "metric", "layer", "value"]
TEXT = dict.fromkeys(("layer", "value"), str)  # "0" is a layer
UNREADABLE = (
    ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, zlib.error,
)  # fmt: skip
LOCK = ".lock"  # of a folder, held while a result in it is replaced
SHOWN = 5  # differences in a sentence


def write(study: Study, table: pd.DataFrame, origin: dict, folder: Path) -> Path:
    """Store `table` and, by seed, its `origin`; return the file's path.

    If that fails, with a `StorageError`, what was stored before is intact.
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


def read(study: Study, folder: Path) -> tuple[pd.DataFrame, dict[int, dict]] | None:
    """The table (`COLUMNS`) and its origin; None if this definition is not stored.

    `files.Damaged` if the file is not as it was written, or another study's.
    """
    path = _path(study, folder)
    if not path.exists():
        return None
    try:
        head, rows = _parts(path)
        named = head["study"]["name"], head["study"]["scale"]
        if named != (study.name, study.scale):
            raise ValueError("it holds the results of {} at scale {}".format(*named))
        if head["table_sha256"] != files.sha256(rows):
            raise ValueError("checksum mismatch")
        if head["study_hash"] != study.hash:
            return None
        table = pd.read_csv(io.BytesIO(rows), dtype=TEXT, keep_default_na=False)
        # pandas would round; this restores each number bit for bit
        table["value"] = [float(text or "nan") for text in table["value"]]
        origin = {int(seed): o for seed, o in head["seeds"].items()}
        if list(table.columns) != COLUMNS or set(table.seed) != set(origin):
            raise ValueError("wrong columns or seeds")
    except UNREADABLE as error:
        raise files.Damaged(path, str(error)) from error
    return table, origin


def repaired(study: Study, folder: Path) -> tuple[pd.DataFrame, dict] | None:
    """`read`, but quarantine a damaged file with a warning, and return None."""
    with contextlib.suppress(files.Damaged):
        return read(study, folder)
    with files.hold(folder / LOCK):  # another process may have replaced it since
        try:
            return read(study, folder)
        except files.Damaged as error:
            files.quarantine(error)


def differences(study: Study, folder: Path) -> str:
    """How `study` differs from the definition stored under its name.

    For example "schedule.batch 128, now 64"; empty if none is stored, or the same.
    """
    try:
        then = _parts(_path(study, folder))[0]["study"]
    except UNREADABLE:
        return ""
    specs = then, json.loads(json.dumps(study.spec()))
    old, new = map(_flat, specs)
    words = [
        f"{k.removeprefix('setup.')} {old.get(k)}, now {new.get(k)}"
        for k in {**old, **new}
        if old.get(k) != new.get(k)
    ]
    return "; ".join(words[:SHOWN])


def _flat(spec: dict) -> dict:
    """Values by path, such as "run.1.removal"; "runs" is their number."""
    runs = {str(number): run for number, run in enumerate(spec["runs"])}
    spec = {**spec, "runs": len(runs), "run": runs}
    return pd.json_normalize(spec).iloc[0].to_dict()


def _keep_older(study: Study, folder: Path) -> None:
    """Rename results of another definition of `study`, which would be replaced."""
    path = _path(study, folder)
    try:
        held = str(_parts(path)[0]["study_hash"])
    except UNREADABLE:
        return
    if held == study.hash or not held.isalnum():
        return
    kept = path.with_name(f"{study.name}-{study.scale}.{held}.csv.gz")
    with files.writing(folder):
        path.replace(kept)
    warnings.warn(
        f"{path.name} held results of an earlier definition of {study.name}; they are "
        f"kept as {kept.name}.",
        stacklevel=2,
    )


def _path(study: Study, folder: Path) -> Path:
    return folder / f"{study.name}-{study.scale}.csv.gz"


def _parts(path: Path) -> tuple[dict, bytes]:
    """The content of the first line, and the bytes of the others."""
    head, _, rows = gzip.decompress(path.read_bytes()).partition(b"\n")
    return json.loads(head.removeprefix(b"# ")), rows

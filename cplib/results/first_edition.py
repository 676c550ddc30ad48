"""Results as the first edition stored them, a CSV and a JSON: converted when read."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from .._base import files
from ..studies import Study

__all__ = ["convert"]


def convert(study: Study, folder: Path, write: Callable[..., Path]) -> None:
    """Turn the two files of `study`, if they are there and whole, into one.

    They are left alone when they hold another definition, or the folder is read-only.
    """
    csv = folder / f"{study.name}-{study.scale}.csv"
    note = csv.with_suffix(".json")
    if not (csv.exists() and note.exists()):
        return
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        head = json.loads(note.read_bytes())
        payload = csv.read_bytes().replace(b"\r\n", b"\n")
        whole = head["table_sha256"] == files.sha256(payload)
        if not whole or head["study_hash"] != study.hash:
            return
        origin = {int(seed): entry for seed, entry in head["seeds"].items()}
        write(study, _numbered(payload, study), origin, folder)
        for path in (csv, note):
            path.unlink()


def _numbered(payload: bytes, study: Study) -> pd.DataFrame:
    """The rows with the number of their run in place of what told it apart."""
    text = dict.fromkeys(("study", "layer", "value"), str)
    table = pd.read_csv(io.BytesIO(payload), dtype=text, keep_default_na=False)
    numbers = {
        (run.name, run.onset, run.removal): number
        for number, run in enumerate(study.runs)
    }
    told = zip(table.deficit, table.onset, table.removal, strict=True)
    table["run"] = [numbers[run] for run in told]
    return table

"""Results of the first edition, a CSV and a JSON file each, converted when read."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from .._base import files
from ..studies import Study


def convert(study: Study, folder: Path, write: Callable[..., Path]) -> None:
    """Turn the two files of `study`, if they are there and intact, into one.

    They are left alone if they hold another definition, or the folder is read-only.
    """
    csv = folder / f"{study.name}-{study.scale}.csv"
    note = csv.with_suffix(".json")
    if not (csv.exists() and note.exists()):
        return
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        head = json.loads(note.read_bytes())
        rows = csv.read_bytes().replace(b"\r\n", b"\n")  # from Git on Windows
        intact = head["table_sha256"] == files.sha256(rows)
        if not intact or head["study_hash"] != study.hash:
            return
        text = dict.fromkeys(("study", "layer", "value"), str)
        table = pd.read_csv(io.BytesIO(rows), dtype=text, keep_default_na=False)
        numbers = {(r.name, r.onset, r.removal): n for n, r in enumerate(study.runs)}
        runs = zip(table.deficit, table.onset, table.removal, strict=True)
        table["run"] = [numbers[run] for run in runs]
        origin = {int(seed): entry for seed, entry in head["seeds"].items()}
        write(study, table, origin, folder)
        csv.unlink()
        note.unlink()

"""Where numbers come from: code, machine, data, time."""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

from . import __version__
from .training import NUMERICS

__all__ = ["UNKNOWN", "code_version", "describe", "summarise"]

UNKNOWN = "not recorded"

# the modules on which a run's numbers depend
SOURCES = (
    "augmentation", "data", "deficits", "fisher", "gratings", "information", "models",
    "persample", "randomness", "training",
)  # fmt: skip


@functools.cache
def code_version() -> str:
    """Version of cplib, of its numerics, and a hash of the sources behind these.

    The hash is of the syntax, so that comments, docstrings and layout do not count.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for name in SOURCES:
        tree = ast.parse((here / f"{name}.py").read_text(encoding="utf-8"))
        digest.update(ast.dump(_without_docstrings(tree)).encode())
    return f"{__version__} (numerics {NUMERICS}, source {digest.hexdigest()[:10]})"


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                del body[0]
    return tree


def summarise(notes: Iterable[dict[str, str]]) -> dict:
    """One seed's provenance from its segments' notes (repeats are counted once)."""
    segments = list({note["key"]: note for note in notes}.values())

    def all_of(name: str) -> str:
        return ", ".join(sorted({note.get(name, UNKNOWN) for note in segments}))

    return {
        "code": all_of("code"),
        "torch": all_of("torch"),
        "device": all_of("device"),
        "instructions": all_of("instructions"),
        "threads": all_of("threads"),
        "data_sha256": all_of("data"),
        "date": max(note["date"] for note in segments),
        "seconds": round(sum(float(note["seconds"]) for note in segments), 1),
        "epochs_trained": sum(int(note["epochs"]) for note in segments),
    }


def describe(provenance: dict[int, dict]) -> str:
    """A phrase for captions: device, date, time per seed."""
    entries = list(provenance.values())
    devices = ", ".join(sorted({entry["device"] for entry in entries}))
    minutes = sum(entry["seconds"] for entry in entries) / len(entries) / 60
    days = sorted({entry["date"][:10] for entry in entries})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{devices}, {span}, {minutes:.1f} core-minutes a seed"

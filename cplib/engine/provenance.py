"""The origin of numbers: code, machine, data, time."""

import functools
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .. import __version__
from ..training import NUMERICS

UNKNOWN = "not recorded"


@functools.cache
def code_version() -> str:
    """The version of cplib and of its numerics, and the commit of a checkout."""
    here = Path(__file__).parents[1]
    return f"{__version__} (numerics {NUMERICS}, {commit(here)})"


def commit(folder: Path) -> str:
    """The commit checked out at `folder`, and whether tracked files were edited."""
    try:
        _git(folder, "ls-files", "--error-unmatch", ".")
        found = _git(folder, "rev-parse", "--short=10", "HEAD")
        edited = _git(folder, "status", "--porcelain", "--untracked-files=no", ".")
    except (OSError, subprocess.CalledProcessError):
        return "no commit (not a git checkout)"
    return f"commit {found}" + (", with edits" if edited else "")


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def summarise(notes: Iterable[dict[str, str]]) -> dict:
    """The provenance of one seed from its segments' notes, each counted once."""
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

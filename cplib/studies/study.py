"""Runs, and studies that compare them.

A `Study` is a set of runs that share one `Setup`. It says nothing about seeds, devices
or workers: these are chosen when it is run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from .._base.plain import settle, whole
from ..deficits import Deficit
from ..errors import InputError
from ..training import METRICS, NUMERICS, Setup

__all__ = ["Run", "Study", "windows"]


@dataclass(frozen=True)
class Run:
    """One training run, but for its seed.

    Attributes:
        deficit: what is wrong with the data, or None.
        onset, removal: the deficit lasts for epochs onset <= e < removal.
        epochs: length of the whole run.
    """

    deficit: Deficit | None
    onset: int
    removal: int
    epochs: int

    def __post_init__(self):
        settle(self, "onset removal epochs", whole, 0)
        if self.onset > self.removal:
            raise InputError(
                f"The deficit ends (removal={self.removal}) before it begins "
                f"(onset={self.onset}): choose onset <= removal."
            )
        if self.removal > self.epochs:
            raise InputError(
                f"The deficit ends (removal={self.removal}) after the run does "
                f"(epochs={self.epochs}): choose removal <= epochs."
            )

    @property
    def kind(self) -> str:
        """Short name of the deficit; 'none' for a clean run."""
        return self.deficit.kind if self.deficit else "none"

    def history(self, epoch: int) -> tuple[tuple[Deficit, int, int], ...]:
        """The deficits that a network has lived through after `epoch` epochs.

        Runs with equal histories are in the same state then.
        """
        end = min(self.removal, epoch)
        if self.deficit is None or self.onset >= end:
            return ()
        return ((self.deficit, self.onset, end),)

    def spec(self) -> dict:
        """The run as plain values."""
        return {
            "deficit": self.deficit.spec() if self.deficit else None,
            "onset": self.onset,
            "removal": self.removal,
            "epochs": self.epochs,
        }


@dataclass(frozen=True)
class Study:
    """Runs to compare, all with one setup.

    Attributes:
        name: the paper's panel ('1TL') or a name of ours ('demo').
        scale: one of `studies.SCALES`.
        title: one line for people.
        setup: data, network, schedule.
        runs: the runs; the clean one is first and as long as the longest.
        clean_epochs: epochs that follow the removal in each run with a deficit.
        metrics: which of `training.METRICS` are kept.
    """

    name: str
    scale: str
    title: str
    setup: Setup
    runs: tuple[Run, ...]
    clean_epochs: int
    metrics: tuple[str, ...] = METRICS

    def __post_init__(self):
        for part in ("name", "scale"):  # results are stored under them
            value = getattr(self, part)
            if not re.fullmatch(r"\w[\w .+-]*", str(value)):
                raise InputError(
                    f"Study {part} {value!r} cannot be a file's name: use letters, "
                    "digits, '-', '_' and '.', for example 'my-noise'."
                )
        settle(self, "clean_epochs", whole, 0)

    def spec(self) -> dict:
        """All that determines the study's numbers, as plain values."""
        return {
            "name": self.name,
            "scale": self.scale,
            "numerics": NUMERICS,
            "setup": self.setup.spec(),
            "runs": [run.spec() for run in self.runs],
            "clean_epochs": self.clean_epochs,
        }

    @property
    def hash(self) -> str:
        """SHA-256 of `spec`, 16 hexadecimal digits."""
        text = json.dumps(self.spec(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def windows(
    name: str,
    scale: str,
    title: str,
    setup: Setup,
    spans: Iterable[tuple[Deficit, int, int]],
    clean_epochs: int,
) -> Study:
    """A study of deficits over `spans` (deficit, onset, removal) and a clean run.

    The clean run is as long as the longest, so that it also serves as the control of
    equal length for every run.
    """
    clean = whole("clean_epochs", clean_epochs, 0)
    spans = [(d, a, whole("removal", b, 0)) for d, a, b in spans]
    runs = [Run(d, a, b, b + clean) for d, a, b in dict.fromkeys(spans)]
    longest = max((run.epochs for run in runs), default=clean)
    runs.insert(0, Run(None, 0, 0, longest))
    return Study(name, scale, title, setup, tuple(runs), clean)

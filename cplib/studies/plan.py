"""Merge the runs of a study into a tree of segments, so that shared epochs train once.

The state of a network after epoch e is a function of (setup, seed, deficits so far), so
runs that agree up to e share one state there. The tree is cut into segments where runs
part, where they end, and at every `checkpoint_every`-th epoch, so that a killed sweep
loses little.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from .._base import plain
from .._base.device import precision
from ..training import NUMERICS, Setup
from .runs import Run, Window

CHECKPOINT_EVERY = 20


@dataclass(frozen=True)
class Segment:
    """Training from the state `parent` (None: untrained) to the state `key`.

    It trains the epochs begin <= e < epoch of `run`, which is any of the runs that pass
    through here; up to `epoch` they agree. For keys see `state_key`.
    """

    key: str
    parent: str | None
    setup: Setup
    seed: int
    run: Run
    begin: int
    epoch: int

    @property
    def epochs(self) -> int:
        """Epochs trained by this segment."""
        return self.epoch - self.begin


@dataclass(frozen=True)
class Plan:
    """All segments by key, parents before children, and each run's last key."""

    segments: dict[str, Segment]
    ends: dict[tuple[int, Run], str]

    @property
    def epochs(self) -> int:
        """Epochs that the tree trains."""
        return sum(segment.epochs for segment in self.segments.values())

    @property
    def epochs_from_scratch(self) -> int:
        """Epochs of all runs together if none were shared."""
        return sum(run.epochs for _, run in self.ends)

    def lineage(self, key: str) -> list[Segment]:
        """The segments from the untrained network to the state `key`."""
        segment = self.segments[key]
        before = self.lineage(segment.parent) if segment.parent else []
        return [*before, segment]


def make_plan(
    setup: Setup,
    runs: Iterable[Run],
    seeds: int | str | Iterable[int],
    device: str = "cpu",
    checkpoint_every: int = CHECKPOINT_EVERY,
) -> Plan:
    """Merge `runs` of `setup` into a tree, one for each of `seeds`."""
    runs = list(dict.fromkeys(runs))
    every = plain.whole("checkpoint_every", checkpoint_every, 1)
    cuts = {run: _cuts(run, runs, every) for run in runs}
    segments: dict[str, Segment] = {}
    ends = {}
    for seed in plain.seeds(seeds):
        for run in runs:
            parent, begin = None, 0
            for epoch in cuts[run]:
                key = state_key(setup, seed, run.history(epoch), epoch, device)
                if key not in segments:
                    segments[key] = Segment(key, parent, setup, seed, run, begin, epoch)
                parent, begin = key, epoch
            ends[seed, run] = parent
    return Plan(segments, ends)


def _cuts(run: Run, runs: list[Run], every: int) -> list[int]:
    """Epochs at which `run` is cut into segments, the last one its end."""
    cuts = {run.epochs, *range(every, run.epochs, every)}
    cuts |= {shared_epochs(run, other) for other in runs if other != run}
    return sorted(cut for cut in cuts if 0 < cut <= run.epochs) or [0]


def shared_epochs(one: Run, other: Run) -> int:
    """The last epoch up to which two runs are in the same state."""
    epochs = range(min(one.epochs, other.epochs), -1, -1)
    return next(e for e in epochs if one.history(e) == other.history(e))


def state_key(
    setup: Setup, seed: int, history: tuple[Window, ...], epoch: int, device: str
) -> str:
    """Name of a state: a hash of everything that its bits depend on.

    Equal states have equal names, in all studies.
    """
    parts = {
        "numerics": NUMERICS,
        "setup": setup.spec(),
        "seed": seed,
        "history": [[d.spec(), onset, removal] for d, onset, removal in history],
        "epoch": epoch,
        "torch": torch.__version__,
        "device": torch.device(device).type,
        "precision": precision(device),
    }
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]

"""Train a plan's segments from checkpoints, on any executor, and read off the logs.

Every finished segment is a file in the cache folder, named by the key of its state. So
a sweep that is killed goes on from the last finished segment, and studies that share
runs share the work.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import data, training
from .._base import files, plain
from .._base.device import resolve
from ..errors import InputError
from ..studies import Run
from ..studies.plan import Plan, Segment, make_plan
from ..training import Setup
from . import workers
from .scheduler import Job
from .segment import locked, read_state

__all__ = ["Trained", "check_seeds", "pending", "run"]


@dataclass(frozen=True)
class Trained:
    """The outcome of one run.

    Attributes:
        log: array (epochs + 1, 5); see `training.State.log`. All NaN from the first
            epoch on that gave a number which is not finite.
        information, endings: see `training.State`, NaN likewise; None where they were
            not measured.
        notes: how each segment came to be (device, torch, seconds, date ...).
    """

    log: np.ndarray
    information: np.ndarray | None
    endings: np.ndarray | None
    notes: list[dict[str, str]]


def run(
    setup: Setup,
    runs: Iterable[Run],
    seeds: Iterable[int],
    *,
    device: str = "auto",
    executor: Executor | None = None,
    max_workers: int | None = None,
    progress: bool = True,
    cache: Path | None = None,
) -> dict[tuple[int, Run], Trained]:
    """Train `runs` of `setup` for each of `seeds`, reusing all that is cached.

    Args:
        setup, runs, seeds: what to train.
        device: "auto", or as torch names it.
        executor: any `concurrent.futures.Executor`, whose workers must see the cache
            folder; default: see `workers.pool`.
        max_workers: number of processes of the default executor.
        progress: show a bar over epochs, and an estimate before it, on stderr.
        cache: folder of the checkpoints; default: `storage.cache_folder()`.

    Returns:
        The outcome of each (seed, run).

    Raises:
        InputError, DataError, StorageError: see the modules these come from.
        CplibError: when a worker died, with the likely cause.
    """
    device = resolve(device)
    seeds = check_seeds(seeds)
    max_workers = workers.check(max_workers)
    plan = make_plan(setup, runs, seeds, device)
    folder = Path(cache or files.cache_folder()) / "states"
    for _ in range(3):  # again only if a checkpoint is found damaged on the way
        todo = pending(plan, folder)
        if todo:
            data.load_raw(setup.data)
            files.sweep(folder)
        try:
            if todo:
                job = Job(plan, todo, folder, device, progress)
                job.execute(executor, max_workers)
            return _read_all(plan, folder)
        except (FileNotFoundError, files.Damaged):
            continue  # `pending` sees what is missing, and sets aside what is damaged
    raise files.StorageError(
        f"Checkpoints in {folder} keep disappearing or changing while they are used: "
        "stop what else writes there, or name another folder in CPLIB_CACHE."
    )


def check_seeds(seeds: Iterable[int]) -> list[int]:
    """`seeds` as a list without repeats; `InputError` unless all are 0 or more."""
    try:
        listed = list(seeds)
    except TypeError:
        raise InputError(f"seeds={seeds!r}: list them, for example [0, 1].") from None
    seeds = list(dict.fromkeys(map(plain.seed, listed)))
    if not seeds:
        raise InputError("No seeds were given: name at least one, for example 0.")
    return seeds


def pending(plan: Plan, folder: Path) -> dict[str, Segment]:
    """Segments still to be trained; damaged files among the others are set aside.

    A segment is needed when its state is not stored and a run ends there or a needed
    segment starts there. The log travels with the state, so nothing earlier is.
    """
    needed: dict[str, Segment] = {}
    queue = list(dict.fromkeys(plan.ends.values()))
    while queue:
        key = queue.pop()
        if key in needed or _stored(folder, key):
            continue
        needed[key] = plan.segments[key]
        if needed[key].parent is not None:
            queue.append(needed[key].parent)
    return {key: s for key, s in plan.segments.items() if key in needed}


def _stored(folder: Path, key: str) -> bool:
    try:
        read_state(folder, key)
    except FileNotFoundError:
        return False
    except files.Damaged:
        return _repaired(folder, key)
    return True


def _repaired(folder: Path, key: str) -> bool:
    """Set a damaged state aside, unless another process is at it or has replaced it."""
    with locked(folder, key) as ours:
        if not ours:
            return False
        try:
            read_state(folder, key)
        except FileNotFoundError:
            return False
        except files.Damaged as error:
            files.set_aside(error.path, error.why)
            return False
        return True


def _finite(*tables: np.ndarray | None) -> list[np.ndarray | None]:
    """The tables, NaN from the first epoch on with a number that is not finite.

    A network of NaNs names one class always, and so has an accuracy like any other.
    """
    copies = [None if table is None else table.copy() for table in tables]
    held = [table for table in copies if table is not None]
    broken = [t[(t[:, 0] > 0) & ~np.isfinite(t).all(1), 0] for t in held]
    first = np.concatenate(broken).min(initial=np.inf)
    for table in held:
        table[table[:, 0] >= first, 1:] = np.nan
    return copies


def _read_all(plan: Plan, folder: Path) -> dict[tuple[int, Run], Trained]:
    """The outcome of each run; every file is read once."""
    tables, notes = {}, {}
    for key in plan.ends.values():
        payload = read_state(folder, key)
        tables[key] = _finite(*training.tables_of(payload))
        notes[key] = training.notes_of(payload)
    for key in plan.segments.keys() - notes.keys():
        with contextlib.suppress(FileNotFoundError, files.Damaged):
            notes[key] = training.notes_of(read_state(folder, key))
    lineages = {key: plan.lineage(key) for key in tables}
    return {
        end: Trained(
            *tables[key], [notes[s.key] for s in lineages[key] if s.key in notes]
        )
        for end, key in plan.ends.items()
    }

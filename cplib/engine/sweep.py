"""Train runs from checkpoints, on any executor, and read their logs.

Every finished segment is a file in the cache folder, named by the key of its state. A
killed sweep therefore continues from the last finished segments, and studies that share
runs share the work.
"""

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import data, training
from .._base import files, plain
from .._base.device import resolve
from ..studies import Run
from ..studies.plan import Plan, Segment, make_plan
from ..training import Setup
from .scheduler import execute
from .segment import read_state


@dataclass(frozen=True)
class Trained:
    """The outcome of one run: tables of `training.State`, and provenance by segment.

    Tables are NaN from the first epoch on in which a number is not finite, and None if
    nothing was measured.
    """

    log: np.ndarray
    information: np.ndarray | None
    endings: np.ndarray | None
    notes: list[dict[str, str]]


def run(
    setup: Setup,
    runs: Iterable[Run],
    seeds: int | str | Iterable[int],
    *,
    device: str = "auto",
    executor: Executor | None = None,
    workers: int | None = None,
    progress: bool = True,
    cache: Path | None = None,
) -> dict[tuple[int, Run], Trained]:
    """Train `runs` of `setup` for each of `seeds`, reusing all checkpoints.

    Args:
        setup, runs: what to train.
        seeds: how many, or a list.
        device: "auto", "cpu", "cuda" or "mps".
        executor: any `concurrent.futures.Executor` whose workers see the cache folder;
            default: see `workers.pool`.
        workers: number of processes of the default executor.
        progress: show an estimate of the time, and a bar over epochs, on stderr.
        cache: folder of the checkpoints; default: `files.cache_folder()`.

    Returns:
        The outcome of each (seed, run).

    Raises:
        CplibError: a worker was killed; the message says what to do.
    """
    device = resolve(device)
    if workers is not None:
        workers = plain.whole("workers", workers, 1)
    plan = make_plan(setup, runs, plain.seeds(seeds), device)
    folder = Path(cache or files.cache_folder()) / "states"
    words = f"Another sweep is training in {folder.parent}: waiting until it ends."
    for _ in range(3):  # again only if checkpoints are damaged while they are used
        try:
            if pending(plan, folder):
                data.load_raw(setup.data)
                with files.hold(folder / ".lock", words):
                    if todo := pending(plan, folder, repair=True):
                        execute(todo, folder, device, executor, workers, progress)
            return _read_all(plan, folder)
        except (FileNotFoundError, files.Damaged):
            continue
    raise files.StorageError(
        f"Checkpoints in {folder} keep disappearing or changing while they are used: "
        "stop the program that writes there, or name another folder in CPLIB_CACHE."
    )


def pending(plan: Plan, folder: Path, repair: bool = False) -> dict[str, Segment]:
    """Segments still to be trained, parents before children.

    A segment is needed when its state is not stored and a run ends there or a needed
    segment starts there. The log travels with the state, so nothing earlier is needed.
    The sweep that trains in the folder sets `repair`: damaged files are quarantined and
    temporary files of killed writers are removed.
    """
    if repair:
        files.remove_leftovers(folder)
    needed = set()
    for end in dict.fromkeys(plan.ends.values()):
        for segment in reversed(plan.lineage(end)):
            if segment.key in needed or _stored(folder, segment.key, repair):
                break
            needed.add(segment.key)
    return {key: s for key, s in plan.segments.items() if key in needed}


def _stored(folder: Path, key: str, repair: bool) -> bool:
    try:
        read_state(folder, key)
    except FileNotFoundError:
        return False
    except files.Damaged as error:
        if repair:
            files.quarantine(error)
        return False
    return True


def _finite(*tables: np.ndarray | None) -> list[np.ndarray | None]:
    """The tables, NaN from the first epoch on in which a number is not finite.

    A network of NaNs always answers the same class, so it has an accuracy too.
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
    for key in plan.segments:
        try:
            payload = read_state(folder, key)
        except (FileNotFoundError, files.Damaged):
            if key in plan.ends.values():
                raise
            continue
        tables[key] = training.tables_of(payload)
        notes[key] = training.notes_of(payload)
    trained = {}
    for end, key in plan.ends.items():
        lived = [notes[s.key] for s in plan.lineage(key) if s.key in notes]
        trained[end] = Trained(*_finite(*tables[key]), lived)
    return trained

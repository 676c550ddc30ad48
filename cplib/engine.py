"""Train a plan's segments from checkpoints, on any executor, and read off the logs.

Every finished segment is a file in the cache folder, named by the key of its state. So
a sweep that is killed goes on from the last finished segment, and studies that share
runs share the work.
"""

from __future__ import annotations

import contextlib
import datetime
import platform
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from . import data, storage, training, workers
from .device import deterministic, resolve
from .errors import CplibError, InputError
from .plan import Plan, Segment, make_plan
from .studies import Run
from .training import Setup

__all__ = ["Trained", "pending", "run"]

INLINE_SECONDS = 8.0  # less work than this is not worth starting workers for
_listener: Callable[[], None] | None = None  # hears of epochs trained in this process


@dataclass(frozen=True)
class Trained:
    """The outcome of one run.

    Attributes:
        log: array (epochs + 1, 5); see `training.State.log`.
        notes: how each segment came to be (device, torch, seconds, date ...).
    """

    log: np.ndarray
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
    plan = make_plan(setup, runs, seeds, device)
    folder = Path(cache or storage.cache_folder()) / "states"
    for _ in range(3):  # again only if a checkpoint is found damaged on the way
        todo = pending(plan, folder)
        if todo:
            data.ensure(setup.data)
            job = _Job(plan, todo, folder, device, progress)
            job.execute(executor, max_workers)
        try:
            return {end: _read(plan, key, folder) for end, key in plan.ends.items()}
        except (FileNotFoundError, storage.Damaged):
            continue
    raise storage.StorageError(
        f"Checkpoints in {folder} keep disappearing or changing while they are used: "
        "stop what else writes there, or name another folder in CPLIB_CACHE."
    )


def check_seeds(seeds: Iterable[int]) -> list[int]:
    """`seeds` as a list without repeats; `InputError` unless all are 0 or more."""
    seeds = list(dict.fromkeys(seeds))
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InputError(f"Seed {seed!r} must be a whole number, 0 or more.")
    if not seeds:
        raise InputError("No seeds were given: name at least one, for example 0.")
    return seeds


def state_path(folder: Path, key: str) -> Path:
    """File of the state `key`."""
    return folder / key[:2] / f"{key}.state"


def pending(plan: Plan, folder: Path) -> dict[str, Segment]:
    """Segments still to be trained; damaged files among the others are set aside.

    A segment is needed when its state is not stored and a run ends there or a needed
    segment starts there. The log travels with the state, so nothing earlier is.
    """
    needed: dict[str, Segment] = {}
    queue = list(dict.fromkeys(plan.ends.values()))
    while queue:
        key = queue.pop()
        if key in needed or _valid(state_path(folder, key)):
            continue
        needed[key] = plan.segments[key]
        if needed[key].parent is not None:
            queue.append(needed[key].parent)
    return {key: s for key, s in plan.segments.items() if key in needed}


def _valid(path: Path) -> bool:
    try:
        storage.read_checked(path)
    except FileNotFoundError:
        return False
    except storage.Damaged as error:
        storage.set_aside(path, error.why)
        return False
    return True


def _read(plan: Plan, key: str, folder: Path) -> Trained:
    payload = storage.read_checked(state_path(folder, key))
    notes = []
    for segment in plan.lineage(key):
        with contextlib.suppress(FileNotFoundError, storage.Damaged):
            kept = storage.read_checked(state_path(folder, segment.key))
            notes.append(training.notes_of(kept))
    return Trained(training.log_of(payload), notes)


def train_segment(segment: Segment, folder: Path, device: str) -> None:
    """Train one segment from its parent's file to its own file (runs in a worker)."""
    began = time.perf_counter()
    path = state_path(folder, segment.key)
    signal = path.with_suffix(".progress")
    dataset = data.prepare(segment.setup.data, device)
    arguments = segment.setup, segment.seed, dataset

    def report(epoch: int) -> None:
        if _listener is not None:
            _listener()
        with contextlib.suppress(OSError):  # only the bar depends on it
            signal.write_text(str(epoch - segment.begin))

    with deterministic(device):
        if segment.parent is None:
            state = training.start(*arguments)
        else:
            payload = storage.read_checked(state_path(folder, segment.parent))
            state = training.restore(payload, *arguments)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        training.train(state, *arguments, segment.phases(), report)
    seconds = time.perf_counter() - began
    notes = _notes(segment, device, seconds, dataset.fingerprint)
    storage.write_checked(path, state.to_bytes(**notes))
    signal.unlink(missing_ok=True)


def _notes(segment: Segment, device: str, seconds: float, data_hash: str) -> dict:
    on_gpu = torch.device(device).type == "cuda"
    return {
        "key": segment.key,
        "epochs": str(segment.epochs),
        "seconds": f"{seconds:.2f}",
        "device": torch.cuda.get_device_name() if on_gpu else _cpu_name(),
        "threads": "1",
        "torch": torch.__version__,
        "data": data_hash,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _cpu_name() -> str:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("model name"))
        return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


class _Job:
    """The segments still to train, handed out as their parents finish."""

    def __init__(
        self,
        plan: Plan,
        todo: dict[str, Segment],
        folder: Path,
        device: str,
        progress: bool,
    ):
        self.todo, self.folder, self.device = todo, folder, device
        self.children: dict[str | None, list[str]] = {}
        for key, segment in todo.items():
            parent = segment.parent if segment.parent in todo else None
            self.children.setdefault(parent, []).append(key)
        self.ahead: dict[str, int] = {}  # epochs on the longest way from here to an end
        for key in reversed(todo):
            ways = (self.ahead[child] for child in self.children.get(key, ()))
            self.ahead[key] = todo[key].epochs + max(ways, default=0)
        self.epochs = sum(segment.epochs for segment in todo.values())
        self.done = 0
        self.bar = tqdm(
            total=self.epochs,
            unit="epoch",
            desc="training",
            disable=not progress,
            dynamic_ncols=True,
            leave=False,
        )

    def execute(self, executor: Executor | None, max_workers: int | None) -> None:
        """Train all, in an order that keeps the workers busy to the end."""
        global _listener
        tips = sum(key not in self.children for key in self.todo)
        ours = executor is None
        if ours:
            seconds = estimate(next(iter(self.todo.values())), self.device)
            quick = seconds * self.epochs < INLINE_SECONDS and max_workers is None
            count = 1 if quick else max_workers
            executor, count = workers.pool(count, self.device, tips)
            self._announce(seconds, count)
        _listener = self._heard if isinstance(executor, workers.InProcess) else None
        running: dict[Future, str] = {}
        try:
            self._submit(executor, self.children.get(None, []), running)
            while running:
                finished, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in finished:
                    key = running.pop(future)
                    self._settle(future)
                    self.done += self.todo[key].epochs
                    self._submit(executor, self.children.get(key, []), running)
                self._show(running.values())
        except BaseException:
            for future in running:
                future.cancel()
            if ours:
                workers.stop(executor)
            raise
        finally:
            _listener = None
            self.bar.close()

    def _submit(
        self, executor: Executor, keys: list[str], running: dict[Future, str]
    ) -> None:
        for key in sorted(keys, key=self.ahead.__getitem__, reverse=True):
            arguments = self.todo[key], self.folder, self.device
            running[executor.submit(train_segment, *arguments)] = key

    def _settle(self, future: Future) -> None:
        try:
            future.result()
        except storage.Damaged as error:
            storage.set_aside(error.path, error.why)
            raise CplibError(
                f"{error} It was set aside: run again, and only what depends on it "
                "is trained again."
            ) from error
        except BrokenProcessPool as error:
            raise CplibError(
                "A worker process was killed, most likely because memory ran out: run "
                "again with fewer workers (max_workers=1, or --workers 1); finished "
                "segments are kept."
            ) from error

    def _announce(self, seconds: float, count: int) -> None:
        if not self.bar.disable:
            minutes = seconds * self.epochs / count / 60
            time_left = (
                f"{minutes:.0f} min" if minutes >= 1.5 else f"{minutes * 60:.0f} s"
            )
            self.bar.write(
                f"{self.epochs} epochs to train in {len(self.todo)} segments, "
                f"{count} at a time: about {time_left}.",
                file=self.bar.fp,
            )

    def _heard(self) -> None:
        self.bar.update(1)

    def _show(self, keys: Iterable[str]) -> None:
        if _listener is not None:
            return
        current = self.done
        for key in keys:
            signal = state_path(self.folder, key).with_suffix(".progress")
            with contextlib.suppress(OSError, ValueError):
                current += int(signal.read_text())
        self.bar.update(max(0, min(current, self.epochs) - self.bar.n))


def estimate(segment: Segment, device: str, steps: int = 3) -> float:
    """Seconds that an epoch of `segment` takes, measured over a few steps."""
    setup = segment.setup
    dataset = data.prepare(setup.data, device)
    batch = min(setup.schedule.batch, len(dataset.train_images))
    small = data.Dataset(
        **{
            **vars(dataset),
            "train_images": dataset.train_images[: steps * batch],
            "train_labels": dataset.train_labels[: steps * batch],
            "test_images": dataset.test_images[:batch],
            "test_labels": dataset.test_labels[:batch],
        }
    )
    with deterministic(device):
        state = training.start(setup, 0, small)
        training.train(state, setup, 0, small, [(None, 1)])  # warm-up
        began = time.perf_counter()
        training.train(state, setup, 0, small, [(None, 2)])
        seconds = time.perf_counter() - began
    return seconds * len(dataset.train_images) / len(small.train_images)

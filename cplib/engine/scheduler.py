"""Hand a plan's segments to an executor as their parents finish, and show a bar."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path

from tqdm import tqdm

from .. import data, training
from .._base import console
from .._base.device import deterministic
from ..errors import CplibError
from ..studies.plan import Plan, Segment
from . import segment as segments
from . import shortage, workers

__all__ = ["Job", "estimate"]

INLINE_SECONDS = 8.0  # less work than this is not worth starting workers for
MAYBE = "perhaps for lack of memory"
PAUSE = 0.5  # seconds until we ask again for a segment that another process trains


class Job:
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
        self.progress = progress
        self.watch = shortage.Watch()

    def execute(self, executor: Executor | None, max_workers: int | None) -> None:
        """Train all, in an order that keeps the workers busy to the end."""
        with console.present():
            self._execute(executor, max_workers)

    def _execute(self, executor: Executor | None, max_workers: int | None) -> None:
        self.ours = executor is None
        if self.ours:
            executor = self._own_executor(max_workers)
        try:
            with self._bar() as self.bar:
                self._train(executor)
        except BaseException:
            if self.ours:
                workers.stop(executor)
            raise

    def _own_executor(self, max_workers: int | None) -> Executor:
        quick = False
        if self.progress or max_workers is None:
            seconds = estimate(next(iter(self.todo.values())), self.device)
            quick = seconds * self.epochs < INLINE_SECONDS and max_workers is None
        tips = sum(key not in self.children for key in self.todo)
        executor, count = workers.pool(1 if quick else max_workers, self.device, tips)
        if self.progress:
            self._announce(seconds, count)
        return executor

    def _bar(self) -> tqdm:
        return console.bar(
            hidden=not self.progress,
            total=self.epochs,
            unit="epoch",
            desc="training",
            dynamic_ncols=True,
            leave=False,
        )

    def _train(self, executor: Executor) -> None:
        in_process = isinstance(executor, workers.InProcess)
        segments.listener = self._heard if in_process else None
        self.ready = list(self.children.get(None, []))
        self.running: dict[Future, str] = {}
        self.waiting: dict[str, float] = {}  # trained elsewhere; when to ask again
        try:
            while self.ready or self.running or self.waiting:
                self._hand_out(executor, 1 if in_process else len(self.todo))
                self._collect()
                self._show([*self.running.values(), *self.waiting])
            self.bar.refresh()
        except BaseException:
            if not self.ours:  # our own pool is stopped whole
                for future in self.running:
                    future.cancel()
            raise
        finally:
            segments.listener = None

    def _hand_out(self, executor: Executor, at_once: int) -> None:
        now = time.monotonic()
        for key in [key for key, when in self.waiting.items() if when <= now]:
            del self.waiting[key]
            self.ready.append(key)
        self.ready.sort(key=self.ahead.__getitem__)  # the longest way comes last
        while self.ready and len(self.running) < at_once:
            key = self.ready.pop()
            arguments = self.todo[key], self.folder, self.device
            future = workers.submit(executor, segments.train_segment, *arguments)
            self.running[future] = key

    def _collect(self) -> None:
        words = "training" if self.running else "waiting for another process"
        self.bar.set_description(words, refresh=False)
        if not self.running:
            time.sleep(PAUSE / 5)
        finished, _ = wait(self.running, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in finished:
            key = self.running.pop(future)
            if self._outcome(future) == segments.BUSY:
                self.waiting[key] = time.monotonic() + PAUSE
                continue
            self.done += self.todo[key].epochs
            self.ready += self.children.get(key, [])

    def _outcome(self, future: Future) -> str:
        try:
            return future.result()
        except Exception as error:
            if not workers.lost(error):
                raise
            raise CplibError(
                f"A worker process was killed{self._why(error)}: run again with fewer "
                "workers (max_workers=1, or --workers 1); finished segments are kept."
            ) from error

    def _why(self, error: Exception) -> str:
        """What is known of a worker's end: exit code, and whether memory ran out."""
        found = re.search(r"\{(.+)\}", str(error))  # loky's words
        code = f" ({found[1]})" if found else ""
        short = self.watch.short()
        if short:
            return f"{code} because memory ran out"
        known = short is False and self.ours  # others may have theirs elsewhere
        return f"{code}, {'though memory was not short' if known else MAYBE}"

    def _announce(self, seconds: float, count: int) -> None:
        left = seconds * self.epochs / count
        words = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
        console.say(
            f"{self.epochs} epochs to train in {len(self.todo)} segments, {count} at a "
            f"time: about {words}."
        )

    def _heard(self) -> None:
        self.bar.update(1)

    def _show(self, keys: Iterable[str]) -> None:
        if segments.listener is not None:
            return
        current = self.done
        for key in keys:
            signal = segments.state_path(self.folder, key).with_suffix(".progress")
            with contextlib.suppress(OSError, ValueError):
                current += int(signal.read_text())
        self.bar.update(max(0, min(current, self.epochs) - self.bar.n))


def estimate(segment: Segment, device: str, steps: int = 3) -> float:
    """Seconds that an epoch of `segment` takes, measured over a few steps."""
    setup = segment.setup
    dataset = data.load(setup.data, device)
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
        training.advance(state, setup, 0, small, [(None, 1)])  # warm-up
        began = time.perf_counter()
        training.advance(state, setup, 0, small, [(None, 2)])
        seconds = time.perf_counter() - began
    return seconds * len(dataset.train_images) / len(small.train_images)

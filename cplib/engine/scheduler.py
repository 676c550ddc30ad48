"""Submit segments in dependency order, with a progress bar."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import replace
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

from tqdm import tqdm

from .. import data, training
from .._base import console
from .._base.device import deterministic
from ..errors import CplibError
from ..studies.plan import Segment
from . import machine, workers
from . import segment as segments

INLINE_SECONDS = 8.0  # less work than this is not worth starting workers for


def execute(
    todo: dict[str, Segment],
    folder: Path,
    device: str,
    executor: Executor | None = None,
    max_workers: int | None = None,
    progress: bool = True,
) -> None:
    """Train the segments `todo`, each after its parent; arguments as for `engine.run`.

    Raises:
        CplibError: a worker was killed; the message says why, as far as is known.
    """
    own, watch = executor is None, machine.Watch()
    with console.present():
        if executor is None:
            executor = _own_executor(todo, device, max_workers, progress)
        job = Job(todo, folder, device, executor)
        try:
            with _bar(todo, hidden=not progress) as bar:
                job.train(bar)
        except BaseException as error:
            job.stop(own)
            if workers.lost(error):
                raise _killed(error, watch.short(), own) from error
            raise


def _own_executor(
    todo: dict[str, Segment], device: str, max_workers: int | None, progress: bool
) -> Executor:
    """The default executor, announced with an estimate of the time it will take."""
    epochs = sum(segment.epochs for segment in todo.values())
    seconds = 0.0
    if progress or max_workers is None:
        seconds = epochs * estimate(next(iter(todo.values())), device)
    if max_workers is None and seconds < INLINE_SECONDS:
        max_workers = 1
    tips = todo.keys() - {segment.parent for segment in todo.values()}
    executor, count = workers.pool(max_workers, device, len(tips))
    if progress:
        left = seconds / count
        words = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
        console.say(
            f"{epochs} epochs to train in {len(todo)} segments, {count} at a time: "
            f"about {words}."
        )
    return executor


def _bar(todo: dict[str, Segment], hidden: bool) -> tqdm:
    total = sum(segment.epochs for segment in todo.values())
    look = {"unit": "epoch", "desc": "training", "dynamic_ncols": True, "leave": False}
    return console.bar(hidden=hidden, total=total, **look)


class Job:
    """The segments `todo` in training by `executor`; arguments as for `execute`."""

    def __init__(
        self, todo: dict[str, Segment], folder: Path, device: str, executor: Executor
    ):
        self.todo, self.executor = todo, executor
        self.arguments = folder, device
        self.counter = folder / ".epochs"
        self.running: dict[Future, str] = {}

    def train(self, bar: tqdm) -> None:
        """Train all; `bar` follows epoch by epoch, wherever they are trained."""
        here = isinstance(self.executor, workers.InProcess)
        self.counter.unlink(missing_ok=True)
        on_epoch = partial(count, self.counter)
        try:
            for _ in self._rounds((lambda _: bar.update()) if here else on_epoch):
                if not here and self.counter.exists():
                    bar.update(min(self.counter.stat().st_size, bar.total) - bar.n)
            bar.refresh()
        finally:
            self.counter.unlink(missing_ok=True)

    def _rounds(self, on_epoch: Callable[[int], object]) -> Iterator[None]:
        """Submit each segment after its parent, the longest way to an end first.

        Yields when segments finish, and at least twice a second.
        """
        ahead = _ahead(self.todo)
        parents = {key: {s.parent} & self.todo.keys() for key, s in self.todo.items()}
        order = TopologicalSorter(parents)
        order.prepare()
        while order.is_active():
            for key in sorted(order.get_ready(), key=ahead.get, reverse=True):
                arguments = self.todo[key], *self.arguments, on_epoch
                future = self.executor.submit(segments.train_segment, *arguments)
                self.running[future] = key
            done, _ = wait(self.running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
                order.done(self.running.pop(future))
            yield

    def stop(self, own: bool) -> None:
        """Cancel outstanding work; an executor of our `own` is shut down."""
        if own:
            workers.stop(self.executor)
        else:
            for future in self.running:
                future.cancel()


def count(counter: Path, epoch: int) -> None:
    """Add a byte to the file `counter`, in a worker; only the bar depends on it."""
    with contextlib.suppress(OSError), open(counter, "ab") as file:
        file.write(b".")


def _ahead(todo: dict[str, Segment]) -> dict[str, int]:
    """Epochs from the start of each segment to the farthest end that needs it."""
    ahead = dict.fromkeys(todo, 0)
    for key, segment in reversed(todo.items()):
        ahead[key] += segment.epochs
        if segment.parent in todo:
            ahead[segment.parent] = max(ahead[segment.parent], ahead[key])
    return ahead


def _killed(error: BaseException, short: bool | None, own: bool) -> CplibError:
    """The sentence for a worker that was killed."""
    found = re.search(r"\{(.+)\}", str(error))  # exit codes, in loky's words
    code = f" ({found[1]})" if found else ""
    why = ", perhaps for lack of memory"
    if short:
        why = " because memory ran out"
    elif short is False and own:  # others may have their workers elsewhere
        why = ", though memory was not short"
    return CplibError(
        f"A worker process was killed{code}{why}: run again with fewer workers "
        "(max_workers=1, or --workers 1); finished segments are kept."
    )


def estimate(segment: Segment, device: str, steps: int = 3) -> float:
    """Seconds that an epoch of `segment` takes, measured over a few steps."""
    setup = segment.setup
    dataset = data.load(setup.data, device)
    batch = min(setup.schedule.batch, len(dataset.train_images))
    few = replace(
        dataset,
        train_images=dataset.train_images[: steps * batch],
        train_labels=dataset.train_labels[: steps * batch],
        test_images=dataset.test_images[:batch],
        test_labels=dataset.test_labels[:batch],
    )
    with deterministic(device):
        state = training.start(setup, 0, few)
        training.advance(state, setup, 0, few, [(None, 1)])  # warm-up
        began = time.perf_counter()
        training.advance(state, setup, 0, few, [(None, 2)])
        seconds = time.perf_counter() - began
    return seconds * len(dataset.train_images) / len(few.train_images)

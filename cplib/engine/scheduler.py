"""Submit segments in dependency order, with a progress bar."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import replace
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

from .. import data, training
from .._base import console
from .._base.device import deterministic
from ..errors import CplibError
from ..studies.plan import Segment
from . import segment as segments
from . import workers

INLINE_SECONDS = 8.0  # for less work than this, no workers are started


def execute(
    todo: dict[str, Segment],
    folder: Path,
    device: str,
    executor: Executor | None,
    most: int | None,
    progress: bool,
) -> None:
    """Train the segments `todo`, each after its parent; arguments as for `engine.run`.

    `CplibError` if a worker was killed.
    """
    running: dict[Future, str] = {}
    with console.present():
        used = executor or _own_executor(todo, device, most, progress)
        try:
            _train(todo, folder, device, used, running, progress)
        except BaseException as error:
            if executor is None:
                workers.stop(used)  # loky fails if futures were cancelled before
            else:
                for future in running:
                    future.cancel()
            lost = isinstance(error, BrokenExecutor)
            if lost or type(error).__name__ == "KilledWorker":  # of Dask
                raise _killed(error) from error
            raise


def _own_executor(
    todo: dict[str, Segment], device: str, most: int | None, progress: bool
) -> Executor:
    """The default executor, announced with an estimate of the time it will take."""
    epochs, seconds = _epochs(todo), 0.0
    if progress or most is None:
        seconds = epochs * estimate(next(iter(todo.values())), device)
    if most is None and seconds < INLINE_SECONDS:
        most = 1
    tips = todo.keys() - {segment.parent for segment in todo.values()}
    executor, count = workers.pool(most, device, len(tips))
    if progress:
        left = seconds / count
        words = f"{left / 60:.0f} min" if left >= 90 else f"{left:.0f} s"
        console.say(
            f"{epochs} epochs to train in {len(todo)} segments, {count} at a time: "
            f"about {words}."
        )
    return executor


def _train(
    todo: dict[str, Segment],
    folder: Path,
    device: str,
    executor: Executor,
    running: dict[Future, str],
    progress: bool,
) -> None:
    """Train `todo`; a bar counts the epochs of all workers."""
    counter, here = folder / ".epochs", isinstance(executor, workers.InProcess)
    look = {"unit": "epoch", "desc": "training", "dynamic_ncols": True, "leave": False}

    def submit(segment: Segment) -> Future:
        on_epoch = (lambda _: bar.update()) if here else partial(count, counter)
        task = segments.train_segment, segment, folder, device, on_epoch
        return executor.submit(*task)

    counter.unlink(missing_ok=True)
    try:
        with console.bar(hidden=not progress, total=_epochs(todo), **look) as bar:
            for _ in _rounds(todo, submit, running):
                if not here and counter.exists():
                    bar.update(min(counter.stat().st_size, bar.total) - bar.n)
            bar.refresh()
    finally:
        counter.unlink(missing_ok=True)


def _rounds(
    todo: dict[str, Segment], submit: Callable[[Segment], Future], running: dict
) -> Iterator[None]:
    """Submit each segment after its parent, those with most epochs ahead first.

    Yields when segments finish, and at least twice a second.
    """
    ahead = _ahead(todo)
    order = TopologicalSorter({k: {s.parent} & todo.keys() for k, s in todo.items()})
    order.prepare()
    while order.is_active():
        for key in sorted(order.get_ready(), key=ahead.get, reverse=True):
            running[submit(todo[key])] = key
        done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
            order.done(running.pop(future))
        yield


def _ahead(todo: dict[str, Segment]) -> dict[str, int]:
    """Epochs from the start of each segment to the farthest end that needs it."""
    ahead = dict.fromkeys(todo, 0)
    for key, segment in reversed(todo.items()):
        ahead[key] += segment.epochs
        if segment.parent in todo:
            ahead[segment.parent] = max(ahead[segment.parent], ahead[key])
    return ahead


def _epochs(todo: dict[str, Segment]) -> int:
    return sum(segment.epochs for segment in todo.values())


def count(counter: Path, epoch: int) -> None:
    """Add a byte to the file `counter`, in a worker; only the bar depends on it."""
    with contextlib.suppress(OSError), open(counter, "ab") as file:
        file.write(b".")


def _killed(error: BaseException) -> CplibError:
    found = re.search(r"\{(.+)\}", str(error))  # exit codes, in loky's words
    code = f" ({found[1]})" if found else ""
    return CplibError(
        f"A worker process was killed{code}, perhaps for lack of memory: run again "
        "with fewer workers (workers=1, or --workers 1); finished segments are "
        "kept."
    )


def estimate(segment: Segment, device: str, steps: int = 3) -> float:
    """Seconds that an epoch of `segment` takes, measured over a few steps."""
    setup, all_ = segment.setup, data.load(segment.setup.data, device)
    batch = min(setup.schedule.batch, len(all_.train_images))
    n, m = slice(steps * batch), slice(batch)
    few = replace(
        all_, train_images=all_.train_images[n], train_labels=all_.train_labels[n],
        test_images=all_.test_images[m], test_labels=all_.test_labels[m],
    )  # fmt: skip
    with deterministic(device):
        state = training.start(setup, 0, few)
        training.advance(state, setup, 0, few, [(None, 1)])  # warm-up
        began = time.perf_counter()
        training.advance(state, setup, 0, few, [(None, 2)])
        seconds = time.perf_counter() - began
    return seconds * len(all_.train_images) / len(few.train_images)

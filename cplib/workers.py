"""Where segments are trained: in this process, or in a pool of processes."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from concurrent.futures import Executor, Future

import loky
import torch

from .errors import InputError

__all__ = ["InProcess", "check", "pool", "stop"]


class InProcess(Executor):
    """Runs each task at once, in this process and thread."""

    def submit(self, fn, /, *args, **kwargs) -> Future:
        """A future that is done already (its exception kept, as other executors do)."""
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def pool(workers: int | None, device: str, tasks: int) -> tuple[Executor, int]:
    """The default executor for `tasks` independent tasks, and its number of workers.

    On the CPU that is a pool of processes with one thread each, one per core: several
    such workers beat one multi-threaded run. It is loky's pool, which also works from
    a notebook and from a script without a `__main__` guard. A GPU is used from this
    process alone.
    """
    if torch.device(device).type != "cpu":
        return InProcess(), 1
    count = min(workers or loky.cpu_count(), max(1, tasks))
    if count == 1:
        return InProcess(), 1
    quiet = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    executor = loky.get_reusable_executor(
        max_workers=count, timeout=60, env=quiet,
        initializer=end_with, initargs=(os.getpid(),),
    )  # fmt: skip
    return executor, count


def end_with(parent: int) -> None:
    """In a worker: end this process when `parent`, which started it, has ended.

    A parent that is killed cannot stop its workers, and they would train on what it
    handed out. Here one ends within about a second of its parent; what it was training
    is trained again by whoever needs it.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    if os.name == "nt":  # where an orphan's parent keeps its number
        multiprocessing.parent_process().join()
    else:
        while os.getppid() == parent:
            time.sleep(1)
    os._exit(1)


def check(workers: int | None) -> None:
    """`InputError` unless `workers` is None or 1 or more."""
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise InputError(f"workers={workers!r} must be 1 or more.")


def stop(executor: Executor) -> None:
    """Give up whatever `executor` still runs."""
    if isinstance(executor, InProcess):
        return
    try:
        executor.shutdown(wait=False, kill_workers=True)  # loky
    except TypeError:
        executor.shutdown(wait=False, cancel_futures=True)

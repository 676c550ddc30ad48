"""Where segments are trained: in this process, a pool of processes, or a cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future

import loky
import torch
from loky.backend import resource_tracker

from .._base.plain import whole
from ..errors import InputError
from . import cgroups, memory

__all__ = ["InProcess", "check", "cluster", "lost", "pool", "stop", "submit"]


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
    such workers beat one multi-threaded run. Fewer, if `workers` is None and memory has
    no room for so many. It is loky's pool, which also works from a notebook and from a
    script without a `__main__` guard. A GPU is used from this process alone. Where no
    processes can be started, a warning says so, and this one does it all.
    """
    if torch.device(device).type != "cpu":
        return InProcess(), 1
    count = min(workers or _cores(), max(1, tasks))
    if count == 1:
        return InProcess(), 1
    try:
        return _started(count), count
    except (OSError, ImportError, RuntimeError) as error:
        warnings.warn(
            "No worker processes can be started here "
            f"({getattr(error, 'strerror', None) or error}): all is trained in this "
            "one, which takes longer.",
            stacklevel=2,
        )
        return InProcess(), 1


def _started(count: int) -> Executor:
    """loky's pool of `count` processes, which are there already.

    They share semaphores, which small containers and read-only systems lack. That is
    met here, and not when the first segment is handed out.
    """
    quiet = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    if sys.__stderr__ is None:  # then loky's workers have none to write crashes to
        quiet["PYTHONFAULTHANDLER"] = ""
    with _silent_tracker():
        resource_tracker.ensure_running()
    executor = loky.get_reusable_executor(
        max_workers=count, timeout=60, env=quiet,
        initializer=end_with, initargs=(os.getpid(),),
    )  # fmt: skip
    try:
        executor.submit(os.getpid)
    except BaseException:
        for process in executor._processes.values():  # nobody else will end them
            process.terminate()
        stop(executor)
        raise
    return executor


@contextlib.contextmanager
def _silent_tracker() -> Iterator[None]:
    """Within: what loky starts to remove a killed process' semaphores does so silently.

    It calls them leaked, and says so to whoever ended a sweep.
    """
    before = os.environ.get("PYTHONWARNINGS")
    words = [before, "ignore:resource_tracker"]
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, words))
    try:
        yield
    finally:
        del os.environ["PYTHONWARNINGS"]
        if before is not None:
            os.environ["PYTHONWARNINGS"] = before


def _cores() -> int:
    """One worker for each core that this process may use, as far as memory goes."""
    limits = loky.cpu_count(), cgroups.cores(), memory.room()
    return min(limit for limit in limits if limit)


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


def check(workers: int | None) -> int | None:
    """`workers` as an `int` or None; `InputError` unless it is None or 1 or more."""
    return None if workers is None else whole("workers", workers, 1)


def submit(executor: Executor, fn: Callable, *args) -> Future:
    """What `executor` gives for `fn(*args)`; a future that failed, if it has failed.

    A pool that lost a worker takes no more tasks, and may say so here first.
    """
    try:
        return executor.submit(fn, *args)
    except Exception as error:
        future: Future = Future()
        future.set_exception(error)
        return future


def lost(error: BaseException) -> bool:
    """Whether `error` says that a worker was killed, in the words of its executor."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


@contextlib.contextmanager
def cluster(address: str | None) -> Iterator[Executor | None]:
    """The executor of the Dask cluster at `address`; None, the default, without one.

    Raises:
        InputError: Dask is not installed, or no scheduler answers there.
    """
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            f"--cluster {address} needs Dask: pip install 'cplib[cluster]'."
        ) from error
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"No Dask scheduler answers at {address!r}: start one with 'dask "
            "scheduler', and give the address that it prints, as tcp://HOST:8786."
        ) from error
    with client:
        yield client.get_executor()


def stop(executor: Executor) -> None:
    """Give up whatever `executor` still runs."""
    if isinstance(executor, InProcess):
        return
    try:
        executor.shutdown(wait=False, kill_workers=True)  # loky
    except TypeError:
        executor.shutdown(wait=False, cancel_futures=True)

"""Where segments are trained: in this process, a pool of processes, or a cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

import loky
import torch

from . import cgroups, locks, memory
from .errors import InputError
from .plain import whole

__all__ = ["InProcess", "check", "cluster", "lost", "pool", "stop"]

_claimed = contextlib.ExitStack()  # what this worker holds until it ends


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
    script without a `__main__` guard. One GPU is used from this process alone; of
    several, "cuda" gives each worker its own.
    """
    devices = _gpus() if device == "cuda" else []
    if len(devices) < 2 and torch.device(device).type != "cpu":
        return InProcess(), 1
    count = workers or len(devices) or _cores()
    count = min(count, max(1, tasks))
    if devices:
        count = min(count, len(devices))
    if count == 1:
        return InProcess(), 1
    quiet = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    executor = loky.get_reusable_executor(
        max_workers=count, timeout=60, env=quiet,
        initializer=begin, initargs=(os.getpid(), devices),
    )  # fmt: skip
    return executor, count


def _cores() -> int:
    """One worker for each core that this process may use, as far as memory goes."""
    limits = loky.cpu_count(), cgroups.cores(), memory.room()
    return min(limit for limit in limits if limit)


def _gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[:count] if named else [str(i) for i in range(count)]


def begin(parent: int, devices: list[str]) -> None:
    """In a new worker: end with `parent`, and claim one of `devices`, if there are."""
    end_with(parent)
    if devices:
        claim(devices)


def claim(devices: list[str]) -> None:
    """In a worker: see one GPU only, which no other worker of this machine has claimed.

    To be called before CUDA is first used. The claim is a lock, so that it ends with
    the worker. Where all are claimed, say by another sweep, one is shared.
    """
    folder = Path(tempfile.gettempdir()) / "cplib-devices"
    chosen = devices[os.getpid() % len(devices)]
    for name in devices:
        lock = folder / f"{name.replace('/', '-')}.lock"
        if _claimed.enter_context(locks.hold(lock)):
            chosen = name
            break
    os.environ["CUDA_VISIBLE_DEVICES"] = chosen


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

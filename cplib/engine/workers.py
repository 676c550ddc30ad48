"""Executors that train segments: this process, a pool of processes, or a cluster."""

import contextlib
import functools
import multiprocessing
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path

import loky
import psutil
import torch

from ..errors import InputError

# A loky process removes the semaphores of a killed sweep, and would report them as
# leaked on the user's terminal. A value set by the user has priority.
os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")
CGROUPS, OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
# Bytes of a process that trains at scale laptop: 0.8 GB were measured, two thirds of
# them PyTorch itself.
PROCESS = 1e9


class InProcess(Executor):
    """Runs each task at once, in this process and thread."""

    def submit(self, fn, /, *args, **kwargs) -> Future:
        """A finished future; an exception of `fn` is raised here."""
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def pool(workers: int | None, device: str, tasks: int) -> tuple[Executor, int]:
    """The default executor for `tasks` independent tasks, and its number of workers.

    On the CPU it is loky's pool, which also works from a notebook and from a script
    without a `__main__` guard: one process per core, with one thread each, unless
    `workers` is given or memory is short. A GPU is used from this process alone. Where
    processes cannot be started, a warning says so, and this process does the work.
    """
    if torch.device(device).type != "cpu":
        return InProcess(), 1
    count = min(workers or min(loky.cpu_count(), in_memory()), max(1, tasks))
    if count == 1:
        return InProcess(), 1
    try:
        return _started(count), count
    except (OSError, ImportError, RuntimeError) as error:
        warnings.warn(
            "No worker processes can be started here "
            f"({getattr(error, 'strerror', None) or error}): everything is trained in "
            "this process, which takes longer.",
            stacklevel=2,
        )
        return InProcess(), 1


@functools.cache
def in_memory() -> int:
    """How many training processes fit in memory, at least 1.

    The memory is that of the machine or of a control group (Linux's version 2, as
    containers, batch systems and systemd set them) around this process. Measured once,
    so that workers which a pool keeps do not count against themselves.
    """
    free, group = [psutil.virtual_memory().available], CGROUPS
    with contextlib.suppress(OSError):
        group /= OWN_CGROUP.read_text().rpartition(":")[2].strip().lstrip("/")
    for folder in (group, *group.parents):
        with contextlib.suppress(OSError, ValueError, TypeError):  # none, or no limit
            limit = int((folder / "memory.max").read_text())
            used = int((folder / "memory.current").read_text())
            stat = (folder / "memory.stat").read_text()
            cached = re.search(r"^inactive_file (\d+)", stat, re.M)
            free.append(limit - used + int(cached[1]))
    return max(1, int(min(free) // PROCESS))


def _started(count: int) -> Executor:
    """loky's pool of `count` processes, already running.

    They share semaphores, which small containers and read-only systems lack: this is
    detected here, not when the first segment is submitted.
    """
    environment = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    if sys.__stderr__ is None:  # workers have none either to report crashes on
        environment["PYTHONFAULTHANDLER"] = ""
    executor = loky.get_reusable_executor(
        max_workers=count, timeout=60, env=environment,
        initializer=end_with, initargs=(os.getpid(),),
    )  # fmt: skip
    try:
        executor.submit(os.getpid)
    except BaseException:
        for process in executor._processes.values():  # nothing else would end them
            process.terminate()
        stop(executor)
        raise
    return executor


def end_with(parent: int) -> None:
    """In a worker: exit when `parent` exits, within a fraction of a second.

    A killed parent cannot stop its workers, which would otherwise go on training.
    """

    def watch() -> None:
        if os.name == "nt":  # an orphan keeps its parent's number there
            multiprocessing.parent_process().join()
        else:
            while os.getppid() == parent:
                time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def cluster(address: str | None) -> Iterator[Executor | None]:
    """The executor of the Dask cluster at `address`, or None without an address."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client

        client = Client(address, timeout=10)
    except ImportError:
        raise InputError(
            f"--cluster {address} needs Dask: pip install 'cplib[cluster]'."
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"No Dask scheduler answers at {address!r}: start one with 'dask "
            "scheduler' and give the address that it prints, as tcp://HOST:8786."
        ) from error
    with client:
        yield client.get_executor()


def stop(executor: Executor) -> None:
    """Cancel outstanding work and shut `executor` down."""
    try:
        executor.shutdown(wait=False, kill_workers=True)  # loky
    except TypeError:
        executor.shutdown(wait=False, cancel_futures=True)

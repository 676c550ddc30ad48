"""Where segments are trained: in this process, or in a pool of processes."""

from __future__ import annotations

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
    return loky.get_reusable_executor(max_workers=count, timeout=60, env=quiet), count


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

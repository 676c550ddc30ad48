"""Limits of this machine: cores and memory for workers, and whether memory ran out.

A container, a batch system or systemd sets limits on a group of processes (Linux'
control groups, version 1 or 2). Groups are nested, and each limit holds for everything
inside, so the tightest counts.
"""

import contextlib
import functools
import math
from pathlib import Path, PurePosixPath

import psutil

SYSTEM = Path("/")
# Bytes of a process that trains at scale laptop: 0.8 GB were measured, two thirds of
# them PyTorch itself.
PROCESS = 1e9


@functools.cache
def workers() -> int:
    """How many training processes fit in memory, at least 1.

    Measured once, before any are started, so that those which a pool keeps for its next
    task do not count against themselves.
    """
    free = min(psutil.virtual_memory().available, *map(_left, _groups("memory")))
    return max(1, int(free // PROCESS))


def _left(group: Path) -> float:
    """Bytes that `group` may still use; cached files do not count as used."""
    limits = "memory.max", "memory.high", "memory.limit_in_bytes"
    limit = min(_number(group / name, math.inf) for name in limits)
    used = sum(_number(group / f"memory.{n}", 0) for n in ("current", "usage_in_bytes"))
    stat = _table(group / "memory.stat")
    files = stat.get("total_inactive_file", stat.get("inactive_file", 0))
    return limit - max(0, used - files)


def cores() -> float:
    """Processors' worth of time that the groups allow; infinite without a limit."""
    return min(map(_share, _groups("cpu")))


def _share(group: Path) -> float:
    with contextlib.suppress(OSError, ValueError):  # "max 100000": no limit
        quota, period = map(int, (group / "cpu.max").read_text().split())
        return math.ceil(quota / period)
    quota = _number(group / "cpu.cfs_quota_us", -1)  # -1: no limit
    period = _number(group / "cpu.cfs_period_us", 1)
    return math.ceil(quota / period) if quota > 0 else math.inf


def _groups(controller: str) -> list[Path]:
    """Folders of the groups with this controller, from the process' own to the root.

    In a container some do not exist: its root may be any group.
    """
    base, path = SYSTEM / "sys/fs/cgroup", "/"
    with contextlib.suppress(OSError, ValueError):
        for line in (SYSTEM / "proc/self/cgroup").read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if controller in controllers.split(","):  # version 1
                base, path = base / controller, name
                break
            if not controllers:
                path = name
    parts = PurePosixPath(path).parts[1:]
    return [base.joinpath(*parts[:n]) for n in range(len(parts), -1, -1)]


def _number(path: Path, default: float) -> float:
    """The number in a file; `default` if there is no file, or it says "max"."""
    with contextlib.suppress(OSError, ValueError):
        return int(path.read_text())
    return default


def _table(path: Path) -> dict[str, int]:
    """A file's lines "name number"; empty where there is none."""
    with contextlib.suppress(OSError, ValueError):
        lines = map(str.split, path.read_text().splitlines())
        return {name: int(number) for name, number in lines}
    return {}


class Watch:
    """Tells whether memory has run out since this object was created."""

    def __init__(self):
        self.before = _kills()

    def short(self) -> bool | None:
        """Whether a process of this one's groups was killed for lack of memory.

        None where the system does not count such kills.
        """
        after = _kills()
        short = any(after[path] > self.before.get(path, after[path]) for path in after)
        return short if after else None


def _kills() -> dict[Path, int]:
    """The counters of kills for lack of memory."""
    names = "memory.events", "memory.oom_control"  # of versions 2 and 1
    paths = [group / name for group in _groups("memory") for name in names]
    counts = {path: _table(path).get("oom_kill") for path in paths}
    return {path: count for path, count in counts.items() if count is not None}

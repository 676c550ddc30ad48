"""What Linux lets this process have: its control groups, of version 1 or 2.

A container, a batch system or systemd sets limits on a group of processes. Groups lie
within groups, and each limit holds for all that is inside, so the tightest counts.
"""

from __future__ import annotations

import contextlib
import math
from pathlib import Path, PurePosixPath

__all__ = ["cores", "folders", "memory"]

SYSTEM = Path("/")


def memory() -> int | None:
    """Bytes that the process' groups have left; None without a limit, or elsewhere.

    What the system keeps of files that were read it gives up when memory is short: that
    does not count as used.
    """
    left = []
    for folder in folders("memory"):
        limits = _numbers(folder, "memory.max memory.high memory.limit_in_bytes")
        used = _numbers(folder, "memory.current memory.usage_in_bytes")
        if limits:
            left.append(min(limits) - max(0, sum(used) - _files(folder)))
    return min(left, default=None)


def cores() -> int | None:
    """Processors' worth of time that the groups allow; None without a limit."""
    allowed = []
    for folder in folders("cpu"):
        with contextlib.suppress(OSError, ValueError):  # "max": there is no limit
            quota, period = (folder / "cpu.max").read_text().split()
            allowed.append(int(quota) / int(period))
        quota = _numbers(folder, "cpu.cfs_quota_us")  # -1: there is no limit
        period = _numbers(folder, "cpu.cfs_period_us")
        allowed += [q / p for q, p in zip(quota, period, strict=False) if q > 0]
    return math.ceil(min(allowed)) if allowed else None


def folders(controller: str) -> list[Path]:
    """The groups with this controller: the process' own, those around it, the root.

    Within a container some are not there: its root may be any group.
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


def _files(folder: Path) -> int:
    """Bytes of files that are kept in memory and were not read again lately."""
    with contextlib.suppress(OSError, ValueError):
        lines = (folder / "memory.stat").read_text().splitlines()
        found = dict(line.split() for line in lines)
        own = found.get("inactive_file", 0)
        return int(found.get("total_inactive_file", own))
    return 0


def _numbers(folder: Path, names: str) -> list[int]:
    """What those of the files `names` hold that are there and hold a number."""
    found = []
    for name in names.split():
        with contextlib.suppress(OSError, ValueError):  # "max": there is no limit
            found.append(int((folder / name).read_text()))
    return found

"""Detect that memory ran out, from Linux control groups (version 1 or 2)."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath

SYSTEM = Path("/")


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
    counts = {}
    for path in (group / name for group in _groups() for name in names):
        with contextlib.suppress(OSError, ValueError):
            lines = map(str.split, path.read_text().splitlines())
            counts[path] = {name: int(n) for name, n in lines}.get("oom_kill")
    return {path: count for path, count in counts.items() if count is not None}


def _groups() -> list[Path]:
    """Folders of the groups that limit memory, from the process's own to the root.

    In a container some do not exist: its root may be any group.
    """
    base, path = SYSTEM / "sys/fs/cgroup", "/"
    with contextlib.suppress(OSError, ValueError):
        for line in (SYSTEM / "proc/self/cgroup").read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if "memory" in controllers.split(","):  # version 1
                base, path = base / "memory", name
                break
            if not controllers:
                path = name
    parts = PurePosixPath(path).parts[1:]
    return [base.joinpath(*parts[:n]) for n in range(len(parts), -1, -1)]

"""Whether memory ran out: what Linux notes when it kills a process for want of it."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import cgroups

__all__ = ["Watch"]


class Watch:
    """Tells whether memory ran out since it was made."""

    def __init__(self):
        self.before = dict(_kills())

    def short(self, pid: int | None = None) -> bool | None:
        """Whether processes of this one's control group, or of those above it, were
        killed for want of memory; None where nothing that we can read would tell.

        Args:
            pid: of a process that died, to be looked up in the kernel's messages too.
        """
        after = dict(_kills())
        if any(after[path] > self.before.get(path, after[path]) for path in after):
            return True
        messages = _messages() if pid else ""
        if re.search(rf"Killed process {pid}\b", messages):
            return True
        return False if after or messages else None


def _kills() -> Iterator[tuple[Path, int]]:
    """Each counter of kills for want of memory that can be read, and its value."""
    for path in _counters():
        with contextlib.suppress(OSError):
            if found := re.search(r"^oom_kill (\d+)$", path.read_text(), re.M):
                yield path, int(found[1])


def _counters() -> Iterator[Path]:
    """Where the counters would be, of the process' own group and those above."""
    for folder in cgroups.folders("memory"):
        yield folder / "memory.events"
        yield folder / "memory.oom_control"  # in version 1


def _messages() -> str:
    """The kernel's messages; empty where they are not ours to read."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        words = {"capture_output": True, "text": True, "errors": "replace"}
        return subprocess.run(["dmesg"], **words, timeout=10).stdout
    return ""

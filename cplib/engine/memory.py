"""How many processes that train have room in this machine's memory."""

from __future__ import annotations

import contextlib
import functools
import os

from . import cgroups

__all__ = ["room"]

# Bytes of one that trains at the laptop's scale: 0.8 GB measured, two thirds of them
# PyTorch itself.
PROCESS = 1e9


@functools.cache
def room() -> int | None:
    """How many fit, at least 1; None where the memory is not known, as on Windows.

    It is measured once, before any are started, so that those which a pool keeps for
    its next task do not count against themselves.
    """
    known = [size for size in (_free(), cgroups.memory()) if size is not None]
    return max(1, int(min(known) // PROCESS)) if known else None


def _free() -> float | None:
    """Bytes that programs can have: Linux' own estimate, or half of all elsewhere."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = (cgroups.SYSTEM / "proc/meminfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2
    return None

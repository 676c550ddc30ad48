"""One process at a time, by locks that the system drops when their owner dies.

A lock is the kernel's (`flock`; on Windows `msvcrt.locking`) on an empty file that
stays where it is. It ends with the process that holds it, however that ends, SIGKILL
included. On one machine, and on a network file system that passes locks on (NFS version
4, SMB), two processes never hold the same. Where a file system knows no locks, one
sentence says so, and everything goes on without: work may then be done twice, and the
results are the same, since files are only ever replaced whole.
"""

from __future__ import annotations

import contextlib
import errno
import warnings
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from . import files

__all__ = ["hold"]

# how a file system says that it has no locks
UNKNOWN = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)


@contextlib.contextmanager
def hold(path: Path, wait: bool = False) -> Iterator[bool]:
    """Hold the lock file `path` within; the value says whether it is held.

    Args:
        path: of the lock file, made where it is missing and never removed: removing it
            could give the lock to two.
        wait: until the lock is free; else a lock that another holds gives False.

    Raises:
        StorageError: the folder cannot be written or its disk is full.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=-1 if wait else 0)
        held = True
    except Timeout:
        held = False
    except NotImplementedError:
        held = _without(path)
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise files.storage_error(path.parent, error) from error
        held = _without(path)
    if isinstance(lock, SoftFileLock):  # filelock's way out, which outlives its owner
        lock.release(force=True)
        held = _without(path)
    try:
        yield held
    finally:
        lock.release(force=True)


def _without(path: Path) -> bool:
    warnings.warn(
        f"The file system of {path.parent} has no locks: processes that share it may "
        f"do the same work twice, with equal results; {files.ELSEWHERE}.",
        stacklevel=4,
    )
    return True

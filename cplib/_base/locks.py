"""Locks on files, one process at a time; they end with their holder, even by SIGKILL.

A lock is the kernel's (`flock`; on Windows `msvcrt.locking`) on an empty file, which is
never removed: that could give the lock to two. On one machine, and on a network file
system that passes locks on (NFS 4, SMB), two processes never hold the same. Where a
file system has no locks, a warning says so and the work goes on without: it may then be
done twice, with equal results, since files are only ever replaced whole.
"""

import contextlib
import errno
import warnings
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from . import console, files

# how a file system reports that it has no locks
UNKNOWN = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)


@contextlib.contextmanager
def hold(path: Path, wait: bool = False, words: str = "") -> Iterator[bool]:
    """Hold the lock file `path` within; the value says whether it is held.

    Args:
        path: of the lock file, created if missing.
        wait: until the lock is free; otherwise the value is False if another holds it.
        words: said on stderr if there is a wait.

    Raises:
        StorageError: the folder cannot be written or its disk is full.
    """
    lock = FileLock(path)
    held = _acquired(lock, path, 0)
    if wait and not held:
        if words:
            console.say(words)
        held = _acquired(lock, path, -1)
    try:
        yield held
    finally:
        lock.release(force=True)


def _acquired(lock: FileLock, path: Path, timeout: float) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout)
        if not isinstance(lock, SoftFileLock):
            return True
        lock.release(force=True)  # filelock's substitute, which outlives its owner
    except Timeout:
        return False
    except NotImplementedError:
        pass
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise files.storage_error(path.parent, error) from error
    warnings.warn(
        f"The file system of {path.parent} has no locks: processes that share it may "
        f"do the same work twice, with equal results; {files.ELSEWHERE}.",
        stacklevel=5,
    )
    return True

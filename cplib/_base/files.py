"""Atomic, checksummed files, the folders they live in, and locks on them."""

import contextlib
import errno
import functools
import hashlib
import os
import secrets
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout
from platformdirs import user_cache_path

from ..errors import DataError, StorageError
from . import console

MAGIC = b"cplib-checked-1 "
PART = ".part-"  # prefix of the names of temporary files
PATHS = tuple(f"CPLIB_{name}" for name in "CACHE CLAIMS DATA MIRROR RESULTS".split())
# errors of a file system without locks
LOCKLESS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)
ELSEWHERE = (
    "name another folder in CPLIB_CACHE (checkpoints), CPLIB_DATA (data sets) or "
    "CPLIB_RESULTS (results)"
)


class Damaged(DataError):
    """A stored file whose bytes are not the ones that were written."""

    def __init__(self, path: Path, why: str):
        super().__init__(f"{path} is damaged ({why}).")
        self.path, self.why = Path(path), why

    def __reduce__(self):  # so that workers can raise it
        return type(self), (self.path, self.why)


def named(variable: str) -> Path | None:
    """The path in the environment variable `variable`; None if unset or an address.

    A relative path is made absolute when it is first seen, in the environment itself,
    so that it means the same to child processes and after a change of folder.
    """
    text = os.environ.get(variable)
    if not text or "://" in text:
        return None
    os.environ[variable] = os.path.abspath(os.path.expanduser(text))
    return Path(os.environ[variable])


def book_folder() -> Path:
    """The folder that chapters read: the checkout's `book`, or a copy in the wheel."""
    inside = Path(__file__).parents[1] / "book"  # pyproject.toml puts it into the wheel
    return inside if inside.is_dir() else Path(__file__).parents[2] / "book"


def results_folders() -> list[Path]:
    """Folders searched for stored results, in order; new ones go into the first.

    `$CPLIB_RESULTS` alone, if set; else the checkout's `book/results`. An installed
    cplib contains the book's results, but stores new ones in `results` in the folder
    where Python was started.
    """
    if chosen := named("CPLIB_RESULTS"):
        return [chosen]
    book = book_folder()
    installed = book.parent == Path(__file__).parents[1]
    own = [_start() / "results"] if installed else []
    return [*own, book / "results"]


@functools.cache
def _start() -> Path:
    return Path.cwd()


def data_folder() -> Path:
    """Folder of the data sets: `$CPLIB_DATA`, else `data` in the cache folder."""
    return named("CPLIB_DATA") or cache_folder() / "data"


def cache_folder() -> Path:
    """Folder of training checkpoints: `$CPLIB_CACHE`, else the platform's cache."""
    return named("CPLIB_CACHE") or user_cache_path("cplib")


def sha256(payload: bytes) -> str:
    """Hexadecimal SHA-256 of `payload`."""
    return hashlib.sha256(payload).hexdigest()


def write_atomic(path: Path, payload: bytes) -> None:
    """Write `payload` so that `path` holds either its old or its new content.

    The bytes go to a temporary file in the same folder, which is flushed to the disk
    and then renamed.
    """
    temporary = path.with_name(PART + secrets.token_hex(8))
    try:
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(temporary, "xb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path, age: float = 3600) -> None:
    """Remove temporary files of killed writers in `folder`, older than `age` seconds.

    Best effort: leftovers only waste disk space.
    """
    for path in folder.glob(f"**/{PART}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > age:
                path.unlink()


def check_folder(folder: Path, remedy: str = ELSEWHERE) -> None:
    """Raise `StorageError`, with `remedy`, unless files can be created in `folder`."""
    with writing(folder, remedy):
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def check_file(path: Path, remedy: str) -> None:
    """Raise `StorageError`, with `remedy`, unless `path` can be written.

    Call it before a long computation; an existing file is not changed.
    """
    path = Path(path).absolute()
    check_folder(path.parent, remedy)
    with writing(path, remedy):
        if path.exists():
            open(path, "ab").close()


@contextlib.contextmanager
def writing(place: Path, remedy: str = ELSEWHERE) -> Iterator[None]:
    """Context in which an error of the disk becomes a `StorageError` about `place`."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise storage_error(place, error, remedy) from error


def storage_error(place: Path, error: OSError, remedy: str = ELSEWHERE) -> StorageError:
    """The `StorageError` for `error`, raised while writing in or to `place`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f"The disk that holds {place} is full: free some space, or {remedy}; "
            "what was stored before is intact."
        )
    return StorageError(
        f"Cannot write in {place} ({error.strerror or error}): make it writable, or "
        f"{remedy}."
    )


def write_checked(path: Path, payload: bytes) -> None:
    """Write `payload` atomically after a line that holds its SHA-256."""
    write_atomic(path, MAGIC + sha256(payload).encode() + b"\n" + payload)


def read_checked(path: Path) -> bytes:
    """The payload that `write_checked` wrote.

    Raises:
        FileNotFoundError: the file does not exist.
        Damaged: it cannot be read, or its bytes do not match their checksum.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged(path, f"unreadable: {error.strerror}") from error
    head, _, payload = content.partition(b"\n")
    if head != MAGIC + sha256(payload).encode():
        raise Damaged(path, "checksum mismatch")
    return payload


def quarantine(damage: Damaged) -> Path:
    """Rename a damaged file to `NAME.damaged-K`, warn, and return its new path."""
    path, why = damage.path, damage.why
    names = (path.with_name(f"{path.name}.damaged-{k}") for k in range(1, 1000))
    new = next(name for name in names if not name.exists())
    try:
        path.rename(new)
    except FileNotFoundError:  # another process has renamed it
        return new
    except OSError as error:
        raise StorageError(
            f"{path} is damaged ({why}) and cannot be renamed ({error.strerror}): "
            f"remove it, or {ELSEWHERE}."
        ) from error
    warnings.warn(
        f"{path} is damaged ({why}); it was quarantined as {new.name} and will be "
        "regenerated.",
        stacklevel=2,
    )
    return new


@contextlib.contextmanager
def hold(path: Path, words: str = "") -> Iterator[None]:
    """Context that holds the lock file `path`; if another process does, wait for it.

    Before waiting, print `words`. The operating system's lock on an empty file, never
    removed, ends with its process, even by SIGKILL. On a file system without locks, a
    warning says that work may be done twice, with equal results.

    Raises:
        StorageError: the folder cannot be written or its disk is full.
    """
    lock = FileLock(path)
    if not _acquired(lock, path, 0):
        if words:
            console.say(words)
        _acquired(lock, path, -1)
    try:
        yield
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
        if error.errno not in LOCKLESS:
            raise storage_error(path.parent, error) from error
    warnings.warn(
        f"The file system of {path.parent} has no locks: processes that share it may "
        f"do the same work twice, with equal results; {ELSEWHERE}.",
        stacklevel=5,
    )
    return True


# make paths absolute now, before a notebook changes its working folder
for variable in PATHS:
    named(variable)
with contextlib.suppress(FileNotFoundError):  # the working folder was removed
    _start()

"""Files that survive: folders, atomic writes, checksums, damaged files set aside."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import tempfile
import time
import warnings
from pathlib import Path

from platformdirs import user_cache_path

from ..errors import DataError, StorageError

__all__ = [
    "Damaged",
    "book_folder",
    "cache_folder",
    "check_file",
    "check_folder",
    "data_folder",
    "named",
    "read_checked",
    "results_folders",
    "set_aside",
    "sha256",
    "sweep",
    "write_atomic",
    "write_checked",
]

MAGIC = b"cplib-checked-1 "
PATHS = tuple(f"CPLIB_{name}" for name in "CACHE CLAIMS DATA MIRROR RESULTS".split())
ELSEWHERE = (
    "name another folder in CPLIB_CACHE (checkpoints), CPLIB_DATA (data sets) or "
    "CPLIB_RESULTS (results)"
)


class Damaged(DataError):
    """A stored file whose bytes are not the ones that were written."""

    def __init__(self, path: Path, why: str):
        super().__init__(f"{path} is damaged ({why}).")
        self.path, self.why = Path(path), why

    def __reduce__(self):  # so that it crosses process borders whole
        return type(self), (self.path, self.why)


def named(variable: str) -> Path | None:
    """The path that `variable` of the environment holds; None for none, or an address.

    A relative one is made absolute when it is first seen, in the environment itself.
    So it means the same to processes that start from here, whatever their working
    folder is, and after this one has changed its own.
    """
    text = os.environ.get(variable)
    if not text or "://" in text:
        return None
    os.environ[variable] = os.path.abspath(os.path.expanduser(text))
    return Path(os.environ[variable])


def book_folder() -> Path:
    """What chapters read: `book` of the checkout, else its copy inside the wheel."""
    inside = _inside()
    return inside if inside.is_dir() else Path(__file__).parents[2] / "book"


def results_folders() -> list[Path]:
    """Where stored results are looked for, in order; new ones go into the first.

    It is `$CPLIB_RESULTS` alone, if set; else the checkout's `book/results`. An
    installed cplib holds the book's results too, but there new ones go into `results`
    in the folder where Python was started.
    """
    if chosen := named("CPLIB_RESULTS"):
        return [chosen]
    ours = book_folder() / "results"
    return [_start() / "results", ours] if _inside().is_dir() else [ours]


@functools.cache
def _start() -> Path:
    return Path.cwd()


def _inside() -> Path:
    return Path(__file__).parents[1] / "book"  # pyproject.toml puts it into the wheel


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

    The bytes go to a temporary file in the same folder, are flushed to the disk,
    and are then renamed. Raises `StorageError` when the folder cannot be written or
    the disk is full; whatever stood at `path` before is then untouched.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".part-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # USB sticks and network drives refuse it
            os.chmod(temporary, 0o666 & ~_umask())  # mkstemp keeps others out
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise storage_error(path.parent, error) from error
    except BaseException:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise


def sweep(folder: Path, age: float = 3600, pattern: str = "**/.part-*") -> None:
    """Remove what killed writers left under `folder`, if older than `age` seconds.

    `pattern` ".part-*" looks into the folder itself alone.
    """
    for path in Path(folder).glob(pattern):
        with contextlib.suppress(OSError):  # it costs room, no more
            if time.time() - path.stat().st_mtime > age:
                path.unlink()


def _umask() -> int:
    mask = os.umask(0)  # there is no way to read it without setting it
    os.umask(mask)
    return mask


def check_folder(folder: Path, remedy: str = ELSEWHERE) -> None:
    """`StorageError`, with `remedy`, unless files can be made in `folder`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise storage_error(folder, error, remedy) from error


def check_file(path: Path, remedy: str) -> None:
    """`StorageError`, with `remedy`, unless `path` can be written; for before the work.

    What stands there is left as it is.
    """
    path = Path(path).absolute()
    check_folder(path.parent, remedy)
    try:
        if path.exists():
            open(path, "ab").close()
    except OSError as error:
        raise storage_error(path, error, remedy) from error


def storage_error(place: Path, error: OSError, remedy: str = ELSEWHERE) -> StorageError:
    """The sentence for `error` met while writing in a folder, or to a file."""
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
    """Write `payload` atomically behind a line that holds its SHA-256."""
    write_atomic(path, MAGIC + sha256(payload).encode() + b"\n" + payload)


def read_checked(path: Path) -> bytes:
    """Payload of a file of `write_checked`.

    Raises `FileNotFoundError` when there is none and `Damaged` when the bytes do not
    match their checksum.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged(path, f"unreadable: {error.strerror}") from error
    head, _, payload = content.partition(b"\n")
    if not head.startswith(MAGIC):
        raise Damaged(path, "no checksum line")
    if head[len(MAGIC) :].decode("ascii", "replace") != sha256(payload):
        raise Damaged(path, "checksum mismatch")
    return payload


def set_aside(path: Path, why: str) -> Path:
    """Rename a damaged file to `NAME.damaged-K`, warn, and return its new path."""
    path = Path(path)
    for number in range(1, 1000):
        aside = path.with_name(f"{path.name}.damaged-{number}")
        if not aside.exists():
            break
    try:
        path.rename(aside)
    except FileNotFoundError:  # another process was first
        return aside
    except OSError as error:
        raise StorageError(
            f"{path} is damaged ({why}) and cannot be renamed ({error.strerror}): "
            f"remove it, or {ELSEWHERE}."
        ) from error
    warnings.warn(
        f"{path} is damaged ({why}); it was set aside as {aside.name} and will be "
        "made again.",
        stacklevel=2,
    )
    return aside


def _settle() -> None:
    """Note where Python was started, before a notebook goes to another folder."""
    for variable in PATHS:
        named(variable)
    with contextlib.suppress(FileNotFoundError):  # that folder is gone
        _start()


_settle()

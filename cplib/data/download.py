"""Fetching a data set's archives: with progress, resumed, verified, from a mirror.

CIFAR-10's own server can take an hour for 170 MB. An archive is therefore received into
`NAME.part`; what an interrupted download left there is kept, and the next one asks the
server for the rest only (HTTP Range). The archive gets its name when its MD5 is the one
that torchvision publishes. Then it is unpacked and parsed: MNIST's by torchvision,
CIFAR-10's, which holds pickles, by `pickles`.

`$CPLIB_MIRROR` names another place to fetch from: a folder, or an address (https, http
or file), where the archives lie by their original names; or one of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from .._base import console, files, locks
from ..errors import CplibError, DataError, InputError
from . import pickles

__all__ = ["Archive", "alone", "archives", "arrays", "fetch", "lock_of"]

CHUNK = 1 << 16  # bytes
SILENCE = 60  # seconds without a byte, after which a connection counts as cut
TRIES = 3  # in a row that bring nothing, for each address
PAUSE = 1.0  # seconds before the second try; twice that before the third
ADDRESS = "https?://|file://(localhost)?/"


@dataclass(frozen=True)
class Archive:
    """A file to fetch.

    Attributes:
        place: where torchvision looks for it, relative to its root folder.
        md5: of the whole file, hexadecimal.
        urls: where it can be had, tried in order.
    """

    place: str
    md5: str
    urls: tuple[str, ...]


class _Failed(DataError):
    """An address that does not give the file; the message says why."""


def archives(name: str) -> list[Archive]:
    """The archives of `name` ("cifar10" or "mnist"), as torchvision publishes them.

    Raises:
        InputError: `$CPLIB_MIRROR` is neither a folder, nor an archive, nor an address.
    """
    from torchvision.datasets import CIFAR10, MNIST

    if name == "cifar10":
        listed = [(CIFAR10.filename, CIFAR10.tgz_md5, [CIFAR10.url])]
    else:
        listed = [
            (f"MNIST/raw/{file}", md5, [base + file for base in MNIST.mirrors])
            for file, md5 in MNIST.resources
        ]
    if os.environ.get("CPLIB_MIRROR"):
        mirror = _mirror(Path(listed[0][0]).name)
        listed = [
            (at, md5, [_mirrored(mirror, Path(at).name)]) for at, md5, _ in listed
        ]
    return [Archive(at, md5, tuple(urls)) for at, md5, urls in listed]


def _mirror(name: str) -> str:
    """The address in `$CPLIB_MIRROR`, or that of the path there, for file `name`."""
    path = files.named("CPLIB_MIRROR")
    mirror = os.environ["CPLIB_MIRROR"]
    if path and path.exists():
        return path.as_uri()
    if not re.match(ADDRESS, mirror):
        raise InputError(
            f"CPLIB_MIRROR={mirror!r}: name a folder that holds {name}, or its "
            "address, beginning with https://, http:// or file:///."
        )
    return mirror


def _mirrored(mirror: str, name: str) -> str:
    """The address of the archive `name`, in a folder or beside another archive."""
    from torchvision.datasets import CIFAR10, MNIST

    if urllib.parse.urlsplit(mirror).path.endswith(f"/{name}"):
        return mirror
    folder, _, last = mirror.rstrip("/").rpartition("/")
    archives = {CIFAR10.filename, *(file for file, _ in MNIST.resources)}
    beside = last.partition("?")[0] in archives
    return f"{folder if beside else mirror.rstrip('/')}/{name}"


def arrays(name: str, folder: Path) -> list[np.ndarray]:
    """Training images, training labels, test images and test labels of `name`, uint8.

    Archives are kept in `folder`, so that a call after a failure does not fetch again
    what has come.

    Raises:
        DataError: an archive could not be had, or was not as published.
        StorageError: `folder` cannot be written or its disk is full.
    """
    from torchvision.datasets import MNIST

    wanted = archives(name)
    try:
        kept = [fetch(archive, folder) for archive in wanted]
        for path in folder.rglob("*"):  # what an interrupted unpacking left
            if path.is_file() and path not in kept:
                path.unlink()
        if name == "cifar10":
            return pickles.cifar10(kept[0])
        parts = [MNIST(folder, train=train, download=True) for train in (True, False)]
    except (DataError, RuntimeError) as problem:
        raise DataError(
            f"{name} could not be downloaded ({problem}): check the network and try "
            "again (what has come is kept), name a mirror in CPLIB_MIRROR, put "
            f"{name}.npz into {folder.parent}, or set CPLIB_DATA to a folder that "
            "holds it. The scales 'smoke' and 'demo' need no download."
        ) from problem
    except CplibError:
        raise
    except OSError as error:
        raise files.storage_error(folder, error) from error
    found = []
    for part in parts:
        found += [np.asarray(part.data, np.uint8), np.asarray(part.targets, np.uint8)]
    return found


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one process at a time make `path`; the others wait, and say so."""
    with contextlib.ExitStack() as stack:
        if not stack.enter_context(locks.hold(lock_of(path))):
            console.say(f"Another process makes {path}; waiting for it.")
            stack.enter_context(locks.hold(lock_of(path), wait=True))
        yield


def lock_of(path: Path) -> Path:
    """The file whose lock a process holds that makes `path`."""
    return path.with_suffix(".lock")


def fetch(archive: Archive, folder: Path) -> Path:
    """The archive's path under `folder`, where it lies whole and verified.

    Raises:
        DataError: no address gave it; the message says why, for each.
        StorageError: `folder` cannot be written or its disk is full.
    """
    target = folder / archive.place
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and _md5(target) == archive.md5:
        return target
    part = target.with_name(f"{target.name}.part")
    problems = []
    for url in archive.urls:
        try:
            _receive_verified(url, part, archive.md5)
        except _Failed as problem:
            problems.append(f"{url}: {problem}")
            continue
        os.replace(part, target)
        return target
    raise _Failed("; ".join(problems))


def _receive_verified(url: str, part: Path, md5: str) -> None:
    for _ in range(2):
        resumed = _size(part) > 0
        _receive(url, part)
        if _md5(part) == md5:
            return
        part.unlink()
        if not resumed:  # else the beginning may be what was wrong: once more
            break
    raise _Failed("the file that came has another checksum than the published one")


def _receive(url: str, part: Path) -> None:
    """Bring `part` to the length that the server gives, going on when cut off."""
    failures = 0
    while True:
        before = _size(part)
        try:
            return _request(url, part)
        except CplibError:  # the disk's fault, not the network's
            raise
        except urllib.error.HTTPError as error:
            if error.code == 416 and before:  # nothing is left to ask for
                return None
            if error.code < 500:
                raise _Failed(f"HTTP {error.code} {error.reason}") from error
            problem = f"HTTP {error.code} {error.reason}"
        except urllib.error.URLError as error:
            problem = str(error.reason)
        except (OSError, http.client.HTTPException) as error:
            problem = str(error) or type(error).__name__
        failures = 1 if _size(part) > before else failures + 1
        if failures == TRIES:
            raise _Failed(problem)
        time.sleep(PAUSE * failures)


def _request(url: str, part: Path) -> None:
    """One answer of the server, appended to `part` or, if it is the whole, instead."""
    start = _size(part)
    headers = {"User-Agent": "cplib"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    with _opened(part) as file, urllib.request.urlopen(request, timeout=SILENCE) as got:
        if not got.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            start = 0  # a server without Range sends the whole
        length = got.headers.get("Content-Length")
        total = start + int(length) if length else None
        file.truncate(start)
        label = Path(url).name
        with console.bar(
            desc=label, total=total, initial=start, unit="B", unit_scale=True
        ) as bar:
            while chunk := got.read1(CHUNK):
                _append(file, chunk, part)
                bar.update(len(chunk))
    if total is not None and _size(part) < total:
        have, all_ = _size(part) / 1e6, total / 1e6
        raise ConnectionError(f"cut off after {have:.1f} of {all_:.1f} MB")


def _opened(part: Path) -> io.FileIO:
    try:
        return open(part, "ab", buffering=0)
    except OSError as error:
        raise files.storage_error(part.parent, error) from error


def _append(file: io.FileIO, chunk: bytes, part: Path) -> None:
    """Write all of `chunk`; what a disk that fills up still takes is kept."""
    try:
        while chunk:
            chunk = chunk[file.write(chunk) :]
    except OSError as error:
        raise files.storage_error(part.parent, error) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _md5(path: Path) -> str:
    # it tells damage, not forgery: machines that forbid MD5 allow that
    with open(path, "rb") as file:
        known = partial(hashlib.md5, usedforsecurity=False)
        return hashlib.file_digest(file, known).hexdigest()

"""Download archives from their servers or a mirror: resumed, verified, with a bar.

CIFAR-10's own server can take an hour for 170 MB. An archive is therefore written to
`NAME.part`; an interrupted download leaves it there, and the next one requests only the
rest (HTTP Range). It is renamed when its MD5 matches the published one.

`$CPLIB_MIRROR` names another source: a folder, or an address (https, http or file),
with the archives under their original names; or one of these archives (`.gz`).
"""

import functools
import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NamedTuple

from .._base import console, files
from ..errors import CplibError, DataError, InputError

CHUNK = 1 << 16  # bytes
SILENCE = 60  # seconds without a byte, after which a connection counts as cut
TRIES = 3  # consecutive attempts without a new byte, for each address
PAUSE = 1.0  # seconds before the second try; twice that before the third
ADDRESS = "https?://|file://(localhost)?/"


class Archive(NamedTuple):
    """A file to fetch: its MD5 (hexadecimal) and the folders that hold it, in order."""

    name: str
    md5: str
    servers: tuple[str, ...]


class _Failed(DataError):
    """A failed download from one address; the message says why."""


def fetch(archive: Archive, folder: Path) -> Path:
    """The path of the archive in `folder`, downloaded and verified.

    Raises:
        DataError: all servers failed; the message says why, for each.
        InputError: `$CPLIB_MIRROR` is neither a folder, nor an archive, nor an address.
        StorageError: `folder` cannot be written or its disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target, part = folder / archive.name, folder / f"{archive.name}.part"
    if target.exists() and _md5(target) == archive.md5:
        return target
    problems = []
    for url in _addresses(archive):
        try:
            _receive(url, part, archive.md5)
            return part.replace(target)
        except _Failed as problem:
            problems.append(f"{url}: {problem}")
    raise _Failed("; ".join(problems))


def _addresses(archive: Archive) -> list[str]:
    """Addresses of the archive: on its servers, or in the mirror (or its folder)."""
    if not os.environ.get("CPLIB_MIRROR"):
        return [server + archive.name for server in archive.servers]
    path = files.named("CPLIB_MIRROR")
    mirror = path.as_uri() if path and path.exists() else os.environ["CPLIB_MIRROR"]
    if not re.match(ADDRESS, mirror):
        raise InputError(
            f"CPLIB_MIRROR={mirror!r}: name a folder that holds {archive.name}, or its "
            "address, beginning with https://, http:// or file:///."
        )
    if urllib.parse.urlsplit(mirror).path.endswith(f"/{archive.name}"):
        return [mirror]
    folder = re.sub(r"/[^/]*\.gz(/|\?.*)?$", "", mirror).rstrip("/")
    return [f"{folder}/{archive.name}"]


def _receive(url: str, part: Path, md5: str) -> None:
    """Download `url` to `part` until its MD5 is `md5`, resuming when cut off."""
    failures, resumed = 0, _size(part) > 0
    while True:
        before = _size(part)
        problem = _asked(url, part)
        if problem is None and _md5(part) == md5:
            return
        if problem is None:
            part.unlink()
            if not resumed:
                raise _Failed("its checksum differs from the published one")
            resumed = False  # its beginning may have been wrong: download all of it
            continue
        failures = 1 if _size(part) > before else failures + 1
        if failures == TRIES:
            raise _Failed(problem)
        time.sleep(PAUSE * failures)


def _asked(url: str, part: Path) -> str | None:
    """Why `part` is not complete after one request; None if it is."""
    try:
        return _request(url, part)
    except CplibError:  # an error of the disk, not of the network
        raise
    except urllib.error.HTTPError as error:
        if error.code == 416 and _size(part):  # nothing is left to ask for
            return None
        problem = f"HTTP {error.code} {error.reason}"
        if error.code < 500:
            raise _Failed(problem) from error
        return problem
    except (OSError, http.client.HTTPException) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


def _request(url: str, part: Path) -> str | None:
    """Append one response to `part`, or replace it by the whole; as `_asked`."""
    start = _size(part)
    headers = {"User-Agent": "cplib"} | ({"Range": f"bytes={start}-"} if start else {})
    request = urllib.request.Request(url, headers=headers)
    with files.writing(part.parent):
        file = open(part, "ab", buffering=0)  # noqa: SIM115
    with file, urllib.request.urlopen(request, timeout=SILENCE) as got:
        if not got.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            start = 0  # a server without Range sends the whole
        length = got.headers.get("Content-Length")
        total = start + int(length) if length else None
        file.truncate(start)
        options = {"desc": Path(url).name, "unit": "B", "unit_scale": True}
        with console.bar(total=total, initial=start, **options) as bar:
            while chunk := got.read1(CHUNK):
                bar.update(len(chunk))
                with files.writing(part.parent):
                    while chunk:  # keep what a disk that fills up still takes
                        chunk = chunk[file.write(chunk) :]
    if total is None or _size(part) >= total:
        return None
    return f"cut off after {_size(part) / 1e6:.1f} of {total / 1e6:.1f} MB"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _md5(path: Path) -> str:
    # against damage, not forgery: so machines that forbid MD5 allow it
    with open(path, "rb") as file:
        known = functools.partial(hashlib.md5, usedforsecurity=False)
        return hashlib.file_digest(file, known).hexdigest()

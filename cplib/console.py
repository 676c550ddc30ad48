"""The terminal: one that knows few characters, a reader that leaves, a key that stops.

A console may know only ASCII, or a code page of Windows, and then Python raises an
error at the first minus sign. Once cplib is imported, such characters are printed as
the nearest that the console has. A stream that was told what to do with them is left
alone.
"""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from collections.abc import Callable
from typing import NoReturn

from .errors import CplibError

__all__ = ["forgive", "nearest", "run"]

NEAREST = {
    "\N{MINUS SIGN}": "-", "–": "-", "×": "x", "·": "*", "±": "+/-", "≥": ">=",
    "≤": "<=", "→": "->", "’": "'", "µ": "u",
}  # fmt: skip
# what Python does by itself with characters that a stream does not know
UNTOLD = {"stdout": ("strict", "surrogateescape"), "stderr": ("backslashreplace",)}
HANDLER = "cplib.nearest"
BROKEN = 141  # status of a program whose reader has gone, as shells give it


def forgive() -> None:
    """Let stdout and stderr print the `nearest` of what they do not know."""
    codecs.register_error(HANDLER, nearest)
    for name, untold in UNTOLD.items():
        stream = getattr(sys, name)
        if getattr(stream, "errors", None) in untold and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)


def nearest(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler for `codecs`: ASCII instead, or "?" where nothing is near.

    Bytes of a file's name that are no characters stay the bytes that they are.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    unknown = error.object[error.start]
    if "\udc80" <= unknown <= "\udcff":
        return bytes([ord(unknown) - 0xDC00]), error.start + 1
    plain = NEAREST.get(unknown) or unicodedata.normalize("NFKD", unknown)
    return plain.encode("ascii", "ignore").decode() or "?", error.start + 1


def run(main: Callable[[], int | None]) -> NoReturn:
    """Call a program's `main`, and exit with the status that it returns.

    What ends a program from outside is said in a sentence: a refusal of cplib's,
    Control-C, a file or folder that cannot be used. When the reader of its output went
    away, as `head` does, it ends in silence.
    """
    try:
        status = _said(main)
    except BrokenPipeError:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        status = BROKEN
    sys.exit(status)


def _said(main: Callable[[], int | None]) -> int | None:
    """Status of `main`, all of whose output has gone out."""
    try:
        return main()
    except CplibError as error:
        return _say(str(error), 2)
    except KeyboardInterrupt:
        return _say("Interrupted.", 130)
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.filename is None:
            raise
        why = error.strerror or error
        return _say(f"{error.filename} cannot be used ({why}): name another.", 1)
    finally:
        if sys.stdout:
            sys.stdout.flush()


def _say(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)
    return status

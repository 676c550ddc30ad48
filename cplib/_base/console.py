"""The terminal, which may know few characters, lead nowhere, or not be there.

A console may know only ASCII, or a code page of Windows, and then Python raises an
error at the first minus sign. Once cplib is imported, such characters are printed as
the nearest that the console has. A stream that was told what to do with them is left
alone. Some programs have no stderr (`pythonw`, many servers), or one that is closed, or
an object that only writes. Nothing that is said here ends the work that it is said of.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import NoReturn, TextIO

from tqdm import tqdm

from ..errors import CplibError

__all__ = ["bar", "forgive", "nearest", "present", "run", "say"]

NEAREST = {
    "\N{MINUS SIGN}": "-", "–": "-", "×": "x", "·": "*", "±": "+/-", "≥": ">=",
    "≤": "<=", "→": "->", "’": "'", "µ": "u",
}  # fmt: skip
# what Python does by itself with characters that a stream does not know
UNTOLD = {"stdout": ("strict", "surrogateescape"), "stderr": ("backslashreplace",)}
HANDLER = "cplib.nearest"
LEFT = 141  # status of a program whose reader has gone, as shells give it
BROKEN = (AttributeError, OSError, ValueError)  # a stream that is None, gone, closed


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


def say(words: str) -> None:
    """Print `words` on stderr, if there is one."""
    if sys.stderr is not None:  # else `print` would take stdout
        with contextlib.suppress(*BROKEN):
            print(words, file=sys.stderr)


def bar(hidden: bool = False, **options) -> tqdm:
    """A bar on stderr, unless it is to be `hidden`; `options` are tqdm's.

    In a log, which grows by a line each time, it moves every two seconds.
    """
    interval = 2.0
    with contextlib.suppress(*BROKEN):
        interval = 0.1 if sys.stderr.isatty() else interval
    hidden = hidden or not _works(sys.stderr)
    return tqdm(disable=hidden, mininterval=interval, **options)


@contextlib.contextmanager
def present() -> Iterator[None]:
    """Within: stdout and stderr are there, if only to lead nowhere.

    loky flushes both before it starts a process. And where the descriptors of the two
    are closed, a pipe would get their numbers, and whatever a library writes there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # the lowest number that is free is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    with contextlib.ExitStack() as stack:
        nowhere = stack.enter_context(open(os.devnull, "w"))
        if not _works(sys.stdout):
            stack.enter_context(contextlib.redirect_stdout(nowhere))
        if not _works(sys.stderr):
            stack.enter_context(contextlib.redirect_stderr(nowhere))
        yield


def _works(stream: TextIO | None) -> bool:
    with contextlib.suppress(*BROKEN):
        stream.write("")
        stream.flush()
        return True
    return False


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
        status = LEFT
    sys.exit(status)


def _said(main: Callable[[], int | None]) -> int | None:
    """Status of `main`, all of whose output has gone out."""
    try:
        return main()
    except CplibError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.filename is None:
            raise
        why = error.strerror or error
        say(f"{error.filename} cannot be used ({why}): name another.")
        return 1
    finally:
        if sys.stdout:
            sys.stdout.flush()

"""Console output in any encoding, and with closed or missing streams.

On a console limited to ASCII or to a Windows code page, Python raises an error at the
first minus sign. After cplib is imported, the nearest available character is printed
instead, unless the user has chosen the stream's error handler. Some programs have no
stderr (`pythonw`, many servers), a closed one, or an object that can only write. No
message printed here interrupts the work that it reports on.
"""

import codecs
import contextlib
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import NoReturn, TextIO

from tqdm import tqdm

from ..errors import CplibError

NEAREST = {
    "\N{MINUS SIGN}": "-", "–": "-", "×": "x", "·": "*", "±": "+/-", "≥": ">=",
    "≤": "<=", "→": "->", "’": "'", "µ": "u", "●": "+",
    "◐": "~",
}  # fmt: skip
# the error handlers that Python sets by itself
DEFAULTS = {"stdout": ("strict", "surrogateescape"), "stderr": ("backslashreplace",)}
HANDLER = "cplib.nearest"
BROKEN = (AttributeError, OSError, ValueError)  # a stream that is None, gone or closed
READER_GONE = 141  # exit status, as shells report it


def forgive() -> None:
    """Make stdout and stderr print `nearest` for characters that they cannot encode."""
    codecs.register_error(HANDLER, nearest)
    for name, defaults in DEFAULTS.items():
        stream = getattr(sys, name)
        if getattr(stream, "errors", 0) in defaults and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)


def nearest(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler for `codecs`: an ASCII substitute, or "?".

    Bytes of a file name that could not be decoded are kept.
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
    if sys.stderr is not None:  # else `print` would use stdout
        with contextlib.suppress(*BROKEN):
            print(words, file=sys.stderr)


def bar(hidden: bool = False, **options) -> tqdm:
    """A progress bar on stderr, unless `hidden`; `options` are tqdm's.

    In a log file, where each update is a new line, it is updated every two seconds.
    """
    interval = 2.0
    with contextlib.suppress(*BROKEN):
        interval = 0.1 if sys.stderr.isatty() else interval
    hidden = hidden or not _works(sys.stderr)
    return tqdm(disable=hidden, mininterval=interval, **options)


@contextlib.contextmanager
def present() -> Iterator[None]:
    """Context in which stdout and stderr exist, if only as the null device.

    loky flushes both before it starts a process. If their descriptors were closed, a
    new pipe would get their numbers, and with them what a library writes to stderr.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # `open` returns the lowest free number, which is this one
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
    """Call a program's `main` and exit with the status that it returns.

    An error of cplib, Control-C and an unusable file are reported in one sentence. The
    program ends silently when the reader of its output, such as `head`, has closed it.
    """
    try:
        status = _reported(main)
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        status = READER_GONE
    sys.exit(status)


def _reported(main: Callable[[], int | None]) -> int | None:
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
        say(f"{error.filename} cannot be used ({error.strerror}): name another file.")
        return 1

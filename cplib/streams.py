"""What is said on stderr to whoever watches: sentences, and bars that fill.

Some programs have no stderr (`pythonw`, many servers), or one that is closed, or an
object that only writes. Nothing that is said here ends the work that it is said of.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from tqdm import tqdm

__all__ = ["bar", "present", "say"]

BROKEN = (AttributeError, OSError, ValueError)  # None, gone, closed


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

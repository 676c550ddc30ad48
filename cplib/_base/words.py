"""What readers see, in the language of a message catalogue."""

import functools
import gettext
from pathlib import Path

from . import files


def translated(message: str, **parts: object) -> str:
    """`message` in the language of `$CPLIB_MESSAGES`, with `parts` filled in.

    The variable names a compiled catalogue; without one, or where it lacks the message,
    the words stay English.
    """
    file = files.named("CPLIB_MESSAGES")
    words = _catalogue(file).gettext(message) if file and message else message
    return words.format(**parts) if parts else words


@functools.cache
def _catalogue(file: Path) -> gettext.GNUTranslations:
    with file.open("rb") as opened:
        return gettext.GNUTranslations(opened)

"""Exceptions whose message, one sentence, names the bad value and the remedy."""

__all__ = ["CplibError", "DataError", "InputError", "StorageError"]


class CplibError(Exception):
    """Anything that `cplib` refuses or cannot do; the message says what to do."""


class InputError(CplibError, ValueError):
    """A value that cannot be right: an unknown name, an impossible window."""


class DataError(CplibError):
    """A data set or stored result that is missing, damaged or unobtainable."""


class StorageError(CplibError, OSError):
    """A folder that cannot be written or a disk that is full."""

"""Numbers as people give them, NumPy's among them, made plain or refused.

What a study is made of goes into hashes and JSON. There `np.int64(4)` must be what 4
is, so it is not only let through but becomes an `int`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real

import numpy as np

from ..errors import InputError

__all__ = ["flag", "number", "seed", "settle", "whole"]

SEEDS = 2**63  # as many as PyTorch and the columns of tables can hold


def whole(what: str, value: object, low: int, high: float = math.inf) -> int:
    """`value` as an `int`, if it is a whole number from `low` to `high`.

    Raises:
        InputError: it is not; the sentence begins with `what`.
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        if low <= int(value) <= high:
            return int(value)
    wanted = f"{low} or more" if high == math.inf else f"from {low} to {high}"
    raise InputError(f"{what}={value!r} must be {wanted}, a whole number.")


def seed(value: object) -> int:
    """`value` as a run's seed; `InputError` if it cannot be one."""
    plain = whole("seed", value, 0)
    if plain >= SEEDS:
        raise InputError(f"seed={plain} is too large: choose one below {SEEDS}.")
    return plain


def number(what: str, value: object, positive: bool = False) -> int | float:
    """`value` as an `int` or `float`, if it is finite and 0 or more, or above 0.

    Raises:
        InputError: it is not; the sentence begins with `what`.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        plain = int(value) if isinstance(value, Integral) else float(value)
        if math.isfinite(plain) and (plain > 0 or (plain == 0 and not positive)):
            return plain
    wanted = "positive" if positive else "0 or more"
    raise InputError(f"{what}={value!r} must be {wanted}, a number.")


def flag(what: str, value: object) -> bool:
    """`value` as a `bool`; `InputError`, beginning with `what`, if it is none."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise InputError(f"{what}={value!r} must be True or False.")


def settle(spec: object, names: str, check: Callable, *limits: float) -> None:
    """Make the fields `names` of a frozen dataclass what `check` makes of them."""
    for name in names.split():
        what = f"{type(spec).__name__}: {name}"
        object.__setattr__(spec, name, check(what, getattr(spec, name), *limits))

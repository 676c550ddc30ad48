"""Convert numbers from users, NumPy's included, to plain ones, or reject them.

The values of a study go into hashes and JSON, where `np.int64(4)` must equal 4: it is
therefore converted to an `int`.
"""

import math
from collections.abc import Callable, Iterable
from numbers import Integral, Real

import numpy as np

from ..errors import InputError

SEEDS = 2**63  # as many as PyTorch and the columns of tables can hold
Seeds = int | str | Iterable[int]  # their number, a list of them, or text like "0,1,2"


def whole(what: str, value: object, low: int, high: float = math.inf) -> int:
    """`value` as an `int`; `InputError` unless it is whole, from `low` to `high`."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        if low <= int(value) <= high:
            return int(value)
    wanted = f", {low} or more" if high == math.inf else f" from {low} to {high}"
    raise InputError(f"{what}={value!r} must be a whole number{wanted}.")


def seed(value: object) -> int:
    """`value` as a run's seed; `InputError` if it cannot be one."""
    plain = whole("seed", value, 0)
    if plain >= SEEDS:
        raise InputError(f"seed={plain} is too large: choose one below {SEEDS}.")
    return plain


def seeds(value: Seeds, stored: Iterable[int] = ()) -> list[int]:
    """Seeds, without repeats, from their number, a list of them, or text like "0,1,2".

    "all" are those that are `stored`, or 0, 1 and 2 if there are none. `InputError`
    unless there is at least one seed, each a whole number, 0 or more.
    """
    value = (list(stored) or 3) if str(value).strip() == "all" else value
    if isinstance(value, str):
        try:
            listed = [int(part) for part in value.strip("[]() ").split(",") if part]
        except ValueError:
            raise InputError(
                f"seeds={value!r}: write whole numbers, such as 3 or '0,1,2', or 'all'."
            ) from None
        value = listed[0] if len(listed) == 1 and "," not in value else listed
    try:
        listed = list(value)
    except TypeError:
        return list(range(whole("seeds", value, 1)))
    if not listed:
        raise InputError(f"seeds={value!r}: name at least one, for example [0].")
    return list(dict.fromkeys(map(seed, listed)))


def number(what: str, value: object, positive: bool = False) -> int | float:
    """`value`, plain; `InputError` unless finite and 0 or more, or positive."""
    if isinstance(value, Real) and not isinstance(value, bool):
        plain = int(value) if isinstance(value, Integral) else float(value)
        if math.isfinite(plain) and (plain > 0 or (plain == 0 and not positive)):
            return plain
    wanted = "a positive number" if positive else "a number, 0 or more"
    raise InputError(f"{what}={value!r} must be {wanted}.")


def flag(what: str, value: object) -> bool:
    """`value` as a `bool`; `InputError` if it is not one."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise InputError(f"{what}={value!r} must be True or False.")


def choose(what: str, value: object, known: Iterable, more: str = "") -> None:
    """Raise `InputError`, which ends with `more`, unless `value` is one of `known`."""
    if value not in (names := list(known)):  # it need not be hashable
        listed = ", ".join(map(str, names))
        raise InputError(f"Unknown {what} {value!r}: choose one of {listed}{more}.")


def settle(spec: object, names: str, check: Callable, *limits: float) -> None:
    """Replace the fields `names` of a frozen dataclass by what `check` returns."""
    for name in names.split():
        what = f"{type(spec).__name__}: {name}"
        object.__setattr__(spec, name, check(what, getattr(spec, name), *limits))

"""Check an exercise answer by behaviour and match it to known mistakes.

Answers are functions. The behaviour of an answer is compared with that of a reference,
which finds the answer in another way. A known mistake is a function, too: an answer
that behaves like it gets its hint, however it is written.
"""

import copy
import functools
import html
import inspect
import re
import tomllib
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import torch

from .._base.words import translated as _

TOLERANCE = {"rtol": 1e-4, "atol": 1e-9, "equal_nan": True}
HEADS = {"passed": _("Passed"), "unanswered": _("Not yet answered")}
HEADS["wrong"] = _("Not right yet")
HINTS = tomllib.loads((files(__package__) / "hints.toml").read_text("utf-8"))
Observations = list[tuple[str, Any]]  # pairs of description and value


class NotRight(Exception):
    """An answer that cannot be right; the message says what it does."""


class _Unanswered(Exception):
    """The unchanged stub."""


@dataclass(frozen=True)
class Exercise:
    """A checked exercise.

    `wrong` takes the arguments of an answer, and returns the value that each known
    mistake gives, by its name in `hints.toml`. If the value of a call is not enough,
    `observe` takes an answer, and returns descriptions, each with an array or a word.
    """

    name: str  # as in `check`, in the labels and in the tags of its cells
    reference: Callable  # a right answer
    wrong: Callable[..., dict[str, Any]]
    cases: tuple[tuple, ...] = ()  # the arguments of each call that is compared
    observe: Callable[[Callable], Observations] | None = None  # in place of `cases`
    words: tuple[str, ...] = ()  # the possible answers, if they are words

    @functools.cached_property
    def mistakes(self) -> dict[str, Callable]:
        """A function for each known mistake, by its hint."""
        names, hints = [], HINTS.get(self.name, {})

        def listen(*arguments: Any) -> None:
            names.extend(self.wrong(*arguments))
            raise NotRight

        self.behaviour(listen)
        return {
            hints.get(n, n): lambda *arguments, n=n: self.wrong(*arguments)[n]
            for n in names
        }

    def behaviour(self, function: Callable) -> Observations | str:
        """Observations of `function`, or a sentence why it cannot be right."""
        answered = []

        def answer(*arguments: Any) -> np.ndarray | str:
            value = function(*copy.deepcopy(arguments))
            if value is ... or (value is None and not answered):
                raise _Unanswered
            answered.append(value)
            return _plain(value, self.words)

        try:
            if self.observe:
                return self.observe(answer)
            return [(self._call(case), answer(*case)) for case in self.cases]
        except NotRight as problem:
            return str(problem)

    def _call(self, case: tuple) -> str:
        names = inspect.signature(self.reference).parameters
        given = (f"{n} = {_brief(v)}" for n, v in zip(names, case, strict=True))
        return f"with {', '.join(given)} it gives"


@dataclass(frozen=True, repr=False)
class Outcome:
    """What `check` found: "passed", "unanswered" or "wrong", and a sentence or two."""

    state: str
    message: str

    def __repr__(self) -> str:
        return f"{HEADS[self.state]}: {self.message}"

    def _repr_html_(self) -> str:
        escaped = html.escape(self.message)
        message = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
        return (
            f'<p class="cplib-check" role="status" data-state="{self.state}">'
            f"<strong>{HEADS[self.state]}:</strong> {message}</p>"
        )


def examine(exercise: Exercise, answer: Any) -> Outcome:
    """Try the reader's `answer`; errors in it are reported, never raised."""
    stub = _("put your answer in the place of `...`, and run the cell.")
    if answer is None or answer is ...:
        return Outcome("unanswered", stub)
    if not callable(answer):
        kind = f"this is a value ({type(answer).__name__})."
        return Outcome("wrong", f"{kind} Pass the function itself, without brackets.")
    try:
        seen = exercise.behaviour(answer)
    except _Unanswered:
        stub += " " + _("A function must `return` its answer.")
        return Outcome("unanswered", stub)
    except Exception as error:  # the reader's code may raise anything
        return Outcome("wrong", _stopped(error, answer))
    right = exercise.behaviour(exercise.reference)
    wrong = _differences(seen, right)
    if not wrong:
        return Outcome("passed", _("right in all {count} checks.", count=len(right)))
    for hint, mistake in exercise.mistakes.items():
        if not _differences(seen, exercise.behaviour(mistake)):
            return Outcome("wrong", hint)
    differ = f"{wrong[0]} ({len(wrong)} of {len(right)} checks differ.)"
    return Outcome("wrong", seen if isinstance(seen, str) else differ)


def shaped(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`value` if it has this `shape`, else `NotRight`."""
    if value.shape != tuple(shape):
        given = _shape_words(value.shape)
        raise NotRight(f"it gives {given}, but {_shape_words(shape)} is asked for.")
    return value


def randomly(seed: int) -> torch.Generator:
    """A random generator started from `seed`."""
    return torch.Generator().manual_seed(seed)


def _plain(value: Any, words: tuple[str, ...]) -> np.ndarray | str:
    """An answer as an array of numbers, or as one of `words` if there are any."""
    if words:
        if isinstance(value, str) and value in words:
            return value
        known = ", ".join(map(repr, words))
        raise NotRight(f"it gives {value!r}, which is none of the words {known}.")
    with suppress(TypeError, ValueError, RuntimeError):
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu()
        if value is not None and not isinstance(value, str):
            return np.asarray(value, dtype=float)
    kind = type(value).__name__
    raise NotRight(f"it gives a {kind} where numbers are expected.")


def _differences(seen: Observations | str, right: Observations | str) -> list[str]:
    """A sentence for each observation that differs from the right one."""
    if isinstance(seen, str) or isinstance(right, str):
        return [] if seen == right else ["it differs"]
    pairs = zip(seen, right, strict=True)
    return [f"{what} {_brief(v, w)}." for (what, v), (_, w) in pairs if not _same(v, w)]


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) or isinstance(wanted, str):
        return isinstance(value, str) and value == wanted
    same_shape = np.shape(value) == np.shape(wanted)
    return same_shape and np.allclose(value, wanted, **TOLERANCE)


def _shape_words(shape: tuple[int, ...]) -> str:
    return f"an array of shape {tuple(shape)}" if shape else "a single number"


def _brief(value: Any, wanted: Any = None) -> str:
    """A value in a few characters; only its shape if another shape is `wanted`."""
    array, shape = np.asarray(value), np.shape(wanted)
    if wanted is not None and array.shape != shape:
        return f"{_shape_words(array.shape)} in place of {_shape_words(shape)}"
    if isinstance(value, str):
        return value
    if array.size > 6:
        return _shape_words(array.shape)
    shown = [f"{number:.4g}" for number in array.ravel().astype(float)]
    return f"[{', '.join(shown)}]" if array.ndim else shown[0]


def _stopped(error: Exception, answer: Callable) -> str:
    """The reader's error in a sentence, with the last line of their code that ran."""
    path = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [(f" in line {f.lineno}", f.line) for f in frames if f.filename == path]
    where, line = own[-1] if own else ("", None)
    where += f", `{line}`," if line else ""
    return f"your code stopped{where} with {type(error).__name__}: {error}."

"""What an answer to an exercise does, and which known mistake does the same.

The answers to check are functions. An exercise observes what a function does on several
inputs. The right observations are those of a reference that finds the answer in another
way. A known mistake is a function, too: whoever's answer does the same as a mistake is
given that mistake's hint, however it is written.
"""

from __future__ import annotations

import copy
import html
import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

__all__ = ["Exercise", "Mistake", "NotRight", "Outcome", "calls", "examine", "shaped"]

TOLERANCE = 1e-4  # largest relative error of a number
HEADS = {
    "passed": "Passed",
    "unanswered": "Not yet answered",
    "wrong": "Not right yet",
}
Observations = list[tuple[str, Any]]  # what was looked at, and what was seen


class NotRight(Exception):
    """An answer that cannot be right; the message says what it does."""


class _Unanswered(Exception):
    """The stub as it was."""


@dataclass(frozen=True)
class Mistake:
    """A common mistake: a function that makes it, and the hint for those who do."""

    answer: Callable
    hint: str


@dataclass(frozen=True)
class Exercise:
    """A checked exercise.

    Attributes:
        name: as in `check`, in the labels and in the tags of its cells.
        reference: a right answer, found in another way than readers are expected to.
        observe: takes an answer, and gives what it does on several inputs: numbers,
            arrays or words, each with a phrase that says what was looked at.
        mistakes: those that are known.
    """

    name: str
    reference: Callable
    observe: Callable[[Callable], Observations]
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, repr=False)
class Outcome:
    """What `check` found: a state and a message; a notebook shows both as a line.

    Attributes:
        state: "passed", "unanswered" or "wrong".
        message: one or two sentences, code in backticks.
    """

    state: str
    message: str

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.state == "passed"

    def __repr__(self) -> str:
        return f"{HEADS[self.state]}: {self.message}"

    def _repr_html_(self) -> str:
        code = r"<code>\1</code>"
        message = re.sub(r"`([^`]+)`", code, html.escape(self.message))
        return (
            f'<p class="cplib-check" role="status" data-state="{self.state}">'
            f"<strong>{HEADS[self.state]}:</strong> {message}</p>"
        )


def examine(exercise: Exercise, answer: Any) -> Outcome:
    """Try the reader's `answer`. Nothing that it does wrong raises an error here."""
    stub = "put your answer in the place of `...`, and run the cell."
    if answer is None or answer is ...:
        return Outcome("unanswered", stub)
    if not callable(answer):
        kind = type(answer).__name__
        message = f"this is a value ({kind}). Hand over the function, without brackets."
        return Outcome("wrong", message)
    try:
        seen = exercise.observe(_Answer(answer))
    except _Unanswered:
        return Outcome("unanswered", stub + " A function must `return` its answer.")
    except NotRight as problem:
        seen = str(problem)
    except Exception as error:  # the reader's code may raise anything
        return Outcome("wrong", _stopped(error, answer))
    right = exercise.observe(_Answer(exercise.reference))
    wrong = _differences(seen, right)
    if not wrong:
        return Outcome("passed", f"right in all {len(right)} checks.")
    for mistake in exercise.mistakes:
        if not _differences(seen, observations(exercise, mistake.answer)):
            return Outcome("wrong", mistake.hint)
    if isinstance(seen, str):
        return Outcome("wrong", seen)
    return Outcome("wrong", f"{wrong[0]} ({len(wrong)} of {len(right)} checks differ.)")


def observations(exercise: Exercise, answer: Callable) -> Observations | str:
    """What a known `answer` does, or why it cannot be right."""
    try:
        return exercise.observe(_Answer(answer))
    except NotRight as problem:
        return str(problem)


def calls(cases: Iterable[dict[str, Any]]) -> Callable[[Callable], Observations]:
    """An `observe` that calls the answer with each of `cases`, arguments by name."""
    cases = list(cases)

    def observe(answer: Callable) -> Observations:
        seen = []
        for case in cases:
            given = ", ".join(
                f"{name} = {_brief(value)}" for name, value in case.items()
            )
            seen.append((f"with {given} it gives", answer(*case.values())))
        return seen

    return observe


def shaped(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`value`, of the `shape` that was asked for, or `NotRight`."""
    if value.shape != tuple(shape):
        given = _shape_words(value.shape)
        raise NotRight(f"it gives {given}, and {_shape_words(shape)} is asked for.")
    return value


class _Answer:
    """A function whose arguments are copies and whose results are float arrays."""

    def __init__(self, function: Callable):
        self.function = function
        self.answered = False

    def __call__(self, *arguments: Any) -> np.ndarray:
        value = self.function(*copy.deepcopy(arguments))
        if value is ... or (value is None and not self.answered):
            raise _Unanswered
        self.answered = True
        try:
            if isinstance(value, torch.Tensor):
                value = value.detach().cpu()
            if value is not None and not isinstance(value, str):
                return np.asarray(value, dtype=float)
        except (TypeError, ValueError, RuntimeError):
            pass
        kind = type(value).__name__
        raise NotRight(f"it gives a {kind} where numbers are expected.")


def _differences(seen: Observations | str, right: Observations | str) -> list[str]:
    """A sentence for each observation that is not as it should be."""
    if isinstance(seen, str) or isinstance(right, str):
        return [] if seen == right else ["it differs"]
    pairs = zip(seen, right, strict=True)
    return [
        f"{what} {_difference_words(value, wanted)}."
        for (what, value), (_, wanted) in pairs
        if not _same(value, wanted)
    ]


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) or isinstance(wanted, str):
        return isinstance(value, str) and value == wanted
    options = {"rtol": TOLERANCE, "atol": 1e-9, "equal_nan": True}
    same_shape = np.shape(value) == np.shape(wanted)
    return same_shape and bool(np.allclose(value, wanted, **options))


def _difference_words(value: Any, wanted: Any) -> str:
    shapes = [_shape_words(np.shape(each)) for each in (value, wanted)]
    return _brief(value) if shapes[0] == shapes[1] else " in place of ".join(shapes)


def _shape_words(shape: tuple[int, ...]) -> str:
    return f"an array of shape {tuple(shape)}" if shape else "a single number"


def _brief(value: Any) -> str:
    """A value in a few characters."""
    if isinstance(value, str):
        return value
    array = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    array = np.asarray(array)
    if array.size > 6:
        return f"an array of shape {array.shape}"
    shown = [f"{number:.4g}" for number in array.ravel().astype(float)]
    return f"[{', '.join(shown)}]" if array.ndim else shown[0]


def _stopped(error: Exception, answer: Callable) -> str:
    """The reader's error in a sentence, with the last line of the reader's that ran."""
    code = getattr(answer, "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    name = type(error).__name__
    if not own:
        return f"your code stopped with {name}: {error}."
    line = f", `{own[-1].line}`," if own[-1].line else ""
    return f"your code stopped in line {own[-1].lineno}{line} with {name}: {error}."

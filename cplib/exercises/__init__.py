"""The book's checked exercises, and `check`, which tries a reader's answer."""

from importlib import import_module
from typing import Any

from .._base.plain import choose
from .checker import Exercise, Outcome, examine

__all__ = ["CHAPTERS", "EXERCISES", "check"]

CHAPTERS = (
    "experiment blur high_level deprivation architecture depth fisher layers scorecard"
).split()
EXERCISES: dict[str, Exercise] = {
    value.name: value
    for chapter in CHAPTERS
    for value in vars(import_module(f".{chapter}", __name__)).values()
    if isinstance(value, Exercise)
}


def check(name: str, answer: Any) -> Outcome:
    """Try a reader's `answer` to the exercise `name`; a notebook shows the outcome."""
    choose("exercise", name, EXERCISES)
    return examine(EXERCISES[name], answer)

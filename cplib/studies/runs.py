"""Runs, and studies that compare them.

A `Study` is a set of runs that share one `Setup`. It says nothing about seeds, devices
or workers: these are chosen when it is run.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from .._base.plain import settle, whole
from ..deficits import Deficit
from ..errors import InputError
from ..training import METRICS, NUMERICS, Setup

__all__ = ["Run", "Study", "Window", "sweep", "windows"]


class Window(NamedTuple):
    """A deficit in epochs onset <= e < removal."""

    deficit: Deficit
    onset: int
    removal: int

    @property
    def title(self) -> str:
        """In words: 'blur 0–40'."""
        return f"{self.deficit.title} {self.onset}–{self.removal}"


@dataclass(frozen=True)
class Run:
    """One training run, but for its seed.

    Attributes:
        windows: when it sees which deficit, in order; empty for a clean run. Given as
            (deficit, onset, removal), one or several.
        epochs: length of the whole run.
    """

    windows: tuple[Window, ...]
    epochs: int

    def __post_init__(self):
        object.__setattr__(self, "windows", _joined(map(_window, self.windows)))
        settle(self, "epochs", whole, 0)
        if self.removal > self.epochs:
            raise InputError(
                f"The deficit ends (removal={self.removal}) after the run does "
                f"(epochs={self.epochs}): choose removal <= epochs."
            )

    @property
    def clean(self) -> bool:
        """Whether it sees no deficit."""
        return not self.windows

    @property
    def deficits(self) -> tuple[Deficit, ...]:
        """The deficits that it sees, each once, in order."""
        return tuple(dict.fromkeys(window.deficit for window in self.windows))

    @property
    def onset(self) -> int:
        """Epoch at which the first deficit begins; 0 for a clean run."""
        return self.windows[0].onset if self.windows else 0

    @property
    def removal(self) -> int:
        """Epoch at which the last deficit ends; 0 for a clean run."""
        return self.windows[-1].removal if self.windows else 0

    @property
    def name(self) -> str:
        """Its deficits as tables name them: 'none', 'blur', 'blur+noise'."""
        return "+".join(d.name for d in self.deficits) or Deficit().name

    @property
    def label(self) -> str:
        """Its deficits as figures name them: 'no deficit', 'blur, then noise'."""
        return ", then ".join(d.title for d in self.deficits) or Deficit().title

    @property
    def title(self) -> str:
        """Its windows in words: 'no deficit', 'blur 0–10, noise 20–30'."""
        return ", ".join(w.title for w in self.windows) or Deficit().title

    def sees(self, epoch: int) -> Deficit | None:
        """The deficit in epoch `epoch`, counted from 0; None where it is clean."""
        shown = (w.deficit for w in self.windows if w.onset <= epoch < w.removal)
        return next(shown, None)

    def phases(self, end: int | None = None) -> list[tuple[Deficit | None, int]]:
        """Pairs (deficit or None, epoch at which it ends) from epoch 0 to `end`."""
        end = self.epochs if end is None else end
        phases: list[tuple[Deficit | None, int]] = []
        for deficit, onset, removal in self.windows:
            phases += [(None, onset), (deficit, removal)]
        phases = [(deficit, min(stop, end)) for deficit, stop in [*phases, (None, end)]]
        starts = [0, *(stop for _, stop in phases)]
        return [p for p, start in zip(phases, starts, strict=False) if p[1] > start]

    def history(self, epoch: int) -> tuple[Window, ...]:
        """The windows that a network has lived through after `epoch` epochs.

        Runs with equal histories are in the same state then.
        """
        lived = (w._replace(removal=min(w.removal, epoch)) for w in self.windows)
        return tuple(window for window in lived if window.onset < window.removal)

    def spec(self) -> dict:
        """The run as plain values."""
        windows = [{**w._asdict(), "deficit": w.deficit.spec()} for w in self.windows]
        if len(windows) > 1:
            return {"windows": windows, "epochs": self.epochs}
        clean = {"deficit": None, "onset": 0, "removal": 0}
        return {**(windows[0] if windows else clean), "epochs": self.epochs}


def _joined(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The windows, with those that one deficit shares a border with made one."""
    joined: list[Window] = []
    for window in windows:
        last = joined[-1] if joined else None
        if last and last.removal > window.onset:
            raise InputError(
                f"{last.title} and {window.title} overlap: list windows in order, and "
                "write a deficit that does both for epochs that they share."
            )
        if last and last.onset == last.removal:  # nobody sees it
            joined.pop()
            last = joined[-1] if joined else None
        if last and (last.deficit, last.removal) == (window.deficit, window.onset):
            window = joined.pop()._replace(removal=window.removal)
        joined.append(window)
    if len(joined) > 1 and joined[-1].onset == joined[-1].removal:
        joined.pop()
    return tuple(joined)


def _window(given: tuple[Deficit, int, int]) -> Window:
    try:
        deficit, onset, removal = given
    except (TypeError, ValueError):
        raise InputError(
            f"{given!r} is no window: write (deficit, onset, removal), for example "
            "(Blur(), 0, 10)."
        ) from None
    if not isinstance(deficit, Deficit):
        raise InputError(f"{deficit!r} is no deficit: choose one, for example Blur().")
    window = Window(deficit, whole("onset", onset, 0), whole("removal", removal, 0))
    if window.onset > window.removal:
        raise InputError(
            f"The deficit ends (removal={removal}) before it begins (onset={onset}): "
            "choose onset <= removal."
        )
    return window


@dataclass(frozen=True)
class Study:
    """Runs to compare, all with one setup.

    Attributes:
        name: the paper's panel ('1TL') or a name of ours ('demo').
        scale: one of `studies.SCALES`.
        title: one line for people.
        setup: data, network, schedule.
        runs: the runs; the clean one is first and as long as the longest.
        clean_epochs: epochs that follow the removal in each run with a deficit.
        metrics: which of `training.METRICS` are kept.
    """

    name: str
    scale: str
    title: str
    setup: Setup
    runs: tuple[Run, ...]
    clean_epochs: int
    metrics: tuple[str, ...] = METRICS

    def __post_init__(self):
        for part in ("name", "scale"):  # results are stored under them
            value = getattr(self, part)
            if not re.fullmatch(r"\w[\w .+-]*", str(value)):
                raise InputError(
                    f"Study {part} {value!r} cannot be a file's name: use letters, "
                    "digits, '-', '_' and '.', for example 'my-noise'."
                )
        settle(self, "clean_epochs", whole, 0)
        for deficit in {deficit for run in self.runs for deficit in run.deficits}:
            deficit.check(self.setup.data.source.classes)

    def spec(self) -> dict:
        """All that determines the study's numbers, as plain values."""
        return {
            "name": self.name,
            "scale": self.scale,
            "numerics": NUMERICS,
            "setup": self.setup.spec(),
            "runs": [run.spec() for run in self.runs],
            "clean_epochs": self.clean_epochs,
        }

    def find(
        self, deficit: str | None = None, onset: int = 0, removal: int | None = None
    ) -> Run:
        """The run with this deficit (its name), onset and removal.

        What is not given does not matter.

        Raises:
            InputError: when there is none; the message names those there are.
        """
        for run in self.runs:
            named = deficit in (None, run.name) and not run.clean
            if named and run.onset == onset and removal in (None, run.removal):
                return run
        held = ", ".join(run.title for run in self.runs if not run.clean)
        raise InputError(
            f"Study {self.name} at scale {self.scale} has no run with "
            f"{deficit or 'a deficit'} from epoch {onset}"
            f"{'' if removal is None else f' to {removal}'}; it has {held or 'none'}."
        )

    def vary(self, *, name: str | None = None, **changes) -> Study:
        """This study with other settings, under a name of its own.

        Args:
            name: of the new study; default: this one's and the changes.
            changes: fields of the schedule (batch, lr, rate ...), the model (family,
                width ...), the data (train, size ...), or a part (data, probe ...).

        Raises:
            InputError: no part of the setup has such a field.
        """
        if name is None:
            said = (f"{field}{_short(value)}" for field, value in changes.items())
            name = "-".join([self.name, *said])
        return replace(self, name=name, setup=self.setup.vary(**changes))

    @property
    def hash(self) -> str:
        """SHA-256 of `spec`, 16 hexadecimal digits."""
        text = json.dumps(self.spec(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


Span = tuple[Deficit, int, int]


def windows(
    name: str,
    scale: str,
    title: str,
    setup: Setup,
    spans: Iterable[Span | Iterable[Span]],
    clean_epochs: int,
) -> Study:
    """A study of deficits over `spans` and a clean run.

    The clean run is as long as the longest, so that it also serves as the control of
    equal length for every run.

    Args:
        name, scale, title, setup: see `Study`.
        spans: for each run (deficit, onset, removal), or a list of such windows.
        clean_epochs: epochs after the last removal.
    """
    clean = whole("clean_epochs", clean_epochs, 0)
    several = [_listed(span) for span in spans]
    runs = [Run(span, span[-1].removal + clean) for span in dict.fromkeys(several)]
    longest = max((run.epochs for run in runs), default=clean)
    return Study(name, scale, title, setup, (Run((), longest), *runs), clean)


def sweep(
    name: str,
    deficit: Deficit,
    removals: Iterable[int] = (),
    *,
    base: Study,
    onsets: Iterable[int] = (0,),
    length: int | None = None,
    title: str | None = None,
) -> Study:
    """A study of one deficit, in the setting of `base`.

    Args:
        name: of the new study.
        deficit: what the network is shown meanwhile.
        removals: epochs at which it ends, for each onset.
        base: the study whose scale, setup and clean epochs it takes.
        onsets: epochs at which it begins.
        length: of a window that slides over `onsets`, in place of `removals`.
        title: one line for people.
    """
    if (length is None) == (not (removals := tuple(removals))):
        raise InputError("Give either removals, for example (10, 20), or a length.")
    ends = {a: removals if length is None else (a + length,) for a in onsets}
    spans = [(deficit, a, b) for a in ends for b in ends[a] if a < b]
    if title is None:
        title = deficit.title.capitalize() + (
            " until epoch t0" if length is None else f" in a window of {length} epochs"
        )
    return windows(name, base.scale, title, base.setup, spans, base.clean_epochs)


def _listed(span: Span | Iterable[Span]) -> tuple[Window, ...]:
    one = isinstance(span, tuple) and span and isinstance(span[0], Deficit)
    return tuple(map(_window, [span] if one else span))


def _short(value: object) -> str:
    """A value as part of a file's name."""
    return re.sub(r"[^\w.+]+", "-", str(value)).strip("-")

"""Runs: the deficits that a network sees, and their epochs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from .._base.plain import settle, whole
from ..deficits import Deficit
from ..errors import InputError


class Window(NamedTuple):
    """A deficit in epochs onset <= e < removal."""

    deficit: Deficit
    onset: int
    removal: int

    @property
    def title(self) -> str:
        """The window in words: 'blur 0–40'."""
        return f"{self.deficit.title} {self.onset}–{self.removal}"


@dataclass(frozen=True)
class Run:
    """One training run of `epochs` epochs in all, for any seed.

    `windows` list its deficits, in order, as (deficit, onset, removal); a clean run has
    none.
    """

    windows: tuple[Window, ...]
    epochs: int

    def __post_init__(self):
        object.__setattr__(self, "windows", _joined(map(checked, self.windows)))
        settle(self, "epochs", whole, 0)
        if self.removal > self.epochs:
            raise InputError(
                f"The deficit ends (removal={self.removal}) after the run does "
                f"(epochs={self.epochs}): choose removal <= epochs."
            )

    @property
    def clean(self) -> bool:
        """Whether the run has no deficit."""
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
        """The windows of the first `epoch` epochs, the last one cut off there.

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
    """The windows, with adjoining ones of the same deficit joined."""
    joined: list[Window] = []
    for window in windows:
        last = joined[-1] if joined else None
        if last and last.removal > window.onset:
            raise InputError(
                f"{last.title} and {window.title} overlap: list windows in order, and "
                "write a deficit that does both for epochs that they share."
            )
        if last and last.onset == last.removal:  # it has no epochs
            joined.pop()
            last = joined[-1] if joined else None
        if last and (last.deficit, last.removal) == (window.deficit, window.onset):
            window = joined.pop()._replace(removal=window.removal)
        joined.append(window)
    if len(joined) > 1 and joined[-1].onset == joined[-1].removal:
        joined.pop()
    return tuple(joined)


def checked(given: tuple[Deficit, int, int]) -> Window:
    """`given`, (deficit, onset, removal), as a checked `Window`."""
    try:
        deficit, onset, removal = given
    except (TypeError, ValueError):
        raise InputError(
            f"{given!r} is not a window: write (deficit, onset, removal), for example "
            "(Blur(), 0, 10)."
        ) from None
    if not isinstance(deficit, Deficit):
        raise InputError(f"{deficit!r} is not a deficit: give one, such as Blur().")
    window = Window(deficit, whole("onset", onset, 0), whole("removal", removal, 0))
    if window.onset > window.removal:
        raise InputError(
            f"The deficit ends (removal={removal}) before it begins (onset={onset}): "
            "choose onset <= removal."
        )
    return window

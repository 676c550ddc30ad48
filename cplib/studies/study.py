"""Studies: runs to compare, all with one setup.

A study does not fix seeds, devices or workers: these are chosen when it is trained.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .._base.plain import settle, whole
from ..deficits import Deficit
from ..errors import InputError
from ..training import METRICS, NUMERICS, Setup
from .runs import Run, Window, checked


@dataclass(frozen=True)
class Study:
    """Runs that share one setup.

    Attributes:
        name, scale: the paper's panel ('1TL') or another name, and that of the scale;
            results are stored under them.
        title: one line for readers.
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
        """Everything that determines the study's numbers, as plain values."""
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
        """The run with this deficit (its name), onset and removal, where given.

        Raises:
            InputError: there is none; the message lists the runs that exist.
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

    def number(self, run: Run) -> int:
        """The place of `run` among the runs, its number in tables of results.

        `InputError` if it is not one of them.
        """
        if run in self.runs:
            return self.runs.index(run)
        said = run.title if isinstance(run, Run) else repr(run)
        raise InputError(
            f"{said} is not a run of study {self.name} at scale {self.scale}: choose "
            "one of its runs, study.runs."
        )

    def vary(self, *, name: str | None = None, **changes) -> "Study":
        """This study with other settings; its name then lists them, unless given.

        Changes are fields of the schedule (batch, lr, rate ...), the model (family,
        width ...), the data (train, size ...), or a part (data, probe ...).
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
Spans = Iterable[Span | Iterable[Span]]


def windows(
    name: str, scale: str, title: str, setup: Setup, spans: Spans, clean_epochs: int
) -> Study:
    """A study of a clean run and of one run for each of `spans`.

    A span is (deficit, onset, removal), or a list of such windows. The clean run is as
    long as the longest, so that it is also the control of every run. For the other
    arguments see `Study`.
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
    """A study of one deficit, with the scale, setup and clean epochs of `base`.

    The deficit begins at each of `onsets` and ends at each of `removals`, or after
    `length` epochs, so that a window slides over the onsets.
    """
    if (length is None) == (not (removals := tuple(removals))):
        raise InputError("Give either removals, for example (10, 20), or a length.")
    ends = {a: removals if length is None else (a + length,) for a in onsets}
    spans = [(deficit, a, b) for a in ends for b in ends[a] if a < b]
    when = "until epoch t0" if length is None else f"in a window of {length} epochs"
    title = title or f"{deficit.title.capitalize()} {when}"
    return windows(name, base.scale, title, base.setup, spans, base.clean_epochs)


def _listed(span: Span | Iterable[Span]) -> tuple[Window, ...]:
    one = isinstance(span, tuple) and span and isinstance(span[0], Deficit)
    return tuple(map(checked, [span] if one else span))


def _short(value: object) -> str:
    """A value as part of a file's name."""
    return re.sub(r"[^\w.+]+", "-", str(value)).strip("-")

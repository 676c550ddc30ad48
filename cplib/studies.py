"""What to compute: the paper's panels as values, at each scale.

A `Study` is a set of runs that share one `Setup`. It says nothing about seeds, devices
or workers: these are chosen when it is run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .data import DataSpec
from .deficits import KINDS, Deficit, deficit
from .errors import InputError
from .models import ModelSpec
from .training import METRICS, NUMERICS, Schedule, Setup

__all__ = ["SCALES", "Run", "Study", "get", "names"]

SCALES = ("smoke", "demo", "laptop", "paper")


@dataclass(frozen=True)
class Run:
    """One training run, but for its seed.

    Attributes:
        deficit: what is wrong with the data, or None.
        onset, removal: the deficit lasts for epochs onset <= e < removal.
        epochs: length of the whole run.
    """

    deficit: Deficit | None
    onset: int
    removal: int
    epochs: int

    def __post_init__(self):
        for name in ("onset", "removal", "epochs"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InputError(
                    f"{name}={value!r} must be a whole number of epochs, 0 or more."
                )
        if self.onset > self.removal:
            raise InputError(
                f"The deficit ends (removal={self.removal}) before it begins "
                f"(onset={self.onset}): choose onset <= removal."
            )
        if self.removal > self.epochs:
            raise InputError(
                f"The deficit ends (removal={self.removal}) after the run does "
                f"(epochs={self.epochs}): choose removal <= epochs."
            )

    @property
    def kind(self) -> str:
        """Short name of the deficit; 'none' for a clean run."""
        return self.deficit.kind if self.deficit else "none"

    def history(self, epoch: int) -> tuple[tuple[Deficit, int, int], ...]:
        """The deficits that a network has lived through after `epoch` epochs.

        Runs with equal histories are in the same state then.
        """
        end = min(self.removal, epoch)
        if self.deficit is None or self.onset >= end:
            return ()
        return ((self.deficit, self.onset, end),)

    def spec(self) -> dict:
        """The run as plain values."""
        return {
            "deficit": self.deficit.spec() if self.deficit else None,
            "onset": self.onset,
            "removal": self.removal,
            "epochs": self.epochs,
        }


@dataclass(frozen=True)
class Study:
    """Runs to compare, all with one setup.

    Attributes:
        name: the paper's panel ('1TL') or a name of ours ('demo').
        scale: one of `SCALES`.
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

    @property
    def hash(self) -> str:
        """SHA-256 of `spec`, 16 hexadecimal digits."""
        text = json.dumps(self.spec(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def windows(
    name: str,
    scale: str,
    title: str,
    setup: Setup,
    spans: Iterable[tuple[Deficit, int, int]],
    clean_epochs: int,
) -> Study:
    """A study of deficits over `spans` (deficit, onset, removal) and a clean run.

    The clean run is as long as the longest, so that it also serves as the control of
    equal length for every run.
    """
    runs = [Run(d, a, b, b + clean_epochs) for d, a, b in dict.fromkeys(spans)]
    longest = max((run.epochs for run in runs), default=clean_epochs)
    runs.insert(0, Run(None, 0, 0, longest))
    return Study(name, scale, title, setup, tuple(runs), clean_epochs)


def _setup(scale: str) -> Setup:
    """The main setting of each scale (paper: All-CNN on CIFAR-10, annealed)."""
    sets = {
        "smoke": DataSpec("gratings", 384, 256, 16),
        "demo": DataSpec("gratings", 3_000, 2_000, 16),
        "laptop": DataSpec("cifar10", 5_000, 2_000, 16),
        "paper": DataSpec("cifar10", 50_000, 10_000, 32),
    }
    width = {"smoke": 4, "demo": 8, "laptop": 16, "paper": 96}[scale]
    shift = 4 if scale == "paper" else 2  # an eighth of the image's side
    return Setup(sets[scale], ModelSpec("AllCNN", width), Schedule(shift=shift))


# clean epochs after removal, removals t0, window length, onsets, grid of the map
TIMES = {
    "smoke": (2, (1, 2), 1, (0, 1, 2), (0, 1, 2)),
    "demo": (30, (5, 10, 15, 20, 30), 10, (0, 5, 10, 15, 20, 30), (0, 5, 10, 20, 30)),
    "laptop": (40, (5, 10, 15, 20, 30, 40), 10, (0, 5, 10, 15, 20, 30, 40),
               (0, 5, 10, 15, 20, 25, 30, 35, 40)),
    "paper": (160, tuple(range(20, 181, 20)), 40, tuple(range(0, 121, 20)),
              tuple(range(0, 161, 20))),
}  # fmt: skip


def blur_removal(scale: str) -> Study:
    """Figure 1, top left: blur from the start until epoch t0."""
    clean, removals, *_ = TIMES[scale]
    spans = [(deficit("blur"), 0, t0) for t0 in removals]
    title = "Blur until epoch t0"
    return windows("1TL", scale, title, _setup(scale), spans, clean)


def blur_window(scale: str) -> Study:
    """Figure 1, bottom left: blur in a short window, over its onset."""
    clean, _, length, onsets, _ = TIMES[scale]
    spans = [(deficit("blur"), onset, onset + length) for onset in onsets]
    title = f"Blur in a window of {length} epochs"
    return windows("1BL", scale, title, _setup(scale), spans, clean)


def timing(scale: str) -> Study:
    """Every deficit over the half grid of onset and removal, for the explorer."""
    clean, *_, grid = TIMES[scale]
    kinds = ("blur",) if scale in ("laptop", "paper") else tuple(KINDS)
    spans = [
        (deficit(kind), onset, removal)
        for kind in kinds
        for onset in grid
        for removal in grid
        if onset < removal
    ]
    title = "Onset and removal of a deficit"
    study = windows("timing", scale, title, _setup(scale), spans, clean)
    return replace(study, metrics=("test_accuracy",))  # one small file, many runs


def demo(scale: str) -> Study:
    """Clean, blur and flip until one late epoch: the effect in its shortest form."""
    clean, removals, *_ = TIMES[scale]
    spans = [(deficit(kind), 0, removals[-1]) for kind in ("blur", "flip")]
    title = "Clean, blur and flip"
    return windows("demo", scale, title, _setup(scale), spans, clean)


def unmirrored(scale: str) -> Study:
    """Gratings without mirroring, where a vertical flip is a deficit indeed.

    A grating turned upside down is, but for its phase, one mirrored left to right. With
    mirroring as augmentation the flipped set is the set itself, so that the flip tests
    nothing; without, it exchanges the orientations of the classes. The grating is made
    fainter here, for the set is easier to learn without mirroring.
    """
    clean, removals, *_ = TIMES[scale]
    small = "smoke" if scale == "smoke" else "demo"
    main = _setup(small)
    setup = Setup(
        replace(main.data, options=(("fine", 0.5),)),
        main.model,
        replace(main.schedule, mirror=False),
    )
    spans = [(deficit(kind), 0, removals[-1]) for kind in ("blur", "flip", "noise")]
    title = "Gratings without mirroring"
    return windows("unmirrored", scale, title, setup, spans, clean)


STUDIES = {
    "1TL": blur_removal,
    "1BL": blur_window,
    "timing": timing,
    "demo": demo,
    "unmirrored": unmirrored,
}
# what the book shows, with the scale at which it is stored
BOOK = (
    ("1TL", "laptop"),
    ("1BL", "laptop"),
    ("demo", "demo"),
    ("timing", "demo"),
    ("unmirrored", "demo"),
)


def names() -> tuple[str, ...]:
    """Names of all studies."""
    return tuple(STUDIES)


def get(name: str, scale: str) -> Study:
    """The study `name` at `scale`.

    Raises:
        InputError: for a name or scale that does not exist.
    """
    if name not in STUDIES:
        raise InputError(f"Unknown study {name!r}: choose one of {', '.join(STUDIES)}.")
    if scale not in SCALES:
        raise InputError(f"Unknown scale {scale!r}: choose one of {', '.join(SCALES)}.")
    return STUDIES[name](scale)

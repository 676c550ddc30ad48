"""Settings shared by training runs: data, network, schedule, measurements."""

import math
from dataclasses import asdict, dataclass, field, fields, replace

from .._base.plain import choose, flag, number, settle, whole
from ..data import DataSpec
from ..errors import InputError
from ..fisher import Probe
from ..models import ModelSpec


@dataclass(frozen=True)
class Rate:
    """The course of the learning rate, lr * decay**epoch; derive your own from it."""

    def at(self, schedule: "Schedule", epoch: int, removal: int | None) -> float:
        """The learning rate of `epoch`, counted from 0.

        `removal` is the epoch at which the last deficit ended; None before.
        """
        return schedule.lr * schedule.decay**epoch

    def spec(self) -> dict:
        """Plain values, for hashes and provenance."""
        return {"kind": type(self).__name__, **asdict(self)}


@dataclass(frozen=True)
class Restart(Rate):
    """lr * decay**epoch, restarted whenever a deficit ends."""

    def at(self, schedule: "Schedule", epoch: int, removal: int | None) -> float:
        return schedule.lr * schedule.decay ** (epoch - (removal or 0))


@dataclass(frozen=True)
class Cyclic(Rate):
    """lr * decay**epoch, restarted every `period` epochs."""

    period: int = 40

    def __post_init__(self):
        settle(self, "period", whole, 1)

    def at(self, schedule: "Schedule", epoch: int, removal: int | None) -> float:
        return schedule.lr * schedule.decay ** (epoch % self.period)


@dataclass(frozen=True)
class Cosine(Rate):
    """From lr to 0 along half a cosine over `epochs` epochs; `decay` is not used."""

    epochs: int = 160

    def __post_init__(self):
        settle(self, "epochs", whole, 1)

    def at(self, schedule: "Schedule", epoch: int, removal: int | None) -> float:
        done = min(epoch / self.epochs, 1)
        return schedule.lr * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class Schedule:
    """Optimisation and augmentation.

    Attributes:
        lr, decay: learning rate lr * decay**epoch, by absolute epoch.
        momentum, weight_decay: of SGD.
        batch: images per step; the incomplete last batch of an epoch is dropped.
        shift: random translation up to this many pixels, over the mean colour.
        mirror: whether images are mirrored left to right with probability 1/2.
        rate: another course of the learning rate, such as `Restart()`.
        shrink: two factors; whenever a deficit ends, the weights become the first times
            themselves plus the second times those of an untrained network ("shrink and
            perturb", Ash & Adams 2020).
    """

    lr: float = 0.05
    decay: float = 0.97
    momentum: float = 0.9
    weight_decay: float = 0.001
    batch: int = 128
    shift: int = 4
    mirror: bool = True
    rate: Rate | None = None
    shrink: tuple[float, float] | None = None

    def __post_init__(self):
        settle(self, "lr decay", number, True)
        settle(self, "momentum weight_decay", number)
        settle(self, "batch", whole, 1)
        settle(self, "shift", whole, 0)
        settle(self, "mirror", flag)
        if self.shrink is not None:
            settle(self, "shrink", _pair)

    def rate_at(self, epoch: int, removal: int | None = None) -> float:
        """The learning rate of epoch `epoch`; see `Rate.at`."""
        return (self.rate or Rate()).at(self, epoch, removal)

    def spec(self) -> dict:
        """Plain values; fields added later are left out at their defaults."""
        spec = {f.name: getattr(self, f.name) for f in fields(self)}
        later = {"rate": self.rate and self.rate.spec(), "shrink": self.shrink}
        return {k: v for k, v in (spec | later).items() if v is not None}


def _pair(what: str, value: object) -> tuple[float, float]:
    """`value` as two numbers, 0 or more."""
    try:
        first, second = value
    except (TypeError, ValueError):
        raise InputError(
            f"{what}={value!r} must be two numbers, for example (0.4, 0.1)."
        ) from None
    return number(what, first), number(what, second)


@dataclass(frozen=True)
class Readout:
    """Choose the epochs evaluated on all test images; the others use `images` of them.

    All are used in the `last` epochs before epoch `first`, and before every `every`-th
    epoch after it: there the runs of a study end. There, `loop.inspect` also measures
    the networks of a setup with a probe.
    """

    images: int = 2_000
    first: int = 160
    every: int = 20
    last: int = 5

    def __post_init__(self):
        settle(self, "images first every last", whole, 1)

    def ends(self, epoch: int) -> bool:
        """Whether a run may end after `epoch` epochs."""
        return epoch >= self.first and (epoch - self.first) % self.every == 0

    def whole(self, epoch: int) -> bool:
        """Whether the network is evaluated on all images after `epoch` epochs."""
        early = epoch <= self.first - self.last
        return not early and (self.first - epoch) % self.every < self.last


@dataclass(frozen=True)
class Setup:
    """Settings shared by all runs of a study.

    With a `probe`, the Fisher information is measured during training. With a
    `readout`, most epochs are evaluated on fewer test images. Neither changes training.
    """

    data: DataSpec
    model: ModelSpec
    schedule: Schedule = field(default_factory=Schedule)
    probe: Probe | None = None
    readout: Readout | None = None

    def spec(self) -> dict:
        """Plain values, for hashes and provenance."""
        spec = {
            "data": self.data.spec(),
            "model": self.model.spec(),
            "schedule": self.schedule.spec(),
        }
        for name in ("probe", "readout"):  # left out where there is none
            if (part := getattr(self, name)) is not None:
                spec[name] = asdict(part)
        return spec

    def vary(self, **changes) -> "Setup":
        """The setup with other parts, or parts with other values; see `Study.vary`."""
        given = {k: changes.pop(k) for k in ("probe", "readout") if k in changes}
        for part in ("data", "model", "schedule"):
            value = changes.pop(part, getattr(self, part))
            names = [f.name for f in fields(value) if f.init and f.name in changes]
            given[part] = replace(value, **{name: changes.pop(name) for name in names})
        for name in changes:
            parts = (self.data, self.model, self.schedule)
            known = [f.name for part in parts for f in fields(part) if f.init]
            choose("setting", name, [*known, "probe", "readout"])
        return replace(self, **given)

"""Deficits: each changes the training images or labels while it lasts.

The test set is never changed.
"""

import re
from dataclasses import asdict, dataclass, fields
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F

from ._base.device import stream
from ._base.plain import choose, settle, whole
from ._base.words import translated as _
from .errors import InputError

__all__ = [
    "KINDS", "Blur", "Deficit", "Detail", "Grey", "LabelPermutation", "Look",
    "MovingNoise", "Noise", "Nothing", "VerticalFlip", "deficit",
]  # fmt: skip


class Look(NamedTuple):
    """Colour, marker and dash of a line, as matplotlib names them."""

    colour: str
    marker: str
    dash: str


# For deficits without a look of their own. All colours have a contrast of 3:1 on a
# white and on a dark page, and none has another meaning (see `figures.palette`).
SPARE = (
    Look("#b07d4f", "X", "-."), Look("#d46fb0", "*", "--"), Look("#5f8f3e", "p", ":"),
    Look("#9a8a00", "h", "-"), Look("#b3668a", "d", "--"),
)  # fmt: skip


@dataclass(frozen=True)
class Deficit:
    """Base of all deficits; by itself it changes nothing.

    To define your own, derive a frozen dataclass that overrides `images` or `labels`.
    Class attributes that it does not set are made from its name.

    Attributes:
        kind: short name, in tables.
        label: name in figures.
        sees: what the network is shown, in words.
        look: how figures draw it.
        augment: whether images are still translated and mirrored.
        learns: whether the network is trained; if not, the learning rate is 0.
    """

    kind: ClassVar[str] = "none"
    label: ClassVar[str] = _("no deficit")
    sees: ClassVar[str] = _("sharp images, true labels")
    look: ClassVar[Look] = Look("#595959", "o", "-")
    augment: ClassVar[bool] = True
    learns: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        cls.kind = cls.__dict__.get("kind", name)
        cls.label = cls.__dict__.get("label", cls.kind.replace("-", " "))
        cls.sees = cls.__dict__.get("sees", f"images with the deficit “{cls.label}”")
        spare = SPARE[sum(cls.kind.encode()) % len(SPARE)]
        cls.look = cls.__dict__.get("look", spare)

    @property
    def name(self) -> str:
        """The kind and all options not at their defaults: 'blur(factor=2)'."""
        said = ", ".join(f"{k}={v}" for k, v in self._chosen().items())
        return f"{self.kind}({said})" if said else self.kind

    @property
    def title(self) -> str:
        """The label and all options not at their defaults: 'blur, factor 2'."""
        chosen = (f"{_(name)} {value}" for name, value in self._chosen().items())
        return ", ".join([self.label, *chosen])

    def _chosen(self) -> dict:
        values = ((f, getattr(self, f.name)) for f in fields(self))
        return {f.name: value for f, value in values if value != f.default}

    def images(self, x: torch.Tensor, seed: int) -> torch.Tensor:
        """Training images under the deficit: normalised (N, C, H, W) -> same shape."""
        return x

    def labels(self, y: torch.Tensor, seed: int) -> torch.Tensor:
        """Training labels under the deficit: (N,) -> (N,)."""
        return y

    def check(self, classes: int) -> None:
        """Raise `InputError` if the deficit cannot be used with `classes` classes."""

    def spec(self) -> dict:
        """Plain values, for hashes and provenance."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Blur(Deficit):
    """A cataract: downsampling by `factor`, then upsampling, both bilinear (paper: 4).

    Downsampling is antialiased, as in PIL; without that it is another deficit.
    """

    factor: int = 4
    label: ClassVar[str] = _("blur")
    sees: ClassVar[str] = _("blurred images, true labels")
    look: ClassVar[Look] = Look("#0173b2", "s", "-")

    def __post_init__(self):
        settle(self, "factor", whole, 2)

    def images(self, x: torch.Tensor, seed: int) -> torch.Tensor:
        size = x.shape[-2:]
        small = [side // self.factor for side in size]
        if min(small) < 1:
            raise InputError(
                f"blur: factor={self.factor} leaves nothing of images of "
                f"{size[0]}x{size[1]} pixels: choose a smaller factor."
            )
        # on the CPU: not all devices can do it, and the pixels are then always the same
        blurred = F.interpolate(x.cpu(), size=small, mode="bilinear", antialias=True)
        blurred = F.interpolate(blurred, size=size, mode="bilinear", antialias=True)
        return blurred.to(x.device)


@dataclass(frozen=True)
class VerticalFlip(Deficit):
    """Every training image upside down (not with probability 1/2)."""

    kind: ClassVar[str] = "flip"
    label: ClassVar[str] = _("vertical flip")
    sees: ClassVar[str] = _("images upside down, true labels")
    look: ClassVar[Look] = Look("#b8860b", "^", "--")

    def images(self, x: torch.Tensor, seed: int) -> torch.Tensor:
        return x.flip(-2)


@dataclass(frozen=True)
class LabelPermutation(Deficit):
    """One fixed bijection of all `classes`, undone at removal.

    It is a single cycle, drawn from the run's seed, so that no class keeps its name.
    """

    classes: int = 10
    kind: ClassVar[str] = "labels"
    label: ClassVar[str] = _("label permutation")
    sees: ClassVar[str] = _("sharp images, permuted labels")
    look: ClassVar[Look] = Look("#029e73", "D", "-.")

    def __post_init__(self):
        settle(self, "classes", whole, 2)

    def check(self, classes: int) -> None:
        if classes != self.classes:
            raise InputError(
                f"LabelPermutation permutes {self.classes} classes, but the data set "
                f"has {classes}: write LabelPermutation(classes={classes})."
            )

    def mapping(self, seed: int) -> torch.Tensor:
        """New label of each class, (classes,): a bijection without fixed point."""
        order = torch.randperm(self.classes, generator=stream(seed, "labels"))
        return torch.empty_like(order).scatter_(0, order, order.roll(-1))

    def labels(self, y: torch.Tensor, seed: int) -> torch.Tensor:
        return self.mapping(seed).to(y.device)[y]


@dataclass(frozen=True)
class Noise(Deficit):
    """Deprivation: each training image replaced by Gaussian noise of its own.

    The noise is fixed for the whole run, true labels are kept and augmentation is off,
    as in the lab's code.
    """

    label: ClassVar[str] = _("noise")
    sees: ClassVar[str] = _("noise in place of images, true labels")
    look: ClassVar[Look] = Look("#d55e00", "v", ":")
    augment: ClassVar[bool] = False

    def images(self, x: torch.Tensor, seed: int) -> torch.Tensor:
        return torch.randn(x.shape, generator=stream(seed, "noise")).to(x)


@dataclass(frozen=True)
class MovingNoise(Noise):
    """The same noise, but translated and mirrored, so that pixels cannot be memorised.

    Not in the paper: for a control experiment.
    """

    label: ClassVar[str] = _("moving noise")
    sees: ClassVar[str] = _("moving noise in place of images, true labels")
    look: ClassVar[Look] = Look("#c86fb6", "P", "--")
    augment: ClassVar[bool] = True


@dataclass(frozen=True)
class Grey(Deficit):
    """Images without colour: each channel becomes their mean. Not in the paper."""

    label: ClassVar[str] = _("grey images")
    sees: ClassVar[str] = _("grey images, true labels")
    look: ClassVar[Look] = Look("#8c8c8c", "p", "-.")

    def images(self, x: torch.Tensor, seed: int) -> torch.Tensor:
        return x.mean(1, keepdim=True).expand_as(x).contiguous()


@dataclass(frozen=True)
class Detail(Blur):
    """What a blur takes away: each image minus its blur. Not in the paper."""

    label: ClassVar[str] = _("fine detail alone")
    sees: ClassVar[str] = _("fine detail of images, true labels")

    def images(self, x: torch.Tensor, seed: int) -> torch.Tensor:
        return x - super().images(x, seed)


@dataclass(frozen=True)
class Nothing(Deficit):
    """No learning: the weights stay as they are, while the network grows older.

    Not in the paper. The learning rate is 0 while its schedule goes on; momentum and
    batch-norm statistics follow the images.
    """

    label: ClassVar[str] = _("no learning")
    sees: ClassVar[str] = _("sharp images, true labels, at a learning rate of 0")
    look: ClassVar[Look] = Look("#9a8a00", "h", "-.")
    learns: ClassVar[bool] = False


KINDS = {d.kind: d for d in (Blur, VerticalFlip, LabelPermutation, Noise)}
CONTROLS = {d.kind: d for d in (MovingNoise, Grey, Detail, Nothing)}


def deficit(kind: str) -> Deficit:
    """The deficit called `kind`, a key of `KINDS` or `CONTROLS`, with its defaults."""
    choose("deficit", kind, known := KINDS | CONTROLS)
    return known[kind]()

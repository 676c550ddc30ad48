"""The settings of each scale: data, networks, schedules, and epochs of deficits."""

from dataclasses import dataclass, replace

from .._base.plain import choose
from ..data import DataSpec
from ..fisher import Probe
from ..models import ModelSpec
from ..training import Readout, Schedule, Setup


@dataclass(frozen=True)
class Scale:
    """One size of all studies; make your own by `dataclasses.replace` of another.

    Attributes:
        name: under which results are stored.
        main: setup of most studies (paper: All-CNN on CIFAR-10, annealed).
        resnet: setup of Figure 3, top left, and Figure 4.
        fixed: setup of Figure 3, bottom left: a fixed learning rate.
        depth: setup of Figure 3, bottom right, for one stage.
        digits: setup of Figure 3, top right: fully connected, on digits.
        probe: epochs and images of the All-CNN's Fisher information.
        clean: clean epochs after removal.
        removals: t0 of the main sweep, and `few` of the other sweeps.
        length: of the short window, and `long` of the longer one.
        onsets: of the short window.
        few_onsets: of the windows of two lengths.
        grid: onsets and removals of the map.
        mapped: deficits that are mapped.
        digits_clean, digits_removals: clean epochs and t0 on digits.
        fixed_removals: t0 at the fixed learning rate; default: `few`.
        depth_removals: t0 of the networks of several depths; default: half of `few`.
        layered: the early and the late t0 of Figure 5; default: the ends of `few`.
    """

    name: str
    main: Setup
    resnet: Setup
    fixed: Setup
    depth: Setup
    digits: Setup
    probe: Probe
    clean: int
    removals: tuple[int, ...]
    few: tuple[int, ...]
    length: int
    long: int
    onsets: tuple[int, ...]
    few_onsets: tuple[int, ...]
    grid: tuple[int, ...]
    digits_clean: int
    digits_removals: tuple[int, ...]
    mapped: tuple[str, ...] = ("blur",)
    fixed_removals: tuple[int, ...] = ()
    depth_removals: tuple[int, ...] = ()
    layered: tuple[int, ...] = ()

    def __post_init__(self):
        for name, usual in {
            "fixed_removals": self.few,
            "depth_removals": self.few[1::2],
            "layered": (self.few[0], self.few[-1]),
        }.items():
            object.__setattr__(self, name, getattr(self, name) or usual)


def scale_of(scale: str | Scale) -> Scale:
    """The scale of this name; a `Scale` is returned unchanged."""
    if isinstance(scale, Scale):
        return scale
    choose("scale", scale, SCALES)
    return SCALES[scale]


def _plain(
    name: str, data: DataSpec, digits: DataSpec, widths: tuple[int, int, int, int],
    rates: tuple[float, float], probe: Probe, recipe: dict | None = None, **times,
) -> Scale:  # fmt: skip
    """A scale that differs from the paper's in data, widths, fixed rates and times.

    The widths are those of the All-CNN, the ResNet-18, the networks of several depths
    and the MLP; the fixed rates are for the main data and digits; `recipe` is `main`'s.
    """
    main = Setup(data, ModelSpec("AllCNN", widths[0]), Schedule(shift=data.size // 8))
    main = main.vary(**recipe or {})
    fixed = main.vary(lr=rates[0], decay=1.0)
    resnet = {"family": "ResNet18", "width": widths[1], "lr": 0.1, "probe": probe}
    shift = digits.size // 8  # and they are not mirrored
    schedule = Schedule(rates[1], 1.0, weight_decay=0.0, shift=shift, mirror=False)
    return Scale(
        name=name,
        main=main,
        resnet=main.vary(**resnet, weight_decay=0.0005),
        fixed=fixed,
        depth=fixed.vary(family="DepthCNN", width=widths[2], blocks=1),
        digits=Setup(digits, ModelSpec("MLP", widths[3]), schedule),
        probe=probe,
        **times,
    )


# the paper's
TIMES = {
    "clean": 160, "length": 40, "long": 60, "onsets": tuple(range(0, 121, 20)),
    "few_onsets": tuple(range(0, 121, 20)), "grid": tuple(range(0, 161, 20)),
    "digits_clean": 160, "digits_removals": tuple(range(50, 401, 50)),
    "fixed_removals": tuple(range(40, 281, 40)), "layered": (40, 100),
}  # fmt: skip


def _laptop() -> Scale:
    """The book's scale: the paper's epochs, with few images in small batches.

    Chosen on pilot seeds by rules that use no deficit (`benchmarks/PILOTS.md`).
    """
    few, more = (DataSpec("cifar10", n, 10_000, 16) for n in (1_250, 2_500))
    probe, readout = Probe(256, 5), Readout(1_000, first=160, every=20)
    paper = _plain(
        "laptop", few, DataSpec("mnist", 1_250, 10_000, 32), (16, 8, 16, 250),
        (0.002, 0.05), probe, removals=tuple(range(20, 141, 20)),
        few=(20, 60, 100, 140), depth_removals=(60, 100, 140), **TIMES,
    )  # fmt: skip
    shared = {"probe": probe, "readout": readout}
    return replace(
        paper,
        main=paper.main.vary(batch=16, weight_decay=0.005, **shared),
        resnet=paper.resnet.vary(batch=32, weight_decay=0.0025, **shared),
        fixed=paper.fixed.vary(batch=16, weight_decay=0.0025, **shared),
        depth=paper.depth.vary(
            data=more, lr=0.0025, batch=16, weight_decay=0.001, **shared
        ),
        digits=paper.digits.vary(batch=32, readout=replace(readout, every=50)),
    )


ALL = ("blur", "flip", "labels", "noise")
# An epoch has far fewer steps than the paper's, and a fixed rate is ten times as high.
SMOKE = _plain(
    "smoke", DataSpec("gratings", 384, 256, 16), DataSpec("digits", 384, 256, 16),
    (4, 2, 2, 20), (0.01, 0.05), Probe(32, 1),
    clean=2, removals=(1, 2), few=(1, 2), length=1, long=2, onsets=(0, 1, 2),
    few_onsets=(0, 1, 2, 3, 4), grid=(0, 1, 2), mapped=ALL,
    digits_clean=2, digits_removals=(1, 2),
)  # fmt: skip
# Chosen on pilot seeds; stripes fainter than the set's own, since without mirroring,
# which would make of a flip no deficit, they are easier to learn (`PILOTS.md`).
DEMO = _plain(
    "demo", DataSpec("gratings", 1_000, 1_000, 16, (("fine", 0.5),)),
    DataSpec("digits", 1_297, 500, 16),
    (8, 4, 8, 100), (0.01, 0.05), Probe(128, 2),
    {"batch": 20, "decay": 0.96, "weight_decay": 0.002, "mirror": False},
    clean=60, removals=(10, 20, 30, 40), few=(10, 40), length=10, long=20,
    onsets=(0, 10, 20, 30, 40), few_onsets=(0, 10, 20, 30, 40),
    grid=(0, 5, 10, 15, 20, 25, 30, 40, 50), mapped=ALL,
    digits_clean=30, digits_removals=(10, 30),
)  # fmt: skip
# The paper's settings exactly; where it is silent, see Methods.
PAPER = _plain(
    "paper", DataSpec("cifar10", 50_000, 10_000, 32),
    DataSpec("mnist", 60_000, 10_000, 32), (96, 64, 96, 2500), (0.001, 0.005),
    Probe(1024, 2),
    removals=tuple(range(20, 181, 20)), few=tuple(range(20, 181, 40)), **TIMES,
)  # fmt: skip
SCALES = {scale.name: scale for scale in (SMOKE, DEMO, _laptop(), PAPER)}

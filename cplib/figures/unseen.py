"""Figures of what late-blurred networks cannot see, and of their weights.

They show recorded networks of scale laptop: of study 1TL, never blurred and blurred
until the last removal, and (weights) of 2B and 2B-moving; or of study `demo`, on
gratings. `tools/maintain/unseen.py` writes the records.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import data, studies
from .._base.plain import whole
from .._base.words import translated as _
from ..results import recorded
from ..studies import Study
from .marks import WIDTH, legend, rows
from .palette import GREY, INK, looks, style
from .panel import Panel, worded
from .shapes import heat
from .stimuli import gallery

# classes of CIFAR-10, in short
CLASSES = "plane car bird cat deer dog frog horse ship truck".split()
NAMES = dict(enumerate(map(_, CLASSES)))
ORIENTATIONS = {i: f"{18 * i}°" for i in range(10)}  # of a grating of class i
SMALL = 8.6  # points, of numbers in narrow cells
ACROSS, SIDE = 4, 3  # filters in a row, pixels of a filter's side


def lost(
    instead: str = "blurred", of: str = "never", record: str = "answers"
) -> pd.DataFrame:
    """Rows of `record`: images that all networks of `of` name, and none of `instead`.

    A row is a test image: its class, `true`, and the names that networks give it at
    their end, never0, ... and blurred0, ... (by seed). The other record is
    "answers-gratings".
    """
    table = recorded(record)
    right, wrong = (
        table.filter(like=who).eq(table["true"], axis=0) for who in (of, instead)
    )
    return table[right.all(axis=1) & ~wrong.any(axis=1)]


def pairs() -> pd.DataFrame:
    """Images of class `true` that are called `named`: late-blurred less never-blurred.

    One row for each pair of different classes, the largest first; `mean` is over seeds.
    """
    long = recorded("answers").melt("true", value_name="named")
    long["network"], seeds = long["variable"].str[:-1], long["variable"].nunique() / 2
    counts = long.groupby(["network", "true", "named"]).size().unstack("network")
    more = (counts.fillna(0)["blurred"] - counts.fillna(0)["never"]) / seeds
    found = more.rename("mean").reset_index().query("true != named")
    return found.sort_values("mean", ascending=False, ignore_index=True).round(1)


def confusions() -> Panel:
    """False names that late-blurred networks give more often, or less, by class."""
    table = pairs()
    with rows(WIDTH) as (figure, (axes,)):
        heat(axes, table, table["mean"].max(), "named", "true")
        axes.set_xticks(axes.get_xticks(), NAMES.values(), rotation=90)
        axes.set_yticks(axes.get_yticks(), NAMES.values())
        axes.set(xlabel=_("named"), ylabel=_("true class"))
        axes.invert_yaxis()
        for text in axes.texts:
            text.set_fontsize(SMALL)
    table = called(table).rename(columns={"mean": "images"})
    return worded("confusions", figure, table, removal=_removal(), words=worst())


def worst(count: int = 3) -> str:
    """The first `count` of `pairs`, in words."""
    rows_ = called(pairs().head(count)).to_dict("records")
    return ", ".join(_("{true} → {named} ({mean:+.0f})", **row) for row in rows_)


def called(table: pd.DataFrame, names: dict = NAMES) -> pd.DataFrame:
    """`table` with the names of classes in place of their numbers."""
    return table.replace({"true": names, "named": names})


def images(most: int = 12) -> Panel:
    """The first `most` images that are `lost`, from your own copy of CIFAR-10."""
    return _shown("unseen", lost(), studies.get("1TL"), NAMES, most)


def gratings(most: int = 12) -> Panel:
    """The first `most` gratings that are `lost`; classes are named by orientation."""
    found, study = lost(record="answers-gratings"), studies.get("demo", "demo")
    return _shown("unseen_gratings", found, study, ORIENTATIONS, most)


def _shown(
    name: str, found: pd.DataFrame, study: Study, names: dict[int, str], most: int
) -> Panel:
    """The first `most` images of `found`, with their classes and what is named."""
    found = found.head(whole("most", most, 1))
    dataset = data.load(study.setup.data)
    usual = found.filter(like="blurred").mode(axis=1)[0].astype(int)
    table = found[["true"]].assign(named=usual)
    table = called(table, names).reset_index(names="image")
    with style():
        high = -(-len(table) // ACROSS)
        figure = Figure(figsize=(WIDTH, 1.25 * high), layout="constrained")
        grid = figure.subplots(high, ACROSS, squeeze=False).flat
        shown = dataset.to_rgb(dataset.test_images[table["image"].to_list()])
        for axes, image, row in zip(grid, shown, table.itertuples(), strict=False):
            axes.imshow(image, interpolation="nearest")
            axes.set_title(f"{row.true}\n→ {row.named}", fontsize=SMALL + 1)
        for axes in figure.axes:
            axes.set_axis_off()
    words = "; ".join(table["true"] + " → " + table["named"])
    removal = max(run.removal for run in study.runs if run.name == "blur")
    return worded(name, figure, table, removal=removal, words=words)


def filters() -> Panel:
    """First-layer filters over age, of a never-blurred and a late-blurred network."""
    table = recorded("filters").dropna()
    ages = {f"epoch {epoch}": found for epoch, found in table.groupby("epoch")}
    shown = {age: [*map(_tiled, found["filters"])] for age, found in ages.items()}
    until = f"blurred\nuntil {_removal()}"
    figure, _axes = gallery(shown, ["never\nblurred", until])
    words = "; ".join(
        f"{age}: " + " and ".join(f"{100 * share:.0f} %" for share in found["fineness"])
        for age, found in ages.items()
    )
    table = table.drop(columns="filters")
    return worded("filters", figure, table, removal=_removal(), words=words)


def fineness() -> Panel:
    """Fineness of the first layer over age, one line for each seed."""
    table = recorded("filters").drop(columns="filters")
    with rows(2.8) as (figure, (axes,)):
        shown = _by_age(axes, table.assign(fineness=100 * table["fineness"]))
        axes.axhline(100 * (1 - SIDE**-2), color=GREY, linestyle="--", linewidth=1)
        axes.set(ylabel="fineness (%)", ylim=(0, 100))
    means = {who: own.iloc[-1].mean() for who, own in shown.items()}
    means["birth"] = shown["never"].iloc[0].mean()
    return worded("fineness", figure, table, removal=_removal(), **means)


def weights() -> Panel:
    """The norm of the weights over age, one line for each seed."""
    table = recorded("weights")
    with rows(2.8) as (figure, (axes,)):
        shown = _by_age(axes, table)
        axes.set(ylabel="norm of the weights", ylim=(0, None))
    words = "; ".join(
        f"{who.replace('-', ' ')} {own.loc[_removal()].mean():.1f} and "
        f"{own.iloc[-1].mean():.1f}"
        for who, own in shown.items()
    )
    return worded("weights", figure, table, removal=_removal(), words=words)


def _by_age(axes: Axes, table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Draw the last column of `table`; its values by network, epoch and seed."""
    studied = {"blurred": "1TL", "noise": "2B", "moving-noise": "2B-moving"}
    shown, column = {}, table.columns[-1]
    for who, own in table.groupby("network", sort=False):
        run = studies.get(studied.get(who, "1TL")).runs[-1 if who in studied else 0]
        (look,) = looks([run])
        own = own.pivot(index="epoch", columns="seed", values=column)
        axes.plot(own, color=look.colour, linestyle=look.dash, linewidth=1)
        axes.plot([], color=look.colour, linestyle=look.dash, label=run.title)
        shown[who] = own
    axes.axvline(_removal(), color=INK, linestyle=":", linewidth=1)
    axes.set(xlabel="epochs of training")
    axes.margins(x=0.02)
    legend(axes)
    return shown


def _removal() -> int:
    return studies.get("1TL").runs[-1].removal


def _tiled(line: str) -> np.ndarray:
    """Recorded filters, numbers from -99 to 99, as an image (H, W, 4) with gaps."""
    pixels = np.array(line.split(), float).reshape(-1, 3, SIDE, SIDE) / 198 + 0.5
    framed = np.pad(pixels, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=-1)
    tiled = framed.reshape(-1, ACROSS, 3, SIDE + 1, SIDE + 1).transpose(0, 3, 1, 4, 2)
    tiled = tiled.reshape(-1, ACROSS * (SIDE + 1), 3)
    return np.dstack([tiled.clip(0), tiled[..., 0] >= 0])

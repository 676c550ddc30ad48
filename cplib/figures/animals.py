"""Figures of the animals: published anchors, schematic curves, own points."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .._base.words import translated as _
from ..analysis import biology
from ..analysis.fits import Fit, fit_double_exponential
from .marks import band, legend, rows
from .palette import ANIMAL, GREY
from .panel import Panel, worded

# how dark a bar is; the words are published, the shades are not
SHADE = {"none": 0.0, "slight": 0.2, "present": 0.35, "subsiding": 0.55,
         "rising": 0.55, "high": 0.95, "severe": 0.95, "peak": 1.0}  # fmt: skip
MEASURES = {
    "V1 cells lost to the closed eye": _("V1 cells lost"),
    "stereopsis": _("stereopsis"), "acuity": _("acuity"),
}  # fmt: skip
OLDEST = 240  # days, of a kitten
YEAR = 365.25


def kitten_acuity() -> Panel:
    """Figure 1, top right, from published numbers."""
    anchors = biology.anchors("kitten_acuity")
    normal = anchors[(anchors["condition"] == "normal") & anchors["age_days"].notna()]
    back = anchors[anchors["condition"].str.startswith("recovered")]
    ranged, single = back.dropna(subset=["low"]), back.dropna(subset=["acuity_cpd"])
    middle, half = (ranged["low"] + ranged["high"]) / 2, ranged["high"] - ranged["low"]
    with rows(2.8) as (figure, (axes,)):
        _schematic(axes, "kitten_acuity", GREY, "--", _("normal (schematic)"))
        _schematic(axes, "kitten_recovery", ANIMAL, "-", _("recovered (schematic)"))
        axes.plot(normal["age_days"], normal["acuity_cpd"], "^", color=GREY,
                  markersize=7, label=_("normal, published"))  # fmt: skip
        axes.axhline(5.0, color=GREY, linewidth=1, linestyle=":",
                     label=_("trained average (age not stated)"))  # fmt: skip
        axes.errorbar(ranged["age_days"], middle, yerr=half / 2, fmt="s", color=ANIMAL,
                      capsize=3, label=_("recovered, published (range)"))  # fmt: skip
        axes.plot(single["age_days"], single["acuity_cpd"], "s", color=ANIMAL)
        axes.set(
            xlabel=_("age, or age when the eye was opened (days)"),
            ylabel=_("acuity (cycles/degree)"), xlim=(0, 200), ylim=(0, 9),
        )  # fmt: skip
        legend(axes)
    drawn = _how_drawn("kitten_acuity", "kitten_recovery")
    return worded("kitten_acuity", figure, _shown(anchors), drawn=drawn)


def kitten_sensitivity() -> Panel:
    """Figure 1, bottom right, from published statements."""
    anchors = biology.anchors("kitten_sensitivity")
    missing = biology.schematic("missing_acuity")
    with rows(1.5, 2.4, sharex=True) as (figure, (top, bottom)):
        _schematic(top, "kitten_sensitivity", ANIMAL, "-", _("sensitivity (schematic)"))
        top.plot(missing["age_days"], missing["value"] / 100, color=GREY,
                 linestyle="--", label=_("missing acuity (schematic)"))  # fmt: skip
        top.set(ylabel=_("relative height\n(our choice)"), ylim=(0, 1.1), yticks=[])
        legend(top)
        for row in anchors.itertuples():
            _statement(bottom, row)
        bottom.set(yticks=[0, -1, -2], yticklabels=MEASURES.values(), xlim=(0, OLDEST),
                   xlabel=_("age of the kitten (days)"))  # fmt: skip
    drawn = _how_drawn("kitten_sensitivity", "missing_acuity")
    return worded("kitten_sensitivity", figure, _shown(anchors), drawn=drawn)


def _statement(axes: Axes, row) -> None:
    """Draw one statement of an abstract as a bar over its ages."""
    begin = 0 if pd.isna(row.age_start) else row.age_start
    end = OLDEST if pd.isna(row.age_end) else row.age_end
    begin, end = (begin - 4, end + 4) if begin == end else (begin, end)
    y = -list(MEASURES).index(row.measure)
    shade = 0.1 + 0.5 * SHADE[row.level]
    axes.barh(y, end - begin, left=begin, height=0.8, color=ANIMAL, alpha=shade)
    axes.text((begin + end) / 2, y, _(row.level), ha="center", va="center",
              rotation=0 if end - begin > 30 else 90)  # fmt: skip


def macaque_synapses() -> Panel:
    """Figure 4, centre: density of synapses in the visual cortex of macaques."""
    anchors = biology.anchors("macaque_synapses")
    adult = anchors[anchors["age_end_days"] > anchors["age_days"]]
    young = anchors.drop(adult.index)
    curve = biology.schematic("macaque_synapses")
    with rows(2.6) as (figure, (axes,)):
        axes.plot(curve["age_days"] / YEAR, curve["value"], color=ANIMAL, alpha=0.8,
                  label="schematic")  # fmt: skip
        axes.plot(young["age_days"] / YEAR, young["synapses_per_100um2"], "s",
                  color=ANIMAL, label="published")  # fmt: skip
        for row in adult.itertuples():
            axes.plot(
                [row.age_days / YEAR, row.age_end_days / YEAR],
                [row.synapses_per_100um2] * 2, color=ANIMAL, linewidth=5, alpha=0.6,
                solid_capstyle="butt", label="published, mean over these ages",
            )  # fmt: skip
        axes.axvline(0, color=GREY, linestyle=":", label="birth")
        axes.set(xlabel="age (years from birth)", ylabel="synapses per 100 µm²",
                 ylim=(0, 75))  # fmt: skip
        legend(axes)
    drawn = _how_drawn("macaque_synapses")
    return worded("macaque_synapses", figure, _shown(anchors), drawn=drawn)


def fitted_points(points: pd.DataFrame, unit: str = "value") -> tuple[Panel, Fit]:
    """A reader's digitised points (`biology.load_csv`) with the paper's fit.

    Returns:
        The figure, with the 95 % confidence band of the fit, and the fit.
    """
    errors = points.get("error", None)
    fit = fit_double_exponential(points["age_days"], points["value"], sigma=errors)
    first, last = points["age_days"].min(), points["age_days"].max()
    age = np.linspace(first, last, 200)
    with rows(2.6) as (figure, (axes,)):
        band(axes, age, *fit.band(age), ANIMAL)
        axes.plot(age, fit.predict(age), color=ANIMAL, label="double exponential")
        axes.errorbar(points["age_days"], points["value"], yerr=errors, fmt="o",
                      color=GREY, label="points")  # fmt: skip
        axes.set(xlabel="age (days)", ylabel=unit)
        legend(axes)
    free = {name: error for name, error in fit.stderr.items() if error}
    words = ", ".join(
        f"{name} = {fit.params[name]:.3g} ± {error:.2g}" for name, error in free.items()
    )
    panel = worded(
        "fitted_points", figure, points, count=fit.n, first=first, last=last,
        r2=fit.r2, words=words,
    )  # fmt: skip
    return panel, fit


def _schematic(axes: Axes, name: str, colour: str, dash: str, label: str) -> None:
    curve = biology.schematic(name)
    axes.plot(curve["age_days"], curve["value"], color=colour, linestyle=dash,
              alpha=0.8, label=label)  # fmt: skip


def _how_drawn(*names: str) -> str:
    return " ".join(_(biology.HOW_DRAWN[name]) for name in names)


def _shown(anchors: pd.DataFrame) -> pd.DataFrame:
    return anchors.drop(columns=["key", "url"])

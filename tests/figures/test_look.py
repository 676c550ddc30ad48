"""Every figure in the book's own look, whatever the reader's, and always the same."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import report
from handmade import handmade
from matplotlib import pyplot as plt

from cplib import figures, studies
from cplib.figures import animals, examples, fisher, layers, stimuli
from cplib.results import library
from cplib.widgets import static_view
from cplib.widgets.outcomes import Outcomes

BOOK = Path(library.__file__).parents[2] / "book" / "results"
# what a reader may have set: of the parameters read when a figure is drawn, and of
# those read when it is saved
ODD = {
    "axes.facecolor": "yellow", "font.family": "serif", "lines.linewidth": 7,
    "axes.spines.top": True, "text.color": "red", "axes.unicode_minus": False,
    "savefig.facecolor": "black", "savefig.transparent": True, "svg.fonttype": "none",
    "savefig.pad_inches": 1, "savefig.dpi": 30, "svg.hashsalt": "mine",
    "path.simplify_threshold": 0.9, "figure.constrained_layout.w_pad": 0.5,
}  # fmt: skip
READER = ["dark_background", ODD]


def stored(name):
    return library.stored(studies.get(name, "laptop"))


def explored():
    outcomes = Outcomes(handmade("timing"))
    shown = examples.examples(outcomes.result.study, 2, 0)
    return static_view.state_panel(outcomes, shown, outcomes.choose(), "baseline")


def digitised():
    ages = np.arange(9.0)
    rises_and_falls = np.exp(-ages / 5) - np.exp(-ages)
    return pd.DataFrame({"age_days": ages, "value": 1 + rises_and_falls})


FIGURES = {
    "removal": lambda: figures.draw(handmade("1TL")),
    "window": lambda: figures.draw(handmade("1BL")),
    "comparison": lambda: figures.draw(handmade("demo")),
    "map": lambda: figures.draw(handmade("timing")),
    "together": lambda: figures.together({n: handmade(n) for n in ("2L", "2R")}),
    "clock": lambda: figures.together(
        {n: handmade(n) for n in ("1TL", "clock-decay")}, clock=True
    ),
    "after": lambda: figures.curves.after({n: handmade(n) for n in ("2L", "2R")}),
    "time left": lambda: figures.curves.time_left({"falls": studies.get("1TL")}),
    "over training": lambda: fisher.over_training(stored("3TL")),
    "under deficit": lambda: fisher.under_deficit(stored("3TL")),
    "by layer": lambda: layers.by_layer(stored("5")),
    "beside loss": lambda: fisher.beside_loss(
        {"a": [stored("3TL")], "b": [stored("5")]}
    ),
    "layers moved": lambda: layers.moved(stored("5")),
    "sensitivity": lambda: fisher.with_sensitivity(stored("3TL"), stored("1BL")),
    "acuity": animals.kitten_acuity,
    "kittens": animals.kitten_sensitivity,
    "macaques": animals.macaque_synapses,
    "points": lambda: animals.fitted_points(digitised())[0],
    "deficits": stimuli.deficits,
    "clues": stimuli.clues,
    "course": lambda: stimuli.course(studies.get("1TL", "smoke")),
    "sweep": lambda: report.sweep(report.read("sweep")),
    "estimators": lambda: report.estimators(report.read("estimator")),
    "explorer": explored,
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_does_not_know_the_readers_style(name, monkeypatch):
    monkeypatch.setenv("CPLIB_RESULTS", str(BOOK))
    panel = FIGURES[name]()
    picture = panel.svg()
    with plt.style.context(READER):
        assert panel.svg() == picture
        assert FIGURES[name]().svg() == picture


@pytest.mark.parametrize("name", FIGURES)
def test_legends_are_above_the_axes_where_they_hide_no_line(name, monkeypatch):
    monkeypatch.setenv("CPLIB_RESULTS", str(BOOK))
    figure = FIGURES[name]().figure
    figure.draw_without_rendering()
    for axes in figure.axes:
        if legend := axes.get_legend():
            bottom, top = legend.get_window_extent().y0, axes.get_window_extent().y1
            assert bottom > top - 2  # pixels


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_a_figure_is_saved_the_same_on_any_day(suffix, tmp_path, monkeypatch):
    panel = animals.kitten_acuity()
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
    panel.save(first)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")  # the date that matplotlib writes
    with plt.style.context(READER):
        panel.save(second)
    assert first.read_bytes() == second.read_bytes()


def test_the_readme_shows_the_stored_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("CPLIB_RESULTS", str(BOOK))
    drawn, shown = tmp_path / "1TL.svg", BOOK.parent / "static" / "figure-1.svg"
    figures.draw(stored("1TL")).save(drawn)
    marks = [
        np.array(re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"', path.read_text()))
        for path in (drawn, shown)
    ]
    again = "render it: python -m cplib render 1TL --output book/static/figure-1.svg"
    assert marks[0].shape == marks[1].shape, again
    distances = np.abs(np.subtract(*(mark.astype(float) for mark in marks)))
    assert distances.max() < 1, again  # points of 1/72 inch


def test_the_readers_style_is_given_back():
    with plt.style.context(READER):
        before = dict(mpl.rcParams)
        animals.kitten_acuity().svg()
        assert dict(mpl.rcParams) == before

"""A figure is chosen by what a study varies, and readers' studies are drawn, too."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from handmade import handmade
from matplotlib.figure import Figure
from scipy import stats

from cplib import data, figures, results, studies
from cplib.deficits import Blur, Deficit, Noise, VerticalFlip
from cplib.figures import marks, shapes
from cplib.figures.palette import SERIES, looks, style
from cplib.fisher import Probe
from cplib.training import Restart
from cplib.widgets import explore, predict

BASE = studies.get("1TL", "demo")
BOOK = {
    "removal_sweep": "1TL 2L 2R 2B 2B-moving 3TL 3TR 3BL 3BR1 3BR2 3BR3 5 "
    "nothing clock-decay clock-batch restart shrink",
    "window_sweep": "1BL 4L",
    "timing_map": "timing",
    "comparison": "demo cyclic patching unremoved",
    "over_training": "faster",
}


@dataclass(frozen=True)
class Grayscale(Deficit):
    def images(self, x, seed):
        return x.mean(1, keepdim=True).expand_as(x).contiguous()


def study(*spans, setup=BASE.setup):
    return studies.windows("mine", "demo", "Mine", setup, spans, 10)


def seven():
    """Seven classes in one channel, as from a folder of images."""
    labels = np.arange(70) % 7
    images = np.random.default_rng(7).integers(0, 256, (70, 16, 16, 1), np.uint8)
    return images, labels, images, labels


data.register(data.Source("seven", seven, 1, 7))
OWN = replace(studies.SCALES["demo"], name="own", removals=(3, 7), clean=9)
READERS = {
    "strengths": study(*((Blur(f), 0, t) for f in (2, 4) for t in (5, 10))),
    "own deficit": study(*((Grayscale(), 0, t) for t in (5, 10))),
    "several": study(*((d(), 4, t) for d in (Blur, Noise, Grayscale) for t in (6, 9))),
    "lengths": study(*((Blur(), a, a + k) for k in (2, 5) for a in (0, 6, 9))),
    "map": study(*((Blur(f), 0, t) for f in (2, 4) for t in (4, 8)),
                 *((Blur(f), 4, 8) for f in (2, 4)), (Noise(), 0, 4)),
    "in turn": study([(Blur(), 0, 4), (Noise(), 6, 9)], (Blur(), 0, 4)),
    "returns": study([(Blur(), 0, 3), (Blur(), 6, 9)]),
    "one": study((VerticalFlip(), 3, 8)),
    "small": study(*((Blur(), 0, t) for t in (5, 10)),
                   setup=BASE.setup.vary(batch=64, width=4, train=500)),
    "restart": study(*((Blur(), 0, t) for t in (5, 10)),
                     setup=BASE.setup.vary(rate=Restart())),
    "folder": study(*((Blur(), 0, t) for t in (5, 10)),
                    setup=BASE.setup.vary(data=data.DataSpec("seven", 70, 70, 16))),
    "scale": studies.get("1TL", OWN),
    "none": study(),
}  # fmt: skip
CHOSEN = {
    "strengths": "removal_sweep", "own deficit": "removal_sweep",
    "several": "removal_sweep", "lengths": "window_sweep", "map": "timing_map",
    "small": "removal_sweep", "restart": "removal_sweep",
    "folder": "removal_sweep", "scale": "removal_sweep",
}  # fmt: skip


def traced(result):
    """The same with a trace of 10 to 12 from epoch 1 on."""
    setup = replace(result.study.setup, probe=Probe(8, 1))
    rows = result.table[result.table.epoch > 0]
    rows = rows.assign(metric="trace", value=10 + 2 * rows["value"])
    table = pd.concat([result.table, rows], ignore_index=True)
    return replace(result, study=replace(result.study, setup=setup), table=table)


def chosen(monkeypatch, result):
    """The name of the function that `draw` calls."""
    called = []
    for name in BOOK:
        call = lambda *_, name=name: called.append(name)  # noqa: E731
        monkeypatch.setattr(shapes, name, call)
    figures.draw(result)
    return called[0]


@pytest.mark.parametrize(
    ("kind", "name"), [(k, n) for k, names in BOOK.items() for n in names.split()]
)
def test_every_study_of_the_book_has_its_figure(kind, name, monkeypatch):
    scale = "demo" if name in ("demo", "patching") else "laptop"
    result = replace(handmade("demo"), study=studies.get(name, scale))
    assert chosen(monkeypatch, result) == kind


@pytest.mark.parametrize("probed", [False, True], ids=["bare", "probed"])
@pytest.mark.parametrize("name", READERS)
def test_a_readers_study_is_drawn_like_the_books(name, probed):
    result = handmade(READERS[name])
    panel = figures.draw(traced(result) if probed else result)
    assert "nan" not in panel.alt + panel.caption + panel.origin
    assert "95 % interval" in panel.caption or "Mean over 3 seeds" in panel.caption
    varies = name != "none"
    assert ("trace" in panel.table) == (probed and not varies)
    for run in result.study.runs:
        assert run.label in panel.alt.lower() or run.clean
    assert panel.svg()


@pytest.mark.parametrize("name", [name for name in READERS if name != "none"])
def test_it_is_explored_sketched_stored_and_read_again(name, tmp_path, monkeypatch):
    monkeypatch.setenv("CPLIB_RESULTS", str(tmp_path))
    result = handmade(READERS[name])
    assert explore(result).panel.svg()
    finals = results.finals(result).groupby("run")["final"].mean()
    assert predict.outcomes(result).mean == pytest.approx(tuple(100 * finals))
    sketches = {"removal_sweep": predict.endings, "window_sweep": predict.losses}
    if name != "several" and (sketch := sketches.get(CHOSEN.get(name))):
        assert "svg" in sketch(result)._repr_html_()
    results.save(result)
    held = results.stored(result.study)
    order = ["seed", "run", "epoch"]
    one, other = (r.table.sort_values(order, ignore_index=True) for r in (result, held))
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


@pytest.mark.parametrize("name", CHOSEN)
def test_it_is_chosen_by_what_the_study_varies(name, monkeypatch):
    assert chosen(monkeypatch, handmade(READERS[name])) == CHOSEN[name]


def test_one_seed_has_no_band_and_says_so():
    panel = figures.draw(handmade("1TL", seeds=(3,)))
    assert "One seed, so no band." in panel.caption
    assert panel.table["low"].isna().all()


def test_the_band_is_students_interval_where_seeds_are_left():
    random = np.random.default_rng(0)
    values = pd.DataFrame(random.random((4, 3)), index=[0, 1, 5, 9])
    values.iloc[1, 0] = np.nan
    found = marks.interval(values)
    for x, row in values.iterrows():
        wanted = stats.ttest_1samp(row.dropna(), 0).confidence_interval(0.95)
        np.testing.assert_allclose(found.loc[x, ["low", "high"]], wanted)
    with style():
        axes = Figure().subplots()
        marks.mean(axes, values, SERIES[0], "name")
    corners = axes.collections[0].get_paths()[0].vertices
    for x in values.index:
        heights = corners[corners[:, 0] == x, 1]
        assert heights.min() == pytest.approx(found.loc[x, "low"])
        assert heights.max() == pytest.approx(found.loc[x, "high"])
    dots = [y for x in axes.lines for y in x.get_ydata() if x.get_marker() == "."]
    assert sorted(y for y in dots if y == y) == sorted(values.stack().dropna())


def test_the_geometric_band_is_students_interval_of_logarithms():
    values = pd.DataFrame([[1.0, 10, 100], [2, 2, 2], [0, 3, 27]])
    found = marks.interval(values, geometric=True)
    assert found["mean"].tolist() == pytest.approx([10, 2, 9])
    half = stats.t.ppf(0.975, 2) * np.log(10) / np.sqrt(3)
    assert found.low[0] == pytest.approx(10 / np.exp(half))
    assert found.high[0] == pytest.approx(10 * np.exp(half))
    assert found.low.min() > 0  # so that a logarithmic axis can show it


@pytest.mark.parametrize("name", [name for name in READERS if name != "map"])
def test_runs_are_never_told_apart_by_colour_alone(name):
    clean, *own = looks(READERS[name].runs[:6])
    assert clean == Deficit.look
    assert len({look[1:] for look in own}) == len(own)

"""What late-blurred networks cannot see, against counts by hand and stored results."""

import numpy as np
import pandas as pd
import pytest
import torch
from handmade import stored

from cplib import data, results, studies
from cplib.figures import unseen
from tools.maintain import unseen as records

SEEDS = 3


@pytest.fixture
def answers(monkeypatch):
    """Made-up answers of six networks to eight images of two classes."""
    columns = ["true", *(f"{who}{i}" for who in ("never", "blurred") for i in range(3))]
    rows = [
        (3, 3, 3, 3, 5, 5, 5),  # lost
        (3, 3, 3, 3, 5, 5, 4),  # lost
        (3, 3, 3, 3, 3, 5, 5),  # one blurred network names it
        (3, 3, 3, 4, 5, 5, 5),  # one never-blurred network misses it
        (5, 3, 3, 3, 5, 5, 5),  # gained
        (5, 5, 5, 5, 5, 5, 5),
        (5, 3, 5, 5, 3, 3, 4),
        (5, 4, 4, 4, 4, 4, 4),
    ]
    table = pd.DataFrame(rows, columns=columns)
    monkeypatch.setattr(unseen, "recorded", lambda name: table)
    return table


def test_images_lost_and_gained(answers):
    assert unseen.lost().index.tolist() == [0, 1]
    assert unseen.lost("never", "blurred").index.tolist() == [4]


def test_pairs_are_counted(answers):
    wanted = {}
    for true, *named in answers.to_numpy().tolist():
        for i, name in enumerate(named):
            if name != true:
                sign = -1 if i < SEEDS else 1
                wanted[true, name] = wanted.get((true, name), 0) + sign / SEEDS
    found = unseen.pairs()
    assert found["mean"].is_monotonic_decreasing
    for row in found.itertuples():
        assert row.mean == pytest.approx(wanted.pop((row.true, row.named)), abs=0.05)
    assert not wanted
    assert unseen.worst(1) == "cat → dog (+3)"


@pytest.mark.usefixtures("books_results")
def test_recorded_answers_have_the_stored_accuracies():
    table, result = unseen.recorded("answers"), stored("1TL")
    for who, run in records.RUNS.items():
        ends = result.curve(run).iloc[-1]
        for seed in set(records.SEEDS) & set(result.seeds):
            found = (table[f"{who}{seed}"] == table["true"]).mean()
            assert found == pytest.approx(ends[seed], abs=1e-6)


@pytest.mark.usefixtures("books_results")
def test_gratings_are_those_that_the_blurred_networks_missed():
    study, table = studies.get("demo", "demo"), unseen.recorded("answers-gratings")
    result, dataset = results.stored(study), data.load(study.setup.data)
    for who, run in {"never": study.runs[0], "blurred": study.find("blur")}.items():
        for seed in records.SEEDS:
            found = (table[f"{who}{seed}"] == table["true"]).mean()
            assert found == pytest.approx(result.curve(run).iloc[-1][seed], abs=1e-6)
    panel = unseen.gratings(5)
    first = panel.table["image"].tolist()
    labels = dataset.test_labels[first].tolist()
    assert panel.table["true"].tolist() == [f"{18 * label}°" for label in labels]
    assert table["true"][first].tolist() == labels
    missed = table.loc[first].filter(like="blurred").ne(table["true"][first], axis=0)
    assert missed.all(axis=None) and f"until epoch {study.find('blur').removal}" in (
        panel.caption
    )


@pytest.mark.parametrize("name", ["answers", "answers-gratings", "filters", "weights"])
def test_records_are_of_the_study_as_it_is(name):
    """If not: python -m tools.maintain.unseen."""
    path = records.FOLDER / f"{name}.csv.gz"
    comment = pd.read_csv(path, sep="\0", nrows=0).columns[0]
    study = ("demo", "demo") if name.endswith("gratings") else ("1TL", "laptop")
    assert f"{' '.join(study)} {studies.get(*study).hash}" in comment
    assert path.stat().st_size < 50_000


def test_fineness_is_the_energy_outside_of_frequency_0():
    weights = torch.randn(16, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    power = torch.fft.fft2(weights).abs() ** 2
    wanted = 1 - power[..., 0, 0].sum() / power.sum()
    assert records.fineness(weights) == pytest.approx(float(wanted), abs=1e-5)
    assert records.fineness(7 * weights) == pytest.approx(float(wanted), abs=1e-5)
    assert records.fineness(torch.ones(2, 1, 3, 3)) == 0
    spot = torch.zeros(1, 1, 3, 3)
    spot[0, 0, 1, 1] = 2.0  # mean 2/9: left are (16/9)² and 8 (2/9)², of 4
    assert records.fineness(spot) == pytest.approx(8 / 9)


@pytest.mark.usefixtures("books_results")
def test_the_norm_of_the_weights_is_that_of_the_stored_endings():
    """Against the same quantity by layer, measured while the study was trained."""
    result, table = stored("1TL"), unseen.recorded("weights")
    for who, run in records.RUNS.items():
        squares = [result.curve(run, "norm2", str(i)).iloc[-1] for i in range(9)]
        ends = sum(squares) ** 0.5
        own = table[(table.network == who) & (table.epoch == run.epochs)]
        own = own.set_index("seed").norm
        seeds = own.index.intersection(result.seeds)
        assert len(seeds) and own[seeds].to_numpy() == pytest.approx(
            ends[seeds], rel=1e-3
        )


def test_filters_are_tiled_in_their_colours():
    weights = torch.zeros(8, 3, 3, 3)
    weights[5, 0, 2, 1], weights[5, 2, 0, 0] = 0.5, -0.25  # red, and less blue
    tiled = unseen._tiled(records.scaled(weights + 1e-9))
    assert tiled.shape == (8, 16, 4)
    assert tiled[4 + 2, 4 + 1] == pytest.approx([1, 0.5, 0.5, 1])
    assert tiled[4, 4] == pytest.approx([0.5, 0.5, 0.25, 1], abs=0.01)
    assert (tiled[3, :, 3] == 0).all() and (tiled[:, 3, 3] == 0).all()


def test_figures_of_the_records():
    table = unseen.recorded("filters")
    panel = unseen.fineness()
    lines = [line for line in panel.figure.axes[0].lines if len(line.get_xdata()) > 2]
    assert len(lines) == len(records.RUNS) * len(records.SEEDS)
    last = table[(table.network == "blurred") & (table.epoch == table.epoch.max())]
    assert f"{100 * last.fineness.mean():.0f} % in networks blurred" in panel.alt
    assert len(unseen.filters().figure.axes) == 2 * len(records.SHOWN)
    assert "moving noise" in unseen.weights().alt
    panel = unseen.confusions()
    assert len(panel.table) == 90 and unseen.worst() in panel.alt


def test_images_are_drawn_from_the_readers_copy(answers, monkeypatch):
    grey = np.linspace(-1, 1, 8, dtype=np.float32)
    shown = torch.from_numpy(grey)[:, None, None, None].expand(8, 3, 16, 16)
    one = torch.ones(3, 1, 1)
    own = data.Dataset(shown, None, shown, None, 0 * one, one, "", 10)
    monkeypatch.setattr(unseen.data, "load", lambda spec: own)
    panel = unseen.images()
    titles = [axes.get_title() for axes in panel.figure.axes]
    assert titles[:2] == ["cat\n→ dog", "cat\n→ dog"] and not any(titles[2:])
    assert panel.table["image"].tolist() == [0, 1]

"""Learning curves during and after deficits, recomputed from the bare tables."""

from pathlib import Path

import numpy as np
import pytest
from handmade import bare, handmade

from cplib import figures, results, studies
from cplib.deficits import Blur
from cplib.errors import InputError

BOOK = Path(results.__file__).parents[2] / "book" / "results"


def line(panel, label):
    """The data of the line of this name."""
    lines = panel.figure.axes[0].get_lines()
    (found,) = [x for x in lines if x.get_label() == label]
    return found.get_data()


def of(table, metric, removal, epochs):
    rows = table[(table.metric == metric) & (table.removal == removal)]
    return 100 * rows.groupby("epoch").value.mean().loc[epochs]


@pytest.fixture
def stored(monkeypatch):
    monkeypatch.setenv("CPLIB_RESULTS", str(BOOK))
    names = {"blur": "1TL", "noise": "2B"}
    found = {k: results.stored(studies.get(n, "laptop")) for k, n in names.items()}
    tables = {k: bare(BOOK / f"{n}-laptop.csv.gz") for k, n in names.items()}
    return found, tables


def test_during_draws_training_accuracy_until_the_removal(stored):
    found, tables = stored
    panel = figures.curves.during(found)
    last = max(set(tables["blur"].removal) & set(tables["noise"].removal))
    for name, table in tables.items():
        epochs, means = line(panel, name)
        assert list(epochs) == list(range(1, last + 1))
        wanted = of(table, "train_accuracy", last, epochs)
        np.testing.assert_allclose(means, wanted)
    assert f"until epoch {last}" in panel.alt


def test_after_counts_clean_epochs_from_the_last_removal_that_all_have():
    found = {"blur": handmade("1TL", "demo"), "flip": handmade("2L", "demo")}
    one, other = (set(r.table.removal) for r in found.values())
    last, clean = max(one & other), found["blur"].study.clean_epochs
    panel = figures.curves.after(found)
    since = np.arange(clean + 1)
    lines = {name: (r.table, last, last) for name, r in found.items()}
    lines["from birth"] = (found["blur"].table, 0, 0)
    lines["no deficit, same age"] = (found["blur"].table, 0, last)
    for name, (table, removal, begin) in lines.items():
        epochs, means = line(panel, name)
        np.testing.assert_array_equal(epochs, since)
        wanted = of(table, "test_accuracy", removal, begin + since)
        np.testing.assert_allclose(means, wanted)


def test_sweeps_without_a_common_removal_are_refused():
    base, blur = studies.get("1TL", "smoke"), Blur()
    sweeps = {
        name: handmade(studies.sweep(name, blur, removals=(end,), base=base))
        for name, end in (("short", 1), ("long", 2))
    }
    with pytest.raises(InputError, match="short, long share no removal"):
        figures.curves.after(sweeps)


@pytest.mark.parametrize("scale", ["laptop", "paper"])
def test_time_left_is_a_sum_of_rates(scale):
    shown = {"falls": studies.get("1TL", scale), "fixed": studies.get("3BL", scale)}
    panel = figures.curves.time_left(shown)
    epochs, left = line(panel, "falls")
    ratio = 0.97**epochs  # of two geometric sums of the same length
    np.testing.assert_allclose(left, 100 * ratio)
    epochs, left = line(panel, "fixed")
    np.testing.assert_allclose(left, 100)
    assert epochs[-1] == shown["fixed"].runs[-1].removal

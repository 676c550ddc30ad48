"""What is drawn is what was stored, recomputed here from the bare table."""

from pathlib import Path

import numpy as np
import pytest

from cplib import figures, results, studies


@pytest.fixture(scope="module")
def stored():
    """The book's own results, read from the checkout."""
    book = Path(results.__file__).parents[2] / "book" / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CPLIB_RESULTS", str(book))
        return {n: results.stored(studies.get(n, "laptop")) for n in ("1TL", "1BL")}


def last_five(table, seed, onset, removal, end):
    rows = table[
        (table.metric == "test_accuracy") & (table.seed == seed)
        & (table.onset == onset) & (table.removal == removal)
    ]  # fmt: skip
    return 100 * rows[(rows.epoch > end - 5) & (rows.epoch <= end)].value.mean()


def line(axes, label):
    found = [x for x in axes.get_lines() if x.get_label().startswith(label)]
    assert len(found) == 1, label
    return found[0].get_data()


def drawn(axes, dash):
    """The one line of this dash that has data and markers."""
    lines = [x for x in axes.get_lines() if x.get_linestyle() == dash]
    (found,) = [x for x in lines if len(x.get_xdata()) and x.get_marker() != "None"]
    return found.get_data()


def test_removal_sweep_draws_the_stored_means(stored):
    result = stored["1TL"]
    panel = figures.draw(result)
    times, means = line(panel.figure.axes[0], "blur until")
    clean = result.study.clean_epochs
    wanted = [
        np.mean([last_five(result.table, s, 0, t0, t0 + clean) for s in result.seeds])
        for t0 in times
    ]
    np.testing.assert_allclose(means, wanted)
    times, control = line(panel.figure.axes[0], "control")
    wanted = [
        np.mean([last_five(result.table, s, 0, 0, t0 + clean) for s in result.seeds])
        for t0 in times
    ]
    np.testing.assert_allclose(control, wanted)
    assert f"{means[0]:.1f} %" in panel.alt and f"{means[-1]:.1f} %" in panel.alt
    assert "Star: 11.6 points" in panel.caption  # 18.0 - 6.4


def test_window_sweep_draws_the_loss_against_equal_length(stored):
    result = stored["1BL"]
    panel = figures.draw(result)
    onsets, losses = drawn(panel.figure.axes[1], ":")
    run, clean = result.study.runs[-1], result.study.clean_epochs
    length = run.removal - run.onset
    for onset, loss in zip(onsets, losses, strict=True):
        end = onset + length + clean
        pairs = [
            last_five(result.table, s, 0, 0, end)
            - last_five(result.table, s, onset, onset + length, end)
            for s in result.seeds
        ]
        assert loss == pytest.approx(np.mean(pairs))


def test_blur_until_late_costs_at_least_four_points(stored):
    """The book's first claim, from the stored runs: three seeds or more."""
    result = stored["1TL"]
    by_seed = results.finals(result)
    last = by_seed[by_seed.removal == by_seed.removal.max()]
    assert len(last) >= 3
    assert 100 * (last.baseline - last.final).mean() >= 4


def test_networks_stand_beside_kittens_and_both_are_what_was_measured(stored):
    panel = figures.beside_kittens(stored["1TL"], stored["1BL"])
    result, table = stored["1TL"], panel.table
    drawn = table[table["panel"] == "network: blur removed"].set_index("age")
    for t0 in drawn.index:
        ends = [
            last_five(result.table, s, 0, t0, t0 + result.study.clean_epochs)
            for s in result.seeds
        ]
        assert drawn.loc[t0, "value"] == pytest.approx(np.mean(ends))
        ends = drawn.loc[t0, ["low", "high"]].tolist(), [min(ends), max(ends)]
        assert ends[0] == pytest.approx(ends[1])
    opened = table[table["panel"] == "kitten: eye opened"]
    assert opened["value"].dropna().tolist() == [2.6, 2.9, 2.5]  # cycles/degree
    regained = panel.figure.axes[1].collections[0].get_segments()
    bars = [bar[:, 1].tolist() for bar in regained if len(bar)]
    assert bars == [[5.0, 6.0], [4.0, 5.0]]
    said = [text.get_text() for text in panel.figure.axes[3].texts]
    assert said == ["rising", "high", "subsiding", "present", "none"]

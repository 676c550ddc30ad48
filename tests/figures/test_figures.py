"""What is drawn is what was stored, recomputed here from the bare table."""

from pathlib import Path

import numpy as np
import pytest
from handmade import handmade

from cplib import figures, results, studies


@pytest.fixture(scope="module")
def stored():
    """The book's own results, read from the checkout."""
    book = Path(results.__file__).parents[2] / "book" / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CPLIB_RESULTS", str(book))
        return {n: results.stored(studies.get(n, "laptop")) for n in ("1TL", "1BL")}


def test_the_fine_detail_of_images_is_not_that_of_their_edges():
    """A blurred image has hardly any, a flipped one as much as before."""
    table = figures.stimuli.deficits().table.set_index("deficit")
    share = table["share of it above 1/8 cycle per pixel"]
    assert share["blur"] < 0.02 < 0.1 < share["no deficit"] < share["noise"]
    assert share["vertical flip"] == pytest.approx(share["no deficit"], rel=1e-4)


def last_five(table, seed, onset, removal, end):
    rows = table[
        (table.metric == "test_accuracy") & (table.seed == seed)
        & (table.onset == onset) & (table.removal == removal)
    ]  # fmt: skip
    return 100 * rows[(rows.epoch > max(0, end - 5)) & (rows.epoch <= end)].value.mean()


def line(axes, label):
    found = [x for x in axes.get_lines() if x.get_label().startswith(label)]
    assert len(found) == 1, label
    return found[0].get_data()


def drawn(axes, dash):
    """The one line of this dash that has data and markers."""
    lines = [x for x in axes.get_lines() if x.get_linestyle() == dash]
    (found,) = [x for x in lines if len(x.get_xdata()) and x.get_marker() != "None"]
    return found.get_data()


@pytest.mark.parametrize("scale", ["laptop", "smoke"])
def test_removal_sweep_draws_the_means(stored, scale):
    result = stored["1TL"] if scale == "laptop" else handmade("1TL", scale)
    panel = figures.draw(result)
    times, means = line(panel.figure.axes[0], "blur until")
    clean = result.study.clean_epochs
    wanted = [
        np.mean([last_five(result.table, s, 0, t0, t0 + clean) for s in result.seeds])
        for t0 in times
    ]
    np.testing.assert_allclose(means, wanted)
    wanted = [
        np.mean([last_five(result.table, s, 0, 0, t0 + clean) for s in result.seeds])
        for t0 in times
    ]
    if np.ptp(wanted) > 1:
        assert wanted[1:] == pytest.approx(
            line(panel.figure.axes[0], "no deficit, same age")[1]
        )
    else:
        assert "at the same age it is within a point of it" in panel.caption
    assert f"{means[0]:.1f} %" in panel.alt and f"{means[-1]:.1f} %" in panel.alt
    assert "Star: 11.6 points" in panel.caption  # 18.0 - 6.4


@pytest.mark.parametrize("dash", ["-", ":"])
@pytest.mark.parametrize("scale", ["laptop", "smoke"])
def test_window_sweep_draws_the_loss(stored, scale, dash):
    """Solid: to the same clean training; dotted: to the same age, where it differs."""
    result = stored["1BL"] if scale == "laptop" else handmade("1BL", scale)
    panel = figures.draw(result)
    if scale == "laptop" and dash == ":":
        assert "at the same age it is within a point of it" in panel.caption
        return
    onsets, losses = drawn(panel.figure.axes[1], dash)
    run, clean = result.study.runs[-1], result.study.clean_epochs
    length = run.removal - run.onset
    for onset, loss in zip(onsets, losses, strict=True):
        end = onset + length + clean
        pairs = [
            last_five(result.table, s, 0, 0, end if dash == ":" else clean)
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

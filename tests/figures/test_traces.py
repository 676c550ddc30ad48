"""The figures of Fisher information, recomputed from the bare stored tables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from handmade import STORED, bare, handmade, stored
from scipy import stats

from cplib import figures, results, studies
from cplib.analysis import sensitivity
from cplib.analysis.effects import REFERENCES
from cplib.errors import InputError
from cplib.figures import animals, fisher, layers
from cplib.figures.sweeps import decay_left

pytestmark = pytest.mark.usefixtures("books_results")


def table_of(name):
    return bare(STORED / f"{name}-laptop.csv.gz")


def line(axes, label):
    found = [x for x in axes.get_lines() if x.get_label().startswith(label)]
    assert len(found) == 1, label
    return found[0].get_data()


def mean_trace(table, kind, removal, layer=""):
    rows = table[
        (table.metric == "trace") & (table.layer == layer)
        & (table.deficit == kind) & (table.removal == removal)
    ]  # fmt: skip
    return rows.groupby("epoch").value.agg(stats.gmean)


@pytest.mark.parametrize("name", ["3TL", "5"])
def test_under_deficit_draws_the_mean_trace_of_each_run(name):
    panel = fisher.under_deficit(stored(name), "blur")
    table = table_of(name)
    axes = panel.figure.axes[0]
    removals = sorted(table[table.deficit == "blur"].removal.unique())
    assert len(removals) >= 2
    for removal in [0, *removals]:
        kind = "blur" if removal else "none"
        epochs, means = line(axes, f"blur until {removal}" if removal else "no")
        wanted = mean_trace(table, kind, removal)
        np.testing.assert_array_equal(epochs, wanted.index)
        np.testing.assert_allclose(means, wanted)
    assert axes.get_yscale() == "log"
    assert all(f"blur until {removal}:" in panel.alt for removal in removals)


def test_over_training_draws_trace_and_accuracy():
    result = stored("3TL")
    panel = fisher.over_training(result)
    table = table_of("3TL")
    top, bottom = panel.figure.axes
    np.testing.assert_allclose(line(top, "ResNet-18")[1], mean_trace(table, "none", 0))
    rows = table[(table.metric == "test_accuracy") & (table.deficit == "none")]
    wanted = 100 * rows.groupby("epoch").value.mean()
    np.testing.assert_allclose(line(bottom, "ResNet-18")[1], wanted)


@pytest.mark.parametrize("kind", ["blur", "flip"])
def test_by_layer_stacks_shares_that_sum_to_one(kind):
    result = stored("5")
    table = table_of("5")
    panel = layers.by_layer(result, kind)
    drawn = panel.table
    nine = [column for column in drawn if column not in ("epoch", "run")]
    assert len(nine) == 9
    np.testing.assert_allclose(drawn[nine].sum(axis=1), 100, atol=0.5)
    late = table[table.deficit == kind].removal.max()
    rows = drawn[drawn.run.str.endswith(f"until {late}")]
    total = table[
        (table.metric == "trace") & (table.deficit == kind) & (table.removal == late)
    ]
    at = total[total.epoch == late].pivot(index="seed", columns="layer", values="value")
    wanted = 100 * at.drop(columns="").div(at[""], axis=0).mean()
    found = rows[rows.epoch == late][nine].iloc[0]
    np.testing.assert_allclose(found, wanted[[str(i) for i in nine]], atol=0.06)
    assert len(panel.figure.axes) == 3


def test_beside_loss_marks_every_run_and_seed_at_its_end():
    table = table_of("5")
    panel = fisher.beside_loss({"net": [stored("5")]})
    last = table[table.deficit == "flip"].removal.max()
    rows = table[(table.deficit == "flip") & (table.removal == last)]
    for seed, part in rows.groupby("seed"):
        ends = {
            name: part[(part.metric == metric) & (part.layer == "")]
            .value.iloc[-5:]
            .mean()
            for name, metric in (("training loss", "train_loss"), ("trace", "trace"))
        }
        drawn = panel.table.query("seed == @seed and run == @name", local_dict={
            "seed": seed, "name": f"vertical flip until {last}"})  # fmt: skip
        assert drawn[list(ends)].iloc[0].to_dict() == pytest.approx(ends)
    assert len(panel.table) == table.groupby(["seed", "deficit", "removal"]).ngroups
    slopes = [
        stats.linregress(np.log(own["training loss"]), np.log(own["trace"])).slope
        for _, own in panel.table.groupby("seed")
    ]
    assert (
        f"net {np.mean(slopes):.2f} (".replace("-", "\N{MINUS SIGN}") in panel.caption
    )
    marks = [line.get_xydata() for line in panel.figure.axes[0].lines]
    means = panel.table.groupby("run")[["training loss", "trace"]].mean()
    np.testing.assert_allclose(
        sorted(np.vstack(marks).tolist()), means.sort_values("training loss")
    )


def test_beside_loss_leaves_out_a_run_that_diverged():
    whole = stored("5")
    table = whole.table.copy()
    gone = (table.run == 1) & (table.seed == 0) & (table.epoch > 0)
    table.loc[gone, "value"] = np.nan
    panel = fisher.beside_loss({"net": [replace(whole, table=table)]})
    assert "nan" not in panel.caption and "Diverged" in panel.origin
    with pytest.raises(InputError, match="3TR .* give its setup a probe"):
        fisher.beside_loss({"net": [stored("3TR")]})


def test_layers_moved_is_share_minus_share_at_the_same_age():
    table = table_of("5")
    panel = layers.moved(stored("5"), "blur")
    late = table[table.deficit == "blur"].removal.max()
    rows = table[(table.metric == "trace") & (table.epoch == late)]

    def share(kind, removal, layer):
        run = rows[(rows.deficit == kind) & (rows.removal == removal)]
        run = run.pivot(index="seed", columns="layer", values="value")
        return run[layer] / run.drop(columns="").sum(axis=1)

    drawn = panel.table[panel.table.epoch == late].set_index(["run", "layer"])
    for layer in range(9):
        wanted = share("blur", late, str(layer)) - share("none", 0, str(layer))
        found = drawn.loc[f"blur until {late}", layer]
        assert found["mean"] == pytest.approx(100 * wanted.mean(), abs=0.006)
        epochs, means = line(panel.figure.axes[layer], f"blur until {late}")
        assert means[list(epochs).index(late)] == pytest.approx(100 * wanted.mean())


def test_sensitivities_pair_each_window_with_the_trace_at_its_onset():
    found = sensitivity.sensitivities(stored("3TL"), stored("4L"))
    table, windows = table_of("3TL"), table_of("4L")
    clean = stored("4L").study.clean_epochs
    accuracy = windows[windows.metric == "test_accuracy"]

    def final(seed, onset, removal, end):
        rows = accuracy[
            (accuracy.seed == seed) & (accuracy.onset == onset)
            & (accuracy.removal == removal)
            & (accuracy.epoch > end - 5) & (accuracy.epoch <= end)
        ]  # fmt: skip
        return 100 * rows.value.mean()

    assert set(found.window) == {40, 60}
    for row in found.itertuples():
        removal = row.onset + row.window
        lost = final(row.seed, 0, 0, clean) - final(
            row.seed, row.onset, removal, removal + clean
        )
        assert row.sensitivity == pytest.approx(lost)
        trace = table[
            (table.metric == "trace") & (table.layer == "")
            & (table.deficit == "none") & (table.seed == row.seed)
        ].set_index("epoch")["value"]  # fmt: skip
        wanted = np.interp(row.onset, trace.index, trace)
        assert row.trace == pytest.approx(wanted)


def test_the_fit_is_drawn_and_its_quality_said():
    results = stored("3TL"), stored("4L")
    panel, found = (
        fisher.with_sensitivity(*results),
        sensitivity.sensitivities(*results),
    )
    top, bottom = panel.figure.axes
    for length in (40, 60):
        onsets, fitted = line(top, f"a·exp(c·S)+b, window of {length}")
        assert len(onsets) == len(set(found.onset)) and np.isfinite(fitted).all()
        line(bottom, f"window of {length}")
    assert panel.caption.count("R² = ") == 2
    assert {"sensitivity", "trace", "window", "onset"} <= set(panel.table)


@pytest.mark.parametrize(
    ("seeds", "words"),
    [(([0, 1], [5, 6]), "mean over 2 seeds;"), (([0], [1, 2, 5]), "over 1–3 seeds;"),
     (([3], [3]), "One seed, so no band.")],
)  # fmt: skip
def test_the_caption_says_how_many_seeds_the_lines_have(seeds, words):
    sweeps = {n: handmade(n, seeds=s) for n, s in zip(("2L", "2R"), seeds, strict=True)}
    assert words in figures.together(sweeps).caption


@pytest.mark.parametrize(
    ("gained", "references"), [(0, ("baseline",)), (0.05, REFERENCES)]
)
def test_together_draws_losses_against_both_references_where_they_differ(
    gained, references
):
    """`gained`: what the network without deficit gains after the usual end."""
    other = stored("2L")
    table = other.table.copy()
    late = (table["run"] == 0) & (table["epoch"] > other.study.clean_epochs)
    table.loc[late & (table["metric"] == "test_accuracy"), "value"] += gained
    sweeps = {"one": stored("1TL"), "other": replace(other, table=table)}
    table = pd.concat(map(results.finals, sweeps.values()))
    means = table.groupby(["deficit", "removal"])[list(REFERENCES)].mean()
    differ = (100 * means.diff(axis=1)).abs().max(axis=None) > 1
    assert differ == (len(references) > 1)
    panel = figures.together(sweeps)
    for axes, against in zip(panel.figure.axes, references, strict=True):
        for name, result in sweeps.items():
            by_seed = results.finals(result)
            lost = 100 * (by_seed[against] - by_seed["final"])
            wanted = lost.groupby(by_seed.removal).mean()
            times, drawn = line(axes, name)
            np.testing.assert_array_equal(times, wanted.index)
            np.testing.assert_allclose(drawn, wanted)


def test_over_the_clock_the_same_losses_are_drawn_by_the_decay_to_come():
    """D(t0) is the logarithm of what SGD leaves of a weight that has no gradient."""
    sweeps = {"as it is": stored("1TL"), "moving": stored("2B-moving")}
    above, below = figures.together(sweeps, clock=True).figure.axes
    for name, result in sweeps.items():
        (t0s, lost), (left, same) = line(above, name), line(below, name)
        assert list(lost) == list(same[::-1])  # by increasing B
        study = result.study
        s, steps = (
            study.setup.schedule,
            study.setup.data.train // study.setup.schedule.batch,
        )
        for t0, b in zip(t0s, left[::-1], strict=True):
            weight, velocity = 1.0, 0.0
            for step in range(t0 * steps, (t0 + study.clean_epochs) * steps):
                velocity = s.momentum * velocity + s.weight_decay * weight
                weight -= s.lr * s.decay ** (step // steps) * velocity
            assert -np.log(weight) == pytest.approx(b, rel=0.03)
    assert below.get_xscale() == "log" and below.xaxis_inverted()


def test_a_batch_of_all_images_is_one_step():
    """At scale smoke a batch four times as large is larger than the set."""
    few, more = (studies.get(name, "smoke") for name in ("clock-batch", "1TL"))
    schedule, train = more.setup.schedule, more.setup.data.train
    assert few.setup.schedule.batch > train
    one, whole = (decay_left(study, 1) for study in (few, more))
    assert one == pytest.approx(whole / (train // schedule.batch))


def test_networks_that_share_a_deficit_are_told_apart():
    panel = figures.together({"a": stored("3BR1"), "b": stored("3BR3")})
    axes = panel.figure.axes[0]
    looks = {
        (x.get_color(), x.get_marker(), x.get_linestyle())
        for x in axes.get_lines()
        if x.get_label() in ("a", "b")
    }
    assert len(looks) == 2


def test_a_study_without_a_probe_is_named():
    with pytest.raises(InputError, match="3TR at scale laptop did not measure"):
        fisher.under_deficit(stored("3TR"))
    with pytest.raises(InputError, match="'noise'"):
        layers.by_layer(stored("5"), "noise")
    with pytest.raises(InputError, match="accuracy 'loss'"):
        fisher.over_training(stored("5"), accuracy="loss")


def test_macaque_figure_shows_the_published_values():
    panel = animals.macaque_synapses()
    axes = panel.figure.axes[0]
    published = next(x for x in axes.get_lines() if x.get_label() == "published")
    ages, values = published.get_data()
    assert sorted(values) == [3.6, 10.9, 63.0]
    assert ages[0] < 0 < ages[2] < 1
    assert "37.7" in panel.alt and "not fitted" in panel.caption

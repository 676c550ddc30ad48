"""Runs that diverge: named with their epoch, and everything else is as without them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from handmade import handmade, with_traces

from cplib import figures, results, studies, widgets
from cplib.__main__ import main
from cplib.analysis import claims, effects, ledger, sensitivity
from cplib.engine import sweep
from cplib.errors import DataError, InputError
from cplib.figures import fisher, layers
from cplib.results import verification
from cplib.widgets import front, outcomes, predict

SEEDS = [0, 1, 2]
SWEPT = [name for name in studies.names() if len(studies.get(name, "smoke").runs) > 1]


def made(name, scale="smoke"):
    return with_traces(handmade(name, scale, SEEDS))


def broken(result, run, seeds, epoch):
    """The result, with `run` diverged at `epoch` for `seeds`."""
    table = result.table.copy()
    lost = table["seed"].isin(seeds) & (table["epoch"] >= epoch)
    for column, value in zip(("deficit", "onset", "removal"), spans(run), strict=True):
        lost &= table[column] == value
    table.loc[lost, "value"] = np.nan
    return dataclasses.replace(result, table=table)


def spans(run):
    return run.name, run.onset, run.removal


def of(table, run):
    rows = table[(table.deficit == run.name) & (table.onset == run.onset)]
    return rows[rows.removal == run.removal].reset_index(drop=True)


# --- from training to the stored table ----------------------------------------------


def wild(name="1TL", **changes):
    """A study that overflows in its second epoch, whatever the processor."""
    study = studies.get(name, "smoke")
    schedule = dataclasses.replace(study.setup.schedule, decay=1e20, **changes)
    setup = dataclasses.replace(study.setup, schedule=schedule)
    return dataclasses.replace(study, setup=setup)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    options = {"cache": cache, "workers": 1, "progress": False}
    return {
        name: results.compute(wild(name), [0, 1], **options) for name in ("1TL", "5")
    }


@pytest.mark.parametrize("name", ["1TL", "5"])
def test_a_run_that_overflows_has_numbers_until_then_and_no_more(trained, name):
    result = trained[name]
    assert result.diverged["epoch"].tolist() == [2] * 2 * len(result.study.runs)
    metrics = [*result.study.metrics, *["trace"] * (name == "5")]
    for run in result.study.runs:
        for metric in metrics:
            curve = result.curve(run, metric)
            assert curve.loc[1].notna().all()
            assert curve.loc[2:].isna().all(axis=None)
            assert curve.index[-1] == run.epochs
    assert "no deficit with seed 0 after epoch 2" in result.lost()


def test_what_is_stored_comes_back_and_can_be_verified(trained, tmp_path):
    result = trained["1TL"]
    results.save(result)
    again = results.stored(result.study)
    pd.testing.assert_frame_equal(again.diverged, result.diverged)
    table = again.table.copy()
    healed = table["removal"] < result.study.runs[-1].removal
    table.loc[healed, "value"] = table.loc[healed, "value"].fillna(0.1)
    mixed = dataclasses.replace(again, table=table)
    options = {"cache": tmp_path, "workers": 1, "progress": False}
    (check,) = verification.verify(mixed, 1, 0, **options)  # of the longest deficit
    assert check.exact and check.good


def test_accuracy_goes_with_the_loss_and_with_the_trace():
    log = np.column_stack([np.arange(5.0), *np.full((4, 5), 0.1)])
    log[0, 1:3] = np.nan
    log[3, 3] = np.inf
    trace = np.column_stack([[2.0, 4.0], [1.0, 1.0]])
    kept, other = sweep._finite(log, trace)
    assert np.isnan(kept[3:, 1:]).all() and np.isfinite(kept[1:3]).all()
    assert other.tolist()[0] == [2, 1] and np.isnan(other[1, 1])
    assert kept[:, 0].tolist() == [0, 1, 2, 3, 4] and log[3, 4] == 0.1
    trace[0, 1] = np.nan
    kept, other = sweep._finite(log, trace)
    assert np.isnan(kept[2:, 1:]).all() and np.isfinite(kept[1]).all()
    log[3, 3] = 0.1
    assert sweep._finite(log, None)[1] is None
    np.testing.assert_array_equal(sweep._finite(log, None)[0], log)


def test_with_every_run_lost_one_sentence_says_so(trained):
    result = trained["1TL"]
    words = r"1TL at scale smoke.*no deficit with seed 0 after epoch 2.*1 more.*\.05"
    for ask in (
        results.finals, figures.draw, outcomes.Outcomes, predict.endings,
        front.front_page,
    ):  # fmt: skip
        with pytest.raises(DataError, match=words):
            ask(result)
    with pytest.raises(DataError, match=words):
        effects.effect(result, removal=2)


def test_the_command_line_says_it_too(monkeypatch, tmp_path, capsys):
    chosen = {name: wild(name) for name in ("1TL", "demo")}
    monkeypatch.setattr(studies, "get", lambda name, scale: chosen[name])
    monkeypatch.chdir(tmp_path)
    assert main(["run", "1TL", "--scale", "smoke", "--seeds", "1"]) == 0
    assert "1TL smoke: Diverged, and left out: no deficit" in capsys.readouterr().out
    assert main(["render", "1TL", "--scale", "smoke"]) == 2
    assert "cplib: Nothing is left to compare" in capsys.readouterr().err
    assert main(["demo", "--scale", "smoke", "--seeds", "1"]) == 2
    assert "cplib: Nothing is left to compare" in capsys.readouterr().err


# --- one run of one seed ------------------------------------------------------------


@pytest.mark.parametrize("name", SWEPT)
def test_endings_are_those_of_the_other_seeds(name):
    whole = made(name)
    run = whole.study.runs[-1]
    result = broken(whole, run, [1], run.epochs)  # in the last epoch of all
    found, wanted = results.finals(result), results.finals(whole)
    pd.testing.assert_frame_equal(
        of(found, run), of(results.finals(whole.only([0, 2])), run)
    )
    for other in whole.study.runs[:-1]:
        pd.testing.assert_frame_equal(of(found, other), of(wanted, other))
    clean = broken(whole, whole.study.runs[0], [1], 1)
    pd.testing.assert_frame_equal(
        results.finals(clean), results.finals(whole.only([0, 2]))
    )


def test_an_effect_is_that_of_the_other_seeds_and_names_the_one():
    whole = made("1TL")
    run = whole.study.runs[-1]
    result = broken(whole, run, [1], 3)
    found = effects.effect(result, removal=run.removal)
    wanted = effects.effect(whole.only([0, 2]), removal=run.removal)
    assert dataclasses.replace(found, lost="") == wanted
    assert str(found).endswith(f"blur 0–{run.removal} with seed 1 after epoch 3.")
    other = whole.study.runs[1]
    assert str(effects.effect(result, removal=other.removal)) == str(
        effects.effect(whole, removal=other.removal)
    )
    with pytest.raises(InputError, match="has no run with flip"):
        effects.effect(result, removal=run.removal, deficit="flip")
    with pytest.raises(DataError, match=r"No seed is left.*with seed 2 after epoch 3"):
        effects.effect(broken(whole, run, SEEDS, 3), removal=run.removal)


@pytest.mark.parametrize("name", SWEPT)
@pytest.mark.parametrize("seeds", [[1], SEEDS], ids=["one seed", "all seeds"])
def test_figures_draw_the_rest_and_say_what_is_missing(name, seeds):
    whole = made(name)
    run = whole.study.runs[-1]
    result = broken(whole, run, seeds, 2)
    if len(whole.study.runs) == 2 and seeds == SEEDS:  # the clean one alone
        with pytest.raises(DataError, match="with seed 1 after epoch 2"):
            figures.draw(result)
        return
    panel = figures.draw(result)
    assert f"–{run.removal} with seed 1 after epoch 2" in panel.origin
    assert "nan" not in panel.alt
    assert "Diverged" not in figures.draw(whole).origin
    column = "low" if "low" in panel.table else "final"  # of a few runs: seeds alone
    held = panel.table.dropna(subset=[column])
    assert len(held) >= len(whole.study.runs) - 2


def test_figures_of_several_results_name_the_one():
    one, other = made("3BR1"), made("3BR2")
    lost = broken(one, one.study.runs[-1], [1], 2)
    panel = figures.together({"shallow": lost, "deep": other})
    assert "shallow: Diverged, and left out: blur 0–" in panel.origin
    assert "deep: Diverged" not in panel.origin


@pytest.mark.parametrize(
    ("which", "seeds", "epoch"),
    [(0, [1], 3), (0, SEEDS, 1), (-1, [1], 1), (-1, SEEDS, 3)],
)
def test_figures_of_the_trace_draw_the_rest(which, seeds, epoch):
    whole, sound = made("5"), made("3TL")
    runs = [run for run in whole.study.runs if run.name in ("none", "blur")]
    result = broken(whole, runs[which], seeds, epoch)
    for panel in (
        fisher.over_training(result, sound), fisher.under_deficit(result),
        layers.by_layer(result),
    ):  # fmt: skip
        assert "nan" not in panel.alt
        assert f"with seed 1 after epoch {epoch}" in panel.origin


def test_a_trace_that_is_nothing_but_nan_is_one_sentence():
    whole = made("5")
    result = broken(whole, whole.study.runs[0], SEEDS, 1)
    with pytest.raises(DataError, match=r"study 5 at scale smoke is 0 or not a number"):
        fisher.over_training(result)
    with pytest.raises(DataError, match=r"study 5 at scale smoke is 0 or not a number"):
        predict.trace(result)
    with pytest.raises(DataError, match=r"study 5 at scale smoke is 0 or not a number"):
        predict.layer_shares(result)


def test_sensitivities_are_those_of_seeds_with_both():
    tracked, windows = made("5"), made("1BL")
    run = windows.study.runs[-1]
    lost = broken(tracked, tracked.study.runs[0], [1], 2), broken(windows, run, [2], 2)
    found, whole = (
        sensitivity.sensitivities(*lost),
        sensitivity.sensitivities(tracked, windows),
    )
    gone = (whole.seed == 1) | ((whole.seed == 2) & (whole.onset == run.onset))
    gone &= ~((whole.seed == 2) & (whole.window != run.removal - run.onset))
    pd.testing.assert_frame_equal(found, whole[~gone].reset_index(drop=True))
    origin = fisher.with_sensitivity(*lost).origin
    assert "Trace: Diverged, and" in origin and "Windows: Diverged, and" in origin


@pytest.mark.parametrize("seeds", [[1], SEEDS], ids=["one seed", "all seeds"])
def test_the_explorer_and_the_front_page_show_the_rest(seeds):
    whole = made("1TL")
    run, other = whole.study.runs[-1], whole.study.runs[1]
    result = broken(whole, run, seeds, 2)
    explorer, page = widgets.explore(result), front.front_page(result)
    for shown in (explorer.html, page._repr_html_()):
        assert "NaN" not in shown and "with seed 1 after epoch 2" in shown
    line = outcomes.Outcomes(result)
    wanted = outcomes.Outcomes(whole).choose("blur", 0, other.removal)
    assert line.choose("blur", 0, other.removal).final == wanted.final
    if seeds == SEEDS:
        with pytest.raises(InputError, match="with seed 2 after epoch 2"):
            line.choose("blur", 0, run.removal)
        return
    found = line.choose("blur", 0, run.removal)
    rest = outcomes.Outcomes(whole.only([0, 2])).choose("blur", 0, run.removal)
    np.testing.assert_array_equal(found.mean, rest.mean)
    assert (found.final, found.changes) == (rest.final, rest.changes)


@pytest.mark.parametrize("draw", [predict.endings, predict.outcomes, predict.losses])
def test_sketches_are_of_the_rest(draw):
    whole = made("timing")
    run = whole.study.runs[-1]
    shown = draw(broken(whole, run, SEEDS, 2))
    assert np.isfinite(shown.mean).all()


def test_a_window_that_diverges_in_the_explorer_is_reported(monkeypatch):
    whole = made("1TL")
    run = whole.study.runs[-1]
    explorer = widgets.explore(broken(whole, run, SEEDS, 2))
    explorer.trainer["removal"].value = run.removal
    explorer.trainer["button"].click()  # it is there, and diverged
    told = "".join(out["text"] for out in explorer.trainer["report"].outputs)
    assert f"removal={run.removal}" in told and "with seed 2 after epoch 2" in told
    assert explorer.start.run != run


CLAIMS = {name: c for name, c in ledger.ledger().items() if not c.untestable}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_judged_on_the_seeds_in_which_nothing_diverged(name):
    claim = CLAIMS[name]
    found = [made(study, "laptop") for study in claim.studies]
    run = found[-1].study.runs[-1]
    lost = [*found[:-1], broken(found[-1], run, [1], run.epochs)]
    finding = claims.judge(claim, lost)
    wanted = claims.judge(claim, [result.only([0, 2]) for result in found])
    np.testing.assert_array_equal(finding.values, wanted.values)
    assert finding.verdict == wanted.verdict and not wanted.lost
    words = f"with seed 1 after epoch {run.epochs}. Verdict"
    assert words in str(finding)
    card = claims.Scorecard((finding,))
    assert "with seed 1 after epoch" in card._repr_html_()
    none = claims.judge(claim, [*found[:-1], broken(found[-1], run, SEEDS, 1)])
    assert none.verdict == "not testable" and "with seed 2 after epoch 1" in str(none)
    assert claims.Scorecard((none, wanted)).table["seeds"].tolist() == [0, 2]


def test_a_study_without_clean_epochs_has_a_control_still():
    whole = made("1TL")
    study = dataclasses.replace(whole.study, clean_epochs=0)
    result = dataclasses.replace(whole, study=study)
    removal = study.runs[-1].removal
    found = effects.effect(result, removal=removal, against="control")
    assert found == effects.effect(whole, removal=removal, against="control")

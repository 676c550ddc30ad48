import dataclasses
import gzip
import json
import os
import tempfile
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cplib import engine, figures, studies
from cplib._base import files, plain
from cplib.analysis import effects
from cplib.deficits import Blur
from cplib.errors import InputError
from cplib.results import Result, finals, library, store, verification
from cplib.results.result import COLUMNS, described
from cplib.studies import costs


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """1TL at smoke scale for seeds 0 and 1, really trained."""
    study = studies.get("1TL", "smoke")
    cache = tmp_path_factory.mktemp("cache")
    return library.compute(study, [0, 1], cache=cache, workers=1, progress=False)


def test_the_table_holds_the_logs(computed, tmp_path):
    study = computed.study
    trained = engine.run(
        study.setup, study.runs, [1], cache=tmp_path, workers=1, progress=False
    )
    assert tuple(computed.table.columns) == COLUMNS
    for run in study.runs:
        log = trained[1, run].log
        for place, metric in enumerate(study.metrics, start=1):
            curve = computed.curve(run, metric)[1]
            first = 1 if metric.startswith("train") else 0  # none before training
            np.testing.assert_array_equal(curve.index, range(first, run.epochs + 1))
            np.testing.assert_allclose(curve, log[first:, place], atol=1e-6)


def made_up(values):
    """A result whose test accuracy is given: {(kind, onset, removal): curves}."""
    study = studies.get("1TL", "smoke")
    rows = []
    for run in study.runs:
        for seed, curve in enumerate(values[run.removal]):
            rows += [
                (seed, study.runs.index(run), e, "test_accuracy", "", v)
                for e, v in enumerate(curve)
            ]
    table = described(pd.DataFrame(rows, columns=store.COLUMNS), study)
    origin = {"device": "d", "seconds": 60.0, "date": "2026-01-01T00:00:00Z"}
    return Result(study, table, {0: origin, 1: origin})


def test_finals_and_effects_by_hand():
    # clean: 4 epochs; clean_epochs = 2; removals 1 and 2
    result = made_up(
        {
            0: [[0.1, 0.4, 0.6, 0.7, 0.9], [0.1, 0.2, 0.4, 0.5, 0.7]],
            1: [[0.1, 0.2, 0.3, 0.5], [0.1, 0.1, 0.3, 0.3]],
            2: [[0.1, 0.1, 0.1, 0.2, 0.4], [0.1, 0.1, 0.1, 0.3, 0.1]],
        }
    )
    table = finals(result, last=2).set_index(["removal", "seed"])
    assert table.loc[(0, 0), "final"] == pytest.approx(0.5)
    assert table.loc[(0, 1), "baseline"] == pytest.approx(0.3)
    assert table.loc[(1, 0), "final"] == pytest.approx(0.4)
    assert table.loc[(1, 0), "control"] == pytest.approx(0.65)
    assert table.loc[(2, 1), "final"] == pytest.approx(0.2)
    assert table.loc[(2, 1), "baseline"] == pytest.approx(0.3)
    assert table.loc[(2, 0), "control"] == pytest.approx(0.8)


def test_an_effect_is_a_paired_t_interval():
    random = np.random.default_rng(0)
    curves = {
        removal: 0.5 + 0.1 * random.random((2, 3 + removal)) for removal in (1, 2)
    }
    curves[0] = 0.7 + 0.1 * random.random((2, 5))
    result = made_up(curves)
    by_seed = finals(result)
    rows = by_seed[by_seed["removal"] == 2]
    from scipy import stats

    test = stats.ttest_rel(rows["final"], rows["baseline"])
    low, high = test.confidence_interval(0.95)
    got = effects.effect(result, removal=2)
    assert (got.low, got.high) == pytest.approx((100 * low, 100 * high))
    assert got.change == pytest.approx(got.final - got.reference)
    assert "2 seeds" in str(got)
    single = effects.effect(result.only([0]), removal=2)
    assert np.isnan(single.low) and "one seed" in str(single)
    for some in ([0], 1, "0,", np.array([0])):
        assert result.only(some).seeds == [0]
    with pytest.raises(InputError, match="Unknown seed 7: choose one of 0, 1"):
        result.only([7])
    with pytest.raises(InputError, match="Unknown metric 'acuracy'.*test_accuracy"):
        result.curve(result.study.runs[0], "acuracy")
    with pytest.raises(InputError, match=r"no run with flip.*blur 0–1"):
        effects.effect(result, removal=2, deficit="flip")
    with pytest.raises(InputError, match="reference 'nothing'"):
        effects.effect(result, removal=2, against="nothing")


def test_stored_results_round_trip_and_merge(computed):
    path = library.save(computed.only([0]))
    assert path.name == "1TL-smoke.csv.gz"
    library.save(computed.only([1]))
    again = library.stored(computed.study)
    pd.testing.assert_frame_equal(
        again.table.sort_values(list(COLUMNS), ignore_index=True),
        computed.table.sort_values(list(COLUMNS), ignore_index=True),
        check_dtype=False,
    )
    assert again.provenance == computed.provenance
    first = path.read_bytes()
    library.save(again)
    assert path.read_bytes() == first
    needed = {"code", "torch", "device", "threads", "date", "seconds", "data_sha256"}
    note = first_line(path)
    assert needed <= set(note["seeds"]["0"])
    assert note["study_hash"] == computed.study.hash
    bare = pd.read_csv(path, comment="#")
    assert len(bare) == len(computed.table) and list(bare) == store.COLUMNS
    catalogue = library.catalogue()
    assert catalogue["study"].tolist() == ["1TL"]
    assert catalogue["seeds"].tolist() == [2]


def test_stored_seeds_are_used_and_only_the_others_trained(computed, monkeypatch):
    library.save(computed.only([0]))
    asked = []
    original = library.compute

    def watched(study, seeds, **options):
        asked.extend(seeds)
        return original(study, seeds, **options)

    monkeypatch.setattr(library, "compute", watched)
    got = library.get(computed.study, seeds=2, progress=False)
    assert asked == [1]
    assert got.seeds == [0, 1]
    assert got.live == (1,)
    assert "partly stored" in figures.draw(got).origin
    library.get(computed.study, seeds=[0], progress=False)
    assert asked == [1]


def test_by_default_all_stored_seeds_are_read(computed, monkeypatch):
    library.save(computed)
    monkeypatch.setattr(library, "compute", None)  # nothing is to be trained
    assert library.get("1TL", "smoke").seeds == computed.seeds == [0, 1]
    assert library.get("1TL", "smoke", "all").live == ()


VALUES = st.one_of(
    st.floats(width=64),  # with nan, infinities, -0.0 and the smallest there are
    st.floats(0, 1).map(lambda x: round(x, 6)),
)


@st.composite
def tables(draw):
    """A result of 1TL with any numbers, for some seeds, and the order to save them."""
    seeds = draw(st.lists(st.integers(0, 2**40), min_size=1, max_size=4, unique=True))
    values = draw(st.lists(VALUES, min_size=2, max_size=6))
    study = studies.get("1TL", "smoke")
    rows = [
        (seed, run, epoch, metric, layer, value)
        for seed in seeds
        for run in range(len(study.runs))
        for metric, layer in (("test_accuracy", ""), ("trace", "0"), ("trace", "10"))
        for epoch, value in enumerate(values)
    ]
    table = described(pd.DataFrame(rows, columns=store.COLUMNS), study)
    words = st.text(st.characters(codec="utf-8"), max_size=9)
    origin = {
        seed: {"device": draw(words), "seconds": 1.5, "date": "2027"} for seed in seeds
    }
    return Result(study, table, origin), draw(st.permutations(seeds))


def exact(table):
    """Rows in order, every number as its bits (but one nan is like another)."""
    rows = [(*row[:-1], float(row[-1]).hex()) for row in table.itertuples(index=False)]
    return sorted(rows, key=repr)


@given(tables())
@settings(max_examples=60, deadline=None)
def test_any_table_comes_back_bit_for_bit_in_whatever_order_it_was_saved(drawn):
    result, order = drawn
    with (
        tempfile.TemporaryDirectory() as place,
        mock.patch.dict(os.environ, {"CPLIB_RESULTS": place}),
    ):
        for seed in order:
            library.save(result.only([seed]))
        again = library.stored(result.study)
        library.save(result)  # over what is there
        last = library.stored(result.study)
    for got in (again, last):
        assert exact(got.table) == exact(result.table)
        assert got.provenance == result.provenance
        assert got.seeds == sorted(order)


def first_line(path):
    with gzip.open(path, "rt") as file:
        return json.loads(file.readline().removeprefix("# "))


def rewritten(path, change):
    """Change the text of a stored result."""
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text[: len(text) // 2], "checksum mismatch"),
        (lambda text: text.replace(b",0.1", b",0.2", 1), "checksum mismatch"),
        (lambda text: text.replace(b"1TL", b"1TX"), "the results of 1TX"),
        (lambda text: text.replace(b'"1": {', b'"9": {', 1), "wrong columns or seeds"),
        (lambda text: b"", ""),
        (lambda text: b"# []\n", ""),
    ],
)
def test_edited_results_are_quarantined(computed, change, why):
    """The file itself can be unpacked; `test_damage` has those that cannot."""
    path = library.save(computed)
    rewritten(path, change)
    with pytest.warns(UserWarning, match=f"{why}.*quarantined"):
        assert library.stored(computed.study) is None
    assert path.with_name(path.name + ".damaged-1").exists()


def test_a_result_of_another_definition_is_announced(computed, monkeypatch, capsys):
    """In a sentence that says what has changed; it is not used, and not damaged."""
    path = library.save(computed)
    monkeypatch.setattr(library, "compute", lambda study, seeds, **_: "trained")
    for study, words in (
        (computed.study.vary(name="1TL", batch=64), "schedule.batch 128, now 64"),
        (dataclasses.replace(computed.study, runs=computed.study.runs[:2]),
         "runs 3, now 2; run.2."),
        (studies.sweep("1TL", Blur(), (1, 3), base=computed.study,
                       title=computed.study.title),
         "run.0.epochs 4, now 5; run.2.removal 2, now 3; run.2.epochs 4, now 5): tr"),
    ):  # fmt: skip
        assert library.get(study, seeds=1) == "trained"
        said = capsys.readouterr().err
        assert f"1TL smoke is stored for another definition ({words}" in said
    assert library.get(studies.get("1BL", "smoke"), seeds=1) == "trained"
    assert not capsys.readouterr().err and path.exists()


def test_verification_finds_truth_and_tampering(computed, tmp_path):
    options = {"cache": tmp_path, "workers": 1, "progress": False}
    checks = verification.verify(computed, 3, 0, **options)
    assert len(checks) == 3
    assert all(check.good and check.exact for check in checks)
    table = computed.table.copy()
    table.loc[table["metric"] == "test_accuracy", "value"] += 0.3
    lie = Result(computed.study, table, computed.provenance)
    checks = verification.verify(lie, 3, 0, **options)
    assert not any(check.good for check in checks)
    assert all("every digit should be equal" in c.describe() for c in checks)


def seeds_apart(computed, changed):
    """`computed`, as if from a `changed` machine, with `more` accuracy."""
    table = computed.table.copy()
    rows = table["metric"] == "test_accuracy"
    table.loc[rows, "value"] += changed.pop("more")
    origin = {seed: note | changed for seed, note in computed.provenance.items()}
    return Result(computed.study, table, origin)


def test_on_another_machine_the_spread_between_seeds_decides(computed, tmp_path):
    """The tolerance against its definition, and both sides of it."""
    options = {"cache": tmp_path, "workers": 1, "progress": False}
    table = finals(computed)
    by_run = [rows.final.to_numpy() for _, rows in table.groupby(["onset", "removal"])]
    free = sum(len(run) - 1 for run in by_run)
    squares = sum(((run - run.mean()) ** 2).sum() for run in by_run)
    wanted = stats.t.ppf(0.995, free) * np.sqrt(2 * squares / free)
    for share, good in ((0.9, True), (1.1, False)):
        other = seeds_apart(computed, {"more": share * wanted, "device": "Z80"})
        (check,) = verification.verify(other, 1, 0, **options)
        assert check.tolerance == pytest.approx(wanted)
        assert (check.good, check.exact) == (good, False)
        assert "device Z80 when stored, " in check.describe()
    same = seeds_apart(computed, {"more": 0, "torch": "2.5"})
    (check,) = verification.verify(same, 1, 0, **options)
    assert check.good and check.exact and check.differs


def test_a_single_stored_seed_has_no_spread(computed, tmp_path):
    options = {"cache": tmp_path, "workers": 1, "progress": False}
    alone = computed.only(computed.seeds[:1])
    (check,) = verification.verify(alone, 1, 0, **options)
    assert check.good and check.exact
    other = seeds_apart(alone, {"more": 0.9 * verification.FLOOR, "threads": "2"})
    (check,) = verification.verify(other, 1, 0, **options)
    assert check.good and check.tolerance == verification.FLOOR
    assert "no spread is known" in check.describe()


def test_a_run_that_diverged_is_verified_too(tmp_path):
    study = studies.get("3TL", "smoke")
    hot = dataclasses.replace(study.setup.schedule, lr=1e30)
    setup = dataclasses.replace(study.setup, schedule=hot)
    study = dataclasses.replace(study, setup=setup, runs=study.runs[:2])
    options = {"workers": 1, "progress": False}
    result = library.compute(study, [0], **options)
    (check,) = verification.verify(result, 1, 0, cache=tmp_path, **options)
    assert check.good and "stored diverged, recomputed diverged" in check.describe()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(3, [0, 1, 2]), ("3", [0, 1, 2]), ("0,2", [0, 2]), ("[4, 1]", [4, 1]),
     ("2,", [2]), ([5, 5], [5]), ((0, 1), [0, 1])],
)  # fmt: skip
def test_seeds_as_people_write_them(given, wanted):
    assert plain.seeds(given) == wanted


@pytest.mark.parametrize("given", [0, -1, "x", "1;2", [], None, True, [-2], [0.5]])
def test_impossible_seeds_are_named(given):
    with pytest.raises(InputError, match=r"[Ss]eed"):
        plain.seeds(given)


@pytest.mark.parametrize("given", [2, "2", "0,1", [0, 1]])
def test_seeds_are_a_number_or_a_list_everywhere(tmp_path, given):
    study = studies.windows(
        "short", "smoke", "Short", studies.get("1TL", "smoke").setup, [], 1
    )
    options = {"progress": False, "workers": 1}
    assert library.get(study, seeds=given, **options).seeds == [0, 1]
    assert library.compute(study, given, **options).seeds == [0, 1]
    trained = engine.run(study.setup, study.runs, given, **options)
    assert [seed for seed, _ in trained] == [0, 1]
    tree = studies.make_plan(study.setup, study.runs, given)
    assert [seed for seed, _ in tree.ends] == [0, 1]
    two, one = (costs.table("smoke", ["demo"], seeds=s).epochs for s in (given, [7]))
    assert two.tolist() == (2 * one).tolist()


def test_results_are_looked_for_in_order_and_kept_in_the_first(
    computed, monkeypatch, tmp_path
):
    """As where cplib is installed: the reader's own folder, then the package's."""
    mine, ours = tmp_path / "mine", tmp_path / "ours"
    monkeypatch.setattr(files, "results_folders", lambda: [ours])
    library.save(computed.only([0]))
    monkeypatch.setattr(files, "results_folders", lambda: [mine, ours])
    assert library.stored(computed.study).seeds == [0]
    path = library.save(computed.only([1]))
    assert path.parent == mine
    assert library.stored(computed.study).seeds == [0, 1]
    path.write_text("damaged")
    with pytest.warns(UserWarning, match="damaged"):
        assert library.stored(computed.study).seeds == [0]


def test_results_of_an_earlier_definition_are_kept(computed, monkeypatch, tmp_path):
    """Whoever changes a study and stores it again loses nothing."""
    monkeypatch.setenv("CPLIB_RESULTS", str(tmp_path))
    old = dataclasses.replace(computed.study, clean_epochs=1)
    path = library.save(Result(old, computed.table, computed.provenance))
    payload = path.read_bytes()
    with pytest.warns(UserWarning, match=f"an earlier definition.*{old.hash}.csv.gz"):
        assert library.save(computed) == path
    kept = path.with_name(f"1TL-smoke.{old.hash}.csv.gz")
    assert kept.read_bytes() == payload
    pd.testing.assert_frame_equal(library.stored(computed.study).table, computed.table)

"""The atlas holds what was stored, to the last digit, in a small file."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from cplib import studies
from cplib._base import files
from cplib.deficits import KINDS
from cplib.errors import DataError
from cplib.results import atlas, library
from cplib.results.atlas import Entry

STUDY = studies.get("timing", "smoke")


def entry(study=STUDY, seeds=(0, 1, 2)):
    """Accuracies drawn at random, each a number of test images."""
    random = np.random.default_rng(0)
    tested = study.setup.data.test
    rows = [
        ("timing", study.scale, seed, run.kind, run.onset, run.removal, epoch,
         "test_accuracy", "", round(random.integers(0, tested + 1) / tested, 6))
        for seed in seeds for run in study.runs for epoch in range(run.epochs + 1)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(library.COLUMNS))
    return Entry(study, table, {seed: {"device": "cpu", "n": seed} for seed in seeds})


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "atlas.npz"
    path.write_bytes(atlas.pack([entry(), entry(studies.get("timing", "demo"), [4])]))
    return path


def test_what_is_packed_is_read_again(path):
    for packed in (entry(), entry(studies.get("timing", "demo"), [4])):
        found = atlas.read(packed.study, path)
        pd.testing.assert_frame_equal(found.table, packed.table)
        assert found.provenance == packed.provenance
        assert found.study == packed.study


def test_another_study_of_the_same_name_is_not_taken_for_it(path, tmp_path):
    setup = dataclasses.replace(
        STUDY.setup, schedule=dataclasses.replace(STUDY.setup.schedule, lr=0.01)
    )
    assert atlas.read(dataclasses.replace(STUDY, setup=setup), path) is None
    assert atlas.read(studies.get("timing", "paper"), path) is None
    assert atlas.read(STUDY, tmp_path / "nothing.npz") is None


@pytest.mark.parametrize("length", [0, 10, 500])
def test_a_damaged_file_is_said_to_be_one(path, length):
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DataError, match=r"atlas.npz is damaged .*install cplib again"):
        atlas.read(STUDY, path)


def test_what_it_cannot_hold_is_refused():
    whole = entry()
    less = dataclasses.replace(whole, table=whole.table.iloc[:-1])
    with pytest.raises(DataError, match="timing-smoke: the table does not hold"):
        atlas.pack([less])
    uneven = whole.table.assign(value=whole.table["value"] + 0.0007)
    with pytest.raises(DataError, match="no whole number of test images"):
        atlas.pack([dataclasses.replace(whole, table=uneven)])
    paper = entry(studies.get("timing", "paper"), range(20))
    with pytest.raises(DataError, match="300,000 are allowed"):
        atlas.pack([paper])


@pytest.mark.parametrize(("name", "scale"), studies.ATLAS)
def test_the_atlas_is_what_was_stored(name, scale, monkeypatch):
    monkeypatch.delenv("CPLIB_RESULTS")  # the book's own; else it is the atlas itself
    study = studies.get(name, scale)
    assert (files.results_folders()[0] / f"{name}-{scale}.csv").exists()
    stored, found = library.stored(study), atlas.read(study)
    assert found.study == study
    assert found.provenance == stored.provenance
    pd.testing.assert_frame_equal(found.table, stored.table, check_dtype=False)
    assert len(found.provenance) >= 3


@pytest.mark.parametrize(("name", "scale"), studies.ATLAS)
def test_the_atlas_covers_a_half_grid(name, scale):
    study = studies.get(name, scale)
    kinds = {run.kind for run in study.runs[1:]}
    assert kinds == (set(KINDS) if scale == "demo" else {"blur"})
    for kind in kinds:
        windows = {(r.onset, r.removal) for r in study.runs if r.kind == kind}
        onsets, removals = (set(ends) for ends in zip(*windows, strict=True))
        assert windows == {(a, b) for a in onsets for b in removals if a < b}
        assert len(onsets) >= 8 and len(removals) >= 8
    assert atlas.file().stat().st_size <= 300_000


def test_without_a_folder_of_results_the_atlas_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("CPLIB_RESULTS", str(tmp_path))
    study = studies.get("timing", "demo")
    assert library.stored(study).seeds == [0, 1, 2]
    assert library.stored(STUDY) is None  # which is computed, so that it can be tested

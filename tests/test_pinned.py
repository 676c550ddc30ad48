"""Names under which results and checkpoints are stored, as they have always been.

Who changes one of these orphans what was trained: stored results are then those of an
earlier definition, and every checkpoint is trained again. Change a line here only
together with `training.NUMERICS`, or with a study and its stored result.
"""

import pytest
import torch

from cplib import studies
from cplib.studies import plan

HASHES = {
    ("1TL", "laptop"): "bf9bf785c15b54ea",
    ("1BL", "laptop"): "857fb7b9ce6b19cc",
    ("2L", "laptop"): "c465d6820c15a8c9",
    ("2R", "laptop"): "dff5b3975f8ecc8a",
    ("2B", "laptop"): "35824f77969fb69a",
    ("3TL", "laptop"): "3094fd53d267e615",
    ("3TR", "laptop"): "fce53a65c4fdca90",
    ("3BL", "laptop"): "834daca4eb95d072",
    ("3BR1", "laptop"): "ce6683c513710c00",
    ("3BR2", "laptop"): "3aadbb41a551eac1",
    ("3BR3", "laptop"): "ad3caa0b5c952431",
    ("4L", "laptop"): "7badc09a70df4b31",
    ("5", "laptop"): "2113b9dbd0df6fb4",
    ("2B-moving", "laptop"): "27f8007343bf97a8",
    ("4R-few", "laptop"): "acedbaa8839820a7",
    ("4L-long", "laptop"): "e45df3649ddfcc33",
    ("4L-data", "laptop"): "4068e393ab5d2119",
    ("4L-few", "laptop"): "746ca621543c79fa",
    ("4L-loose", "laptop"): "3883739907762075",
    # the second edition's, frozen with its claims on 2026-11-26
    ("1TL", "second"): "5f2e9025a807b1da",
    ("1BL", "second"): "3424af9464b6afb9",
    ("2L", "second"): "293c7ab13eeb4bd2",
    ("2R", "second"): "65aeba66e5a3f56a",
    ("2B", "second"): "c005445f63fafc4b",
    ("3TL", "second"): "2e0f5d24761206ef",
    ("3TR", "second"): "9eaf5b269986a124",
    ("3BL", "second"): "d125118acd4410b3",
    ("3BR1", "second"): "224895b85418a748",
    ("3BR2", "second"): "4c5a6a011e3a5b62",
    ("3BR3", "second"): "9e5906123a252c73",
    ("4L", "second"): "132fbbb73c0d0eb5",
    ("5", "second"): "5fe08cd9c3028885",
    ("2B-moving", "second"): "05a1adc76a074676",
    ("worth", "second"): "13bb87038922e22b",
    ("permanent", "second"): "05616e80dc6b31ad",
    ("timing", "second"): "5ba1b10a63a23006",
    ("demo", "demo"): "a94f2ccc5468cf58",
    ("timing", "demo"): "66478c5ef0b4fa1e",
    ("timing", "laptop"): "8c12816ce670e4f4",
    ("unmirrored", "demo"): "dc7c6693ab555357",
}
# of the study's last run at its end, for a seed, with PyTorch 2.14.1 on a CPU
KEYS = {
    ("1TL", "laptop", 0): "12cee4e0b5f03dfda10176c80a72d11a",
    ("3TL", "demo", 2): "a728a880e80596379ba360be03aaf2f2",
    ("unmirrored", "demo", 1): "1d4c81a90552b492c8d7af5f201592fa",
}


@pytest.mark.parametrize(("name", "scale"), HASHES)
def test_studies_are_what_they_were_when_they_were_stored(name, scale):
    assert studies.get(name, scale).hash == HASHES[name, scale]


@pytest.mark.parametrize("entry", KEYS, ids=lambda entry: entry[0])
def test_checkpoints_are_found_again(entry, monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.14.1")
    name, scale, seed = entry
    study = studies.get(name, scale)
    run = study.runs[-1]
    arguments = run.history(run.epochs), run.epochs, "cpu"
    assert plan.state_key(study.setup, seed, *arguments) == KEYS[entry]
    tree = plan.make_plan(study.setup, study.runs, [seed])
    assert tree.ends[seed, run] == KEYS[entry]

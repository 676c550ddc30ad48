"""Names under which results and checkpoints are stored, as they have always been.

If one of these changes, stored results become those of an earlier definition, and every
checkpoint is trained again. Change a line here only together with `training.NUMERICS`,
or with a study and its stored result.
"""

import pytest
import torch

from cplib import studies
from cplib.studies import plan

HASHES = {
    # frozen with its claims on 2026-11-26, at commit 06ba5a9, as scale "second"
    ("1TL", "laptop"): "ca8f979c670420e7",
    ("1BL", "laptop"): "b6de8c801f26f860",
    ("2L", "laptop"): "9df015e93fcfe3f5",
    ("2R", "laptop"): "421f30112fcf1324",
    ("2B", "laptop"): "1d9c87b13d955e8e",
    ("3TL", "laptop"): "fd2f4da7a31159b2",
    ("3TR", "laptop"): "7d479a8bbc565645",
    ("3BL", "laptop"): "c9cfe077fb00d8eb",
    ("3BR1", "laptop"): "2295c61cd136f898",
    ("3BR2", "laptop"): "5071febd99362cf5",
    ("3BR3", "laptop"): "ba0f6af0f7576735",
    ("4L", "laptop"): "b38da70281053d4b",
    ("5", "laptop"): "02cfe9c8c6fd04f1",
    ("2B-moving", "laptop"): "80814988366f62e5",
    ("worth", "laptop"): "4365c6e766c101c2",
    ("permanent", "laptop"): "d87a874be4122fdf",
    ("nothing", "laptop"): "65be50abf96f9dfe",
    ("faster", "laptop"): "538f96860c1da795",
    ("unremoved", "laptop"): "8314d308410684f9",
    ("clock-decay", "laptop"): "003d54b502a7d87a",
    ("clock-batch", "laptop"): "6c16000ae231b057",
    ("restart", "laptop"): "1588ee910c9b78b3",
    ("shrink", "laptop"): "1e5f31e39242a960",
    ("cyclic", "laptop"): "48496149c9ade061",
    ("timing", "laptop"): "19fe53b5db36ccd2",
    ("permanent", "demo"): "beea0f86315b865f",
    ("timing", "demo"): "0133b96821ac7192",
    ("demo", "demo"): "a61209f19116accf",
    ("nothing", "demo"): "7c49ec7f6dc1e2f1",
    ("restart", "demo"): "af468eddc2e27ddc",
    ("shrink", "demo"): "e037bd798a218a74",
    ("patching", "demo"): "5f0362146c7ff9cd",
}
# of the study's last run at its end, for a seed, with PyTorch 2.14.1 on a CPU
KEYS = {
    ("1TL", "laptop", 0): "7ac160cf5fc5a8df9db439b921607c79",
    ("3TL", "demo", 2): "834488412b6b0f9f41f7ee538130e36f",
    ("demo", "demo", 1): "531a94522852e445cc74574a714ace23",
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

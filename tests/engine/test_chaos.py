"""Sweeps that are killed again and again; by hand, with more: `tests/chaos.py`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from chaos import Note, needless

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.slow
@pytest.mark.parametrize(("way", "kills"), [("1x1", 3), ("1x2", 3), ("2x1", 2)])
def test_killed_again_and_again_it_ends_as_if_nothing_had_happened(way, kills):
    """Workers x sweeps at once; `tests/chaos.py` compares, counts, and fails."""
    file = str(Path(__file__).parents[1] / "chaos.py")
    words = ["--kills", str(kills), "--seeds", "1", "--ways", way]
    done = subprocess.run(
        [sys.executable, file, *words],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = dict(re.findall(r"(\w+)=([\d.]+)", done.stdout))
    assert int(told["groups"]) + int(told["parents"]) == kills
    assert int(told["starts"]) >= kills + 1
    assert "needless=[]" in done.stdout


def journal(*lines):
    return [Note(*line.split(), "0", "0.0") for line in lines]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["began a 1", "epoch a 1", "done a 1", "began b 1", "done b 1"], []),
        (["began a 1", "epoch a 1", "began a 2", "epoch a 2", "done a 2"], []),  # died
        (["began a 1", "done a 1", "began a 2", "done a 2"], ["a"]),
        (["began a 1", "began a 2", "epoch a 1"], ["a"]),  # both at it
        (["began a 1", "began a 2", "done a 2", "done a 1"], ["a"]),
    ],
)
def test_what_counts_as_twice_without_need(lines, wanted):
    assert needless(journal(*lines)) == wanted

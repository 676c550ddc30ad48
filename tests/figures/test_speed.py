"""The benchmarks' records: what they say is what was measured; the programs run."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import report
from report import Ratio, Record

from cplib.errors import DataError

ROOT = Path(__file__).parents[2]
MEASURED = {"slow": [8.0, 9.0, 12.0], "fast": [2.0, 3.0, 3.0], "short": [1.0]}


def record(**changes):
    parts = {
        "benchmark": "sweep", "device": "cpu", "machine": {"processor": "made up"},
        "code": "1", "date": "2026-01-01", "setting": {"runs": "3"}, "unit": "seconds",
        "measured": MEASURED,
        "ratios": [
            Ratio("all", "slow", "fast", 3.5), Ratio("low", "fast", "slow", 1),
            Ratio("part", "slow", "short"), Ratio("absent", "slow", "nothing"),
        ],
    }  # fmt: skip
    return Record(**parts | changes)


def test_ratios_are_of_each_round():
    table = report.ratios(record())
    assert list(table.index) == ["all", "low", "part"]
    assert table.loc["all"].tolist() == ["4", "3 to 4", "≥\N{NO-BREAK SPACE}3.5", "yes"]
    assert table.loc["low", "reached"] == "no"
    assert table.loc["part"].tolist() == ["8", "8 to 8", "", ""]


def test_records_round_trip_and_a_gpu_gets_its_column(tmp_path):
    report.save(record(), tmp_path)
    assert report.read("sweep", place=tmp_path) == record()
    assert set(report.table("sweep", tmp_path).GPU) == {"not measured"}
    faster = {"slow": [9.0], "fast": [1.0]}
    report.save(record(device="cuda", measured=faster), tmp_path)
    table = report.table("sweep", tmp_path)
    assert table.GPU.to_dict() == {"all": "9", "low": "0.111", "part": "–"}
    assert table.CPU["all"] == "4"
    raw = report.raw(record())
    assert raw.loc["slow"].tolist() == ["9", "8", "9", "12"]


def test_what_is_not_there_or_damaged_is_said(tmp_path):
    with pytest.raises(DataError, match="no .*step-cpu.json.*make bench"):
        report.read("step", place=tmp_path)
    for text in ("{", "{}", '{"ratios": []}', '{"ratios": [{"much": 1}]}'):
        (tmp_path / "step-cpu.json").write_text(text)
        with pytest.raises(DataError, match="is damaged"):
            report.read("step", place=tmp_path)


def test_the_books_chaos_is_as_long_as_it_says(tmp_path):
    """Fifty kills in each of four ways, and nothing trained twice without need."""
    counts, words = report.chaos()
    ways = set(zip(counts.workers, counts["sweeps at once"], strict=True))
    assert ways == {(1, 1), (1, 2), (2, 1), (2, 2)}
    assert (counts.kills >= 50).all()
    assert (counts["trained twice without need"] == 0).all()
    assert (counts.trained >= counts["epochs needed"]).all()
    assert "cplib" in words
    with pytest.raises(DataError, match=r"chaos.json.*tests/chaos.py"):
        report.chaos(tmp_path)


@pytest.mark.parametrize("name", report.BENCHMARKS)
def test_the_books_records_are_whole(name):
    """Three rounds or more of all that is compared, and nothing but numbers."""
    found = report.read(name)
    assert found.benchmark == name and found.device == "cpu"
    for ratio in found.ratios:
        values = found.values(ratio)
        assert len(values) >= 3, ratio
        assert np.isfinite(values).all() and (values > 0).all(), ratio


def test_the_figures_draw_what_was_measured():
    sweep = report.sweep(report.read("sweep"))
    for name, words in report.SIDES.items():
        drawn = sweep.table[sweep.table[""] == words].minutes
        np.testing.assert_allclose(60 * drawn, report.read("sweep").measured[name])
    found = report.read("estimator")
    panel = report.estimators(found)
    axes = panel.figure.axes[0]
    points = sum(len(line.get_xdata()) for line in axes.lines)
    assert points == len(panel.table) == sum(m.count(": ") for m in found.measured
                                             if "an epoch" not in m)  # fmt: skip
    for line in axes.lines:
        rows = panel.table[panel.table.method == line.get_label()]
        np.testing.assert_allclose(line.get_xdata(), rows.seconds, rtol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", report.BENCHMARKS)
def test_each_benchmark_runs(name, tmp_path):
    """In small, for one round: whether it works, never how long it takes."""
    script = ROOT / "benchmarks" / f"{name}.py"
    command = [sys.executable, script, "--small", "--rounds", "1", "--out", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    parts = json.loads((tmp_path / f"{name}-cpu.json").read_text())
    assert parts["measured"] and parts["machine"]["processor"]
    first = report.ratios(report.read(name, place=tmp_path)).index[0]
    assert first in done.stdout

"""The table of pilots, written for readers, says what the records say."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECORDS = [
    json.loads(line)
    for line in (ROOT / "book/benchmarks/pilots.jsonl").read_text().splitlines()
]


def table():
    """Name and seed of each row, and its numbers from core-minutes on."""
    text = (ROOT / "benchmarks/PILOTS.md").read_text(encoding="utf-8")
    text = text.replace("\N{MINUS SIGN}", "-").replace("*", "").replace(",", "")
    rows = {}
    for line in re.findall(r"^\| (\w\d \| \d+ \|.*) \|$", text, re.M):
        name, seed, *cells = (cell.strip() for cell in line.split("|"))
        rows[name, int(seed)] = [float(cell) for cell in cells[5:13]]
    return rows


def test_every_record_has_its_row():
    assert set(table()) == {(found["name"], found["seed"]) for found in RECORDS}


@pytest.mark.parametrize("found", RECORDS, ids=lambda r: f"{r['name']}-{r['seed']}")
def test_a_row_is_its_record_rounded(found):
    minutes, budget, early, late, change, last, train, fit = table()[
        found["name"], found["seed"]
    ]
    percent = {k: 100 * found[k] for k in ("baseline", "control", "change", "fit")}
    assert minutes == pytest.approx(found["minutes"], abs=0.006)
    assert budget == pytest.approx(found["budget"], abs=0.006)
    assert early == pytest.approx(percent["baseline"], abs=0.051)
    assert late == pytest.approx(percent["control"], abs=0.051)
    gain = percent["control"] - percent["baseline"]
    assert change == pytest.approx(gain, abs=0.051)
    assert last == pytest.approx(percent["change"], abs=0.051)
    assert train == pytest.approx(100 * found["train"][-1], abs=0.051)
    assert fit == pytest.approx(percent["fit"], abs=0.051)

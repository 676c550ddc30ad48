"""Studies overlap: what two of them have stored of one run must be the same numbers.

They were trained at different times, each from scratch, on whatever machine there was.
"""

from itertools import combinations

import pandas as pd

from cplib import results, studies


def made_alike(one, other, seed):
    """Whether the processor, PyTorch and the data were the same."""
    keys = ("device", "torch", "data_sha256")
    return all(one.provenance[seed][key] == other.provenance[seed][key] for key in keys)


def test_runs_that_studies_share_have_the_same_numbers(monkeypatch):
    monkeypatch.delenv("CPLIB_RESULTS")  # the book's own
    stored = [results.stored(studies.get(name, scale)) for name, scale in studies.BOOK]
    compared = 0
    for one, other in combinations(stored, 2):
        if one.study.setup != other.study.setup:
            continue
        begun = {(run.deficit, run.onset, run.removal): run for run in other.study.runs}
        for run in one.study.runs:
            twin = begun.get((run.deficit, run.onset, run.removal))
            for seed in set(one.seeds) & set(other.seeds) if twin else ():
                if made_alike(one, other, seed):
                    pair = [one.curve(run)[seed], other.curve(twin)[seed]]
                    shorter = min(map(len, pair))
                    pd.testing.assert_series_equal(*(c[:shorter] for c in pair))
                    compared += 1
    assert compared > 30

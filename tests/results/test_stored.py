"""Studies overlap: what two of them have stored of one run must be the same numbers.

They were trained at different times, each from scratch, on whatever machine there was.
"""

from itertools import combinations

import pandas as pd

from cplib import results, studies
from cplib.results.verification import KIND


def made_alike(one, other, seed):
    """Whether processor, instructions, threads, PyTorch and data were the same."""
    pair = [result.provenance[seed] for result in (one, other)]
    return all(pair[0].get(key) == pair[1].get(key) for key in KIND)


def test_runs_that_studies_share_have_the_same_numbers(monkeypatch):
    monkeypatch.delenv("CPLIB_RESULTS")  # the book's own
    stored = [results.stored(studies.get(name, scale)) for name, scale in studies.BOOK]
    compared = 0
    for one, other in combinations(stored, 2):
        if one.study.setup != other.study.setup:
            continue
        begun = {run.windows: run for run in other.study.runs}
        for run in one.study.runs:
            twin = begun.get(run.windows)
            for seed in set(one.seeds) & set(other.seeds) if twin else ():
                if made_alike(one, other, seed):
                    pair = [one.curve(run)[seed], other.curve(twin)[seed]]
                    shorter = min(map(len, pair))
                    pd.testing.assert_series_equal(*(c[:shorter] for c in pair))
                    compared += 1
    assert compared > 30

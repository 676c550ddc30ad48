"""The statistics by which claims are judged: one value for each seed.

A statistic takes the results of its studies and returns an array with one value for
each seed that they share, in order. Those of final accuracy compare with `against`: the
"baseline" (same clean training) or the "control" (same age).
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..errors import InputError
from ..results import LAST, Result, finals
from . import claim_traces
from .effects import changes

RECOVERED = 0.01  # a network has recovered within a point of its control


def change(
    result: Result,
    of: str = "last",
    less: str = "",
    kind: str = "",
    against: str = "baseline",
) -> np.ndarray:
    """Final accuracy minus the reference, in points, for the runs named by `of`.

    Args:
        result: of a sweep over removals or over the onsets of a window.
        of: "first" or "last" run, the mean of "all", of "early" (onset in the first
            half of the onsets) or of "inner" ones (early, but not at 0).
        less: runs whose change is subtracted, named in the same way.
        kind: of deficit, where the study has several.
        against: "baseline" or "control".
    """
    table = _changes(result, against, kind)
    found = _mean(table, of)
    return found - _mean(table, less) if less else found


def milder(one: Result, other: Result, against: str = "baseline") -> np.ndarray:
    """The change made by `one` minus that by `other`, mean over shared removals."""
    first, second = _shared(one, other, against)
    return (first - second).mean(axis=1).to_numpy()


def longer(one: Result, other: Result, against: str = "baseline") -> np.ndarray:
    """Removal at which half of the last loss is reached, `one` minus `other`, epochs.

    See `_half`; only removals that both studies have count.
    """
    first, second = _shared(one, other, against)
    return _half(first) - _half(second)


def steeper(one: Result, other: Result, against: str = "baseline") -> np.ndarray:
    """Error over the reference's at the last removal, in `one` minus in `other`."""
    ratios = []
    for table in map(finals, (one, other)):
        last = table[table["removal"] == table["removal"].max()].set_index("seed")
        ratios.append((1 - last["final"]) / (1 - last[against]))
    return (ratios[0] - ratios[1]).dropna().to_numpy()


def slower_recovery(one: Result, other: Result) -> np.ndarray:
    """Epochs from removal to recovery in `one` minus those in `other`.

    Mean over shared removals. Recovered: the mean accuracy of five epochs is within a
    point of the control's. A run that never recovers counts with all its clean epochs.
    """
    first, second = _recovery(one).align(_recovery(other), join="inner")
    return (first - second).mean(axis=1).to_numpy()


def _changes(result: Result, against: str, kind: str = "") -> pd.DataFrame:
    """Final accuracy minus the reference, in points, by seed and (onset, removal)."""
    table = changes(result, against).query("removal > 0")
    table = table[table["deficit"] == kind] if kind else table
    return table.pivot(index="seed", columns=["onset", "removal"], values="change")


def _mean(table: pd.DataFrame, part: str) -> np.ndarray:
    """Mean over the runs that `part` names, by seed; see `change`."""
    table = table.sort_index(axis=1)
    onset = table.columns.get_level_values("onset")
    early = onset <= max(1, onset.max() / 2)
    chosen = {"all": slice(None), "first": [0], "last": [-1]}
    chosen |= {"early": early, "inner": early & (onset > 0)}
    return table.iloc[:, chosen[part]].mean(axis=1).to_numpy()


def _shared(one: Result, other: Result, against: str) -> tuple[pd.DataFrame, ...]:
    """The changes of both, for the seeds and windows that they share."""
    pair = _changes(one, against).align(_changes(other, against), join="inner")
    if pair[0].empty:
        names = f"{one.study.name} and {other.study.name}"
        raise InputError(f"{names} share no window: choose studies that do.")
    return pair


def _half(table: pd.DataFrame) -> np.ndarray:
    """Removal at which half of the last loss is first reached, by seed.

    Linear between removals, from no loss at 0. Without loss: the last removal.
    """
    removals = np.array([0.0, *table.columns.get_level_values("removal")])
    losses = np.pad(-table.to_numpy(), ((0, 0), (1, 0)))
    places = np.full(len(losses), removals[-1])
    for seed, loss in enumerate(losses):
        if (half := loss[-1] / 2) > 0:
            first = int((loss >= half).argmax())
            pair = slice(first - 1, first + 1)
            places[seed] = np.interp(half, loss[pair], removals[pair])
    return places


def _recovery(result: Result) -> pd.DataFrame:
    """Epochs from removal to recovery: index seed, one column per removal."""
    clean, found = result.curve(result.study.runs[0]), {}
    for run in result.study.runs[1:]:
        behind = (clean - result.curve(run)).loc[run.removal + 1 : run.epochs]
        there = behind.rolling(LAST).mean() <= RECOVERED
        found[run.removal] = there.idxmax().where(there.any(), run.epochs) - run.removal
    return pd.DataFrame(found)


STATISTICS: dict[str, Callable[..., np.ndarray]] = {
    function.__name__: function
    for function in (
        change, milder, longer, steeper, slower_recovery,
        claim_traces.ending, claim_traces.excess, claim_traces.exponential,
        claim_traces.layers_moved, claim_traces.peak_distance, claim_traces.peak_gap,
        claim_traces.peak_shift, claim_traces.raised, claim_traces.share,
        claim_traces.top_dominance, claim_traces.trace,
    )
}  # fmt: skip

"""The numbers on which claims are judged, one for each seed.

Each function takes the results of the studies that it is about and gives an array with
one value for each seed that they share, in the order of the seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..errors import CplibError, InputError
from ..results import LAST, Result, finals
from ..studies.runs import Run
from .exponential import fit_exponential
from .sensitivity import sensitivities, shares, trace_curve

__all__ = ["STATISTICS"]

MIDDLE, TOP = (3, 4, 5), 6  # layers of the All-CNN, counted from 0 (paper, Figure 5)


def change(result: Result, against: str = "baseline") -> np.ndarray:
    """Final accuracy less the reference for the last removal, in points."""
    return _changes(result, against).iloc[:, -1].to_numpy()


def mean_change(result: Result, against: str = "baseline") -> np.ndarray:
    """Final accuracy less the reference, mean over all removals, in points."""
    return _changes(result, against).mean(axis=1).to_numpy()


def later_less_earlier(result: Result, against: str = "baseline") -> np.ndarray:
    """The change for the last removal less that for the first, in points."""
    changes = _changes(result, against)
    return (changes.iloc[:, -1] - changes.iloc[:, 0]).to_numpy()


def milder(one: Result, other: Result, against: str = "baseline") -> np.ndarray:
    """The change made by `one` less that by `other`, mean over shared removals."""
    first, second = _changes(one, against), _changes(other, against)
    shared = first.columns.intersection(second.columns)
    if shared.empty:
        raise InputError(
            f"{one.study.name} and {other.study.name} share no removal to compare at."
        )
    return (first[shared] - second[shared]).dropna().mean(axis=1).to_numpy()


def steeper(one: Result, other: Result) -> np.ndarray:
    """Error over that without deficit, last removal: of `one` less of `other`."""
    return (_error_ratio(one) - _error_ratio(other)).dropna().to_numpy()


def early_less_late(result: Result, against: str = "control") -> np.ndarray:
    """Sensitivity to early windows (first half of onsets) less that to the last."""
    losses = -_changes(result, against, over="onset")
    early = losses.loc[:, losses.columns <= losses.columns.max() / 2].mean(axis=1)
    return (early - losses.iloc[:, -1]).to_numpy()


def hump(result: Result, against: str = "control") -> np.ndarray:
    """Sensitivity to early windows after the first less that to the first."""
    losses = -_changes(result, against, over="onset")
    onsets = losses.columns
    inside = losses.loc[:, (onsets > 0) & (onsets <= max(1, onsets.max() / 2))]
    return (inside.mean(axis=1) - losses.iloc[:, 0]).to_numpy()


def rise(result: Result) -> np.ndarray:
    """log2 of the trace at its peak over the first that was measured, no deficit."""
    curve = trace_curve(result, result.study.runs[0])
    return np.log2(_at_peak(curve) / curve.iloc[0].to_numpy())


def fall(result: Result) -> np.ndarray:
    """log2 of the trace at the end of training over that at its peak, no deficit.

    Both are means over five measurements: 0 for a trace that rises to the end.
    """
    curve = trace_curve(result, result.study.runs[0])
    return np.log2(_at_end(curve) / _at_peak(curve))


def peak_distance(tracked: Result, windows: Result) -> np.ndarray:
    """Epoch at which the trace is greatest less the most sensitive onset."""
    table = sensitivities(tracked, windows)
    table = table.groupby(["seed", "onset"])["sensitivity"].mean().unstack()
    curve = trace_curve(tracked, tracked.study.runs[0])[list(table.index)]
    return curve.idxmax().to_numpy() - table.idxmax(axis=1).to_numpy()


def exponential(tracked: Result, windows: Result) -> np.ndarray:
    """Adjusted R2 of F = a exp(c S) + b, negative where F falls with S.

    Mean over the lengths of window. The adjustment, 1 - (1 - R2)(n - 1)/(n - 3), makes
    up for three parameters on few onsets.
    """
    table = sensitivities(tracked, windows)
    found = [_adjusted(rows) for _, rows in table.groupby(["seed", "window"])]
    return np.array(found).reshape(table["seed"].nunique(), -1).mean(axis=1)


def raised_at_removal(result: Result, kind: str = "blur") -> np.ndarray:
    """log2 of the trace at the last removal over that without deficit then."""
    run = _last(result, kind)
    pair = [trace_curve(result, r).loc[: run.removal] for r in (run, _clean(result))]
    return np.log2(pair[0].iloc[-1] / pair[1].iloc[-1]).to_numpy()


def raised_at_end(result: Result, kind: str = "blur") -> np.ndarray:
    """log2 of the trace at the end, last removal, over that without deficit then."""
    run = _last(result, kind)
    pair = [trace_curve(result, r).loc[: run.epochs] for r in (run, _clean(result))]
    return np.log2(_at_end(pair[0]) / _at_end(pair[1]))


def middle_share(result: Result) -> np.ndarray:
    """Share of the middle layers in the trace at the end, without deficit."""
    end = _share_at_end(result, _clean(result))
    return end[list(MIDDLE)].sum(axis=1).to_numpy()


def top_dominance(result: Result, kind: str = "blur") -> np.ndarray:
    """Share of the top layer less the greatest other share, at the last removal."""
    run = _last(result, kind)
    at = _share_at(result, run, run.removal)
    return (at[TOP] - at.drop(columns=TOP).max(axis=1)).to_numpy()


def upward_shift(result: Result, kind: str = "blur") -> np.ndarray:
    """Share of the top layer at the last removal less that without deficit then."""
    run = _last(result, kind)
    under, clean = (_share_at(result, r, run.removal) for r in (run, _clean(result)))
    return (under[TOP] - clean[TOP]).to_numpy()


def top_excess(result: Result, kind: str = "blur") -> np.ndarray:
    """Share of the top layer at the end, last removal, less that without deficit."""
    return _excess(result, _last(result, kind))


def excess_late_less_early(result: Result, kind: str = "blur") -> np.ndarray:
    """`top_excess` for the last removal less that for the first."""
    early = min(_from_start(result, kind), key=lambda run: run.removal)
    return _excess(result, _last(result, kind)) - _excess(result, early)


def layers_moved(result: Result, kind: str = "flip") -> np.ndarray:
    """Distance in shares to no deficit, less that between seeds without deficit.

    Both at the last removal; the distance is half the sum of |differences in share|.
    """
    run = _last(result, kind)
    under, clean = (_share_at(result, r, run.removal) for r in (run, _clean(result)))
    moved = (under - clean).abs().sum(axis=1) / 2
    others = [clean.drop(seed) - clean.loc[seed] for seed in clean.index]
    apart = [rows.abs().sum(axis=1).mean() / 2 if len(rows) else 0.0 for rows in others]
    return moved.to_numpy() - np.array(apart)


def _changes(result: Result, against: str, over: str = "removal") -> pd.DataFrame:
    """Final accuracy less the reference, in points: index seed, a column a run."""
    if against not in ("baseline", "control"):
        raise InputError(f"against={against!r}: choose 'baseline' or 'control'.")
    table = finals(result).query("removal > 0")
    table = table.assign(change=100 * (table["final"] - table[against]))
    return table.pivot(index="seed", columns=over, values="change")


def _error_ratio(result: Result) -> pd.Series:
    table = finals(result)
    last = table[table["removal"] == table["removal"].max()].set_index("seed")
    return (1 - last["final"]) / (1 - last["baseline"])


def _at_peak(curve: pd.DataFrame) -> np.ndarray:
    """Each seed's smoothed value at the peak of the other seeds' smoothed mean.

    A seed's own maximum would lie above its other values by mere scatter.
    """
    curve = curve.rolling(LAST, min_periods=1).mean()
    if curve.shape[1] == 1:
        return curve.max().to_numpy()
    peaks = [curve.drop(columns=seed).mean(axis=1).idxmax() for seed in curve]
    return np.array(
        [curve.loc[peak, seed] for seed, peak in zip(curve, peaks, strict=True)]
    )


def _at_end(curve: pd.DataFrame) -> np.ndarray:
    return curve.iloc[-LAST:].mean().to_numpy()


def _adjusted(rows: pd.DataFrame) -> float:
    try:
        fit = fit_exponential(rows["sensitivity"], rows["trace"])
    except CplibError:  # no relation that a curve could follow
        return 0.0
    free = len(rows) - 3
    rising = np.sign(fit.params["a"] * fit.params["c"])
    return float(rising * (1 - (1 - fit.r2) * (len(rows) - 1) / free))


def _clean(result: Result) -> Run:
    return result.study.runs[0]


def _from_start(result: Result, kind: str) -> list[Run]:
    runs = [run for run in result.study.runs if run.name == kind and run.onset == 0]
    if not runs:
        raise InputError(f"Study {result.study.name} has no run with {kind!r}.")
    return runs


def _last(result: Result, kind: str) -> Run:
    return max(_from_start(result, kind), key=lambda run: run.removal)


def _share_at(result: Result, run: Run, epoch: int) -> pd.DataFrame:
    """Shares at the last measurement until `epoch`: index seed, a column a layer."""
    table = shares(result, run)
    at = table.loc[table["epoch"] <= epoch, "epoch"].max()
    rows = table[table["epoch"] == at]
    return rows.pivot(index="seed", columns="layer", values="share")


def _share_at_end(result: Result, run: Run, end: int | None = None) -> pd.DataFrame:
    """Mean shares over the last measurements until `end`."""
    table = shares(result, run)
    epochs = sorted(e for e in table["epoch"].unique() if end is None or e <= end)
    rows = table[table["epoch"].isin(epochs[-LAST:])]
    return rows.groupby(["seed", "layer"])["share"].mean().unstack()


def _excess(result: Result, run: Run) -> np.ndarray:
    ends = [_share_at_end(result, r, run.epochs) for r in (run, _clean(result))]
    return (ends[0][TOP] - ends[1][TOP]).to_numpy()


STATISTICS: dict[str, Callable[..., np.ndarray]] = {
    function.__name__: function
    for function in (
        change, mean_change, later_less_earlier, milder, steeper, early_less_late, hump,
        rise, fall, peak_distance, exponential, raised_at_removal, raised_at_end,
        middle_share, top_dominance, upward_shift, top_excess, excess_late_less_early,
        layers_moved,
    )
}  # fmt: skip

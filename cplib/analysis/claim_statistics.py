"""The statistics by which claims are judged: one value for each seed.

A statistic takes the results of its studies and returns an array with one value for
each seed that they share, in order. Those of final accuracy compare with `against`: the
"baseline" (same clean training) or the "control" (same length in all).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..errors import CplibError, InputError
from ..results import LAST, Result, finals
from ..studies import Run
from .effects import changes
from .fits import fit_exponential
from .sensitivity import sensitivities, shares_at, trace_curve

__all__ = ["STATISTICS"]

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
    """Epochs by which half of the loss at the last shared removal comes later in `one`.

    See `_half`; only removals that both have count.
    """
    first, second = _shared(one, other, against)
    return _half(first) - _half(second)


def steeper(one: Result, other: Result, against: str = "baseline") -> np.ndarray:
    """Error over the reference's, last removal: of `one` minus that of `other`."""
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


def trace(result: Result, of: str, over: str) -> np.ndarray:
    """log2 of the trace at `of` over that at `over`, without deficit.

    "start": the first measurement; "end": the mean of the last five; "peak": that of
    the five to the peak of the other seeds' mean (a seed's own maximum would lie above
    its other values by mere scatter).
    """
    curve = trace_curve(result, _clean(result))
    start, end = curve.iloc[0], curve.iloc[-LAST:].mean()
    read = {"start": start, "end": end, "peak": _at_peak(curve)}
    return np.log2(read[of] / read[over]).to_numpy()


def raised(result: Result, at: str = "removal", kind: str = "blur") -> np.ndarray:
    """log2 of the trace with the last removal over that without deficit, at equal age.

    `at`: "removal", or "end" (mean of the last five measurements).
    """
    run = _from_start(result, kind)[-1]
    until, last = (run.epochs, LAST) if at == "end" else (run.removal, 1)
    pair = (trace_curve(result, r).loc[:until] for r in (run, _clean(result)))
    under, clean = (curve.iloc[-last:].mean() for curve in pair)
    return np.log2(under / clean).to_numpy()


def ending(result: Result, metric: str, kind: str = "blur") -> np.ndarray:
    """log2 of `metric` at the end of the last removal's run over that without deficit.

    `metric`: one of the closer look's, such as "trace_matched" (`training.loop`).
    """
    run = _from_start(result, kind)[-1]
    curves = [result.curve(r, metric) for r in (run, _clean(result))]
    if any(run.epochs not in curve.index for curve in curves):
        raise InputError(
            f"Study {result.study.name} at scale {result.study.scale} has no {metric} "
            f"at epoch {run.epochs}: give its setup a probe and a readout."
        )
    under, clean = (curve.loc[run.epochs] for curve in curves)
    return np.log2(under / clean).to_numpy()


def peak_distance(tracked: Result, windows: Result) -> np.ndarray:
    """Epoch at which the trace is greatest minus the most sensitive onset."""
    table = _by_onset(tracked, windows)
    curve = trace_curve(tracked, _clean(tracked))[list(table.index)]
    return curve.idxmax().to_numpy() - table.idxmax(axis=1).to_numpy()


def peak_gap(tracked: Result, windows: Result, of: str = "onset") -> np.ndarray:
    """As `peak_distance`, but with peaks between the measurements and the onsets.

    Each peak is the vertex of the parabola through the highest point and its two
    neighbours (at an edge, the point itself); the trace is first averaged over the five
    measurements around each. A window is placed at its "onset" or its "middle".
    """
    table = _by_onset(tracked, windows)
    curve = trace_curve(tracked, _clean(tracked))[list(table.index)]
    curve = curve.rolling(LAST, center=True, min_periods=1).mean()
    lengths = [run.removal - run.onset for run in windows.study.runs[1:]]
    shift = np.mean(lengths) / 2 if of == "middle" else 0
    gaps = [_vertex(curve[seed]) - _vertex(table.loc[seed]) for seed in table.index]
    return np.array(gaps) - shift


def exponential(tracked: Result, windows: Result) -> np.ndarray:
    """Adjusted R2 of F = a exp(c S) + b, negative where F falls with S.

    Mean over the lengths of window. The adjustment, 1 - (1 - R2)(n - 1)/(n - 3),
    corrects for three parameters on few onsets.
    """
    table = sensitivities(tracked, windows)
    fitted = table.groupby(["seed", "window"])[["sensitivity", "trace"]].apply(
        _adjusted
    )
    return fitted.unstack().mean(axis=1).to_numpy()


def share(result: Result, layers: list[int]) -> np.ndarray:
    """Share of `layers` in the trace at the end, without deficit."""
    clean = _clean(result)
    return shares_at(result, clean, clean.epochs, LAST)[layers].sum(axis=1).to_numpy()


def excess(
    result: Result, layers: list[int], of: str = "end", less: str = ""
) -> np.ndarray:
    """Share of `layers` under blur minus that without deficit, at equal age.

    `of`: at the last "removal"; at the "end" of that run; or "early", at the end of the
    run with the first removal. `less`: where the excess is read that is subtracted.
    """
    runs = _from_start(result, "blur")
    when = {
        "removal": (runs[-1], runs[-1].removal, 1),
        "end": (runs[-1], runs[-1].epochs, LAST),
        "early": (runs[0], runs[0].epochs, LAST),
    }
    places = [when[name] for name in (of, less) if name]
    found = [np.subtract(*_pair(result, *p))[layers].sum(axis=1) for p in places]
    return (found[0] - sum(found[1:])).to_numpy()


def top_dominance(result: Result, top: int) -> np.ndarray:
    """Share of layer `top` minus the greatest other share, when the last blur ends."""
    run = _from_start(result, "blur")[-1]
    layers = shares_at(result, run, run.removal)
    return (layers[top] - layers.drop(columns=top).max(axis=1)).to_numpy()


def layers_moved(result: Result, kind: str) -> np.ndarray:
    """Distance to no deficit at the last removal, minus that between clean seeds.

    The distance is half the sum of |differences in share|.
    """
    run = _from_start(result, kind)[-1]
    under, clean = _pair(result, run, run.removal)
    moved = (under - clean).abs().sum(axis=1) / 2
    others = (clean.drop(seed) - clean.loc[seed] for seed in clean.index)
    apart = [rows.abs().sum(axis=1).mean() / 2 for rows in others]
    return moved.to_numpy() - np.nan_to_num(apart)  # of a single seed: 0


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
    """Removal at which half of the loss at the last is first reached, by seed.

    Linear from no loss at 0 on. A seed without loss counts with the last removal.
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
    """Epochs from removal to recovery: index seed, a column a removal."""
    clean, found = result.curve(_clean(result)), {}
    for run in result.study.runs[1:]:
        behind = (clean - result.curve(run)).loc[run.removal + 1 : run.epochs]
        there = behind.rolling(LAST).mean() <= RECOVERED
        found[run.removal] = there.idxmax().where(there.any(), run.epochs) - run.removal
    return pd.DataFrame(found)


def _at_peak(curve: pd.DataFrame) -> pd.Series:
    """Each seed's smoothed value at the peak of the other seeds' smoothed mean."""
    curve = curve.rolling(LAST, min_periods=1).mean()
    if curve.shape[1] == 1:
        return curve.max()
    peaks = {seed: curve.drop(columns=seed).mean(axis=1).idxmax() for seed in curve}
    return pd.Series({seed: curve.loc[peak, seed] for seed, peak in peaks.items()})


def _by_onset(tracked: Result, windows: Result) -> pd.DataFrame:
    """Sensitivity, mean over lengths of window: index seed, a column an onset."""
    table = sensitivities(tracked, windows)
    return table.groupby(["seed", "onset"])["sensitivity"].mean().unstack()


def _vertex(curve: pd.Series) -> float:
    """Place of the maximum, by the parabola through it and its neighbours."""
    curve = curve.dropna()
    place = int(curve.to_numpy().argmax())
    near = curve.iloc[max(0, place - 1) : place + 2]
    top = float(curve.index[place])
    bend, slope = np.polyfit(near.index - top, near, 2)[:2] if len(near) > 2 else (0, 0)
    return float(top - slope / (2 * bend)) if bend < 0 else top


def _adjusted(rows: pd.DataFrame) -> float:
    try:
        fit = fit_exponential(rows["sensitivity"], rows["trace"])
    except CplibError:  # no relation that a curve could follow
        return 0.0
    rising = np.sign(fit.params["a"] * fit.params["c"])
    unexplained = (1 - fit.r2) * (len(rows) - 1) / (len(rows) - 3)
    return float(rising * (1 - unexplained))


def _clean(result: Result) -> Run:
    return result.study.runs[0]


def _from_start(result: Result, kind: str) -> list[Run]:
    """The runs with a deficit of this kind from epoch 0, by removal."""
    runs = [run for run in result.study.runs if run.name == kind and run.onset == 0]
    if not runs:
        trouble = f"Study {result.study.name} has no run with {kind!r} from epoch 0"
        raise InputError(f"{trouble}: choose one that has.")
    return sorted(runs, key=lambda run: run.removal)


def _pair(result: Result, run: Run, *when: int) -> list[pd.DataFrame]:
    """Shares of `run`, and of the clean run at equal age; see `shares_at`."""
    return [shares_at(result, r, *when) for r in (run, _clean(result))]


STATISTICS: dict[str, Callable[..., np.ndarray]] = {
    function.__name__: function
    for function in (
        change, milder, longer, steeper, slower_recovery, trace, raised, ending,
        peak_distance, peak_gap, exponential, share, excess, top_dominance,
        layers_moved,
    )
}  # fmt: skip

"""Statistics of the Fisher information by which claims are judged, one per seed.

See `claim_statistics`, which lists them with those of final accuracy.
"""

import numpy as np
import pandas as pd

from ..errors import CplibError, InputError
from ..results import LAST, Result
from ..studies import Run
from .fits import fit_exponential
from .sensitivity import sensitivities, shares_at, trace_curve


def trace(result: Result, of: str, over: str) -> np.ndarray:
    """log2 of the trace at `of` over that at `over`, without deficit.

    "start": the first measurement; "end": the mean of the last five; "peak": that of
    the five to the peak of the other seeds' mean (a seed's own maximum would lie above
    its other values by mere scatter).
    """
    curve = trace_curve(result, result.study.runs[0])
    start, end = curve.iloc[0], curve.iloc[-LAST:].mean()
    read = {"start": start, "end": end, "peak": _at_peak(curve)}
    return np.log2(read[of] / read[over]).to_numpy()


def raised(result: Result, at: str = "removal", kind: str = "blur") -> np.ndarray:
    """log2 of the trace with the last removal over that without deficit, same age.

    `at`: "removal", or "end" (mean of the last five measurements).
    """
    run = _from_start(result, kind)[-1]
    until, last = (run.epochs, LAST) if at == "end" else (run.removal, 1)
    pair = (trace_curve(result, r).loc[:until] for r in (run, result.study.runs[0]))
    under, clean = (curve.iloc[-last:].mean() for curve in pair)
    return np.log2(under / clean).to_numpy()


class Unmeasured(InputError):
    """A study did not measure what a claim is about."""


def ending(result: Result, metric: str, kind: str = "blur") -> np.ndarray:
    """log2 of `metric` at the end of the run with the last removal, over no deficit.

    `metric`: one of `training.state.ENDINGS`, such as "trace_matched".
    """
    run = _from_start(result, kind)[-1]
    curves = [result.curve(r, metric) for r in (run, result.study.runs[0])]
    if any(run.epochs not in curve.index for curve in curves):
        raise Unmeasured(
            f"Study {result.study.name} at scale {result.study.scale} has no {metric} "
            f"at epoch {run.epochs}: give its setup a probe and a readout."
        )
    under, clean = (curve.loc[run.epochs] for curve in curves)
    return np.log2(under / clean).to_numpy()


def peak_distance(tracked: Result, windows: Result) -> np.ndarray:
    """Epoch at which the trace is greatest minus the most sensitive onset."""
    table = _by_onset(tracked, windows)
    curve = trace_curve(tracked, tracked.study.runs[0])[list(table.index)]
    return curve.idxmax().to_numpy() - table.idxmax(axis=1).to_numpy()


def peak_gap(tracked: Result, windows: Result, of: str = "onset") -> np.ndarray:
    """As `peak_distance`, but with peaks between the measurements and the onsets.

    Each peak is the vertex of the parabola through the highest point and its two
    neighbours (at an edge, the point itself); the trace is first averaged over the five
    measurements around each. A window is placed at its "onset" or its "middle".
    """
    table = _by_onset(tracked, windows)
    curve = _smooth(tracked)
    lengths = [run.removal - run.onset for run in windows.study.runs[1:]]
    shift = np.mean(lengths) / 2 if of == "middle" else 0
    gaps = [_vertex(curve[seed]) - _vertex(table.loc[seed]) for seed in table.index]
    return np.array(gaps) - shift


def peak_shift(tracked: Result, other: Result) -> np.ndarray:
    """Epoch at which the trace peaks minus that in `other`; peaks as in `peak_gap`."""
    pairs = zip(_smooth(tracked).items(), _smooth(other).items(), strict=True)
    return np.array([_vertex(curve) - _vertex(rest) for (_, curve), (_, rest) in pairs])


def exponential(tracked: Result, windows: Result) -> np.ndarray:
    """Adjusted R2 of F = a exp(c S) + b, negative where F falls with S.

    Mean over window lengths. The adjustment, 1 - (1 - R2)(n - 1)/(n - 3),
    corrects for three parameters on few onsets.
    """
    table = sensitivities(tracked, windows)
    windows = table.groupby(["seed", "window"])[["sensitivity", "trace"]]
    return windows.apply(_adjusted).unstack().mean(axis=1).to_numpy()


def share(result: Result, layers: list[int]) -> np.ndarray:
    """Share of `layers` in the trace at the end, without deficit."""
    clean = result.study.runs[0]
    return shares_at(result, clean, clean.epochs, LAST)[layers].sum(axis=1).to_numpy()


def excess(
    result: Result, layers: list[int], of: str = "end", less: str = ""
) -> np.ndarray:
    """Share of `layers` under blur minus that without deficit, at the same age.

    `of`: at the last "removal"; at the "end" of that run; or "early", at the end of the
    run with the first removal. `less`: the same, for an excess that is subtracted.
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
    """Distance of the shares from those without deficit, minus that of clean seeds.

    At the last removal. The distance is half the sum of |differences in share|.
    """
    run = _from_start(result, kind)[-1]
    under, clean = _pair(result, run, run.removal)
    moved = (under - clean).abs().sum(axis=1) / 2
    others = (clean.drop(seed) - clean.loc[seed] for seed in clean.index)
    apart = [rows.abs().sum(axis=1).mean() / 2 for rows in others]
    return moved.to_numpy() - np.nan_to_num(apart)  # of a single seed: 0


def _smooth(tracked: Result) -> pd.DataFrame:
    """The trace without deficit, averaged over the five measurements around each."""
    curve = trace_curve(tracked, tracked.study.runs[0])
    return curve.rolling(LAST, center=True, min_periods=1).mean()


def _at_peak(curve: pd.DataFrame) -> pd.Series:
    """Each seed's smoothed value at the peak of the other seeds' smoothed mean."""
    curve = curve.rolling(LAST, min_periods=1).mean()
    if curve.shape[1] == 1:
        return curve.max()
    peaks = {seed: curve.drop(columns=seed).mean(axis=1).idxmax() for seed in curve}
    return pd.Series({seed: curve.loc[peak, seed] for seed, peak in peaks.items()})


def _by_onset(tracked: Result, windows: Result) -> pd.DataFrame:
    """Sensitivity, mean over window lengths: index seed, one column per onset."""
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


def _from_start(result: Result, kind: str) -> list[Run]:
    """The runs with a deficit of this kind from epoch 0, by removal."""
    runs = [run for run in result.study.runs if run.name == kind and run.onset == 0]
    if not runs:
        trouble = f"Study {result.study.name} has no run with {kind!r} from epoch 0"
        raise InputError(f"{trouble}: choose one that has.")
    return sorted(runs, key=lambda run: run.removal)


def _pair(result: Result, run: Run, *when: int) -> list[pd.DataFrame]:
    """Shares of `run`, and of the clean run at the same age; see `shares_at`."""
    return [shares_at(result, r, *when) for r in (run, result.study.runs[0])]

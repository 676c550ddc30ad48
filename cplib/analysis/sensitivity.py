"""Traces, shares of layers and sensitivities, from the tables of results."""

import pandas as pd

from ..errors import CplibError, DataError, InputError
from ..results import Result, finals
from ..studies import Run


def sensitivities(tracked: Result, windows: Result) -> pd.DataFrame:
    """Sensitivity to each window, and the trace at its onset, by seed.

    Returns:
        Columns seed, window (its length), onset, sensitivity (points of final accuracy
        lost to the baseline), control (points lost to the control) and trace (of the
        same seed without deficit, at the onset; at epoch 0 the first measurement).
    """
    by_seed = finals(windows).query("removal > 0")
    curve = trace_curve(tracked, tracked.study.runs[0]).dropna(axis=1)
    at = curve.reindex(sorted({*curve.index, *by_seed["onset"]}))
    at = at.interpolate("index").bfill()
    by_seed = by_seed[by_seed["seed"].isin(curve.columns)]
    rows = by_seed[["seed", "onset"]].assign(
        window=by_seed["removal"] - by_seed["onset"],
        sensitivity=100 * (by_seed["baseline"] - by_seed["final"]),
        control=100 * (by_seed["control"] - by_seed["final"]),
        trace=[at.loc[r.onset, r.seed] for r in by_seed.itertuples()],
    )
    columns = ["seed", "window", "onset", "sensitivity", "control", "trace"]
    return rows[columns].reset_index(drop=True)


def shares(result: Result, run: Run) -> pd.DataFrame:
    """Each layer's share of the trace of `run`: seed, epoch, layer (int), share."""
    t = result.table
    traces = (t.metric == "trace") & (t.layer != "")
    rows = t[traces & (t.run == result.study.number(run))]
    if rows.empty:
        raise _no_trace(result)
    total = rows.groupby(["seed", "epoch"])["value"].transform("sum")
    found = rows[["seed", "epoch"]].assign(
        layer=rows["layer"].astype(int), share=rows["value"] / total
    )
    if found["share"].isna().all():
        raise _no_trace(result)
    return found.dropna().reset_index(drop=True)


def shares_at(result: Result, run: Run, until: int, last: int = 1) -> pd.DataFrame:
    """Mean shares over the `last` measurements until epoch `until`.

    Returns:
        Index seed, one column per layer.
    """
    table = shares(result, run)
    epochs = table.loc[table["epoch"] <= until, "epoch"].unique()
    rows = table[table["epoch"].isin(sorted(epochs)[-last:])]
    return rows.groupby(["seed", "layer"])["share"].mean().unstack()


def trace_curve(result: Result, run: Run) -> pd.DataFrame:
    """The whole network's trace: index epoch, one column per seed."""
    curve = result.curve(run, "trace").dropna(how="all")
    if curve.empty:
        raise _no_trace(result)
    return curve


def _no_trace(result: Result) -> CplibError:
    where = f"tudy {result.study.name} at scale {result.study.scale}"
    if result.study.setup.probe is None:
        return InputError(
            f"S{where} did not measure the Fisher information: use study 3TL or 5, or "
            "give its setup a probe."
        )
    return DataError(
        f"The Fisher information in s{where} is 0 or not a number ({result.lost()}): "
        f"choose a lower learning rate than {result.study.setup.schedule.lr:g}."
    )

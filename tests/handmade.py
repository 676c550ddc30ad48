"""Results made by a formula: the shape of trained ones, without the training."""

import dataclasses
import gzip
import json

import numpy as np
import pandas as pd
from scipy import stats

from cplib import results, studies
from cplib._base.files import book_folder
from cplib.results.result import COLUMNS, Result

STORED = book_folder() / "results"  # the book's
GRID = tuple(range(0, 41, 5))
LOSS = {
    "none": 0.0, "blur": 0.14, "flip": -0.02, "labels": -0.03, "noise": 0.04,
    "moving-noise": 0.01, "grey": 0.02, "nothing": 0.1,
}  # fmt: skip


def handmade(name="timing", scale="smoke", seeds=(0, 1, 2), grid=None):
    """A `Result` of the study, every accuracy of which differs from the others.

    `name` may also be a `Study`; `grid` replaces the onsets and removals of `timing`.
    """
    scale = studies.SCALES[scale]
    scale = dataclasses.replace(scale, grid=grid or scale.grid)
    study = name if isinstance(name, studies.Study) else studies.get(name, scale)
    return formula(study, seeds)


def formula(study, seeds=(0, 1, 2)):
    """The same for a study that is given."""
    rows = []
    for number, run in enumerate(study.runs):
        for seed in seeds:
            random = np.random.default_rng([seed, number])
            epochs = np.arange(run.epochs + 1)
            under = np.array([e > 0 and run.sees(e - 1) is not None for e in epochs])
            learned = 1 - np.exp(-np.cumsum(~under) / 7)
            loss = LOSS.get(run.name, 0.1) * (1 - np.exp(-run.removal / 10))
            value = 0.1 + (0.4 - loss) * learned - 0.1 * under
            value += random.normal(0, 0.01, len(epochs)) + random.normal(0, 0.01)
            rows += [
                (seed, number, run.name, run.onset, run.removal, epoch,
                 "test_accuracy", "", round(float(v), 6))
                for epoch, v in zip(epochs, value.clip(0, 1), strict=True)
            ]  # fmt: skip
    entry = {"device": "cpu", "seconds": 60.0, "date": "2027-01-01T00:00:00"}
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return Result(study, table, {seed: dict(entry) for seed in seeds})


def with_traces(result):
    """The result with a trace of nine layers, and endings, by a formula."""
    end = result.table[result.table.metric == "test_accuracy"].query("epoch > 0")
    random = np.random.default_rng(5)
    layers = 1 + random.random((len(end), 9)) + 3 * end["value"].to_numpy()[:, None]
    named = {str(i): layer for i, layer in enumerate(layers.T)} | {"": layers.sum(1)}
    rows = [end.assign(metric="trace", layer=n, value=v) for n, v in named.items()]
    for metric, power in (("trace_matched", 0.5), ("trace_test", 1.2)):
        rows.append(end.assign(metric=metric, value=end["value"] ** power))
    return dataclasses.replace(result, table=pd.concat([result.table, *rows]))


def stored(name):
    """The book's result of the study `name`."""
    return results.stored(studies.get(name, "laptop"))


def bare(path):
    """A stored table and what its runs are, read without the package."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        runs = json.loads(file.readline().removeprefix("#"))["study"]["runs"]
        table = pd.read_csv(file, keep_default_na=False, dtype={"layer": str})
    runs = [run.get("windows") or [run] for run in runs]  # several deficits, or one
    for column, place in (("onset", 0), ("removal", -1)):
        table[column] = [runs[number][place][column] for number in table.run]
    shown = [[w["deficit"]["kind"] for w in run if w["deficit"]] for run in runs]
    kinds = ["+".join(kinds) or "none" for kinds in shown]
    return table.assign(deficit=[kinds[number] for number in table.run])


def numbers(result, kind, onset, removal):
    """What an explorer shows of a window, in %, from the table alone.

    Returns:
        A dict of means, each with half of its 95 % interval: `final`, `change` from
        the `baseline`, `lag` behind the `control`, these two, and `curve`, a list of
        them over epochs.
    """
    table = result.table[result.table.metric == "test_accuracy"]
    clean = table[table.deficit == "none"]
    window = (table.onset == onset) & (table.removal == removal)
    run = table[(table.deficit == kind) & window]
    assert len(run)
    final = last_five(run, run.epoch.max())
    baseline = last_five(clean, result.study.clean_epochs)
    control = last_five(clean, run.epoch.max())
    by_epoch = 100 * run.groupby("epoch").value.agg(["mean", "std"])
    factor = stats.t.isf(0.025, len(final) - 1) / len(final) ** 0.5
    return {
        "final": interval(final),
        "baseline": interval(baseline),
        "change": interval(final - baseline),
        "control": interval(control),
        "lag": interval(final - control),
        "curve": [(mean, factor * sd) for mean, sd in by_epoch.to_numpy()],
    }


def interval(values):
    """Mean, and half of its 95 % interval; NaN for a single value."""
    if len(values) < 2:
        return values.mean(), np.nan
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    return values.mean(), (high - low) / 2


def last_five(rows, end):
    """Mean accuracy in % over the last five trained epochs until `end`, by seed."""
    chosen = rows[(rows.epoch > max(0, end - 5)) & (rows.epoch <= end)]
    return 100 * chosen.groupby("seed").value.mean()


# what an explorer says of an ending, in its order
ENDING = ("final", "change", "baseline", "lag", "control")


def shown(sentence):
    """Every pair of a mean and half its interval in a sentence, as floats."""
    import re

    pairs = re.findall(r"(\d+\.\d)\s±\s(\d+\.\d)", sentence)
    return [(float(mean), float(sd)) for mean, sd in pairs]

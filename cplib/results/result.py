"""A study's numbers in one tidy table, and the final accuracy of each run."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .._base.plain import Seeds, choose, whole
from .._base.plain import seeds as parse_seeds
from ..errors import DataError
from ..studies import Run, Study
from ..training.state import ENDINGS

COLUMNS = (
    "seed", "run", "deficit", "onset", "removal", "epoch", "metric", "layer", "value",
)  # fmt: skip
PROBED = ("test_accuracy", "trace", "trace_error", *ENDINGS)
NAMED = 5  # diverged runs named in a sentence
LAST = 5  # the readout is the mean over the last five epochs, as in the paper


@dataclass(frozen=True)
class Result:
    """A study's numbers.

    Attributes:
        study: what was computed.
        table: one row per number, with the columns `COLUMNS`. `epoch` counts completed
            epochs (0 is the untrained network); `layer` is empty for metrics of the
            whole network, else "0", "1", ... from the input on; accuracies are
            fractions. With a probe, the metric `trace` is the Fisher trace, by layer
            and (layer empty) in total, and `trace_error` the standard error of the
            total; with a readout too, the metrics of `training.loop.inspect`. A run
            that diverged has NaN from the first epoch on in which a number is not
            finite.
        provenance: by seed, the origin of its numbers.
        live: seeds computed in this session; the others were read from a file.
    """

    study: Study
    table: pd.DataFrame
    provenance: dict[int, dict]
    live: tuple[int, ...] = ()

    @property
    def seeds(self) -> list[int]:
        """Seeds in the table, in order."""
        return sorted(self.provenance)

    def curve(
        self, run: Run, metric: str = "test_accuracy", layer: str = ""
    ) -> pd.DataFrame:
        """`metric` of `run`: index epoch, one column per seed; empty if not probed."""
        memory = self.__dict__.setdefault("_memory", {})
        if (metric, layer) not in memory:
            t = self.table
            choose("metric", metric, dict.fromkeys([*t["metric"].unique(), *PROBED]))
            rows = t[(t.metric == metric) & (t.layer == layer)]
            memory[metric, layer] = dict(list(rows.groupby("run")))
        rows = memory[metric, layer].get(self.study.number(run), self.table[:0])
        return rows.pivot(index="epoch", columns="seed", values="value")

    @property
    def diverged(self) -> pd.DataFrame:
        """One row per diverged run; `epoch` is its first without numbers."""
        lost = self.table[~np.isfinite(self.table["value"])]
        by = ["run", "deficit", "onset", "removal", "seed"]
        return lost.groupby(by, sort=False)["epoch"].min().reset_index()

    def lost(self, *runs: Run) -> str:
        """Which of `runs` (default: all) diverged, in words; '' if none did."""
        asked = [self.study.number(run) for run in runs or self.study.runs]
        lost, runs = self.diverged, self.study.runs
        words = [
            f"{runs[row.run].title} with seed {row.seed} after epoch {row.epoch}"
            for row in lost[lost["run"].isin(asked)].itertuples()
        ]
        if len(words) > NAMED:
            words[NAMED:] = [f"{len(words) - NAMED} more"]
        return ", ".join(words)

    def only(self, seeds: Seeds) -> "Result":
        """The same result for some of its seeds; none, if the list is empty."""
        if isinstance(seeds, str) or not isinstance(seeds, Iterable):
            seeds = parse_seeds(seeds, self.seeds)
        seeds = [whole("seed", seed, 0) for seed in seeds]
        for seed in seeds:
            choose("seed", seed, self.seeds)
        rows = self.table[self.table.seed.isin(seeds)].reset_index(drop=True)
        kept = {seed: self.provenance[seed] for seed in seeds}
        live = tuple(seed for seed in self.live if seed in seeds)
        return Result(self.study, rows, kept, live)


def described(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """`table`, whose column `run` has numbers of runs, with all of `COLUMNS`."""
    runs = [(run.name, run.onset, run.removal) for run in study.runs]
    columns = pd.DataFrame(runs, columns=["deficit", "onset", "removal"])
    return table.join(columns, on="run").reset_index(drop=True)[list(COLUMNS)]


def finals(result: Result, last: int = LAST) -> pd.DataFrame:
    """The final test accuracy of every run, beside its baseline and its control.

    Columns seed, run (its place in the study), deficit, onset, removal and, as
    fractions, `final`: mean over the `last` epochs of the run; `baseline`: of the clean
    run after the study's clean epochs (same clean training, the paper's comparison);
    `control`: of the clean run after as many epochs in all (same age). Run 0 is clean.
    A run that diverged, or whose clean run did, has no row.
    """
    last, study = whole("last", last, 1), result.study
    clean = result.curve(study.runs[0])
    parts = []
    for number, run in enumerate(study.runs):
        end = study.clean_epochs if run.clean else run.epochs
        columns = {
            "run": number,
            "deficit": run.name,
            "onset": run.onset,
            "removal": run.removal,
            "final": _mean_before(result.curve(run), end, last),
            "baseline": _mean_before(clean, study.clean_epochs, last),
            "control": _mean_before(clean, end, last),
        }
        parts.append(pd.DataFrame(columns).rename_axis("seed").reset_index())
    table = pd.concat(parts).dropna(subset=["final", "control"], ignore_index=True)
    if table["removal"].max() > 0 or (len(study.runs) == 1 and len(table)):
        return table
    raise DataError(
        f"Nothing is left to compare in study {study.name} at scale {study.scale}, "
        f"because runs diverged ({result.lost()}): choose a lower learning rate than "
        f"{study.setup.schedule.lr:g}."
    )


def _mean_before(curve: pd.DataFrame, end: int, last: int) -> pd.Series:
    return curve.loc[max(1, end - last + 1) : end].mean(skipna=False)

"""Results: tidy tables with provenance, stored beside the book or computed live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .. import engine, studies
from .._base import console, files
from .._base.plain import whole
from ..engine import Trained, provenance
from ..errors import DataError, InputError
from ..studies import Run, Scale, Study
from ..training import DECIMALS, METRICS
from ..training.state import ENDINGS
from . import store

__all__ = [
    "Result", "catalogue", "compute", "finals", "folder", "get", "parse_seeds", "save",
    "stored",
]  # fmt: skip

COLUMNS = (
    "seed", "run", "deficit", "onset", "removal", "epoch", "metric", "layer", "value",
)  # fmt: skip
CATALOGUE = (
    "study", "what", "scale", "data", "runs", "seeds", "epochs", "core-minutes",
    "device", "PyTorch", "date",
)  # fmt: skip
DIGITS = 6  # significant, of traces, which range over orders of magnitude
NAMED = 5  # runs that diverged, or settings that changed, in a sentence
LAST = 5  # the readout is the mean of the last five epochs, as the paper's


@dataclass(frozen=True)
class Result:
    """A study's numbers.

    Attributes:
        study: what was computed.
        table: one row per number, with the columns `COLUMNS`. `epoch` counts the
            epochs completed (0 is the untrained network); `layer` is empty for
            metrics of the whole network, else "0", "1", ... from the input on;
            accuracies are fractions. Where the setup has a probe, the metric `trace`
            is that of the Fisher information, by layer and (layer empty) in all, and
            `trace_error` the standard error of the latter; with a readout too, the
            metrics of `training.loop.inspect` at its ends. A run that diverged has NaN
            from the first epoch on with a number that is not finite.
        provenance: for each seed, where its numbers come from.
        live: seeds computed in this session (the others were read from a file).
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
        """`metric` of `run`: index epoch, one column per seed."""
        number, found = self.number(run), self._rows(metric, layer)
        rows = found.get(number, self.table[:0])
        return rows.pivot(index="epoch", columns="seed", values="value")

    def number(self, run: Run) -> int:
        """The place of `run` in the study's runs: its number in the column `run`."""
        try:
            return self.study.runs.index(run)
        except ValueError:
            raise InputError(
                f"{run.title} is no run of study {self.study.name} at scale "
                f"{self.study.scale}: choose one of its runs."
            ) from None

    def _rows(self, metric: str, layer: str) -> dict[int, pd.DataFrame]:
        """The rows of `metric` by run; looked for once."""
        memory = self.__dict__.setdefault("_memory", {})
        if (metric, layer) not in memory:
            t = self.table
            rows = t[(t.metric == metric) & (t.layer == layer)]
            memory[metric, layer] = dict(list(rows.groupby("run")))
        return memory[metric, layer]

    @property
    def diverged(self) -> pd.DataFrame:
        """A row for each run that diverged; `epoch` is its first without numbers."""
        lost = self.table[~np.isfinite(self.table["value"])]
        by = ["run", "deficit", "onset", "removal", "seed"]
        return lost.groupby(by, sort=False)["epoch"].min().reset_index()

    def lost(self, *runs: Run) -> str:
        """Which of `runs` (none given: of all) diverged, in words; '' if none did."""
        asked = [self.number(run) for run in runs or self.study.runs]
        words = [
            f"{self.study.runs[row.run].title} with seed {row.seed} after epoch "
            f"{row.epoch}"
            for row in self.diverged.itertuples()
            if row.run in asked
        ]
        if len(words) > NAMED:
            words[NAMED:] = [f"{len(words) - NAMED} more"]
        return ", ".join(words)

    def only(self, seeds: Iterable[int]) -> Result:
        """The same for some of the seeds, or for none."""
        seeds = [whole("seed", seed, 0) for seed in seeds]
        rows = self.table[self.table.seed.isin(seeds)].reset_index(drop=True)
        kept = {seed: self.provenance[seed] for seed in seeds}
        live = tuple(seed for seed in self.live if seed in seeds)
        return Result(self.study, rows, kept, live)


def folder() -> Path:
    """Where new results are stored."""
    return files.results_folders()[0]


def parse_seeds(seeds: int | str | Iterable[int]) -> list[int]:
    """Seeds as papermill or a reader gives them: how many, or a list, or "0,1,2".

    Raises:
        InputError: unless that makes at least one whole number of 0 or more.
    """
    if not isinstance(seeds, Iterable):
        return list(range(whole("seeds", seeds, 1)))
    if isinstance(seeds, str):
        text = seeds.strip("[]() ")
        try:
            numbers = [int(part) for part in text.split(",") if part.strip()]
        except ValueError as error:
            raise InputError(
                f"seeds={seeds!r}: write whole numbers, for example 3 or '0,1,2'."
            ) from error
        alone = len(numbers) == 1 and "," not in text
        return parse_seeds(numbers[0] if alone else numbers)
    return engine.check_seeds(seeds)


def get(
    study: str | Study,
    scale: str | Scale | None = None,
    seeds: int | str | Iterable[int] = 3,
    *,
    device: str = "auto",
    max_workers: int | None = None,
    progress: bool = True,
) -> Result:
    """The study's numbers for `seeds`: stored ones where there are, else live.

    A stored result is used when study, scale and seed match; the rest is trained now,
    with a progress bar, and kept in the cache folder.

    Args:
        study: a name, such as "1TL", or a study of your own.
        scale: of the study, if that is given by its name; default: "laptop".
        seeds: how many, or which.
        device: "auto", "cpu", "cuda" or "mps".
        max_workers: processes; default: one per core, as far as memory goes.
        progress: whether to show a bar over epochs.
    """
    if not isinstance(study, Study):
        study = studies.get(study, scale or "laptop")
    elif scale is not None:
        raise InputError(
            f"scale={scale!r}: a study has its scale; leave it out, and name seeds by "
            "seeds=."
        )
    seeds = parse_seeds(seeds)
    known = stored(study)
    held = [seed for seed in seeds if known and seed in known.provenance]
    missing = [seed for seed in seeds if seed not in held]
    if not missing:
        return known.only(held)
    if known is None:
        _announce(study)
    options = {"device": device, "max_workers": max_workers, "progress": progress}
    fresh = compute(study, missing, **options)
    return _merged(known.only(held), fresh) if held else fresh


def _announce(study: Study) -> None:
    """Say how the study differs from what is stored under its name, if anything is."""
    for place in files.results_folders():
        if changed := store.differences(study, place):
            console.say(
                f"{study.name} {study.scale} is stored for another definition "
                f"({'; '.join(changed[:NAMED])}): training."
            )
            return


def compute(study: Study, seeds: int | str | Iterable[int] = 3, **options) -> Result:
    """Train `study` for `seeds` (or read its checkpoints); options as `engine.run`."""
    seeds = parse_seeds(seeds)
    trained = engine.run(study.setup, study.runs, seeds, **options)
    numbers = {run: number for number, run in enumerate(study.runs)}
    frames = [
        _frame(study, seed, numbers[run], t) for (seed, run), t in trained.items()
    ]
    notes: dict[int, list] = {}
    for (seed, _), outcome in trained.items():
        notes.setdefault(seed, []).extend(outcome.notes)
    origin = {seed: provenance.summarise(list_) for seed, list_ in notes.items()}
    table = pd.concat(frames, ignore_index=True)
    return Result(study, table, origin, tuple(origin))


def _frame(study: Study, seed: int, number: int, trained: Trained) -> pd.DataFrame:
    """Tidy rows of one run, given by its place in the study."""
    log = trained.log
    wide = pd.DataFrame(log[:, 1:], columns=list(METRICS))
    wide = wide[list(study.metrics)].assign(epoch=log[:, 0].astype(int))
    tidy = wide.melt("epoch", var_name="metric")
    tidy = tidy[tidy["value"].notna() | (tidy["epoch"] > 0)]  # no training before it
    tidy["value"] = tidy["value"].round(DECIMALS)
    tidy["layer"] = ""
    if study.metrics == METRICS:  # those of few metrics are to be small
        measured = [_traces(trained.information), _endings(trained.endings)]
        tidy = pd.concat([tidy, *(table for table in measured if table is not None)])
    return described(tidy.assign(seed=seed, run=number), study)


def described(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The table with what its column `run` stands for in `study`, in `COLUMNS`."""
    for column in ("deficit", "onset", "removal"):
        attribute = {"deficit": "name"}.get(column, column)
        values = [getattr(run, attribute) for run in study.runs]
        table[column] = np.array(values)[table["run"].to_numpy(int)]
    return table[list(COLUMNS)]


def _endings(endings: np.ndarray | None) -> pd.DataFrame | None:
    """Tidy rows of `training.State.endings`: each layer's, and (layer "") their sum."""
    if endings is None:
        return None
    rows = []
    for epoch, number, *values in endings[~np.isnan(endings).any(1)]:
        named = {"": sum(values), **{str(i): v for i, v in enumerate(values)}}
        head = {"epoch": int(epoch), "metric": ENDINGS[int(number)]}
        rows += [{**head, "layer": k, "value": _rounded(v)} for k, v in named.items()]
    return pd.DataFrame(rows)


def _traces(information: np.ndarray | None) -> pd.DataFrame | None:
    """Tidy rows of `training.State.information`."""
    if information is None:
        return None
    epochs, layers, error = information[:, 0], information[:, 1:-1], information[:, -1]
    columns = {("trace", ""): layers.sum(1), ("trace_error", ""): error}
    columns |= {("trace", str(i)): layer for i, layer in enumerate(layers.T)}
    rows = [
        {"epoch": int(epoch), "metric": metric, "layer": layer, "value": value}
        for (metric, layer), values in columns.items()
        for epoch, value in zip(epochs, values, strict=True)
    ]
    tidy = pd.DataFrame(rows)
    tidy["value"] = [_rounded(value) for value in tidy["value"]]
    return tidy


def _rounded(value: float) -> float:
    """`value` to `DIGITS` significant digits."""
    return float(f"{value:.{DIGITS}g}")


def finals(result: Result, last: int = LAST) -> pd.DataFrame:
    """Final test accuracy of every run, beside its baselines.

    Returns:
        Columns seed, run (its place in the study), deficit, onset, removal and, as
        fractions, `final`: mean over the last `last` epochs; `baseline`: the clean
        run's after the study's clean epochs (the paper's comparison: as many clean
        epochs); `control`: the clean run's at the same total length (as many epochs in
        all). The clean run itself is run 0. A run that diverged, or whose clean run
        did, has no row.

    Raises:
        DataError: no run is left, or none with a deficit.
    """
    last = whole("last", last, 1)
    clean = result.curve(result.study.runs[0])
    rows = []
    for number, run in enumerate(result.study.runs):
        end = result.study.clean_epochs if run.clean else run.epochs
        curve = clean if run.clean else result.curve(run)
        for seed in result.seeds:
            rows.append(
                {
                    "seed": seed,
                    "run": number,
                    "deficit": run.name,
                    "onset": run.onset,
                    "removal": run.removal,
                    "final": _mean_before(curve[seed], end, last),
                    "baseline": _mean_before(
                        clean[seed], result.study.clean_epochs, last
                    ),
                    "control": _mean_before(clean[seed], end, last),
                }
            )
    table = pd.DataFrame(rows).dropna(subset=["final", "control"], ignore_index=True)
    if table["removal"].max() > 0 or (len(result.study.runs) == 1 and len(table)):
        return table
    raise DataError(
        f"Nothing is left to compare in study {result.study.name} at scale "
        f"{result.study.scale}, where runs diverged ({result.lost()}): choose a lower "
        f"learning rate than {result.study.setup.schedule.lr:g}."
    )


def _mean_before(curve: pd.Series, end: int, last: int) -> float:
    return float(curve.loc[max(1, end - last + 1) : end].mean(skipna=False))


def stored(study: Study) -> Result | None:
    """The stored result of `study`; None when there is none or it is another's.

    A damaged file is set aside with a warning, and then counts as absent.
    """
    return _stored(study)


def _stored(study: Study, held: Path | None = None) -> Result | None:
    for place in files.results_folders():
        if found := store.repaired(study, place, held=place == held):
            table, origin = found
            return Result(study, described(table, study), origin)
    return None


def catalogue() -> pd.DataFrame:
    """All stored results: what was run, on what, when, and how long it took."""
    rows = []
    for name in studies.names():
        for scale in studies.SCALES:
            study = studies.get(name, scale)
            result = stored(study)
            if result is None:
                continue
            entries = result.provenance.values()
            rows.append(
                {
                    "study": name,
                    "what": study.title,
                    "scale": scale,
                    "data": study.setup.data.name,
                    "runs": len(study.runs) * len(result.seeds),
                    "seeds": len(result.seeds),
                    "epochs": sum(entry["epochs_trained"] for entry in entries),
                    "core-minutes": round(sum(e["seconds"] for e in entries) / 60),
                    "device": ", ".join(sorted({e["device"] for e in entries})),
                    "PyTorch": ", ".join(sorted({e["torch"] for e in entries})),
                    "date": max(entry["date"] for entry in entries)[:10],
                }
            )
    return pd.DataFrame(rows, columns=list(CATALOGUE))


def save(result: Result) -> Path:
    """Store `result` beside the book, merged with the seeds stored before.

    Processes that save at the same time do so one after the other, so that none loses
    the other's seeds.

    Returns:
        The path of the file; see `store`.
    """
    with store.alone(folder()):
        known = _stored(result.study, held=folder())
        if known is not None:
            rest = [seed for seed in known.seeds if seed not in result.provenance]
            result = _merged(known.only(rest), result) if rest else result
        return store.write(result.study, result.table, result.provenance, folder())


def _merged(one: Result, other: Result) -> Result:
    if one.study.hash != other.study.hash:
        raise DataError("Results of different studies cannot be merged.")
    table = pd.concat([one.table, other.table], ignore_index=True)
    table = table.sort_values(["seed"], kind="stable", ignore_index=True)
    origin = one.provenance | other.provenance
    return Result(one.study, table, origin, (*one.live, *other.live))

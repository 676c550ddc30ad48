"""Results: tidy tables with provenance, stored beside the book or computed live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .. import engine, studies
from .._base import files
from .._base.plain import whole
from ..engine import Trained, provenance
from ..errors import DataError, InputError
from ..studies import Run, Study
from ..training import DECIMALS, METRICS
from . import atlas, store
from .store import COLUMNS

__all__ = [
    "Result", "catalogue", "compute", "finals", "folder", "get", "parse_seeds", "save",
    "stored",
]  # fmt: skip

CATALOGUE = (
    "study", "what", "scale", "data", "runs", "seeds", "epochs", "core-minutes",
    "device", "PyTorch", "date",
)  # fmt: skip
DIGITS = 6  # significant, of traces, which range over orders of magnitude
NAMED = 5  # runs that diverged, in a sentence
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
            `trace_error` the standard error of the latter. A run that diverged has NaN
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
        t = self.table
        rows = (
            (t.metric == metric)
            & (t.layer == layer)
            & (t.deficit == run.kind)
            & (t.onset == run.onset)
            & (t.removal == run.removal)
        )
        return t[rows].pivot(index="epoch", columns="seed", values="value")

    @property
    def diverged(self) -> pd.DataFrame:
        """A row for each run that diverged; `epoch` is its first without numbers."""
        lost = self.table[~np.isfinite(self.table["value"])]
        by = ["deficit", "onset", "removal", "seed"]
        return lost.groupby(by, sort=False)["epoch"].min().reset_index()

    def lost(self, *runs: Run) -> str:
        """Which of `runs` (none given: of all) diverged, in words; '' if none did."""
        spans = [(run.kind, run.onset, run.removal) for run in runs or self.study.runs]
        words = [
            f"{'no deficit' if kind == 'none' else f'{kind} {onset}–{removal}'} with "
            f"seed {seed} after epoch {epoch}"
            for kind, onset, removal, seed, epoch in self.diverged.to_numpy()
            if (kind, onset, removal) in spans
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
    study: Study,
    seeds: int | str | Iterable[int] = 3,
    *,
    device: str = "auto",
    max_workers: int | None = None,
    progress: bool = True,
) -> Result:
    """The study's numbers for `seeds`: stored ones where there are, else live.

    A stored result is used when study, scale and seed match; the rest is trained now,
    with a progress bar, and kept in the cache folder.
    """
    seeds = parse_seeds(seeds)
    known = stored(study)
    held = [seed for seed in seeds if known and seed in known.provenance]
    missing = [seed for seed in seeds if seed not in held]
    if not missing:
        return known.only(held)
    options = {"device": device, "max_workers": max_workers, "progress": progress}
    fresh = compute(study, missing, **options)
    return _merged(known.only(held), fresh) if held else fresh


def compute(study: Study, seeds: Iterable[int], **options) -> Result:
    """Train `study` for `seeds` (or read its checkpoints); options as `engine.run`."""
    trained = engine.run(study.setup, study.runs, seeds, **options)
    frames = [_frame(study, seed, run, t) for (seed, run), t in trained.items()]
    notes: dict[int, list] = {}
    for (seed, _), outcome in trained.items():
        notes.setdefault(seed, []).extend(outcome.notes)
    origin = {seed: provenance.summarise(list_) for seed, list_ in notes.items()}
    table = pd.concat(frames, ignore_index=True)
    return Result(study, table, origin, tuple(origin))


def _frame(study: Study, seed: int, run: Run, trained: Trained) -> pd.DataFrame:
    """Tidy rows of one run."""
    log = trained.log
    wide = pd.DataFrame(log[:, 1:], columns=list(METRICS))
    wide = wide[list(study.metrics)].assign(epoch=log[:, 0].astype(int))
    tidy = wide.melt("epoch", var_name="metric")
    tidy = tidy[tidy["value"].notna() | (tidy["epoch"] > 0)]  # no training before it
    tidy["value"] = tidy["value"].round(DECIMALS)
    tidy["layer"] = ""
    if trained.information is not None:
        tidy = pd.concat([tidy, _traces(trained.information)])
    tidy = tidy.assign(
        study=study.name, scale=study.scale, seed=seed, deficit=run.kind,
        onset=run.onset, removal=run.removal,
    )  # fmt: skip
    return tidy[list(COLUMNS)]


def _traces(information: np.ndarray) -> pd.DataFrame:
    """Tidy rows of `training.State.information`."""
    epochs, layers, error = information[:, 0], information[:, 1:-1], information[:, -1]
    columns = {("trace", ""): layers.sum(1), ("trace_error", ""): error}
    columns |= {("trace", str(i)): layer for i, layer in enumerate(layers.T)}
    rows = [
        {"epoch": int(epoch), "metric": metric, "layer": layer, "value": value}
        for (metric, layer), values in columns.items()
        for epoch, value in zip(epochs, values, strict=True)
    ]
    tidy = pd.DataFrame(rows)
    tidy["value"] = [float(f"{value:.{DIGITS}g}") for value in tidy["value"]]
    return tidy


def finals(result: Result, last: int = LAST) -> pd.DataFrame:
    """Final test accuracy of every run, beside its baselines.

    Returns:
        Columns seed, deficit, onset, removal and, as fractions, `final`: mean over the
        last `last` epochs; `baseline`: the clean run's after the study's clean epochs
        (the paper's comparison: as many clean epochs); `control`: the clean run's at
        the same total length (as many epochs in all). The clean run itself is the row
        with removal 0. A run that diverged, or whose clean run did, has no row.

    Raises:
        DataError: no run is left, or none with a deficit.
    """
    last = whole("last", last, 1)
    clean = result.curve(result.study.runs[0])
    rows = []
    for run in result.study.runs:
        is_clean = run.deficit is None
        end = result.study.clean_epochs if is_clean else run.epochs
        curve = clean if is_clean else result.curve(run)
        for seed in result.seeds:
            rows.append(
                {
                    "seed": seed,
                    "deficit": run.kind,
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

    What the folders of results lack may be in the atlas. A damaged file is set aside
    with a warning, and then counts as absent.
    """
    return _stored(study)


def _stored(study: Study, held: Path | None = None) -> Result | None:
    for place in files.results_folders():
        if found := store.repaired(study, place, held=place == held):
            return Result(study, *found)
    entry = atlas.read(study)
    return entry and Result(study, entry.table, entry.provenance)


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
        The path of the CSV; its provenance stands in a JSON of the same name.
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

"""Results, read from the book's folder or computed live."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from torch.nn import Module

from .. import data, engine, studies, training
from .._base import console, files
from .._base.device import resolve
from .._base.plain import Seeds, whole
from .._base.plain import seeds as parse_seeds
from ..engine import Trained, provenance
from ..engine.segment import read_state
from ..errors import InputError
from ..studies import Run, Scale, Study, make_plan
from ..training import DECIMALS, METRICS
from ..training.state import ENDINGS
from . import store
from .result import Result, described

CATALOGUE = (
    "study", "what", "scale", "data", "runs", "seeds", "epochs", "core-minutes",
    "device", "PyTorch", "date",
)  # fmt: skip
DIGITS = 6  # significant digits of traces, which range over orders of magnitude


def folder() -> Path:
    """The folder where new results are stored."""
    return files.results_folders()[0]


def get(
    study: str | Study,
    scale: str | Scale | None = None,
    seeds: Seeds = "all",
    *,
    device: str = "auto",
    workers: int | None = None,
    progress: bool = True,
) -> Result:
    """The result of a study for `seeds`: stored if available, else computed live.

    A stored result is used if study, scale and seed match; the rest is trained now, and
    its checkpoints are kept in the cache folder.

    Args:
        study: a name, such as "1TL", or a study of your own.
        scale: of a study that is given by its name; default: "laptop".
        seeds: how many, or a list; "all" that are stored, or three if none are.
        device, workers, progress: see `engine.run`.
    """
    if not isinstance(study, Study):
        study = studies.get(study, scale or "laptop")
    elif scale is not None:
        raise InputError(
            f"scale={scale!r} is for studies given by name: leave it out, and write "
            "seeds=... for seeds."
        )
    found = stored(study)
    seeds = parse_seeds(seeds, found.seeds if found else ())
    held = [seed for seed in seeds if found and seed in found.provenance]
    missing = [seed for seed in seeds if seed not in held]
    if not missing:
        return found.only(held)
    changed = (store.differences(study, place) for place in files.results_folders())
    if found is None and (words := next(filter(None, changed), "")):
        console.say(
            f"{study.name} {study.scale} is stored for another definition ({words}): "
            "training."
        )
    options = {"device": device, "workers": workers, "progress": progress}
    fresh = compute(study, missing, **options)
    return _merged(found.only(held), fresh) if held else fresh


def compute(study: Study, seeds: Seeds = 3, **options) -> Result:
    """Train `study` for `seeds`, or read its checkpoints; options of `engine.run`."""
    trained = engine.run(study.setup, study.runs, parse_seeds(seeds), **options)
    rows, notes = [], {}
    for (seed, run), outcome in trained.items():
        number = study.runs.index(run)
        rows.append(_rows(outcome, study.metrics).assign(seed=seed, run=number))
        notes.setdefault(seed, []).extend(outcome.notes)
    origin = {seed: provenance.summarise(noted) for seed, noted in notes.items()}
    table = described(pd.concat(rows, ignore_index=True), study)
    return Result(study, table, origin, tuple(origin))


def recorded(name: str) -> pd.DataFrame:
    """A table of the book's other records, such as "weights" (`book/benchmarks`)."""
    (path,) = (files.book_folder() / "benchmarks").glob(f"{name}.*")
    if path.suffix == ".jsonl":
        return pd.json_normalize(pd.read_json(path, lines=True).to_dict("records"))
    return pd.read_csv(path, comment="#")


def network(
    study: Study, run: Run, seed: int = 0, epoch: int | None = None, **options
) -> Module:
    """The network of `run` after `epoch` epochs (default: all), in eval mode.

    Read from its checkpoint, or trained from the last one before; options: "device" and
    others of `engine.run`. `InputError` if there is no such run, epoch or seed.

    >>> study = cp.study("1TL")
    >>> net = cp.network(study, study.find("blur", removal=140), seed=0, epoch=140)
    """
    study.number(run)
    end = run.epochs if epoch is None else whole("epoch", epoch, 0, run.epochs)
    lived, device = Run(run.history(end), end), resolve(options.pop("device", "auto"))
    engine.run(study.setup, [lived], [seed], device=device, **options)
    (key,) = make_plan(study.setup, [lived], [seed], device).ends.values()
    payload = read_state(files.cache_folder() / "states", key)
    dataset = data.load(study.setup.data, device)
    return training.restore(payload, study.setup, seed, dataset).net.eval()


def _rows(trained: Trained, metrics: Iterable[str]) -> pd.DataFrame:
    """The numbers of one run: columns epoch, metric, layer, value."""
    log = trained.log
    wide = pd.DataFrame(log[:, 1:], columns=list(METRICS))
    wide = wide[list(metrics)].assign(epoch=log[:, 0].astype(int))
    tidy = wide.melt("epoch", var_name="metric").assign(layer="")
    tidy = tidy[tidy["value"].notna() | (tidy["epoch"] > 0)]  # no training metrics at 0
    tidy["value"] = tidy["value"].round(DECIMALS)
    if tuple(metrics) != METRICS:  # a study of few metrics stays small
        return tidy
    rows = [*_traces(trained.information), *_endings(trained.endings)]
    measured = pd.DataFrame(rows, columns=["epoch", "metric", "layer", "value"])
    measured["value"] = [float(f"{value:.{DIGITS}g}") for value in measured["value"]]
    return pd.concat([tidy, measured]) if rows else tidy


def _traces(information: np.ndarray | None) -> Iterator[tuple]:
    if information is None:
        return
    epochs, layers, error = information[:, 0], information[:, 1:-1], information[:, -1]
    columns = {("trace", ""): layers.sum(1), ("trace_error", ""): error}
    columns |= {("trace", str(i)): layer for i, layer in enumerate(layers.T)}
    for (metric, layer), values in columns.items():
        for epoch, value in zip(epochs, values, strict=True):
            yield int(epoch), metric, layer, value


def _endings(endings: np.ndarray | None) -> Iterator[tuple]:
    """Rows from `training.State.endings`, for each layer and (layer "") their sum."""
    if endings is None:
        return
    for epoch, number, *values in endings[~np.isnan(endings).any(1)]:
        named = {"": sum(values), **{str(i): v for i, v in enumerate(values)}}
        for layer, value in named.items():
            yield int(epoch), ENDINGS[int(number)], layer, value


def stored(study: Study, seeds: Seeds = "all") -> Result | None:
    """The stored result of `study` for `seeds`; None unless it has all of them.

    It is that of this exact definition. A damaged file is quarantined with a warning,
    and counts as absent.
    """
    found = _first(study, store.repaired)
    wanted = parse_seeds(seeds, found.seeds if found else ())
    return found.only(wanted) if found and set(wanted) <= set(found.seeds) else None


def _first(study: Study, read: Callable) -> Result | None:
    for place in files.results_folders():
        if found := read(study, place):
            table, origin = found
            return Result(study, described(table, study), origin)
    return None


def known() -> Iterator[Result]:
    """All stored results of the book's studies, at every scale."""
    for name in studies.names():
        for scale in studies.SCALES:
            if result := stored(studies.get(name, scale)):
                yield result


def catalogue() -> pd.DataFrame:
    """All stored results, one row each: runs, seeds, epochs, time, device and date."""
    return pd.DataFrame(map(_entry, known()), columns=list(CATALOGUE))


def _entry(result: Result) -> tuple:
    study, origins = result.study, result.provenance.values()
    return (
        study.name,
        study.title,
        study.scale,
        study.setup.data.name,
        len(study.runs) * len(result.seeds),
        len(result.seeds),
        sum(origin["epochs_trained"] for origin in origins),
        round(sum(origin["seconds"] for origin in origins) / 60),
        ", ".join(sorted({origin["device"] for origin in origins})),
        ", ".join(sorted({origin["torch"] for origin in origins})),
        max(origin["date"] for origin in origins)[:10],
    )


def save(result: Result) -> Path:
    """Store `result` with the seeds stored before, and return the path of the file.

    Processes that save at the same time wait for each other, so that no seed is lost.
    """
    stored(result.study)  # quarantines a damaged file
    with files.hold(folder() / store.LOCK):
        if before := _first(result.study, store.read):
            rest = [seed for seed in before.seeds if seed not in result.provenance]
            result = _merged(before.only(rest), result) if rest else result
        return store.write(result.study, result.table, result.provenance, folder())


def _merged(one: Result, other: Result) -> Result:
    table = pd.concat([one.table, other.table], ignore_index=True)
    table = table.sort_values(["seed"], kind="stable", ignore_index=True)
    origin = one.provenance | other.provenance
    return Result(one.study, table, origin, (*one.live, *other.live))

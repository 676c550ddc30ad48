"""What the commands of `python -m cplib` do. Each returns an exit status."""

from __future__ import annotations

import tempfile
import time
from argparse import Namespace
from concurrent.futures import Executor
from pathlib import Path

from . import engine, figures, results, studies
from ._base import console, files
from ._base.device import resolve
from .analysis import effects
from .engine import workers  # fmt: skip
from .errors import DataError, InputError
from .figures import panel as panels
from .results import verification
from .studies import Study
from .studies.plan import Plan, make_plan


def _chosen(arguments: Namespace) -> list[Study]:
    if arguments.study == "book":
        return [studies.get(name, scale) for name, scale in studies.BOOK]
    names = studies.names() if arguments.study == "all" else (arguments.study,)
    return [studies.get(name, arguments.scale) for name in names]


def _options(arguments: Namespace) -> dict:
    return {"device": arguments.device, "max_workers": arguments.workers}


def demo(arguments: Namespace) -> int:
    """Train the study `demo`, print its table, save its figure."""
    began = time.perf_counter()
    picture = panels.check(arguments.output)
    study = studies.get("demo", arguments.scale)
    seeds = results.parse_seeds(arguments.seeds)
    tree, left = _left(study, seeds, arguments.device)
    if left < tree.epochs:
        console.say(
            f"Of {tree.epochs} epochs, {tree.epochs - left} were trained before: their "
            f"numbers come from the checkpoints in {files.cache_folder()}."
        )
    result = results.compute(study, seeds, **_options(arguments))
    panel = figures.draw(result)
    print(panel.table.to_string(index=False))
    _say_what_diverged(result)
    panel.save(picture)
    print(f"Figure: {picture.resolve()}")
    print(f"{len(seeds)} seeds in {time.perf_counter() - began:.0f} s.")
    return 0


def _left(study: Study, seeds: list[int], device: str) -> tuple[Plan, int]:
    """The study's plan, and how many of its epochs no checkpoint holds."""
    tree = make_plan(study.setup, study.runs, seeds, resolve(device))
    todo = engine.pending(tree, files.cache_folder() / "states")
    return tree, sum(segment.epochs for segment in todo.values())


def _say_what_diverged(result: results.Result) -> None:
    if words := effects.left_out(result):
        print(f"{result.study.name} {result.study.scale}:{words}", flush=True)


def run(arguments: Namespace) -> int:
    """Train the chosen studies, seed by seed, storing each seed when it is done."""
    with workers.cluster(arguments.cluster) as executor:
        return _run(arguments, executor)


def _run(arguments: Namespace, executor: Executor | None) -> int:
    seeds = results.parse_seeds(arguments.seeds)
    for study in _chosen(arguments):
        for seed in seeds:
            known = results.stored(study)
            if known and seed in known.provenance and not arguments.again:
                print(f"{study.name} {study.scale} seed {seed}: stored already.")
                continue
            files.check_folder(results.folder())
            options = {**_options(arguments), "executor": executor}
            result = results.compute(study, [seed], **options)
            path = results.save(result)
            seconds = result.provenance[seed]["seconds"]
            print(
                f"{study.name} {study.scale} seed {seed}: {seconds:.0f} core-seconds "
                f"of training, stored in {path}",
                flush=True,
            )
            _say_what_diverged(result)
    return 0


def plan(arguments: Namespace) -> int:
    """Print the epochs that the tree trains against training from scratch."""
    seeds = results.parse_seeds(arguments.seeds)
    print(f"{'study':8} {'scale':7} {'runs':>5} {'segments':>9} {'epochs':>7} "
          f"{'from scratch':>13} {'ratio':>6} {'cached':>7}")  # fmt: skip
    for study in _chosen(arguments):
        tree, left = _left(study, seeds, "auto")
        ratio = tree.epochs_from_scratch / tree.epochs
        print(
            f"{study.name:8} {study.scale:7} {len(study.runs) * len(seeds):5} "
            f"{len(tree.segments):9} {tree.epochs:7} {tree.epochs_from_scratch:13} "
            f"{ratio:5.2f}x {tree.epochs - left:7}"
        )
    return 0


def status(arguments: Namespace) -> int:
    """List what is stored and what the cache holds."""
    print(f"Results in {', '.join(map(str, files.results_folders()))}:")
    for name in studies.names():
        for scale in studies.SCALES:
            result = results.stored(studies.get(name, scale))
            if result is None:
                continue
            minutes = sum(o["seconds"] for o in result.provenance.values()) / 60
            seeds = ", ".join(map(str, result.seeds))
            print(f"  {name} {scale}: seeds {seeds}; {minutes:.0f} core-minutes")
    states = list((files.cache_folder() / "states").glob("*/*.state"))
    size = sum(path.stat().st_size for path in states) / 1e6
    print(f"Checkpoints in {files.cache_folder()}: {len(states)}, {size:.0f} MB")
    return 0


def verify(arguments: Namespace) -> int:
    """Recompute a sample of stored runs from scratch and compare."""
    if arguments.runs < 1:
        raise InputError(f"--runs {arguments.runs}: ask for at least 1 run.")
    known = [result for s in _chosen(arguments) if (result := results.stored(s))]
    if not known:
        raise DataError(
            f"No stored results of {arguments.study} (scale {arguments.scale}) in "
            f"{results.folder()}: make some with 'python -m cplib run'."
        )
    checks = []
    for result in known:
        with tempfile.TemporaryDirectory() as cache:
            options = {**_options(arguments), "cache": Path(cache)}
            for check in verification.verify(
                result, arguments.runs, arguments.sample, **options
            ):
                print(check.describe(), flush=True)
                checks.append(check)
    exact = sum(check.exact for check in checks)
    good = all(check.good for check in checks)
    print(
        f"{'All' if good else 'NOT all'} reproduced: of {len(checks)} runs {exact} "
        f"with every number equal, {sum(c.good for c in checks) - exact} within the "
        "spread between seeds."
    )
    return 0 if good else 1


def render(arguments: Namespace) -> int:
    """Draw a study's figure from its stored results."""
    chosen = _chosen(arguments)
    if arguments.output and len(chosen) > 1:
        raise InputError(
            f"--output {arguments.output}: that is one file for {len(chosen)} studies; "
            "leave it out, or name one study."
        )
    for study in chosen:
        result = results.stored(study)
        if result is None:
            raise DataError(
                f"No stored results of {study.name} at scale {study.scale} in "
                f"{results.folder()}: make some with 'python -m cplib run "
                f"{study.name} --scale {study.scale}'."
            )
        path = panels.check(arguments.output or f"{study.name}-{study.scale}.svg")
        figures.draw(result).save(path)
        print(f"Figure: {path.resolve()}")
        _say_what_diverged(result)
    return 0

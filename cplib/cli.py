"""The commands of `python -m cplib`; each returns an exit status."""

import math
import tempfile
import time
from argparse import Namespace
from pathlib import Path

from . import engine, figures, results, studies
from ._base import console, files
from ._base.device import resolve
from ._base.plain import seeds as parse_seeds
from ._base.plain import whole
from .analysis import claims, effects
from .engine import workers
from .errors import CplibError, DataError, InputError
from .figures import panel as panels
from .results import Result
from .studies import Study
from .studies.plan import Plan, make_plan

__all__ = ["demo", "plan", "render", "run", "scorecard", "status", "verify"]


def _chosen(arguments: Namespace) -> list[Study]:
    if (arguments.study, arguments.scale) == ("book", "laptop"):
        return [studies.get(name, scale) for name, scale in studies.BOOK]
    every = arguments.study in ("all", "book")
    names = studies.names() if every else (arguments.study,)
    return [studies.get(name, arguments.scale) for name in names]


def _options(arguments: Namespace) -> dict:
    return {"device": arguments.device, "workers": arguments.workers}


def _left(study: Study, seeds: list[int], device: str) -> tuple[Plan, int]:
    """The study's plan, and how many of its epochs no checkpoint covers."""
    tree = make_plan(study.setup, study.runs, seeds, resolve(device))
    todo = engine.pending(tree, files.cache_folder() / "states")
    return tree, sum(segment.epochs for segment in todo.values())


def _report_diverged(result: Result) -> None:
    if words := effects.left_out(result):
        print(f"{result.study.name} {result.study.scale}:{words}", flush=True)


def _missing(study: str, scale: str) -> DataError:
    return DataError(
        f"No stored results of {study} at scale {scale} in {results.folder()}: train "
        f"them with 'python -m cplib run {study} --scale {scale}'."
    )


def demo(arguments: Namespace) -> int:
    """Train the study `demo`, print its table, save its figure."""
    began = time.perf_counter()
    path = panels.check(arguments.output)
    study = studies.get("demo", arguments.scale)
    seeds = parse_seeds(arguments.seeds)
    tree, left = _left(study, seeds, arguments.device)
    if left < tree.epochs:
        console.say(
            f"Of {tree.epochs} epochs, {tree.epochs - left} were trained before: their "
            f"numbers come from the checkpoints in {files.cache_folder()}."
        )
    result = results.compute(study, seeds, **_options(arguments))
    panel = figures.draw(result)
    print(panel.table.to_string(index=False))
    _report_diverged(result)
    panel.save(path)
    print(f"Figure: {path.resolve()}")
    print(f"{len(seeds)} seeds in {time.perf_counter() - began:.0f} s.")
    return 0


def run(arguments: Namespace) -> int:
    """Train the chosen studies, storing each seed as soon as it is done."""
    seeds = parse_seeds(arguments.seeds)
    with workers.cluster(arguments.cluster) as executor:
        options = {**_options(arguments), "executor": executor}
        for study in _chosen(arguments):
            for seed in seeds:
                _run(study, seed, arguments.again, options)
    return 0


def _run(study: Study, seed: int, again: bool, options: dict) -> None:
    name = f"{study.name} {study.scale} seed {seed}"
    known = results.stored(study)
    if known and seed in known.provenance and not again:
        print(f"{name}: already stored.")
        return
    files.check_folder(results.folder())
    result = results.compute(study, [seed], **options)
    words = f"{result.provenance[seed]['seconds']:.0f} core-seconds of training"
    print(f"{name}: {words}, stored in {results.save(result)}", flush=True)
    _report_diverged(result)


def plan(arguments: Namespace) -> int:
    """Print the number of epochs to train, as a tree and from scratch.

    At the paper's scale, also memory and hours on some GPUs.
    """
    seeds = parse_seeds(arguments.seeds)
    row = "{:11} {:7} {:>5} {:>9} {:>7} {:>13} {:>6} {:>7}".format
    heads = "study,scale,runs,segments,epochs,from scratch,ratio,cached"
    print(row(*heads.split(",")))
    chosen = _chosen(arguments)
    for study in chosen:
        tree, left = _left(study, seeds, "auto")
        alone, runs = tree.epochs_from_scratch, len(study.runs) * len(seeds)
        print(row(study.name, study.scale, runs, len(tree.segments), tree.epochs, alone,
                  f"{alone / tree.epochs:.2f}x", tree.epochs - left))  # fmt: skip
    if arguments.scale == "paper":
        table = studies.costs.table("paper", [s.name for s in chosen], seeds=seeds)
        hours = table.filter(like="hours").sum().round().astype(int)
        print(f"\n{len(seeds)} seeds, on a GPU that reaches a tenth of its peak:")
        print(table.to_string(index=False))
        print("In all:", "; ".join(f"{n:,} {card}" for card, n in hours.items()))
    return 0


def status(arguments: Namespace) -> int:
    """List stored results and the checkpoint cache."""
    print(f"Results in {', '.join(map(str, files.results_folders()))}:")
    for result in results.known():
        minutes = sum(o["seconds"] for o in result.provenance.values()) / 60
        seeds = ", ".join(map(str, result.seeds))
        name = f"{result.study.name} {result.study.scale}"
        print(f"  {name}: seeds {seeds}; {minutes:.0f} core-minutes")
    states = list((files.cache_folder() / "states").glob("*/*.state"))
    size = sum(path.stat().st_size for path in states) / 1e6
    print(f"Checkpoints in {files.cache_folder()}: {len(states)}, {size:.0f} MB")
    return 0


def scorecard(arguments: Namespace) -> int:
    """Print verdicts from stored results; return 1 if results are missing."""
    scale = None if arguments.scale == "book" else arguments.scale
    seeds = arguments.seeds
    needed = {
        name: {(study, claim.where(scale)) for study in claim.studies}
        for name, claim in claims.ledger().items()
    }
    pairs = set().union(*needed.values())
    missing = {p for p in pairs if not results.stored(studies.get(*p), seeds)}
    testable = [name for name, pairs in needed.items() if not pairs & missing]
    card = claims.Scorecard(tuple(claims.claim(n, scale, seeds) for n in testable))
    for ours, head in (
        (False, "Claims of the paper"),
        (True, "Hypotheses of the book"),
    ):
        print(f"{head}: {(part := card.only(ours)).summary}")
        for f in part.findings:
            value = f"{f.mean:+.2f} {f.claim.unit} ({f.low:.2f} to {f.high:.2f})"
            value = "" if math.isnan(f.mean) else value
            weak = "*" * (f.verdict == claims.REPRODUCED and not part.survives(f))
            print(f"{f.claim.panel:9} {f.worded + weak:26} {value:41} {f.claim.claim}")
    print("Mean over seeds (95 % interval). *: not after Holm's correction.")
    for pair in sorted(missing):
        console.say(f"Left out: {_missing(*pair)}")
    return 1 if missing else 0


def verify(arguments: Namespace) -> int:
    """Recompute a sample of stored runs and compare."""
    runs = whole("--runs", arguments.runs, 1)
    stored = filter(None, map(results.stored, _chosen(arguments)))
    chosen = [(r, parse_seeds(arguments.seeds, r.seeds)) for r in stored]
    known = [r.only(s for s in r.seeds if s in seeds) for r, seeds in chosen]
    known = [result for result in known if result.seeds]
    if not known:
        raise _missing(arguments.study, arguments.scale)
    checks = []
    for result in known:
        with tempfile.TemporaryDirectory() as cache:
            options = {**_options(arguments), "cache": Path(cache)}
            for check in results.verify(result, runs, arguments.sample, **options):
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
    """Draw stored results, one file per study; return 1 if not all can be drawn."""
    chosen, pattern = _chosen(arguments), arguments.output
    if len(chosen) == 1:
        _draw(chosen[0], pattern)
        return 0
    if "*" not in pattern:
        if Path(pattern).suffix[1:] in panels.FORMATS:
            raise InputError(
                f"--output {pattern}: that is one file for {len(chosen)} studies; name "
                "a folder, or a pattern such as 'figures/*.png'."
            )
        pattern = f"{pattern}/*.svg"
    files.check_folder(Path(pattern).parent, "name another folder with --output")
    failed = False
    for study in chosen:
        try:
            _draw(study, pattern)
        except CplibError as error:
            console.say(f"cplib: {study.name} {study.scale} is not drawn: {error}")
            failed = True
    return int(failed)


def _draw(study: Study, pattern: str) -> None:
    path = panels.check(pattern.replace("*", f"{study.name}-{study.scale}"))
    result = results.stored(study)
    if result is None:
        raise _missing(study.name, study.scale)
    figures.draw(result).save(path)
    print(f"Figure: {path.resolve()}", flush=True)
    _report_diverged(result)

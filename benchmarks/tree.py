"""What the tree saves: a study trained as a tree against every run from scratch.

    python benchmarks/tree.py [STUDY] [SCALE]

Both sides use the same engine, one worker, the same runs and seed, in one process, one
after the other, three times; the ratio of the medians is printed beside the ratio of
the epochs trained, which is what it would be if forking cost nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from cplib import data, engine, plan, studies, workers

ROUNDS = 3


def seconds(study: studies.Study, groups: list[list[studies.Run]]) -> float:
    """Time to train each group of runs with an empty cache of its own."""
    total = 0.0
    for runs in groups:
        with tempfile.TemporaryDirectory() as cache:
            began = time.perf_counter()
            options = {"executor": workers.InProcess(), "cache": Path(cache)}
            engine.run(study.setup, runs, [0], progress=False, **options)
            total += time.perf_counter() - began
    return total


def main(name: str = "timing", scale: str = "smoke") -> None:
    study = studies.get(name, scale)
    data.prepare(study.setup.data)
    tree = plan.make_plan(study.setup, study.runs, [0])
    shared = [list(study.runs)]
    alone = [[run] for run in study.runs]
    seconds(study, [list(study.runs[:1])])  # warm-up
    pairs = [(seconds(study, shared), seconds(study, alone)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"{name} {scale}: {len(study.runs)} runs, 1 seed, {ROUNDS} rounds")
    print(f"  tree          {tree.epochs:5} epochs  {ours:7.1f} s")
    print(f"  from scratch  {tree.epochs_from_scratch:5} epochs  {theirs:7.1f} s")
    saved = tree.epochs_from_scratch / tree.epochs
    print(f"  ratio         {saved:11.2f}x {theirs / ours:8.2f}x")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Growth of time and memory with runs, workers and training images.

    python benchmarks/scaling.py [--rounds 3] [--device auto]

The runs of `sweep.py` at the demo scale, which needs no download; and the time to read
all of them from their checkpoints.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import bench
import torch
from bench import Ratio
from sweep import study

from cplib import data, engine, studies
from cplib._base import console
from cplib.studies import Study, plan

RUNS = (1, 4, 13, 37)
IMAGES = (750, 1_500, 3_000)
CORES = os.cpu_count() or 1
RATIOS = (
    Ratio("an epoch, 37 runs / 1 run", "epoch, 37 runs", "epoch, 1 run"),
    Ratio("37 runs trained / read from checkpoints", "37 runs", "37 runs again", 1000),
    Ratio("memory, 37 runs / 1 run", "memory, MB, 37 runs", "memory, MB, 1 run"),
    Ratio("an epoch, 3,000 / 750 images", "epoch, 3,000 images", "epoch, 750 images"),
    Ratio(f"1 worker / {CORES} workers", "workers: 1", f"workers: {CORES}"),
)  # fmt: skip


def first(sweep: Study, count: int) -> Study:
    """`count` runs of `sweep`, spread over it, including the longest."""
    step = len(sweep.runs) // count
    return replace(sweep, runs=sweep.runs[::-step][:count])


def twice(sweep: Study, device: str, workers: int, seeds: int = 1) -> list[float]:
    """Seconds of `sweep` in an empty cache, and in the full one."""
    with tempfile.TemporaryDirectory() as name:
        options = {"device": device, "workers": workers, "progress": False}
        arguments = sweep.setup, sweep.runs, range(seeds)
        return [
            bench.seconds(
                lambda: engine.run(*arguments, cache=Path(name), **options), device
            )
            for _ in range(2)
        ]


def seconds(sweep: Study, device: str, workers: int, seeds: int = 1) -> float:
    """Seconds of `sweep` in an empty cache."""
    return twice(sweep, device, workers, seeds)[0]


def by_runs(trial: bench.Bench, sweep: Study, counts: tuple[int, ...]) -> None:
    """Record seconds per epoch, and the memory of a process that only trains."""
    for count in counts:
        part = first(sweep, count)
        runs = "1 run" if count == 1 else f"{count} runs"
        epochs = plan.make_plan(sweep.setup, part.runs, [0], trial.device).epochs
        trained, read = twice(part, trial.device, 1)
        trial.add(f"epoch, {runs}", trained / epochs)
        trial.add(runs, trained)
        trial.add(f"{runs} again", read)
        if count not in (counts[0], counts[-1]):
            continue
        command = [sys.executable, __file__, "--child", str(count)]
        command += ["--device", trial.device]
        command += ["--small"] if len(sweep.runs) < 37 else []
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        trial.add(f"memory, MB, {runs}", float(done.stdout.split()[-1]))


def child(sweep: Study, device: str) -> None:
    """Train, and print the peak of memory in MB."""
    seconds(sweep, device, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if torch.device(device).type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    print(peak)


def by_workers(trial: bench.Bench, sweep: Study) -> None:
    """Record seconds with one worker and with one per core, already started."""
    if torch.device(trial.device).type != "cpu":
        return
    part = first(sweep, min(13, len(sweep.runs)))
    for workers in dict.fromkeys((1, CORES)):
        seconds(
            replace(part, runs=part.runs[-2:]), trial.device, workers, seeds=workers
        )
        trial.add(f"workers: {workers}", seconds(part, trial.device, workers))


def by_images(trial: bench.Bench, sweep: Study, counts: tuple[int, ...]) -> None:
    """Record seconds per epoch, which includes 1,000 test images."""
    for count in counts:
        setup = replace(sweep.setup, data=replace(sweep.setup.data, train=count))
        part = replace(sweep, setup=setup, runs=sweep.runs[:1])
        data.load(setup.data, trial.device)
        spent = seconds(part, trial.device, 1) / part.runs[0].epochs
        trial.add(f"epoch, {count:,} images", spent)


def main() -> None:
    parser = bench.options(__doc__)
    parser.add_argument("--child", type=int, help="only train this many runs")
    arguments = parser.parse_args()
    sweep, counts, images = study(arguments.small), RUNS, IMAGES
    if arguments.small:
        counts, images = (1, 4), (192, 384)
    else:
        setup = studies.get("timing", "demo").setup
        setup = replace(setup, data=replace(setup.data, train=1_500, test=1_000))
        sweep = replace(sweep, setup=setup)
    if arguments.child:
        child(first(sweep, arguments.child), bench.devices.resolve(arguments.device))
        return
    d, m = sweep.setup.data, sweep.setup.model
    setting = {
        "data": f"{d.name}, {d.train:,} and {d.test:,} images of {d.size}x{d.size}",
        "network": f"{m.family}, {m.width} channels",
        "workers": "1 unless it says otherwise",
        "memory": "the most that a process of its own had, PyTorch among it",
    }
    trial = bench.Bench("scaling", arguments, setting, RATIOS)
    seconds(first(sweep, 1), trial.device, 1)  # warm-up
    for i in range(trial.rounds):
        print(f"round {i + 1}", flush=True)
        by_runs(trial, sweep, counts)
        by_workers(trial, sweep)
        by_images(trial, sweep, images)
        trial.save()
    trial.show()


if __name__ == "__main__":
    console.run(main)

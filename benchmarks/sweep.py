"""A sweep over onset and removal: this engine compared with a plain script.

    python benchmarks/sweep.py [--rounds 3] [--device auto]

The half grid of 8 x 8 windows of blur and a clean run, 37 runs, with 8 clean epochs and
half of the images of the laptop scale, with and without the trace of the Fisher
information on 1,000 images after each epoch. `plain.py` is the script. Its runs are
independent, and all epochs take equally long; so each round trains a different third of
them, and the time is scaled up by the number of epochs (with `--all`, all are trained).
Then a few epochs are trained in versions between the script and the engine, to explain
the ratio.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import bench
import loky
import torch
from bench import Ratio
from plain import PROBED, Plain

from cplib import data, deficits, engine, fisher, models, studies, training
from cplib._base.console import run
from cplib._base.device import deterministic, stream
from cplib.data import Augmented
from cplib.fisher import Probe
from cplib.studies import Run, Study, plan, windows

RATIOS = (
    Ratio("the sweep", "script", "cplib", 4.5),
    Ratio("the sweep with Fisher traces", "script, traces", "cplib, traces", 8),
    Ratio("of this: images shrunk beforehand", "run: script", "run: shrunk"),
    Ratio("tensors for PIL images", "run: shrunk", "run: tensors"),
    Ratio("memory format, fused optimiser", "run: tensors", "run: cplib's loop"),
    Ratio("one thread for each core", "run: cplib's loop", "run: workers"),
    Ratio("the tree", "epochs from scratch", "epochs of the tree"),
    Ratio("the estimator, one thread", "trace: loop", "trace: cplib"),
)


class Tensors(Plain):
    """The script with its images as tensors, prepared batch by batch."""

    def loader(self, part: str, steps: list, **options) -> Iterator:
        """Batches of `part`; `steps` are replaced by operations on tensors."""
        dataset = data.load(self.setup.data, self.device)
        s = self.setup.schedule
        if part == "test":
            images, labels = dataset.test_images, dataset.test_labels
            yield from zip(images.split(500), labels.split(500), strict=True)
            return
        images, labels = dataset.train_images, dataset.train_labels
        if self.deficit:
            images = self.deficit.images(images, 0)
        source = Augmented(images, s.shift, s.mirror)
        random = stream(0, "benchmark")
        order = torch.randperm(len(images), generator=random)
        for chosen in order.split(s.batch)[: len(images) // s.batch]:
            yield source.take(chosen, random).contiguous(), labels[chosen]


def study(small: bool) -> Study:
    """The runs, with the data and the network of the laptop scale."""
    setup = studies.get("timing", "smoke" if small else "laptop").setup
    if not small:
        setup = replace(setup, data=replace(setup.data, train=2_560, test=1_000))
    last = 2 if small else 8
    blur = deficits.deficit("blur")
    ends = range(last + 1)
    spans = [(blur, a, b) for a in ends for b in ends if a < b]
    return windows("sweep", "benchmark", "Half grid", setup, spans, last)


def ours(setup: training.Setup, runs: Iterable[Run], device: str, cache: Path) -> None:
    """Run the sweep with newly started workers."""
    loky.get_reusable_executor().shutdown(kill_workers=True)
    engine.run(setup, runs, [0], device=device, progress=False, cache=cache)


def whole(trial: bench.Bench, sweep: Study, script: Plain, runs: list[Run]) -> None:
    """Record all runs; of the script only `runs`, scaled up by epochs."""
    spent = script.sweep(runs, 0)
    share = sum(run.epochs for run in sweep.runs) / sum(run.epochs for run in runs)
    traces = sum(run.fisher for run in spent)
    total = sum(run.total for run in spent)
    trial.add("script", share * (total - traces))
    trial.add("script, traces", share * total)
    probed = replace(sweep.setup, probe=Probe(images=script.probed, every=1))
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        arguments = sweep.runs, trial.device, cache
        trial.time("cplib", lambda: ours(sweep.setup, *arguments))
        trial.time("cplib, traces", lambda: ours(probed, *arguments))


def factors(trial: bench.Bench, sweep: Study, script: Plain) -> None:
    """Record seconds of a run, four epochs, two of them blurred, by each version."""
    blur = deficits.deficit("blur")
    run = Run([(blur, 0, 2)], 4)
    setup, device = sweep.setup, trial.device
    dataset = data.load(setup.data, device)
    plain = Plain(setup, script.processes, False, device)
    trial.time("run: script", lambda: plain.run(run, 0))
    plain = Plain(setup, script.processes, False, device, shrunk=True)
    trial.time("run: shrunk", lambda: plain.run(run, 0))
    tensors = Tensors(setup, 0, False, device)
    trial.time("run: tensors", lambda: tensors.run(run, 0))

    def loop():
        state = training.start(setup, 0, dataset)
        training.advance(state, setup, 0, dataset, [(blur, 2), (None, 4)])

    trial.time("run: cplib's loop", loop)
    workers = os.cpu_count() if torch.device(device).type == "cpu" else 1
    options = {"device": device, "workers": workers, "progress": False}
    short = Run([(blur, 0, 1)], 1)
    with tempfile.TemporaryDirectory() as name:  # so that workers run
        engine.run(setup, [short], range(workers), cache=Path(name), **options)
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        trial.time(
            "run: workers",
            lambda: engine.run(setup, [run], range(workers), cache=cache, **options),
            1 / workers,
        )
    tree = plan.make_plan(setup, sweep.runs, [0], device)
    trial.add("epochs from scratch", tree.epochs_from_scratch)
    trial.add("epochs of the tree", tree.epochs)
    script.net = models.build(setup.model, channels=3, size=setup.data.size, seed=0)
    script.net.to(device)
    script.deficit = None
    net = training.start(setup, 0, dataset).net
    images = dataset.train_images[: script.probed]
    with deterministic(device):
        trial.time("trace: loop", script.trace)
        trial.time("trace: cplib", lambda: fisher.trace(net, images, stream(0, "b")))


def quicker(setup: training.Setup, run: Run, device: str) -> int:
    """How many processes of the `DataLoader` make the script faster here: 0 or 2."""
    plain = {n: Plain(setup, n, False, device) for n in (0, 2)}
    return min(plain, key=lambda n: bench.seconds(lambda: plain[n].run(run, 0), device))


def main() -> None:
    parser = bench.options(__doc__)
    parser.add_argument("--factors", action="store_true", help="only the factors")
    parser.add_argument(
        "--all", action="store_true", help="let the script train all runs in each round"
    )
    arguments = parser.parse_args()
    sweep = study(arguments.small)
    trial = bench.Bench("sweep", arguments, {}, RATIOS)
    processes = quicker(sweep.setup, replace(sweep.runs[0], epochs=2), trial.device)
    images = 16 if arguments.small else PROBED
    script = Plain(sweep.setup, processes, True, trial.device, images)
    d, m = sweep.setup.data, sweep.setup.model
    shares = {True: "all", False: "a third in each round, scaled up"}
    trial.record.setting = {
        "runs": f"{len(sweep.runs)}, blur, {sweep.clean_epochs} clean epochs after it",
        "data": f"{d.name}, {d.train:,} and {d.test:,} images of {d.size}x{d.size}",
        "network": f"{m.family}, {m.width} channels",
        "traces": f"{images:,} images after each epoch",
        "the script's runs": shares[arguments.all],
        "processes of the script's DataLoader": f"{processes} (the faster of 0 and 2)",
    }
    for i in range(trial.rounds):
        print(f"round {i + 1}", flush=True)
        factors(trial, sweep, script)
        if not arguments.factors:
            third = sweep.runs if arguments.all else sweep.runs[i % 3 :: 3]
            whole(trial, sweep, script, list(third))
        trial.save()
    trial.show()


if __name__ == "__main__":
    run(main)

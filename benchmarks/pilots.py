"""Pilots: settings that train a small network to convergence, and the cost of a run.

    python benchmarks/pilots.py R1 A1 ... [--seed 100]    # train, and keep the records
    python benchmarks/pilots.py                           # print the table of all

Clean networks only: settings are chosen by the rules in `PILOTS.md`, before any deficit
is looked at. Each finished run is one line of `book/benchmarks/pilots.jsonl`, and is
not trained again; a killed run continues. One thread; the cost is processor time, on
which a busy machine has little effect.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cplib import data, training
from cplib._base import files
from cplib._base.device import deterministic
from cplib.data import Dataset, DataSpec
from cplib.engine import provenance
from cplib.engine.provenance import processor
from cplib.fisher import Probe
from cplib.models import ModelSpec
from cplib.training import Schedule, Setup, State

RECORDS = files.book_folder() / "benchmarks" / "pilots.jsonl"
EPOCHS, CLEAN, LAST = 300, 160, 60  # of a run, baseline, fitted line
EVERY = 20  # epochs between measurements of the trace, and between checkpoints
CURVE = slice(10, None, 10)  # epochs whose accuracy is kept


def photographs(
    family: str,
    width: int,
    images: int,
    batch: int,
    lr: float,
    weight_decay: float,
    *,
    decay: float = 0.97,
    blocks: int | None = None,
) -> Setup:
    """A network on CIFAR-10 at 16x16 pixels."""
    return Setup(
        DataSpec("cifar10", images, 2_000, 16),
        ModelSpec(family, width, blocks),
        Schedule(lr, decay, weight_decay=weight_decay, batch=batch, shift=2),
    )


def fixed(blocks: int, images: int, batch: int, lr: float, wd: float) -> Setup:
    """A network at a fixed rate: `DepthCNN`, or with 0 blocks the `AllCNN`."""
    family, deep = ("DepthCNN", blocks) if blocks else ("AllCNN", None)
    return photographs(family, 16, images, batch, lr, wd, decay=1.0, blocks=deep)


def digits(width: int, images: int, batch: int, lr: float) -> Setup:
    """The fully connected network on MNIST: fixed rate, no weight decay."""
    schedule = Schedule(lr, 1.0, weight_decay=0.0, batch=batch, shift=4, mirror=False)
    return Setup(
        DataSpec("mnist", images, 2_000, 32), ModelSpec("MLP", width), schedule
    )


CANDIDATES = {
    "R1": photographs("ResNet18", 8, 1_250, 32, 0.1, 0.0005),
    "R2": photographs("ResNet18", 8, 1_250, 32, 0.1, 0.005),
    "R3": photographs("ResNet18", 8, 1_250, 16, 0.1, 0.0025),
    "R4": photographs("ResNet18", 8, 1_250, 32, 0.1, 0.0025),
    "A1": photographs("AllCNN", 16, 2_500, 16, 0.05, 0.0025),
    "A2": photographs("AllCNN", 16, 2_500, 32, 0.05, 0.005),
    "A3": photographs("AllCNN", 16, 1_250, 16, 0.05, 0.005),
    "M1": digits(250, 1_250, 32, 0.05),
    "M2": digits(250, 2_500, 32, 0.025),
    "M3": digits(250, 1_250, 32, 0.01),
    "F1": fixed(0, 1_250, 16, 0.005, 0.001),
    "F2": fixed(0, 2_500, 16, 0.0025, 0.001),
    "F3": fixed(0, 1_250, 16, 0.002, 0.0025),
    "E1": fixed(1, 2_500, 16, 0.0025, 0.001),
    "E2": fixed(2, 2_500, 16, 0.0025, 0.001),
    "E3": fixed(3, 2_500, 16, 0.0025, 0.001),
    "D1": fixed(1, 1_250, 16, 0.005, 0.001),
    "D2": fixed(2, 1_250, 16, 0.005, 0.001),
    "D3": fixed(3, 1_250, 16, 0.005, 0.001),
}


def budget(setup: Setup, epochs: int = CLEAN) -> float:
    """E-folds of weight decay: the sum of lr * wd / (1 - m) over `epochs` epochs."""
    s = setup.schedule
    rates = s.lr * s.decay ** np.arange(epochs)
    steps = setup.data.train // s.batch
    return steps * rates.sum() * s.weight_decay / (1 - s.momentum)


def run(name: str, seed: int) -> dict:
    """Train the candidate `name`, continuing a killed run; return its record."""
    setup = replace(CANDIDATES[name], probe=Probe(256, EVERY))
    dataset = data.load(setup.data)
    path = files.cache_folder() / "pilots" / f"{name}-{seed}.state"
    state, spent = begun(path, setup, seed, dataset)
    while state.epoch < EPOCHS:
        start = time.process_time()
        training.advance(state, setup, seed, dataset, [(None, state.epoch + EVERY)])
        spent += (time.process_time() - start) / 60
        files.write_atomic(path, state.to_bytes(minutes=str(spent)))
        print(name, seed, state.log[-1].round(3).tolist(), flush=True)
    fit = training.evaluate(state.net, dataset.train_images, dataset.train_labels)[1]
    path.unlink()
    return {
        "name": name,
        "seed": seed,
        "setup": CANDIDATES[name].spec(),
        "processor": processor(),
        "code": provenance.code_version(),
        "date": datetime.date.today().isoformat(),
        "minutes": round(spent, 2),  # of one core, traces included
        "budget": round(budget(setup), 3),
        **summary(state),
        "fit": round(fit, 4),  # accuracy on the training images without augmentation
        "trace": [(int(r[0]), round(sum(r[1:-1]), 2)) for r in state.information],
    }


def begun(path: Path, setup: Setup, seed: int, dataset: Dataset) -> tuple[State, float]:
    """A network and the minutes spent on it: the one at `path`, or an untrained one."""
    if not path.exists():
        return training.start(setup, seed, dataset), 0.0
    payload = path.read_bytes()
    state = training.restore(payload, setup, seed, dataset)
    return state, float(training.notes_of(payload)["minutes"])


def summary(state: State) -> dict:
    """The part of the log that is kept.

    Accuracies after every tenth epoch ("train": while learning, on moved images); the
    training loss, mean of the last five epochs; test accuracy, means of the five epochs
    until 160 ("baseline") and 300 ("control"), and its change over the last 60 epochs
    along a fitted line.
    """
    _, loss, train, _, test = state.log.T
    slope = np.polyfit(np.arange(LAST), test[-LAST:], 1)[0]
    return {
        "test": test[CURVE].round(4).tolist(),
        "train": train[CURVE].round(4).tolist(),
        "loss": round(loss[-5:].mean(), 4),
        "baseline": round(test[CLEAN - 4 : CLEAN + 1].mean(), 4),
        "control": round(test[-5:].mean(), 4),
        "change": round(LAST * slope, 4),
    }


def read(path: Path) -> list[dict]:
    """All records."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]


def row(found: dict) -> dict:
    """A record as a row of the table, accuracies in percent, changes in points."""
    d, m, s = (found["setup"][part] for part in ("data", "model", "schedule"))
    epochs, traces = zip(*found["trace"], strict=True)
    peak = int(np.argmax(traces))
    late, end = 100 * found["baseline"], 100 * found["control"]
    return {
        "": found["name"], "seed": found["seed"],
        "network": f"{m['family']}{m.get('blocks', '')}-{m['width']}",
        "images": d["train"], "batch": s["batch"], "lr": s["lr"],
        "wd": s["weight_decay"], "core-min": found["minutes"],
        "budget": found["budget"], "160": late, "300": end, "300-160": end - late,
        "last 60": 100 * found["change"], "train": 100 * found["train"][-1],
        "fit": 100 * found["fit"], "loss": found["loss"],
        "trace": f"{traces[peak]:.0f} at {epochs[peak]}, {traces[-1]:.0f}",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[[], *CANDIDATES])
    parser.add_argument("--seed", type=int, default=100, help="100 or more")
    parser.add_argument("--out", type=Path, default=RECORDS)
    arguments = parser.parse_args()
    for name in arguments.names:
        done = {(found["name"], found["seed"]) for found in read(arguments.out)}
        if (name, arguments.seed) in done:
            continue
        with deterministic("cpu"):
            found = run(name, arguments.seed)
        with arguments.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
    table = pd.DataFrame(map(row, read(arguments.out)))
    print(table.to_string(index=False, float_format="{:.4g}".format))


if __name__ == "__main__":
    main()

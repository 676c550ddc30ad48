"""Write what networks name each test image, and their weights, as numbers.

    CPLIB_CACHE=FOLDER CPLIB_DATA=FOLDER python -m tools.maintain.unseen

The networks are those of study 1TL at scale laptop, never blurred and blurred until the
last removal; for the norm of the weights, also those of 2B and 2B-moving, and for what
they name, those of study `demo` on gratings. What has no checkpoint is trained. The
tables, `answers.csv.gz`, `answers-gratings.csv.gz`, `filters.csv.gz` and
`weights.csv.gz` in `book/benchmarks`, hold no images.
"""

from __future__ import annotations

import datetime
import gzip
import json

import pandas as pd
import torch

import cplib as cp
from cplib import data
from cplib._base import console, files
from cplib.engine import provenance
from cplib.studies.plan import CHECKPOINT_EVERY

FOLDER = files.book_folder() / "benchmarks"
STUDY, GRATINGS = cp.study("1TL"), cp.study("demo", "demo")
RUNS = {"never": STUDY.runs[0], "blurred": STUDY.runs[-1]}
NOISES = {study.runs[-1].name: study for study in map(cp.study, ("2B", "2B-moving"))}
SEEDS = (0, 1, 2)
SHOWN = (0, 20, 140, 300)  # epochs whose filters are kept, of the first seed
AT_ONCE = 500  # images
TOP = 99  # a kept filter's largest weight


def main() -> None:
    """Write the three tables."""
    write("answers-gratings", answers(GRATINGS), GRATINGS)
    write("filters", filters())
    write("weights", weights())
    write("answers", answers())


def answers(study: cp.Study = STUDY) -> pd.DataFrame:
    """The class of every test image, and that which each network names at its end."""
    dataset = data.load(study.setup.data)
    found = {"true": dataset.test_labels}
    blurred = [run for run in study.runs if run.name == "blur"][-1]
    for who, run in {"never": study.runs[0], "blurred": blurred}.items():
        for seed in SEEDS:
            net = cp.network(study, run, seed, device="cpu", progress=False)
            found[f"{who}{seed}"] = named(net, dataset.test_images)
    return pd.DataFrame(found)


@torch.no_grad()
def named(net: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The classes that `net` names, (images,)."""
    return torch.cat([net(part).argmax(1) for part in images.split(AT_ONCE)])


def filters() -> pd.DataFrame:
    """The fineness of the first layer at every checkpoint, and a few filters."""
    rows = []
    for who, run in RUNS.items():
        for seed in SEEDS:
            for epoch in range(0, run.epochs + 1, CHECKPOINT_EVERY):
                net = cp.network(STUDY, run, seed, epoch, device="cpu", progress=False)
                weights = next(iter(cp.fisher.layers(net).values())).weight.detach()
                kept = seed == SEEDS[0] and epoch in SHOWN
                text = scaled(weights) if kept else ""
                rows.append((who, seed, epoch, round(fineness(weights), 5), text))
    return pd.DataFrame(rows, columns="network seed epoch fineness filters".split())


def weights() -> pd.DataFrame:
    """The norm of all weights of convolutions at every checkpoint."""
    shown = {who: (STUDY, run) for who, run in RUNS.items()}
    shown |= {who: (study, study.runs[-1]) for who, study in NOISES.items()}
    rows = []
    for who, (study, run) in shown.items():
        for seed in SEEDS:
            for epoch in range(0, run.epochs + 1, CHECKPOINT_EVERY):
                net = cp.network(study, run, seed, epoch, device="cpu", progress=False)
                rows.append((who, seed, epoch, round(norm(net), 3)))
    return pd.DataFrame(rows, columns="network seed epoch norm".split())


@torch.no_grad()
def norm(net: torch.nn.Module) -> float:
    """The square root of the sum of all squared weights, without biases."""
    squares = (one.weight.square().sum() for one in cp.fisher.layers(net).values())
    return float(sum(squares)) ** 0.5


def fineness(weights: torch.Tensor) -> float:
    """Share of the energy of `weights` (outputs, inputs, k, k) that is not in means.

    By Parseval's theorem, the energy of the kernels' Fourier transforms outside of
    frequency 0: 0 for kernels that only average, 1 for those that only compare, and
    1 - 1 / k**2, on average, for independent weights.
    """
    means = weights.mean((2, 3), keepdim=True)
    return float((weights - means).square().sum() / weights.square().sum())


def scaled(weights: torch.Tensor) -> str:
    """Weights (outputs, inputs, k, k) as whole numbers, up to `TOP` in each filter."""
    tops = weights.abs().amax((1, 2, 3), keepdim=True)
    return " ".join(map(str, (TOP * weights / tops).round().int().flatten().tolist()))


def write(name: str, table: pd.DataFrame, study: cp.Study = STUDY) -> None:
    """Write the table `name`, after a comment that says where it comes from."""
    made = {
        "command": "python -m tools.maintain.unseen",
        "study": f"{study.name} {study.scale} {study.hash}",
        "code": provenance.code_version(),
        "torch": torch.__version__,
        "device": provenance.processor(),
        "date": f"{datetime.date.today()}",
    }
    text = f"# {json.dumps(made)}\n{table.to_csv(index=False)}"
    path = FOLDER / f"{name}.csv.gz"
    files.write_atomic(path, gzip.compress(text.encode(), mtime=0))
    print(f"{path}: {len(table)} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    console.run(main)

"""How much does measuring the Fisher information add to training?

    python benchmarks/probe.py [--scale laptop] [--rounds 5] [--estimators]

Each round trains one epoch without a probe and one with it, from the same state, in
turn, so that whatever else the machine does weighs on both. With `--estimators`, the
three estimators are compared on the network that results: time, and standard error for
equal time.
"""

from __future__ import annotations

import argparse
import copy
import time
from dataclasses import replace
from statistics import median

from cplib import data, fisher, studies, training
from cplib.device import deterministic
from cplib.randomness import stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", default="laptop")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--estimators", action="store_true")
    arguments = parser.parse_args()
    with deterministic("cpu"):
        for name in ("5", "3TL"):
            state = compare(name, arguments.scale, arguments.rounds)
            if arguments.estimators:
                estimators(state, studies.get(name, arguments.scale))


def compare(name: str, scale: str, rounds: int) -> training.State:
    """Print the cost of the probe as a share of training; the last state."""
    study = studies.get(name, scale)
    probed = replace(study.setup, probe=replace(study.setup.probe, every=1))
    plain = replace(study.setup, probe=None)
    dataset = data.prepare(study.setup.data)
    state = training.start(plain, 0, dataset)
    ratios = []
    for _ in range(rounds + 1):
        seconds = {}
        for setup in (plain, probed):
            copied = copy.deepcopy(state)
            began = time.perf_counter()
            training.train(copied, setup, 0, dataset, [(None, copied.epoch + 1)])
            seconds[setup] = time.perf_counter() - began
        ratios.append(seconds[probed] / seconds[plain] - 1)
        state = copied
    share = median(ratios[1:])  # the first round warms up
    every = study.setup.probe.every
    print(
        f"{name} ({study.setup.model.family}, {scale}): measuring after each epoch "
        f"adds {share:.0%} to training, after every {every} epochs {share / every:.0%} "
        f"(median of {rounds} rounds, {min(ratios[1:]):.0%} to {max(ratios[1:]):.0%})"
    )
    return state


def estimators(state: training.State, study: studies.Study) -> None:
    """Time and error of each estimator on one network, and error for equal time."""
    images = data.prepare(study.setup.data).train_images[: study.setup.probe.images]
    calls = {
        "per-sample, signs": lambda r: fisher.trace(state.net, images, r),
        "per-sample, labels": lambda r: fisher.trace(
            state.net, images, r, labels="sampled"
        ),
        "single backward": lambda r: fisher.single_backward(state.net, images, r),
    }
    for name, call in calls.items():
        call(stream(0, name))
        began = time.perf_counter()
        found = call(stream(0, name))
        seconds = time.perf_counter() - began
        relative = found.total_error / found.total
        print(
            f"  {name:18} {seconds:6.2f} s  {found.total:10.4g} ± {relative:5.1%}  "
            f"error after 1 s: {relative * seconds**0.5:5.1%}"
        )


if __name__ == "__main__":
    main()

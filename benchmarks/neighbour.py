"""Training beside a busy neighbour, in a reader's kernel.

    python benchmarks/neighbour.py [--rounds 3]

Three epochs of the demo network in a process of its own: alone, beside one other
process that keeps a core busy, and beside one per core; with one thread, as cplib
trains, and with PyTorch's default number of threads, which spin while they wait for
each other. The fair share is the time alone on one thread times the number of processes
per core.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from unittest import mock

import bench  # loads torch first, so that cplib does not change how its threads wait
import torch
from bench import Ratio

from cplib import data, studies, training

CORES = os.cpu_count() or 1
EPOCHS = 3
BUSY = tuple(dict.fromkeys((0, 1, CORES)))  # other processes
FAIR = 1.2  # the most that training may take, in fair shares
CAUTIOUS = {"OMP_WAIT_POLICY": "PASSIVE"}  # as `import cplib` sets it


def words(busy: int) -> str:
    """The neighbours of a measurement, in words."""
    return f"{busy} busy" if busy else "alone"


def ratios() -> list[Ratio]:
    """Fair share over time taken, and time on all threads over that on one."""
    beside = [busy for busy in BUSY if busy]
    shares = [
        Ratio(f"fair share / time, {words(b)}", f"fair share, {words(b)}", words(b),
              round(1 / FAIR, 2))
        for b in beside
    ]  # fmt: skip
    threads = [
        Ratio(f"all threads / one, {words(b)}", f"all threads, {words(b)}", words(b))
        for b in BUSY
    ]
    return shares + threads


@contextlib.contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Context with `count` processes that compute without a pause."""
    command = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def child(all_threads: bool, small: bool) -> None:
    """Print the seconds of the training, after an epoch that does not count."""
    setup = studies.get("timing", "smoke" if small else "demo").setup
    dataset = data.load(setup.data)
    state = training.start(setup, 0, dataset)
    kept = mock.patch("torch.set_num_threads") if all_threads else mock.MagicMock()
    with kept:
        training.advance(state, setup, 0, dataset, [(None, 1)])
        began = time.perf_counter()
        training.advance(state, setup, 0, dataset, [(None, 1 + EPOCHS)])
    print(time.perf_counter() - began)


def seconds(busy: int, all_threads: bool, small: bool) -> float:
    """Seconds of `child` in a process of its own, beside `busy` others."""
    names = ("OMP_WAIT_POLICY", "OMP_NUM_THREADS", "GOMP_SPINCOUNT")
    environment = {name: t for name, t in os.environ.items() if name not in names}
    command = [sys.executable, __file__, "--child", "all" if all_threads else "one"]
    command += ["--small"] if small else []
    environment |= {} if all_threads else CAUTIOUS
    with neighbours(busy):
        done = subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        )
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = bench.options(__doc__)
    parser.add_argument("--child", choices=("one", "all"), help="only train")
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child == "all", arguments.small)
        return
    setup = studies.get("timing", "demo").setup
    setting = {
        "data": f"{setup.data.name}, {setup.data.train:,} images",
        "network": f"{setup.model.family}, {setup.model.width} channels",
        "epochs": str(EPOCHS),
        "one thread": "as cplib trains in any process",
        "all threads": f"{torch.get_num_threads()}, spinning: PyTorch's default",
        "busy": f"other processes that never pause, on {CORES} cores",
    }
    arguments.device = "cpu"
    trial = bench.Bench("neighbour", arguments, setting, ratios())
    for i in range(trial.rounds):
        print(f"round {i + 1}", flush=True)
        for busy in BUSY:
            trial.add(words(busy), seconds(busy, False, arguments.small))
            several = seconds(busy, True, arguments.small)
            trial.add(f"all threads, {words(busy)}", several)
        alone = trial.record.measured["alone"][-1]
        for busy in BUSY[1:]:
            trial.add(f"fair share, {words(busy)}", alone * max(1, (1 + busy) / CORES))
        trial.save()
    trial.show()


if __name__ == "__main__":
    main()

"""Kill sweeps at random moments, start them again, and count what that cost.

    python tests/chaos.py --kills 50

A sweep journals each segment that it begins, each epoch, and each segment that it
finishes. Kills are SIGKILL, of the whole process group or of the sweep's main process
alone, whose workers then have to end by themselves; the next sweep starts at once,
without waiting for them. At the end the checkpoints are compared, bit for bit, with
those of one undisturbed sweep, and the journal tells whether a segment was trained
twice without need.

Sweeps are forked, so that a start does not cost the import of torch.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import torch  # noqa: E402
from safetensors.torch import load as load_tensors  # noqa: E402

from cplib import engine, studies, training  # noqa: E402
from cplib._base import console, files  # noqa: E402
from cplib.engine import segment as segments  # noqa: E402
from cplib.engine.provenance import code_version, processor  # noqa: E402
from cplib.studies import plan  # noqa: E402

STUDY = studies.get("timing", "smoke")
FORK = multiprocessing.get_context("fork")
PATIENCE = 600.0  # seconds until a sweep must have begun, or ended
train_segment = segments.train_segment


def sweep(cache: Path, seeds: int, workers: int) -> None:
    """Train the study, with a journal in the cache (in a process group of its own)."""
    os.setsid()
    segments.train_segment = journalled
    options = {"workers": workers, "progress": False, "cache": cache}
    engine.run(STUDY.setup, STUDY.runs, range(seeds), **options)


def journalled(segment: plan.Segment, folder: Path, device: str, on_epoch) -> None:
    """`segments.train_segment`, noting what it does (in a worker)."""
    advance, journal = training.advance, folder.parent / "journal"
    begun = []

    def note(event: str) -> None:
        line = f"{event} {segment.key} {os.getpid()} {os.getpgrp()} {time.time()}\n"
        handle = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, line.encode())  # whole: one small write to the end of a file
        os.close(handle)

    def watched(state, setup, seed, dataset, phases, report):
        note("began")
        begun.append(segment.key)
        arguments = state, setup, seed, dataset, phases
        advance(*arguments, lambda epoch: (note("epoch"), report(epoch)))

    with mock.patch.object(training, "advance", watched):
        train_segment(segment, folder, device, on_epoch)
    if begun:
        note("done")


@dataclass(frozen=True)
class Note:
    """A line of the journal: `event` of the segment `key`, in `process` of `group`."""

    event: str
    key: str
    process: str
    group: str
    when: str


def notes(cache: Path) -> list[Note]:
    """The journal so far."""
    journal = cache / "journal"
    text = journal.read_text() if journal.exists() else ""
    whole = text.rpartition("\n")[0]  # the last line may be half written
    return [Note(*line.split()) for line in whole.splitlines()]


def needless(journal: list[Note], killed: dict[int, float] | None = None) -> list[str]:
    """Keys of segments begun though they were finished, or though another was at it.

    What the workers of a sweep still note after it was `killed` (time, by group) is
    not counted: they live on for a moment.
    """
    found, finished, at_it = [], set(), {}
    ends = killed or {}
    for note in journal:
        if float(note.when) > ends.get(int(note.group), float("inf")):
            continue
        if note.event == "began":
            if note.key in finished:
                found.append(note.key)
            at_it[note.key] = note.process
        elif at_it[note.key] != note.process:  # it lives, though it was replaced
            found.append(note.key)
        if note.event == "done":
            finished.add(note.key)
    return found


@dataclass
class Tally:
    """What happened in one configuration."""

    workers: int
    at_once: int
    groups: int = 0
    parents: int = 0
    starts: int = 0
    rounds: int = 0
    needed: int = 0  # epochs
    trained: int = 0
    begun: int = 0
    segments: int = 0
    needless: list[str] = field(default_factory=list)
    orphans: float = 0.0  # the longest life of a worker after its parent's, in seconds
    seconds: float = 0.0

    @property
    def kills(self) -> int:
        """Kills of both kinds."""
        return self.groups + self.parents


class Chaos:
    """Rounds of kills and restarts, each on a cache of its own.

    Args:
        folder: for caches.
        seeds, workers, at_once: of the sweeps; `at_once` run on one cache together.
        random: of the moments.
    """

    def __init__(self, folder, seeds, workers, at_once, random):
        self.folder, self.seeds, self.random = folder, seeds, random
        self.tally = Tally(workers, at_once)
        self.killed: dict[int, float] = {}  # process group, and when it was killed
        self.plan = plan.make_plan(STUDY.setup, STUDY.runs, range(seeds))

    def run(self, kills: int, reference: Path) -> Tally:
        """Kill `kills` times or more; raise unless all is as in `reference`."""
        began = time.monotonic()
        while self.tally.kills < kills:
            self._round(kills)
            self.tally.rounds += 1
            self._check(reference)
        self.tally.seconds = time.monotonic() - began
        return self.tally

    def _round(self, kills: int) -> None:
        self.cache = self.folder / f"round-{self.tally.rounds}"
        self.cache.mkdir(parents=True)
        running = [self._start() for _ in range(self.tally.at_once)]
        while running:
            process = self.random.choice(running)
            if self.tally.kills < kills:
                self._await_a_moment(process)
            else:
                process.join(PATIENCE)
            running.remove(process)
            if process.is_alive():
                self._kill(process)
                running.append(self._start())
            else:
                assert process.exitcode == 0, "a sweep failed; see above"

    def _start(self) -> multiprocessing.Process:
        self.tally.starts += 1
        arguments = self.cache, self.seeds, self.tally.workers
        process = FORK.Process(target=sweep, args=arguments)
        process.start()
        return process

    def _await_a_moment(self, process: multiprocessing.Process) -> None:
        """Some moment after the next epoch; every sixth time, any after the start.

        Of sweeps at once, one trains and the others wait for it.
        """
        some = len(notes(self.cache)) + self.random.randrange(8)
        until = time.monotonic() + PATIENCE
        if self.random.random() < 1 / 6:
            until = time.monotonic() + self.random.uniform(0, 4)
        while process.is_alive() and time.monotonic() < until:
            if len(notes(self.cache)) > some:
                break
            time.sleep(0.01)
        time.sleep(self.random.uniform(0, 0.1))

    def _kill(self, process: multiprocessing.Process) -> None:
        self.killed[process.pid] = time.time()
        if self.random.random() < 0.5:
            with contextlib.suppress(ProcessLookupError):  # it has no group yet
                os.killpg(process.pid, signal.SIGKILL)
            self.tally.groups += 1
        else:
            self.tally.parents += 1
        process.kill()
        process.join()

    def _check(self, reference: Path) -> None:
        journal = notes(self.cache)
        tally, begun = self.tally, [n for n in journal if n.event == "began"]
        tally.needless += needless(journal, self.killed)
        tally.trained += sum(note.event == "epoch" for note in journal)
        tally.needed += self.plan.epochs
        tally.begun += len(begun)
        tally.segments += len(self.plan.segments)
        for note in journal:
            if int(note.group) in self.killed:
                late = float(note.when) - self.killed[int(note.group)]
                tally.orphans = max(tally.orphans, late)
        for group in self.killed:
            assert ended(group), f"process group {group} outlives its parent"
        assert not tally.needless, f"trained twice without need: {tally.needless}"
        assert tally.begun - tally.segments <= tally.kills * tally.workers
        assert different(self.cache, reference, self.plan) == []


def ended(group: int, patience: float = 15) -> bool:
    """Whether all processes of `group` end within `patience` seconds."""
    until = time.monotonic() + patience
    while any(True for _ in members(group)):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def members(group: int) -> Iterator[int]:
    """Processes of `group` that live (Linux)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            status, _, its_group, *_ = stat.read_text().rpartition(")")[2].split()
            if int(its_group) == group and status != "Z":
                yield int(stat.parent.name)


def different(cache: Path, reference: Path, tree: plan.Plan) -> list[str]:
    """Keys of the states whose tensors are not the same bits in both caches."""
    return [key for key in tree.segments if bits(cache, key) != bits(reference, key)]


def bits(cache: Path, key: str) -> dict[str, bytes]:
    """Every tensor of a stored state, as bytes."""
    payload = files.read_checked(segments.state_path(cache / "states", key))
    return {k: v.numpy().tobytes() for k, v in load_tensors(payload).items()}


def undisturbed(cache: Path, seeds: int) -> Path:
    """One sweep in this process, nobody killed."""
    options = {"workers": 1, "progress": False, "cache": cache}
    engine.run(STUDY.setup, STUDY.runs, range(seeds), **options)
    return cache


def main() -> None:
    """Kill by hand."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50, help="in each way (50)")
    parser.add_argument("--seeds", type=int, default=2, help="of a sweep (2)")
    parser.add_argument("--start", type=int, default=0, help="of the random moments")
    parser.add_argument(
        "--ways", nargs="+", default=["1x1", "2x1", "1x2", "2x2"], metavar="WxS",
        help="workers of a sweep, and sweeps at once (1x1 2x1 1x2 2x2)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="file for what happened, as JSON")
    arguments = parser.parse_args()
    if arguments.out:
        files.check_file(arguments.out, "name another file with --out")
    tallies = []
    torch.set_num_threads(1)  # more would not survive a fork
    with tempfile.TemporaryDirectory() as name:
        reference = undisturbed(Path(name) / "reference", arguments.seeds)
        for way in arguments.ways:
            workers, at_once = map(int, way.split("x"))
            moments = random.Random(arguments.start)
            place = Path(name) / way
            trial = Chaos(place, arguments.seeds, workers, at_once, moments)
            tallies.append(trial.run(arguments.kills, reference))
            print(tallies[-1], flush=True)
    if arguments.out:
        arguments.out.write_text(as_json(tallies))


def as_json(tallies: list[Tally]) -> str:
    """What happened, and on what machine, for the book."""
    found = {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "date": datetime.date.today().isoformat(),
        "code": code_version(),
        "study": f"{STUDY.name}, {STUDY.scale}",
        "ways": [dataclasses.asdict(tally) for tally in tallies],
    }
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    import chaos  # by this name workers find it

    console.run(chaos.main)

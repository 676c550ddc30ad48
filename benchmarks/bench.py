"""Shared parts of the benchmarks: options, clock, description of the machine."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from cplib._base import device as devices
from cplib._base import files
from cplib.engine import provenance
from cplib.engine.provenance import instructions, processor

sys.path.append(str(files.book_folder() / "benchmarks"))
import report
from report import Ratio

__all__ = ["Bench", "Ratio", "options", "report"]


def options(description: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement")
    parser.add_argument(
        "--small", action="store_true", help="a small setting, only to see that it runs"
    )
    parser.add_argument(
        "--out", type=Path, default=report.FOLDER,
        help="folder of the record (book/benchmarks)",
    )  # fmt: skip
    return parser


class Bench:
    """Measurements of one benchmark; `save` rewrites the record after every round.

    Args:
        name: of the benchmark.
        arguments: from `options`.
        setting: what is run, in words.
        ratios: what is compared.
        unit: of the measurements.
    """

    def __init__(
        self,
        name: str,
        arguments: argparse.Namespace,
        setting: dict[str, str],
        ratios: Iterable[Ratio],
        unit: str = "seconds",
    ):
        self.device = devices.resolve(arguments.device)
        files.check_folder(arguments.out, "name another folder with --out")
        kind = torch.device(self.device).type
        today = datetime.date.today().isoformat()
        self.folder, self.rounds = arguments.out, arguments.rounds
        self.record = report.Record(
            name, kind, machine(kind), provenance.code_version(), today, setting, unit,
            {}, list(ratios),
        )  # fmt: skip

    def add(self, name: str, value: float) -> float:
        """Add a value of `name` to the record; return it."""
        self.record.measured.setdefault(name, []).append(float(f"{value:.5g}"))
        print(f"  {name}: {value:.4g}", flush=True)
        return value

    def time(self, name: str, call: Callable, share: float = 1) -> float:
        """Add the seconds that `call` takes, times `share`, to the record."""
        return self.add(name, share * seconds(call, self.device))

    def save(self) -> None:
        """Write the record so far; call it after every round."""
        report.save(self.record, self.folder)

    def show(self) -> None:
        """Print the ratios."""
        print(report.ratios(self.record).to_string())


def seconds(call: Callable, device: str = "cpu") -> float:
    """Seconds that `call()` takes, including its work on the GPU."""
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        torch.cuda.synchronize()
    began = time.perf_counter()
    call()
    if on_gpu:
        torch.cuda.synchronize()
    return time.perf_counter() - began


def machine(kind: str) -> dict[str, str]:
    """The description of the machine, with the GPU if `kind` is "cuda"."""
    found = {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "instructions": instructions(),
        "threads of PyTorch by default": str(torch.get_num_threads()),
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
    }
    if kind == "cuda":
        found = {"GPU": torch.cuda.get_device_name()} | found
    return found

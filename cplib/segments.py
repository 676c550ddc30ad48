"""Train one segment, from its parent's file to its own: what a worker does."""

from __future__ import annotations

import contextlib
import datetime
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

from . import data, storage, training
from .device import deterministic
from .plan import Segment
from .provenance import code_version

__all__ = ["listener", "processor", "state_path", "train_segment"]

# Called after each epoch that is trained in this very process, for the bar; epochs of
# other processes are read off their `.progress` files.
listener: Callable[[], None] | None = None


def state_path(folder: Path, key: str) -> Path:
    """File of the state `key`."""
    return folder / key[:2] / f"{key}.state"


def train_segment(segment: Segment, folder: Path, device: str) -> None:
    """Train one segment from its parent's file to its own file (runs in a worker)."""
    began = time.perf_counter()
    path = state_path(folder, segment.key)
    signal = path.with_suffix(".progress")
    dataset = data.prepare(segment.setup.data, device)
    arguments = segment.setup, segment.seed, dataset

    def report(epoch: int) -> None:
        if listener is not None:
            listener()
        with contextlib.suppress(OSError):  # only the bar depends on it
            signal.write_text(str(epoch - segment.begin))

    with deterministic(device):
        if segment.parent is None:
            state = training.start(*arguments)
        else:
            payload = storage.read_checked(state_path(folder, segment.parent))
            state = training.restore(payload, *arguments)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        training.train(state, *arguments, segment.phases(), report)
    seconds = time.perf_counter() - began
    notes = _notes(segment, device, seconds, dataset.fingerprint)
    storage.write_checked(path, state.to_bytes(**notes))
    signal.unlink(missing_ok=True)


def _notes(segment: Segment, device: str, seconds: float, data_hash: str) -> dict:
    on_gpu = torch.device(device).type == "cuda"
    return {
        "key": segment.key,
        "epochs": str(segment.epochs),
        "seconds": f"{seconds:.2f}",
        "device": torch.cuda.get_device_name() if on_gpu else processor(),
        "threads": "1",
        "code": code_version(),
        "torch": torch.__version__,
        "data": data_hash,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def processor() -> str:
    """The name of this machine's processor."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        line = next(line for line in lines if line.startswith("model name"))
        return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

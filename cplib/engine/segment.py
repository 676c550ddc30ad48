"""Train one segment, from its parent's file to its own: what a worker does."""

from __future__ import annotations

import contextlib
import datetime
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch

from .. import data, training
from .._base import files, locks
from .._base.device import deterministic
from .._base.processor import instructions, processor
from ..errors import CplibError
from ..studies.plan import Segment, state_key
from .provenance import code_version

__all__ = [
    "BUSY", "FOUND", "TRAINED", "listener", "locked", "read_state",
    "state_path", "train_segment",
]  # fmt: skip

# what became of a segment: trained here; found, for another process was first; or left
# alone, for another process trains it now
TRAINED, FOUND, BUSY = "trained", "found", "busy"

# Called after each epoch that is trained in this very process, for the bar; epochs of
# other processes are read off their `.progress` files.
listener: Callable[[], None] | None = None

# The number of threads, on which bits depend, belongs to the process: an executor with
# several threads trains in them one by one.
_turn = threading.Lock()


def state_path(folder: Path, key: str) -> Path:
    """File of the state `key`."""
    return folder / key[:2] / f"{key}.state"


def locked(folder: Path, key: str) -> contextlib.AbstractContextManager[bool]:
    """Hold the lock of the state `key`, if it is free; see `locks.hold`."""
    return locks.hold(state_path(folder, key).with_suffix(".lock"))


def read_state(folder: Path, key: str) -> bytes:
    """The stored state `key`, for `training.restore`.

    Raises `FileNotFoundError` when there is none, and `storage.Damaged` when its bytes
    are not those that were written, or are those of another state.
    """
    path = state_path(folder, key)
    payload = files.read_checked(path)
    try:
        held = training.notes_of(payload)["key"]
    except (ValueError, KeyError, TypeError) as error:
        raise files.Damaged(path, "it holds no state") from error
    if held != key:
        raise files.Damaged(path, f"it holds another state, {held}")
    return payload


def train_segment(segment: Segment, folder: Path, device: str) -> str:
    """Train one segment from its parent's file to its own file (runs in a worker).

    Returns:
        `TRAINED`, `FOUND` or `BUSY`. The file is there after the first two.

    Raises:
        CplibError: this worker would train another state than the one that was planned.
    """
    _check(segment, device)
    with _turn, locked(folder, segment.key) as ours:
        if not ours:
            return BUSY
        with contextlib.suppress(FileNotFoundError, files.Damaged):
            read_state(folder, segment.key)
            return FOUND
        _train(segment, folder, device)
        return TRAINED


def _check(segment: Segment, device: str) -> None:
    history = segment.run.history(segment.epoch)
    arguments = segment.setup, segment.seed, history, segment.epoch, device
    if state_key(*arguments) != segment.key:
        raise CplibError(
            f"Worker {platform.node()} (PyTorch {torch.__version__}) has another "
            "cplib, PyTorch or kind of GPU than the process that planned this: install "
            "the same on both."
        )


def _train(segment: Segment, folder: Path, device: str) -> None:
    began = time.perf_counter()
    path = state_path(folder, segment.key)
    signal = path.with_suffix(".progress")
    dataset = data.load(segment.setup.data, device)
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
            state = training.restore(read_state(folder, segment.parent), *arguments)
        training.advance(state, *arguments, segment.phases(), report)
    seconds = time.perf_counter() - began
    notes = _notes(segment, device, seconds, dataset.fingerprint)
    files.write_checked(path, state.to_bytes(**notes))
    with contextlib.suppress(OSError):  # another user's, say
        signal.unlink(missing_ok=True)


def _notes(segment: Segment, device: str, seconds: float, data_hash: str) -> dict:
    on_gpu = torch.device(device).type == "cuda"
    return {
        "key": segment.key,
        "epochs": str(segment.epochs),
        "seconds": f"{seconds:.2f}",
        "device": torch.cuda.get_device_name(device) if on_gpu else processor(),
        "instructions": "those of the GPU" if on_gpu else instructions(),
        "threads": "1",
        "code": code_version(),
        "torch": torch.__version__,
        "data": data_hash,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }

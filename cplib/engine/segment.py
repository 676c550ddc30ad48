"""Train one segment, from its parent's file to its own: the task of a worker."""

import datetime
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path

import torch

from .. import data, training
from .._base import files
from .._base.device import deterministic
from ..errors import CplibError
from ..studies.plan import Segment, state_key
from .provenance import code_version, hardware

# The number of threads, on which bits depend, is set for the whole process: an executor
# with several threads therefore trains one segment at a time.
_turn = threading.Lock()


def state_path(folder: Path, key: str) -> Path:
    """File of the state `key`."""
    return folder / key[:2] / f"{key}.state"


def read_state(folder: Path, key: str) -> bytes:
    """The stored state `key`, for `training.restore`.

    Raises:
        FileNotFoundError: it is not stored.
        files.Damaged: its bytes are not those that were written, or another state's.
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


def train_segment(
    segment: Segment, folder: Path, device: str, on_epoch: Callable[[int], object]
) -> None:
    """Train one segment from its parent's file to its own file, in any process.

    Nothing is done if the file exists: a worker may outlive its sweep for a moment.
    `CplibError` if this worker would train another state than the one planned.
    """
    s, history = segment, segment.run.history(segment.epoch)
    if state_key(s.setup, s.seed, history, s.epoch, device) != s.key:
        raise CplibError(
            f"Worker {platform.node()} (PyTorch {torch.__version__}) has another "
            "cplib, PyTorch or kind of GPU than the process that planned this: install "
            "the same on both."
        )
    with _turn:
        if not state_path(folder, segment.key).exists():
            _train(segment, folder, device, on_epoch)


def _train(
    segment: Segment, folder: Path, device: str, on_epoch: Callable[[int], object]
) -> None:
    began = time.perf_counter()
    dataset = data.load(segment.setup.data, device)
    arguments = segment.setup, segment.seed, dataset
    with deterministic(device):
        if segment.parent is None:
            state = training.start(*arguments)
        else:
            state = training.restore(read_state(folder, segment.parent), *arguments)
        training.advance(state, *arguments, segment.run.phases(segment.epoch), on_epoch)
    payload = state.to_bytes(
        key=segment.key,
        epochs=str(segment.epochs),
        seconds=f"{time.perf_counter() - began:.2f}",
        **hardware(device),
        threads="1",
        code=code_version(),
        torch=torch.__version__,
        data=dataset.fingerprint,
        date=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    files.write_checked(state_path(folder, segment.key), payload)

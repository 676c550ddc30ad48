"""Which device to train on, and the precision it is good at."""

from __future__ import annotations

import contextlib
import os

import torch

from .errors import InputError

__all__ = ["deterministic", "precision", "resolve"]


def resolve(device: str = "auto") -> str:
    """`device` as torch names it; "auto" is the GPU if there is one, else the CPU.

    Raises:
        InputError: for a name that torch does not know or a device not present.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError) as error:
        raise InputError(
            f"Unknown device {device!r}: use 'auto', 'cpu', 'cuda' or 'mps'."
        ) from error
    present = {
        "cpu": lambda: True,
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if kind not in present or not present[kind]():
        raise InputError(
            f"Device {device!r} is not available on this machine: use 'auto' or 'cpu'."
        )
    return device


def precision(device: str) -> str:
    """'bfloat16' on GPUs with hardware for it, else 'float32'."""
    if torch.device(device).type != "cuda":
        return "float32"
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if native else "float32"


def autocast(device: str) -> contextlib.AbstractContextManager:
    """Mixed precision where `precision` says so, else nothing."""
    if precision(device) == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cuda", dtype=torch.bfloat16)


@contextlib.contextmanager
def deterministic(device: str):
    """Within: one CPU thread and deterministic kernels, so that runs repeat exactly.

    On the CPU, results are equal bit for bit only for equal thread counts, so every
    segment is trained with one. Settings are restored on leaving.
    """
    threads = torch.get_num_threads()
    algorithms = torch.are_deterministic_algorithms_enabled()
    benchmark = torch.backends.cudnn.benchmark
    if torch.device(device).type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(algorithms)
        torch.backends.cudnn.benchmark = benchmark

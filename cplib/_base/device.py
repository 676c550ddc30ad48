"""Which device to train on, and the precision it is good at."""

from __future__ import annotations

import contextlib
import os

import torch

from ..errors import CplibError, InputError

__all__ = ["deterministic", "isolated", "precision", "resolve"]

# cuBLAS repeats itself only with a workspace of fixed size. PyTorch looks at this once
# in a process, at the first product of matrices on a GPU, whoever asks for it; so it is
# set here and not when training begins.
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
os.environ.setdefault(WORKSPACE, ":4096:8")


def resolve(device: str = "auto") -> str:
    """`device` as torch names it; "auto" is the GPU if there is one, else the CPU.

    Raises:
        InputError: for a name that torch does not know or a device not present.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind, index = torch.device(device).type, torch.device(device).index
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
    if kind == "cuda" and index is not None and index >= torch.cuda.device_count():
        raise InputError(
            f"Device {device!r} is not available on this machine, which has "
            f"{torch.cuda.device_count()} GPUs, counted from 0: use 'auto'."
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
def isolated():
    """Within: one CPU thread, and PyTorch's modes as a new process has them.

    One thread, since networks as small as ours gain nothing from more, and lose much
    where another program keeps a core busy: the threads of a step wait for each other.
    Whatever `no_grad`, `inference_mode`, autocast, default type, default device or
    precision the caller has set does not reach what happens within, and is restored on
    leaving. Serves as a decorator too: `@isolated()`.
    """
    with contextlib.ExitStack() as restored:
        restored.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)
        restored.callback(torch.set_default_dtype, torch.get_default_dtype())
        torch.set_default_dtype(torch.float32)
        for module, name, value in _whole_float32():
            _switch(restored, module, name, value)
        restored.enter_context(torch.inference_mode(False))
        restored.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            restored.enter_context(torch.amp.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":  # the context slows every call
            restored.enter_context(torch.device("cpu"))
        yield


@contextlib.contextmanager
def deterministic(device: str):
    """Within: `isolated`, and deterministic kernels, so that runs repeat exactly.

    On the CPU, results are equal bit for bit only for equal thread counts, so every
    segment is trained with one. Settings are restored on leaving.

    Raises:
        CplibError: too late, cuBLAS was used before `WORKSPACE` was set.
    """
    with contextlib.ExitStack() as restored:
        restored.enter_context(isolated())
        if torch.device(device).type == "cuda":
            _repeatable(restored)
        try:
            yield
        except RuntimeError as error:
            if WORKSPACE not in str(error):
                raise
            raise CplibError(
                f"The GPU was used before cplib was imported, or {WORKSPACE} is "
                f"{os.environ.get(WORKSPACE)!r}, so that its sums do not repeat: start "
                f"Python anew, with {WORKSPACE}=:4096:8 or importing cplib first."
            ) from error


def _repeatable(restored: contextlib.ExitStack) -> None:
    """Set what makes CUDA repeat itself; `restored` gets what undoes it."""
    restored.callback(
        torch.use_deterministic_algorithms,
        torch.are_deterministic_algorithms_enabled(),
        warn_only=torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True)
    _switch(restored, torch.backends.cudnn, "benchmark", False)


def _switch(restored: contextlib.ExitStack, module, name: str, value) -> None:
    restored.callback(setattr, module, name, getattr(module, name))
    setattr(module, name, value)


def _whole_float32() -> list[tuple]:
    """Module, attribute and value of the switches that keep float32 from being cut.

    A notebook may have let products be taken in TF32 or bfloat16 for its own work, on
    the GPU and on the CPU.
    """
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(cuda, "fp32_precision"):  # PyTorch 2.9; it bars reading the old names
        cpu = torch.backends.mkldnn
        modules = (cuda, cudnn.conv, cpu.matmul, cpu.conv)
        return [(module, "fp32_precision", "ieee") for module in modules]
    return [(cuda, "allow_tf32", False), (cudnn, "allow_tf32", False)]

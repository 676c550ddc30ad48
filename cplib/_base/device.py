"""PyTorch's device, precision, threads and random streams."""

import contextlib
import hashlib
import os
from collections.abc import Iterator

import torch

from ..errors import CplibError, InputError
from . import plain

# cuBLAS is deterministic only with a workspace of fixed size. PyTorch reads it once per
# process, at the first matrix product on a GPU, so it is set on import.
WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
os.environ.setdefault(WORKSPACE, ":4096:8")


def resolve(device: str = "auto") -> str:
    """PyTorch's name of `device`; "auto" is the GPU if there is one, else the CPU.

    Raises:
        InputError: torch does not know the name, or the device is not present.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind, index = torch.device(device).type, torch.device(device).index or 0
    except (RuntimeError, TypeError):
        raise InputError(
            f"Unknown device {device!r}: use 'auto', 'cpu', 'cuda' or 'mps'."
        ) from None
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    present = {"cpu": 1, "cuda": gpus, "mps": int(torch.backends.mps.is_available())}
    if index < present.get(kind, 0):
        return device
    counted = f", which has {gpus} GPUs, counted from 0" if kind == "cuda" else ""
    raise InputError(
        f"Device {device!r} is not available on this machine{counted}: use 'auto' or "
        "'cpu'."
    )


def precision(device: str) -> str:
    """'bfloat16' on GPUs with hardware for it, else 'float32'."""
    if torch.device(device).type != "cuda":
        return "float32"
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if native else "float32"


def autocast(device: str) -> contextlib.AbstractContextManager:
    """Context of mixed precision on devices where `precision` is 'bfloat16'."""
    if precision(device) == "float32":
        return contextlib.nullcontext()
    return torch.autocast("cuda", dtype=torch.bfloat16)


@contextlib.contextmanager
def isolated() -> Iterator[None]:
    """Context with one CPU thread, and PyTorch's modes as in a new process.

    Networks this small gain nothing from more threads, and lose much when another
    program keeps a core busy. The caller's `no_grad`, `inference_mode`, autocast,
    default type, default device and precision have no effect in the context, and are
    restored on leaving. Also a decorator: `@isolated()`.
    """
    with contextlib.ExitStack() as restored:
        restored.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)
        restored.callback(torch.set_default_dtype, torch.get_default_dtype())
        torch.set_default_dtype(torch.float32)
        for module, name, value in _full_float32():
            _switch(restored, module, name, value)
        modes = [torch.inference_mode(False), torch.enable_grad()]
        modes += [torch.amp.autocast(kind, enabled=False) for kind in ("cpu", "cuda")]
        if torch.get_default_device().type != "cpu":  # the context slows every call
            modes.append(torch.device("cpu"))
        for mode in modes:
            restored.enter_context(mode)
        yield


@contextlib.contextmanager
def deterministic(device: str) -> Iterator[None]:
    """Context: `isolated`, with deterministic kernels, so that runs repeat exactly.

    Raises:
        CplibError: cuBLAS was used before `WORKSPACE` was set.
    """
    with contextlib.ExitStack() as restored:
        restored.enter_context(isolated())
        if torch.device(device).type == "cuda":
            restored.callback(
                torch.use_deterministic_algorithms,
                torch.are_deterministic_algorithms_enabled(),
                warn_only=torch.is_deterministic_algorithms_warn_only_enabled(),
            )
            torch.use_deterministic_algorithms(True)
            _switch(restored, torch.backends.cudnn, "benchmark", False)
        try:
            yield
        except RuntimeError as error:
            if WORKSPACE not in str(error):
                raise
            raise CplibError(
                f"The GPU was used before cplib was imported, or {WORKSPACE} is "
                f"{os.environ.get(WORKSPACE)!r}, so its sums do not repeat: "
                f"restart Python with {WORKSPACE}=:4096:8, or import cplib first."
            ) from error


def _switch(restored: contextlib.ExitStack, module, name: str, value) -> None:
    restored.callback(setattr, module, name, getattr(module, name))
    setattr(module, name, value)


def _full_float32() -> list[tuple]:
    """Module, attribute and value of the switches that keep float32 unrounded.

    A notebook may have allowed TF32 or bfloat16 products, on the GPU and on the CPU.
    """
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if hasattr(cuda, "fp32_precision"):  # PyTorch 2.9 and later, without the old names
        cpu = torch.backends.mkldnn
        modules = (cuda, cudnn.conv, cpu.matmul, cpu.conv)
        return [(module, "fp32_precision", "ieee") for module in modules]
    return [(cuda, "allow_tf32", False), (cudnn, "allow_tf32", False)]


def stream(seed: int, purpose: str, epoch: int = 0) -> torch.Generator:
    """A CPU generator that depends on (seed, purpose, epoch) alone.

    All randomness of a run comes from such streams, so that a run that forks from a
    checkpoint sees the same batches, bit for bit, as one trained from scratch.
    """
    digest = hashlib.sha256(f"{plain.seed(seed)}/{purpose}/{epoch}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)

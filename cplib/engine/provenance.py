"""Provenance of numbers: code, machine, data and time.

Rounding depends on the processor: each instruction set has its own kernels, which add
up in different orders.
"""

import functools
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

import torch

from .. import __version__
from ..training import NUMERICS

UNKNOWN = "not recorded"
CPUINFO = Path("/proc/cpuinfo")
# oneDNN's names of instruction sets, best first, and the Linux flags they require
SETS = {
    "AVX10_1_512_AMX": "amx_int8", "AVX512_CORE_FP16": "avx512_fp16",
    "AVX512_CORE_BF16": "avx512_bf16", "AVX512_CORE_VNNI": "avx512_vnni",
    "AVX512_CORE": "avx512bw", "AVX2_VNNI": "avx_vnni", "AVX2": "avx2", "AVX": "avx",
    "SSE41": "sse4_1",
}  # fmt: skip
CAPS = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")  # the newer name has priority


@functools.cache
def code_version() -> str:
    """The version of cplib and of its numerics, and the commit of a checkout."""
    here = Path(__file__).parents[1]
    return f"{__version__} (numerics {NUMERICS}, {commit(here)})"


def commit(folder: Path) -> str:
    """The commit checked out at `folder`, and whether tracked files were edited."""
    try:
        _git(folder, "ls-files", "--error-unmatch", ".")
        found = _git(folder, "rev-parse", "--short=10", "HEAD")
        edited = _git(folder, "status", "--porcelain", "--untracked-files=no", ".")
    except (OSError, subprocess.CalledProcessError):
        return "no commit (not a git checkout)"
    return f"commit {found}" + (", with edits" if edited else "")


def _git(folder: Path, *words: str) -> str:
    options = {"cwd": folder, "capture_output": True, "text": True, "check": True}
    return subprocess.run(["git", *words], **options).stdout.strip()


@functools.cache
def processor() -> str:
    """Brand name, family and model of the processor."""
    found = _cpuinfo()
    name = found.get("model name") or platform.processor() or platform.machine()
    numbers = [(key, found.get(key)) for key in ("cpu family", "model", "CPU part")]
    kind = [f"{key.removeprefix('cpu ')} {text}" for key, text in numbers if text]
    return ", ".join([name, *kind])


def instructions() -> str:
    """The instruction sets used by PyTorch's kernels and by oneDNN's."""
    return f"PyTorch {torch.backends.cpu.get_cpu_capability()}, oneDNN {_onednn()}"


def hardware(device: str) -> dict[str, str]:
    """The names of `device`, as torch names it, and of its instruction sets."""
    if torch.device(device).type == "cuda":
        name = torch.cuda.get_device_name(device)
        return {"device": name, "instructions": "those of the GPU"}
    return {"device": processor(), "instructions": instructions()}


def _onednn() -> str:
    """The best set that the processor has and the environment allows."""
    cap = next((os.environ[name].upper() for name in CAPS if os.environ.get(name)), "")
    names = list(SETS)
    allowed = names[names.index(cap) :] if cap in names else names
    flags = _cpuinfo().get("flags", "").split()
    known = next((name for name in allowed if SETS[name] in flags), "")
    return known or (f"at most {cap}" if cap else "unlimited")


@functools.cache
def _cpuinfo() -> dict[str, str]:
    """Linux's description of the first processor; empty on other systems."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = [line.partition(":") for line in text.split("\n\n")[0].splitlines()]
    return {key.strip(): value.strip() for key, _, value in pairs}


def summarise(notes: Iterable[dict[str, str]]) -> dict:
    """The provenance of one seed from its segments' notes, each counted once."""
    segments = list({note["key"]: note for note in notes}.values())
    names = ("code", "torch", "device", "instructions", "threads", "data")
    found = {n: sorted({note.get(n, UNKNOWN) for note in segments}) for n in names}
    summary = {name: ", ".join(values) for name, values in found.items()}
    return {
        "data_sha256": summary.pop("data"),
        **summary,
        "date": max(note["date"] for note in segments),
        "seconds": round(sum(float(note["seconds"]) for note in segments), 1),
        "epochs_trained": sum(int(note["epochs"]) for note in segments),
    }

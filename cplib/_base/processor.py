"""The kind of processor, and the instruction sets in use.

Rounding depends on them: each instruction set has its own kernels, which add up in
different orders.
"""

import functools
import os
import platform
from pathlib import Path

import torch

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


def _onednn() -> str:
    """The best set that the processor has and the environment allows."""
    cap = next((os.environ[name].upper() for name in CAPS if os.environ.get(name)), "")
    names = list(SETS)
    allowed = names[names.index(cap) :] if cap in names else names
    flags = set(_cpuinfo().get("flags", "").split())
    known = next((name for name in allowed if SETS[name] in flags), "")
    return known or (f"at most {cap}" if cap else "unlimited")


@functools.cache
def _cpuinfo() -> dict[str, str]:
    """Linux' description of the first processor; empty on other systems."""
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    pairs = [line.partition(":") for line in text.split("\n\n")[0].splitlines()]
    return {key.strip(): value.strip() for key, _, value in pairs}

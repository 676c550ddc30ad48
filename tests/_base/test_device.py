"""Devices that are not there: which is taken, what it can do, how it is set.

What the hardware can do is asked of PyTorch by functions that are replaced here.
"""

import contextlib
import os
import subprocess
import sys
from unittest import mock

import pytest
import torch
from elsewhere import FAMILIES, SETUP, prepared, small

from cplib import deficits
from cplib._base import device
from cplib.engine.provenance import hardware
from cplib.errors import CplibError, InputError
from cplib.studies import plan
from cplib.training import loop, restore


@pytest.fixture
def gpus(monkeypatch):
    """Two GPUs, of which only number and kind are asked."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    kind = {"native": True}
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported",
        lambda including_emulation=True: kind["native"] or including_emulation,
    )  # fmt: skip
    return kind


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", ""])
def test_absent_devices_are_named(name):
    with pytest.raises(InputError, match="evice"):
        device.resolve(name)


def test_precision_follows_the_hardware(gpus):
    assert device.precision("cpu") == "float32"
    for native, wanted in ((True, "bfloat16"), (False, "float32")):
        gpus["native"] = native
        assert device.precision("cuda") == wanted


def test_auto_takes_the_gpu_that_is_there(gpus, monkeypatch):
    assert device.resolve("auto") == "cuda"
    assert [device.resolve(f"cuda:{i}") for i in (0, 1)] == ["cuda:0", "cuda:1"]
    with pytest.raises(InputError, match=r"cuda:2.*2 GPUs, counted from 0"):
        device.resolve("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.resolve("auto") == "cpu"


@pytest.mark.parametrize("there", [True, False])
def test_apples_gpu_is_used_when_asked_for(monkeypatch, there):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: there)
    said = contextlib.nullcontext() if there else pytest.raises(InputError, match="mps")
    with said:
        assert device.resolve("mps") == "mps"
    assert device.precision("mps") == "float32"
    assert isinstance(device.autocast("mps"), contextlib.nullcontext)


@pytest.mark.parametrize("native", [True, False])
def test_mixed_precision_only_where_the_hardware_has_it(gpus, native, monkeypatch):
    """A T4 says that it has bfloat16, and emulates it."""
    gpus["native"] = native
    asked = []
    monkeypatch.setattr(torch, "autocast", lambda *a, **k: asked.append((a, k)))
    device.autocast("cuda:1")
    assert asked == [(("cuda",), {"dtype": torch.bfloat16})] * native
    asked.clear()
    device.autocast("cpu")
    assert not asked


def test_states_of_different_precision_never_mix(gpus):
    def key(where):
        return plan.state_key(SETUP, 0, (), 1, where)

    on_cpu, native, other = key("cpu"), key("cuda:0"), key("cuda:1")
    gpus["native"] = False
    assert native == other
    assert key("cuda") == key("cuda:1")
    assert len({on_cpu, native, key("cuda"), key("mps")}) == 4


def test_the_gpu_that_was_used_is_named(gpus, monkeypatch):
    named = {"cuda": "first", "cuda:1": "second"}
    monkeypatch.setattr(torch.cuda, "get_device_name", named.get)
    for where, name in named.items():
        assert hardware(where)["device"] == name


# -- settings


def settings():
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "benchmark": cudnn.benchmark,
        "matmul": matmul.fp32_precision,
        "convolution": cudnn.conv.fp32_precision,
    }


@pytest.fixture
def own_settings():
    """Whatever a test sets is set back."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    was = settings()
    yield
    torch.set_num_threads(was["threads"])
    torch.use_deterministic_algorithms(was["deterministic"], warn_only=was["warn only"])
    cudnn.benchmark = was["benchmark"]
    matmul.fp32_precision = was["matmul"]
    cudnn.conv.fp32_precision = was["convolution"]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("old_names", [False, True])
def test_deterministic_sets_everything_and_sets_it_back(own_settings, fails, old_names):
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = True
    if old_names:  # as most notebooks still have them
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    else:
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        torch.backends.cudnn.conv.fp32_precision = "tf32"
    before = settings()
    leaves = pytest.raises(KeyError) if fails else contextlib.nullcontext()
    with leaves, device.deterministic("cuda:1"):
        assert settings() == {
            "threads": 1, "deterministic": True, "warn only": False,
            "benchmark": False, "matmul": "ieee", "convolution": "ieee",
        }  # fmt: skip
        if fails:
            raise KeyError
    assert settings() == before
    if old_names:
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32


def test_older_pytorch_has_other_names_for_tf32(monkeypatch):
    old = mock.Mock(spec=["allow_tf32"], allow_tf32=True)
    monkeypatch.setattr(torch.backends.cuda, "matmul", old)
    cudnn = mock.Mock(spec=["allow_tf32", "benchmark"], allow_tf32=True, benchmark=True)
    monkeypatch.setattr(torch.backends, "cudnn", cudnn)
    with device.deterministic("cuda"):
        assert not old.allow_tf32 and not cudnn.allow_tf32 and not cudnn.benchmark
    assert old.allow_tf32 and cudnn.allow_tf32 and cudnn.benchmark


def test_on_the_cpu_only_threads_and_precision_are_set(own_settings):
    torch.use_deterministic_algorithms(True, warn_only=True)
    before = settings()
    with device.deterministic("cpu"):
        whole = {"threads": 1, "matmul": "ieee", "convolution": "ieee"}
        assert settings() == before | whole
    assert settings() == before


@pytest.mark.parametrize("given", [None, ":16:8"])
def test_the_workspace_of_cublas_is_set_before_anything_can_use_it(given):
    code = (
        "import os, cplib._base.device, torch; "
        "assert not torch.cuda.is_initialized(); "
        "print(os.environ['CUBLAS_WORKSPACE_CONFIG'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != device.WORKSPACE}
    if given:
        environment[device.WORKSPACE] = given
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == (given or ":4096:8"), done.stderr


def test_too_late_for_the_workspace_is_one_sentence():
    said = pytest.raises(CplibError, match=r"before cplib.*=:4096:8")
    with said, device.deterministic("cuda"):
        raise RuntimeError(f"... set an environment variable: {device.WORKSPACE}=")
    with pytest.raises(RuntimeError, match="^other$"), device.deterministic("cuda"):
        raise RuntimeError("other")


# -- bfloat16, which the CPU can do too, slowly


@pytest.mark.parametrize("family", FAMILIES)
def test_mixed_precision_keeps_what_adds_up_in_float32(family, monkeypatch):
    setup = small(family)
    dataset = prepared(setup, "cpu")
    seen = set()

    def autocast(_):
        return torch.autocast("cpu", dtype=torch.bfloat16)

    plain = loop.start(setup, 0, dataset)
    loop.advance(plain, setup, 0, dataset, [(None, 1)])
    monkeypatch.setattr(loop, "autocast", autocast)
    state = loop.start(setup, 0, dataset)
    last = [m for m in state.net.modules() if isinstance(m, torch.nn.Linear)]
    last += [m for m in state.net.modules() if isinstance(m, torch.nn.Conv2d)]
    for module in last:
        module.register_forward_hook(lambda *a: seen.add(a[2].dtype))
    loop.advance(state, setup, 0, dataset, [(None, 1)])
    assert seen == {torch.bfloat16}
    momenta = [s["momentum_buffer"] for s in state.optimizer.state.values()]
    for tensor in [*state.net.parameters(), *state.net.buffers(), *momenta]:
        assert tensor.dtype in (torch.float32, torch.int64)
        assert tensor.isfinite().all()
    assert abs(state.log[1, 1] - plain.log[1, 1]) < 0.03  # of about 2.4 nats
    again = restore(state.to_bytes(), setup, 0, dataset)
    for one in (state, again):
        loop.advance(one, setup, 0, dataset, [(deficits.Blur(), 2)])
    for a, b in zip(state.net.state_dict().values(), again.net.state_dict().values(),
                    strict=True):  # fmt: skip
        assert torch.equal(a, b)

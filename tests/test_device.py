"""The path to a GPU, as far as a machine without one can walk it.

What a tensor is computed on is watched on the `meta` device, which has shapes but no
numbers, and which no operation may mix with the CPU, as no operation may mix a GPU's.
What the hardware can do is asked of PyTorch by functions that are replaced here.
"""

import contextlib
import dataclasses
import os
import subprocess
import sys
from collections import Counter
from unittest import mock

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cplib import data, deficits, device, fisher, plan, segments, studies, training
from cplib.errors import CplibError, InputError
from cplib.models import ModelSpec
from cplib.randomness import stream

SETUP = studies.get("1TL", "smoke").setup
FAMILIES = {
    "AllCNN": ModelSpec("AllCNN", 4), "ResNet18": ModelSpec("ResNet18", 4),
    "DepthCNN": ModelSpec("DepthCNN", 4, 2), "MLP": ModelSpec("MLP", 20),
}  # fmt: skip
aten = torch.ops.aten


def small(family="AllCNN", batch=32, images=64):
    return dataclasses.replace(
        SETUP, model=FAMILIES[family],
        data=dataclasses.replace(SETUP.data, train=images, test=images),
        schedule=dataclasses.replace(SETUP.schedule, batch=batch),
    )  # fmt: skip


class Elsewhere(TorchDispatchMode):
    """Lets `meta` stand for a GPU: its numbers may be asked for, and are 1; and counts.

    Attributes:
        read: how often numbers of the device were waited for.
        sent: how often tensors were sent there.
    """

    def __init__(self):
        super().__init__()
        self.read = self.sent = 0
        self.ops = Counter()

    def __enter__(self):
        kinds = "torch.optim.optimizer._get_fused_kernels_supported_devices"
        self.fused = mock.patch(kinds, lambda: ["cpu", "meta"])
        self.fused.start()
        return super().__enter__()

    def __exit__(self, *error):
        self.fused.stop()
        return super().__exit__(*error)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = [a for a in torch.utils._pytree.tree_leaves((args, kwargs))
                 if isinstance(a, torch.Tensor)]  # fmt: skip
        kinds = {a.device.type for a in given if a.ndim}  # numbers may go anywhere
        target = kwargs.get("device")
        copies = func in (aten._to_copy.default, aten.copy_.default)
        assert copies or len(kinds) < 2, f"{func} mixes {kinds}"
        there = "meta" in {a.device.type for a in given}
        if there:
            self.ops[str(func)] += 1
        if func is aten._fused_sgd_.default and there:
            return None
        if func is aten._local_scalar_dense.default and there:
            self.read += 1
            return 1.0 if given[0].is_floating_point() else 1
        if func is aten._to_copy.default and target is not None:
            target = torch.device(target).type
            if there and target == "cpu":
                self.read += 1
                dtype = kwargs.get("dtype") or given[0].dtype
                return torch.ones(given[0].shape, dtype=dtype)
            self.sent += target == "meta" and not there
        return func(*args, **kwargs)


def prepared(setup, kind="meta"):
    data.prepare.cache_clear()
    found = data.prepare(setup.data, kind)
    data.prepare.cache_clear()
    return found


def trained_elsewhere(setup, phases, probe=None):
    setup = dataclasses.replace(setup, probe=probe)
    with Elsewhere() as seen:
        dataset = prepared(setup)
        state = training.start(setup, 0, dataset)
        before = seen.read
        training.train(state, setup, 0, dataset, phases)
    return state, seen, seen.read - before


# -- everything happens on the device


@pytest.mark.parametrize("family", FAMILIES)
def test_an_epoch_of_each_network_stays_on_its_device(family):
    state, seen, _ = trained_elsewhere(small(family), [(None, 1)])
    assert {t.device.type for t in state.net.state_dict().values()} == {"meta"}
    momenta = state.optimizer.state_dict()["state"].values()
    assert {s["momentum_buffer"].device.type for s in momenta} == {"meta"}
    assert seen.ops["aten.convolution_backward.default"] or family == "MLP"
    assert seen.ops["aten._fused_sgd_.default"] == 2


@pytest.mark.parametrize("kind", [*deficits.KINDS, *deficits.CONTROLS])
def test_each_deficit_gives_back_what_is_on_the_device(kind):
    deficit = deficits.deficit(kind)
    with Elsewhere():
        dataset = prepared(small())
        images = deficit.images(dataset.train_images, 0)
        labels = deficit.labels(dataset.train_labels, 0)
    assert images.device.type == labels.device.type == "meta"
    assert images.shape == dataset.train_images.shape
    trained_elsewhere(small(), [(deficit, 1), (None, 2)])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("labels", ["signs", "sampled"])
def test_the_trace_is_measured_on_the_device(family, labels):
    setup = small(family)
    with Elsewhere() as seen:
        dataset = prepared(setup)
        net = training.start(setup, 0, dataset).net
        before = seen.read
        found = fisher.trace(
            net, dataset.train_images, stream(0, "fisher"), labels=labels
        )
    assert found.trace.shape == (len(fisher.layers(net)),)
    assert seen.read == before + 1


@pytest.mark.parametrize("shared", [True, False])
def test_the_other_estimators_too(shared):
    setup = small()
    with Elsewhere():
        dataset = prepared(setup)
        net = training.start(setup, 0, dataset).net
        arguments = net, dataset.train_images, stream(0, "fisher")
        fisher.noise_injection(*arguments, steps=16, shared=shared)
        labels = dataset.train_labels
        with contextlib.suppress(NotImplementedError):  # one_hot looks at the numbers
            fisher.noise_injection(*arguments, steps=16, labels=labels)
        with pytest.MonkeyPatch.context() as patch:
            drawn = torch.zeros(32, 1, dtype=torch.int64)
            patch.setattr(torch, "multinomial", lambda *_, generator: drawn)
            fisher.single_backward(*arguments)


def test_a_tensor_left_on_the_cpu_is_noticed():
    """This file's own instrument."""
    here, there = torch.ones(3), torch.ones(3, device="meta")
    with Elsewhere(), pytest.raises(AssertionError, match="mixes"):
        here + there
    with Elsewhere(), pytest.raises(AssertionError, match="mixes"):
        there[torch.tensor([0, 1])]


def test_the_host_waits_for_an_epoch_not_for_its_steps():
    """Each wait costs more than a step does: as many with 2 steps as with 16."""
    waits, sends = {}, {}
    for batch in (4, 32):
        _, seen, waits[batch] = trained_elsewhere(small(batch=batch), [(None, 1)])
        sends[batch] = seen.sent
    assert waits[4] == waits[32] == 4  # loss and accuracy, of training and of test
    assert sends[4] - sends[32] <= 3 * 14  # the augmentation's indices, step by step


# -- no operation for which CUDA has no deterministic way; PyTorch's documentation lists
# them under `torch.use_deterministic_algorithms`

UNREPEATABLE = (
    "adaptive_avg_pool2d_backward adaptive_max_pool2d_backward avg_pool3d_backward "
    "upsample_linear upsample_bicubic upsample_trilinear grid_sampler "
    "upsample_bilinear2d_backward _upsample_bilinear2d_aa_backward "
    "reflection_pad nll_loss2d ctc_loss histc bincount median put_ max_unpool "
    "scatter_reduce fractional_max_pool embedding_bag kthvalue"
).split()


@pytest.mark.parametrize("family", FAMILIES)
def test_no_step_uses_what_cuda_cannot_repeat(family):
    probe = fisher.Probe(images=32)
    _, seen, _ = trained_elsewhere(small(family), [(deficits.Blur(), 1)], probe)
    used = {op.split(".")[1] for op in seen.ops}
    assert {"native_batch_norm_backward", "_log_softmax"} & used
    assert not [op for op in used for bad in UNREPEATABLE if op.startswith(bad)]


# -- which device, and what it is good at


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
    segment = next(iter(plan.make_plan(SETUP, studies.get("1TL", "smoke").runs,
                                       [0]).segments.values()))  # fmt: skip
    for where, name in named.items():
        assert segments._notes(segment, where, 1.0, "")["device"] == name


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


def test_on_the_cpu_only_the_threads_are_set(own_settings):
    torch.use_deterministic_algorithms(True, warn_only=True)
    before = settings()
    with device.deterministic("cpu"):
        assert settings() == before | {"threads": 1}
    assert settings() == before


@pytest.mark.parametrize("given", [None, ":16:8"])
def test_the_workspace_of_cublas_is_set_before_anything_can_use_it(given):
    code = (
        "import os, cplib.device, torch; "
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

    plain = training.start(setup, 0, dataset)
    training.train(plain, setup, 0, dataset, [(None, 1)])
    monkeypatch.setattr(training, "autocast", autocast)
    state = training.start(setup, 0, dataset)
    last = [m for m in state.net.modules() if isinstance(m, torch.nn.Linear)]
    last += [m for m in state.net.modules() if isinstance(m, torch.nn.Conv2d)]
    for module in last:
        module.register_forward_hook(lambda *a: seen.add(a[2].dtype))
    training.train(state, setup, 0, dataset, [(None, 1)])
    assert seen == {torch.bfloat16}
    momenta = [s["momentum_buffer"] for s in state.optimizer.state.values()]
    for tensor in [*state.net.parameters(), *state.net.buffers(), *momenta]:
        assert tensor.dtype in (torch.float32, torch.int64)
        assert tensor.isfinite().all()
    assert abs(state.log[1, 1] - plain.log[1, 1]) < 0.03  # of about 2.4 nats
    again = training.restore(state.to_bytes(), setup, 0, dataset)
    for one in (state, again):
        training.train(one, setup, 0, dataset, [(deficits.Blur(), 2)])
    for a, b in zip(state.net.state_dict().values(), again.net.state_dict().values(),
                    strict=True):  # fmt: skip
        assert torch.equal(a, b)


def test_nothing_is_computed_in_double_precision_on_the_device():
    """Apple's GPUs have none."""
    with Elsewhere():
        dataset = prepared(small())
        net = training.start(small(), 0, dataset).net
        with NoDouble():
            arguments = net, dataset.train_images, stream(0, "fisher")
            fisher.noise_injection(*arguments, steps=16)


class NoDouble(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(out):
            if isinstance(tensor, torch.Tensor) and tensor.device.type != "cpu":
                assert tensor.dtype != torch.float64, func
        return out

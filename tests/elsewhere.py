"""A device that is not the CPU, on a machine that has no other.

PyTorch's `meta` device has shapes but no numbers, and no operation may mix it with the
CPU, as none may mix a GPU.
"""

import dataclasses
from collections import Counter
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cplib import data, studies, training
from cplib.models import ModelSpec

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


class NoDouble(TorchDispatchMode):
    """Within: no tensor off the CPU is of 64 bits and a fraction."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(out):
            if isinstance(tensor, torch.Tensor) and tensor.device.type != "cpu":
                assert tensor.dtype != torch.float64, func
        return out


def prepared(setup, kind="meta"):
    data.load.cache_clear()
    found = data.load(setup.data, kind)
    data.load.cache_clear()
    return found


def trained_elsewhere(setup, phases, probe=None):
    setup = dataclasses.replace(setup, probe=probe)
    with Elsewhere() as seen:
        dataset = prepared(setup)
        state = training.start(setup, 0, dataset)
        before = seen.read
        training.advance(state, setup, 0, dataset, phases)
    return state, seen, seen.read - before

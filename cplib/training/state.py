"""A network in training, and its stored form."""

import json
from dataclasses import dataclass

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from .. import fisher, models
from .._base.device import isolated
from ..data import Dataset
from .setup import Schedule, Setup

# Raise it when the same setup and seed give other numbers than before: it is part of
# every checkpoint's key, so that old and new never mix.
NUMERICS = 1
METRICS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
DECIMALS = 6  # of stored metrics
ENDINGS = ("trace_test", "trace_blurred", "trace_matched", "norm2")  # see loop.inspect
MEASURED = ("information", "endings")  # tables of a state beside its log


@dataclass
class State:
    """A network in training.

    Attributes:
        epoch: epochs completed.
        net, optimizer: including batch-norm statistics and momentum buffers.
        log: array (epoch + 1, 1 + len(METRICS)): the epoch, then the metrics after
            it. Row 0 is the untrained network (its training metrics are NaN).
        information: array (measurements, 2 + layers): the epoch, the trace of each
            layer's Fisher information, and the standard error of their sum.
        endings: array (looks, 2 + layers): the epoch, the number of what was measured
            in `ENDINGS`, and its value for each layer.
    """

    epoch: int
    net: torch.nn.Module
    optimizer: torch.optim.SGD
    log: np.ndarray
    information: np.ndarray
    endings: np.ndarray

    def to_bytes(self, **notes: str) -> bytes:
        """The state and `notes`, in the safetensors format."""
        momenta = self.optimizer.state_dict()["state"]
        tensors = {f"net.{k}": v for k, v in self.net.state_dict().items()}
        tensors |= {f"momentum.{i}": s["momentum_buffer"] for i, s in momenta.items()}
        tensors["log"] = torch.from_numpy(self.log)
        for name in MEASURED:
            if (table := getattr(self, name)).size:
                tensors[name] = torch.from_numpy(table)
        plain = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        return save_tensors(plain, {"epoch": str(self.epoch), **notes})


def notes_of(payload: bytes) -> dict[str, str]:
    """The notes in the bytes of `State.to_bytes`."""
    size = int.from_bytes(payload[:8], "little")
    return json.loads(payload[8 : 8 + size])["__metadata__"]


def tables_of(payload: bytes) -> list[np.ndarray | None]:
    """The log of a stored state, and its information and endings, or None."""
    tensors = load_tensors(payload)
    found = (tensors.get(name) for name in ("log", *MEASURED))
    return [None if table is None else table.numpy() for table in found]


def untrained(setup: Setup, seed: int, dataset: Dataset) -> State:
    """The untrained network of `setup`, with an empty log."""
    images = dataset.train_images
    net = models.build(
        setup.model, channels=images.shape[1], size=images.shape[-1],
        classes=dataset.classes, seed=seed,
    )  # fmt: skip
    net = net.to(images.device, memory_format=torch.channels_last)
    optimizer = optimiser(net, setup.schedule)
    log = np.empty((0, 1 + len(METRICS)))
    measured = (np.empty((0, 2 + len(fisher.layers(net)))) for _ in MEASURED)
    return State(0, net, optimizer, log, *measured)


def optimiser(net: torch.nn.Module, schedule: Schedule) -> torch.optim.SGD:
    """SGD on the weights of `net`, with the settings of `schedule`."""
    s = schedule
    return torch.optim.SGD(
        net.parameters(), s.lr, s.momentum, weight_decay=s.weight_decay, fused=True
    )


@isolated()
def restore(payload: bytes, setup: Setup, seed: int, dataset: Dataset) -> State:
    """The state in the bytes of `State.to_bytes`, on the device of `dataset`."""
    tensors = load_tensors(payload)
    state = untrained(setup, seed, dataset)
    state.log = tensors.pop("log").numpy()
    for name in MEASURED:
        if name in tensors:
            setattr(state, name, tensors.pop(name).numpy())
    state.epoch = int(state.log[-1, 0])
    prefix = len("net.")
    weights = {k[prefix:]: v for k, v in tensors.items() if k.startswith("net.")}
    state.net.load_state_dict(weights)
    for i, parameter in enumerate(state.net.parameters()):
        if f"momentum.{i}" in tensors:
            buffer = torch.empty_like(parameter).copy_(tensors[f"momentum.{i}"])
            state.optimizer.state[parameter]["momentum_buffer"] = buffer
    return state

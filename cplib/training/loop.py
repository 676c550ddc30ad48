"""One training segment: the state after epoch a -> the state after epoch b.

Everything that a run depends on is in `Setup` and the seed. Data order, augmentation
and noise are keyed by (seed, epoch), the learning rate by the absolute epoch, and
momentum and batch-norm statistics travel with the state; so a run that forks from a
state equals one trained from scratch, bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from .. import fisher, models
from .._base.device import autocast, isolated
from .._base.plain import flag, number, settle, whole
from .._base.streams import stream
from ..data import Dataset, DataSpec
from ..data.augment import Augmented
from ..deficits import Deficit
from ..fisher import Probe
from ..models import ModelSpec

__all__ = [
    "DECIMALS", "METRICS", "NUMERICS", "Schedule", "Setup", "State", "start", "train",
]  # fmt: skip

# Raise when the same setup and seed would give other numbers than before: the number
# is part of every checkpoint's key, so that old and new never mix.
NUMERICS = 1
METRICS = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
DECIMALS = 6  # of what is kept of them
AT_ONCE = 500  # images evaluated: of more, memory is asked for anew each time


@dataclass(frozen=True)
class Schedule:
    """Optimisation and augmentation.

    Attributes:
        lr, decay: learning rate lr * decay**epoch, by absolute epoch.
        momentum, weight_decay: of SGD.
        batch: examples per step; the incomplete last batch of an epoch is dropped.
        shift: random translation up to this many pixels, over the mean colour.
        mirror: whether images are mirrored left to right with probability 1/2.
    """

    lr: float = 0.05
    decay: float = 0.97
    momentum: float = 0.9
    weight_decay: float = 0.001
    batch: int = 128
    shift: int = 4
    mirror: bool = True

    def __post_init__(self):
        settle(self, "lr decay", number, True)
        settle(self, "momentum weight_decay", number)
        settle(self, "batch", whole, 1)
        settle(self, "shift", whole, 0)
        settle(self, "mirror", flag)


@dataclass(frozen=True)
class Setup:
    """What all runs of a study share: data, network, schedule.

    With a `probe`, the Fisher information is measured on the way. That changes nothing
    in the training itself.
    """

    data: DataSpec
    model: ModelSpec
    schedule: Schedule = field(default_factory=Schedule)
    probe: Probe | None = None

    def spec(self) -> dict:
        """The setup as plain values, for hashes and provenance."""
        spec = {
            "data": {**asdict(self.data), "options": dict(self.data.options)},
            "model": self.model.spec(),
            "schedule": asdict(self.schedule),
        }
        return spec if self.probe is None else spec | {"probe": asdict(self.probe)}


@dataclass
class State:
    """A network in training.

    Attributes:
        epoch: epochs completed.
        net, optimizer: with all that they carry.
        log: array (epoch + 1, 1 + len(METRICS)): the epoch, then the metrics after
            it. Row 0 is the untrained network (its training metrics are NaN).
        information: array (measurements, 2 + layers): the epoch, the trace of each
            layer's Fisher information, and the standard error of their sum.
    """

    epoch: int
    net: torch.nn.Module
    optimizer: torch.optim.SGD
    log: np.ndarray
    information: np.ndarray

    def to_bytes(self, **notes: str) -> bytes:
        """Everything needed to go on, in the safetensors format, with `notes`."""
        momenta = self.optimizer.state_dict()["state"]
        tensors = {f"net.{k}": v for k, v in self.net.state_dict().items()}
        tensors |= {f"momentum.{i}": s["momentum_buffer"] for i, s in momenta.items()}
        tensors["log"] = torch.from_numpy(self.log)
        if self.information.size:
            tensors["information"] = torch.from_numpy(self.information)
        plain = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        return save_tensors(plain, {"epoch": str(self.epoch), **notes})


def notes_of(payload: bytes) -> dict[str, str]:
    """The notes that were given to `State.to_bytes`."""
    size = int.from_bytes(payload[:8], "little")
    return json.loads(payload[8 : 8 + size])["__metadata__"]


def tables_of(payload: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """The log of a saved state, and its information if that was measured."""
    tensors = load_tensors(payload)
    measured = tensors.get("information")
    return tensors["log"].numpy(), None if measured is None else measured.numpy()


@isolated()
def start(setup: Setup, seed: int, dataset: Dataset) -> State:
    """The untrained network of `setup`, evaluated once."""
    state = _untrained(setup, seed, dataset)
    test = evaluate(state.net, dataset.test_images, dataset.test_labels)
    state.log = np.array([[0, np.nan, np.nan, *test]])
    return state


def _untrained(setup: Setup, seed: int, dataset: Dataset) -> State:
    images = dataset.train_images
    net = models.build(
        setup.model, channels=images.shape[1], size=images.shape[-1], seed=seed
    )
    net = net.to(images.device, memory_format=torch.channels_last)
    optimizer = optimiser(net, setup.schedule)
    log = np.empty((0, 1 + len(METRICS)))
    return State(0, net, optimizer, log, np.empty((0, 2 + len(fisher.layers(net)))))


def optimiser(net: torch.nn.Module, schedule: Schedule) -> torch.optim.SGD:
    """SGD on `net`, as `schedule` says."""
    s = schedule
    return torch.optim.SGD(
        net.parameters(), s.lr, s.momentum, weight_decay=s.weight_decay, fused=True
    )


@isolated()
def restore(payload: bytes, setup: Setup, seed: int, dataset: Dataset) -> State:
    """The state that `State.to_bytes` saved, on the data set's device."""
    tensors = load_tensors(payload)
    state = _untrained(setup, seed, dataset)
    state.log = tensors.pop("log").numpy()
    if "information" in tensors:
        state.information = tensors.pop("information").numpy()
    state.epoch = int(state.log[-1, 0])
    prefix = len("net.")
    weights = {k[prefix:]: v for k, v in tensors.items() if k.startswith("net.")}
    state.net.load_state_dict(weights)
    for i, parameter in enumerate(state.net.parameters()):
        if f"momentum.{i}" in tensors:
            buffer = torch.empty_like(parameter).copy_(tensors[f"momentum.{i}"])
            state.optimizer.state[parameter]["momentum_buffer"] = buffer
    return state


@isolated()
def train(
    state: State,
    setup: Setup,
    seed: int,
    dataset: Dataset,
    phases: Sequence[tuple[Deficit | None, int]],
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> State:
    """Train `state` on, in place, through `phases`.

    Args:
        state: where to start from.
        setup, seed: of the run.
        dataset: of the run, on the device to train on.
        phases: pairs (deficit or None, epoch at which it ends), ends increasing.
        on_epoch: called with the number of completed epochs after each.

    It trains on one CPU thread, whatever modes of PyTorch its caller has set; see
    `device.isolated`.

    Returns:
        `state`, with one more row of the log per epoch. An epoch's training metrics
        are means over its batches, on the images it trained on; its test metrics are
        taken after it on clean images.
    """
    clean = dataset.train_images, dataset.train_labels
    for deficit, end in phases:
        images, labels = clean
        if deficit is not None:
            images, labels = deficit.images(images, seed), deficit.labels(labels, seed)
        s = setup.schedule
        moves = (
            (s.shift, s.mirror) if deficit is None or deficit.augment else (0, False)
        )
        source = Augmented(images, *moves)
        while state.epoch < end:
            learned = learn(state, s, seed, source, labels)
            test = evaluate(state.net, dataset.test_images, dataset.test_labels)
            state.epoch += 1
            row = [[state.epoch, *learned, *test]]
            state.log = np.concatenate([state.log, row])
            if setup.probe is not None and state.epoch % setup.probe.every == 0:
                _measure(state, setup.probe, seed, images)
            on_epoch(state.epoch)
    return state


def _measure(state: State, probe: Probe, seed: int, images: torch.Tensor) -> None:
    """Add a row to `state.information`, from the first of `images`."""
    random = stream(seed, "fisher", state.epoch)
    found = fisher.trace(state.net, images[: probe.images], random)
    row = [[state.epoch, *found.trace, found.total_error]]
    state.information = np.concatenate([state.information, row])


def learn(
    state: State,
    schedule: Schedule,
    seed: int,
    source: Augmented,
    labels: torch.Tensor,
) -> tuple[float, float]:
    """One pass over the training set `source`, with `labels` (N,), in place.

    Returns:
        Mean loss (nats) and accuracy over the batches.
    """
    state.net.train()
    for group in state.optimizer.param_groups:
        group["lr"] = schedule.lr * schedule.decay**state.epoch
    device, count = labels.device, len(labels)
    random = stream(seed, "epoch", state.epoch)
    order = torch.randperm(count, generator=random).to(device)
    batch = min(schedule.batch, count)
    loss_sum = torch.zeros((), device=device)
    hits = torch.zeros((), device=device)
    steps = count // batch
    for i in range(steps):
        chosen = order[i * batch : (i + 1) * batch]
        x, y = source.take(chosen, random), labels[chosen]
        with autocast(str(device)):
            logits = state.net(x)
            loss = F.cross_entropy(logits, y)  # in float32 under autocast too
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        state.optimizer.step()
        loss_sum += loss.detach()
        hits += (logits.argmax(1) == y).sum()
    return loss_sum.item() / steps, hits.item() / (steps * batch)


@isolated()
@torch.no_grad()
def evaluate(
    net: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, chunk: int = 1000
) -> tuple[float, float]:
    """Mean loss (nats) and accuracy (0 to 1) of `net` on `images`, in eval mode.

    Args:
        net, images, labels: (N, C, H, W) and (N,), on one device.
        chunk: images whose losses are added up in single precision; more or fewer
            would change the last digits of what is stored.
    """
    net.eval()
    with autocast(str(images.device)):
        answers = torch.cat([_answer(net, part) for part in images.split(AT_ONCE)])
    loss, hits = 0.0, 0
    for logits, y in zip(answers.split(chunk), labels.split(chunk), strict=True):
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        hits += (logits.argmax(1) == y).sum().item()
    return loss / len(labels), hits / len(labels)


def _answer(net: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    return net(images.contiguous(memory_format=torch.channels_last)).float()

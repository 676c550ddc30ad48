"""Train a network from the state after epoch a to the state after epoch b.

A run depends on its `Setup`, its deficits and its seed alone: one that forks from a
state equals one trained from scratch, bit for bit, for data order, augmentation and
noise are keyed by (seed, epoch), and momentum and batch-norm statistics travel with the
state. The test set is never augmented, blurred or flipped.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F

from .. import data, fisher
from .._base.device import autocast, isolated, resolve, stream
from ..data import Augmented, Dataset
from ..deficits import Blur, Deficit
from ..fisher import Probe
from ..fisher.estimate import hooked
from .setup import Setup
from .state import ENDINGS, State, untrained

ENTROPY = 0.5  # nats, of answers at matched confidence
# Images per forward pass of an evaluation: larger chunks make the allocator request new
# memory every time. Their losses are summed 1,000 at a time, in single precision: the
# last digits of stored results depend on it.
AT_ONCE, SUMMED = 500, 1000


@isolated()
def start(setup: Setup, seed: int, dataset: Dataset) -> State:
    """The untrained network of `setup`, evaluated once on the test set."""
    state = untrained(setup, seed, dataset)
    state.log = np.array([[0, np.nan, np.nan, *_tested(state, setup, dataset)]])
    return state


def _tested(state: State, setup: Setup, dataset: Dataset) -> tuple[float, float]:
    """Loss and accuracy on the clean test images that `setup.readout` selects."""
    images, labels = dataset.test_images, dataset.test_labels
    if setup.readout is not None and not setup.readout.whole(state.epoch):
        images, labels = (x[: setup.readout.images] for x in (images, labels))
    return evaluate(state.net, images, labels)


def train(
    setup: Setup,
    seed: int = 0,
    phases: Sequence[tuple[Deficit | None, int]] = (),
    *,
    state: State | None = None,
    device: str = "cpu",
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> State:
    """Train the network of `setup` through `phases`, from birth or from `state` on.

    >>> state = train(setup, phases=[(Blur(), 10), (None, 30)])

    Args:
        setup, seed: of the run. Its images are downloaded now if they are missing.
        phases: pairs (deficit or None, epoch at which it ends) from epoch 0 on, ends
            increasing. Without any, the network stays untrained.
        state: an earlier result for the same setup and seed, which is continued, in
            place.
        device: "cpu", "cuda", "mps" or "auto".
        on_epoch: called with the number of completed epochs after each.
    """
    dataset = data.load(setup.data, resolve(device))
    if state is None:
        state = start(setup, seed, dataset)
    return advance(state, setup, seed, dataset, phases, on_epoch)


@isolated()
def advance(
    state: State,
    setup: Setup,
    seed: int,
    dataset: Dataset,
    phases: Sequence[tuple[Deficit | None, int]],
    on_epoch: Callable[[int], None] = lambda epoch: None,
) -> State:
    """Train `state`, in place, through the rest of `phases`.

    Training uses one CPU thread and ignores the caller's modes of PyTorch; see
    `device.isolated`. The dataset is on the device to train on; see also `train`.

    Returns:
        `state`, with one more row of the log per epoch. An epoch's training metrics
        are means over its batches, on the images it trained on; its test metrics are
        taken after it on clean images.
    """
    clean = dataset.train_images, dataset.train_labels
    removal = None
    for deficit, end in phases:
        if state.epoch < end:
            images, labels = clean
            if deficit is not None:
                deficit.check(dataset.classes)
                images = deficit.images(images, seed)
                labels = deficit.labels(labels, seed)
            s, still = setup.schedule, deficit is not None and not deficit.augment
            source = Augmented(images, *((0, False) if still else (s.shift, s.mirror)))
            if state.epoch == removal and s.shrink is not None:
                _shrink(state, setup, seed, dataset)
        while state.epoch < end:
            learns = deficit is None or deficit.learns
            rate = learns * setup.schedule.rate_at(state.epoch, removal)
            learned = learn(state, setup.schedule.batch, rate, seed, source, labels)
            state.epoch += 1
            row = [[state.epoch, *learned, *_tested(state, setup, dataset)]]
            state.log = np.concatenate([state.log, row])
            if setup.probe is not None and state.epoch % setup.probe.every == 0:
                _measure(state, setup.probe, seed, images)
                if setup.readout is not None and setup.readout.ends(state.epoch):
                    inspect(state, setup.probe, seed, dataset)
            on_epoch(state.epoch)
        removal = removal if deficit is None else end
    return state


@torch.no_grad()
def _shrink(state: State, setup: Setup, seed: int, dataset: Dataset) -> None:
    """Shrink and perturb the weights of `state`, in place; see `Schedule`."""
    factor, noise = setup.schedule.shrink
    random = stream(seed, "shrink", state.epoch)
    other = int(torch.randint(2**31, (), generator=random))
    fresh = fisher.layers(untrained(setup, other, dataset).net)
    for name, layer in fisher.layers(state.net).items():
        for old, new in zip(layer.parameters(), fresh[name].parameters(), strict=True):
            old.mul_(factor).add_(new, alpha=noise)


def _measure(state: State, probe: Probe, seed: int, images: torch.Tensor) -> None:
    """Add a row to `state.information`, from the first of `images`."""
    random = stream(seed, "fisher", state.epoch)
    found = fisher.trace(state.net, images[: probe.images], random)
    row = [[state.epoch, *found.trace, found.total_error]]
    state.information = np.concatenate([state.information, row])


def inspect(state: State, probe: Probe, seed: int, dataset: Dataset) -> None:
    """Add rows to `state.endings`, at an epoch where a run may end.

    For each layer, the trace of the Fisher information on test images, on blurred
    training images, and on sharp ones with logits divided by a temperature at which the
    mean entropy of the answers is `ENTROPY`; and the squared length of the weights.
    """
    train = dataset.train_images[: probe.images]
    test = dataset.test_images[: probe.images]
    blurred, heat = Blur().images(train, seed), temperature(state.net, train)
    looks, rows = ((test, 1.0), (blurred, 1.0), (train, heat)), []
    for number, (images, t) in enumerate(looks):
        random = stream(seed, ENDINGS[number], state.epoch)
        with hooked([state.net], lambda net, args, logits, t=t: logits / t):
            found = fisher.trace(state.net, images, random)
        rows.append([state.epoch, number, *found.trace])
    weights = (layer.weight for layer in fisher.layers(state.net).values())
    lengths = [weight.detach().double().square().sum().item() for weight in weights]
    rows.append([state.epoch, len(looks), *lengths])
    state.endings = np.concatenate([state.endings, rows])


@torch.no_grad()
def temperature(net: torch.nn.Module, images: torch.Tensor) -> float:
    """The temperature at which the mean entropy of the answers is `ENTROPY` nats.

    Found by bisection, between 2**-20 and 2**20.
    """
    logits = net.eval()(images).double()
    low, high = -20.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        logs = (logits / 2**middle).log_softmax(1)
        if -(logs.exp() * logs).sum(1).mean() < ENTROPY:
            low = middle
        else:
            high = middle
    return 2**low


def learn(
    state: State,
    batch: int,
    rate: float,
    seed: int,
    source: Augmented,
    labels: torch.Tensor,
) -> tuple[float, float]:
    """Train `state`, in place, for one pass over the images `source` and labels (N,).

    An incomplete last batch is dropped.

    Returns:
        Mean loss (nats) and accuracy over the batches.
    """
    state.net.train()
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    device, count = labels.device, len(labels)
    random = stream(seed, "epoch", state.epoch)
    order = torch.randperm(count, generator=random).to(device)
    batch = min(batch, count)
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
    net: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> tuple[float, float]:
    """Mean loss (nats) and accuracy (0 to 1) in eval mode, on images (N, C, H, W)."""
    net.eval()
    loss, hits = 0.0, 0
    for x, y in zip(images.split(SUMMED), labels.split(SUMMED), strict=True):
        parts = x.contiguous(memory_format=torch.channels_last).split(AT_ONCE)
        with autocast(str(x.device)):
            logits = torch.cat([net(part) for part in parts]).float()
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        hits += (logits.argmax(1) == y).sum().item()
    return loss / len(labels), hits / len(labels)

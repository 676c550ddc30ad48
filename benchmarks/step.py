"""A training step compared with the machine's peak: the same convolutions alone.

    python benchmarks/step.py [--rounds 3] [--device auto]

No step can do without the network's convolutions, forward and backward on batches of
the same shapes. Their share of a step's time is measured in the faster of the two
memory formats. Other comparisons: memory format, optimiser's loop, augmentation, and
`torch.compile`. One thread.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable

import bench
import torch
import torch.nn.functional as F
from bench import Ratio
from PIL import Image
from torch import nn
from torchvision import transforms

from cplib import data, fisher, models, studies
from cplib._base import console
from cplib._base.device import autocast, deterministic, precision, stream
from cplib.data import Augmented
from cplib.training import loop
from cplib.training.state import State, optimiser

FORMATS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
SETTINGS = (("timing", "laptop", 12), ("timing", "demo", 24), ("timing", "paper", 1))


class Batches:
    """Steps of `setup` on `count` batches of made-up images."""

    def __init__(self, setup: loop.Setup, count: int, device: str):
        self.setup, self.count, self.device = setup, count, device
        d, s = setup.data, setup.schedule
        random = stream(0, "benchmark")
        images = torch.randn((count * s.batch, 3, d.size, d.size), generator=random)
        labels = torch.randint(0, 10, images.shape[:1], generator=random)
        self.images, self.labels = images.to(device), labels.to(device)
        self.net = models.build(setup.model, channels=3, size=d.size, seed=0).to(device)

    def epoch(self) -> None:
        """Train as `training.advance` does between two evaluations."""
        s = self.setup.schedule
        net = copy.deepcopy(self.net).to(memory_format=torch.channels_last)
        state = State(0, net, optimiser(net, s), None, None, None)
        moved = Augmented(self.images, s.shift, s.mirror)
        loop.learn(state, s.batch, s.lr, 0, moved, self.labels)

    def steps(self, layout: torch.memory_format, net=None, **options) -> None:
        """Train without augmentation, in a memory format and with an optimiser."""
        s = self.setup.schedule
        if net is None:
            net = copy.deepcopy(self.net).to(memory_format=layout)
        parameters = net.parameters()
        options |= {"momentum": s.momentum, "weight_decay": s.weight_decay}
        sgd = torch.optim.SGD(parameters, s.lr, **options)
        pairs = zip(self.images.split(s.batch), self.labels.split(s.batch), strict=True)
        net.train()
        for x, y in pairs:
            sgd.zero_grad(set_to_none=True)
            with autocast(self.device):
                logits = net(x.contiguous(memory_format=layout))
            F.cross_entropy(logits.float(), y).backward()
            sgd.step()

    def convolutions(self, layout: torch.memory_format) -> Callable:
        """The network's convolutions, forward and backward, on stored inputs."""
        net = copy.deepcopy(self.net).to(memory_format=layout)
        seen = []
        handles = [
            m.register_forward_hook(lambda m, i, o: seen.append((m, i[0], o)))
            for m in fisher.layers(net).values()
            if isinstance(m, nn.Conv2d)
        ]
        with torch.no_grad():
            first = self.images[: self.setup.schedule.batch]
            net(first.contiguous(memory_format=layout))
        for handle in handles:
            handle.remove()
        number = getattr(torch, precision(self.device))
        calls = [
            (m, m.weight.to(number), x.to(number), torch.randn_like(o, dtype=number))
            for m, x, o in seen
        ]

        @torch.no_grad()
        def run() -> None:
            for _ in range(self.count):
                for i, (m, w, x, g) in enumerate(calls):
                    F.conv2d(x, w, None, m.stride, m.padding)
                    torch.ops.aten.convolution_backward(
                        g, x, w, None, m.stride, m.padding, m.dilation, False,
                        (0, 0), 1, (i > 0, True, False),
                    )  # fmt: skip

        return run


def compare(trial: bench.Bench, where: str, batches: Batches) -> None:
    """Record the seconds per step of one network, for one round."""
    share = 1 / batches.count

    def note(name: str, call: Callable) -> None:
        trial.time(f"{where}: {name}", call, share)

    alone = [batches.convolutions(layout) for layout in FORMATS.values()]
    times = [bench.seconds(call, trial.device) for call in alone]
    trial.add(f"{where}: convolutions alone", share * min(times))
    note("step", batches.epoch)
    if where != "laptop":
        return
    last = FORMATS["channels last"]
    note("without augmentation", lambda: batches.steps(last, fused=True))
    note("contiguous", lambda: batches.steps(FORMATS["contiguous"], fused=True))
    note("foreach", lambda: batches.steps(last, foreach=True))
    note("one by one", lambda: batches.steps(last, foreach=False))


def augmentation(trial: bench.Bench, setup: loop.Setup) -> None:
    """Record the seconds for the images of an epoch, by PIL and by cplib."""
    dataset = data.load(setup.data, trial.device)
    s, size = setup.schedule, setup.data.size
    pictures = [
        Image.fromarray(image) for image in dataset.to_rgb(dataset.train_images)
    ]
    mean, std = (v.flatten().tolist() for v in (dataset.mean, dataset.std))
    transform = transforms.Compose(
        [
            transforms.RandomCrop(size, padding=s.shift),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(mean, std),
        ]
    )
    order = torch.arange(len(pictures), device=trial.device).split(s.batch)

    def tensors() -> None:
        source, random = Augmented(dataset.train_images, s.shift, True), stream(0, "a")
        for chosen in order:
            source.take(chosen, random)

    trial.time("images: PIL", lambda: [transform(p) for p in pictures])
    trial.time("images: cplib", tensors)


def preallocated(trial: bench.Bench, batches: Batches) -> None:
    """Time gathering a batch's pixels into new memory, and into the same memory."""
    s = batches.setup.schedule
    source = Augmented(batches.images, s.shift, s.mirror)
    count, channels = s.batch * batches.setup.data.size**2, source.pixels.shape[1]
    places = torch.randint(0, len(source.pixels), (count,), device=trial.device)
    out = source.pixels.new_empty(count, channels)
    steps = range(100)
    for name, options in (("new", {}), ("preallocated", {"out": out})):
        trial.time(
            f"batch: {name}",
            lambda o=options: [
                torch.index_select(source.pixels, 0, places, **o) for _ in steps
            ],
            1 / len(steps),
        )


def compiled(trial: bench.Bench, batches: Batches) -> None:
    """Record a step under `torch.compile`, and the time to compile."""
    net = copy.deepcopy(batches.net).to(memory_format=torch.channels_last)
    fast = torch.compile(net)

    def run() -> None:
        batches.steps(torch.channels_last, fast, fused=True)

    first = bench.seconds(run, trial.device)
    for _ in range(trial.rounds):
        later = bench.seconds(run, trial.device)
        trial.add("laptop: compiled", later / batches.count)
        trial.add("compiling", first - later)


def ratios() -> list[Ratio]:
    """What is compared."""
    shares = [
        Ratio(
            f"convolutions alone / whole step, {scale}",
            f"{scale}: convolutions alone", f"{scale}: step", 0.7,
        )
        for _, scale, _ in SETTINGS
    ]  # fmt: skip
    base = "laptop: without augmentation"
    return [
        *shares,
        Ratio("taken: channels last", "laptop: contiguous", base),
        Ratio("taken: fused optimiser, for foreach", "laptop: foreach", base),
        Ratio("taken: fused optimiser, for a loop", "laptop: one by one", base),
        Ratio("taken: pixels gathered, for PIL", "images: PIL", "images: cplib"),
        Ratio("not taken: preallocated batches", "batch: new", "batch: preallocated"),
        Ratio("not taken: torch.compile", base, "laptop: compiled"),
    ]


def main() -> None:
    arguments = bench.options(__doc__).parse_args()
    small = arguments.small
    settings = [("timing", "demo", 2)] if small else SETTINGS
    setting = {
        "network": "All-CNN, batches of 128 made-up images, as at each scale",
        "threads": "1",
        "compiled": "laptop scale, after a first run that compiles",
    }
    trial = bench.Bench("step", arguments, setting, ratios(), "seconds")
    with deterministic(trial.device):
        every = {
            scale: Batches(studies.get(name, scale).setup, count, trial.device)
            for name, scale, count in settings
        }
        for i in range(trial.rounds + 1):  # the first warms up
            if i == 1:
                trial.record.measured.clear()
            for scale, batches in every.items():
                compare(trial, scale, batches)
            preallocated(trial, every[settings[0][1]])
            augmentation(trial, studies.get("timing", settings[0][1]).setup)
            trial.save()
        if shutil.which("g++") and not small:
            compiled(trial, every["laptop"])
            trial.save()
    trial.show()


if __name__ == "__main__":
    console.run(main)

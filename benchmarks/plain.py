"""The script that one would write without this project, for comparison.

As in torchvision's data sets, images become PIL images one at a time; torchvision's
transforms shrink, blur, translate and mirror them, and a `DataLoader` collects batches.
Training is eager, in PyTorch's default memory format, with its default threads; every
run starts from scratch; and the trace of the Fisher information is a loop over images,
with one label for each, drawn from the network's answer. Network, images, seeds,
schedule and epochs are those of `cplib`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from cplib import data, models
from cplib.studies import Run
from cplib.training import Setup

PROBED = 1000  # images behind each measurement of the trace


class Pictures(Dataset):
    """Images (N, H, W, 3), uint8, and labels, as in `torchvision.datasets.CIFAR10`."""

    def __init__(self, images: np.ndarray, labels: list[int]):
        self.images, self.labels = images, labels
        self.transform = None

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.transform(Image.fromarray(self.images[i])), self.labels[i]


@dataclass
class Spent:
    """Seconds of a run: in all, and for the Fisher information alone."""

    total: float = 0.0
    fisher: float = 0.0


class Plain:
    """Runs of `setup`, one after the other.

    Args:
        setup: of the study; its probe is ignored.
        processes: of the `DataLoader`.
        fisher: whether to measure the trace after each epoch.
        device: to train on.
        probed: images behind each measurement of the trace.
        shrunk: whether images are shrunk beforehand.
    """

    def __init__(
        self,
        setup: Setup,
        processes: int,
        fisher: bool,
        device: str,
        probed: int = PROBED,
        shrunk: bool = False,
    ):
        self.setup, self.processes, self.fisher = setup, processes, fisher
        self.device, self.probed = device, probed
        dataset = data.load(setup.data)
        raw, size = data.load_raw(setup.data), setup.data.size
        images = {"train": raw.train_images, "test": raw.test_images}
        if shrunk:
            images["train"] = dataset.to_rgb(dataset.train_images)
            images["test"] = dataset.to_rgb(dataset.test_images)
        self.resize = []
        if images["train"].shape[1] != size:
            self.resize = [transforms.Resize(size)]
        labels = {"train": raw.train_labels, "test": raw.test_labels}
        self.pictures = {
            part: Pictures(images[part], labels[part].tolist()) for part in images
        }
        mean, std = (v.flatten().tolist() for v in (dataset.mean, dataset.std))
        self.to_tensor = [transforms.ToTensor(), transforms.Normalize(mean, std)]
        self.mean_colour = tuple(round(255 * v) for v in mean)

    def sweep(self, runs: Iterable[Run], seed: int) -> list[Spent]:
        """Train each of `runs`, whose only deficit may be blur."""
        return [self.run(run, seed) for run in runs]

    def run(self, run: Run, seed: int) -> Spent:
        """Train one run from scratch."""
        began, spent = time.perf_counter(), Spent()
        setup, s = self.setup, self.setup.schedule
        self.net = models.build(
            setup.model, channels=3, size=setup.data.size, seed=seed
        )
        optimizer = torch.optim.SGD(
            self.net.parameters(), s.lr, s.momentum, weight_decay=s.weight_decay
        )
        torch.manual_seed(seed)
        self.accuracy = []
        for epoch in range(run.epochs):
            for group in optimizer.param_groups:
                group["lr"] = s.lr * s.decay**epoch
            self.epoch(optimizer, run.sees(epoch))
            self.accuracy.append(self.test())
            if self.fisher:
                start = time.perf_counter()
                self.trace()
                spent.fisher += time.perf_counter() - start
        spent.total = time.perf_counter() - began
        return spent

    def loader(self, part: str, steps: list, **options) -> DataLoader:
        """Batches of `part`, through the transforms `steps`."""
        pictures = self.pictures[part]
        pictures.transform = transforms.Compose([*self.resize, *steps, *self.to_tensor])
        return DataLoader(pictures, num_workers=self.processes, **options)

    def blurred(self, deficit) -> list:
        """The blur as torchvision's transforms; [] without a deficit."""
        if not deficit:
            return []
        size = self.setup.data.size
        return [transforms.Resize(size // deficit.factor), transforms.Resize(size)]

    def epoch(self, optimizer: torch.optim.Optimizer, deficit) -> None:
        """Train for one pass over the training set."""
        s, size = self.setup.schedule, self.setup.data.size
        steps = [
            *self.blurred(deficit),
            transforms.RandomCrop(size, padding=s.shift, fill=self.mean_colour),
            *([transforms.RandomHorizontalFlip()] if s.mirror else []),
        ]
        self.deficit = deficit
        criterion = nn.CrossEntropyLoss()
        self.net.train()
        options = {"batch_size": s.batch, "shuffle": True, "drop_last": True}
        for images, labels in self.loader("train", steps, **options):
            images, labels = images.to(self.device), labels.to(self.device)
            optimizer.zero_grad()
            loss = criterion(self.net(images), labels)
            loss.backward()
            optimizer.step()

    @torch.no_grad()
    def test(self) -> float:
        """Accuracy on the test set."""
        self.net.eval()
        right = 0
        for images, labels in self.loader("test", [], batch_size=500):
            images, labels = images.to(self.device), labels.to(self.device)
            right += (self.net(images).argmax(1) == labels).sum().item()
        return right / len(self.pictures["test"])

    def trace(self) -> float:
        """The trace of the Fisher information, image by image."""
        self.net.eval()
        total = 0.0
        loader = self.loader("train", self.blurred(self.deficit), batch_size=1)
        for i, (image, _) in enumerate(loader):
            if i == self.probed:
                break
            total += sum(squared_gradients(self.net, image.to(self.device)))
        return total / self.probed


def squared_gradients(net: nn.Module, image: torch.Tensor) -> list[float]:
    """|grad log p_y|^2 of each layer's weights, y drawn from the answer to `image`."""
    logits = net(image)
    label = torch.distributions.Categorical(logits=logits).sample()
    net.zero_grad()
    nn.functional.cross_entropy(logits, label).backward()
    return [
        module.weight.grad.square().sum().item()
        for module in net.modules()
        if isinstance(module, (nn.Conv2d, nn.Linear))
    ]

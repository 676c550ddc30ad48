"""Exercises of *High-level deficits*: a flip, a renaming, the time to a goal."""

import itertools
import math

import numpy as np
import torch

from .checker import Exercise, Observations, randomly, shaped

IMAGES = 64


def _observe_flip(answer) -> Observations:
    x = torch.rand(IMAGES, 3, 6, 6, generator=randomly(0))
    y = shaped(answer(x), x.shape)
    turned = {
        "turned upside down": x.flip(-2), "left as they are": x,
        "mirrored left to right": x.flip(-1), "given a half turn": x.flip(-2, -1),
    }  # fmt: skip
    seen = []
    for how, other in turned.items():
        hits = np.isclose(y, other.numpy()).all((1, 2, 3))
        words = "all" if hits.all() else "some" if hits.any() else "none"
        seen.append((f"of {IMAGES} images, those {how}:", words))
    return seen


def _by_chance(x: torch.Tensor) -> torch.Tensor:
    chosen = (torch.arange(len(x)) % 2 == 0)[:, None, None, None]  # about half of them
    return torch.where(chosen, x.flip(-2), x)


FLIP = Exercise(
    "high-level-flip",
    reference=lambda x: torch.stack([row for row in x.unbind(-2)][::-1], -2),
    observe=_observe_flip,
    wrong=lambda x: {
        "some-images": _by_chance(x),
        "mirrored": x.flip(-1),
        "half-turn": x.flip(-2, -1),
        "unchanged": x,
    },
)


def _observe_renaming(answer) -> Observations:
    """Observations over many seeds, so that no answer is right by chance."""
    labels = torch.arange(400)[torch.randperm(400, generator=randomly(0))] % 10
    split, doubled, kept, again, rules = [], [], [], [], set()
    for seed in range(40):
        renamed = shaped(answer(labels, seed), labels.shape)
        names = [renamed[labels.numpy() == label] for label in range(10)]
        rule = [values[0] for values in names]
        split.append(any(len(set(values)) > 1 for values in names))
        doubled.append(len(set(rule)) < 10 or not set(rule) <= set(range(10)))
        kept.append(any(name == label for label, name in enumerate(rule)))
        again.append((renamed == answer(labels, seed)).all())
        rules.add(tuple(rule))
    return [
        ("seeds with a class whose images get several names:", _any(split)),
        ("seeds with a name for two classes, or for none:", _any(doubled)),
        ("seeds with a class that keeps its name:", _any(kept)),
        ("the same seed gives the same names twice:", "yes" if all(again) else "no"),
        ("all seeds have the same rule:", "yes" if len(rules) == 1 else "no"),
    ]


def _any(hits: list[bool]) -> str:
    return "some" if any(hits) else "none"


def _cycle(labels: torch.Tensor, seed: int) -> torch.Tensor:
    """Each class gets the name of its successor in a ring of all classes."""
    ring = torch.randperm(10, generator=randomly(seed))
    return ring.roll(-1)[ring.argsort()][labels]


RENAME = Exercise(
    "high-level-rename",
    reference=_cycle,
    observe=_observe_renaming,
    wrong=lambda y, seed: {
        "shuffled": y[torch.randperm(len(y), generator=randomly(seed))],
        "doubled": torch.randint(10, (10,), generator=randomly(seed))[y],
        "kept": torch.randperm(10, generator=randomly(seed))[y],
        "random": _cycle(y, int(torch.randint(10**6, ()))),
        "one-rule": (y + 1) % 10,
    },
)


def _needed(accuracy: np.ndarray, removal: int, goal: float) -> float:
    return _first(accuracy[removal:] >= goal)


def _first(hits: np.ndarray) -> float:
    return int(np.argmax(hits)) if np.any(hits) else math.nan


RISE = np.array([0.1, 0.2, 0.6, 0.3, 0.3, 0.5, 0.7, 0.6, 0.8, 0.8])

LONG = Exercise(
    "high-level-long",
    reference=_needed,
    cases=tuple(itertools.product((RISE,), (0, 3, 6), (0.25, 0.5, 0.75, 0.9))),
    wrong=lambda rise, start, goal: {
        "age": start + _needed(rise, start, goal),
        "under-deficit": _first(rise >= goal) - start,
        "at-once": int(np.argmax(rise[start:] >= goal)),
        "one-more": _needed(rise, start, goal) + 1,
        "beyond": _first(rise[start:] > goal),
    },
)

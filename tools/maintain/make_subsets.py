"""Write cplib/data/subsets/NAME.npz: which images a scale trains and tests on.

    CPLIB_DATA=FOLDER python -m tools.maintain.make_subsets

Only hashes of images are kept, never images. Stored results were trained on the images
listed, in their order: a list may grow at its end, and its beginning stays.
"""

from pathlib import Path

import numpy as np

from cplib._base import console
from cplib.data import published

SUBSETS = Path(published.__file__).parent / "subsets"
# the laptop scale trains on 5,000 images, and one of its studies on four times as many
COUNTS = {
    "cifar10": {"train": 20_000, "test": 10_000},
    "mnist": {"train": 5_000, "test": 10_000},
}


def main() -> None:
    for source in (published.CIFAR10, published.MNIST):
        name, raw = source.name, source.all()
        path = SUBSETS / f"{name}.npz"
        with np.load(path, allow_pickle=False) as listed:
            chosen = {
                kind: extend(listed[kind], getattr(raw, f"{kind}_images"), count)
                for kind, count in COUNTS[name].items()
            }
        np.savez(path, **chosen)
        print(name, {kind: len(hashes) for kind, hashes in chosen.items()})


def extend(listed: np.ndarray, images: np.ndarray, count: int) -> np.ndarray:
    """`listed`, followed by hashes of further `images`, each once, up to `count`."""
    hashes = np.concatenate([listed, published.image_hashes(images)])
    _, firsts = np.unique(hashes, return_index=True)
    extended = hashes[np.sort(firsts)[:count]]
    if len(extended) < count or not np.array_equal(extended[: len(listed)], listed):
        raise SystemExit(f"Only {len(extended)} of {count} images, or another order.")
    return extended


if __name__ == "__main__":
    console.run(main)

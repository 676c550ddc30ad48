"""Write cplib/subsets/NAME.npz: which images the laptop scale trains and tests on.

    CPLIB_DATA=FOLDER python -m tools.maintain.make_subsets

Only hashes of images are kept, never images. The lists were made once, from the first
images of a partial copy of each set; making them again changes every stored result.
"""

from pathlib import Path

import numpy as np

from cplib._base import console
from cplib.data import datasets

SUBSETS = Path(datasets.__file__).parent / "subsets"
# 5,000 images are the laptop scale; one of its studies trains on four times as many
TRAIN, TEST = {"cifar10": 20_000, "mnist": 5_000}, 2_000


def main() -> None:
    for name in datasets.DOWNLOADED:
        raw = datasets._stored(name)
        chosen = {}
        for kind, count in (("train", TRAIN[name]), ("test", TEST)):
            images = getattr(raw, f"{kind}_images")
            hashes = datasets.image_hashes(images)
            _, firsts = np.unique(hashes, return_index=True)  # no duplicates
            chosen[kind] = hashes[np.sort(firsts)[:count]]
        np.savez(SUBSETS / f"{name}.npz", **chosen)
        print(name, {kind: len(hashes) for kind, hashes in chosen.items()})


if __name__ == "__main__":
    console.run(main)

"""Write cplib/subsets/NAME.npz: which images the laptop scale trains and tests on.

    CPLIB_DATA=FOLDER python tools/make_subsets.py

Only hashes of images are kept, never images. The lists were made once, from the first
images of a partial copy of each set; making them again changes every stored result.
"""

from pathlib import Path

import numpy as np

from cplib import console, data

SUBSETS = Path(data.__file__).parent / "subsets"
# 5,000 images are the laptop scale; one of its studies trains on four times as many
TRAIN, TEST = {"cifar10": 20_000, "mnist": 5_000}, 2_000


def main() -> None:
    for name in data.DOWNLOADED:
        raw = data._stored(name)
        chosen = {}
        for kind, count in (("train", TRAIN[name]), ("test", TEST)):
            images = getattr(raw, f"{kind}_images")
            hashes = data.image_hashes(images)
            _, firsts = np.unique(hashes, return_index=True)  # no duplicates
            chosen[kind] = hashes[np.sort(firsts)[:count]]
        np.savez(SUBSETS / f"{name}.npz", **chosen)
        print(name, {kind: len(hashes) for kind, hashes in chosen.items()})


if __name__ == "__main__":
    console.run(main)

"""CIFAR-10's archive, which holds pickles, read so that nothing in it can be executed.

A pickle may name any function and have it called. CIFAR-10 is published as pickled
dictionaries of one array and some lists. They are read from an archive whose checksum
was right (`download.fetch`), and all the same by an unpickler that knows arrays only.
"""

from __future__ import annotations

import pickle
import tarfile
from pathlib import Path

import numpy as np

from ..errors import DataError

__all__ = ["cifar10"]

# all that an array in a pickle asks for; NumPy 2 renamed a module
KNOWN = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
}


class Arrays(pickle.Unpickler):
    """Unpickles numbers, texts, lists, dictionaries and NumPy arrays of these."""

    def find_class(self, module: str, name: str):
        """The one thing behind `name`, if it is known; else `DataError`."""
        if (module, name) not in KNOWN:
            raise DataError(f"it asks for {module}.{name}, which no array needs")
        return KNOWN[module, name]


def cifar10(archive: Path) -> list[np.ndarray]:
    """Training images, training labels, test images and test labels, uint8.

    Args:
        archive: `cifar-10-python.tar.gz`, whole and verified.

    Returns:
        Images of shape (N, 32, 32, 3) and labels of shape (N,).

    Raises:
        DataError: a file of the archive asks for more than arrays.
    """
    from torchvision.datasets import CIFAR10

    found = []
    with tarfile.open(archive) as tar:
        for names in (CIFAR10.train_list, CIFAR10.test_list):
            parts = [_batch(tar, f"{CIFAR10.base_folder}/{name}") for name, _ in names]
            pixels = np.concatenate([part["data"] for part in parts])
            images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            labels = np.concatenate([part["labels"] for part in parts])
            found += [np.asarray(images, np.uint8), labels.astype(np.uint8)]
    return found


def _batch(tar: tarfile.TarFile, name: str) -> dict:
    with tar.extractfile(name) as file:
        return Arrays(file, encoding="latin1").load()  # as Python 2 wrote them

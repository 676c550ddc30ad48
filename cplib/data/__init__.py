"""Images: sets that are downloaded, shipped or procedural, as normalised tensors."""

from .datasets import (
    CIFAR10_MEAN,
    CIFAR10_STD,
    NAMES,
    Dataset,
    DataSpec,
    Raw,
    ensure,
    image_hashes,
    load_raw,
    prepare,
)  # fmt: skip

__all__ = [
    "CIFAR10_MEAN", "CIFAR10_STD", "NAMES", "DataSpec", "Dataset", "Raw", "ensure",
    "image_hashes", "load_raw", "prepare",
]  # fmt: skip

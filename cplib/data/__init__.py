"""Images: sets that are downloaded, shipped, procedural or the reader's own."""

from .datasets import Augmented, Dataset, load, load_raw
from .source import DataSpec, Raw, Source, folder, register

__all__ = [
    "Augmented", "DataSpec", "Dataset", "Raw", "Source", "folder", "load", "load_raw",
    "register",
]  # fmt: skip

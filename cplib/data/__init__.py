"""Images: sets that are downloaded, shipped, procedural or the reader's own."""

from .datasets import Dataset, load, load_raw
from .folder import folder
from .source import DataSpec, Raw, Source, register

__all__ = [
    "DataSpec", "Dataset", "Raw", "Source", "folder", "load", "load_raw", "register",
]  # fmt: skip

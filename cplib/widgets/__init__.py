"""Explore results, with and without a kernel."""

from . import predict
from .explorer import Explorer, explore
from .front import front_page
from .laboratory import Laboratory, laboratory
from .questions import ask

__all__ = [
    "Explorer", "Laboratory", "ask", "explore", "front_page", "laboratory", "predict",
]  # fmt: skip

"""Explore results, with and without a kernel."""

from . import predict
from .cover import FrontPage, front_page
from .explorer import Explorer, explore

__all__ = ["Explorer", "FrontPage", "explore", "front_page", "predict"]

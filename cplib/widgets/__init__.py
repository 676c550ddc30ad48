"""Explore results, with and without a kernel."""

from . import predict
from .cover import FrontPage, front_page
from .explorer import TimingExplorer, explore

__all__ = ["FrontPage", "TimingExplorer", "explore", "front_page", "predict"]

"""Explore results, with and without a kernel."""

from . import predict
from .cover import FrontPage, front_page
from .explorer import Explorer, explore
from .questions import ask

__all__ = ["Explorer", "FrontPage", "ask", "explore", "front_page", "predict"]

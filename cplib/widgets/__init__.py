"""Explore results, with and without a kernel."""

from .explorer import TimingExplorer, timing

__all__ = ["TimingExplorer", "timing"]

"""Compute a study: segments of training on any executor, resumable."""

from .sweep import Trained, pending, run

__all__ = ["Trained", "pending", "run"]

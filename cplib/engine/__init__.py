"""Compute a study: segments of training on any executor, resumable."""

from .sweep import Trained, check_seeds, pending, run

__all__ = ["Trained", "check_seeds", "pending", "run"]

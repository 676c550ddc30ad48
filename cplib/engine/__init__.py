"""Compute a study: segments of training on any executor, resumable.

A run is a function of (setup, deficits, seed) alone: bit for bit on the same kind of
processor, device, PyTorch and data, with one process or many, killed at any moment and
restarted. `book/how-built.md` says what else the engine guarantees.
"""

from .sweep import Trained, pending, run

__all__ = ["Trained", "pending", "run"]

"""Train the segments of a study, on any executor, resumably.

A run is a function of (setup, deficits, seed) alone: bit for bit on the same kind of
processor, device, PyTorch and data, with one process or many, even if it was killed and
restarted. `book/how-built.md` lists what else the engine guarantees.
"""

from .sweep import Trained, pending, run

__all__ = ["Trained", "pending", "run"]

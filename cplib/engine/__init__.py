"""Compute a study: segments of training on any executor, resumable.

The rules that the engine keeps:

- A run is a function of (setup, deficits, seed) alone: bit for bit on the same kind of
  processor, device, PyTorch and data; on another kind it is the same experiment with
  other rounding. Provenance names them all, and `results.verify` compares digits where
  they match and distributions where they do not.
- The learning rate depends on the absolute epoch (and, for a restart, on when the
  deficit ended). Momentum and batch-norm statistics travel with the checkpoint.
- Windows are half-open. The test set is never augmented, blurred or flipped.
- Training uses one thread, in a reader's kernel too, and none of the caller's settings
  of PyTorch.
- Files are written whole or not at all, checksummed, and never unpickled.
- One sweep at a time trains in a cache folder, and another waits for it. With one
  process or many, killed at any moment and restarted: the same numbers, and nothing
  finished is trained again.
"""

from .sweep import Trained, pending, run

__all__ = ["Trained", "pending", "run"]

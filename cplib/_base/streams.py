"""Random streams keyed by purpose, so that a run is a function of its seed."""

import hashlib

import torch

from . import plain


def stream(seed: int, purpose: str, epoch: int = 0) -> torch.Generator:
    """A CPU generator that depends on (seed, purpose, epoch) alone.

    All randomness of a run comes from such streams, so that a run that forks from a
    checkpoint sees the same batches, bit for bit, as one trained from scratch.
    """
    seed = plain.seed(seed)
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)

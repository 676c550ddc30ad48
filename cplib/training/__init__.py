"""One training run: setup, state, and the loop between them."""

from .loop import advance, evaluate, start, train
from .setup import Cosine, Cyclic, Rate, Readout, Restart, Schedule, Setup
from .state import DECIMALS, METRICS, NUMERICS, State, notes_of, restore, tables_of

__all__ = [
    "DECIMALS", "METRICS", "NUMERICS", "Cosine", "Cyclic", "Rate", "Readout", "Restart",
    "Schedule", "Setup", "State", "advance", "evaluate", "notes_of", "restore", "start",
    "tables_of", "train",
]  # fmt: skip

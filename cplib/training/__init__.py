"""One training run: setup, state, and the loop between them."""

from .loop import (
    DECIMALS,
    METRICS,
    NUMERICS,
    Schedule,
    Setup,
    State,
    evaluate,
    notes_of,
    restore,
    start,
    tables_of,
    train,
)  # fmt: skip

__all__ = [
    "DECIMALS", "METRICS", "NUMERICS", "Schedule", "Setup", "State", "evaluate",
    "notes_of", "restore", "start", "tables_of", "train",
]  # fmt: skip

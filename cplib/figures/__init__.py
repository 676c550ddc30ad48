"""Draw results: panels with captions, alt text and their numbers."""

from .sweeps import (
    comparison,
    draw,
    origin,
    origins,
    removal_sweep,
    timing_map,
    together,
    window_sweep,
)  # fmt: skip

__all__ = [
    "comparison", "draw", "origin", "origins", "removal_sweep", "timing_map",
    "together", "window_sweep",
]  # fmt: skip

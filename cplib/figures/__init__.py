"""Draw results: panels with captions, alt text and their numbers."""

from . import animals, fisher, stimuli
from .panel import Panel
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
    "Panel", "animals", "comparison", "draw", "fisher", "origin", "origins",
    "removal_sweep", "stimuli", "timing_map", "together", "window_sweep",
]  # fmt: skip

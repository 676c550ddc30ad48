"""Draw results: panels with captions, alt text and their numbers."""

from . import animals, fisher, stimuli
from .captions import origin
from .curves import after, during, time_left
from .panel import Panel
from .shapes import comparison, draw, timing_map
from .sweeps import removal_sweep, together, window_sweep

__all__ = [
    "Panel", "after", "animals", "comparison", "draw", "during", "fisher", "origin",
    "removal_sweep", "stimuli", "time_left", "timing_map", "together", "window_sweep",
]  # fmt: skip

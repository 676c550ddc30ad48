"""Draw results: panels with captions, alt text and their numbers."""

from . import animals, fisher, stimuli
from .captions import origin
from .overview import TRIANGLES, triangles, worth
from .panel import Panel
from .poster import poster
from .shapes import comparison, draw, timing_map
from .sweeps import removal_sweep, together, window_sweep

__all__ = [
    "TRIANGLES", "Panel", "animals", "comparison", "draw", "fisher", "origin",
    "poster",
    "removal_sweep", "stimuli", "timing_map", "together", "triangles", "window_sweep",
    "worth",
]  # fmt: skip

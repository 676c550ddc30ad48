"""Draw results: panels with captions, alt text and their numbers."""

from . import animals, fisher, stimuli
from .captions import origin
from .curves import after, during, time_left
from .overview import TRIANGLES, triangles, worth
from .panel import Panel
from .paper import beside_paper, described, figure_1
from .poster import poster
from .shapes import comparison, draw, timing_map
from .sweeps import removal_sweep, together, window_sweep

__all__ = [
    "TRIANGLES", "Panel", "after", "animals", "beside_paper", "comparison", "described",
    "draw", "during", "figure_1", "fisher", "origin", "poster", "removal_sweep",
    "stimuli", "time_left", "timing_map", "together", "triangles", "window_sweep",
    "worth",
]  # fmt: skip

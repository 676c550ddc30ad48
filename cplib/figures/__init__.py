"""Draw results: panels with captions, alt text and their numbers."""

from . import animals, curves, fisher, stimuli
from .captions import origin
from .overview import TRIANGLES, triangles, worth
from .panel import Panel
from .paper import beside_paper, figure_1
from .poster import poster
from .shapes import comparison, draw, timing_map
from .sweeps import removal_sweep, together, window_sweep

__all__ = [
    "TRIANGLES", "Panel", "animals", "beside_paper", "comparison", "curves", "draw",
    "figure_1", "fisher", "origin", "poster", "removal_sweep", "stimuli", "timing_map",
    "together", "triangles", "window_sweep", "worth",
]  # fmt: skip

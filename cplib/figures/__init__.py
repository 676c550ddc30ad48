"""Draw results: panels with captions, alt text and their numbers."""

from . import animals, curves, fisher, layers, stimuli, unseen
from .captions import origin
from .overview import TRIANGLES, triangles, worth
from .panel import Panel
from .paper import beside_paper, figure_1
from .poster import poster
from .shapes import draw
from .sweeps import removal_sweep, together, window_sweep

__all__ = [
    "TRIANGLES", "Panel", "animals", "beside_paper", "curves", "draw", "figure_1",
    "fisher", "layers", "origin", "poster", "removal_sweep", "stimuli", "together",
    "triangles", "unseen", "window_sweep", "worth",
]  # fmt: skip

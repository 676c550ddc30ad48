"""Fisher information of the weights: its trace, by three estimators."""

from .backward import Probe, single_backward, trace
from .estimate import Estimate, layers
from .noise import noise_injection

__all__ = ["Estimate", "Probe", "layers", "noise_injection", "single_backward", "trace"]

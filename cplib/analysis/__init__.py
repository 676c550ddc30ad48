"""Analyse results: effects, statistics, fits, and verdicts on claims."""

from . import biology
from .claims import Scorecard, claim, say, scorecard
from .effects import Effect, effect, interval
from .findings import Finding
from .fits import double_exponential, fit_double_exponential, fit_exponential
from .sensitivity import sensitivities, shares, shares_at, trace_curve

__all__ = [
    "Effect", "Finding", "Scorecard", "biology", "claim", "double_exponential",
    "effect", "fit_double_exponential", "fit_exponential", "interval", "say",
    "scorecard", "sensitivities", "shares", "shares_at", "trace_curve",
]  # fmt: skip

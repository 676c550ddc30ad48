"""The exercises of the chapters, checked by what an answer does."""

from .registry import EXERCISES, check

__all__ = ["EXERCISES", "check"]

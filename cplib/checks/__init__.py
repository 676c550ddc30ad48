"""The checked exercises, a module for each chapter."""

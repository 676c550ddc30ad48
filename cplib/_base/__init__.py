"""Foundations of all rooms: console, files, locks, devices, random streams."""

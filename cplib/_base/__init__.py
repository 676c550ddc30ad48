"""Foundations of all rooms: console, files, devices, random streams."""

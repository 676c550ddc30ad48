"""What every room stands on: console, files, locks, devices, random streams."""

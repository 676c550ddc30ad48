"""`gratings`: a procedural image set whose labels are encoded at two scales.

The class c of an image is encoded twice: *finely*, as the orientation pi*c/10 of a
grating near 0.32 cycles per pixel (a blur by a factor of 4 erases it), and *coarsely*,
as the hue 2*pi*c/10 of the soft blob that carries the grating (which survives a blur).
Both are jittered, so that neither alone suffices, and added to 1/f noise, the spectrum
of natural images. Their amplitudes are arguments.
"""

import math

import numpy as np

from .._base import plain
from ..errors import InputError

CLASSES = 10
CYCLES_PER_PIXEL, CYCLES_SPREAD = 0.32, 0.04
GREY, CONTRAST = 128.0, 32.0  # mean and standard deviation of the 8-bit images


def make_gratings(
    count: int,
    seed: int,
    *,
    size: int = 16,
    fine: float = 0.6,
    coarse: float = 1.0,
    noise: float = 1.0,
    jitter_fine: float = 0.12,
    jitter_coarse: float = 1.2,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` labelled images, a function of the arguments alone.

    Args:
        count, seed, size: number and seed of the images, and their side in pixels.
        fine, coarse, noise: amplitudes of the grating, of the hue and of the
            background, relative to each other.
        jitter_fine, jitter_coarse: standard deviations, in radians, of orientation
            and hue around their class's value.

    Returns:
        Images, uint8 of shape (count, size, size, 3), with mean 128 and standard
        deviation 32 before rounding, and labels, uint8 of shape (count,).

    Raises:
        InputError: for a negative amplitude or jitter, or amplitudes all zero.
    """
    count = plain.whole("gratings: count", count, 1)
    size = plain.whole("gratings: size", size, 1)
    given = {"fine": fine, "coarse": coarse, "noise": noise}
    given |= {"jitter_fine": jitter_fine, "jitter_coarse": jitter_coarse}
    for name, value in given.items():
        plain.number(f"gratings: {name}", value)
    if fine == coarse == noise == 0:
        raise InputError("gratings: fine, coarse and noise are all 0; raise one.")
    random = np.random.default_rng([plain.seed(seed), size])
    labels = random.integers(0, CLASSES, count)
    blob = _blobs(random, count, size)  # (N, H, W)
    theta = math.pi * labels / CLASSES + jitter_fine * random.standard_normal(count)
    hue = 2 * math.pi * labels / CLASSES + jitter_coarse * random.standard_normal(count)
    # one hue, three channels 120 degrees apart
    colour = np.cos(hue[:, None] + 2 * math.pi / 3 * np.array([0, -1, 1]))  # (N, 3)
    image = noise * _background(random, count, size)  # (N, H, W, 3)
    image += coarse * colour[:, None, None] * blob[..., None]
    image += fine * (_waves(random, theta, size) * blob)[..., None]
    pixels = GREY + CONTRAST * image / image.std()
    return pixels.round().clip(0, 255).astype(np.uint8), labels.astype(np.uint8)


def _each(values: np.ndarray) -> np.ndarray:
    return values[:, None, None]  # (N,) -> (N, 1, 1)


def _blobs(random: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Gaussian bumps of random place and width, (N, H, W), peak 1."""
    row, column = np.mgrid[:size, :size]
    y, x = size * random.uniform(0.25, 0.75, (2, count))
    width = size * random.uniform(0.18, 0.30, count)
    square = (row - _each(y)) ** 2 + (column - _each(x)) ** 2
    return np.exp(-square / (2 * _each(width) ** 2))


def _waves(random: np.random.Generator, theta: np.ndarray, size: int) -> np.ndarray:
    """Sine gratings of orientation `theta` and random phase, (N, H, W)."""
    row, column = np.mgrid[:size, :size]
    count = len(theta)
    cycles = CYCLES_PER_PIXEL + CYCLES_SPREAD * random.standard_normal(count)
    phase = 2 * math.pi * random.random(count)
    along = _each(np.cos(theta)) * column + _each(np.sin(theta)) * row
    return np.sin(2 * math.pi * _each(cycles) * along + _each(phase))


def _background(random: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Noise with a 1/f amplitude spectrum, (N, H, W, 3), unit standard deviation."""
    frequency = np.fft.fftfreq(size)
    radius = np.hypot(frequency[:, None], frequency[None])
    radius = np.maximum(radius, 1 / size)[:, :, None]  # the mean as the slowest wave
    white = random.standard_normal((count, size, size, 3))
    pink = np.fft.ifft2(np.fft.fft2(white, axes=(1, 2)) / radius, axes=(1, 2)).real
    return pink / pink.std()

"""The exponential that ties the Fisher information to the sensitivity to a deficit.

Achille, Rovere and Soatto (Materials and Methods; Figure 4, left) fit

    F(t) = a * exp(c * S(t)) + b,

F: trace of the Fisher information at epoch t of a network trained without deficit;
S: sensitivity to a deficit in a window that begins at t, as a loss of final accuracy
or an increase of error (in points). `a` and `b` are in units of F, `c` is per point.

**What the data can tell.** As c nears 0 the curve nears a straight line, which a and b
can only follow by growing without bound and cancelling; for large c it is a step that
touches the outermost point alone. |c| times the range of S is therefore kept between
LEAST and MOST, and a fit that ends there, or whose c has an interval that includes 0,
is called `degenerate`. Its curve and band can be read, its a, b and c cannot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import t as student

from cplib.analysis.fits import FitError, checked

__all__ = ["ExponentialFit", "fit_exponential"]

# Bounds of |c| times the range of s, and the rates between them that are tried.
LEAST, MOST = 1e-3, 30.0
GRID = np.geomspace(LEAST, MOST, 60)


@dataclass(frozen=True, eq=False)
class ExponentialFit:
    """A fitted F = a * exp(c * S) + b with its confidence band.

    Attributes:
        params: `a` and `b` in the units of F, `c` per unit of S.
        error: standard error of each (delta method); inf where the data say nothing.
        level: confidence level of `band`, pointwise.
        n, r2: number of points; 1 - (weighted) residual / total sum of squares.
        r2_linear: the same for a straight line through the same points. Three
            parameters follow any points at least as closely as two (to within the
            bound on c), so only a clear gain over `r2_linear` speaks for the curve.
        degenerate: c lies at a bound of the search, or its interval includes 0.
    """

    params: dict[str, float]
    error: dict[str, float]
    level: float
    n: int
    r2: float
    r2_linear: float
    degenerate: bool
    _anchor: float = field(repr=False)  # the s where the exponential is largest
    _height: float = field(repr=False)  # its height there
    _cov: np.ndarray = field(repr=False)  # (3, 3), in the coordinates of `_slopes`

    def predict(self, s) -> np.ndarray:
        """The fitted curve at sensitivities `s` (any shape), in the units of F."""
        gap = np.asarray(s, dtype=float) - self._anchor
        return self.params["b"] + self._height * np.exp(self.params["c"] * gap)

    def band(self, s) -> tuple[np.ndarray, np.ndarray]:
        """Pointwise confidence limits (low, high) of the curve at sensitivities `s`.

        Delta method: var F = J cov J', with Student's t of n - 3 degrees of freedom.
        The band is for the mean curve, not for single epochs. It takes the points as
        independent and `s` as exact, though neighbouring epochs resemble each other
        and sensitivities are measured too: with real data it is rather too narrow.
        """
        gap = np.asarray(s, dtype=float) - self._anchor
        slope = _slopes(gap, self.params["c"])  # s.shape + (3,)
        variance = np.einsum("...i,ij,...j->...", slope, self._cov, slope)
        quantile = student.ppf(0.5 + self.level / 2, self.n - 3)
        half = quantile * np.sqrt(np.maximum(variance, 0.0))
        return self.predict(s) - half, self.predict(s) + half


def fit_exponential(
    s: Sequence[float],
    f: Sequence[float],
    *,
    sigma: Sequence[float] | None = None,
    level: float = 0.95,
) -> ExponentialFit:
    """Fit F = a * exp(c * S) + b by least squares (variable projection).

    For a given c the best a and b follow from linear regression, so that the search
    is over c alone: a grid of both signs, then a refinement around its best rate.

    Args:
        s: (n,) sensitivities in points, at least five, of which four are different.
        f: (n,) traces of the Fisher information, in any unit.
        sigma: (n,) errors of `f`; only their ratios count, as weights of the points,
            for the noise level itself is estimated from the residuals.
        level: confidence level of the band, between 0 and 1.

    Raises:
        InputError: too few points, unequal lengths, nan, or values not numbers.
        FitError: the `s` are too clustered, or too far from 0, to tell a, b and c.
    """
    s, f, sigma = checked(
        s, f, sigma, level, names=("s", "f", "sensitivities"), parameters=3
    )
    weight = (sigma.min() / sigma) ** 2
    weight /= weight.sum()
    span, size = float(np.ptp(s)), float(np.ptp(f))
    u, z = (s - s.min()) / span, f / size
    rate = _search(u, z, weight)
    base, height, loss = (float(x[0]) for x in _project(np.array([rate]), u, z, weight))
    loss_linear = float(_regress(u[None], z, weight)[2][0])
    base, height = size * base, size * height
    anchor, c = float(s.max() if rate > 0 else s.min()), rate / span
    cov = size**2 * loss / (s.size - 3) * _inverse(_slopes(s - anchor, c), weight)
    params, error = _natural(base, height, c, anchor, cov)
    total = float(np.sum(weight * (z - z @ weight) ** 2))
    quantile = student.ppf(0.5 + level / 2, s.size - 3)
    at_bound = not 1.01 * LEAST < abs(rate) < MOST / 1.01
    return ExponentialFit(
        params=params,
        error=error,
        level=level,
        n=s.size,
        r2=1 - loss / total,
        r2_linear=1 - loss_linear / total,
        degenerate=bool(at_bound or quantile * error["c"] > abs(c)),
        _anchor=anchor,
        _height=height,
        _cov=cov,
    )


def _slopes(gap, c) -> np.ndarray:
    """Derivatives of b + h * exp(c * gap), gap = s - anchor, along the last axis.

    They are by b, h and h * c (at fixed h). The last keeps them independent of h, so
    that the band stays finite where h is 0 and c could be anything.
    """
    basis = np.exp(c * gap)
    return np.stack([np.ones_like(basis), basis, gap * basis], axis=-1)


def _regress(basis, f, weight) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intercept, slope and weighted loss of `f` (n,) on each row of `basis` (m, n)."""
    mean, middle = basis @ weight, f @ weight
    x, y = basis - mean[:, None], f - middle
    slope = (x * y) @ weight / (x**2 @ weight)
    loss = (y - slope[:, None] * x) ** 2 @ weight
    return middle - slope * mean, slope, loss


def _project(rates, u, f, weight) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Best b, height of the exponential, and loss, for each of `rates` (m,).

    The exponential is 1 where it is largest (u = 1 if it grows, else u = 0), for
    else large rates would overflow.
    """
    anchor = (rates > 0).astype(float)
    return _regress(np.exp(rates[:, None] * (u - anchor[:, None])), f, weight)


def _search(u, f, weight) -> float:
    """The rate c (per range of s) with the least loss, of either sign."""
    grid = np.concatenate([-GRID, GRID])
    losses = _project(grid, u, f, weight)[2]
    best = int(losses.argmin())
    sign, place = np.sign(grid[best]), best % GRID.size
    around = GRID[[max(place - 1, 0), min(place + 1, GRID.size - 1)]]
    fit = minimize_scalar(
        lambda x: _project(np.array([sign * np.exp(x)]), u, f, weight)[2][0],
        bounds=np.log(around),
        method="bounded",
        options={"xatol": 1e-10},
    )
    # the refinement never quite reaches a bound, where the grid may be better
    return float(sign * np.exp(fit.x) if fit.fun < losses[best] else grid[best])


def _inverse(slopes, weight) -> np.ndarray:
    """(J' W J)^-1 (3, 3) of the slopes J (n, 3), their columns first made alike."""
    rows = slopes * np.sqrt(weight)[:, None]
    size = np.linalg.norm(rows, axis=0)
    triangle = np.linalg.qr(rows / size, mode="r")
    if np.abs(np.diag(triangle)).min() < 1e-12:
        trouble = "the s cluster at fewer than 3 places, which leaves c undetermined"
        raise FitError(f"{trouble}: give sensitivities in between")
    root = np.linalg.inv(triangle) / size[:, None]
    return root @ root.T


def _natural(base, height, c, anchor, cov) -> tuple[dict, dict]:
    """a, b and c with their standard errors, from the coordinates of `_slopes`."""
    with np.errstate(over="ignore"):
        shrink = np.exp(-c * anchor)
        a = float(height * shrink)
    if shrink == 0 or not np.isfinite(a):
        trouble = f"a cannot be computed, for s near {anchor:g} is too far from 0"
        raise FitError(f"{trouble}: subtract {anchor:g} from every s")
    by_a = np.array([0.0, 1.0, -anchor])
    spread = np.sqrt(np.maximum([by_a @ cov @ by_a, cov[0, 0], cov[2, 2]], 0.0))
    error = {
        "a": float(shrink * spread[0]),
        "b": float(spread[1]),
        "c": float(spread[2] / abs(height)) if height else float("inf"),
    }
    return {"a": a, "b": base, "c": c}, error

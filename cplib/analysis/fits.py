"""The double exponential that the paper fits to curves from animals.

Achille, Rovere and Soatto (Materials and Methods) fit sensitivity curves and synaptic
density profiles with a four-parameter curve after Banks, Aslin and Letson (1975),

    f(t) = exp(-(t - d) / tau1) - k * exp(-(t - d) / tau2),        t: age in days.

**What the data can tell.** For data in other units there is an amplitude `scale` in
front: five parameters, but only four identifiable numbers A, B, tau1, tau2, because

    scale * f(t) = A * exp(-t / tau1) - B * exp(-t / tau2),
    A = scale * exp(d / tau1),   B = scale * k * exp(d / tau2).

So one parameter must be fixed. `free_scale=True` fixes `d` at the first age, where the
value is then `scale * (1 - k)`. `free_scale=False` fixes `scale` at 1, as in the paper,
and frees `d`: the amplitude then hides in `d`, which is no age of onset. Both give the
same curve and band; single parameters can be far less certain than either (as tau1
nears tau2, `scale` and `k` trade off freely).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import curve_fit
from scipy.stats import t as student

from cplib._base import plain
from cplib.errors import CplibError, InputError

__all__ = ["Fit", "FitError", "double_exponential", "fit_double_exponential"]

NAMES = ("scale", "d", "tau1", "tau2", "k")
# Bounds of the search: start, rise, log(tau2 / range of ages), log(tau1 / tau2).
LOWER = np.array([-np.inf, -np.inf, np.log(0.01), np.log(1.05)])
UPPER = np.array([np.inf, np.inf, np.log(10.0), np.log(1000.0)])


class FitError(CplibError):
    """A curve that could not be fitted although the input is well formed."""


def double_exponential(t, scale=1.0, d=0.0, tau1=40.0, tau2=15.0, k=1.0) -> np.ndarray:
    """scale * (exp(-(t - d) / tau1) - k * exp(-(t - d) / tau2)), the shape of `t`.

    `t`, the shift `d` and the time constants (tau1 the slow one) are in days, `scale`
    is in the units of the data (1 in the paper), `k` weighs the fast exponential.
    """
    age = np.asarray(t, dtype=float) - d
    return scale * (np.exp(-age / tau1) - k * np.exp(-age / tau2))


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted double exponential with its confidence band.

    Attributes:
        params: `scale`, `d`, `tau1` > `tau2` (days) and `k` of `double_exponential`.
        stderr: standard error of each; 0 for the one held fixed.
        free: names of the four fitted parameters, in the order of `cov`.
        cov: (4, 4) covariance of the free parameters (delta method).
        level: confidence level of `band`, pointwise.
        n, r2: number of points; 1 - (weighted) residual / total sum of squares.
    """

    params: dict[str, float]
    stderr: dict[str, float]
    free: tuple[str, ...]
    cov: np.ndarray
    level: float
    n: int
    r2: float
    _theta: np.ndarray = field(repr=False)  # coordinates of `_curve`
    _theta_cov: np.ndarray = field(repr=False)
    _units: tuple[float, float, float] = field(repr=False)

    def predict(self, t) -> np.ndarray:
        """The fitted curve at ages `t` (days, any shape), in the units of the data."""
        origin, span, size = self._units
        s = (np.asarray(t, dtype=float) - origin) / span
        return size * _curve(s, *self._theta)

    def band(self, t) -> tuple[np.ndarray, np.ndarray]:
        """Pointwise confidence limits (low, high) of the curve at ages `t`.

        Delta method: var f = J cov J', with Student's t of n - 4 degrees of freedom.
        The band is for the mean curve, not for single animals, and does not ask
        whether a double exponential is the right curve, least of all beyond the data.
        """
        origin, span, size = self._units
        s = (np.asarray(t, dtype=float) - origin) / span
        slope = _jacobian(lambda p: _curve(s, *p), self._theta)  # t.shape + (4,)
        variance = np.einsum("...i,ij,...j->...", slope, self._theta_cov, slope)
        quantile = student.ppf(0.5 + self.level / 2, self.n - len(self.free))
        half = quantile * size * np.sqrt(np.maximum(variance, 0.0))
        return self.predict(t) - half, self.predict(t) + half

    @property
    def peak_age(self) -> float:
        """Age of the maximum (days); nan if the curve has none within the data."""
        p, (origin, span, _) = self.params, self._units
        ratio = p["k"] * p["tau1"] / p["tau2"]
        if not (ratio > 0 and p["scale"] > 0):
            return float("nan")
        peak = p["d"] + np.log(ratio) / (1 / p["tau2"] - 1 / p["tau1"])
        return float(peak) if origin < peak < origin + span else float("nan")


def fit_double_exponential(
    t: Sequence[float],
    y: Sequence[float],
    *,
    sigma: Sequence[float] | None = None,
    level: float = 0.95,
    free_scale: bool = True,
    seed: int = 0,
) -> Fit:
    """Fit `double_exponential` by least squares from several starting points.

    Args:
        t: (n,) ages in days, at least five points and four different ages.
        y: (n,) measured values, in any unit.
        sigma: (n,) errors of `y`; only their ratios count, as weights of the points,
            for the noise level itself is estimated from the residuals.
        level: confidence level of the band, between 0 and 1.
        free_scale: fix `d` at min(t) and fit `scale` (True), or fix `scale` at 1 as in
            the paper and fit `d` (False). The curve and the band are the same.
        seed: seeds the small jitter of the starting points.

    Raises:
        InputError: too few points, unequal lengths, nan, or values not numbers.
        FitError: no starting point converged, or `scale=1` cannot hold the curve.
    """
    t, y, weight = checked(t, y, sigma, level)
    units = float(t.min()), float(np.ptp(t)), float(np.abs(y).max())
    s, z = (t - units[0]) / units[1], y / units[2]
    theta, theta_cov = _search(s, z, weight, np.random.default_rng(plain.seed(seed)))
    params, free, cov = _natural(theta, theta_cov, units, free_scale)
    spread = np.sqrt(np.maximum(np.diag(cov), 0.0)).tolist()
    error = dict.fromkeys(NAMES, 0.0) | dict(zip(free, spread, strict=True))
    mean = np.average(z, weights=weight**-2)
    r2 = 1 - float(_loss(theta, s, z, weight) / np.sum(((z - mean) / weight) ** 2))
    return Fit(params, error, free, cov, level, t.size, r2, theta, theta_cov, units)


def _curve(s, start, rise, log_tau2, log_ratio) -> np.ndarray:
    """The curve, in coordinates whose parts stay distinct as tau1 nears tau2."""
    rate1 = np.exp(-log_tau2 - log_ratio)
    gap = rate1 * np.expm1(log_ratio)  # 1/tau2 - 1/tau1 > 0: tau1 is the slow one
    return np.exp(-s * rate1) * (start - rise * np.expm1(-s * gap) / gap)


def _loss(theta, s, z, weight) -> float:
    return np.sum(((z - _curve(s, *theta)) / weight) ** 2)


def _starts(s, z, weight, rng) -> list[np.ndarray]:
    """The three best of a grid of time constants, their amplitudes solved linearly."""
    starts = []
    for tau in np.log([(a, b) for a in (0.03, 0.1, 0.3, 1.0) for b in (1.2, 2, 5, 30)]):
        tau = tau + rng.normal(0, 0.02, 2)
        parts = np.stack([_curve(s, 1, 0, *tau), _curve(s, 0, 1, *tau)]) / weight
        linear, *_ = np.linalg.lstsq(parts.T, z / weight, rcond=None)
        starts.append(np.concatenate([linear, tau]))
    return sorted(starts, key=lambda theta: _loss(theta, s, z, weight))[:3]


def _search(s, z, weight, rng) -> tuple[np.ndarray, np.ndarray]:
    """The least-squares solution (4,) over the starts, and its covariance (4, 4)."""
    found = []
    for p0 in _starts(s, z, weight, rng):
        try:
            fit = curve_fit(_curve, s, z, p0, sigma=weight, bounds=(LOWER, UPPER))
        except RuntimeError:  # scipy's word for "ran out of evaluations"
            continue
        if np.isfinite(fit[1]).all():
            found.append(fit)
    if not found:
        remedy = "give more ages around the rise and the peak, or look for an outlier"
        raise FitError(f"the curve did not converge from any start: {remedy}")
    return min(found, key=lambda fit: _loss(fit[0], s, z, weight))


def _amplitudes(theta, units, free_scale) -> np.ndarray:
    """`scale, d, tau1, tau2, k` in the units of the data."""
    origin, span, size = units
    start, rise, log_tau2, log_ratio = theta
    tau2, tau1 = np.exp(log_tau2), np.exp(log_tau2 + log_ratio)
    fast = rise * tau1 * tau2 / (tau1 - tau2)
    slow = start + fast
    if free_scale:
        return np.array([size * slow, origin, span * tau1, span * tau2, fast / slow])
    shift = tau1 * np.log(size * slow)  # exp(shift / tau1) is the amplitude
    k = size * fast * np.exp(-shift / tau2)
    return np.array([1.0, origin + span * shift, span * tau1, span * tau2, k])


def _natural(theta, theta_cov, units, free_scale) -> tuple[dict, tuple, np.ndarray]:
    """All parameters by name, the four free names and their covariance (4, 4)."""
    with np.errstate(all="ignore"):
        values = _amplitudes(theta, units, free_scale)
        slope = _jacobian(lambda p: _amplitudes(p, units, free_scale), theta)
        slope = np.delete(slope, 1 if free_scale else 0, axis=0)  # drop the fixed one
        cov = slope @ theta_cov @ slope.T
    if not np.isfinite(values).all() or values[-1] == 0:
        trouble = "with scale at 1 no d can carry the sign or size of these points"
        raise FitError(f"{trouble}: fit them with free_scale=True")
    free = tuple(n for n in NAMES if n != ("d" if free_scale else "scale"))
    return dict(zip(NAMES, values.tolist(), strict=True)), free, cov


def _jacobian(function, theta) -> np.ndarray:
    """Central differences of function(theta), the parameters along the last axis."""
    moves = np.diag(1e-5 * np.maximum(np.abs(theta), 1e-2))
    pairs = [(function(theta + move), function(theta - move)) for move in moves]
    return np.stack([a - b for a, b in pairs], axis=-1) / (2 * np.diag(moves))


def _numbers(name: str, values) -> np.ndarray:
    """A flat array of finite floats, or an `InputError` naming the trouble."""
    try:
        array = np.asarray(values)
    except ValueError:  # ragged
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "iuf" or array.ndim != 1:
        raise InputError(f"{name} must be a flat list of numbers: convert it first")
    for i in np.flatnonzero(~np.isfinite(array))[:1]:
        raise InputError(f"{name}[{i}] is {array[i]}: drop that point or mend it")
    return array.astype(float)


def checked(
    t, y, sigma, level, *, names=("t", "y", "ages"), parameters=4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ages, values and weights, each (n,), or an `InputError`.

    `names` are what the message calls t, y and several t; `parameters` is how many
    the curve has.
    """
    t, y = _numbers(names[0], t), _numbers(names[1], y)
    weight = np.ones_like(y) if sigma is None else _numbers("sigma", sigma)
    sizes, places = (t.size, y.size, weight.size), np.unique(t).size
    if len(set(sizes)) > 1:
        who = f"{names[0]}, {names[1]}, sigma"
        raise InputError(f"{who} have unequal lengths {sizes}: pair them up")
    if t.size < 5 or places < 4:
        few = f"{t.size} points at {places} different {names[2]} are too few"
        remedy = f"give at least 5 points at 4 {names[2]}"
        raise InputError(f"{few} for {parameters} parameters: {remedy}")
    if np.ptp(y) == 0:
        flat = f"every {names[1]} is {y[0]:g}"
        raise InputError(f"{flat}: a constant leaves no curve to fit")
    for i in np.flatnonzero(weight <= 0)[:1]:
        trouble = f"sigma[{i}] is {weight[i]:g}, but must be positive"
        raise InputError(f"{trouble}: drop points with an error of 0")
    if not 0 < _numbers("level", [level])[0] < 1:
        raise InputError(f"level must lie between 0 and 1, not {level}: try 0.95")
    return t, y, weight

"""Least-squares fits, with confidence bands, of the two curves that the paper fits.

Achille, Rovere and Soatto (Materials and Methods) fit animals' sensitivity curves and
synaptic densities after Banks, Aslin and Letson (1975), and the trace F of the Fisher
information at epoch t by the sensitivity S to a deficit in a window from t on:

    f(t) = exp(-(t - d) / tau1) - k * exp(-(t - d) / tau2),      F(t) = a exp(c S) + b.

**Parameters of the first.** In other units there is an amplitude `scale` in
front, and of five parameters only four can be identified. Here d is fixed at the first
age, where the value is then scale * (1 - k). The paper's form is the same curve with
scale 1, d + tau1 log(scale) for d, and k scale^(1 - tau1 / tau2) for k. Parameters can
be far less certain than curve and band (as tau1 nears tau2, scale and k trade off).

**Parameters of the second.** As c nears 0 the curve nears a straight line, for which a
and b grow without bound and cancel; for large |c| it is a step at the outermost point.
Where |c| times the range of S ends at `STEEPEST`, or the interval of c includes 0, the
fit is `degenerate`: its curve and band can be read, its a, b and c cannot.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

import lmfit
import numpy as np
from scipy.stats import t as student
from uncertainties import UFloat, umath

from ..errors import CplibError, InputError

STEEPEST = 30.0
# bounds of the logarithms of tau2 over the range of ages, and of tau1 over tau2
TAUS = {"log_tau2": np.log([0.01, 10]), "log_ratio": np.log([1.05, 1000])}
TIGHT = dict.fromkeys(("xtol", "ftol", "gtol"), 1e-10)
Numbers = Sequence[float]
Units = tuple[float, float, float]  # the first x, and the ranges of x and y


class FitError(CplibError):
    """A curve that could not be fitted although the input is well formed."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted curve with its confidence band.

    Attributes:
        params: the parameters of the formula (tau1 > tau2).
        stderr: the standard error of each; 0 if held fixed, inf if undetermined.
        level: confidence level of `band`, pointwise.
        n, r2: number of points; 1 - (weighted) residual / total sum of squares.
    """

    params: dict[str, float]
    stderr: dict[str, float]
    level: float
    n: int
    r2: float
    _found: lmfit.model.ModelResult = field(repr=False)
    _units: Units = field(repr=False)

    def predict(self, at) -> np.ndarray:
        """The fitted curve at `at` (any shape), in the units of the data."""
        return self._units[2] * self._found.eval(x=self._scaled(at))

    def band(self, at) -> tuple[np.ndarray, np.ndarray]:
        """Pointwise confidence limits (low, high) of the curve at `at` (any shape).

        Delta method, with Student's t. The band is for the mean curve, not for single
        animals or epochs. It takes the points as independent and `at` as exact, and
        does not ask whether the formula is the right one, least of all beyond the data.
        """
        x, middle = self._scaled(at), self.predict(at)
        half = self._found.eval_uncertainty(sigma=self.level, x=x.ravel())
        half = self._units[2] * half.reshape(x.shape)
        return middle - half, middle + half

    @property
    def peak_age(self) -> float:
        """Age of the maximum (days); nan if the curve has none within the data."""
        p, (first, span, _) = self.params, self._units
        ratio = p["k"] * p["tau1"] / p["tau2"]
        if not (ratio > 0 and p["scale"] > 0):
            return float("nan")
        peak = p["d"] + np.log(ratio) / (1 / p["tau2"] - 1 / p["tau1"])
        return float(peak) if first < peak < first + span else float("nan")

    def _scaled(self, at) -> np.ndarray:
        first, span, _ = self._units
        return (np.asarray(at, dtype=float) - first) / span


@dataclass(frozen=True, eq=False)
class ExponentialFit(Fit):
    """A fitted F = a exp(c S) + b: `a`, `b` in the units of F, `c` per unit of S.

    Attributes:
        r2_linear: r2 of a straight line. Three parameters follow any points at least as
            closely as two, so only a clear gain over it speaks for the curve.
    """

    r2_linear: float

    @property
    def degenerate(self) -> bool:
        """Whether c lies at a bound of the search, or its interval includes 0."""
        c = abs(self.params["c"])
        half = student.ppf(0.5 + self.level / 2, self.n - 3) * self.stderr["c"]
        return bool(c * self._units[1] > STEEPEST / 1.01 or half > c)


def double_exponential(t, scale=1.0, d=0.0, tau1=40.0, tau2=15.0, k=1.0) -> np.ndarray:
    """scale * (exp(-(t - d) / tau1) - k * exp(-(t - d) / tau2)), the shape of `t`.

    `t`, the shift `d` and the time constants (tau1 the slow one) are in days, `scale`
    is in the units of the data (1 in the paper), `k` weighs the fast exponential.
    """
    age = np.asarray(t, dtype=float) - d
    return scale * (np.exp(-age / tau1) - k * np.exp(-age / tau2))


def fit_double_exponential(
    t: Numbers, y: Numbers, *, sigma: Numbers | None = None, level: float = 0.95
) -> Fit:
    """Fit `double_exponential` with `d` at the first age, by least squares.

    Args:
        t: (n,) ages in days, at least five points and four different ages.
        y: (n,) measured values, in any unit.
        sigma: (n,) errors of `y`; only their ratios count, as weights of the points,
            for the noise level itself is estimated from the residuals.
        level: confidence level of the band, between 0 and 1.

    Raises:
        InputError: too few points, unequal lengths, or values that are not numbers.
        FitError: the points do not determine a curve.
    """
    x, z, sigma, units = _prepared(t, y, sigma, level, ("t", "y", "ages"))
    shapes = product(np.log((0.03, 0.1, 0.3, 1)), np.log((1.2, 2, 5, 30)))
    found = _search(_two_decays, x, z, sigma, shapes, TAUS)
    if found.uvars is None:
        remedy = "give more ages around the rise and the peak, or look for an outlier"
        raise FitError(f"These points do not determine the curve: {remedy}.")
    params, stderr = _apart(_decays(found.uvars, units))
    r2 = _r2(z, found.best_fit, sigma)
    return Fit(params, stderr, level, x.size, r2, found, units)


def fit_exponential(
    s: Numbers, f: Numbers, *, sigma: Numbers | None = None, level: float = 0.95
) -> ExponentialFit:
    """Fit F = a exp(c S) + b by least squares.

    Args:
        s: (n,) sensitivities in points, at least five, of which four are different.
        f: (n,) traces of the Fisher information, in any unit.
        sigma, level: as for `fit_double_exponential`.

    Raises:
        InputError: too few points, unequal lengths, or values that are not numbers.
        FitError: the `s` are too far from 0 to compute a.
    """
    x, z, sigma, units = _prepared(s, f, sigma, level, ("s", "f", "sensitivities"))
    shapes = [(sign * r,) for r in np.geomspace(1e-3, STEEPEST, 40) for sign in (-1, 1)]
    bounds = {"rate": (-STEEPEST, STEEPEST)}
    found = _search(_bend, x, z, sigma, shapes, bounds)
    r2 = _r2(z, found.best_fit, sigma)
    line = np.polyval(np.polyfit(x, z, 1, w=1 / sigma), x)
    if unrelated := found.uvars is None or r2 < 1e-9:  # c is undetermined
        found = _search(_bend, x, z, sigma, shapes[:1], bounds, vary=False)
    params, stderr = _apart(_growth(found.uvars, units))
    stderr |= {"c": float("inf")} if unrelated else {}
    linear = _r2(z, line, sigma)
    return ExponentialFit(params, stderr, level, x.size, r2, found, units, linear)


def _two_decays(x, start, rise, log_tau2, log_ratio):
    """The double exponential, in coordinates that stay distinct as tau1 nears tau2."""
    rate1 = np.exp(-log_tau2 - log_ratio)
    gap = rate1 * np.expm1(log_ratio)  # 1/tau2 - 1/tau1 > 0: tau1 is the slow one
    return np.exp(-x * rate1) * (start - rise * np.expm1(-x * gap) / gap)


def _bend(x, start, rise, rate):
    """The exponential from `start` at 0 by `rise` to 1; a straight line at rate 0."""
    rate = rate or 1e-12
    return start + rise * np.expm1(rate * x) / np.expm1(rate)


def _search(
    curve: Callable, x, z, sigma, shapes: Iterable, bounds: dict, vary: bool = True
) -> lmfit.model.ModelResult:
    """The best least-squares fit from the two best starts.

    For each of `shapes`, values of the parameters in `bounds`, the other two follow by
    linear regression. `vary`: whether the shape is then fitted, too.
    """
    weights, starts = sigma.min() / sigma, []
    for shape in shapes:
        parts = [weights * curve(x, *unit, *shape) for unit in ((1, 0), (0, 1))]
        linear, rest, *_ = np.linalg.lstsq(np.transpose(parts), weights * z)
        starts.append((float(rest.sum()), (*linear, *shape)))
    model, found = lmfit.Model(curve), []
    for _, start in sorted(starts)[:2]:
        params = model.make_params(**dict(zip(model.param_names, start, strict=True)))
        for name, (low, high) in bounds.items():
            params[name].set(min=low, max=high, vary=vary)
        options = {"weights": weights, "method": "least_squares", "fit_kws": TIGHT}
        found.append(model.fit(z, params, x=x, **options))
    return min(found, key=lambda fit: fit.chisqr)


def _r2(y, fitted, sigma) -> float:
    middle = np.average(y, weights=sigma**-2)
    rest, total = (np.sum(((y - x) / sigma) ** 2) for x in (fitted, middle))
    return float(1 - rest / total)


def _apart(values: dict[str, UFloat]) -> list[dict[str, float]]:
    """Values and standard errors."""
    return [{k: float(getattr(v, part)) for k, v in values.items()} for part in "ns"]


def _decays(u: dict[str, UFloat], units: Units) -> dict[str, UFloat]:
    """`scale, d, tau1, tau2, k` in the units of the data."""
    first, span, size = units
    tau2, ratio = umath.exp(u["log_tau2"]), umath.exp(u["log_ratio"])
    fast = u["rise"] * tau2 * ratio / (ratio - 1)
    slow = u["start"] + fast
    scale, d = size * slow, first + 0 * slow  # d is fixed: its error is 0
    taus = {"tau1": span * tau2 * ratio, "tau2": span * tau2}
    return {"scale": scale, "d": d, **taus, "k": fast / slow}


def _growth(u: dict[str, UFloat], units: Units) -> dict[str, UFloat]:
    """`a, b, c` in the units of the data."""
    first, span, size = units
    height, c = u["rise"] / umath.expm1(u["rate"]), u["rate"] / span
    if abs(c.n * first) > 300:
        trouble = f"a cannot be computed: s near {first:g} is too far from 0"
        raise FitError(f"{trouble}; subtract {first:g} from every s.")
    a = size * height * umath.exp(-c * first)
    return {"a": a, "b": size * (u["start"] - height), "c": c}


def _prepared(x, y, sigma, level, names: tuple[str, str, str]) -> tuple:
    """x from 0 to 1, y of range 1 and sigma, each (n,), and the units; `InputError`."""
    x, y = _numbers(names[0], x), _numbers(names[1], y)
    sigma = np.ones_like(y) if sigma is None else _numbers("sigma", sigma)
    if len(sizes := {x.size, y.size, sigma.size}) > 1:
        who = f"{names[0]}, {names[1]} and sigma"
        raise InputError(f"{who} have unequal lengths {sorted(sizes)}: pair them up.")
    span = np.ptp(x) if x.size else 1
    places = np.unique((x / (span or 1)).round(9)).size
    if x.size < 5 or places < 4:
        few = f"{x.size} points at {places} different {names[2]} are too few"
        raise InputError(f"{few}: give at least 5 points at 4 {names[2]}.")
    if np.ptp(y) == 0:
        raise InputError(f"Every {names[1]} is {y[0]:g}, a constant: let it vary.")
    if (bad := sigma[sigma <= 0]).size:
        raise InputError(f"sigma is {bad[0]:g}, but must be positive: drop that point.")
    if not 0 < _numbers("level", [level])[0] < 1:
        raise InputError(f"level={level} must be between 0 and 1: try 0.95.")
    units = float(x.min()), float(span), float(np.ptp(y))
    return (x - units[0]) / span, y / units[2], sigma, units


def _numbers(name: str, values) -> np.ndarray:
    """A flat array of finite floats; `InputError` if `values` cannot be one."""
    try:
        array = np.asarray(values)
    except ValueError:  # ragged
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "iuf" or array.ndim != 1:
        raise InputError(f"{name} must be a flat list of numbers: convert it first.")
    for i in np.flatnonzero(~np.isfinite(array))[:1]:
        raise InputError(f"{name}[{i}] is {array[i]}: drop or correct that point.")
    return array.astype(float)

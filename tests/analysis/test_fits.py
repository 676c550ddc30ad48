"""The paper's two fits, against curves whose truth is known and against scipy.

The truth is written here from the paper's formulas with `math`, not with `cplib`.
"""

import functools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from cplib.analysis import fits
from cplib.analysis.fits import (
    FitError,
    double_exponential,
    fit_double_exponential,
    fit_exponential,
)
from cplib.errors import CplibError, InputError

AGES = np.linspace(14, 120, 16)
OLD = np.linspace(14, 120, 41)
S = np.linspace(0, 8, 12)  # points of accuracy
GRID = np.linspace(0, 8, 21)
T12, T9 = 2.179, 2.262  # Student's t at 95 % (printed tables)
GROWS = {"a": 0.25, "b": 3.0, "c": 0.5}
DECAYS = {"a": 6.0, "b": -2.0, "c": -0.6}
SIGNS = pytest.mark.parametrize("truth", [GROWS, DECAYS], ids=["grows", "decays"])


def rise_and_fall(t):
    """3 (e^-(t-14)/40 - e^-(t-14)/15), by hand."""
    return 3 * np.array(
        [math.exp(-(x - 14) / 40) - math.exp(-(x - 14) / 15) for x in t]
    )


def plateau(t):
    """An acuity-like rise to a plateau: the limit of a very slow tau1."""
    return np.array([6 - 6 * math.exp(-(x - 12) / 20) for x in t])


def equal_taus(t):
    """x e^-x: the limit tau1 = tau2, which no finite scale and k reach."""
    return np.array([(x - 10) / 25 * math.exp(1 - (x - 10) / 25) for x in t])


def noise(seed, size, n):
    return np.random.default_rng(seed).normal(0, size, n)


def aged(truth, seed, size=0.05, ages=AGES):
    return truth(ages) + noise(seed, size, ages.size)


def curve(s, a, b, c):
    return np.array([a * math.exp(c * x) + b for x in s])


def bent(truth, seed):
    return curve(S, **truth) + noise(seed, 0.3, S.size)


def line(seed):
    return 2 * S + 1 + noise(seed, 0.3, S.size)


@functools.cache
def repeated(truth, size):
    """Fits of sixty repetitions of one experiment on ages."""
    return [fit_double_exponential(AGES, aged(truth, s, size)) for s in range(60)]


@functools.cache
def repeated_bends(c):
    truth = GROWS if c > 0 else DECAYS
    return [fit_exponential(S, bent(truth, seed)) for seed in range(120)]


def covered(found, grid, target):
    bands = [fit.band(grid) for fit in found]
    return np.mean([(low <= target) & (target <= high) for low, high in bands])


# --- the double exponential ---------------------------------------------------------


def test_formula_at_ages_worked_by_hand():
    # t = d: 1 - k. Far beyond d with tau2 << tau1: the slow part alone.
    assert double_exponential(7.0, d=7, k=0.25) == pytest.approx(0.75)
    late = double_exponential(47.0, scale=2, d=7, tau1=20, tau2=0.5, k=1)
    assert late == pytest.approx(2 * math.exp(-2), abs=1e-12)
    assert double_exponential(np.zeros((2, 3))).shape == (2, 3)


def test_noiseless_ages_give_back_the_true_parameters():
    fit = fit_double_exponential(AGES, rise_and_fall(AGES))
    truth = {"scale": 3, "d": 14, "tau1": 40, "tau2": 15, "k": 1}
    assert fit.params == pytest.approx(truth, rel=1e-3)
    assert fit.r2 == pytest.approx(1)
    assert fit.stderr["d"] == 0
    # The derivative of the truth vanishes where 15 e^{-x/40} = 40 e^{-x/15}.
    assert fit.peak_age == pytest.approx(14 + 24 * math.log(40 / 15), abs=0.01)
    by_formula = double_exponential(OLD, **fit.params)
    np.testing.assert_allclose(fit.predict(OLD), by_formula, atol=1e-8)


def test_parameters_lie_within_their_errors():
    # Dense, long data, on which single parameters are well determined.
    ages = np.linspace(14, 250, 120)
    fit = fit_double_exponential(ages, aged(rise_and_fall, 3, 0.02, ages))
    for name, truth in {"scale": 3, "tau1": 40, "tau2": 15, "k": 1}.items():
        assert abs(fit.params[name] - truth) < 4 * fit.stderr[name], name
    start = [fit.params[name] for name in ("scale", "tau1", "tau2", "k")]

    def model(t, scale, tau1, tau2, k):
        return scale * (np.exp((14 - t) / tau1) - k * np.exp((14 - t) / tau2))

    best, cov = curve_fit(model, ages, aged(rise_and_fall, 3, 0.02, ages), start)
    assert best == pytest.approx(start, rel=1e-3)
    found = [fit.stderr[name] for name in ("scale", "tau1", "tau2", "k")]
    assert found == pytest.approx(np.sqrt(np.diag(cov)), rel=1e-2)


@pytest.mark.parametrize(
    ("truth", "size"), [(rise_and_fall, 0.06), (plateau, 0.3), (equal_taus, 0.08)]
)
def test_band_over_ages_covers_the_truth_as_often_as_it_says(truth, size):
    # 60 sets whose grid points hang together: about +-0.03 around 0.95.
    found = repeated(truth, size)
    assert 0.90 <= covered(found, OLD, truth(OLD)) <= 0.99
    if truth is rise_and_fall:
        half = [replace(fit, level=0.5) for fit in found]
        assert 0.38 <= covered(half, OLD, truth(OLD)) <= 0.62


def test_band_agrees_with_the_scatter_of_repeated_experiments():
    found = repeated(rise_and_fall, 0.06)
    scatter = np.std([fit.predict(OLD) for fit in found], axis=0)
    half = np.median([np.subtract(*fit.band(OLD)[::-1]) / 2 for fit in found], axis=0)
    np.testing.assert_allclose(half / T12, scatter, rtol=0.35)


def test_tau1_is_the_slow_one_even_on_noise():
    for seed in range(5):
        fit = fit_double_exponential(AGES, noise(seed, 1, AGES.size))
        assert fit.params["tau1"] > fit.params["tau2"] > 0
        assert np.isfinite(fit.band(OLD)).all()


def test_no_peak_on_a_pure_decay():
    y = [5 * math.exp(-x / 60) + 2 * math.exp(-x / 8) for x in AGES]
    assert math.isnan(fit_double_exponential(AGES, y).peak_age)


def test_points_that_determine_no_curve_are_reported_with_a_remedy(monkeypatch):
    vague = SimpleNamespace(uvars=None)  # as after a search without end
    monkeypatch.setattr(fits, "_search", lambda *given: vague)
    with pytest.raises(FitError, match=r"do not determine.*give more ages"):
        fit_double_exponential(*GOOD)


# --- the exponential ----------------------------------------------------------------


@SIGNS
def test_noiseless_bends_give_back_the_true_parameters(truth):
    fit = fit_exponential(S, curve(S, **truth))
    assert fit.params == pytest.approx(truth, rel=1e-5)
    assert fit.r2 == pytest.approx(1)
    assert fit.r2 > fit.r2_linear + 0.01
    assert (fit.n, fit.level, fit.degenerate) == (12, 0.95, False)
    np.testing.assert_allclose(fit.predict(GRID), curve(GRID, **truth), rtol=1e-6)
    assert fit.predict(GRID.reshape(3, 7)).shape == (3, 7)
    assert np.shape(fit.band(GRID.reshape(3, 7))) == (2, 3, 7)


@SIGNS
def test_intervals_and_band_cover_the_truth_as_often_as_they_say(truth):
    # 120 draws: one standard deviation of the share covered is 0.02.
    found = repeated_bends(truth["c"])
    for name, value in truth.items():
        off = [abs(fit.params[name] - value) / fit.stderr[name] for fit in found]
        assert 0.89 <= np.mean(np.array(off) < T9) <= 1.0, name
    target = curve(GRID, **truth)
    assert 0.90 <= covered(found, GRID, target) <= 0.99
    half = [replace(fit, level=0.5) for fit in found]
    assert 0.4 <= covered(half, GRID, target) <= 0.6
    assert not any(fit.degenerate for fit in found)


@SIGNS
@pytest.mark.parametrize("weighted", [False, True])
def test_scipy_finds_the_same_parameters_errors_and_band(truth, weighted):
    f = bent(truth, 7)
    sigma = np.linspace(0.2, 0.9, S.size) if weighted else None
    fit = fit_exponential(S, f, sigma=sigma)

    def model(s, a, b, c):
        return a * np.exp(c * s) + b

    start = list(truth.values())
    best, cov = curve_fit(model, S, f, start, sigma=sigma, xtol=1e-12, ftol=1e-12)
    assert list(fit.params.values()) == pytest.approx(best, rel=1e-5)
    spread = np.sqrt(np.diag(cov))
    assert list(fit.stderr.values()) == pytest.approx(spread, rel=1e-3)
    a, _, c = best
    slope = np.stack([np.exp(c * GRID), np.ones(21), a * GRID * np.exp(c * GRID)])
    half = T9 * np.sqrt(np.einsum("ig,ij,jg->g", slope, cov, slope))
    expected = model(GRID, *best) - half, model(GRID, *best) + half
    np.testing.assert_allclose(fit.band(GRID), expected, rtol=1e-3, atol=1e-3)


def test_r2_by_hand_of_curve_and_line():
    f = bent(GROWS, 1)
    fit, total = fit_exponential(S, f), np.sum((f - f.mean()) ** 2)
    rest = np.sum((f - fit.predict(S)) ** 2)
    assert fit.r2 == pytest.approx(1 - rest / total)
    assert fit.r2_linear == pytest.approx(np.corrcoef(S, f)[0, 1] ** 2)


def test_a_straight_line_earns_no_third_parameter():
    exact = fit_exponential(S, 2 * S + 1)
    assert exact.degenerate and exact.r2 >= exact.r2_linear - 1e-7
    np.testing.assert_allclose(exact.predict(GRID), 2 * GRID + 1, atol=0.01)
    found = [fit_exponential(S, line(seed)) for seed in range(60)]
    for fit in found:
        assert fit.r2_linear - 1e-7 <= fit.r2 < fit.r2_linear + 0.02
        assert np.isfinite(fit.band(GRID)).all()
        quantile = stats.t.ppf(0.975, fit.n - 3)
        assert fit.degenerate == (quantile * fit.stderr["c"] > abs(fit.params["c"]))
    # About one noisy line in twenty bends by more than that.
    assert 0.85 < np.mean([fit.degenerate for fit in found]) <= 1


def test_a_step_is_degenerate_though_it_fits():
    fit = fit_exponential(range(6), [1, 1, 1, 1, 1, 5])
    assert fit.degenerate
    assert fit.r2 > 0.99
    assert fit.predict(5) == pytest.approx(5, abs=0.01)


def test_f_without_relation_to_s_has_a_band_but_no_c():
    fit = fit_exponential([1, 1, 2, 2, 3, 3, 4, 4], [0, 1] * 4)
    assert fit.degenerate
    assert fit.stderr["c"] > 1e6
    assert fit.r2 == pytest.approx(0, abs=1e-9)
    low, high = fit.band([1, 2, 3, 4])
    assert ((low > -1.5) & (low < 0.5) & (high > 0.5) & (high < 2.5)).all()


def test_where_s_begins_only_rescales_a():
    f = bent(GROWS, 3)
    here, there = fit_exponential(S, f), fit_exponential(S + 20, f)
    assert there.params["c"] == pytest.approx(here.params["c"], rel=1e-6)
    moved = here.params["a"] * math.exp(-20 * here.params["c"])
    assert there.params["a"] == pytest.approx(moved, rel=1e-5)
    np.testing.assert_allclose(there.band(GRID + 20), here.band(GRID), rtol=1e-6)


def test_an_a_that_cannot_be_told_is_reported_with_a_remedy():
    with pytest.raises(FitError, match="a cannot be computed.*subtract 100000") as told:
        fit_exponential(1e5 + S, curve(S, **GROWS))
    assert isinstance(told.value, CplibError)
    assert not isinstance(told.value, InputError)


# --- both ---------------------------------------------------------------------------

BOTH = pytest.mark.parametrize(
    ("fit", "x", "y"),
    [
        (fit_double_exponential, AGES, aged(rise_and_fall, 8)),
        (fit_exponential, S, bent(DECAYS, 4)),
    ],
    ids=["double", "single"],
)


@BOTH
def test_order_units_and_size_only_rescale(fit, x, y):
    grid = np.linspace(x.min(), x.max(), 9)
    here = np.array(fit(x, y).band(grid))
    np.testing.assert_allclose(fit(x[::-1], y[::-1]).band(grid), here, rtol=1e-5)
    for size in (1e-100, 1000, 1e100):
        there = np.array(fit(x / 7, size * y).band(grid / 7)) / size
        np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-5)


@BOTH
def test_sigma_counts_as_weight_not_as_size(fit, x, y):
    even, same = fit(x, y), fit(x, y, sigma=np.full(x.size, 7.0))
    np.testing.assert_allclose(even.band(x), same.band(x), rtol=1e-5, atol=1e-6)
    spoiled, sigma = y.copy(), np.full(x.size, 0.05)
    spoiled[6], sigma[6] = 500.0, 1e5
    rescued = fit(x, spoiled, sigma=sigma)
    assert np.abs(rescued.predict(x) - even.predict(x)).max() < 0.5
    assert rescued.r2 < 1


GOOD = ([0, 1, 2, 3, 4, 5], [1, 2, 3, 5, 8, 3])


@pytest.mark.parametrize("fit", [fit_double_exponential, fit_exponential])
@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ([1, 2, 3, 4], [0, 2, 3, 2], ["4 points", "at least 5"]),
        ([], [], ["0 points", "at least 5"]),
        ([1, 1, 2, 2, 3, 3], GOOD[1], ["3 different"]),
        ([2, 2, 2, 2, 2, 2], GOOD[1], ["1 different"]),
        ([0, 1e-16, 2e-16, 1, 1, 1], GOOD[1], ["2 different"]),
        (GOOD[0], [0, 3, math.nan, 4, 3, 2], ["[2]", "nan"]),
        ([1, 2, math.inf, 4, 5, 6], GOOD[1], ["[2]", "inf"]),
        (GOOD[0], [0, 3, 4], ["unequal lengths", "6", "3"]),
        (GOOD[0], ["0", "3", "4", "4", "3", "2"], ["numbers"]),
        (GOOD[0], [0, 3, None, 4, 3, 2], ["numbers"]),
        (GOOD[0], [True, False] * 3, ["numbers"]),
        (GOOD[0], [[0], [3], [4], [4], [3], [2]], ["flat"]),
        (GOOD[0], [[0], [3, 1], 4, 4, 3, 2], ["flat"]),
        (GOOD[0], [2, 2, 2, 2, 2, 2], ["is 2", "constant"]),
    ],
)
def test_bad_points_are_refused_in_a_sentence(fit, x, y, words):
    with pytest.raises(InputError) as caught:
        fit(x, y)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize("fit", [fit_double_exponential, fit_exponential])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sigma": [1, 1, 0, 1, 1, 1]}, ["sigma is 0", "positive"]),
        ({"sigma": [1, 1]}, ["unequal lengths", "2"]),
        ({"sigma": [1, 1, math.nan, 1, 1, 1]}, ["sigma[2]", "nan"]),
        ({"level": 95}, ["level", "between 0 and 1"]),
        ({"level": "95%"}, ["level", "numbers"]),
    ],
)
def test_bad_options_are_refused_in_a_sentence(fit, options, words):
    with pytest.raises(InputError) as caught:
        fit(*GOOD, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)

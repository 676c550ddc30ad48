"""The exponential fit, against curves whose truth is known and against scipy."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from cplib.analysis.exponential import fit_exponential
from cplib.analysis.fits import FitError
from cplib.errors import CplibError, InputError

S = np.linspace(0, 8, 12)  # points of accuracy
GRID = np.linspace(0, 8, 21)
QUANTILE = 2.262  # Student's t for 12 - 3 degrees of freedom at 95 % (printed tables)
GROWS = {"a": 0.25, "b": 3.0, "c": 0.5}
DECAYS = {"a": 6.0, "b": -2.0, "c": -0.6}
SIGNS = pytest.mark.parametrize("truth", [GROWS, DECAYS], ids=["grows", "decays"])


def curve(s, a, b, c):
    return np.array([a * math.exp(c * x) + b for x in s])


def noisy(truth, seed, noise=0.3):
    return curve(S, **truth) + np.random.default_rng(seed).normal(0, noise, S.size)


def line(seed, noise=0.3):
    return 2 * S + 1 + np.random.default_rng(seed).normal(0, noise, S.size)


@SIGNS
def test_noiseless_points_give_back_the_true_parameters(truth):
    fit = fit_exponential(S, curve(S, **truth))
    assert fit.params == pytest.approx(truth, rel=1e-5)
    assert fit.r2 == pytest.approx(1)
    assert fit.r2 > fit.r2_linear + 0.01
    assert (fit.n, fit.level, fit.degenerate) == (12, 0.95, False)
    np.testing.assert_allclose(fit.predict(GRID), curve(GRID, **truth), rtol=1e-6)
    assert fit.predict(GRID.reshape(3, 7)).shape == (3, 7)
    assert np.shape(fit.band(GRID.reshape(3, 7))) == (2, 3, 7)


@functools.cache
def repeated(c):
    """Fits of four hundred repetitions of one experiment."""
    truth = GROWS if c > 0 else DECAYS
    return [fit_exponential(S, noisy(truth, seed)) for seed in range(400)]


def covered(fits, truth):
    bands, target = [fit.band(GRID) for fit in fits], curve(GRID, **truth)
    return np.mean([(low <= target) & (target <= high) for low, high in bands])


@SIGNS
def test_intervals_and_band_cover_the_truth_as_often_as_they_say(truth):
    # 400 draws: one standard deviation of the share covered is 0.011.
    fits = repeated(truth["c"])
    for name, value in truth.items():
        off = [abs(fit.params[name] - value) / fit.error[name] for fit in fits]
        assert 0.90 <= np.mean(np.array(off) < QUANTILE) <= 0.99, name
    assert 0.92 <= covered(fits, truth) <= 0.98
    assert 0.42 <= covered([replace(fit, level=0.5) for fit in fits], truth) <= 0.58
    assert not any(fit.degenerate for fit in fits)


@SIGNS
@pytest.mark.parametrize("weighted", [False, True])
def test_scipy_finds_the_same_parameters_errors_and_band(truth, weighted):
    f = noisy(truth, 7)
    sigma = np.linspace(0.2, 0.9, S.size) if weighted else None
    fit = fit_exponential(S, f, sigma=sigma)

    def model(s, a, b, c):
        return a * np.exp(c * s) + b

    start = list(truth.values())
    best, cov = curve_fit(model, S, f, start, sigma=sigma, xtol=1e-12, ftol=1e-12)
    assert list(fit.params.values()) == pytest.approx(best, rel=1e-5)
    spread = np.sqrt(np.diag(cov))
    assert list(fit.error.values()) == pytest.approx(spread, rel=1e-3)
    a, _, c = best
    slope = np.stack([np.exp(c * GRID), np.ones(21), a * GRID * np.exp(c * GRID)])
    half = QUANTILE * np.sqrt(np.einsum("ig,ij,jg->g", slope, cov, slope))
    expected = model(GRID, *best) - half, model(GRID, *best) + half
    np.testing.assert_allclose(fit.band(GRID), expected, rtol=1e-3, atol=1e-3)


def test_r2_by_hand_of_curve_and_line():
    f = noisy(GROWS, 1)
    fit, total = fit_exponential(S, f), np.sum((f - f.mean()) ** 2)
    rest = np.sum((f - fit.predict(S)) ** 2)
    assert fit.r2 == pytest.approx(1 - rest / total)
    assert fit.r2_linear == pytest.approx(np.corrcoef(S, f)[0, 1] ** 2)


def test_a_straight_line_earns_no_third_parameter():
    exact = fit_exponential(S, 2 * S + 1)
    assert exact.degenerate
    # c is kept off 0, which costs the exact line (and it alone) a trace of its r2
    assert exact.r2 >= exact.r2_linear - 1e-7
    np.testing.assert_allclose(exact.predict(GRID), 2 * GRID + 1, atol=0.01)
    for seed in range(50):
        fit = fit_exponential(S, line(seed))
        assert fit.r2 >= fit.r2_linear - 1e-7
        assert fit.r2 < fit.r2_linear + 0.02
        assert np.isfinite(fit.band(GRID)).all()


def test_the_flag_is_set_when_the_interval_of_c_includes_0():
    fits = [fit_exponential(S, line(seed)) for seed in range(200)]
    for fit in fits:
        quantile = stats.t.ppf(0.975, fit.n - 3)
        assert fit.degenerate == (quantile * fit.error["c"] > abs(fit.params["c"]))
    # About one noisy line in twenty bends by more than that.
    assert 0.88 < np.mean([fit.degenerate for fit in fits]) < 0.99


def test_a_step_is_degenerate_though_it_fits():
    fit = fit_exponential(range(6), [1, 1, 1, 1, 1, 5])
    assert fit.degenerate
    assert fit.r2 > 0.99
    assert fit.predict(5) == pytest.approx(5, abs=0.01)


def test_f_without_relation_to_s_has_a_band_but_no_c():
    fit = fit_exponential([1, 1, 2, 2, 3, 3, 4, 4], [0, 1] * 4)
    assert fit.degenerate
    assert fit.error["c"] > 1e6
    assert fit.r2 == pytest.approx(0, abs=1e-9)
    low, high = fit.band([1, 2, 3, 4])
    assert ((low > -1.5) & (low < 0.5) & (high > 0.5) & (high < 2.5)).all()


@pytest.mark.parametrize("size", [1e-100, 1e5, 1e100])
def test_units_only_rescale(size):
    f = noisy(GROWS, 3)
    points = fit_exponential(S, f)
    fractions = fit_exponential(S / 100, size * f)
    assert fractions.params["c"] / 100 == pytest.approx(points.params["c"], rel=1e-6)
    assert fractions.params["a"] / size == pytest.approx(points.params["a"], rel=1e-5)
    assert fractions.r2 == pytest.approx(points.r2)
    bands = np.array(fractions.band(GRID / 100)) / size, points.band(GRID)
    np.testing.assert_allclose(*bands, rtol=1e-5)


def test_where_s_begins_only_rescales_a():
    f = noisy(GROWS, 3)
    here, there = fit_exponential(S, f), fit_exponential(S + 20, f)
    assert there.params["c"] == pytest.approx(here.params["c"], rel=1e-6)
    moved = here.params["a"] * math.exp(-20 * here.params["c"])
    assert there.params["a"] == pytest.approx(moved, rel=1e-5)
    np.testing.assert_allclose(there.band(GRID + 20), here.band(GRID), rtol=1e-6)


def test_order_of_the_points_does_not_matter():
    f = noisy(DECAYS, 4)
    forward, backward = fit_exponential(S, f), fit_exponential(S[::-1], f[::-1])
    np.testing.assert_allclose(forward.band(GRID), backward.band(GRID), rtol=1e-6)


def test_sigma_counts_as_weight_not_as_size():
    f = noisy(GROWS, 2)
    even, same = fit_exponential(S, f), fit_exponential(S, f, sigma=np.full(12, 7.0))
    np.testing.assert_allclose(even.band(GRID), same.band(GRID), rtol=1e-6)
    spoiled, sigma = f.copy(), np.full(12, 0.3)
    spoiled[6], sigma[6] = 500.0, 1e5
    rescued = fit_exponential(S, spoiled, sigma=sigma)
    assert np.abs(rescued.predict(GRID) - curve(GRID, **GROWS)).max() < 1
    assert rescued.r2_linear < rescued.r2 < 1


GOOD = ([0, 1, 2, 3, 4, 5], [1, 2, 3, 5, 8, 13])


@pytest.mark.parametrize(
    ("s", "f", "words"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 5], ["4 points", "3 parameters", "at least 5"]),
        ([1, 1, 2, 2, 3, 3], GOOD[1], ["3 different sensitivities"]),
        ([2, 2, 2, 2, 2, 2], GOOD[1], ["1 different sensitivities"]),
        (GOOD[0], [1, 2, math.nan, 5, 8, 13], ["f[2]", "nan"]),
        ([0, math.nan, 2, 3, 4, 5], GOOD[1], ["s[1]", "nan"]),
        ([0, 1, math.inf, 3, 4, 5], GOOD[1], ["s[2]", "inf"]),
        (GOOD[0], [1, 2, 3], ["s, f", "unequal lengths", "6", "3"]),
        (GOOD[0], ["1", "2", "3", "5", "8", "13"], ["f", "numbers"]),
        (GOOD[0], [7, 7, 7, 7, 7, 7], ["f is 7", "constant"]),
    ],
)
def test_bad_points_are_refused_in_a_sentence(s, f, words):
    with pytest.raises(InputError) as caught:
        fit_exponential(s, f)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sigma": [1, 1, 0, 1, 1, 1]}, ["sigma[2] is 0", "positive"]),
        ({"sigma": [1, 1]}, ["unequal lengths", "2"]),
        ({"sigma": [1, 1, math.nan, 1, 1, 1]}, ["sigma[2]", "nan"]),
        ({"level": 1.5}, ["level", "between 0 and 1", "1.5"]),
    ],
)
def test_bad_options_are_refused_in_a_sentence(options, words):
    with pytest.raises(InputError) as caught:
        fit_exponential(*GOOD, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("s", "f", "words"),
    [
        (1e5 + S, curve(S, **GROWS), "a cannot be computed.*subtract 100008"),
        ([0, 1e-16, 2e-16, 1, 1, 1], [0, 1, 0, 1, 0, 2], "cluster.*in between"),
    ],
)
def test_what_cannot_be_told_apart_is_reported_with_a_remedy(s, f, words):
    with pytest.raises(FitError, match=words) as caught:
        fit_exponential(s, f)
    assert isinstance(caught.value, CplibError)
    assert not isinstance(caught.value, InputError)

"""The fit of biological curves, against curves whose truth is known.

The truth is written here from the paper's formula with `math`, not with `cplib`.
"""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest

from cplib.analysis.fits import FitError, double_exponential, fit_double_exponential
from cplib.errors import CplibError, InputError

AGES = np.linspace(14, 120, 16)
GRID = np.linspace(14, 120, 41)


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


def noisy(truth, seed, noise=0.05, ages=AGES):
    return truth(ages) + np.random.default_rng(seed).normal(0, noise, ages.size)


def test_formula_at_ages_worked_by_hand():
    # t = d: 1 - k. Far beyond d with tau2 << tau1: the slow part alone.
    assert double_exponential(7.0, d=7, k=0.25) == pytest.approx(0.75)
    late = double_exponential(47.0, scale=2, d=7, tau1=20, tau2=0.5, k=1)
    assert late == pytest.approx(2 * math.exp(-2), abs=1e-12)
    assert double_exponential(np.zeros((2, 3))).shape == (2, 3)


def test_noiseless_points_give_back_the_true_parameters():
    fit = fit_double_exponential(AGES, rise_and_fall(AGES))
    truth = {"scale": 3, "d": 14, "tau1": 40, "tau2": 15, "k": 1}
    assert fit.params == pytest.approx(truth, rel=1e-3)
    assert fit.r2 == pytest.approx(1)
    # The derivative of the truth vanishes where 15 e^{-x/40} = 40 e^{-x/15}.
    assert fit.peak_age == pytest.approx(14 + 24 * math.log(40 / 15), abs=0.01)


def test_the_papers_form_with_scale_one():
    truth = [math.exp(-(x - 20) / 50) - 0.6 * math.exp(-(x - 20) / 12) for x in AGES]
    fit = fit_double_exponential(AGES, truth, free_scale=False)
    expected = {"scale": 1, "d": 20, "tau1": 50, "tau2": 12, "k": 0.6}
    assert fit.params == pytest.approx(expected, rel=1e-3)
    assert fit.stderr["scale"] == 0
    assert fit.free == ("d", "tau1", "tau2", "k")


def test_parameters_lie_within_their_errors():
    # Dense, long data, on which single parameters are well determined.
    ages = np.linspace(14, 250, 120)
    fit = fit_double_exponential(ages, noisy(rise_and_fall, 3, 0.02, ages))
    for name, truth in {"scale": 3, "tau1": 40, "tau2": 15, "k": 1}.items():
        assert abs(fit.params[name] - truth) < 4 * fit.stderr[name], name
    assert fit.stderr["tau1"] < 5
    assert np.sqrt(np.diag(fit.cov)) == pytest.approx([fit.stderr[n] for n in fit.free])


def test_fixing_d_or_scale_gives_one_curve_and_one_band():
    y = noisy(rise_and_fall, 5)
    free, fixed = (fit_double_exponential(AGES, y, free_scale=s) for s in (True, False))
    assert free.params["d"] == AGES[0]
    assert free.stderr["d"] == 0
    assert fixed.params["scale"] == 1
    assert fixed.params["d"] != pytest.approx(14, abs=1)  # it carries the amplitude
    np.testing.assert_allclose(free.predict(GRID), fixed.predict(GRID), rtol=1e-9)
    np.testing.assert_allclose(free.band(GRID), fixed.band(GRID), rtol=1e-9)
    for fit in (free, fixed):
        direct = double_exponential(GRID, **fit.params)
        np.testing.assert_allclose(fit.predict(GRID), direct, atol=1e-8)


@functools.cache
def sixty(truth, noise):
    """Fits of sixty repetitions of one experiment."""
    return [fit_double_exponential(AGES, noisy(truth, s, noise)) for s in range(60)]


def covered(fits, truth):
    bands = [fit.band(GRID) for fit in fits]
    target = truth(GRID)
    return np.mean([(low <= target) & (target <= high) for low, high in bands])


@pytest.mark.parametrize(
    ("truth", "noise"), [(rise_and_fall, 0.06), (plateau, 0.3), (equal_taus, 0.08)]
)
def test_band_covers_the_truth_as_often_as_it_says(truth, noise):
    # 60 sets whose grid points hang together: about +-0.03 around 0.95.
    assert 0.90 <= covered(sixty(truth, noise), truth) <= 0.99


def test_a_lower_level_covers_less():
    fits = [replace(fit, level=0.5) for fit in sixty(rise_and_fall, 0.06)]
    assert 0.38 <= covered(fits, rise_and_fall) <= 0.62


def test_band_agrees_with_the_scatter_of_repeated_experiments():
    fits = sixty(rise_and_fall, 0.06)
    scatter = np.std([fit.predict(GRID) for fit in fits], axis=0)
    half = np.median([np.subtract(*fit.band(GRID)[::-1]) / 2 for fit in fits], axis=0)
    # Student's t for 16 - 4 degrees of freedom at 95 % is 2.179 (printed tables).
    np.testing.assert_allclose(half / 2.179, scatter, rtol=0.35)


def test_units_only_rescale():
    y = noisy(rise_and_fall, 8)
    days = fit_double_exponential(AGES, y)
    weeks = fit_double_exponential(AGES / 7, 1000 * y)
    assert weeks.params["tau1"] * 7 == pytest.approx(days.params["tau1"], rel=1e-4)
    np.testing.assert_allclose(
        weeks.band(GRID / 7), 1000 * np.array(days.band(GRID)), rtol=1e-4, atol=1e-2
    )


def test_sigma_counts_as_weight_not_as_size():
    y = noisy(rise_and_fall, 2)
    even = fit_double_exponential(AGES, y)
    same = fit_double_exponential(AGES, y, sigma=np.full(AGES.size, 7.0))
    np.testing.assert_allclose(even.band(GRID), same.band(GRID), rtol=1e-5, atol=1e-6)
    spoiled, sigma = y.copy(), np.full(AGES.size, 0.05)
    spoiled[6], sigma[6] = 50.0, 1e4
    rescued = fit_double_exponential(AGES, spoiled, sigma=sigma)
    error = np.abs(rescued.predict(GRID) - rise_and_fall(GRID))
    assert error.max() < 0.2


def test_the_seed_does_not_change_the_answer():
    y = noisy(rise_and_fall, 4)
    first, second = (fit_double_exponential(AGES, y, seed=s) for s in (0, 99))
    np.testing.assert_allclose(first.predict(GRID), second.predict(GRID), atol=1e-4)
    again = fit_double_exponential(AGES, y, seed=0)
    assert again.params == first.params


def test_order_of_the_points_does_not_matter():
    y = noisy(rise_and_fall, 4)
    forward = fit_double_exponential(AGES, y)
    backward = fit_double_exponential(AGES[::-1], y[::-1])
    np.testing.assert_allclose(forward.predict(GRID), backward.predict(GRID), atol=1e-6)


def test_tau1_is_the_slow_one_even_on_noise():
    for seed in range(5):
        y = np.random.default_rng(seed).normal(size=AGES.size)
        fit = fit_double_exponential(AGES, y)
        assert fit.params["tau1"] > fit.params["tau2"] > 0
        assert np.isfinite(fit.band(GRID)).all()


def test_no_peak_on_a_pure_decay():
    y = [5 * math.exp(-x / 60) + 2 * math.exp(-x / 8) for x in AGES]
    assert math.isnan(fit_double_exponential(AGES, y).peak_age)


GOOD = ([1, 2, 3, 4, 5, 6], [0, 3, 4, 4, 3, 2])


@pytest.mark.parametrize(
    ("t", "y", "words"),
    [
        ([1, 2, 3, 4], [0, 2, 3, 2], ["4 points", "at least 5"]),
        ([], [], ["0 points", "at least 5"]),
        ([1, 1, 2, 2, 3, 3], GOOD[1], ["3 different ages"]),
        (GOOD[0], [0, 3, math.nan, 4, 3, 2], ["y[2]", "nan"]),
        ([1, 2, math.inf, 4, 5, 6], GOOD[1], ["t[2]", "inf"]),
        (GOOD[0], [0, 3, 4], ["unequal lengths", "6", "3"]),
        (GOOD[0], ["0", "3", "4", "4", "3", "2"], ["y", "numbers"]),
        (GOOD[0], [0, 3, None, 4, 3, 2], ["y", "numbers"]),
        (GOOD[0], [True, False] * 3, ["y", "numbers"]),
        (GOOD[0], [[0], [3], [4], [4], [3], [2]], ["y", "flat"]),
        (GOOD[0], [[0], [3, 1], 4, 4, 3, 2], ["y", "flat"]),
        (GOOD[0], [2, 2, 2, 2, 2, 2], ["2", "constant"]),
    ],
)
def test_bad_points_are_refused_in_a_sentence(t, y, words):
    with pytest.raises(InputError) as caught:
        fit_double_exponential(t, y)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sigma": [1, 1, 0, 1, 1, 1]}, ["sigma", "positive"]),
        ({"sigma": [1, 1]}, ["unequal lengths", "2"]),
        ({"level": 95}, ["level", "between 0 and 1"]),
        ({"level": "95%"}, ["level", "numbers"]),
    ],
)
def test_bad_options_are_refused_in_a_sentence(options, words):
    with pytest.raises(InputError) as caught:
        fit_double_exponential(*GOOD, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_scale_one_cannot_hold_a_negative_curve_and_says_so():
    y = -rise_and_fall(AGES) - 1
    assert fit_double_exponential(AGES, y).r2 > 0.95
    with pytest.raises(FitError, match="free_scale=True") as caught:
        fit_double_exponential(AGES, y, free_scale=False)
    assert isinstance(caught.value, CplibError)
    assert not isinstance(caught.value, InputError)


def test_a_search_that_never_ends_is_reported_with_a_remedy(monkeypatch):
    def exhausted(*args, **options):
        raise RuntimeError("Optimal parameters not found")

    monkeypatch.setattr("cplib.analysis.fits.curve_fit", exhausted)
    with pytest.raises(FitError, match=r"did not converge.*give more ages"):
        fit_double_exponential(*GOOD)

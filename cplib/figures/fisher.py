"""Figures of the trace: over training, under deficit, and with the sensitivity."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from .._base.plain import choose
from ..analysis import effects
from ..analysis.fits import fit_exponential
from ..analysis.sensitivity import sensitivities, trace_curve
from ..deficits import Look
from ..errors import CplibError
from ..results import Result
from ..studies import Run
from .captions import finished, origins, over_seeds
from .marks import band, interval, legend, log_axis, mean, name_of, percent, rows
from .palette import GREY, looks, networks, ramp, series
from .panel import Panel, worded

FILLED = {True: "none", False: "full"}  # marks of runs without deficit, and with one
ACCURACIES = {"test": "test set", "train": "training images, shifted and mirrored"}
TRACE = "trace of Fisher information"


def over_training(*results: Result, accuracy: str = "test") -> Panel:
    """Trace and accuracy over training without deficit (4L, solid line).

    Args:
        results: of studies with a probe, up to five.
        accuracy: "test", or "train" to see how many images are memorised.
    """
    choose("accuracy", accuracy, ACCURACIES)
    named = {result.study.title.split(":")[0]: result for result in results}
    shown = {name: (r, r.study.runs[0]) for name, r in named.items()}
    with rows(2.5, 2.5) as (figure, (top, bottom)):
        own = networks(result.study for result in results)
        words, table = _lines(top, shown, own, "network")
        for (name, (result, run)), look in zip(shown.items(), own, strict=True):
            mean(bottom, 100 * result.curve(run, f"{accuracy}_accuracy"), look, name)
        for axes in (top, bottom):
            axes.set(xlabel="epochs of training")
        percent(bottom, f"{accuracy} accuracy (%)")
    return worded(
        "over_training", figure, table, words=words, accuracy=ACCURACIES[accuracy],
        seeds=over_seeds(*results), probed=probed(results[0]), origin=origins(named),
    )  # fmt: skip


def under_deficit(result: Result, deficit: str | None = None) -> Panel:
    """Trace over training without deficit, and with one removed at some epoch (4R).

    Args:
        result: of a study with a probe.
        deficit: the name of one; default: all of the study.
    """
    runs = [result.study.runs[0], *runs_with(result, deficit)]
    named = {name_of(run): (result, run) for run in runs}
    with rows(4.2) as (figure, (axes,)):
        words, table = _lines(axes, named, looks(runs), "run")
        for removal in {window.removal for run in runs for window in run.windows}:
            axes.axvline(removal, color=GREY, linewidth=0.8, linestyle=":")
        axes.set(xlabel="epochs of training")
    return finished(
        result,
        worded("under_deficit", figure, table, words=words, probed=probed(result)),
    )


def with_sensitivity(tracked: Result, windows: Result) -> Panel:
    """Trace and the exponential of the sensitivity, for each window length (4L).

    Args:
        tracked: a study with a probe, for the trace without deficit.
        windows: a study of windows of up to four lengths, with the same network.
    """
    curve = trace_curve(tracked, tracked.study.runs[0])
    table, words = sensitivities(tracked, windows), []
    with rows(2.7, 2.7) as (figure, (top, bottom)):
        (own,) = networks([tracked.study])
        mean(top, curve, own, "trace, no deficit", marker="", linewidth=2)
        lengths = table.groupby("window")
        deficit = runs_with(windows, None)[0]
        colours = ramp(deficit.deficits[0].look.colour, len(lengths))
        for i, (length, found) in enumerate(lengths):
            look = series(i)._replace(colour=colours[i])
            points = found.groupby("onset")[["sensitivity", "trace"]].mean()
            name = f"window of {length} epochs"
            words.append(_fitted(top, bottom, points, look, name))
        top.set(xlabel="epoch, or epoch of onset")
        bottom.set(xlabel="points lost to the same clean training")
        for axes in (top, bottom):
            axes.set(ylabel=TRACE)
            legend(axes)
    middle, words = curve.mean(axis=1), " ".join(words).replace("-", "\N{MINUS SIGN}")
    return worded(
        "with_sensitivity", figure, table, words=words, most=middle.max(),
        epoch=middle.idxmax(), deficit=deficit.label, probed=probed(tracked),
        origin=origins({"Trace": tracked, "Windows": windows}),
    )  # fmt: skip


def beside_loss(held: Mapping[str, Sequence[Result]]) -> Panel:
    """Trace against training loss at the end of every run: is a high one a poor fit?

    Args:
        held: results of studies with a probe, by the name of their network.
    """
    tables, words = [], []
    with rows(3) as (figure, (axes,)):
        own = networks(results[0].study for results in held.values())
        for (name, results), look in zip(held.items(), own, strict=True):
            found = pd.concat(map(_ends, results)).drop_duplicates()
            tables.append(found.assign(network=name))
            words.append(f"{name} {_slope(found)}")
            for clean, part in found.groupby("clean"):
                middle = part.groupby("run")[["training loss", "trace"]].mean()
                axes.loglog(
                    *middle.to_numpy().T, look.marker, color=look.colour,
                    label=None if clean else name, fillstyle=FILLED[clean],
                )  # fmt: skip
        axes.set_xlabel("training loss (nats)")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:g}")
        table = pd.concat(tables, ignore_index=True).drop(columns="clean")
        log_axis(axes, table["trace"], TRACE)
        legend(axes, ncols=2)
    named = {r.study.name: r for results in held.values() for r in results}
    return worded(
        "beside_loss", figure, table, words="; ".join(words),
        probed=probed(next(iter(named.values()))), origin=origins(named),
    )  # fmt: skip


def _ends(result: Result) -> pd.DataFrame:
    """Trace and loss by run and seed, as means of the last five measurements."""
    trace_curve(result, result.study.runs[0])  # an error, if there is none
    ends = []
    for run in result.study.runs:
        found = {"run": name_of(run), "clean": run.clean}
        for name, metric in {"training loss": "train_loss", "trace": "trace"}.items():
            found[name] = result.curve(run, metric).dropna(how="all").tail(5).mean()
        ends.append(pd.DataFrame(found).rename_axis("seed").reset_index())
    return pd.concat(ends)


def _slope(ends: pd.DataFrame) -> str:
    """Slope of log trace on log loss over runs, fitted to each seed, in words."""
    logs = np.log(ends.set_index("seed")[["training loss", "trace"]]).dropna()
    slopes = logs.groupby("seed").apply(lambda own: np.polyfit(*own.to_numpy().T, 1)[0])
    low, high = effects.interval(slopes)
    words = f"{slopes.mean():.2f} ({low:.2f} to {high:.2f})"
    return words.replace(" (nan to nan)", "").replace("-", "\N{MINUS SIGN}")


def runs_with(result: Result, deficit: str | None) -> list[Run]:
    """Runs with `deficit` (default: with any), by deficit and removal."""
    runs = [run for run in result.study.runs if not run.clean]
    names = list(dict.fromkeys(run.name for run in runs))
    if deficit is not None:
        choose(f"deficit of study {result.study.name}", deficit, names)
        runs = [run for run in runs if run.name == deficit]
    return sorted(runs, key=lambda run: (names.index(run.name), run.removal))


def measured(result: Result, run: Run) -> bool:
    """Whether a trace of `run` can be drawn: not where it diverged at once."""
    return bool((result.curve(run, "trace") > 0).any(axis=None))


def probed(result: Result) -> str:
    probe = result.study.setup.probe
    every = "every epoch" if probe.every == 1 else f"every {probe.every} epochs"
    return (
        f"Measured {every} on {probe.images} training images as the network sees them "
        "at that epoch."
    )


def _lines(
    axes: Axes, named: dict[str, tuple[Result, Run]], own: Sequence[Look], column: str
) -> tuple[str, pd.DataFrame]:
    """Draw the traces that can be drawn; return them in words and as a table."""
    shown = zip(named, named.values(), own, strict=False)
    shown = [(name, *run, look) for name, run, look in shown]
    shown = [part for part in shown if measured(*part[1:3])] or shown
    tables, words, seen = [], [], []
    for name, result, run, look in shown:
        curve = trace_curve(result, run)
        mean(axes, curve, look, name, geometric=True)
        found = interval(curve, geometric=True)
        middle = found["mean"]
        words.append(
            f"{name}: {middle.iloc[0]:,.4g} after epoch {middle.index[0]}, greatest "
            f"{middle.max():,.4g} after epoch {middle.idxmax()}, "
            f"{middle.iloc[-1]:,.4g} after epoch {middle.index[-1]}"
        )
        found.columns = ["trace", "trace, low", "trace, high"]
        tables.append(found.reset_index().assign(**{column: name}))
        seen.append(curve[curve > 0].stack())
    log_axis(axes, pd.concat(seen), TRACE)
    legend(axes)
    return "; ".join(words), pd.concat(tables, ignore_index=True)


def _fitted(
    top: Axes, bottom: Axes, points: pd.DataFrame, look: Look, name: str
) -> str:
    """Draw points and fit for one window length; return the fit's quality in words."""
    s, f = points["sensitivity"].to_numpy(), points["trace"].to_numpy()
    bottom.plot(s, f, look.marker, color=look.colour, label=name)
    try:
        fit = fit_exponential(s, f)
    except CplibError:
        return f"{name}: no fit converged."
    line = {"color": look.colour, "linestyle": look.dash}
    fitted = {"marker": look.marker, "label": f"a·exp(c·S)+b, {name}"}
    top.plot(points.index, fit.predict(s), **fitted, **line)
    grid = np.linspace(s.min(), s.max(), 100)
    band(bottom, grid, *fit.band(grid), look.colour)
    bottom.plot(grid, fit.predict(grid), **line)
    bottom.set_ylim(0, 1.5 * f.max())
    return (
        f"{name.capitalize()}: R² = {fit.r2:.2f} (a straight line "
        f"{fit.r2_linear:.2f}), c = {fit.params['c']:.2g} ± {fit.stderr['c']:.2g} per "
        "point" + ", indistinguishable from a straight line" * fit.degenerate + "."
    )

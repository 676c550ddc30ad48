"""Figures of the Fisher information: over training, under deficit, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ..analysis.fits import ExponentialFit, fit_exponential
from ..analysis.sensitivity import sensitivities, shares, trace_curve
from ..errors import CplibError, InputError
from ..results import Result
from ..studies import Run
from .marks import TALL
from .palette import BLUE, GREY, LABELS, SERIES, style
from .panel import Panel
from .sweeps import origin, origins

__all__ = ["by_layer", "over_training", "under_deficit", "with_sensitivity"]

WORDS = {"test": "test set", "train": "training images, as augmented"}


def over_training(*results: Result, accuracy: str = "test") -> Panel:
    """Trace and accuracy over training without deficit (4L, solid line).

    Args:
        results: of studies with a probe, up to five.
        accuracy: "test", or "train" to see how much of it is learned by heart.
    """
    if accuracy not in ("test", "train"):
        raise InputError(f"accuracy={accuracy!r}: choose 'test' or 'train'.")
    with style():
        figure = Figure(figsize=TALL, layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True)
        tables, words = [], []
        shown = [r for r in results if _left(r, r.study.runs[0])] or results
        for result, look in zip(shown, SERIES, strict=False):
            run, name = result.study.runs[0], _name(result)
            curve = trace_curve(result, run)
            _band(top, curve, look, name)
            _band(bottom, 100 * result.curve(run, f"{accuracy}_accuracy"), look, name)
            tables.append(_summary(curve).assign(network=name))
            mean = curve.mean(axis=1)
            words.append(
                f"{name}: {mean.iloc[0]:.3g} after epoch {mean.index[0]}, greatest "
                f"{mean.max():.3g} after epoch {mean.idxmax()}, {mean.iloc[-1]:.3g} "
                f"after epoch {mean.index[-1]}"
            )
        top.set(ylabel="trace of Fisher information", yscale="log")
        bottom.set(xlabel="epochs of training", ylabel=f"{accuracy} accuracy (%)")
        _plain(top)
        top.legend(loc="best")
    alt = f"Trace of the Fisher information over training. {'; '.join(words)}."
    caption = (
        "Top: trace of the Fisher information of the weights (nats per squared unit of "
        "weight, logarithmic) over training without deficit; bottom: accuracy "
        f"on the {WORDS[accuracy]} (line: mean over seeds, band: lowest to highest). "
        f"{_probed(results[0])} "
        + origins({_name(result): result for result in results})
    )
    return Panel(figure, alt, caption, pd.concat(tables, ignore_index=True))


def under_deficit(result: Result, kind: str = "blur") -> Panel:
    """Trace over training with a deficit removed at several epochs (4R)."""
    runs = [result.study.runs[0], *_runs(result, kind)]
    runs = [run for run in runs if _left(result, run)] or runs
    with style():
        figure = Figure(figsize=(6.4, 4.8), layout="constrained")
        axes = figure.subplots()
        tables, words = [], []
        for run, look in zip(runs, [(GREY, "o", "-"), *SERIES], strict=False):
            name = (
                LABELS[kind] + f" until {run.removal}"
                if not run.clean
                else "no deficit"
            )
            curve = trace_curve(result, run)
            _band(axes, curve, look, name)
            if not run.clean:
                axes.axvline(run.removal, color=look[0], linewidth=0.8, linestyle=":")
            tables.append(_summary(curve).assign(run=name))
            mean = curve.mean(axis=1)
            words.append(
                f"{name}: greatest {mean.max():.3g} after epoch {mean.idxmax()}, "
                f"{mean.iloc[-1]:.3g} at the end"
            )
        axes.set(
            xlabel="epochs of training", ylabel="trace of Fisher information",
            yscale="log",
        )  # fmt: skip
        _plain(axes)
        axes.legend(loc="best", fontsize="small")
    alt = f"Trace of the Fisher information over training. {'; '.join(words)}."
    caption = (
        "Trace of the Fisher information of the weights (nats per squared unit of "
        f"weight, logarithmic), without deficit and with {LABELS[kind]} until the "
        "epoch at the dotted line (line: mean over seeds, band: lowest to highest). "
        f"{_probed(result)} " + origin(result)
    )
    return Panel(figure, alt, caption, pd.concat(tables, ignore_index=True))


def by_layer(result: Result, kind: str = "blur") -> Panel:
    """Each layer's share of the trace over training (5, a row of three panels)."""
    late = _runs(result, kind)
    runs = [result.study.runs[0], late[0], late[-1]]
    last = min(run.epochs for run in runs)
    runs = [run for run in runs if _left(result, run)] or runs
    with style():
        figure = Figure(figsize=(6.4, 8.6), layout="constrained")
        grid = figure.subplots(len(runs), 1, sharex=True, sharey=True, squeeze=False)
        rows = grid.ravel()
        tables, words = [], []
        for axes, run in zip(rows, runs, strict=True):
            name = (
                f"{LABELS[kind]} until {run.removal}" if not run.clean else "no deficit"
            )
            mean = (
                shares(result, run).groupby(["epoch", "layer"]).share.mean().unstack()
            )
            _stack(axes, mean, name)
            if not run.clean:
                axes.axvline(run.removal, color="black", linestyle="--", linewidth=1.2)
            tables.append((100 * mean).round(1).assign(run=name).reset_index())
            at = run.removal or last
            row = mean.iloc[max(0, mean.index.searchsorted(at, "right") - 1)]
            words.append(
                f"{name}: after epoch {row.name}, layer {row.idxmax()} has most, "
                f"{100 * row.max():.0f} %"
            )
        rows[-1].set(xlabel="epochs of training")
        handles, labels = rows[0].get_legend_handles_labels()
        figure.legend(
            handles[::-1], labels[::-1], loc="outside right upper", title="layer",
        )  # fmt: skip
    alt = (
        "Each layer's share of the trace of the Fisher information over training, in "
        f"{len(runs)} panels. {'; '.join(words)}."
    )
    caption = (
        "Share of each layer in the trace of the Fisher information of the weights, "
        "stacked from the input (layer 0, bottom) to the classes; mean over "
        f"{len(result.seeds)} seeds. Dashed: the {LABELS[kind]} is removed. The total "
        f"changes as well; see the figure of the trace. {_probed(result)} "
        + origin(result)
    )
    return Panel(figure, alt, caption, pd.concat(tables, ignore_index=True))


def with_sensitivity(tracked: Result, windows: Result) -> Panel:
    """Trace and the exponential of the sensitivity, for each window length (4L).

    Args:
        tracked: a study with a probe, for the trace without deficit.
        windows: a study of windows, one or more lengths, with the same network.
    """
    curve = trace_curve(tracked, tracked.study.runs[0]).mean(axis=1)
    table = sensitivities(tracked, windows)
    with style():
        figure = Figure(figsize=(6.4, 8.2), layout="constrained")
        top, bottom = figure.subplots(2, 1)
        top.plot(curve, color=BLUE, linewidth=2, label="trace, no deficit")
        words = []
        for (length, rows), look in zip(
            table.groupby("window"), (SERIES[1], SERIES[2]), strict=False
        ):
            name = f"window of {length} epochs"
            mean = rows.groupby("onset")[["sensitivity", "trace"]].mean()
            words.append(_fitted(top, bottom, mean, look, name))
        top.set(xlabel="epoch, or epoch of onset", ylabel="trace of Fisher information")
        bottom.set(
            xlabel="sensitivity (loss of accuracy in points, equal clean epochs)",
            ylabel="trace of Fisher information",
        )
        top.legend(loc="best", fontsize="small")
        bottom.legend(loc="best", fontsize="small")
    alt = (
        f"Top: trace over training, greatest {curve.max():.3g} after epoch "
        f"{curve.idxmax()}, with the fitted exponential of the sensitivity at each "
        f"onset. Bottom: trace against sensitivity. {' '.join(words)}"
    )
    caption = (
        "Trace of the Fisher information F(t) without deficit, and F = a·exp(c·S) + b "
        "fitted to the sensitivity S to a window of blur with onset t, mean over "
        f"seeds, for two lengths of window. {' '.join(words)} At onset 0 the trace "
        f"is the first that was measured. {_probed(tracked)} "
        + origins({"Trace": tracked, "Windows": windows})
    )
    return Panel(figure, alt, caption, table)


def _runs(result: Result, kind: str) -> list[Run]:
    runs = [run for run in result.study.runs if run.name == kind and run.onset == 0]
    if not runs:
        held = ", ".join(dict.fromkeys(run.name for run in result.study.runs[1:]))
        raise InputError(
            f"Study {result.study.name} has no run with {kind!r} from the start: "
            f"choose one of {held}."
        )
    return sorted(runs, key=lambda run: run.removal)


def _left(result: Result, run: Run) -> bool:
    """Whether a trace of `run` can be drawn: not where it diverged at once."""
    return bool((result.curve(run, "trace") > 0).any(axis=None))


def _history(run: Run) -> str:
    return f"{run.label} until {run.removal}" if not run.clean else "no deficit"


def _name(result: Result) -> str:
    return result.study.title.split(":")[0]


def _probed(result: Result) -> str:
    probe = result.study.setup.probe
    every = "every epoch" if probe.every == 1 else f"every {probe.every} epochs"
    return (
        f"Measured {every} on {probe.images} training images as the network sees them "
        "at that epoch."
    )


def _plain(axes: Axes) -> None:
    """Plain numbers on a logarithmic axis, whose range may hold no power of ten."""
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_minor_locator(NullLocator())


def _band(axes: Axes, curve: pd.DataFrame, look: tuple, name: str) -> None:
    colour, marker, dash = look
    mean, low, high = curve.mean(axis=1), curve.min(axis=1), curve.max(axis=1)
    axes.fill_between(curve.index, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.plot(
        mean, color=colour, linestyle=dash, marker=marker,
        markevery=max(1, len(mean) // 8), label=name,
    )  # fmt: skip


def _summary(curve: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame({"mean": curve.mean(axis=1), "sd": curve.std(axis=1)})
    return table.reset_index()


def _stack(axes: Axes, mean: pd.DataFrame, name: str) -> None:
    colours = sns.color_palette("viridis", mean.shape[1])
    axes.stackplot(
        mean.index, 100 * mean.T.to_numpy(), colors=colours, labels=list(mean),
        edgecolor="white", linewidth=0.4,
    )  # fmt: skip
    axes.set(title=name, ylabel="share of trace (%)", ylim=(0, 100))
    axes.margins(x=0)


def _fitted(top: Axes, bottom: Axes, mean: pd.DataFrame, look: tuple, name: str) -> str:
    """Draw one window length's points and fit; say in words how good it is."""
    colour, marker, dash = look
    s, f = mean["sensitivity"].to_numpy(), mean["trace"].to_numpy()
    bottom.plot(s, f, marker, color=colour, label=name)
    fit = _try_fit(s, f)
    if fit is None:
        return f"{name}: no fit converged."
    top.plot(
        mean.index, fit.predict(s), color=colour, marker=marker, linestyle=dash,
        label=f"a·exp(c·S)+b, {name}",
    )  # fmt: skip
    line = np.linspace(s.min(), s.max(), 100)
    low, high = fit.band(line)
    bottom.fill_between(line, low, high, color=colour, alpha=0.12, linewidth=0)
    bottom.plot(line, fit.predict(line), color=colour, linestyle=dash)
    bottom.set_ylim(0, 1.5 * f.max())
    return (
        f"{name.capitalize()}: R² = {fit.r2:.2f} (a straight line "
        f"{fit.r2_linear:.2f}), c = {fit.params['c']:.2g} ± {fit.stderr['c']:.2g} per "
        "point" + (", not to be told from a straight line." if fit.degenerate else ".")
    )


def _try_fit(s: Iterable[float], f: Iterable[float]) -> ExponentialFit | None:
    try:
        return fit_exponential(s, f)
    except CplibError:
        return None

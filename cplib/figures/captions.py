"""Sentences shared by captions: meaning of bands, and origin of the numbers."""

from dataclasses import replace

from ..analysis.effects import left_out
from ..results import Result
from .panel import Panel


def finished(result: Result, panel: Panel) -> Panel:
    """`panel` with its origin: meaning of bands, and where the numbers come from."""
    parts = over_seeds(result), panel.origin, origin(result)
    return replace(panel, origin=" ".join(filter(None, parts)))


def over_seeds(*results: Result) -> str:
    """The meaning of line, band and dots."""
    seeds = max(len(result.seeds) for result in results)
    if seeds == 1:
        return "One seed, so no band."
    return (
        f"Line: mean over {seeds} seeds; band: its 95 % interval (Student's t); dots: "
        "single seeds."
    )


def origin(result: Result) -> str:
    """Scale, data, network, seeds and device."""
    return origins({"": result})


def origins(results: dict[str, Result]) -> str:
    """`origin` of several results by name; what they share is said once."""
    parts = {name: _parts(result) for name, result in results.items()}
    shared = [p for p, *rest in zip(*parts.values(), strict=True) if {p} >= set(rest)]
    scale = next(iter(results.values())).study.scale
    sentences = [f"Scale {scale}: {', '.join(shared)}."] if shared else []
    for name, own in parts.items():
        rest = [part for part in own if part not in shared]
        sentences += [f"{name}: {', '.join(rest)}."] if rest else []
    for name, result in results.items():
        if lost := left_out(result).strip():
            sentences.append(f"{name}: {lost}" if name else lost)
    return " ".join(sentences)


def _parts(result: Result) -> list[str]:
    data, model = result.study.setup.data, result.study.setup.model
    devices = sorted({entry["device"] for entry in result.provenance.values()})
    source = "computed live" if result.live else "stored"
    if 0 < len(result.live) < len(result.seeds):
        source = "partly stored, partly computed live"
    return [
        f"{data.train:,} images of {data.name} at {data.size}×{data.size} pixels",
        f"{model.family} of width {model.width}",
        f"seed{'s' * (len(result.seeds) > 1)} {', '.join(map(str, result.seeds))}",
        f"{source} ({', '.join(devices)})",
    ]

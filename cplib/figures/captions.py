"""Sentences shared by captions: meaning of bands, and origin of the numbers."""

from dataclasses import replace

from .._base.words import translated as _
from ..analysis.effects import left_out
from ..results import Result
from .panel import Panel


def finished(result: Result, panel: Panel) -> Panel:
    """`panel` with the meaning of its bands, and with where its numbers come from."""
    made = f"{panel.origin} {origin(result)}".strip()
    return replace(panel, caption=f"{panel.caption} {over_seeds(result)}", origin=made)


def over_seeds(*results: Result) -> str:
    """The meaning of line, band and dots."""
    counts = sorted({len(result.seeds) for result in results})
    if counts == [1]:
        return _("One seed, so no band.")
    seeds = counts[0] if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"
    return _(
        "Line: mean over {seeds} seeds; band: its 95 % interval (Student's t); dots: "
        "single seeds.", seeds=seeds
    )  # fmt: skip


def origin(result: Result) -> str:
    """Scale, data, network, seeds and device."""
    return origins({"": result})


def origins(results: dict[str, Result]) -> str:
    """`origin` of several results by name; what they share is said once."""
    parts = {name: _parts(result) for name, result in results.items()}
    shared = [p for p, *rest in zip(*parts.values(), strict=True) if {p} >= set(rest)]
    scale = next(iter(results.values())).study.scale
    said = _("Scale {scale}: {parts}.", scale=scale, parts=", ".join(shared))
    sentences = [said] if shared else []
    for name, own in parts.items():
        rest = [part for part in own if part not in shared]
        sentences += [f"{name}: {', '.join(rest)}."] if rest else []
    for name, result in results.items():
        if lost := left_out(result).strip():
            sentences.append(f"{name}: {lost}" if name else lost)
    return " ".join(sentences)


def _parts(result: Result) -> list[str]:
    data, model = result.study.setup.data, result.study.setup.model
    devices = {entry["device"] for entry in result.provenance.values()}
    brands = sorted({device.split(", family")[0] for device in devices})
    source = _("computed live") if result.live else _("stored")
    if 0 < len(result.live) < len(result.seeds):
        source = _("partly stored, partly computed live")
    seeds = ", ".join(map(str, result.seeds))
    one = len(result.seeds) == 1
    return [
        _("{count:,} images of {name} at {size}×{size} pixels", count=data.train,
          name=data.name, size=data.size),
        _("{family} of width {width}", family=model.family, width=model.width),
        _("seed {seeds}", seeds=seeds) if one else _("seeds {seeds}", seeds=seeds),
        f"{source} ({', '.join(brands)})",
    ]  # fmt: skip

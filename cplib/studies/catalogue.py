"""All studies by name: the paper's panels, and the book's own experiments and maps."""

from dataclasses import replace
from functools import partial

from .._base.plain import choose
from ..deficits import deficit
from ..training import Cyclic, Restart, Setup
from .scales import Scale, scale_of
from .study import Study, windows

# One deficit from birth, removed at each of several epochs t0. By panel: the scale's
# setup and its removals, the deficit, and what comes before "until epoch t0".
SWEEPS = {
    "1TL": ("main", "removals", "blur", "Blur"),
    "2L": ("main", "few", "flip", "Vertical flip"),
    "2R": ("main", "few", "labels", "Label permutation"),
    "2B": ("main", "few", "noise", "Noise"),
    "3TL": ("resnet", "few", "blur", "ResNet-18: blur"),
    "3TR": (
        "digits", "digits_removals", "blur", "Fully connected network on digits: blur",
    ),
    "3BL": ("fixed", "fixed_removals", "blur", "Fixed learning rate: blur"),
}  # fmt: skip


def _from_birth(
    name: str, scale: Scale, title: str, kinds: str, ends: tuple[int, ...],
    setup: Setup | None = None, clean: int | None = None,
) -> Study:  # fmt: skip
    """Deficits of `kinds` from epoch 0 to each of `ends`; the scale's main setting."""
    spans = [(deficit(kind), 0, t0) for kind in kinds.split() for t0 in ends]
    clean = scale.clean if clean is None else clean
    return windows(name, scale.name, title, setup or scale.main, spans, clean)


def swept(scale: Scale, name: str) -> Study:
    """The panel `name` of `SWEEPS`."""
    part, removals, kind, what = SWEEPS[name]
    ends, title = getattr(scale, removals), f"{what} until epoch t0"
    clean = scale.digits_clean if part == "digits" else scale.clean
    return _from_birth(name, scale, title, kind, ends, getattr(scale, part), clean)


def depth(scale: Scale, blocks: int) -> Study:
    """Figure 3, bottom right: a network of `blocks` stages, blur until epoch t0."""
    title = f"Network of {blocks} stage{'s' * (blocks > 1)}: blur until epoch t0"
    setup, ends = scale.depth.vary(blocks=blocks), scale.depth_removals
    return _from_birth(f"3BR{blocks}", scale, title, "blur", ends, setup)


def blur_window(scale: Scale) -> Study:
    """Figure 1, bottom left: blur in a short window, over its onset."""
    spans = [(deficit("blur"), a, a + scale.length) for a in scale.onsets]
    title = f"Blur in a window of {scale.length} epochs"
    return windows("1BL", scale.name, title, scale.main, spans, scale.clean)


def resnet_windows(scale: Scale) -> Study:
    """Figure 4, left: ResNet-18, blur in windows of two lengths, over the onset."""
    lengths = (scale.length, scale.long)
    spans = [(deficit("blur"), a, a + k) for k in lengths for a in scale.few_onsets]
    title = f"ResNet-18: blur in windows of {lengths[0]} and {lengths[1]} epochs"
    return windows("4L", scale.name, title, scale.resnet, spans, scale.clean)


def layers(scale: Scale) -> Study:
    """Figure 5: All-CNN, its Fisher information under blur and flip, early and late."""
    setup = replace(scale.main, probe=scale.probe)
    title = "All-CNN: Fisher information by layer, under blur and flip"
    return _from_birth("5", scale, title, "blur flip", scale.layered, setup)


def moving_noise(scale: Scale) -> Study:
    """As Figure 2, bottom, but the noise is translated and mirrored."""
    title, ends = "Augmented noise until epoch t0", scale.few[1::2]
    return _from_birth("2B-moving", scale, title, "moving-noise", ends)


def nothing(scale: Scale) -> Study:
    """No learning until epoch t0: what age alone does, while the rate falls."""
    title, ends = "No learning until epoch t0", scale.few[1::2]
    return _from_birth("nothing", scale, title, "nothing", ends)


def worth(scale: Scale) -> Study:
    """What the first epochs are worth: one run per way to spend them."""
    title = f"The first {scale.length} epochs, spent in several ways"
    kinds = "blur flip labels grey noise moving-noise nothing"
    return _from_birth("worth", scale, title, kinds, (scale.length,))


def permanent(scale: Scale) -> Study:
    """Blur and flip, then twice as many clean epochs: is the loss permanent?"""
    end, clean = scale.few[-1], 2 * scale.clean
    title = f"Blur and flip until epoch {end}, then twice as many clean epochs"
    return _from_birth("permanent", scale, title, "blur flip", (end,), clean=clean)


def faster(scale: Scale) -> Study:
    """The network of Figure 4, never blurred; its rate falls twice as fast."""
    setup = scale.resnet.vary(decay=scale.resnet.schedule.decay**2)
    title = "ResNet-18, faster fall: no deficit, a rate that falls twice as fast"
    return windows("faster", scale.name, title, setup, [], scale.clean)


def unremoved(scale: Scale) -> Study:
    """Figure 4, right, up to the last removal: what both networks are like then."""
    end, setup = scale.few[-1], scale.resnet
    if setup.readout:
        setup = setup.vary(readout=replace(setup.readout, first=end))
    title = f"ResNet-18: blur until epoch {end}, where training ends"
    return _from_birth("unremoved", scale, title, "blur", (end,), setup, 0)


CHANGED = {
    "clock-decay": "a quarter of the weight decay",
    "clock-batch": "mini-batches four times as large",
    "restart": "a learning rate that starts anew at the removal",
    "shrink": "weights shrunk and perturbed at the removal",
    "cyclic": "a learning rate that starts anew every {} epochs",
}


def changed(scale: Scale, name: str) -> Study:
    """The main sweep of blur with one setting of the schedule changed: see `CHANGED`.

    The first two leave a quarter of the learning rate times weight decay that is still
    to come at any age, one with fewer steps and one with less decay in each.
    """
    schedule = scale.main.schedule
    setting = {
        "clock-decay": {"weight_decay": schedule.weight_decay / 4},
        "clock-batch": {"batch": 4 * schedule.batch},
        "restart": {"rate": Restart()},
        "shrink": {"shrink": (0.4, 0.1)},  # as in Ash & Adams 2020
        "cyclic": {"rate": Cyclic(scale.length)},
    }[name]
    title = f"Blur until epoch t0, {CHANGED[name].format(scale.length)}"
    ends = scale.few if name.startswith("clock") else scale.few[1::2]
    if name == "cyclic":
        ends = (3 * scale.length,)  # so that all runs end at the end of a period
    return _from_birth(name, scale, title, "blur", ends, scale.main.vary(**setting))


def patching(scale: Scale) -> Study:
    """Blur alone, and followed by fine detail alone: a patch on the stronger eye."""
    end, detail = scale.few[1], deficit("detail")
    blurred = (deficit("blur"), 0, end)
    spans = [blurred, [blurred, (detail, end, end + scale.long)]]
    title = f"Blur until epoch {end}, with and without fine detail alone after it"
    return windows("patching", scale.name, title, scale.main, spans, scale.clean)


def timing(scale: Scale) -> Study:
    """Deficits over the half grid of onset and removal, for the explorer."""
    grid = [(onset, end) for onset in scale.grid for end in scale.grid if onset < end]
    spans = [(deficit(kind), *window) for kind in scale.mapped for window in grid]
    title = "Onset and removal of a deficit"
    study = windows("timing", scale.name, title, scale.main, spans, scale.clean)
    return replace(study, metrics=("test_accuracy",))  # one small file, many runs


def demo(scale: Scale) -> Study:
    """Blur, flip and noise until one late epoch: the effect in its shortest form."""
    title, ends = "Blur, flip and noise", scale.removals[-1:]
    return _from_birth("demo", scale, title, "blur flip noise", ends)


STUDIES = {
    "1TL": partial(swept, name="1TL"),
    "1BL": blur_window,
    **{name: partial(swept, name=name) for name in SWEEPS if name != "1TL"},
    **{f"3BR{n}": partial(depth, blocks=n) for n in (1, 2, 3)},
    "4L": resnet_windows,
    "5": layers,
    "2B-moving": moving_noise,
    **{s.__name__: s for s in (worth, permanent, nothing, faster, unremoved)},
    **{name: partial(changed, name=name) for name in CHANGED},
    **{study.__name__: study for study in (patching, timing, demo)},
}
LIVE = "demo permanent nothing restart shrink patching timing".split()  # on gratings
# what the book shows, with the scale at which it is stored
BOOK = (
    *((name, "laptop") for name in STUDIES if name not in ("patching", "demo")),
    *((name, "demo") for name in LIVE),
)


def names() -> tuple[str, ...]:
    """Names of all studies."""
    return tuple(STUDIES)


def get(name: str, scale: str | Scale = "laptop") -> Study:
    """The study `name` at `scale`, a name in `SCALES` or a `Scale` of your own."""
    choose("study", name, STUDIES)
    return STUDIES[name](scale_of(scale))

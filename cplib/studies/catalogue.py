"""All studies by name, and those that the book shows."""

from functools import partial

from ..errors import InputError
from . import controls, paper
from .scales import Scale, scale_of
from .study import Study

STUDIES = {
    "1TL": partial(paper.swept, name="1TL"),
    "1BL": paper.blur_window,
    **{name: partial(paper.swept, name=name) for name in paper.SWEEPS if name != "1TL"},
    **{f"3BR{n}": partial(paper.depth, blocks=n) for n in (1, 2, 3)},
    "4L": paper.resnet_windows,
    "5": paper.layers,
    "2B-moving": controls.moving_noise,
    "worth": controls.worth,
    "permanent": controls.permanent,
    "4R-few": controls.memorised,
    "4L-long": partial(controls.long_training, change="none"),
    "4L-data": partial(controls.long_training, change="data"),
    "4L-few": partial(controls.long_training, change="few"),
    "4L-loose": partial(controls.long_training, change="loose"),
    "timing": controls.timing,
    "demo": controls.demo,
    "unmirrored": controls.unmirrored,
}
# what the book shows, with the scale at which it is stored
SMALL = ("demo", "unmirrored")  # studies of gratings
FIRST = ("4R-few", "4L-long", "4L-data", "4L-few", "4L-loose")  # first edition only
SECOND = ("worth", "permanent")  # second edition only
BOOK = (
    *((name, "laptop") for name in STUDIES if name not in (*SMALL, *SECOND)),
    *((name, "demo") for name in ("demo", "timing", "unmirrored")),
)


def names() -> tuple[str, ...]:
    """Names of all studies."""
    return tuple(STUDIES)


def get(name: str, scale: str | Scale = "laptop") -> Study:
    """The study `name` at `scale`, a name in `SCALES` or a `Scale` of your own.

    Raises:
        InputError: for a name or scale that does not exist.
    """
    if name not in STUDIES:
        raise InputError(f"Unknown study {name!r}: choose one of {', '.join(STUDIES)}.")
    return STUDIES[name](scale_of(scale))

"""The engine in WebAssembly, driven by its worker in Chromium: as the native one."""

import base64
import json

import numpy as np
import pytest
from native import KINDS, Engine

from tools.maintain import make_engine

WORKER = make_engine.FOLDER / "worker.js"
pytestmark = pytest.mark.browser
BLUR, FLIP = {"kind": "blur", "factor": 4}, {"kind": "flip"}
CONFIG = {
    "model": {"family": "AllCNN", "width": 8},
    "data": {"train": 200, "test": 90, "size": 16},
    "schedule": {"batch": 64},
    "windows": [{"deficit": BLUR, "onset": 1, "removal": 3}],
    "epochs": 4,
    "probe": {"images": 16, "every": 2},
}
# Runs in the page: start a worker, answer what it says by `replies`, return it all.
TALK = """async ([source, start, replies]) => {
  const blob = new Blob([source], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(blob)), heard = [];
  const said = await new Promise((resolve) => {
    worker.onerror = (event) => resolve([{ type: "broken", message: event.message }]);
    worker.onmessage = ({ data }) => {
      heard.push(data);
      for (const reply of replies)
        if (reply.type === data.type && (reply.epoch ?? data.epoch) === data.epoch) {
          const say = () => reply.say.forEach((message) => worker.postMessage(message));
          setTimeout(say, reply.after || 0);
        }
      if (data.type === "done" || data.type === "error") resolve(heard);
    };
    worker.postMessage(start);
  });
  worker.terminate();
  const plain = (key, value) =>
    value instanceof Uint8ClampedArray ? Array.from(value) : value;
  return JSON.stringify(said, plain);
}"""


@pytest.fixture(scope="module")
def tab(chromium, tmp_path_factory):
    """A page opened as a file."""
    page = tmp_path_factory.mktemp("page") / "index.html"
    page.write_text("<!doctype html><title>laboratory</title>", encoding="utf-8")
    tab = chromium.new_page()
    tab.goto(page.as_uri())
    return tab


@pytest.fixture
def talk(tab):
    """A function that has a worker train and returns its messages."""
    wasm = base64.b64encode(make_engine.MODULE.read_bytes()).decode()

    def with_worker(config=CONFIG, seed=0, replies=(), **changes):
        config = {**config, **changes}
        start = {"type": "start", "wasm": wasm, "config": config, "seed": seed}
        source = WORKER.read_text(encoding="utf-8")
        return json.loads(tab.evaluate(TALK, [source, start, list(replies)]))

    return with_worker


def of(messages, kind):
    return [message for message in messages if message["type"] == kind]


def replay(library, config, seed, plan):
    """What the native engine makes of a run: rows (loss, hits, test hits, trace).

    Args:
        plan: for each epoch, its deficit (kind, amount), rate, and therapy or None.
    """
    data, batch = config["data"], config["schedule"]["batch"]
    counts = data["train"], data["test"]
    model = config["model"]
    engine = Engine(library, **model, counts=counts, batch=batch)
    library.birth(seed)
    for epoch, (kind, amount, rate, therapy) in enumerate(plan):
        if therapy:
            therapy(library)
        engine.show(kind, amount, seed)
        library.shuffle(seed, epoch)
        library.begin()
        moves = (0, 0) if kind == "noise" else (2, 1)
        images = counts[0] // batch * batch
        for first in range(0, images, batch):
            library.train(first, batch, *moves, rate, 0.9, 0.001)
        learned = library.counted(0) / images, 100 * library.counted(1) / images
        library.begin()
        for first in range(0, counts[1], batch):
            library.test(first, min(batch, counts[1] - first))
        found = library.information(config["probe"]["images"], seed, epoch + 1)
        trace = engine.array(found, len(engine.layers)).tolist()
        yield *learned, 100 * library.counted(1) / counts[1], trace


def rates(count):
    return [0.05 * 0.97**epoch for epoch in range(count)]


def assert_same(messages, rows):
    """Bit for bit: neither build fuses or reorders operations."""
    epochs = of(messages, "epoch")
    assert [message["epoch"] for message in epochs] == list(range(len(rows) + 1))
    for message, (loss, hits, test, trace) in zip(epochs[1:], rows, strict=True):
        assert message["loss"] == loss
        assert message["train_accuracy"] == hits
        assert message["accuracy"] == test
        if message["epoch"] % 2:
            assert message["trace"] is None
        else:
            assert message["trace"] == trace


@pytest.mark.parametrize("family", ["AllCNN", "MLP"])
def test_both_builds_train_alike_bit_for_bit(talk, library, family):
    config = {**CONFIG, "model": {"family": family, "width": 12}}
    messages = talk(config, seed=3)
    kinds = [("clear", 0), ("blur", 4), ("blur", 4), ("clear", 0)]
    plan = [(*kind, rate, None) for kind, rate in zip(kinds, rates(4), strict=True)]
    assert_same(messages, list(replay(library, config, 3, plan)))
    deficits = [message["deficit"] for message in of(messages, "epoch")]
    assert deficits == [None, None, BLUR, BLUR, None]
    assert [m["deficit"] for m in of(messages, "sees")] == [None, BLUR, None]
    assert messages[0]["type"] == "ready" and messages[-1]["type"] == "done"


def test_nothing_is_learned_at_a_rate_of_zero(talk, library):
    nothing = {"deficit": {"kind": "nothing"}, "onset": 0, "removal": 2}
    config = {**CONFIG, "windows": [nothing]}
    late = [0, 0, *rates(4)[2:]]
    plan = [("clear", 0, rate, None) for rate in late]
    messages = talk(config, seed=3)
    assert_same(messages, list(replay(library, config, 3, plan)))
    assert [m["rate"] for m in of(messages, "epoch")[1:]] == late


DEFICITS = (
    BLUR, FLIP, {"kind": "detail", "factor": 4}, {"kind": "labels"}, {"kind": "noise"},
    {"kind": "moving-noise"}, {"kind": "grey"}, {"kind": "contrast", "factor": 0.3},
    {"kind": "occlusion", "side": "left"}, {"kind": "occlusion"},
    {"kind": "nothing"},
)  # fmt: skip


def test_the_worker_shows_what_each_deficit_does(talk, library):
    """The first training images and labels, as the native build shows them."""
    ready = talk(sees=[None, *DEFICITS], epochs=0, shown=5, seed=2)[0]
    engine = Engine(library, counts=(200, 90), batch=64)
    for deficit, sees in zip([None, *DEFICITS], ready["sees"], strict=True):
        kind = (deficit or {"kind": "clear"})["kind"].removeprefix("moving-")
        amount = (deficit or {}).get("factor", 0)
        if kind == "occlusion":
            amount = 1 if "side" in deficit else 0
        kind = "clear" if kind == "nothing" else kind
        engine.show(kind, amount, 2)
        assert sees["deficit"] == deficit and sees["size"] == 16
        assert sees["labels"] == engine.labels_shown[:5].tolist()
        for i, image in enumerate(sees["images"]):
            pixels = engine.array(library.view(i), 1024).tolist()
            assert image == pixels
    kinds = {d["kind"].removeprefix("moving-") for d in DEFICITS}
    assert kinds == {*KINDS, "nothing"} - {"clear"}


def test_filters_are_the_first_layers_weights(talk, library):
    message = of(talk(epochs=0), "epoch")[-1]
    engine = Engine(library, counts=(200, 90), batch=64)
    library.birth(0)
    weights = engine.weight(0).numpy().transpose(0, 2, 3, 1)  # (filters, 3, 3, RGB)
    for weight, shown in zip(weights, message["filters"]["images"], strict=True):
        rgba = np.reshape(shown, (3, 3, 4))
        colours = 128 + 127 * weight / np.abs(weight).max()
        assert np.abs(rgba[..., :3] - colours).max() < 1
        assert (rgba[..., 3] == 255).all()


def test_a_reader_can_pause_go_on_and_stop(talk):
    pause, resume, stop = ({"type": word} for word in ("pause", "resume", "stop"))
    plain = talk()
    paused = talk(replies=[
        {"type": "epoch", "epoch": 1, "say": [pause]},
        {"type": "paused", "say": [resume], "after": 300},
    ])  # fmt: skip
    kinds = [message["type"] for message in paused]
    assert kinds.count("paused") == 1 and kinds.index("paused") < kinds.index("done")
    assert [m["loss"] for m in of(paused, "epoch")] == [
        m["loss"] for m in of(plain, "epoch")
    ]
    at_once = {"type": "epoch", "epoch": 1, "say": [pause, resume]}
    assert talk(replies=[at_once])[-1] == {"type": "done", "stopped": False}
    for replies in (
        [{"type": "epoch", "epoch": 1, "say": [stop]}],
        [
            {"type": "epoch", "epoch": 1, "say": [pause]},
            {"type": "paused", "say": [stop]},
        ],
    ):
        stopped = talk(replies=replies, epochs=10_000)
        assert stopped[-1] == {"type": "done", "stopped": True}
        assert len(of(stopped, "epoch")) < 100


def test_a_deficit_switched_by_hand_holds_in_place_of_the_windows(talk):
    say = {"type": "deficit", "deficit": FLIP}
    messages = talk(replies=[{"type": "ready", "say": [say]}], epochs=3, windows=[])
    seen = [message["deficit"] for message in of(messages, "epoch")]
    assert seen[-1] == FLIP and seen[0] is None
    assert of(messages, "sees")[-1]["deficit"] == FLIP


def test_therapies_act_at_the_last_removal(talk, library):
    """A restart begins the rate anew, without momentum; shrinking is the engine's."""
    kinds = [("clear", 0), ("blur", 4), ("blur", 4), ("clear", 0)]
    first, anew = rates(4), [*rates(3), 0.05]
    shrink = {"kind": "shrink", "factor": 0.5, "noise": 0.1}
    for therapy, course, act in (
        ({"kind": "restart"}, anew, lambda c: c.forget()),
        (shrink, first, lambda c: c.shrink(0, 3, 0.5, 0.1)),
    ):
        messages = talk(therapies=[therapy])
        acts = [None, None, None, act]
        plan = [(*k, r, a) for k, r, a in zip(kinds, course, acts, strict=True)]
        assert_same(messages, list(replay(library, CONFIG, 0, plan)))
        assert [m["rate"] for m in of(messages, "epoch")[1:]] == course


def test_images_of_ones_own(talk):
    """Grey digits, as bytes: pixels and labels of both sets."""
    random = np.random.default_rng(0)
    sets = {
        name: [random.integers(0, 256, n * 64).tolist(), (np.arange(n) % 7).tolist()]
        for name, n in (("train", 40), ("test", 20))
    }
    data = {"size": 8, "channels": 1, "classes": 7, "given": sets}
    ready, *rest = talk(data=data, epochs=2, seed=1)
    shown = np.reshape(
        [list(image) for image in ready["sees"][0]["images"]], (8, 64, 4)
    )
    pixels = np.reshape(sets["train"][0], (40, 64))[:8]
    assert (shown[..., :3] == pixels[..., None]).all()
    assert ready["sees"][0]["labels"] == sets["train"][1][:8]
    assert rest[-1]["type"] == "done"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"family": "ResNet18", "width": 8}}, "No network ResNet18"),
        ({"windows": [{"deficit": {"kind": "fog"}}]}, "No deficit is called fog"),
        ({"therapies": [{"kind": "rest", "epoch": 0}]}, "No therapy is called rest"),
        ({"data": {"train": 10**9}}, "memory"),
        ({"data": {"train": 20, "test": 20, "size": 18}}, "multiple of 4"),
    ],
)
def test_what_cannot_be_done_is_said(talk, changes, words):
    assert words in talk(**changes)[-1]["message"]


def test_the_module_is_what_its_source_compiles_to(library, tmp_path):
    """If it is not: python -m tools.maintain.make_engine."""
    again = make_engine.compiled(tmp_path / "engine.wasm", make_engine.WASM)
    assert again.read_bytes() == make_engine.MODULE.read_bytes()
    assert len(again.read_bytes()) < 40_000

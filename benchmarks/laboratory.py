"""Training in a reader's page: the laboratory's engine, beside PyTorch.

    python benchmarks/laboratory.py [--rounds 3]

Epochs of the All-CNN on the demo scale's gratings, at two widths: by the engine in a
worker of headless Chromium, by its native build, and by cplib's own loop in PyTorch
(channels last, fused SGD, one thread), one after the other in each round. Recorded are
images per second of processor time, on which other programs have little effect, and in
the browser also images per second of wall-clock time.
"""

from __future__ import annotations

import base64
import ctypes
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bench
import psutil
from bench import Ratio

from cplib import data, studies
from cplib.training import loop

sys.path.append(str(Path(__file__).parents[1]))
from tools.maintain import browser, make_engine

WIDTHS = (8, 16)
PAGE, NATIVE, TORCH = "WebAssembly", "native", "PyTorch"
WARM = 2  # epochs that do not count: a browser optimises code that has run for a while
# Start a worker, and report each epoch that it has finished.
START = """([source, wasm, config]) => {
  const worker = new Worker(URL.createObjectURL(new Blob([source])));
  const done = [], waiting = [];
  worker.onmessage = ({ data }) => {
    if (data.type === "error") throw new Error(data.message);
    if (data.type === "epoch" && data.epoch) done.push(data.images_per_second);
    waiting.splice(0).forEach((look) => look());
  };
  window.after = async (epoch) => {
    while (done.length < epoch) await new Promise((look) => waiting.push(look));
    return done;
  };
  window.end = () => worker.terminate();
  worker.postMessage({ type: "start", wasm, config, seed: 0 });
}"""


def setup_of(width: int, small: bool) -> loop.Setup:
    """The demo scale's setup for `timing`, at a width."""
    setup = studies.get("timing", "smoke" if small else "demo").setup
    return setup.vary(family="AllCNN", width=width, probe=None)


def config_of(setup: loop.Setup) -> dict:
    """The worker's configuration for a setup, with only a few test images."""
    s = setup.schedule
    names = "lr", "decay", "momentum", "weight_decay", "batch", "shift", "mirror"
    return {
        "model": {"family": "AllCNN", "width": setup.model.width},
        "data": {"train": setup.data.train, "test": 8, "size": setup.data.size},
        "schedule": {name: getattr(s, name) for name in names},
        "epochs": 1_000,
    }


@contextmanager
def opened() -> Iterator:
    """An empty page in Chromium."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text("<!doctype html><title>laboratory</title>", encoding="utf-8")
        with browser.running(browser.required()) as chromium:
            tab = chromium.new_page()
            tab.goto(page.as_uri())
            yield tab


def renderers() -> float:
    """Processor seconds spent on this program's pages so far."""
    found = 0.0
    for process in psutil.Process().children(recursive=True):
        if "--type=renderer" in process.cmdline():
            found += sum(process.cpu_times()[:2])
    return found


def in_page(tab, setup: loop.Setup, epochs: int) -> tuple[float, float]:
    """Images of `epochs` epochs per second of processor time, and on the clock."""
    wasm = base64.b64encode(make_engine.MODULE.read_bytes()).decode()
    source = (make_engine.FOLDER / "worker.js").read_text(encoding="utf-8")
    tab.evaluate(START, [source, wasm, config_of(setup)])
    tab.evaluate(f"after({WARM})")
    before = renderers()
    rates = tab.evaluate(f"after({WARM + epochs})")[WARM : WARM + epochs]
    taken = renderers() - before
    tab.evaluate("end()")
    return images_of(setup) * epochs / taken, len(rates) / sum(1 / r for r in rates)


def images_of(setup: loop.Setup) -> int:
    """Images of an epoch, without the last, incomplete batch."""
    return setup.data.train // setup.schedule.batch * setup.schedule.batch


def natively(engine: ctypes.CDLL, setup: loop.Setup, epochs: int) -> float:
    """Images per second of processor time of the native build."""
    d, s = setup.data, setup.schedule
    engine.init(0, setup.model.width, 3, 10, d.size, d.train, 8, s.batch)
    for number in (0, 1):
        engine.gratings(number, number + 1, 0.6, 1, 1, 0.12, 1.2)
    engine.normalise()
    engine.birth(0)
    engine.show(0, 0, 0, d.train)
    began = time.process_time()
    for epoch in range(epochs):
        engine.shuffle(0, epoch)
        for first in range(0, images_of(setup), s.batch):
            engine.train(
                first, s.batch, s.shift, s.mirror, s.lr, s.momentum, s.weight_decay
            )
    return images_of(setup) * epochs / (time.process_time() - began)


def in_torch(setup: loop.Setup, epochs: int) -> float:
    """Images per second of processor time of cplib's loop."""
    dataset, s = data.load(setup.data), setup.schedule
    state = loop.start(setup, 0, dataset)
    source = data.Augmented(dataset.train_images, s.shift, s.mirror)
    learn = loop.isolated()(loop.learn)
    learn(state, s.batch, s.lr, 0, source, dataset.train_labels)
    began = time.process_time()
    for _ in range(epochs):
        learn(state, s.batch, s.lr, 0, source, dataset.train_labels)
    return images_of(setup) * epochs / (time.process_time() - began)


def ratios() -> list[Ratio]:
    """The page and the native build over PyTorch; the page over the native build."""
    found = []
    for width in WIDTHS:
        page, native, torch = (f"{n}, width {width}" for n in (PAGE, NATIVE, TORCH))
        aim = 0.9 if width == 8 else None
        found += [Ratio(f"{page} / {TORCH}", page, torch, aim)]
        found += [Ratio(f"{native} / {TORCH}", native, torch)]
        found += [Ratio(f"{page} / {NATIVE}", page, native)]
    return found


def main() -> None:
    arguments = bench.options(__doc__).parse_args()
    arguments.device = "cpu"
    setups = {width: setup_of(width, arguments.small) for width in WIDTHS}
    first, epochs = setups[WIDTHS[0]], 1 if arguments.small else 4
    setting = {
        "data": f"{first.data.name}, {first.data.train:,} images",
        "network": f"{first.model.family}, {WIDTHS[0]} and {WIDTHS[1]} channels",
        "batch": str(first.schedule.batch),
        "epochs": str(epochs),
        "in the browser": f"after {WARM} epochs; all of the page's processor time",
    }
    unit = "images per second of one core"
    trial = bench.Bench("laboratory", arguments, setting, ratios(), unit)
    with tempfile.TemporaryDirectory() as folder, opened() as tab:
        setting["browser"] = f"Chromium {tab.context.browser.version}"
        engine = make_engine.native(Path(folder))
        for i in range(trial.rounds):
            print(f"round {i + 1}", flush=True)
            for width, setup in setups.items():
                rate, clock = in_page(tab, setup, epochs)
                trial.add(f"{PAGE}, width {width}", rate)
                trial.add(f"{PAGE}, width {width}, on the clock", clock)
                trial.add(f"{NATIVE}, width {width}", natively(engine, setup, epochs))
                trial.add(f"{TORCH}, width {width}", in_torch(setup, epochs))
            trial.save()
    trial.show()


if __name__ == "__main__":
    main()

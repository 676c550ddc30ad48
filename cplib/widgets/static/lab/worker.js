/* The laboratory's worker: one run, from birth to its last epoch.

   It needs no other file: start it from a Blob URL, so that it works from file:// too.

   To the worker:
     {type: "start", wasm, config, seed}   wasm: engine.wasm, an ArrayBuffer or base64
     {type: "pause"}, {type: "resume"}, {type: "stop"}
     {type: "deficit", deficit}            from the next epoch on, no more windows
     {type: "therapy", therapy}            before the next epoch

   From the worker:
     {type: "ready", sees}                 for each of config.sees, what "sees" holds
     {type: "sees", deficit, size, images, labels}   when the training images change;
                                           images: Uint8ClampedArrays, RGBA
     {type: "epoch", epoch, accuracy, loss, train_accuracy, rate, deficit, seconds,
      images_per_second, trace, filters}   after each epoch, and for epoch 0 at birth:
                                           accuracies in % (test and training), loss in
                                           nats and rate of the epoch (null at birth),
                                           seconds of work, trace by layer or null,
                                           filters {size, images: RGBA} or null
     {type: "paused"}, {type: "done", stopped}, {type: "error", message}

   config:
     model      {family: "AllCNN" | "MLP", width}
     data       {train, test, size, fine, coarse, noise, jitter_fine, jitter_coarse,
                seed} or {size, channels, classes, given: {train: [pixels, labels],
                test: [pixels, labels]}}, bytes in the order image, row, column, channel
     schedule   {lr, decay, momentum, weight_decay, batch, shift, mirror}: the rate of
                an epoch is lr decay^epoch, unless `rates` lists them
     windows    [{deficit, onset, removal}]: shown in epochs onset <= e < removal, the
                last one if several
     therapies  [{kind: "shrink", factor, noise} | {kind: "restart"}, with `epoch`,
                before which; at the last removal by default]. Shrink: weights become
                factor weights + noise (a fresh start). Restart: the rate begins anew,
                momentum is 0.
     epochs     in all
     probe      {images, every}, of the trace, or null
     sees       deficits to be shown at the beginning (default: none and all windows')
     shown      number of images shown of each (default 8)
     filters    shown every so many epochs (default 2)

   A deficit is null or {kind, ...}: "blur", "detail" (factor), "flip", "labels",
   "noise", "moving-noise", "grey", "contrast" (factor), "occlusion" (side: "top", "left",
   "bottom", "right"; a left or right half changes sides where images are mirrored),
   "nothing" (at a learning rate of 0). */
"use strict";

const KINDS = {
  blur: 1, flip: 2, labels: 3, noise: 4, "moving-noise": 4, grey: 5, contrast: 6,
  occlusion: 7, detail: 8, nothing: 0,
};
const SIDES = ["top", "left", "bottom", "right"];
const DATA = {
  train: 3000, test: 2000, size: 16, fine: 0.6, coarse: 1, noise: 1,
  jitter_fine: 0.12, jitter_coarse: 1.2, seed: 0,
};
const SCHEDULE = {
  lr: 0.05, decay: 0.97, momentum: 0.9, weight_decay: 0.001, batch: 128, shift: 2,
  mirror: true,
};
const BREATH = 25; // ms of work between looks at the messages
const FAMILIES = ["AllCNN", "MLP"];

let engine = null; // what engine.wasm exports
let run = null; // the run under way

class Stopped extends Error {}

self.onmessage = ({ data: message }) => {
  if (message.type === "start") return void begin(message);
  if (!run) return;
  if (message.type === "pause") run.paused = true;
  if (message.type === "resume") run.paused = false;
  if (message.type === "stop") run.stopped = true;
  if (message.type === "deficit") run.chosen = message.deficit;
  if (message.type === "therapy") run.ordered.push(message.therapy);
  if (message.type !== "pause" && run.wake) run.wake(message.type);
};

async function begin({ wasm, config, seed }) {
  try {
    if (run) throw new Error("A run is under way: stop it before another one starts.");
    run = { ...config, seed, paused: false, stopped: false, chosen: undefined };
    run.data = { ...DATA, ...config.data };
    run.schedule = { ...SCHEDULE, ...config.schedule };
    Object.assign(run, { ordered: [], origin: 0, work: 0, since: performance.now() });
    const { instance } = await WebAssembly.instantiate(bytes(wasm), {});
    engine = instance.exports;
    birth();
    await live();
    self.postMessage({ type: "done", stopped: false });
  } catch (error) {
    if (error instanceof Stopped) self.postMessage({ type: "done", stopped: true });
    else self.postMessage({ type: "error", message: String(error.message || error) });
  }
  run = null;
}

function bytes(wasm) {
  if (typeof wasm !== "string") return wasm;
  return Uint8Array.from(atob(wasm), (letter) => letter.charCodeAt(0));
}

const view = (Kind, start, length) => new Kind(engine.memory.buffer, start, length);

function birth() {
  const { data, model, schedule, seed } = run;
  const { train, test } = data.given || {};
  if (train) Object.assign(data, { train: train[1].length, test: test[1].length });
  schedule.batch = Math.min(schedule.batch, data.train);
  const family = FAMILIES.indexOf(model.family);
  if (family < 0)
    throw new Error(`No network ${model.family}: choose ${FAMILIES.join(" or ")}.`);
  const { channels = 3, classes = 10, size } = data;
  if (size % 4) throw new Error(`size=${size} is not a multiple of 4 pixels.`);
  const sizes = [size, data.train, data.test, schedule.batch];
  if (!engine.init(family, model.width, channels, classes, ...sizes))
    throw new Error("The network needs more memory than this browser gives.");
  if (train)
    [train, test].forEach(([pixels, labels], set) => {
      view(Uint8Array, engine.set_pixels(set), pixels.length).set(pixels);
      view(Uint8Array, engine.set_labels(set), labels.length).set(labels);
    });
  else {
    const { fine, coarse, noise, jitter_fine, jitter_coarse } = data;
    for (const set of [0, 1])
      engine.gratings(
        set, 2 * data.seed + set + 1, fine, coarse, noise, jitter_fine, jitter_coarse,
      );
  }
  engine.normalise();
  engine.birth(seed);
  const asked = run.sees || [null, ...(run.windows || []).map((w) => w.deficit)];
  self.postMessage({ type: "ready", sees: asked.map(seen) });
}

function show(deficit, count) {
  const { kind, factor = 4, side = "top" } = deficit || {};
  if (deficit && !(kind in KINDS)) throw new Error(`No deficit is called ${kind}.`);
  const amount = kind === "occlusion" ? SIDES.indexOf(side) : factor;
  engine.show(KINDS[kind] || 0, amount, run.seed, count);
}

function seen(deficit) {
  const { data } = run, images = [];
  const count = Math.min(run.shown || 8, data.train);
  show(deficit, count);
  for (let i = 0; i < count; i++)
    images.push(view(Uint8ClampedArray, engine.view(i), 4 * data.size ** 2).slice());
  const labels = Array.from(view(Uint8Array, engine.labels_shown(), count));
  return { deficit, size: data.size, images, labels };
}

const breath = new MessageChannel();
let breathed;
breath.port1.onmessage = () => breathed();

/* Between two pieces of work: hear what was said, wait while paused. */
async function rest() {
  const now = performance.now();
  if (now - run.since < BREATH && !run.paused) return;
  run.work += now - run.since;
  await new Promise((resolve) => {
    breathed = resolve;
    breath.port2.postMessage(null);
  });
  if (run.paused && !run.stopped) {
    self.postMessage({ type: "paused" });
    while (run.paused && !run.stopped) await new Promise((wake) => (run.wake = wake));
  }
  if (run.stopped) throw new Stopped();
  run.since = performance.now();
}

/* Seconds of work since the last call. */
function lap() {
  const now = performance.now(), seconds = (run.work + now - run.since) / 1000;
  Object.assign(run, { work: 0, since: now });
  return seconds;
}

function treat(epoch) {
  const last = Math.max(0, ...(run.windows || []).map((w) => w.removal));
  const due = (run.therapies || []).filter((t) => (t.epoch ?? last) === epoch);
  for (const { kind, factor, noise } of [...due, ...run.ordered.splice(0)])
    if (kind === "shrink") engine.shrink(run.seed, epoch, factor, noise);
    else if (kind === "restart") {
      engine.forget();
      run.origin = epoch;
    } else throw new Error(`No therapy is called ${kind}.`);
}

/* All epochs; their messages. */
async function live() {
  const { data, schedule: s, seed, epochs, probe } = run;
  const { train: total, test } = data;
  const steps = Math.floor(total / s.batch);
  let before; // the deficit of the epoch before
  await report({ epoch: 0, loss: null, train_accuracy: null, rate: null }, null);
  for (let epoch = 0; epoch < epochs; epoch++) {
    treat(epoch);
    const deficit = due(epoch), { kind } = deficit || {};
    if (epoch === 0 || JSON.stringify(deficit) !== JSON.stringify(before)) {
      self.postMessage({ type: "sees", ...seen(deficit) });
      show(deficit, total);
      before = deficit;
    }
    const falls = s.rates ? s.rates[epoch] : s.lr * s.decay ** (epoch - run.origin);
    const rate = kind === "nothing" ? 0 : falls;
    const moves = kind === "noise" ? [0, 0] : [s.shift, s.mirror ? 1 : 0];
    engine.shuffle(seed, epoch);
    engine.begin();
    for (let i = 0; i < steps; i++) {
      engine.train(i * s.batch, s.batch, ...moves, rate, s.momentum, s.weight_decay);
      await rest();
    }
    const seconds = lap(), images = steps * s.batch;
    const loss = engine.counted(0) / images;
    const train_accuracy = (100 * engine.counted(1)) / images;
    const row = { epoch: epoch + 1, rate, loss, train_accuracy, seconds };
    await report({ ...row, images_per_second: images / seconds }, deficit);
  }

  function due(epoch) {
    if (run.chosen !== undefined) return run.chosen;
    const open = (w) => w.onset <= epoch && epoch < w.removal;
    return ((run.windows || []).filter(open).pop() || { deficit: null }).deficit;
  }

  async function report(row, deficit) {
    engine.begin();
    for (let first = 0; first < test; first += s.batch) {
      engine.test(first, Math.min(s.batch, test - first));
      await rest();
    }
    const accuracy = (100 * engine.counted(1)) / test, { epoch } = row;
    let trace = null;
    if (probe && epoch && epoch % probe.every === 0) {
      const images = Math.min(probe.images, total);
      const found = engine.information(images, seed, epoch);
      trace = Array.from(view(Float64Array, found, engine.layer_count()));
      await rest();
    }
    const drawn = epoch % (run.filters || 2) === 0 || epoch === epochs;
    const seconds = (row.seconds || 0) + lap(), filters = drawn ? look() : null;
    const more = { accuracy, deficit, trace, filters, seconds };
    self.postMessage({ type: "epoch", images_per_second: null, ...row, ...more });
  }
}

/* The first layer's weights as colours around grey, each filter over its own range. */
function look() {
  const { channels = 3 } = run.data;
  const [kernel, inputs, width, count] = [1, 2, 4, 5].map((k) => engine.layer(0, k));
  const pixels = (kernel ** 2 * inputs) / 4; // of 4 channels, the last ones empty
  const w = view(Float32Array, engine.all_parameters(), 4 * pixels * width);
  const images = Array.from({ length: count }, (_, filter) => {
    const at = (p, c) => w[(4 * p + c) * width + filter];
    const rgba = new Uint8ClampedArray(4 * pixels).fill(255);
    let most = 1e-9;
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < channels; c++) most = Math.max(most, Math.abs(at(p, c)));
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < 3; c++)
        rgba[4 * p + c] = 128 + (127 * at(p, Math.min(c, channels - 1))) / most;
    return rgba;
  });
  return { size: Math.sqrt(pixels), images };
}

// The laboratory: networks that grow up in the page (see cplib/widgets/laboratory.py).
// Recipe, deficits and images come from Python as JSON; each network is trained by a web
// worker of its own (worker.js), and this script shows what the workers report.
// cplib.widgets.fragments puts draw.js, state.js, nursery.js and scene.js before it, and a
// function around all.

const KEEP = "cplib-laboratory"; // the reader's notebook in localStorage
const LAST = 5; // epochs whose mean is the final accuracy
const TWIN = -1; // its place among the networks
const COLOURS = ["#0173b2", "#de8f05", "#cc78bc"];
const STUDENT = [0, 0, 12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]; // by n
const PRESSED = 400; // milliseconds from which a press is held

const number = (value) => value.toFixed(1).replace("-", "\u2212");
const percent = (value) => `${number(value)}\u00a0%`;
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const begun = (words) => words[0].toUpperCase() + words.slice(1);

/** Half of the 95 % interval of the mean of `values`; null for fewer than three. */
function half(values) {
  const n = values.length, middle = mean(values);
  if (n < 3) return null;
  const variance = mean(values.map((v) => (v - middle) ** 2)) / (n - 1); // of the mean
  return STUDENT[Math.min(n, STUDENT.length - 1)] * Math.sqrt(variance);
}

/** Mean accuracy of the last epochs up to epoch `end`. */
const final = (points, end = Infinity) =>
  mean(points.filter((p) => p.epoch <= end).slice(-LAST).map((p) => p.accuracy));

/** The mean over `lives`, each a list of points of the same epochs. */
const averaged = (lives) => lives[0].map(({ epoch }, i) =>
  [epoch, mean(lives.map((points) => points[i].accuracy))]);

/** What was kept by this edition; storage may be denied. */
function kept() {
  try {
    const all = JSON.parse(localStorage.getItem(KEEP)) || [];
    return all.filter((entry) => ["1", VERSION].includes(entry.version));
  } catch {
    return [];
  }
}

/** Start the laboratory in `root`. */
function start(root) {
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const choice = [...data.deficits, ...OWN];
  const deficits = Object.fromEntries([CLEAR, ...choice].map((d) => [d.key, d]));
  const known = choice.map((d) => d.key);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const addressed = !root.closest(".jp-OutputArea"); // JupyterLab's address is its own
  root.dataset.address = "lab";
  const nest = vectors() ? nursery(data.worker, data.wasm, heard) : null;
  let state = structuredClone(data.start);
  let litters = [], seeds = []; // trained or growing, the twin last in each; seeds that wait
  let held = false, asleep = false, told = "", refusal = "", due = false;
  let notebook = kept(), entry = null; // the notebook's entry of what is on show
  const album = new Map(), strips = new Map(); // images by deficit; strips by network

  // ---- names and numbers
  const single = () => state.nets.length === 1;
  const letter = (net) => (net === TWIN ? "twin" : single() ? "you" : "ABC"[net]);
  const called = (net) => ({ twin: _`twin`, you: _`you` })[letter(net)] || letter(net);
  const name = (net) => net === TWIN ? (single() ? _`its twin` : _`the twin`)
    : single() ? _`your network` : _`network ${"ABC"[net]}`;
  const colour = (net) => (net === TWIN ? "currentColor" : COLOURS[net]);
  const lifetime = (net) => net === TWIN ? Math.max(...lifetimes())
    : state.epochs + (state.nets[net].therapy === "more" ? MORE : 0);
  const lifetimes = () => state.nets.map((_, net) => lifetime(net));
  const everyone = () => [...state.nets.keys(), TWIN];
  const runOf = (net, litter = litters[litters.length - 1]) =>
    litter && litter.find((run) => run.net === net);
  const finished = (litter) => litter.every((run) => run.seen.length >= lifetime(run.net));
  const done = () => litters.filter(finished);
  const busy = () => Boolean(nest && nest.busy());
  /** What a network saw until now, and what it is to see, by epoch. */
  function seen(net, run = runOf(net)) {
    const planned = seenIn(net === TWIN ? [] : state.nets[net].windows, lifetime(net));
    return run ? [...run.seen, ...planned.slice(run.seen.length)] : planned;
  }
  /** What it sees now: what was switched by hand counts more than the plan. */
  function now(net) {
    const run = runOf(net), age = run ? run.seen.length : 0;
    return run && run.worker && run.hand || seen(net)[Math.min(age, lifetime(net) - 1)];
  }
  const lost = (net) => done().map((litter) => {
    const own = runOf(net, litter).points, twin = runOf(TWIN, litter).points;
    return final(twin, lifetime(net)) - final(own);
  });

  // ---- what there is on the page
  // Words and fields say all that the drawings do, so these are hidden from screen readers.
  const silent = { "aria-hidden": "true" };
  const own = { "data-lm-suppress-shortcuts": "true" }; // JupyterLab takes keys from inputs
  function button(words, act, options = {}) {
    const made = html("button", { type: "button", ...options }, words);
    made.addEventListener("click", act);
    return made;
  }
  const output = (kind) => html("output", { class: kind, "aria-live": "polite" });
  const fold = (title, ...inside) => html("details", {}, html("summary", {}, title), ...inside);
  const choices = html("fieldset", { class: "presets" }, html("legend", {}, _`Experiments`),
    ...PRESETS.map((preset) => button(preset[0], () => open(parsed(preset[1])))));
  const question = html("p", { class: "question" });
  const cards = html("div", { class: "cards" });
  const train = button(_`Train`, () => raise(1), { class: "primary" });
  const pause = button(_`Pause`, () => hold(!held));
  const stop = button(_`Stop`, halt);
  const repeat = button(_`Repeat with 3 seeds`, () => raise(3 - done().length));
  const said = output("said"), ending = output("ending"), copied = output("copied");
  const chart = html("div", { class: "chart", ...silent });
  const compared = html("div", { class: "compared", ...silent });
  const lives = html("fieldset", { class: "lives" }), knobs = html("fieldset", { class: "knobs" });
  const traces = html("div", { class: "traces" });
  const link = html("input", { type: "text", readonly: "", ...own,
    "aria-label": _`Link to this experiment` });
  const python = html("code", {}), runs = html("div", { class: "runs" });
  const live = html("div", { class: "live" },
    choices, question, cards,
    html("p", { class: "buttons" }, train, pause, stop, repeat),
    said, chart, ending, compared,
    lives,
    fold(_`Inside the networks: the Fisher trace, layer by layer`, traces),
    fold(_`Images, network, training`, knobs),
    fold(_`Take it with you: a link, a line of Python`, html("p", { class: "buttons" }, link,
      button(_`Copy link`, () => copy(link.value))),
      html("pre", { tabindex: 0, "aria-label": _`The same experiment in Python` }, python),
      html("p", { class: "buttons" }, button(_`Copy Python`, () => copy(python.textContent)))),
    copied, runs);
  root.prepend(live);

  // ---- what is to be trained
  const parsed = (text) => read(`${VERSION};${text}`, data.base, known);
  /** Show another experiment; what was trained is in the notebook. */
  function open(wanted) {
    if (busy()) halt();
    [state, litters, seeds, entry, refusal] = [wanted, [], [], null, ""];
    rebuild();
  }
  function change(alter) {
    const next = structuredClone(state);
    alter(next);
    for (const net of next.nets) {
      const inside = net.windows.filter((w) => w.onset < next.epochs);
      net.windows = inside.map((w) => ({ ...w, removal: Math.min(w.removal, next.epochs) }));
    }
    open(next);
  }
  function config(net) {
    const { windows, therapy } = state.nets[net] || { windows: [], therapy: "none" };
    const { family, width, train, test, fine, coarse, noise } = state;
    const { mirror, batch, lr, decay, weight_decay } = state;
    return {
      model: { family, width },
      data: { ...data.data, train, test, fine, coarse, noise },
      schedule: { ...data.schedule, mirror: mirror === 1, batch, lr, decay, weight_decay },
      windows: windows.map(({ key, ...ends }) => ({ deficit: deficits[key].deficit, ...ends })),
      therapies: THERAPIES[therapy][1].map((t) => ({ ...t, epoch: removal(windows) })),
      epochs: lifetime(net),
      probe: data.probe,
    };
  }
  const keyOf = (deficit) => !deficit ? "none" : choice.find(({ deficit: d }) =>
    Object.keys(d).every((field) => d[field] === deficit[field])).key;

  // ---- training
  /** Train all networks with `count` seeds more. */
  function raise(count) {
    refusal = "";
    litters = done(); // without one that was stopped
    seeds = Array.from({ length: count }, (_, i) => state.seed + litters.length + i);
    held = false;
    next();
  }
  function next() {
    const seed = seeds.shift();
    litters.push(everyone().map((net) => ({ net, seed, config: config(net), points: [], seen: [] })));
    nest.start(litters[litters.length - 1]);
    show();
  }
  function hold(wanted) {
    held = wanted;
    nest.hold(held);
    show();
  }
  function halt() {
    nest.stop();
    seeds = [];
    show();
  }
  function heard(run, message) {
    if (message.type === "epoch" && message.epoch) run.seen.push(keyOf(message.deficit));
    if (!busy() && finished(litters[litters.length - 1])) {
      settle();
      if (seeds.length) return next();
    }
    if (!busy() || message.type !== "epoch") return show();
    if (due) return;
    due = true; // what arrives before the next frame is drawn at once
    requestAnimationFrame(() => {
      due = false;
      show();
    });
  }
  /** Make what was switched by hand the plan, so that it can be repeated, and keep the runs. */
  function settle() {
    state.nets.forEach((net, i) => (net.windows = windowsIn(runOf(i).seen)));
    record();
    rebuild();
  }
  document.addEventListener("visibilitychange", () => {
    if (!busy() || document.hidden === held) return;
    if (document.hidden || asleep) {
      asleep = document.hidden;
      hold(asleep);
    }
  });
  function toggle(net, key) {
    const run = runOf(net);
    run.hand = key;
    nest.tell(run, { type: "deficit", deficit: deficits[key].deficit });
    const [, treatments] = THERAPIES[key === "none" ? state.nets[net].therapy : "none"];
    for (const therapy of treatments) nest.tell(run, { type: "therapy", therapy });
    show();
  }
  const brush = (net) => {
    const { windows } = state.nets[net];
    return windows.length ? windows[windows.length - 1].key : CHALLENGE;
  };

  // ---- sentences
  function status() {
    if (refusal) return refusal;
    if (!nest) return _`This browser cannot train here: it lacks WebAssembly with vectors (SIMD). Look at the stored runs in the chapters instead.`;
    const litter = litters[litters.length - 1], all = lifetime(TWIN);
    if (!litter) return state.challenge && unfair(seen(0))
      ? _`Now ${unfair(seen(0))}. Drag on your strip, or press Train and hold the blur by hand.`
      : _`Press Train. The networks are trained here, by your own processor.`;
    const failed = litter.find((run) => run.failure);
    if (failed) return _`The training failed: ${failed.failure}.`;
    const age = Math.min(...litter.map((run) => run.seen.length / lifetime(run.net))) * all;
    const which = litters.length + seeds.length > 1 ? _`, seed ${litter[0].seed}` : "";
    const epoch = _`epoch ${Math.round(age)} of ${all}` + which;
    if (finished(litter)) return _`Done: ${all} epochs${which}.`;
    if (!busy()) return _`Stopped at ${epoch}.`;
    if (held) return asleep ? _`Paused while the page is hidden, at ${epoch}.` : _`Paused at ${epoch}.`;
    return _`Training: ${epoch}.`;
  }
  /** What the book’s runs of a network’s experiment lost: mean, its interval, seeds; or null. */
  function past(net) {
    const { windows, therapy } = state.nets[net];
    const { setting, runs } = data.stored;
    const same = Object.keys(setting).every((key) => setting[key] === state[key]);
    const run = same && runs.find(([epochs, seen, cure]) =>
      epochs === state.epochs && lived(seen) === lived(windows) && cure === therapy);
    if (!run) return null;
    const [, , , middle, half, seeds] = run;
    return { middle, low: middle - half, high: middle + half, seeds };
  }
  /** What became of a network, beside its twin. */
  function outcome(net) {
    const losses = lost(net), all = lifetime(net), clean = all - spoiled(seen(net));
    const level = (who, end) =>
      percent(mean(done().map((litter) => final(runOf(who, litter).points, end))));
    const over = losses.length > 1 ? _`Over ${losses.length} seeds, ${name(net)}` : begun(name(net));
    const points = mean(losses), range = half(losses);
    const interval = range === null ? ""
      : _` (95\u00a0% interval ${number(points - range)} to ${number(points + range)} lost)`;
    const change = points < 0 ? _`${number(-points)} points gained` : _`${number(points)} points lost`;
    return _`${over} names ${level(net)} of new images, ${name(TWIN)} of the same age ${level(TWIN, all)}: ${change}${interval}.`
      + (0 < clean && clean < all
        ? _` After as many sharp epochs (${clean}), ${name(TWIN)} named ${level(TWIN, clean)}.` : "")
      + (past(net) ? stored(past(net)) : "");
  }
  const stored = ({ middle, low, high, seeds }) =>
    _` The book’s stored runs of the same experiment (${seeds} seeds, in PyTorch) lost ${number(middle)} points (95\u00a0% interval ${number(low)} to ${number(high)}).`;
  function outcomes() {
    const times = done().length;
    if (!times) return [];
    const unsure = state.nets.some((_, net) => Math.abs(mean(lost(net))) < half(lost(net)));
    const caution = times === 1 ? _`One run is one run: with another seed it ends some points apart.`
      : times === 2 ? _`Two runs show how far apart chance alone puts them; an interval needs three.`
        : unsure ? _`An interval that holds zero does not tell a loss from chance.` : "";
    const means = _`${caution} Accuracies are means of the last ${LAST} epochs.`
      + (times > 1 ? _` Thick lines are means over seeds.` : "");
    return [...state.nets.map((_, net) => outcome(net)), score(), means].filter(Boolean);
  }
  function score() {
    if (!state.challenge) return "";
    if (unfair(seen(0))) return _`No score: ${unfair(seen(0))}.`;
    const better = state.challenge === "least" ? 1 : -1, mine = mean(lost(0));
    const rivals = notebook.filter((other) => other !== entry && other.version === VERSION);
    const others = rivals.filter((other) => other.challenge === state.challenge)
      .map((other) => better * other.lost[0]);
    const best = Math.min(...others);
    return _`Your score: ${number(mine)} points of harm, `
      + (better * mine < best ? _`your best so far.` : _`after ${number(better * best)} at your best.`);
  }

  // ---- what is shown
  /** Make anew what depends on the experiment, then show the numbers. */
  function rebuild() {
    const same = ([, text]) => written(parsed(text)) === written(state);
    const preset = PRESETS.find(same);
    [...choices.querySelectorAll("button")].forEach((chip, i) =>
      chip.setAttribute("aria-pressed", PRESETS[i] === preset));
    question.textContent = preset ? preset[2] : _`An experiment of your own.`;
    const focus = live.contains(document.activeElement) && label(document.activeElement);
    refill(cards, ...everyone().map(card));
    const add = button(_`Add a network`, () =>
      change((s) => s.nets.push({ windows: [], therapy: "none" })));
    add.hidden = state.challenge !== "" || state.nets.length === MOST;
    refill(lives, html("legend", {}, _`Deficits: drag on the strips above, or type`),
      ...lifetimes().map((_, net) => fields(net)), add);
    refill(knobs, html("legend", {}, _`Images, network, training`), ...dials());
    const hash = `#lab=${written(state)}`, [here] = location.href.split("#");
    link.value = here + hash;
    if (addressed && (location.hash || written(state) !== written(data.start)))
      history.replaceState(null, "", refusal ? here : here + hash);
    python.textContent = pythonOf(state, data.base,
      Object.fromEntries(data.deficits.map((d) => [d.key, d.python])), lifetimes());
    list();
    picture();
    show();
    const again = [...live.querySelectorAll("button, input, select, summary")]
      .find((e) => label(e) === focus);
    if (again && again !== document.activeElement) again.focus({ preventScroll: true });
  }
  const label = (element) => element.getAttribute("aria-label") || element.textContent;
  function show() {
    const growing = busy();
    live.toggleAttribute("data-growing", growing);
    train.disabled = !nest || growing;
    train.textContent = done().length ? _`Train another seed` : _`Train`;
    [pause.disabled, stop.disabled] = [!growing, !growing];
    pause.textContent = held ? _`Resume` : _`Pause`;
    repeat.disabled = !nest || growing || done().length > 2;
    [choices.disabled, lives.disabled, knobs.disabled] = [growing, growing, growing];
    say(status());
    refill(ending, ...(growing ? [] : outcomes().map((words) => html("p", {}, words))));
    for (const part of cards.children) part.update();
    draw();
  }
  /** A screen reader hears of a training at every tenth of it. */
  function say(words) {
    const heard = words.replace(/(\d+)\D+(\d+)/, (found, age, all) => Math.floor((10 * age) / all));
    said.setAttribute("aria-live", heard === told ? "off" : "polite");
    told = heard;
    said.textContent = words;
  }

  const heading = (net) => html("p", { class: "title" },
    html("span", { class: net === TWIN ? "mark twin" : "mark", ...silent }), begun(name(net)));
  /** A network: what it sees, how well it does, its filters, and a switch. */
  function card(net) {
    const image = html("img", { class: "dark-light", width: 64, height: 64 });
    const value = html("strong", {}), age = html("p", { class: "age" }), sees = html("p", {});
    const filters = html("canvas", { role: "img",
      "aria-label": _`First-layer filters of ${name(net)}` });
    const made = coloured(html("section", { class: "grown", "aria-label": begun(name(net)) },
      heading(net), html("p", { class: "front" }, image, value), age, sees, filters), colour(net));
    const press = net === TWIN ? null : hand(net);
    if (press) made.append(press);
    made.update = () => {
      const run = runOf(net), last = run && run.points[run.points.length - 1];
      const key = now(net), { images, labels } = pictures(key), truth = pictures("none").labels;
      const turn = last && !calm ? last.epoch % images.length : 0;
      image.hidden = !images.length;
      if (images.length) image.src = images[turn];
      image.alt = deficits[key].sees;
      value.textContent = last ? percent(last.accuracy) : "–";
      age.textContent = last ? _`of new images named, at epoch ${last.epoch}` : _`not born yet`;
      sees.textContent = _`sees ${deficits[key].sees}`
        + (images.length ? `: “${labels[turn]}”` : "")
        + (labels[turn] === truth[turn] ? "" : _`, is ${truth[turn]}`);
      const drawn = run && run.points.filter((p) => p.filters).pop();
      filters.hidden = !drawn;
      if (drawn) paint(filters, drawn.filters);
      if (press) press.update();
    };
    return made;
  }
  /** Training images under a deficit and what the network is told, once they are made. */
  const pictures = (key) => album.get(key) || { images: [], labels: [] };
  function picture() {
    const { fine, coarse, noise, seed } = state, wanted = [fine, coarse, noise, seed].join();
    if (!nest || album.made === wanted) return;
    album.made = wanted;
    const sees = Object.values(deficits).map((d) => d.deficit);
    nest.preview({ ...config(TWIN), sees }, seed, (seen) => {
      if (album.made !== wanted) return;
      Object.keys(deficits).forEach((key, i) =>
        album.set(key, { labels: seen[i].labels, images: urls(seen[i]) }));
      strips.clear();
      show();
    });
  }
  /** A switch: a short press turns the deficit on or off, a long one is for as long. */
  function hand(net) {
    const made = html("button", { type: "button", class: "hand" });
    const flip = () => toggle(net, now(net) === "none" ? brush(net) : "none");
    let since = 0, pointed = false;
    made.addEventListener("pointerdown", (event) => {
      made.setPointerCapture(event.pointerId);
      [since, pointed] = [performance.now(), true];
      flip();
    });
    for (const over of ["pointerup", "pointercancel"])
      made.addEventListener(over, () => performance.now() - since > PRESSED && flip());
    made.addEventListener("click", () => {
      if (!pointed) flip(); // by the keyboard
      pointed = false;
    });
    made.addEventListener("contextmenu", (event) => event.preventDefault());
    made.update = () => {
      const run = runOf(net), alive = Boolean(run && run.worker), on = alive && now(net) !== "none";
      const empty = state.challenge && !on && spoiled(seen(net)) >= BUDGET;
      made.disabled = !alive || litters.length > 1 || empty;
      made.setAttribute("aria-pressed", on);
      made.textContent = on ? _`Let it see again` : _`Hold or tap: ${deficits[brush(net)].label}`;
    };
    return made;
  }

  // ---- fields
  function select(label, options, value, choose) {
    const made = html("select", { "aria-label": label, ...own },
      ...options.map(([key, words]) => html("option", { value: key }, words)));
    made.value = value;
    made.addEventListener("change", () => choose(made.value));
    return made;
  }
  function numeric(label, value, choose, kind = Math.round) {
    const made = html("input", { type: "number", step: kind === Number ? "any" : 1,
      "aria-label": label, value, ...own });
    made.addEventListener("change", () => choose(kind(made.value)));
    return made;
  }
  /** The windows and the therapy of a network. */
  function fields(net) {
    const { windows, therapy } = state.nets[net], free = gap(windows, state.epochs);
    const options = choice.map((d) => [d.key, d.title]);
    const row = (w, j) => {
      const end = (which, words) => numeric(`${words}, ${name(net)}, ` + _`window ${j + 1}`, w[which],
        (value) => change((s) =>
          place(s.nets[net].windows, j, { ...w, [which]: value }, which, s.epochs)));
      return html("p", { class: "window-row" },
        select(_`Deficit of ${name(net)}, window ${j + 1}`, options, w.key,
          (key) => change((s) => (s.nets[net].windows[j].key = key))),
        html("span", {}, _` from `, end("onset", _`From epoch`), _` to `, end("removal", _`To epoch`), " ",
          button("✕", () => change((s) => s.nets[net].windows.splice(j, 1)),
            { "aria-label": _`Remove window ${j + 1} of ${name(net)}` })));
    };
    const add = button(_`Add a window`, () =>
      change((s) => insert(s.nets[net].windows, { key: brush(net), ...free })));
    add.disabled = !free;
    const cure = html("label", {}, _`Afterwards: `, select(_`Therapy of ${name(net)}`,
      Object.entries(THERAPIES).map(([key, [words]]) => [key, words]), therapy,
      (key) => change((s) => (s.nets[net].therapy = key))));
    return coloured(html("div", { class: "life", role: "group", "aria-label": begun(name(net)) },
      heading(net), ...windows.map(row),
      html("p", { class: "window-row" }, add, ...(state.challenge || !windows.length ? [] : [cure]),
        ...(single() ? [] : [button(_`Remove network`, () => change((s) => s.nets.splice(net, 1)),
          { "aria-label": _`Remove ${name(net)}` })]))), colour(net));
  }
  function dials() {
    const slide = (field, words) => {
      const [low, high] = AMPLITUDES[field];
      const value = html("span", { class: "value" }, String(state[field]));
      const input = html("input", { type: "range", min: low, max: high, step: 0.05,
        value: state[field], "aria-label": words, ...own });
      input.addEventListener("input", () => (value.textContent = input.value));
      input.addEventListener("change", () => change((s) => (s[field] = Number(input.value))));
      return html("label", {}, html("span", {}, words), value, input);
    };
    const count = (field, words) => {
      const [low, high] = LIMITS[field] || SCHEDULE[field];
      const made = numeric(words, state[field], (value) =>
        change((s) => (s[field] = Math.max(low, Math.min(high, value || low)))),
      field in LIMITS ? Math.round : Number);
      return html("label", {}, html("span", {}, words), made);
    };
    const family = select(_`Network`, CHOICES.family.map((key) => [key, key]), state.family, (key) =>
      change((s) => Object.assign(s, { family: key, width: data.widths[key] })));
    const mirror = select(_`Mirroring`, [[1, _`half of the images`], [0, _`none`]], state.mirror,
      (value) => change((s) => (s.mirror = Number(value))));
    return [slide("fine", _`Stripes (the fine clue)`), slide("coarse", _`Hue (the coarse clue)`),
      slide("noise", _`Noise behind them`), count("train", _`Training images`),
      html("label", {}, html("span", {}, _`Mirrored`), mirror), count("epochs", _`Epochs of a life`),
      html("label", {}, html("span", {}, _`Network`), family), count("width", _`Width of its first layer`),
      count("batch", _`Images in a mini-batch`), count("lr", _`Learning rate at birth`),
      count("decay", _`Its factor in each epoch`), count("weight_decay", _`Weight decay`),
      count("seed", _`First seed`)];
  }

  // ---- the scene, and the pointer on it
  function draw() {
    const width = Math.max(240, chart.clientWidth), total = lifetime(TWIN), growing = busy();
    const at = layout(width, state.nets.length + 1, total);
    const rows = everyone().map((net) => {
      const lived = seen(net), text = [width, total, lived].join();
      // kept while it does not change, so that its images stay decoded
      if (!strips.has(net) || strips.get(net).text !== text)
        strips.set(net, { text,
          strip: svg("g", {}, ...strip(lived, at, (key) => pictures(key).images)) });
      return { label: called(net), colour: colour(net), seen: lived, strip: strips.get(net).strip,
        windows: net === TWIN || growing ? null : state.nets[net].windows };
    });
    const latest = litters[litters.length - 1];
    const several = !growing && done().length > 1; // then their mean stands out
    const curve = (net, points, named) => ({
      colour: colour(net), kind: (net === TWIN ? "clean" : "") + (named ? "" : " faint"), points,
      label: named && points.length ? `${called(net)} ${number(points[points.length - 1][1])}` : "",
    });
    const curves = litters.flatMap((litter) => litter.map(({ net, points }) =>
      curve(net, points.map((p) => [p.epoch, p.accuracy]), litter === latest && !several)));
    if (several) curves.push(...everyone().map((net) =>
      curve(net, averaged(done().map((litter) => runOf(net, litter).points)), true)));
    const others = notebook.filter((other) => other.compared && other !== entry)
      .flatMap((other) => other.runs.filter((run) => run.label !== "twin").map((run) => ({
        colour: "currentColor", kind: "other", points: run.rows.map((row) => [row[0], row[2]]),
        label: run.seed === other.runs[0].seed ? other.name.slice(0, 9) : "" })));
    const age = growing ? Math.min(...latest.map((run) => run.seen.length)) : null;
    refill(chart, scene(width, { rows, curves: [...others, ...curves], age, total }));
    const ended = growing || !done().length ? [] : state.nets.map((_, net) => ({
      label: called(net), colour: colour(net), lost: lost(net), range: half(lost(net)), past: past(net) }));
    const telling = ended.some((row) => row.past || row.lost.length > 1);
    refill(compared, ...(telling ? [losses(Math.max(240, compared.clientWidth), ended)] : []));
    const measured = (latest || []).map(({ net, points }) => ({ colour: colour(net),
      kind: net === TWIN ? "clean" : "", trace: (points.filter((p) => p.trace).pop() || {}).trace }));
    const all = measured.length && measured.every((m) => m.trace);
    refill(traces, all ? bars(Math.max(240, traces.clientWidth), measured)
      : html("p", {}, _`Train, and see how much each layer's weights weigh on the answers.`));
  }
  let drag = null;
  function under(event) {
    const { left, top, width } = chart.getBoundingClientRect();
    const at = layout(width, state.nets.length + 1, lifetime(TWIN));
    return { net: at.row(event.clientY - top), epoch: at.epoch(event.clientX - left),
      reach: at.epoch(at.left + 16) };
  }
  /** What a press at this place drags: an end of a window, a whole one, or a new one. */
  function grasp({ net, epoch, reach }) {
    if (busy() || !state.nets[net] || epoch < -reach || epoch > state.epochs + reach) return null;
    const { windows } = state.nets[net];
    const near = (end) => windows.findIndex((w) => Math.abs(w[end] - epoch) <= reach);
    for (const end of ["removal", "onset"]) if (near(end) >= 0) return { net, j: near(end), end };
    const j = windows.findIndex((w) => w.onset < epoch && epoch < w.removal);
    return j >= 0 ? { net, j, end: "both", grip: epoch - windows[j].onset } : { net, end: "new" };
  }
  chart.addEventListener("pointerdown", (event) => {
    const place = under(event);
    drag = grasp(place);
    if (!drag) return;
    chart.setPointerCapture(event.pointerId);
    drag.from = Math.max(0, Math.floor(place.epoch));
    drag.start = state.nets[drag.net].windows[drag.j];
  });
  chart.addEventListener("pointermove", (event) => {
    const at = under(event);
    if (!drag) {
      const over = grasp(at);
      chart.dataset.over = over ? over.end : "";
      return;
    }
    const { net } = drag;
    if (drag.end === "new") {
      if (at.epoch < drag.from + 1) return;
      const fresh = { key: brush(net), onset: drag.from, removal: drag.from + 1 };
      change((s) => insert(s.nets[net].windows, fresh));
      const j = state.nets[net].windows.findIndex((w) => w.onset === fresh.onset);
      drag = { net, j, end: "removal", start: fresh };
    }
    const { j, end, start } = drag, onset = Math.round(at.epoch - drag.grip);
    const wanted = end === "both" ? { onset, removal: onset + start.removal - start.onset }
      : { [end]: Math.round(at.epoch) };
    change((s) => place(s.nets[net].windows, j, { ...start, ...wanted }, end, s.epochs));
  });
  for (const over of ["pointerup", "pointercancel"])
    chart.addEventListener(over, () => (drag = null));

  // ---- the notebook
  function keep() {
    try {
      localStorage.setItem(KEEP, JSON.stringify(notebook));
    } catch {
      copied.textContent = _`This browser keeps no notebook: export the data before you leave.`;
    }
  }
  function record() {
    const rows = (run) => run.points.slice(1).map((p, i) => [p.epoch, run.seen[i],
      ...[p.accuracy, p.loss, p.train_accuracy, p.rate].map((v) => Number(v.toPrecision(5)))]);
    const losses = state.nets.map((_, net) => lost(net));
    const fresh = { version: VERSION, state: written(state), lost: losses.map(mean),
      ranges: losses.map(half), challenge: unfair(seen(0)) ? "" : state.challenge,
      runs: done().flat().map((run) => ({ label: letter(run.net), seed: run.seed, rows: rows(run) })) };
    if (entry) Object.assign(entry, fresh);
    else notebook.push(entry = { name: `${notebook.length + 1}: ${title()}`, ...fresh });
    keep();
  }
  const title = () => state.nets.map(({ windows }) => windows.map((w) =>
    `${deficits[w.key].label} ${w.onset}–${w.removal}`).join(", ") || CLEAR.label).join(" | ");
  function list() {
    const row = (run) => {
      const named = html("input", { type: "text", value: run.name, ...own,
        "aria-label": _`Name of the run` });
      named.addEventListener("change", () => {
        run.name = named.value;
        keep();
        show();
      });
      const box = html("input", { type: "checkbox", "aria-label": _`Draw ${run.name}`, ...own });
      box.checked = Boolean(run.compared);
      box.addEventListener("change", () => {
        run.compared = box.checked;
        keep();
        show();
      });
      const points = run.lost.map((v, i) =>
        number(v) + (run.ranges[i] === null ? "" : ` ± ${number(run.ranges[i])}`)).join(" | ");
      const seeds = new Set(run.runs.map((r) => r.seed)).size;
      const words = seeds > 1 ? _`${points} points lost, ${seeds} seeds` : _`${points} points lost, one seed`;
      return html("li", {}, named, html("span", {}, words), html("label", {}, box, _` draw`),
        button(_`Open`, () => open(read(run.state, data.base, known)),
          { "aria-label": _`Open ${run.name}` }),
        button(_`Delete`, () => {
          notebook = notebook.filter((other) => other !== run);
          if (entry === run) entry = null;
          keep();
          list();
          show();
        }, { "aria-label": _`Delete ${run.name}` }));
    };
    refill(runs, html("h3", {}, _`Your notebook`), ...(notebook.length
      ? [html("ul", {}, ...notebook.map(row)),
        html("p", { class: "buttons" }, button(_`Export all as CSV`, save))]
      : [html("p", {}, _`Every training is kept here, in this browser alone.`)]));
  }
  function save() {
    const href = URL.createObjectURL(new Blob([csvOf(notebook)], { type: "text/csv" }));
    html("a", { href, download: "laboratory.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  }
  async function copy(words) {
    try {
      await navigator.clipboard.writeText(words);
      copied.textContent = _`Copied.`;
    } catch {
      copied.textContent = _`This browser lets no page copy: mark this and copy it. ${words}`;
    }
  }

  // ---- the first state, and that of the address
  function arrive() {
    const text = addressed && location.hash.match(/^#lab=(.*)$/);
    if (!text) return rebuild();
    try {
      open(read(decodeURIComponent(text[1]), data.base, known));
    } catch (error) {
      open(structuredClone(data.start));
      refusal = _`This link does not open: ${error.message}. Here is the default instead.`;
      rebuild();
    }
  }
  addEventListener("hashchange", () => location.hash.startsWith("#lab=") && arrive());
  arrive();
  onWidth(live, draw);
}

startAll(".cplib-laboratory", start);

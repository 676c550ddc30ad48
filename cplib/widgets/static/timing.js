// The explorer of deficit timing on a page without a kernel (see cplib/widgets/html_view.py).
// All numbers and sentences come from Python as JSON, accuracies in tenths of a percent;
// this script puts native controls and SVG in the place of the static figure.
// cplib.widgets.fragments puts draw.js before it, and a function around both.

const percent = (tenths) => (Math.abs(tenths) / 10).toFixed(1);
const spread = (mean, sd) =>
  percent(mean) + (sd === null ? "" : `\u00a0\u00b1\u00a0${percent(sd)}`) + "\u00a0%";
const signed = (t, digits) => {
  const words = (Math.abs(t) / 10).toFixed(digits);
  return (Number(words) === 0 ? "" : t < 0 ? "\u2212" : "+") + words;
};
const distinct = (runs, end) =>
  [...new Set(runs.map((run) => run[end]))].sort((a, b) => a - b);

const REACH = 22; // pixels beside an end of the window that belong to its handle
const GRIP = { top: 18, width: 12, height: 26 }; // a handle, and the bar between two

/** Start the explorer in `root`. */
function start(root) {
  const source = root.querySelector('script[type="application/json"]');
  const data = JSON.parse(source.textContent);
  const state = { ...data.start };
  const longest = data.clean.mean.length - 1;
  const kind = () => data.kinds[state.kind];
  const current = () =>
    kind().runs.find((r) => r.onset === state.onset && r.removal === state.removal);

  // ---- what there is on the page
  // Words say all that the drawings do, so these are hidden from screen readers.
  const hidden = { "aria-hidden": "true" };
  const chart = html("div", { class: "chart", ...hidden });
  const key = html("p", { class: "key" });
  const sight = html("p", { class: "sight" });
  const pictures = html("ul", { class: "pictures" });
  const now = html("output", { "aria-live": "polite" });
  const verdict = html("p", { class: "verdict", ...hidden });
  const finals = html("div", hidden);
  const ending = html("output", { "aria-live": "polite" });
  const map = html("div", { class: "map", ...hidden });
  // JupyterLab takes the arrow keys from an input that does not forbid it
  const own = { "data-lm-suppress-shortcuts": "true" };
  const select = html("select", { "aria-label": "Deficit", ...own }, ...Object.entries(data.kinds).map(
    ([value, { label }]) => html("option", { value }, label)));
  select.disabled = select.options.length === 1;
  const yardstick = html("select", { "aria-label": "Compare with no deficit after", ...own },
    ...Object.entries(data.yardsticks).map(([value, words]) => html("option", { value }, words)));
  yardstick.addEventListener("change", () => {
    state.yardstick = yardstick.value;
    show();
  });
  const against = (run) => run.against[state.yardstick];
  const [onset, removal, epoch] = ["Onset", "Removal", "Epoch"].map((name) => {
    const input = html("input", { type: "range", min: 0, "aria-label": name, ...own });
    const value = html("span", { class: "value", ...hidden });
    return { input, value, label: html("label", {}, html("span", {}, name), value, input) };
  });
  const live = html("div", { class: "live" }, html("div", { class: "grid" },
    html("div", { class: "controls" },
      html("label", {}, html("span", {}, "Deficit"), select),
      html("label", {}, html("span", {}, "Compare with no deficit after"), yardstick),
      onset.label, removal.label),
    html("div", {}, key, chart, epoch.label, now),
    html("div", {}, sight, pictures),
    html("div", {}, verdict, finals, ending),
    map));
  root.querySelector("img").after(live);

  // ---- what moves
  /** Go to the window nearest to `wanted`; `keep` is the end that matters more. */
  function go(wanted, keep) {
    const other = keep === "onset" ? "removal" : "onset";
    const away = (run) =>
      1e4 * Math.abs(run[keep] - wanted[keep]) + Math.abs(run[other] - wanted[other]);
    const best = kind().runs.reduce((a, b) => (away(b) < away(a) ? b : a));
    Object.assign(state, { onset: best.onset, removal: best.removal });
    show();
  }
  select.addEventListener("change", () => {
    state.kind = select.value;
    go(state, "onset");
  });
  for (const [end, { input }] of [["onset", onset], ["removal", removal]])
    input.addEventListener("input", () =>
      go({ ...state, [end]: distinct(kind().runs, end)[input.value] }, end));
  epoch.input.addEventListener("input", () => {
    state.epoch = Number(epoch.input.value);
    show();
  });
  map.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-onset]");
    if (cell) go({ onset: +cell.dataset.onset, removal: +cell.dataset.removal }, "onset");
  });
  // On the chart the pointer drags an end of the window by its handle, the window as a
  // whole by the bar between them, and elsewhere the cursor.
  let dragged = null;
  function point(event) {
    const epoch = Math.max(0, Math.round(under(event).epoch));
    if (dragged === "cursor") {
      state.epoch = epoch;
      show();
    } else if (dragged === "both") {
      const length = state.removal - state.onset, { grip } = chart.dataset;
      go({ onset: epoch - grip, removal: epoch - grip + length }, "onset");
    } else go({ ...state, [dragged]: epoch }, dragged);
  }
  /** The epoch and the height, in pixels from the top, at which the pointer is. */
  function under(event) {
    const { left, top, width } = chart.getBoundingClientRect();
    const along = scale(...span(width), 0, longest);
    return { epoch: along(event.clientX - left), down: event.clientY - top,
      reach: along(span(width)[0] + REACH) };
  }
  function grasped(event) {
    const { epoch, down, reach } = under(event);
    if (down > GRIP.top + GRIP.height + 8) return "cursor";
    const away = (end) => Math.abs(epoch - state[end]);
    const end = away("removal") <= away("onset") ? "removal" : "onset";
    if (away(end) <= reach) return end;
    return state.onset < epoch && epoch < state.removal ? "both" : "cursor";
  }
  chart.addEventListener("pointermove", (event) => {
    if (dragged && event.buttons) point(event);
    else chart.dataset.over = grasped(event);
  });
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    dragged = chart.dataset.over = grasped(event);
    chart.dataset.grip = Math.round(under(event).epoch) - state.onset;
    if (dragged === "cursor") point(event);
  });
  for (const over of ["pointerup", "pointercancel"])
    chart.addEventListener(over, () => (dragged = null));

  // ---- what is shown
  function show() {
    const run = current(), end = run.mean.length - 1, { label } = kind();
    const t = (state.epoch = Math.min(state.epoch, end));
    const hindered = run.onset <= t && t < run.removal;
    live.style.setProperty("--deficit", kind().colour);
    select.value = state.kind;
    yardstick.value = state.yardstick;
    for (const [name, control] of [["onset", onset], ["removal", removal]]) {
      const epochs = distinct(kind().runs, name);
      set(control, epochs.indexOf(run[name]), epochs.length - 1, run[name]);
    }
    set(epoch, t, end, t);
    const seen = data.sees[hindered ? state.kind : "none"];
    sight.textContent = t === end ? `Epoch ${t}: training is over.`
      : `Epoch ${t}: the network sees ${seen.words}.`;
    refill(pictures, ...tiles(seen));
    const phase = t === end ? "the end of training" : hindered ? `under ${label}`
      : t < run.onset ? `before the ${label}` : `after the ${label}`;
    const at = (r) => spread(r.mean[t], r.sd && r.sd[t]);
    now.textContent = `Epoch ${t} of ${end}, ${phase}: test accuracy ${at(run)}, `
      + `without deficit ${at(data.clean)}.`;
    verdict.textContent = `Final accuracy: ${against(run).verdict}`;
    ending.textContent = run.ending;
    refill(key, html("strong", {}, "Test accuracy (%)"),
      sample("deficit", kind().dashes, `with ${label}`),
      sample("clean", data.cleanDashes, "without deficit"));
    draw();
  }

  function set({ input, value }, position, max, shown) {
    input.max = max; // first, or a greater value would be cut off
    input.value = position;
    input.disabled = max === 0;
    value.textContent = `epoch ${shown}`;
    input.setAttribute("aria-valuetext", value.textContent);
  }

  function tiles(seen) {
    const clean = data.sees.none;
    return (seen.images || clean.images).map((src, i) => {
      const words = `class ${clean.told[i]}, told ${seen.told[i]}`;
      // "dark-light" keeps the book's dark theme from framing and dimming it
      return html("li", seen.told[i] === clean.told[i] ? {} : { class: "false" },
        html("img", { src, class: "dark-light", alt: `${seen.words}: ${words}` }), words);
    });
  }

  function sample(name, dashes, words) {
    const mark = line(0, 5, 36, 5, `line ${name}`);
    mark.setAttribute("stroke-dasharray", dashes.join(" "));
    return html("span", {},
      svg("svg", { viewBox: "0 0 36 10", "aria-hidden": "true" }, mark), words);
  }

  /** Draw at the width there is, so that letters keep their size. */
  function draw() {
    const run = current(), width = Math.max(240, chart.clientWidth);
    refill(chart, curves(run, width));
    const [left, right] = span(width); // the slider's handle stays below the cursor
    const length = ((right - left) * (run.mean.length - 1)) / longest;
    Object.assign(epoch.input.style,
      { marginLeft: `${left - 8}px`, width: `${length + 16}px` });
    refill(finals, endings(run, Math.max(240, finals.clientWidth)));
    refill(map, changes(run, Math.max(240, map.clientWidth)));
  }

  /** Where the first and the last epoch lie on a chart of this width. */
  function span(width) {
    return [26, width - 10];
  }

  function curves(run, width) {
    const height = Math.min(320, Math.max(220, 0.6 * width)), top = 18, bottom = height - 38;
    const [left, right] = span(width);
    const x = scale(0, longest, left, right), y = scale(0, 10 * data.top, bottom, top);
    const path = (values) => values.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`);
    const trace = (r, name, dashes) => {
      const edge = (sign) => path(r.mean.map((m, i) => m + sign * (r.sd ? r.sd[i] : 0)));
      const around = [...edge(1), ...edge(-1).reverse()].join(" ");
      return [svg("polygon", { class: `band ${name}`, points: around }),
        svg("polyline", { class: `line ${name}`, points: path(r.mean).join(" "),
          "stroke-dasharray": dashes.join(" ") })];
    };
    const from = x(run.onset), to = x(run.removal), here = x(state.epoch);
    return drawing(width, height,
      rect(from, top, to - from, bottom - top, "window"),
      rect(from, GRIP.top, to - from, GRIP.height, "bar"),
      text(Math.max(left + 20, (from + to) / 2), top - 5, "middle", "deficit"),
      ...ticks(0, data.top, 6).flatMap((v) => [
        line(left, y(10 * v), right, y(10 * v), "tick"),
        text(left - 6, y(10 * v) + 4, "end", v)]),
      ...ticks(0, longest, 8).map((e) => text(x(e), bottom + 17, "middle", e)),
      text(right, bottom + 34, "end", "epochs of training"),
      ...trace(data.clean, "clean", data.cleanDashes),
      ...trace(run, "deficit", kind().dashes),
      line(here, top, here, bottom, "cursor"),
      svg("circle", { class: "dot deficit", cx: here, cy: y(run.mean[state.epoch]), r: 5 }),
      ...[from, to].map((x) => line(x, top, x, bottom, "edge")),
      ...[from, to].map((x) => svg("rect", { x: x - GRIP.width / 2, y: GRIP.top,
        width: GRIP.width, height: GRIP.height, rx: 4, class: "handle" })));
  }

  function endings(run, width) {
    const [low, high] = data.limits, x = scale(10 * low, 10 * high, 10, width - 10);
    const row = ({ mean, sd, seeds }, name, words, y) => [
      text(0, y + 12, "start", `${words}: ${spread(mean, sd)}`),
      rect(x(mean - sd), y + 18, x(mean + sd) - x(mean - sd), 16, `band ${name}`),
      ...seeds.map((v) => svg("circle", { class: `dot ${name}`, cx: x(v), cy: y + 26, r: 3 })),
      line(x(mean), y + 16, x(mean), y + 36, `line ${name}`)];
    return drawing(width, 130,
      ...row(against(run).final, "clean", "without deficit", 0),
      ...row(run.final, "deficit", `after ${kind().label}`, 42),
      line(10, 86, width - 10, 86, "axis"),
      ...ticks(low, high, 6).map((v) => text(x(10 * v), 103, "middle", v)),
      text(width, 120, "end", "final test accuracy (%), dots: seeds"));
  }

  function changes(run, width) {
    const { runs } = kind(), left = 46, top = 22;
    const onsets = distinct(runs, "onset"), removals = distinct(runs, "removal");
    const side = Math.min(58, (width - left - 4) / onsets.length), tall = Math.min(34, side);
    const bottom = top + tall * removals.length;
    const x = (r) => left + side * onsets.indexOf(r.onset);
    const y = (r) => bottom - tall * (1 + removals.indexOf(r.removal));
    const square = (r, name) => rect(x(r) + 1, y(r) + 1, side - 2, tall - 2, name);
    const cell = (r) => {
      const { change } = against(r), shade = square(r, change < 0 ? "loss" : "gain");
      shade.setAttribute("fill-opacity", (0.06 * Math.abs(change)) / data.greatest[state.yardstick]);
      return svg("g", { "data-onset": r.onset, "data-removal": r.removal }, shade,
        text(x(r) + side / 2, y(r) + tall / 2 + 4, "middle", signed(change, side < 42 ? 0 : 1)));
    };
    return drawing(width, bottom + 40,
      text(0, 13, "start", "Change in final accuracy (points)"),
      ...runs.map(cell),
      square(run, "here"),
      ...removals.map((removal) =>
        text(left - 6, y({ removal }) + tall / 2 + 4, "end", removal)),
      ...onsets.map((onset) => text(x({ onset }) + side / 2, bottom + 16, "middle", onset)),
      text(left, bottom + 34, "start", "onset (epoch) \u2192"),
      svg("text", { transform: `translate(12 ${bottom}) rotate(-90)` }, "removal \u2192"));
  }

  show();
  onWidth(live, draw);
}

startAll(".cplib-timing", start);

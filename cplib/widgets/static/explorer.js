// The explorer of deficit timing on a page without a kernel (see cplib/widgets/html_view.py).
// All numbers and sentences come from Python as JSON, accuracies in percent;
// this script puts native controls and SVG in the place of the static figure.
// cplib.widgets.fragments puts draw.js before it, and a function around both.

const spread = (mean, half) =>
  mean.toFixed(1) + (half === null ? "" : `\u00a0\u00b1\u00a0${half.toFixed(1)}`) + "\u00a0%";
const filled = (sentence, values) => sentence.replace(/{(\w+)}/g, (_, name) => values[name]);
const signed = (points, digits) => {
  const words = Math.abs(points).toFixed(digits);
  return (Number(words) === 0 ? "" : points < 0 ? "\u2212" : "+") + words;
};
const distinct = (runs, end) =>
  [...new Set(runs.map((run) => run[end]))].sort((a, b) => a - b);

const CHANGE = _`Change in final accuracy (points)`;
const REACH = 22; // pixels beside an end of the window that belong to its handle
const GRIP = { top: 18, width: 12, height: 26 }; // a handle, and the bar between two

/** Round ends of an axis that holds all `intervals`, in percent. */
function limits(intervals) {
  const values = intervals.flatMap(([mean, half, seeds]) => [mean - half, mean + half, ...seeds]);
  const low = 5 * Math.floor(Math.min(...values) / 5), high = 5 * Math.ceil(Math.max(...values) / 5);
  return [Math.max(0, low), Math.min(100, Math.max(high, low + 5))];
}

/** Start the explorer in `root`. */
function start(root) {
  const source = root.querySelector('script[type="application/json"]');
  const data = JSON.parse(source.textContent);
  const state = { ...data.start };
  const longest = data.clean.mean.length - 1;
  const every = data.groups.flatMap(({ runs }) => runs);
  for (const run of every) { // its first deficit begins, and its last one ends
    run.onset = run.windows[0][1];
    run.removal = run.windows[run.windows.length - 1][2];
  }
  // the same axes for all runs
  const highest = (r) => Math.max(...r.mean.map((m, i) => m + (r.half ? r.half[i] : 0)));
  const top = Math.min(100, 10 * Math.ceil(Math.max(...[data.clean, ...every].map(highest)) / 10));
  const finalAxis = limits(every.flatMap((r) => [r.final, ...Object.values(r.without)]));
  const greatest = (against) => Math.max(1, ...every.map((r) => Math.abs(r.changes[against])));
  const group = () => data.groups[state.group];
  const current = () => group().runs[state.run];
  const ends = ({ windows }) => windows.flatMap(([, onset, removal]) => [onset, removal]);
  const shade = (run) => data.sees[run.windows[0][0]].colour;

  // ---- what there is on the page
  // Words say all that the drawings do, so these are hidden from screen readers.
  const hidden = { "aria-hidden": "true" };
  const chart = html("div", { class: "chart", ...hidden });
  const key = html("p", { class: "key" });
  const sight = html("p", { class: "sight" });
  const images = html("ul", { class: "images" });
  const now = html("output", { "aria-live": "polite" });
  const verdict = html("p", { class: "verdict", ...hidden });
  const finals = html("div", hidden);
  const ending = html("output", { "aria-live": "polite" });
  const map = html("div", { class: "map", ...hidden });
  const option = ([value, words]) => html("option", { value }, words);
  // JupyterLab takes the arrow keys from an input that does not forbid it
  const own = { "data-lm-suppress-shortcuts": "true" };
  const chooser = (name, options, choose) => {
    const select = html("select", { "aria-label": name, ...own }, ...options.map(option));
    select.addEventListener("change", () => choose(select.value));
    return { select, label: html("label", {}, html("span", {}, name), select) };
  };
  const deficit = chooser(_`Deficit`, data.groups.map(({ label }, i) => [i, label]), (value) => {
    const before = current();
    state.group = Number(value);
    go(before, "onset");
  });
  deficit.select.disabled = data.groups.length === 1;
  const comparison = chooser(_`Compare with no deficit:`, Object.entries(data.comparisons), (value) => {
    state.against = value;
    show();
  });
  // where onset and removal do not tell the runs of a deficit apart
  const list = chooser(_`Windows`, [], (value) => {
    state.run = Number(value);
    show();
  });
  const change = (run) => run.changes[state.against];
  const [onset, removal, epoch] = [_`Onset`, _`Removal`, _`Epoch`].map((name) => {
    const input = html("input", { type: "range", min: 0, "aria-label": name, ...own });
    const value = html("span", { class: "value", ...hidden });
    return { input, value, label: html("label", {}, html("span", {}, name), value, input) };
  });
  const live = html("div", { class: "live" }, html("div", { class: "grid" },
    html("div", { class: "controls" },
      deficit.label, comparison.label, list.label, onset.label, removal.label),
    html("div", {}, key, chart, epoch.label, now),
    html("div", {}, sight, images),
    html("div", {}, verdict, finals, ending),
    map));
  const address = addressed(root, data.name, () => [group().name, ...ends(current()),
    state.epoch, state.against], ([name, ...wanted]) => {
    const place = data.groups.findIndex((group) => group.name === name);
    const runs = place < 0 ? [] : data.groups[place].runs;
    const run = runs.findIndex((run) => String(ends(run)) === String(wanted.slice(0, -2)));
    const [epoch, against] = wanted.slice(-2);
    if (run < 0 || !(epoch >= 0) || !(against in data.comparisons))
      return misfit([name, ...wanted].join(", "));
    Object.assign(state, { group: place, run, epoch: Math.round(epoch), against });
    show(false);
  });
  live.append(address.bar);
  root.querySelector(".cplib-parts").after(live);

  // ---- what moves
  /** Go to the window nearest to `wanted`; `keep` is the end that matters more. */
  function go(wanted, keep) {
    const other = keep === "onset" ? "removal" : "onset";
    const away = (run) =>
      1e4 * Math.abs(run[keep] - wanted[keep]) + Math.abs(run[other] - wanted[other]);
    const { runs } = group();
    state.run = runs.reduce((best, run, i) => (away(run) < away(runs[best]) ? i : best), 0);
    show();
  }
  for (const [end, { input }] of [["onset", onset], ["removal", removal]])
    input.addEventListener("input", () =>
      go({ ...current(), [end]: distinct(group().runs, end)[input.value] }, end));
  epoch.input.addEventListener("input", () => {
    state.epoch = Number(epoch.input.value);
    show();
  });
  map.addEventListener("click", (event) => {
    const cell = event.target.closest("[data-run]");
    if (!cell) return;
    state.run = Number(cell.dataset.run);
    show();
  });
  // On the chart the pointer drags an end of the window by its handle, the window as a
  // whole by the bar between them, and elsewhere the cursor.
  let dragged = null;
  function point(event) {
    const epoch = Math.max(0, Math.round(under(event).epoch)), run = current();
    if (dragged === "cursor") {
      state.epoch = epoch;
      show();
    } else if (dragged === "both") {
      const length = run.removal - run.onset, { grip } = chart.dataset;
      go({ onset: epoch - grip, removal: epoch - grip + length }, "onset");
    } else go({ ...run, [dragged]: epoch }, dragged);
  }
  /** The epoch and the height, in pixels from the top, at which the pointer is. */
  function under(event) {
    const { left, top, width } = chart.getBoundingClientRect();
    const along = scale(...span(width), 0, longest);
    return { epoch: along(event.clientX - left), down: event.clientY - top,
      reach: along(span(width)[0] + REACH) };
  }
  function grasped(event) {
    const { epoch, down, reach } = under(event), run = current();
    if (down > GRIP.top + GRIP.height + 8) return "cursor";
    const away = (end) => Math.abs(epoch - run[end]);
    const end = away("removal") <= away("onset") ? "removal" : "onset";
    if (away(end) <= reach) return end;
    return run.onset < epoch && epoch < run.removal ? "both" : "cursor";
  }
  chart.addEventListener("pointermove", (event) => {
    if (dragged && event.buttons) point(event);
    else chart.dataset.over = grasped(event);
  });
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    dragged = chart.dataset.over = grasped(event);
    chart.dataset.grip = Math.round(under(event).epoch) - current().onset;
    if (dragged === "cursor") point(event);
  });
  for (const over of ["pointerup", "pointercancel"])
    chart.addEventListener(over, () => (dragged = null));

  // ---- what is shown
  function show(moved = true) {
    const run = current(), end = run.mean.length - 1, { label, runs, listed } = group();
    const t = (state.epoch = Math.min(state.epoch, end));
    live.style.setProperty("--deficit", shade(run));
    deficit.select.value = state.group;
    comparison.select.value = state.against;
    list.label.hidden = !listed;
    if (list.runs !== runs) refill(list.select, ...runs.map(({ title }, i) => option([i, title])));
    list.runs = runs;
    list.select.value = state.run;
    for (const [name, control] of [["onset", onset], ["removal", removal]]) {
      const epochs = distinct(runs, name);
      control.label.hidden = listed;
      set(control, epochs.indexOf(run[name]), epochs.length - 1, run[name]);
    }
    set(epoch, t, end, t);
    const [, number] = run.phases.find(([stop]) => t < stop) || [];
    const [phase, name] = data.phases[number] || [data.words.end, "none"];
    const seen = data.sees[name];
    sight.textContent = filled(t === end ? data.words.over : data.words.sight,
      { epoch: t, sees: seen.words });
    refill(images, ...tiles(seen));
    const at = (r) => spread(r.mean[t], r.half && r.half[t]);
    now.textContent = filled(data.words.now,
      { epoch: t, epochs: end, phase, run: at(run), clean: at(data.clean) });
    verdict.textContent = _`Final accuracy: ${run.verdicts[state.against]}`;
    ending.textContent = run.ending;
    refill(key, html("strong", {}, _`Test accuracy (%)`),
      sample("deficit", group().dashes, _`with ${label}`),
      sample("clean", data.clean.dashes, _`without deficit`));
    draw();
    if (moved) address.write();
  }

  function set({ input, value }, position, max, shown) {
    input.max = max; // first, or a greater value would be cut off
    input.value = position;
    input.disabled = max === 0;
    value.textContent = _`epoch ${shown}`;
    input.setAttribute("aria-valuetext", value.textContent);
  }

  function tiles(seen) {
    const clean = data.sees.none;
    return (seen.images || clean.images).map((src, i) => {
      const [is, said] = [clean.told[i], seen.told[i]];
      const words = is === said ? _`class ${is}` : _`class ${is}, called ${said}`;
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
    refill(map, ...(group().listed ? lines(run) : [changes(run, Math.max(240, map.clientWidth))]));
  }

  /** Where the first and the last epoch lie on a chart of this width. */
  function span(width) {
    return [top < 100 ? 26 : 34, width - 10]; // room for the numbers of the y axis
  }

  function curves(run, width) {
    const height = Math.min(320, Math.max(220, 0.6 * width)), roof = 18, bottom = height - 38;
    const [left, right] = span(width);
    const x = scale(0, longest, left, right), y = scale(0, top, bottom, roof);
    const path = (values) => values.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`);
    const inside = (value) => Math.max(0, Math.min(top, value));
    const course = (r, name, dashes) => {
      const edge = (sign) => path(r.mean.map((m, i) => inside(m + sign * (r.half ? r.half[i] : 0))));
      const around = [...edge(1), ...edge(-1).reverse()].join(" ");
      return [svg("polygon", { class: `band ${name}`, points: around }),
        svg("polyline", { class: `line ${name}`, points: path(r.mean).join(" "),
          "stroke-dasharray": dashes.join(" ") })];
    };
    const from = x(run.onset), to = x(run.removal), here = x(state.epoch);
    const shaded = ([name, onset, removal]) => {
      const from = x(onset), to = x(removal);
      const bar = rect(from, GRIP.top, to - from, GRIP.height, "bar");
      bar.style.fill = data.sees[name].colour;
      return [rect(from, roof, to - from, bottom - roof, "window"), bar,
        text(Math.max(left + 20, (from + to) / 2), roof - 5, "middle", _`deficit`)];
    };
    return drawing(width, height,
      ...run.windows.flatMap(shaded),
      ...ticks(0, top, 6).flatMap((v) => [
        line(left, y(v), right, y(v), "tick"),
        text(left - 6, y(v) + 4, "end", v)]),
      ...ticks(0, longest, 8).map((e) => text(x(e), bottom + 17, "middle", e)),
      text(right, bottom + 34, "end", _`epochs of training`),
      ...course(data.clean, "clean", data.clean.dashes),
      ...course(run, "deficit", group().dashes),
      line(here, roof, here, bottom, "cursor"),
      svg("circle", { class: "dot deficit", cx: here, cy: y(run.mean[state.epoch]), r: 5 }),
      ...[from, to].map((x) => line(x, roof, x, bottom, "edge")),
      ...[from, to].map((x) => svg("rect", { x: x - GRIP.width / 2, y: GRIP.top,
        width: GRIP.width, height: GRIP.height, rx: 4, class: "handle" })));
  }

  function endings(run, width) {
    const [low, high] = finalAxis, x = scale(low, high, 12, width - 12);
    const row = ([mean, half, seeds], name, words, y) => [
      text(0, y + 12, "start", `${words}: ${spread(mean, half)}`),
      rect(x(mean - half), y + 18, x(mean + half) - x(mean - half), 16, `band ${name}`),
      ...seeds.map((v) => svg("circle", { class: `dot ${name}`, cx: x(v), cy: y + 26, r: 3 })),
      line(x(mean), y + 16, x(mean), y + 36, `line ${name}`)];
    return drawing(width, 130,
      ...row(run.without[state.against], "clean", _`without deficit`, 0),
      ...row(run.final, "deficit", _`after ${group().label}`, 42),
      line(12, 86, width - 12, 86, "axis"),
      ...ticks(low, high, 6).map((v) => text(x(v), 103, "middle", v)),
      text(width, 120, "end", _`final test accuracy (%), dots: seeds`));
  }

  /** `cell`, coloured by the change of run `r`. */
  function coloured(cell, r) {
    cell.setAttribute("class", change(r) < 0 ? "loss" : "gain");
    cell.setAttribute("fill-opacity", (0.6 * Math.abs(change(r))) / greatest(state.against));
    return cell;
  }

  /** The map of changes for runs that onset and removal tell apart. */
  function changes(run, width) {
    const { runs } = group(), left = 46, top = 22;
    const onsets = distinct(runs, "onset"), removals = distinct(runs, "removal");
    const side = Math.min(58, (width - left - 4) / onsets.length), tall = Math.min(34, side);
    const bottom = top + tall * removals.length;
    const x = (r) => left + side * onsets.indexOf(r.onset);
    const y = (r) => bottom - tall * (1 + removals.indexOf(r.removal));
    const square = (r, name) => rect(x(r) + 1, y(r) + 1, side - 2, tall - 2, name);
    const cell = (r, i) => svg("g", { "data-run": i }, coloured(square(r), r),
      text(x(r) + side / 2, y(r) + tall / 2 + 4, "middle", signed(change(r), side < 42 ? 0 : 1)));
    return drawing(width, bottom + 40,
      text(0, 13, "start", CHANGE),
      ...runs.map(cell),
      square(run, "here"),
      ...removals.map((removal) =>
        text(left - 6, y({ removal }) + tall / 2 + 4, "end", removal)),
      ...onsets.map((onset) => text(x({ onset }) + side / 2, bottom + 16, "middle", onset)),
      text(left, bottom + 34, "start", _`onset (epoch) \u2192`),
      svg("text", { transform: `translate(12 ${bottom}) rotate(-90)` }, _`removal \u2192`));
  }

  /** The same for others: a line for each, with its windows in words. */
  function lines(run) {
    const row = (r, i) => html("div", { class: "row", "data-run": i },
      drawing(58, 30, coloured(rect(2, 2, 54, 26), r),
        ...(r === run ? [rect(2, 2, 54, 26, "here")] : []),
        text(29, 19, "middle", signed(change(r), 1))),
      r.title);
    return [html("p", {}, CHANGE), ...group().runs.map(row)];
  }

  show(false);
  onWidth(live, draw);
  address.open();
}

startAll(".cplib-explorer", start);

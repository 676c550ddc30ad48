// Predict, then reveal (see cplib/widgets/predict.py): a curve to draw by mouse, finger or
// sliders, and claims to call. What was measured is laid over the curve on demand, and the
// cells that follow in the same section of the page open with it. A link holds what was
// predicted, as `point~value` and `claim~verdict`; who opens it sees that curve beside their own.
// cplib.widgets.fragments puts draw.js before it, and a function around both.

const STEPS = 40; // of a slider, at least
const VERDICTS = [["reproduced", _`reproduced`], ["undecided", _`undecided`],
  ["contradicted", _`contradicted`]];

/** Start the prediction in `root`. */
function start(root) {
  const { sketch, calls } = JSON.parse(
    root.querySelector('script[type="application/json"]').textContent);
  const key = sketch ? `${sketch.study}: ${sketch.ylabel}, ${sketch.xlabel}`
    : calls.map((call) => call.id).join(" ");
  const cell = root.closest(".cell"); // of a page of the book; elsewhere there is none
  const mine = Object.assign({ guess: [], calls: {}, open: false, seen: false }, recall()[key]);
  let ready = false;

  // ---- what there is on the page
  const said = html("output", { "aria-live": "polite" });
  const reveal = html("button", { type: "button" });
  const again = html("button", { type: "button" }, _`Start again`);
  const paper = sketch && sheet(sketch, mine, keep);
  const asked = calls.map(({ id, claim }) => html("fieldset", {}, html("legend", {}, claim),
    ...VERDICTS.map(([verdict, words]) => {
      const input = html("input", { type: "radio", name: `call-${id}`, value: verdict,
        "data-lm-suppress-shortcuts": "true" }); // JupyterLab would take the arrow keys
      input.addEventListener("change", () => {
        mine.calls[id] = verdict;
        keep();
      });
      return html("label", {}, input, html("span", {}, words));
    })));
  const live = html("div", { class: "live" },
    ...(paper ? paper.parts : []),
    ...(calls.length ? [html("p", { class: "what" }, _`What will our runs say of this?`), ...asked] : []),
    html("p", { class: "buttons" }, reveal, again),
    said);
  const address = addressed(root, `predict-${sketch ? sketch.study.replace(" ", "-")
    : calls.map(({ id }) => id).join("+")}`, words, arrive);
  live.append(address.bar);
  root.prepend(live);

  // ---- what changes
  reveal.addEventListener("click", () => {
    mine.open = !mine.open;
    mine.seen = true; // what was predicted stays
    keep();
    dispatchEvent(new Event("resize")); // what opens may be too wide for its place
  });
  again.addEventListener("click", () => {
    Object.assign(mine, { guess: [], calls: {}, open: false, seen: false, off: undefined });
    keep();
    reveal.focus(); // this one is gone
  });

  const made = () => drawn(mine).length || Object.keys(mine.calls).length;
  function keep() {
    if (paper && mine.open && drawn(mine).length) mine.off = paper.off();
    const all = recall();
    if (made() || mine.seen) all[key] = mine;
    else delete all[key];
    remember(all);
    show();
    address.write();
  }

  function words() {
    const called = calls.filter(({ id }) => mine.calls[id]);
    return [...(paper ? paper.words() : []), ...called.map(({ id }) => `${id}~${mine.calls[id]}`)];
  }
  /** Draw the prediction of a link, and say it in words. */
  function arrive(given) {
    const pairs = given.filter(Boolean).map((word) => word.split(/~(?=[^~]*$)/));
    const known = ([what, value]) => (paper && paper.holds(what, value))
      || (VERDICTS.some(([verdict]) => verdict === value) && calls.some(({ id }) => id === what));
    const lost = pairs.find((pair) => !known(pair));
    if (lost) return misfit(lost.join(": "));
    if (!pairs.length || String(given) === String(words())) return "";
    if (paper) paper.host(new Map(pairs));
    return _`From the link: ${pairs.map((pair) => pair.join(": ")).join(", ")}.`;
  }

  // ---- what is shown
  function show() {
    for (const input of live.querySelectorAll("input")) {
      input.disabled = mine.seen;
      if (input.type === "radio")
        input.checked = mine.calls[input.name.slice("call-".length)] === input.value;
    }
    reveal.textContent = mine.open ? _`Hide what was measured`
      : made() ? _`Show what was measured` : _`Skip this, and show what was measured`;
    again.hidden = !made() && !mine.seen;
    said.textContent = mine.open ? (paper ? paper.outcome() : _`What was measured is below.`)
      : made() ? _`When this is what you expect, look at what was measured.`
        : paper ? _`Draw the curve that you expect: on the chart, or point by point below it.`
          : _`Say what you expect; then look.`;
    if (paper) paper.draw();
    if (ready && cell) close();
  }

  /** Close the cells that follow, or open them: the style sheet does it. */
  function close() {
    if (mine.open) cell.removeAttribute("data-closed");
    else cell.setAttribute("data-closed", "");
    const words = JSON.stringify(_`Opens with the prediction above.`);
    cell.parentElement.style.setProperty("--closed", words);
  }

  show();
  if (paper) onWidth(live, paper.draw);
  ready = true; // where something fails before, nothing is closed
  show();
  address.open();
}

/** The indices of the points that are drawn. */
const drawn = ({ guess }) => [...guess.keys()].filter((i) => guess[i] !== null);

/**
 * The chart of `data`, on which the reader draws `mine.guess`; each change calls `changed`.
 *
 * A point that is not drawn yet is null.
 */
function sheet(data, mine, changed) {
  const named = typeof data.x[0] === "string";
  const names = data.x.map(String), places = named ? names.map((_, i) => i) : data.x;
  const step = 10 ** Math.floor(Math.log10((data.high - data.low) / STEPS));
  const number = (value) => value.toFixed(1).replace("-", "\u2212");
  const fresh = () => { // also where what is kept belongs to another curve
    if (mine.guess.length !== names.length) mine.guess = names.map(() => null);
  };
  fresh();

  const chart = html("div", { class: "chart", "aria-hidden": "true" });
  const points = names.map((name, i) => {
    const input = html("input", { type: "range", min: data.low, max: data.high,
      step, "aria-label": _`${data.ylabel} at ${data.xlabel} ${name}`,
      "data-lm-suppress-shortcuts": "true" });
    const value = html("span", { class: "value", "aria-hidden": "true" });
    input.addEventListener("input", () => {
      mine.guess[i] = Number(input.value);
      changed();
    });
    return { input, value, label: html("label", {}, html("span", {}, name), value, input) };
  });
  const parts = [
    html("p", { class: "what" }, data.ylabel),
    chart,
    html("details", {}, html("summary", {}, _`Set the points one by one`),
      html("div", { class: "points" }, ...points.map((p) => p.label)))];

  const span = (width) => [52, width - 16];
  const across = (width) => {
    const [left, right] = span(width), n = places.length;
    return named ? scale(-0.5, n - 0.5, left, right)
      : scale(places[0], places[n - 1], left, right);
  };
  const TOP = 10, BOTTOM = 220;
  const down = scale(data.low, data.high, BOTTOM, TOP);
  let before = null; // the point drawn last, so that a quick stroke skips none
  function stroke(event) {
    if (mine.seen) return;
    const { left, top, width } = chart.getBoundingClientRect();
    const x = across(width), at = event.clientX - left;
    const near = (i) => Math.abs(x(places[i]) - at);
    const i = places.reduce((best, _, j) => (near(j) < near(best) ? j : best), 0);
    const y = scale(BOTTOM, TOP, data.low, data.high)(event.clientY - top);
    const value = Math.min(data.high, Math.max(data.low, y));
    const from = before ? before.i : i, step = Math.sign(i - from);
    for (let j = from; j !== i; j += step)
      if (j !== from)
        mine.guess[j] = before.value + ((value - before.value) * (j - from)) / (i - from);
    mine.guess[i] = value;
    before = { i, value };
    changed();
  }
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    before = null;
    stroke(event);
  });
  chart.addEventListener("pointermove", (event) => event.buttons && stroke(event));

  const distance = (i) => Math.abs(data.mean[i] - mine.guess[i]);
  const off = () => number(
    drawn(mine).reduce((sum, i) => sum + distance(i), 0) / drawn(mine).length);

  // ---- what a link holds: points by name, with one decimal; and such a curve beside this one
  let guest = [];
  const words = () => drawn(mine).map((i) => `${names[i]}~${mine.guess[i].toFixed(1)}`);
  const holds = (name, value) =>
    names.includes(name) && value !== "" && value >= data.low && value <= data.high;
  function host(points) {
    guest = names.map((name) => (points.has(name) ? Number(points.get(name)) : null));
    draw();
  }

  /** How the sketch and the measured curve differ, in words. */
  function outcome() {
    const truth = names.map((name, i) => _`${number(data.mean[i])} at ${name}`).join(", ");
    const measured = _`Measured: ${truth}.`;
    if (!drawn(mine).length) return measured;
    const worst = drawn(mine).reduce((best, i) => (distance(i) > distance(best) ? i : best));
    const [mean, guess] = [data.mean[worst], mine.guess[worst]].map(number);
    return _`Your sketch is off by ${off()} on average, and most at ${names[worst]}: you drew ${guess}, measured was ${mean}. ${measured}`;
  }

  function draw() {
    fresh();
    points.forEach(({ input, value }, i) => {
      const set = mine.guess[i] !== null;
      input.value = set ? mine.guess[i] : (data.low + data.high) / 2;
      value.textContent = set ? number(mine.guess[i]) : "\u2013";
      input.setAttribute("aria-valuetext", set ? number(mine.guess[i]) : _`not drawn yet`);
    });
    const width = Math.max(240, chart.clientWidth), [left, right] = span(width);
    const x = across(width), inside = (v) => Math.max(data.low, Math.min(data.high, v));
    const curve = (values, name, mark) => {
      const at = drawn({ guess: values }).map((i) => [x(places[i]), down(inside(values[i]))]);
      const path = at.map(([cx, cy]) => `${cx.toFixed(1)},${cy.toFixed(1)}`).join(" ");
      return [...(named || !at.length ? [] : [svg("polyline", { class: `line ${name}`, points: path })]),
        ...at.map(([cx, cy]) => mark(cx, cy, name))];
    };
    const round = (cx, cy, name) => svg("circle", { class: `dot ${name}`, cx, cy, r: 5 });
    const square = (cx, cy, name) => rect(cx - 5, cy - 5, 10, 10, `dot ${name}`);
    const bars = () => data.half.map((half, i) => line(x(places[i]), down(inside(data.mean[i] - half)),
      x(places[i]), down(inside(data.mean[i] + half)), "bar"));
    const hosted = drawn({ guess: guest }).length > 0;
    const entries = [...(drawn(mine).length ? [[round, "guess", _`your sketch`]] : []),
      ...(hosted ? [[round, "guest", _`from the link`]] : []),
      ...(mine.open ? [[square, "measured",
        data.half && width > 420 ? _`measured, 95\u00a0% interval` : _`measured`]] : [])];
    const legend = () => svg("g", { class: "legend" }, ...entries.flatMap(([mark, name, said], i) => {
      const cx = left + 14 + 110 * (i % 2), cy = TOP + 8 + 18 * Math.floor(i / 2);
      return [mark(cx, cy, name), text(cx + 12, cy + 4, "start", said)];
    }));
    const gap = Math.ceil((places.length * 26) / (right - left)); // labels that fit
    const letters = 7.5 * Math.max(...names.map((name) => name.length));
    const upright = named && places.length * letters > right - left;
    const depth = upright ? letters : 18;
    const label = (name, i) => upright ? svg("text", { "text-anchor": "end",
      transform: `translate(${x(places[i]) + 4} ${BOTTOM + 8}) rotate(-90)` }, name)
      : text(x(places[i]), BOTTOM + 18, "middle", name);
    refill(chart, drawing(width, BOTTOM + depth + 22,
      ...ticks(data.low, data.high, 6).flatMap((v) => [
        line(left, down(v), right, down(v), "tick"),
        text(left - 10, down(v) + 4, "end", String(v).replace("-", "\u2212"))]),
      ...names.map(label).filter((_, i) => i % gap === 0),
      text(right, BOTTOM + depth + 17, "end", data.xlabel),
      ...(drawn(mine).length || mine.seen ? [] : [svg("g", { class: "legend" },
        text((left + right) / 2, (TOP + BOTTOM) / 2, "middle", _`Draw here`))]),
      ...(mine.open && data.half ? bars() : []),
      ...(mine.open ? curve(data.mean, "measured", square) : []),
      ...curve(guest, "guest", round),
      ...curve(mine.guess, "guess", round),
      ...(mine.open || hosted ? [legend()] : [])));
  }

  return { parts, draw, off, outcome, words, holds, host };
}

startAll(".cplib-predict", start);

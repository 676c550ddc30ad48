// The front page: one image, one slider, one sentence (see cplib/widgets/front.py).
// All numbers and sentences come from Python as JSON, accuracies in percent.
// cplib.widgets.fragments puts draw.js before it, and a function around both.

/** Start the part in `root`. */
function start(root) {
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const longest = data.clean.length - 1;
  const highest = Math.max(...data.clean, ...data.runs.flatMap((run) => run.mean));
  const most = 10 * (Math.floor(highest / 10) + 1);
  let at = data.runs.length - 1;

  const said = html("output", { "aria-live": "polite" });
  const chart = html("div", { class: "chart", "aria-hidden": "true" });
  const input = html("input", { type: "range", min: 0, max: at, value: at,
    "data-lm-suppress-shortcuts": "true" }); // JupyterLab would take the arrow keys
  const value = html("span", { class: "value", "aria-hidden": "true" });
  const live = html("div", { class: "live" },
    chart,
    html("label", {}, html("span", {}, _`Blur ends at`), value, input),
    said);
  live.style.setProperty("--blur", data.colour);
  const address = addressed(root, "blur-until", () => [data.runs[at].removal], ([removal]) => {
    const found = data.runs.findIndex((run) => String(run.removal) === removal);
    if (found < 0) return misfit(removal);
    input.value = at = found;
    show(false);
  });
  live.append(address.bar);
  root.prepend(live);

  input.addEventListener("input", () => {
    at = Number(input.value);
    show();
  });
  // The image itself can be dragged too: blur ends where the pointer is.
  const span = (width) => [30, width - 56];
  function point(event) {
    const { left, width } = chart.getBoundingClientRect();
    const epoch = scale(...span(width), 0, longest)(event.clientX - left);
    const away = (i) => Math.abs(data.runs[i].removal - epoch);
    at = data.runs.reduce((best, _, i) => (away(i) < away(best) ? i : best), 0);
    input.value = at;
    show();
  }
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    point(event);
  });
  chart.addEventListener("pointermove", (event) => event.buttons && point(event));

  function show(moved = true) {
    const run = data.runs[at];
    value.textContent = run.removal ? _`epoch ${run.removal}` : _`birth: no blur`;
    input.setAttribute("aria-valuetext", value.textContent);
    said.textContent = run.sentence;
    draw();
    if (moved) address.write();
  }

  /** What the network sees, as a strip of images: blurred ones, then sharp ones. */
  function strip(x, end, removal, side) {
    const from = x(0), to = x(end), turn = x(removal);
    const tiles = Array.from({ length: Math.ceil((to - from) / side) }, (_, i) => from + i * side);
    const row = (href) => tiles.map((left) =>
      svg("image", { href, x: left, y: 0, width: side - 3, height: side - 3 }));
    const part = (left, right, href) => right - left < 0.5 ? [] : [svg("svg", { x: left,
      width: right - left, height: side, viewBox: `${left} 0 ${right - left} ${side}` },
      ...row(href))];
    return [...part(from, turn, data.blurred), ...part(turn, to, data.sharp)];
  }

  function draw() {
    const run = data.runs[at], end = run.mean.length - 1;
    const width = Math.max(240, chart.clientWidth), [left, right] = span(width);
    const side = Math.max(44, Math.min(84, (right - left) / 8));
    const top = side + 30, bottom = top + Math.max(150, Math.min(240, 0.3 * width));
    const x = scale(0, longest, left, right), y = scale(0, most, bottom, top);
    const path = (values) => values.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
    const turn = x(run.removal), last = x(end);
    const mark = (value, name, above) => [ // the two numbers keep apart
      svg("circle", { class: `dot ${name}`, cx: last, cy: y(value), r: 5 }),
      text(last + 9, y(value) + (above ? -5 : 15), "start", `${value.toFixed(1)}\u00a0%`)];
    refill(chart, drawing(width, bottom + 40,
      rect(left, 0, turn - left, bottom, "window"),
      ...strip(x, end, run.removal, side),
      ...ticks(0, most, 4).flatMap((v) => [
        line(left, y(v), right, y(v), "tick"),
        text(left - 6, y(v) + 4, "end", v)]),
      ...ticks(0, longest, 8).map((e) => text(x(e), bottom + 17, "middle", e)),
      text(right, bottom + 34, "end", _`age (epochs of training)`),
      svg("polyline", { class: "line clean", points: path(data.clean) }),
      ...(run.removal ? [
        svg("polyline", { class: "line blur", points: path(run.mean) }),
        line(last, y(run.control), last, y(run.final), "gap"),
        ...mark(run.control, "clean", run.control >= run.final),
        ...mark(run.final, "blur", run.control < run.final)]
        : mark(run.final, "clean", true)),
      line(turn, 0, turn, bottom, "edge"),
      text(right, top - 10, "end", _`new images named correctly (%)`),
      svg("circle", { class: "handle", cx: turn, cy: side, r: 9 })));
  }

  show(false);
  onWidth(live, draw);
  address.open();
}

startAll(".cplib-front-page", start);

// Predict, then reveal (see cplib/widgets/predict.py): a curve to draw by mouse, finger or
// sliders, over which the measured one is laid on demand.
// cplib.widgets.fragments puts draw.js before it, and a function around both.

const STEPS = 40; // of a slider, at least

/** Start the sketch in `root`. */
function start(root) {
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const named = typeof data.x[0] === "string";
  const names = data.x.map(String), places = named ? names.map((_, i) => i) : data.x;
  const digits = data.high - data.low > 200 ? 0 : 1;
  const step = 10 ** Math.floor(Math.log10((data.high - data.low) / STEPS));
  const number = (value) => value.toFixed(digits).replace("-", "\u2212");
  let guess, drawn, revealed;

  // ---- what there is on the page
  const chart = html("div", { class: "chart", "aria-hidden": "true" });
  const said = html("output", { "aria-live": "polite" });
  const reveal = html("button", { type: "button" }, "Show what was measured");
  const again = html("button", { type: "button" }, "Start again");
  const points = names.map((name, i) => {
    const input = html("input", { type: "range", min: data.low, max: data.high,
      step, "aria-label": `${data.ylabel} at ${data.xlabel} ${name}`,
      "data-lm-suppress-shortcuts": "true" }); // JupyterLab would take the arrow keys
    const value = html("span", { class: "value", "aria-hidden": "true" });
    input.addEventListener("input", () => {
      guess[i] = Number(input.value);
      drawn = true;
      show();
    });
    return { input, value, label: html("label", {}, html("span", {}, name), value, input) };
  });
  const live = html("div", { class: "live" },
    html("p", { class: "what" }, html("strong", {}, data.ylabel)),
    chart,
    html("details", {}, html("summary", {}, "Set the points one by one"),
      html("div", { class: "points" }, ...points.map((p) => p.label))),
    html("p", { class: "buttons" }, reveal, again),
    said);
  root.prepend(live);

  // ---- what moves
  function restart() {
    guess = names.map(() => (data.low + data.high) / 2);
    drawn = revealed = false;
    show();
  }
  again.addEventListener("click", restart);
  reveal.addEventListener("click", () => {
    revealed = !revealed;
    show();
  });
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
    const { left, top, width } = chart.getBoundingClientRect();
    const x = across(width), at = event.clientX - left;
    const near = (i) => Math.abs(x(places[i]) - at);
    const i = places.reduce((best, _, j) => (near(j) < near(best) ? j : best), 0);
    const y = scale(BOTTOM, TOP, data.low, data.high)(event.clientY - top);
    const value = Math.min(data.high, Math.max(data.low, y));
    const from = before ? before.i : i, step = Math.sign(i - from);
    for (let j = from; j !== i; j += step)
      if (j !== from) guess[j] = before.value + ((value - before.value) * (j - from)) / (i - from);
    guess[i] = value;
    before = { i, value };
    drawn = true;
    show();
  }
  chart.addEventListener("pointerdown", (event) => {
    chart.setPointerCapture(event.pointerId);
    before = null;
    stroke(event);
  });
  chart.addEventListener("pointermove", (event) => event.buttons && stroke(event));

  // ---- what is shown
  function show() {
    points.forEach(({ input, value }, i) => {
      input.value = guess[i];
      value.textContent = number(guess[i]);
      input.setAttribute("aria-valuetext", number(guess[i]));
    });
    reveal.textContent = revealed ? "Hide what was measured" : "Show what was measured";
    reveal.setAttribute("aria-pressed", revealed);
    said.textContent = revealed ? outcome()
      : drawn ? "Your sketch. When it says what you expect, look at what was measured."
        : "Draw the curve that you expect: on the chart, or point by point below it.";
    draw();
  }

  /** How the sketch and the measured curve differ, in words. */
  function outcome() {
    const truth = names.map((name, i) => `${name}: ${number(data.mean[i])}`).join(", ");
    const measured = `Measured, by ${data.xlabel}: ${truth}.`;
    if (!drawn) return measured;
    const off = data.mean.map((m, i) => Math.abs(m - guess[i]));
    const worst = off.indexOf(Math.max(...off));
    const mean = off.reduce((a, b) => a + b) / off.length;
    return `Your sketch is off by ${number(mean)} on average, and most at `
      + `${names[worst]}: you have ${number(guess[worst])}, measured is `
      + `${number(data.mean[worst])}. ${measured}`;
  }

  function draw() {
    const width = Math.max(240, chart.clientWidth), [left, right] = span(width);
    const x = across(width), path = (values) => values.map(
      (v, i) => `${x(places[i]).toFixed(1)},${down(v).toFixed(1)}`);
    const curve = (values, name, mark) => [
      ...(!named ? [svg("polyline", { class: `line ${name}`, points: path(values).join(" ") })] : []),
      ...values.map((v, i) => mark(x(places[i]), down(v), name))];
    const round = (cx, cy, name) => svg("circle", { class: `dot ${name}`, cx, cy, r: 5 });
    const square = (cx, cy, name) => rect(cx - 5, cy - 5, 10, 10, `dot ${name}`);
    const inside = (value) => Math.max(data.low, Math.min(data.high, value));
    const bars = () => data.half.map((half, i) => line(x(places[i]), down(inside(data.mean[i] - half)),
      x(places[i]), down(inside(data.mean[i] + half)), "bar"));
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
      ...(revealed && data.half ? bars() : []),
      ...(revealed ? curve(data.mean, "measured", square) : []),
      ...curve(guess, drawn ? "guess" : "guess still", round),
      ...(revealed ? legend(left) : [])));
  }

  function legend(left) {
    return [svg("circle", { class: "dot guess", cx: left + 14, cy: TOP + 8, r: 5 }),
      text(left + 26, TOP + 12, "start", "your sketch"),
      rect(left + 119, TOP + 3, 10, 10, "dot measured"),
      text(left + 136, TOP + 12, "start", data.half ? "measured, 95\u00a0% interval" : "measured")];
  }

  restart();
  onWidth(live, draw);
}

startAll(".cplib-sketch", start);

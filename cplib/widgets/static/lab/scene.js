// What the laboratory draws: strips of what the networks see, learning curves, filters and
// the trace of the Fisher information by layer.

const GRIP = 12; // width of a handle at an end of a window, in pixels
const NAME = Math.max(38, 10 * _`twin`.length - 2); // of the longest label

/** Where things are in a scene of `width` pixels with `rows` strips over `total` epochs. */
function layout(width, rows, total) {
  const left = NAME, right = width - NAME - 34, side = Math.max(30, Math.min(46, width / 15));
  const roof = rows * (side + 6) + 22, floor = roof + Math.max(150, Math.min(220, 0.32 * width));
  return { left, right, side, roof, floor, x: scale(0, total, left, right),
    epoch: scale(left, right, 0, total), row: (y) => Math.floor(y / (side + 6)) };
}

/** Parts [key, from, to] of a list of keys by epoch. */
function parts(seen) {
  const found = [];
  seen.forEach((key, e) => {
    const last = found[found.length - 1];
    if (last && last[0] === key) last[2] = e + 1;
    else found.push([key, e, e + 1]);
  });
  return found;
}

/** A life as a strip of images: those that the network sees at each age. */
function strip(seen, { x, side }, images) {
  const first = x(0);
  const tiles = (from, to) => Array.from({ length: Math.ceil((to - first) / side) }, (_, i) => i)
    .filter((i) => first + (i + 1) * side > from);
  return parts(seen).map(([key, onset, end]) => {
    const from = x(onset), to = x(end), shown = images(key);
    return svg("svg", { x: from, y: 0, width: to - from, height: side,
      viewBox: `${from} 0 ${to - from} ${side}` },
    ...tiles(from, to).filter(() => shown.length).map((i) => svg("image", {
      href: shown[i % shown.length], x: first + i * side, y: 0, width: side - 2, height: side })));
  });
}

/** Heights of labels for points at `wanted`, at least `apart` from each other. */
function spaced(wanted, apart) {
  const order = wanted.map((y, i) => ({ y, i })).sort((a, b) => a.y - b.y);
  order.forEach((label, k) => {
    if (k) label.y = Math.max(label.y, order[k - 1].y + apart);
  });
  return order.sort((a, b) => a.i - b.i).map((label) => label.y);
}

const coloured = (element, colour) => {
  element.style.setProperty("--net", colour);
  return element;
};

/**
 * Strips above, learning curves below, over one axis of age.
 *
 * @param rows of { label, colour, seen, windows or null, strip }: strips, made by `strip`.
 * @param curves of { colour, kind, points: [epoch, %], label or "" }.
 * @param age at which the networks are, or null; @param total epochs of the axis.
 */
function scene(width, { rows, curves, age, total }) {
  const at = layout(width, rows.length, total), { left, right, side, roof, floor, x } = at;
  const highest = Math.max(45, ...curves.flatMap((c) => c.points.map(([, v]) => v)));
  const top = Math.min(100, 10 * Math.ceil((highest + 2) / 10)), y = scale(0, top, floor, roof);
  const path = (points) => points.map(([e, v]) => `${x(e).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
  const shade = ([, from, to]) => rect(x(from), roof, x(to) - x(from), floor - roof, "window");
  const windows = rows.flatMap(({ seen, colour }) => parts(seen).filter(([key]) => key !== "none")
    .map((part) => coloured(shade(part), colour)));
  const row = (r, i) => {
    const handles = (r.windows || []).flatMap((w) => [
      coloured(rect(x(w.onset), 0, x(w.removal) - x(w.onset), side, "frame"), r.colour),
      ...[w.onset, w.removal].map((e) => coloured(svg("rect", { x: x(e) - GRIP / 2, y: side / 2 - 11,
        width: GRIP, height: 22, rx: 4, class: "handle" }), r.colour))]);
    const future = age === null ? []
      : [rect(x(age), 0, Math.max(0, x(r.seen.length) - x(age)), side, "future")];
    return svg("g", { transform: `translate(0 ${i * (side + 6)})` },
      text(left - 8, side / 2 + 4, "end", r.label), r.strip, ...future, ...handles);
  };
  const ends = curves.filter((c) => c.label && c.points.length);
  const last = (c) => c.points[c.points.length - 1];
  const heights = spaced(ends.map((c) => y(last(c)[1])), 15);
  return drawing(width, floor + 40,
    ...windows,
    ...ticks(0, top, 5).flatMap((v) => [
      line(left, y(v), right, y(v), "tick"),
      text(left - 8, y(v) + 4, "end", v)]),
    text(left, roof - 7, "start", _`new images named correctly (%)`),
    ...ticks(0, total, width < 500 ? 5 : 10).map((e) => text(x(e), floor + 17, "middle", e)),
    text(right, floor + 34, "end", _`age (epochs of training)`),
    ...rows.map(row),
    ...curves.filter((c) => c.points.length).map((c) =>
      coloured(svg("polyline", { class: `line ${c.kind}`, points: path(c.points) }), c.colour)),
    ...(age === null ? [] : [line(x(age), 0, x(age), floor, "now")]),
    ...ends.flatMap((c, i) => [
      coloured(svg("circle", { class: "dot", cx: x(last(c)[0]), cy: y(last(c)[1]), r: 4.5 }),
        c.colour),
      text(x(last(c)[0]) + 9, heights[i] + 4, "start", c.label)]));
}

/**
 * Points lost, a row for each network: the runs and, from three on, the interval of their
 * mean, beside that of stored runs.
 *
 * @param rows of { label, colour, lost: points, range: half the interval or null,
 *   past: { middle, low, high } or null }.
 */
function losses(width, rows) {
  const left = NAME, right = width - 14, floor = 26 * rows.length + 6;
  const all = rows.flatMap(({ lost, range, past }) =>
    [0, mean(lost) - range, mean(lost) + range, ...lost, ...(past ? [past.low, past.high] : [])]);
  const low = Math.min(...all) - 1, high = Math.max(...all) + 1, x = scale(low, high, left, right);
  const across = (value, y, name) => line(x(value), y - 9, x(value), y + 9, name);
  const row = ({ label, colour, lost, range, past }, i) => {
    const y = 26 * i + 16, middle = mean(lost);
    return coloured(svg("g", {}, text(left - 8, y + 4, "end", label),
      ...(past ? [rect(x(past.low), y - 9, x(past.high) - x(past.low), 18, "past"),
        across(past.middle, y, "axis")] : []),
      ...(range === null ? [] : [line(x(middle - range), y, x(middle + range), y, "line"),
        across(middle, y, "line")]),
      ...lost.map((value) => svg("circle", { class: "dot", cx: x(value), cy: y, r: 4 }))), colour);
  };
  return drawing(width, floor + 38,
    line(x(0), 4, x(0), floor, "now"),
    ...rows.map(row),
    line(left, floor, right, floor, "axis"),
    ...ticks(low, high, 6).map((v) => text(x(v), floor + 16, "middle", String(v).replace("-", "\u2212"))),
    text(right, floor + 33, "end", rows.some((r) => r.past)
      ? _`points lost (band: the book’s stored runs)` : _`points lost`));
}

/** Bars of the latest trace by layer, a group for each layer: nets of { label, colour, trace }. */
function bars(width, nets) {
  const layers = nets[0].trace.length, left = 8, right = width - 8, roof = 24, floor = 150;
  const most = Math.max(...nets.flatMap((n) => n.trace)), x = scale(0, layers, left, right);
  const thick = (0.8 * (x(1) - x(0))) / nets.length, y = scale(0, Math.sqrt(most), floor, roof);
  return drawing(width, floor + 38,
    text(left, 13, "start", _`trace (height: its square root)`),
    ...nets.flatMap(({ colour, kind, trace }, n) => trace.map((value, layer) => coloured(
      rect(x(layer + 0.1) + n * thick, y(Math.sqrt(value)), Math.max(1, thick - 1.5),
        floor - y(Math.sqrt(value)), `bar ${kind}`), colour))),
    line(left, floor, right, floor, "axis"),
    ...Array.from({ length: layers }, (_, layer) => text(x(layer + 0.5), floor + 16, "middle", layer)),
    text(right, floor + 33, "end", _`layer, from the input to the output`));
}

/** Paint what a worker says of its first-layer filters on a canvas, side by side. */
function paint(canvas, { size, images }) {
  const shown = images.slice(0, 16), context = canvas.getContext("2d");
  canvas.width = shown.length * (size + 1) - 1;
  canvas.height = size;
  shown.forEach((pixels, i) =>
    context.putImageData(new ImageData(pixels, size, size), i * (size + 1), 0));
}

/** Addresses of the images that a worker shows, (size, size) pixels RGBA each. */
function urls({ size, images }) {
  return images.map((pixels) => {
    const canvas = html("canvas", { width: size, height: size });
    canvas.getContext("2d").putImageData(new ImageData(pixels, size, size), 0, 0);
    return canvas.toDataURL();
  });
}

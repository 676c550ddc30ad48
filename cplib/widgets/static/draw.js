// What the scripts of the explorers share: elements, SVG, scales (see cplib/widgets/fragments.py).

/** Words for readers, _`epoch ${epoch}`: they are translated before the script is sent. */
const _ = (parts, ...values) => String.raw({ raw: parts }, ...values);

function fill(element, attributes, children) {
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}
const html = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
const drawing = (width, height, ...children) =>
  svg("svg", { viewBox: `0 0 ${width} ${height}` }, ...children);
const line = (x1, y1, x2, y2, name) => svg("line", { x1, y1, x2, y2, class: name });
const text = (x, y, anchor, words) =>
  svg("text", { x, y, "text-anchor": anchor }, words);
const rect = (x, y, width, height, name) =>
  svg("rect", { x, y, width, height, class: name });

/** The map of [low, high] onto [from, to]. */
const scale = (low, high, from, to) => (value) =>
  from + ((value - low) / (high - low)) * (to - from);

/** Multiples of a round step from low to high, at most `count` steps. */
function ticks(low, high, count) {
  const tens = 10 ** Math.floor(Math.log10((high - low) / count));
  const step = [1, 2, 5, 10].map((s) => s * tens).find((s) => (high - low) / s <= count + 1e-9);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Put `children` in the place of all that `element` holds. */
function refill(element, ...children) {
  element.textContent = "";
  element.append(...children);
}

/** Call `draw` whenever `element` gets another width. */
function onWidth(element, draw) {
  if (!window.ResizeObserver) return addEventListener("resize", draw);
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width === width) return; // it is the drawing that changed the height
    width = contentRect.width;
    draw();
  }).observe(element);
}

/** Why a link cannot be applied. */
const misfit = (asked) => _`The link asks for ${asked}, which is not in this edition.`;

/** A word of an address; as it is, if it is not encoded well. */
function decoded(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

/**
 * The state of the part `name` in the page's address, `#name=a/b/c`, on a page of the
 * book (a notebook's address is its own).
 *
 * `read(words)` puts a state from the address in its place, and returns what there is to
 * say about it: a `misfit`, if it cannot.
 * What is returned: `write()`, to be called when the reader has changed the state, `bar`,
 * a button that copies the link, and `open()`, to be called when the part is ready.
 */
function addressed(root, name, words, read) {
  const book = "content_root" in document.documentElement.dataset, mark = `#${name}=`;
  const told = html("span", { role: "status" });
  const button = html("button", { type: "button" }, _`Copy link`);
  const bar = html("p", { class: "link" }, button, told);
  bar.hidden = !book;
  root.dataset.address = name; // by it the page knows a link to a part that it lacks
  const write = () => {
    told.textContent = "";
    const link = mark + words().map(encodeURIComponent).join("/");
    try {
      if (book) history.replaceState(null, "", link);
    } catch { /* a browser that lets no page of a file do so */ }
    return link;
  };
  button.addEventListener("click", async () => {
    const link = location.href.split("#")[0] + write();
    try {
      await navigator.clipboard.writeText(link);
      told.textContent = _` Copied.`;
    } catch { // no permission: the reader copies it
      told.textContent = ` ${link}`;
    }
  });
  function open() {
    if (!book || !location.hash.startsWith(mark)) return;
    const given = location.hash.slice(mark.length).split("/").map(decoded);
    told.textContent = ` ${read(given) || ""}`;
    if (self === top) root.scrollIntoView(); // in a frame it would move the page around it
  }
  addEventListener("hashchange", open);
  return { bar, open, write };
}

/** The reader's predictions, as this device remembers them; none where it may not. */
const KEPT = "cplib-predictions";
function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) || {};
  } catch (error) {
    return {};
  }
}
function remember(predictions) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(predictions));
  } catch (error) {
    console.info("Predictions are not kept:", error.message);
  }
}

const remove = (element) => element && element.remove();

/**
 * Start all parts of the page that `selector` finds and no other script has started.
 *
 * `start` puts an element of class "live" into the part and draws in it. Only when it is
 * done is the static form hidden; if it fails, the static form is all that stays.
 */
function startAll(selector, start) {
  for (const root of document.querySelectorAll(selector)) {
    if (root.started) continue;
    root.started = true;
    remove(root.querySelector(".live")); // left in a page that a browser saved
    let alive = true;
    try {
      start(root);
    } catch (error) {
      alive = false;
      console.warn(error);
      remove(root.querySelector(".live"));
    }
    for (const part of root.querySelectorAll("[data-static]")) part.hidden = alive;
  }
}

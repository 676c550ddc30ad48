// Five things that style sheets cannot do.

// What scrolls by itself must be reached by the keyboard.
function nameScrollers() {
  const boxes = document.querySelectorAll("div.math, .cell_output, .bd-article table, pre");
  for (const box of boxes)
    if (!box.hasAttribute("tabindex") && box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
}
addEventListener("load", nameScrollers);
addEventListener("resize", nameScrollers);

// What it says, in the page's language (tools/pages/edition.py).
const words = (name) => JSON.parse(document.querySelector(".edition").dataset.words)[name];
function made(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
}

// What a link leads to may be folded, closed by a prediction, or gone since an older edition.
function arrive() {
  let name = location.hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch { /* not a link of this book */ }
  const target = document.getElementById(name), [part, state] = name.split("=");
  for (let box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
  if (target && target.getClientRects().length) target.scrollIntoView();
  else if (target) (target.closest("section").querySelector("[data-closed]") || target).scrollIntoView();
  for (const told of document.querySelectorAll(".astray")) told.remove();
  const parts = [...document.querySelectorAll("[data-address]")].map((e) => e.dataset.address);
  const ours = state !== undefined || part.startsWith("figure-"), place = document.querySelector("article");
  if (target || !ours || !place || parts.includes(part)) return;
  const told = made("p", { class: "astray", role: "status" });
  place.prepend(told);
  told.textContent = words("astray").replace("{asked}", part);
}
addEventListener("load", () => location.hash && arrive());
addEventListener("hashchange", arrive);

// A figure has a link, and is cited by chapter and section; what all figures of the page
// have in common is at its foot (tools/pages/edition.py).
function heading(section) { // a solution is a section without one
  const own = [...section.children].find((part) => /^H[1-4]$/.test(part.tagName));
  if (!own) return heading(section.parentElement.closest("section"));
  const title = own.cloneNode(true);
  for (const part of title.querySelectorAll(".section-number, .headerlink")) part.remove();
  return title.textContent.trim();
}
function citable(figure, common) {
  const caption = figure.querySelector("figcaption");
  if (!caption) return;
  const places = [document.querySelector("article section"), figure.closest("section")];
  const title = [...new Set(places.map(heading))].join(": ");
  const text = common.replace(/%ID%/g, figure.id)
    .replace("%TITLE%", () => title.replace(/[&%$#_{}]/g, "\\$&"));
  const bibtex = made("pre", {}, text);
  const button = made("button", { type: "button" }, words("copy")), told = made("span", { role: "status" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      told.textContent = words("copied");
    } catch {
      getSelection().selectAllChildren(bibtex);
      told.textContent = words("mark");
    }
  });
  caption.append(" ",
    made("a", { class: "permalink", href: `#${figure.id}`, "aria-label": words("link") }, "¶"), " ",
    made("details", { class: "cplib-origin cplib-cite" },
      made("summary", { "aria-label": words("title") }, words("cite")), bibtex, button, " ", told));
}
addEventListener("DOMContentLoaded", () => {
  const foot = document.querySelector(".edition[data-bibtex]");
  if (!foot) return;
  for (const figure of document.querySelectorAll("figure.cplib-figure[id]"))
    citable(figure, foot.dataset.bibtex);
});

// Paper is white and cannot be clicked: print in light colours with everything open, and
// undo that afterwards.
let closed = [];
let theme = "light";
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("article details:not([open])")];
  for (const box of closed) box.open = true;
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
addEventListener("afterprint", () => {
  for (const box of closed) box.open = false;
  document.documentElement.dataset.theme = theme;
});

// The search shows a line of each page that it finds, but may not read files for it.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

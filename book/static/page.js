// Four things that style sheets cannot do.

// What scrolls by itself must be reached by the keyboard.
function nameScrollers() {
  const boxes = document.querySelectorAll("div.math, .cell_output, .bd-article table, pre");
  for (const box of boxes)
    if (!box.hasAttribute("tabindex") && box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
}
addEventListener("load", nameScrollers);
addEventListener("resize", nameScrollers);

// What a link leads to may be folded.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let box = target; box; box = box.parentElement) if (box.tagName === "DETAILS") box.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("load", () => location.hash && unfold());
addEventListener("hashchange", unfold);

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

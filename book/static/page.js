// Two things that style sheets cannot do.

// What scrolls by itself must be reached by the keyboard.
function nameScrollers() {
  const boxes = "div.math, .cell_output, .bd-article table, pre";
  for (const box of document.querySelectorAll(`:is(${boxes}):not([tabindex])`))
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
}
addEventListener("load", nameScrollers);
addEventListener("resize", nameScrollers);

// Paper cannot be clicked: print with everything open, then close it again.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("article details:not([open])")];
  for (const box of closed) box.open = true;
});
addEventListener("afterprint", () => {
  for (const box of closed) box.open = false;
});

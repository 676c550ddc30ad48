// The reader's own row on the Scorecard (see cplib/widgets/predict.py).
// cplib.widgets.fragments puts draw.js before it, and a function around both.

const NONE = "You have made no call on this device yet: the chapters ask for them, in the "
  + "boxes \u201cPredict first\u201d.";
const APART = " (Pages opened as files may be kept apart by your browser.)";

/** Start the part in `root`. */
function start(root) {
  const claims = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const said = html("p", { "aria-live": "polite", tabindex: -1 });
  const table = html("table", {});
  const sketches = html("p", {});
  const forget = html("button", { type: "button" }, "Forget my predictions");
  forget.addEventListener("click", () => {
    remember({});
    show();
    said.focus(); // the button is gone
  });
  root.prepend(html("div", { class: "live" }, said, table, sketches, forget));

  function show() {
    const kept = Object.entries(recall());
    const calls = Object.assign({}, ...kept.map(([, mine]) => mine.calls));
    const called = claims.filter(({ id }) => calls[id]);
    const right = called.filter(({ id, verdict }) => calls[id] === verdict).length;
    refill(said, called.length ? html("strong", {}, `You called ${right} of ${called.length}.`)
      : NONE + (location.protocol === "file:" ? APART : ""));
    const row = (kind, ...cells) => html("tr", {}, ...cells.map((words) => html(kind, {}, words)));
    refill(table,
      html("thead", {}, row("th", "Panel", "Claim", "Your call", "Our runs", "Right")),
      html("tbody", {}, ...called.map(({ id, panel, claim, verdict }) =>
        row("td", panel, claim, calls[id], verdict, calls[id] === verdict ? "\u2713" : "\u2717"))));
    table.hidden = !called.length;
    const off = kept.filter(([, mine]) => mine.off)
      .map(([curve, mine]) => `${curve}: off by ${mine.off}`);
    sketches.textContent = off.length ? `Your sketches, each on average: ${off.join("; ")}.` : "";
    forget.hidden = !kept.length;
  }

  show();
}

startAll(".cplib-record", start);

// What is to be trained, as plain values and as text: in the address, in Python, as CSV.

const VERSION = "2"; // of the text in the address
const FIRST = { // what version 1 had where its text is silent
  train: 3000, test: 2000, fine: 0.6, mirror: 1, batch: 128, decay: 0.97, weight_decay: 0.001,
};
const MOST = 3; // networks beside the twin
const MORE = 20; // epochs of the therapy "more"
const BUDGET = 30, REST = 20; // of a challenge: epochs of blur, and sharp ones at the end
const CHALLENGE = "blur4"; // its deficit
const LIMITS = { // whole numbers
  epochs: [2, 200], seed: [0, 9999], width: [4, 96], train: [128, 10000],
  test: [100, 10000], mirror: [0, 1], batch: [8, 1000],
};
const AMPLITUDES = { fine: [0, 1.5], coarse: [0, 2], noise: [0, 3] };
const SCHEDULE = { lr: [0, 1], decay: [0.5, 1], weight_decay: [0, 0.1] };
const CHOICES = { family: ["AllCNN", "MLP"], challenge: ["", "least", "most"] };
const THERAPIES = { // words, what the worker is told, settings in Python
  none: [_`go on as before`, [], {}],
  restart: [_`restart the learning rate`, [{ kind: "restart" }], { rate: "cp.Restart()" }],
  shrink: [_`shrink and perturb the weights`, [{ kind: "shrink", factor: 0.4, noise: 0.1 }],
    { shrink: "(0.4, 0.1)" }],
  more: [_`train ${MORE} epochs more`, [], {}],
};
const CLEAR = { key: "none", deficit: null, label: _`no deficit`, sees: _`sharp images, true labels` };
const OWN = [ // deficits that cplib has not
  { key: "pale", deficit: { kind: "contrast", factor: 0.1 }, label: _`low contrast`,
    title: _`a tenth of the contrast`, sees: _`pale images, true labels` },
  { key: "upper-half", deficit: { kind: "occlusion", side: "top" }, label: _`a hidden half`,
    title: _`upper half hidden`, sees: _`lower halves of images, true labels` },
];
const PRESETS = [ // name, state, question
  [_`Blur early`, "epochs=100;A=blur4@0-40",
    _`Blurred from birth until epoch 40, then sharp. Does it catch up with its twin?`],
  [_`Early or late`, "epochs=120;A=blur4@0-40;B=blur4@40-80",
    _`The same forty epochs of blur, at birth or later. Which of the two hurts more?`],
  [_`Upside down`, "epochs=100;A=flip@0-40;B=blur4@0-40",
    _`Upside down, all detail is there, only in another place. Does that leave a mark as blur does?`],
  [_`Wrong names`, "epochs=100;A=labels@0-40;B=blur4@0-40",
    _`Every class is called by another's name until epoch 40. Is that unlearned?`],
  [_`Nothing to see`, "epochs=100;A=noise@0-40;B=blur4@0-40;C=nothing@0-40",
    _`Noise in the place of images, blur, or no learning at all: is seeing nothing worse than seeing badly?`],
  [_`Three therapies`, "epochs=100;A=blur4@0-40;B=blur4@0-40!restart;C=blur4@0-40!shrink",
    _`The same blur three times. Does a treatment at its end help?`],
  [_`Patching`, "epochs=100;A=blur4@0-40;B=blur4@0-40+detail@40-60",
    _`After the blur, twenty epochs of fine detail alone, as a patch on the strong eye makes the weak one work. Does it help?`],
  [_`Challenge: least harm`, "epochs=90;challenge=least;A=",
    _`Spend ${BUDGET} epochs of blur, in as many windows as you like, and do the least harm.`],
  [_`Challenge: most harm`, "epochs=90;challenge=most;A=",
    _`Spend ${BUDGET} epochs of blur, in as many windows as you like, and do the most harm.`],
];

// ---- windows of deficits, and the deficit of every epoch

/** Keys of the deficits by epoch. */
function seenIn(windows, epochs) {
  const at = (e) => windows.find((w) => w.onset <= e && e < w.removal);
  return Array.from({ length: epochs }, (_, e) => (at(e) ? at(e).key : "none"));
}

/** The windows in a list of keys by epoch. */
function windowsIn(seen) {
  const windows = [];
  seen.forEach((key, epoch) => {
    const last = windows[windows.length - 1];
    if (last && last.key === key && last.removal === epoch) last.removal += 1;
    else if (key !== "none") windows.push({ key, onset: epoch, removal: epoch + 1 });
  });
  return windows;
}

const spoiled = (seen) => seen.filter((key) => key !== "none").length;
const removal = (windows) => (windows.length ? windows[windows.length - 1].removal : 0);

/** Put window `j` where `wanted` says, but within its neighbours; `end` is what moves. */
function place(windows, j, wanted, end, epochs) {
  const low = j ? windows[j - 1].removal : 0;
  const high = j + 1 < windows.length ? windows[j + 1].onset : epochs;
  const within = (value, from, to) => Math.max(from, Math.min(to, value));
  let { onset, removal } = wanted;
  if (end === "both") {
    const length = removal - onset;
    onset = within(onset, low, high - length);
    removal = onset + length;
  } else if (end === "onset") onset = within(onset, low, removal - 1);
  else removal = within(removal, onset + 1, high);
  windows[j] = { ...wanted, onset, removal };
}

/** Put a window among the others, in order. */
function insert(windows, fresh) {
  windows.push(fresh);
  windows.sort((a, b) => a.onset - b.onset);
}

/** The first gap between windows, of ten epochs at most; undefined if there is none. */
function gap(windows, epochs) {
  const starts = [0, ...windows.map((w) => w.removal)];
  const ends = [...windows.map((w) => w.onset), epochs];
  const i = starts.findIndex((start, k) => start < ends[k]);
  return i < 0 ? undefined : { onset: starts[i], removal: Math.min(ends[i], starts[i] + 10) };
}

/** Why a life of `seen` wins no score in a challenge; empty if it may. */
function unfair(seen) {
  const blurred = seen.filter((key) => key === CHALLENGE).length;
  if (blurred < spoiled(seen)) return _`the challenge is for blur by a factor of 4 alone`;
  if (spoiled(seen.slice(-REST))) return _`the last ${REST} epochs must be sharp`;
  return blurred === BUDGET ? "" : _`${blurred} of ${BUDGET} epochs of blur are spent`;
}

// ---- the text in the address

/** Windows as text. */
const lived = (windows) =>
  windows.map((w) => `${w.key}@${w.onset}-${w.removal}`).join("+");

/** `state` as text, with all that it depends on, so that it means the same tomorrow. */
function written({ nets, ...fields }) {
  const settings = Object.entries(fields).filter(([, value]) => value !== "");
  const lives = nets.map(({ windows, therapy }, i) => {
    const seen = lived(windows);
    return ["ABC"[i], therapy === "none" ? seen : `${seen}!${therapy}`];
  });
  return [VERSION, ...[...settings, ...lives].map((pair) => pair.join("="))].join(";");
}

/** The state in `text`, upon `base`; an error says in a sentence what cannot be read. */
function read(text, base, known) {
  const [version, ...parts] = text.split(";");
  if (version !== VERSION && version !== "1")
    throw new Error(_`it is for version ${version || "?"} of the laboratory, and this page reads version ${VERSION}`);
  const state = { ...base, ...(version === "1" ? FIRST : {}), nets: [] };
  for (const part of parts) {
    const [name, value = ""] = part.split(/=(.*)/s);
    if (name === "ABC"[state.nets.length]) state.nets.push(life(value, known));
    else if (Object.hasOwn(base, name) && name !== "nets") state[name] = setting(name, value);
    else throw new Error(_`“${part}” is no setting of this laboratory`);
  }
  if (!state.nets.length) throw new Error(_`it names no network`);
  if (state.challenge && state.nets.length > 1) throw new Error(_`a challenge has one network`);
  if (state.nets.some(({ windows }) => removal(windows) > state.epochs))
    throw new Error(_`a deficit ends after the ${state.epochs} epochs of a life`);
  return state;
}

function setting(name, text) {
  if (name in CHOICES) {
    if (CHOICES[name].includes(text)) return text;
    throw new Error(_`${name}=${text} is none of ${CHOICES[name].filter(Boolean).join(", ")}`);
  }
  const whole = name in LIMITS, [low, high] = { ...LIMITS, ...AMPLITUDES, ...SCHEDULE }[name];
  const value = text === "" ? NaN : Number(text);
  if (value >= low && value <= high && (!whole || Number.isInteger(value))) return value;
  throw new Error(whole ? _`${name}=${text} is no whole number from ${low} to ${high}`
    : _`${name}=${text} is no number from ${low} to ${high}`);
}

function life(text, known) {
  const [seen, therapy = "none"] = text.split("!");
  if (!Object.hasOwn(THERAPIES, therapy)) throw new Error(_`“${therapy}” is no therapy`);
  const windows = seen.split("+").filter(Boolean).map((part) => {
    const [, key, onset, end] = part.match(/^(.+)@(\d{1,4})-(\d{1,4})$/) || [];
    if (!known.includes(key)) throw new Error(_`“${part}” is no window of a deficit known here`);
    return { key, onset: Number(onset), removal: Number(end) };
  });
  if (windows.some((w, i) => w.onset >= w.removal || w.onset < removal(windows.slice(0, i))))
    throw new Error(_`the windows “${seen}” are not in order`);
  return { windows, therapy };
}

// ---- Python and CSV

/**
 * The experiment in Python; `base` has the settings of cp.study("demo", "demo") and
 * `named` how deficits are written, by key.
 */
function pythonOf(state, base, named, lifetimes) {
  const own = state.nets.flatMap(({ windows }) => windows).find(({ key }) => !named[key]);
  if (own) return _`# cplib has no deficit “${own.key}”: derive one from cp.Deficit.`;
  const therapies = new Set(state.nets.map((net) => net.therapy));
  const treated = therapies.size === 1 && THERAPIES[[...therapies][0]][2];
  const plain = ["width", "train", "test", "batch", ...Object.keys(SCHEDULE)];
  const pairs = (of) => Object.keys(AMPLITUDES).map((name) => `("${name}", ${of[name]})`);
  const settings = (of) => [["family", `"${of.family}"`], ...plain.map((name) => [name, of[name]]),
    ["mirror", of.mirror ? "True" : "False"], ["options", `(${pairs(of).join(", ")})`]];
  const usual = Object.fromEntries(settings(base));
  const changes = [...settings(state).filter(([name, value]) => value !== usual[name]),
    ...Object.entries(treated || {})];
  const setup = 'cp.study("demo", "demo").setup'
    + (changes.length ? `.vary(${changes.map((pair) => pair.join("=")).join(", ")})` : "");
  const runs = state.nets.map(({ windows }, i) => {
    const spans = windows.map((w) => `(${named[w.key]}, ${w.onset}, ${w.removal})`);
    return `cp.Run([${spans.join(", ")}], ${lifetimes[i]})`;
  });
  const clean = Math.min(...state.nets.map((net, i) => lifetimes[i] - removal(net.windows)));
  return "import cplib as cp\n\n"
    + (treated ? "" : _`# without the therapies, which cplib cannot give side by side` + "\n")
    + `study = cp.Study("laboratory", "demo", "${_`From the laboratory`}", `
    + `${setup}, (cp.Run((), ${Math.max(...lifetimes)}), ${runs.join(", ")}), ${clean})\n`
    + `cp.draw(cp.compute(study, [${state.seed}]))`;
}

/** All epochs of all runs in the notebook, a row each. */
function csvOf(notebook) {
  const head = "run,network,seed,epoch,deficit,test_accuracy,loss,train_accuracy,learning_rate";
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  return [head, ...notebook.flatMap(({ name, runs }) => runs.flatMap(({ label, seed, rows }) =>
    rows.map((row) => [quoted(name), label, seed, ...row].join(","))))].join("\n") + "\n";
}

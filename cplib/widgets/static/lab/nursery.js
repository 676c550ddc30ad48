// Networks in training: a web worker each, told to go on or to wait.

/** Whether this browser has WebAssembly with vectors: it accepts a module that uses one. */
function vectors() {
  const module = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
    10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
  return typeof Worker === "function" && typeof WebAssembly === "object"
    && WebAssembly.validate(new Uint8Array(module));
}

/**
 * A litter of networks that are trained beside each other.
 *
 * One processor is left to the page. Where the others are too few for all, the networks
 * that are behind go on and those ahead wait, so that all stay of one age.
 *
 * @param source the worker's script; @param wasm its engine in base64;
 * @param heard called as heard(run, message) whenever a worker reports.
 */
function nursery(source, wasm, heard) {
  const places = Math.max(1, (navigator.hardwareConcurrency || 2) - 1);
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  let litter = [], held = false;

  const growing = () => litter.filter((run) => run.worker);
  function share() {
    growing().sort((a, b) => a.points.length - b.points.length).forEach((run, i) => {
      const wanted = !held && i < places;
      if (run.working !== wanted) run.worker.postMessage({ type: wanted ? "resume" : "pause" });
      run.working = wanted;
    });
  }
  function begin(run) {
    run.worker = new Worker(address);
    run.working = true;
    run.worker.onmessage = ({ data }) => {
      if (data.type === "epoch") run.points.push(data);
      if (data.type === "done" || data.type === "error") end(run, data.message);
      share();
      heard(run, data);
    };
    run.worker.onerror = (event) => {
      event.preventDefault();
      end(run, event.message || _`its worker did not start`);
      heard(run, { type: "error" });
    };
    run.worker.postMessage({ type: "start", wasm, config: run.config, seed: run.seed });
  }
  function end(run, failure) {
    run.worker.terminate();
    run.worker = null;
    run.failure = failure;
  }
  return {
    start(runs) {
      litter = runs;
      held = false;
      runs.forEach(begin);
      share();
    },
    hold(wanted) {
      held = wanted;
      share();
    },
    /** Hand `then` images as a network of `config` and `seed` would see them. */
    preview(config, seed, then) {
      const worker = new Worker(address), few = { ...config.data, train: 64, test: 1 };
      worker.onmessage = ({ data }) => {
        worker.terminate();
        if (data.type === "ready") then(data.sees);
      };
      worker.postMessage({ type: "start", wasm, config: { ...config, data: few, epochs: 0 }, seed });
    },
    stop: () => growing().forEach((run) => end(run)),
    tell: (run, message) => run.worker && run.worker.postMessage(message),
    busy: () => growing().length > 0,
  };
}

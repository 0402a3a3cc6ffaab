// Runs: all at once, or piece by piece so that a newer one can take the place of an older.
"use strict";

// What a run gives, made in pieces of so many ms of computing; `kept` says which trials' states are
// kept, and `every` how often. A generator, so that whoever asks may stop.
function* made(settings, { every = 1, kept = () => true, piece = 25 } = {}) {
  const given = setup(settings);
  const { model, n } = given;
  const steps = stepsOf(settings), trials = trialsOf(settings);
  const rows = model.rows.length - model.outputs;
  const points = Math.floor(steps / every) + 1;
  const time = Float64Array.from({ length: points }, (_, k) => k * every * settings.dt);
  const traces = [], spikes = [];
  let diverged = null, began = performance.now();
  for (let trial = 0; trial < trials; trial++) {
    const run = new Run(given, trial);
    const out = kept(trial) ? new Float64Array(points * rows * n).fill(NaN) : null;
    const keep = (k) => out && out.set(run.x.subarray(0, rows * n), k * rows * n);
    keep(0);
    for (let k = 1; k < points && !run.diverged; k++) {
      run.advance(every);
      if (!run.diverged) keep(k);
      if (performance.now() - began > piece) {
        yield (trial + k / points) / trials;
        began = performance.now();
      }
    }
    run.advance(steps - run.step);
    for (const spike of run.spikes) spikes.push(spike);
    diverged ??= run.diverged;
    if (out) traces.push({ trial, out });
  }
  return { settings, model: model.name, rows: model.rows.slice(0, rows), n, time, traces, spikes, diverged };
}

// The same at once, as {time, V, spikes}: V[neuron][k], or with several trials V[trial][neuron][k].
function run(changes = {}) {
  const { record = "V", save_dt, ...given } = changes;
  const settings = { ...defaults(), ...given };
  const faults = faultsOf(settings);
  const every = save_dt === undefined ? 1 : Math.round(save_dt / settings.dt);
  if (!(every >= 1 && Math.abs(every * settings.dt - (save_dt ?? settings.dt)) < 1e-9)) {
    faults.save_dt = "accepted: a multiple of dt";
  }
  if (Object.keys(faults).length) {
    throw new RangeError(Object.entries(faults).map((fault) => fault.join(": ")).join("; "));
  }
  const pieces = made(settings, { every });
  let piece = pieces.next();
  while (!piece.done) piece = pieces.next();
  const { time, traces, rows, n, spikes, diverged } = piece.value;
  const found = { time, spikes, diverged };
  for (const name of typeof record === "string" ? [record] : record) {
    if (!rows.includes(name)) throw new RangeError(`record: ${name} is not a variable; there are ${rows.join(", ")}`);
    const of = traces.map(({ out }) => series(out, rows, n, name));
    found[name] = trialsOf(settings) > 1 ? of : of[0];
  }
  return found;
}

// A variable of all neurons, [neuron][k], of what `made` kept.
function series(out, rows, n, name) {
  const row = rows.indexOf(name), width = rows.length * n;
  return Array.from({ length: n }, (_, i) =>
    Float64Array.from({ length: out.length / width }, (_, k) => out[k * width + row * n + i]),
  );
}

if (typeof WorkerGlobalScope !== "undefined") {
  let newest = 0;
  const channel = new MessageChannel();
  const pause = () => new Promise((resolve) => {
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(0);
  });

  // Messages that wait are seen in each pause.
  async function answer({ id, settings, options, kind }) {
    if (kind === "run") return { id, result: run(settings) };
    const pieces = made(settings, { ...options, kept: (trial) => trial === options.trial });
    let piece = pieces.next(), said = performance.now();
    while (!piece.done) {
      await pause();
      if (id < newest) return null;
      if (performance.now() - said > 200) {
        said = performance.now();
        postMessage({ id, progress: piece.value });
      }
      piece = pieces.next();
    }
    return { id, result: piece.value };
  }

  onmessage = async ({ data }) => {
    if (data.kind !== "run") newest = data.id;
    try {
      const found = await answer(data);
      if (found) postMessage(found);
    } catch (error) {
      postMessage({ id: data.id, error: error.message });
    }
  };
}

// Runs, whole or piece by piece, so that a newer one can take the place of an older.
"use strict";

// What a run gives, made in pieces of so many ms of computing; `kept` says which trials' states are
// kept, `every` how many steps apart: `states[row * n + neuron]`, NaN after a state that is not
// finite. A generator, so that whoever asks may stop.
function* made(settings, { every = 1, trials = null, kept = () => true, piece = 25 } = {}) {
  const given = setup(settings);
  const { model, n } = given;
  const steps = stepsOf(settings);
  const members = trials ?? Array.from({ length: trialsOf(settings) }, (_, k) => k);
  const rows = model.rows.length - model.outputs;
  const points = Math.floor(steps / every) + 1;
  const time = Float64Array.from({ length: points }, (_, k) => k * every * settings.dt);
  const spikes = [],
    states = [];
  let diverged = null,
    began = performance.now();
  for (const [member, trial] of members.entries()) {
    const run = new Run(given, trial);
    const out = kept(trial)
      ? Array.from({ length: rows * n }, () => new Float64Array(points).fill(NaN))
      : [];
    const keep = (k) =>
      out.forEach((series, i) => {
        series[k] = run.x[i];
      });
    keep(0);
    for (let k = 1; k < points && !run.diverged; k++) {
      run.advance(every);
      if (!run.diverged) keep(k);
      if (performance.now() - began > piece) {
        yield (member + k / points) / members.length;
        began = performance.now();
      }
    }
    run.advance(steps - run.step);
    for (const spike of run.spikes) spikes.push(spike);
    diverged ??= run.diverged;
    if (out.length) states.push(out);
  }
  return { rows: model.rows.slice(0, rows), n, time, states, spikes, diverged };
}

// The same at once, as {time, V, spikes, diverged}: V[neuron][k], of several trials
// V[trial][neuron][k]. `seed` may stand for rng, `save_dt` says how often states are kept, and
// `record` which variables.
function run({ record = "V", save_dt, seed, ...changes } = {}) {
  const settings = { ...defaults(), ...changes };
  if (seed !== undefined) settings.rng = seed;
  const faults = faultsOf(settings);
  const every = Math.round((save_dt ?? settings.dt) / settings.dt);
  if (!(every >= 1 && Math.abs(every * settings.dt - (save_dt ?? settings.dt)) < 1e-9)) {
    faults.save_dt = "accepted: a multiple of dt";
  }
  const known = modelOf(settings).rows;
  const names = typeof record === "string" ? [record] : record;
  for (const name of names) {
    if (!known.includes(name)) faults.record = `accepted: ${known.join(", ")}`;
  }
  if (Object.keys(faults).length) {
    throw new RangeError(
      Object.entries(faults)
        .map((fault) => fault.join(": "))
        .join("; "),
    );
  }
  const pieces = made(settings, { every });
  let piece = pieces.next();
  while (!piece.done) piece = pieces.next();
  const { time, states, rows, n, spikes, diverged } = piece.value;
  const found = { time, spikes, diverged };
  for (const name of names) {
    const row = rows.indexOf(name);
    const of = states.map((one) => one.slice(row * n, (row + 1) * n));
    found[name] = settings.noise !== "none" && settings.trials > 1 ? of : of[0];
  }
  return found;
}

// What answers the page: a function of its messages, which says what it finds.
function serve(say) {
  let newest = 0;
  const channel = new MessageChannel();
  const pause = () =>
    new Promise((resolve) => {
      channel.port1.onmessage = resolve;
      channel.port2.postMessage(0);
    });

  // All pieces; null if a newer message has come meanwhile.
  async function whole(id, pieces) {
    let piece = pieces.next(),
      said = performance.now();
    while (!piece.done) {
      await pause();
      if (id < newest) return null;
      if (performance.now() - said > 200) {
        said = performance.now();
        say({ id, progress: piece.value });
      }
      piece = pieces.next();
    }
    return piece.value;
  }

  const answers = {
    // The states of one trial, and the spikes of all; the same trial by a method beside it.
    async view({ id, settings, trial, beside, every }) {
      const began = performance.now();
      const result = await whole(id, made(settings, { every, kept: (one) => one === trial }));
      if (!result) return;
      const second = beside && made({ ...settings, method: beside }, { every, trials: [trial] });
      const other = second ? await whole(id, second) : null;
      if (second && !other) return;
      say({ id, result, other, ms: performance.now() - began });
    },

    // The rates at some currents, one after another.
    async rates({ id, settings, currents }) {
      for (const stimulus of currents) {
        const one = { ...settings, stimulus };
        const found = await whole(id, made(one, { trials: [0], kept: () => false, every: 100 }));
        if (!found) return;
        const rate = (1000 * found.spikes.length) / settings.n_neurons / settings.t_end;
        say({ id, point: { stimulus, rate: found.diverged ? null : rate } });
      }
      say({ id, done: true });
    },

    async run({ id, changes }) {
      say({ id, result: run(changes) });
    },
  };

  return async (data) => {
    if (data.kind !== "run") newest = data.id;
    try {
      await answers[data.kind](data);
    } catch (error) {
      say({ id: data.id, error: error.message });
    }
  };
}

if (typeof WorkerGlobalScope !== "undefined") {
  const answer = serve((found) => postMessage(found));
  onmessage = ({ data }) => answer(data);
}

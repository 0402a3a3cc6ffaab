// What a page may set: whether values are right, what a run needs of them, and the lines of Python
// and TOML that say the same. PAGE describes the network, MODELS holds its equations, one model for
// each kind of noise.
"use strict";

const CONTROLS = Object.fromEntries(PAGE.controls.map((control) => [control.name, control]));
const MOST_NEURON_STEPS = PAGE.mostSteps; // of all neurons and trials

const defaults = () => Object.fromEntries(PAGE.controls.map(({ name, value }) => [name, value]));

const shown = (control, settings) =>
  Object.entries(control.only).every(([name, values]) => values.includes(settings[name]));

// -- whether values are right ---------------------------------------------------------------------

// What is accepted, if this value is not.
function faultOf(control, value) {
  if (control.choices) {
    return control.choices.includes(value) ? "" : `one of ${control.choices.join(", ")}`;
  }
  const [least, most] = [control.least ?? -Infinity, control.most ?? Infinity];
  const within = (control.positive ? value > 0 : value >= least) && value <= most;
  if (Number.isFinite(value) && within && (!control.whole || Number.isInteger(value))) return "";
  if (control.whole) return `a whole number from ${least} to ${most}`;
  if (control.positive) return `a number above 0${most === Infinity ? "" : `, up to ${most}`}`;
  if (most !== Infinity) return `a number from ${least} to ${most}`;
  return least === -Infinity ? "a number" : `a number not below ${least}`;
}

// The number that a text is, in decimals; NaN if it is none. Number takes "" and "0x10" too.
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const number = (text) => {
  const plain = text.trim().replace("−", "-");
  return DECIMAL.test(plain) ? Number(plain) : NaN;
};

// What is wrong with settings, by their names: {dt: "a number above 0"}.
function faultsOf(settings) {
  const faults = {};
  for (const name of Object.keys(settings)) {
    if (!Object.hasOwn(CONTROLS, name))
      faults[name] = `not known; there are ${Object.keys(CONTROLS).join(", ")}`;
  }
  for (const control of PAGE.controls) {
    const fault = faultOf(control, settings[control.name]);
    if (fault) faults[control.name] = `accepted: ${fault}`;
  }
  const { dt, t_end, n_neurons } = settings;
  const trials = trialsOf(settings);
  if (!faults.dt && !faults.t_end) {
    const steps = t_end / dt,
      all = steps * (faults.n_neurons ? 1 : n_neurons) * (faults.trials ? 1 : trials);
    if (!(all <= MOST_NEURON_STEPS)) {
      faults.t_end = `${all.toPrecision(2)} steps of all neurons and trials are too much for a page, which takes ${MOST_NEURON_STEPS}: fewer trials or neurons, a shorter run or a larger step`;
    } else if (!(Math.abs(steps - Math.round(steps)) <= 1e-6) || Math.round(steps) < 1) {
      const below = Math.floor(steps) * dt;
      const near = [below, below + dt].map((t) => Number(t.toPrecision(9))).filter((t) => t > 0);
      faults.t_end = `accepted: a multiple of dt = ${dt} ms, as ${near.join(" or ")} ms`;
    }
  }
  return faults;
}

// -- what a run needs -----------------------------------------------------------------------------

const trialsOf = (settings) => (settings.noise === "none" ? 1 : settings.trials);
const stepsOf = (settings) => Math.round(settings.t_end / settings.dt);
const weightsOf = ({ control, matrix }, settings) =>
  matrix ? matrix.map((row) => row.map((w) => w * settings[control])) : settings[control];

// What V is between, as a rule and in plots (mV).
function boundsOf({ V0 }) {
  const usual = CONTROLS.V0.value;
  return [min(V0, usual) - 100, max(V0, usual) + 200];
}

// White noise is not in the equations.
const modelOf = (settings) => MODELS[settings.noise] ?? MODELS.none;

// To the nearest whole number, halves to an even one, as numpy does.
function toWhole(x) {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 ? up - 1 : up;
}

function setup(settings) {
  const model = modelOf(settings);
  const p = Float64Array.from(model.numbers);
  for (const control of PAGE.controls) {
    for (const place of control.sets[model.name] ?? []) p[place] = settings[control.name];
    for (const [place, density] of control.counts[model.name] ?? []) {
      p[place] = toWhole(density * settings[control.name]);
    }
  }
  model.derive(p);
  const n = settings.n_neurons;
  const white = settings.noise === "current";
  return {
    model,
    n,
    p,
    curves: Float64Array.from(model.curves),
    key: keyOf(settings.rng),
    dt: settings.dt,
    method: settings.method,
    V0: settings.V0,
    bounds: boundsOf(settings),
    stimulus: settings.stimulus,
    sigma: white ? (1 / settings.C) * settings.sigma : null,
    L: white && settings.correlation ? factor(n, settings.correlation) : null,
    weights: PAGE.synapses.map((synapse) => {
      const w = weightsOf(synapse, settings);
      const row = model.rows.indexOf(synapse.row);
      return { row, w: typeof w === "number" ? w : Float64Array.from(w.flat()) };
    }),
    rule: PAGE.rule,
  };
}

// -- the same in Python and TOML ------------------------------------------------------------------

const float = (x) => (Number.isInteger(x) && Math.abs(x) < 1e16 ? `${x}.0` : String(x));
const text = (x) =>
  Array.isArray(x) ? `[${x.map(text).join(", ")}]` : typeof x === "number" ? float(x) : `"${x}"`;
const list = (pairs) => pairs.map(([name, value]) => `${name}=${value}`).join(", ");

// Parameters of the cell that are not as the table CELLS, or the given network, has them.
const changesOf = (settings) => [
  ...PAGE.fixed.map(([name, value]) => [name, float(value)]),
  ...PAGE.controls
    .filter(({ name, cell }) => cell !== undefined && settings[name] !== cell)
    .map(({ name }) => [name, float(settings[name])]),
];

function noiseOf(settings) {
  if (settings.noise === "subunit" || settings.noise === "conductance") {
    return [["area", float(settings.area)]];
  }
  if (settings.noise === "current") {
    const { sigma, correlation } = settings;
    const pairs = [["sigma", float(sigma)]];
    return correlation ? [...pairs, ["correlation", float(correlation)]] : pairs;
  }
  const pairs = ["mean", "sd", "tau"].map((name) => [
    name === "sd" ? "sigma" : name,
    float(settings[name]),
  ]);
  return PAGE.eta === "eta" ? pairs : [...pairs, ["name", text(PAGE.eta)]];
}

const CLASSES = {
  current: "CurrentNoise",
  ornstein_uhlenbeck_current: "OrnsteinUhlenbeckCurrent",
  subunit: "SubunitNoise",
  conductance: "ConductanceNoise",
};

function runOf(settings) {
  const pairs = [
    ["dt", float(settings.dt)],
    ["method", text(settings.method)],
  ];
  if (settings.noise === "none") return pairs;
  pairs.push(["rng", settings.rng]);
  return settings.trials > 1 ? [...pairs, ["trials", settings.trials]] : pairs;
}

const ruleOf = () =>
  ["threshold", "rearm", "lockout"].map((name, k) => [name, float(PAGE.rule[k])]);

function pythonOf(settings) {
  const changes = list(changesOf(settings));
  const noise =
    settings.noise === "none" ? "" : `hh.${CLASSES[settings.noise]}(${list(noiseOf(settings))})`;
  const lines = ["import hh_sde as hh", ""];
  if (PAGE.named) {
    lines.push(`cell = hh.CELLS["${PAGE.cell}"]${changes && `.replace(${changes})`}`);
    const synapses = PAGE.synapses.map((synapse) => {
      const weights = text(weightsOf(synapse, settings));
      const E = synapse.E === null ? "" : `, E=${float(synapse.E)}`;
      return `hh.SYNAPSES["${synapse.kind}"](weights=${weights}${E})`;
    });
    lines.push("net = hh.Network(", `    ${settings.n_neurons},`, "    cell=cell,");
    lines.push(`    stimulus=${float(settings.stimulus)},`);
    if (synapses.length)
      lines.push("    synapses=[", ...synapses.map((one) => `        ${one},`), "    ],");
    if (noise) lines.push(`    noise=${noise},`);
    lines.push(")");
  } else {
    lines.push("# net: the network that this page was made of", "net = net.replace(");
    lines.push(`    n_neurons=${settings.n_neurons},`);
    if (changes) lines.push(`    cell=net.cell.replace(${changes}),`);
    lines.push(`    stimulus=${float(settings.stimulus)},`);
    const synapses = PAGE.synapses.map(
      (synapse, k) => `net.synapses[${k}].replace(weights=${text(weightsOf(synapse, settings))})`,
    );
    if (synapses.length)
      lines.push("    synapses=[", ...synapses.map((one) => `        ${one},`), "    ],");
    lines.push(`    noise=${noise || "[]"},`, ")");
  }
  lines.push(`ds = hh.solve(net, ${float(settings.t_end)}, ${list(runOf(settings))})`);
  lines.push(PAGE.usualRule ? "ds.hh.plot()" : `ds.hh.spikes(hh.SpikeRule(${list(ruleOf())}))`);
  return `${lines.join("\n")}\n`;
}

function tomlOf(settings) {
  const table = (pairs) => pairs.map(([name, value]) => `${name} = ${value}`);
  const lines = [
    "[network]",
    `n_neurons = ${settings.n_neurons}`,
    `stimulus = ${float(settings.stimulus)}`,
  ];
  lines.push("", "[network.cell]", `name = "${PAGE.cell}"`, ...table(changesOf(settings)));
  for (const synapse of PAGE.synapses) {
    lines.push("", "[[network.synapses]]", `kind = "${synapse.kind}"`);
    lines.push(`weights = ${text(weightsOf(synapse, settings))}`);
    if (synapse.E !== null) lines.push(`E = ${float(synapse.E)}`);
  }
  if (settings.noise !== "none") {
    lines.push("", "[network.noise]", `kind = "${settings.noise}"`, ...table(noiseOf(settings)));
  }
  lines.push("", "[run]", `t_end = ${float(settings.t_end)}`, ...table(runOf(settings)));
  if (!PAGE.usualRule) lines.push("", "[spikes]", ...table(ruleOf()));
  return `${lines.join("\n")}\n`;
}

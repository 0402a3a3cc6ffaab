// The page: controls, what they ask of the worker, what is shown of its answers.
"use strict";

const COLOURED = "ornstein_uhlenbeck_current";
const NAMES = { none: "none", current: "white current", [COLOURED]: "coloured current (Ornstein–Uhlenbeck)" };
const GROUPS = {
  network: "Network", conductances: "Conductances", noise: "Noise", run: "Integration",
  view: "Beside it, and what is looked at", membrane: "Membrane and reversal potentials",
};
const MOST_POINTS = 20000, MOST_NUMBERS = 2e6;

let settings = defaults(); // what is on the screen
let wanted = defaults(); // what the controls say, right or wrong
let shownRun = null; // {result, other, settings, ms}
const view = { beside: "none", trial: 0, neuron: 0, gate: PAGE.gate ?? MODELS.none.rows[1] };
const rates = []; // {key, stimulus, rate} of all runs

// -- the worker -----------------------------------------------------------------------------------

const waiting = new Map(); // promises of `hh_sde.run`
let newest = 0, asked = null, again = false;

function worker() {
  try {
    const url = URL.createObjectURL(new Blob([element("engine").textContent], { type: "text/javascript" }));
    const made = new Worker(url);
    made.onmessage = ({ data }) => hear(data);
    return made;
  } catch {
    const answer = serve(hear); // here, where a browser has no workers for such a page
    return { postMessage: (data) => setTimeout(() => answer(data)) };
  }
}
const workshop = worker();

function say(message) {
  newest += 1;
  workshop.postMessage({ id: newest, ...message });
  return newest;
}

// A run of what is set; while one is under way the newest waits, or takes its place if that is slow.
function ask() {
  if (asked && performance.now() - asked.since < 300) {
    again = true;
    return;
  }
  again = false;
  element("fill").disabled = false; // what it was filling in has ended
  const rows = MODELS[settings.noise === COLOURED ? COLOURED : "none"].rows.length;
  const points = min(MOST_POINTS, max(500, MOST_NUMBERS / (rows * settings.n_neurons)));
  const message = {
    kind: "view", settings, trial: min(view.trial, trialsOf(settings) - 1),
    beside: view.beside === "none" ? null : view.beside, every: Math.ceil(stepsOf(settings) / points),
  };
  asked = { id: say(message), since: performance.now(), settings };
}

function hear({ id, result, other, ms, progress, point, done, error }) {
  if (waiting.has(id)) {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new RangeError(error));
    else resolve(result);
  } else if (point) {
    rates.push({ key: physics(settings), ...point });
    drawRates();
  } else if (done) {
    element("fill").disabled = false;
  } else if (asked?.id === id && progress !== undefined) {
    element("summary").textContent = `computing: ${Math.round(100 * progress)} %`;
  } else if (asked?.id === id) {
    const { settings: of, since } = asked;
    asked = null;
    if (error) element("summary").textContent = error;
    else {
      shownRun = { result, other, settings: of, ms };
      show();
      shownRun.all = performance.now() - since;
      showSummary();
    }
    if (again) ask();
  }
}

// -- controls -------------------------------------------------------------------------------------

const inputs = {}; // by name: {box, range, select, fault, row}

function make(tag, properties = {}, children = []) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const position = (control, value) =>
  control.steps ? control.steps.reduce((best, step, k) => (abs(step - value) < abs(control.steps[best] - value) ? k : best), 0) : value;
const rounded = (x) => Number(x.toPrecision(6));

function controlRow(control) {
  const { name, label, units = "" } = control;
  const fault = make("p", { className: "fault", id: `fault-${name}` });
  const row = make("div", { className: "control" }, [make("label", { htmlFor: `set-${name}`, textContent: label })]);
  if (control.choices) {
    const select = make("select", { id: `set-${name}` }, control.choices.map((one) => new Option(NAMES[one] ?? one, one)));
    select.addEventListener("change", () => change(name, select.value));
    row.append(select, fault);
    inputs[name] = { select, fault, row };
    return row;
  }
  const box = make("input", { type: "text", inputMode: "decimal", id: `set-${name}` });
  box.setAttribute("aria-describedby", fault.id);
  box.addEventListener("input", () => change(name, number(box.value), "box"));
  let range = null;
  if (control.low !== undefined || control.steps) {
    const ends = control.steps ? [0, control.steps.length - 1, 1]
      : [control.low, control.high, control.whole ? 1 : control.name === "t_end" ? 20 : rounded((control.high - control.low) / 200)];
    range = make("input", { type: "range" });
    [range.min, range.max, range.step] = ends;
    range.setAttribute("aria-label", `${label}${units && `, ${units}`}, slider`);
    range.addEventListener("input", () => {
      const value = Number(range.value);
      change(name, control.steps ? control.steps[value] : rounded(value), "range");
    });
    row.append(range);
  } else {
    row.classList.add("plain");
  }
  row.append(box, make("span", { className: "units", textContent: units }));
  if (name === "rng") {
    const fresh = make("button", { type: "button", textContent: "new" });
    fresh.addEventListener("click", () => change("rng", Math.floor(Math.random() * 2 ** 31)));
    row.querySelector(".units").replaceWith(fresh);
  }
  row.append(fault);
  inputs[name] = { box, range, fault, row };
  return row;
}

const number = (text) => (text.trim() === "" ? NaN : Number(text.trim().replace("−", "-")));

function viewRow(name, label, options) {
  const select = make("select", { id: `view-${name}` }, options);
  select.addEventListener("change", () => {
    view[name] = ["trial", "neuron"].includes(name) ? Number(select.value) : select.value;
    if (name === "neuron" || name === "gate") show();
    else ask();
    keep();
  });
  const row = make("div", { className: "control" }, [make("label", { htmlFor: select.id, textContent: label }), select]);
  inputs[`view-${name}`] = { select, row };
  return row;
}

function button(text, click) {
  const made = make("button", { type: "button", textContent: text });
  made.addEventListener("click", click);
  return made;
}

function buildControls() {
  const rows = Object.fromEntries(Object.keys(GROUPS).map((group) => [group, []]));
  for (const control of PAGE.controls) rows[control.group].push(controlRow(control));
  const { choices } = CONTROLS.method;
  rows.view.push(
    viewRow("beside", "method beside it, on the same path", ["none", ...choices].map((one) => new Option(one, one))),
    make("p", { className: "row" }, [
      button("Euler with too large a step", () => {
        view.beside = "lie_trotter";
        set({ method: "euler_maruyama", dt: 0.1, t_end: 200 });
      }),
      button("back to the start", () => {
        Object.assign(view, { beside: "none", trial: 0, neuron: 0 });
        set(defaults());
      }),
    ]),
    viewRow("trial", "trial", []), viewRow("neuron", "neuron", []),
    viewRow("gate", "gate of the phase plane", []),
  );
  for (const [group, title] of Object.entries(GROUPS)) {
    const legend = make("legend", { textContent: title });
    const box = group === "membrane"
      ? make("fieldset", {}, [make("details", {}, [make("summary", { textContent: title }), ...rows[group]])])
      : make("fieldset", {}, [legend, ...rows[group]]);
    element("controls").append(box);
  }
  element("controls").addEventListener("submit", (event) => event.preventDefault());
}

// What the controls show, but for the one that is being moved.
function reflect(name, except) {
  const { box, range, select } = inputs[name], value = wanted[name];
  if (select) select.value = value;
  if (box && except !== "box") box.value = Number.isNaN(value) ? "" : String(value);
  if (range && except !== "range" && !Number.isNaN(value)) range.value = position(CONTROLS[name], value);
}

function change(name, value, except) {
  wanted = { ...wanted, [name]: value };
  reflect(name, except);
  consider();
}

function set(changes) {
  wanted = { ...wanted, ...changes };
  for (const name of Object.keys(CONTROLS)) reflect(name);
  consider();
}

// Tell what is wrong where it is set; else run it.
function consider() {
  const faults = faultsOf(wanted);
  for (const control of PAGE.controls) {
    const { box, select, fault, row } = inputs[control.name];
    fault.textContent = faults[control.name] ?? "";
    (box ?? select).setAttribute("aria-invalid", String(control.name in faults));
    row.hidden = !shown(control, wanted);
  }
  const wrong = Object.keys(faults);
  if (wrong.length) {
    const labels = wrong.map((name) => CONTROLS[name]?.label ?? name);
    element("summary").textContent = `not run: ${labels.join(", ")}`;
    return;
  }
  settings = wanted;
  fit("trial", trialsOf(settings));
  fit("neuron", settings.n_neurons);
  const { rows, units } = MODELS[settings.noise] ?? MODELS.none;
  const gates = rows.filter((_, k) => units[k] === "1");
  offer("gate", gates, gates);
  inputs["view-beside"].select.value = view.beside;
  keep();
  ask();
}

function fit(name, many) {
  const numbers = Array.from({ length: many }, (_, k) => k);
  view[name] = min(view[name], many - 1);
  offer(name, numbers, numbers);
}

function offer(name, values, labels) {
  const { select, row } = inputs[`view-${name}`];
  if (select.length !== values.length) {
    select.replaceChildren(...values.map((value, k) => new Option(labels[k], value)));
  }
  if (!values.includes(view[name])) view[name] = values[0];
  select.value = view[name];
  row.hidden = values.length < 2;
}

// -- the link -------------------------------------------------------------------------------------

function linkOf() {
  const usual = { beside: "none", trial: 0, neuron: 0, gate: PAGE.gate ?? MODELS.none.rows[1] };
  const pairs = [
    ...PAGE.controls.filter(({ name, value }) => settings[name] !== value).map(({ name }) => [name, settings[name]]),
    ...Object.entries(view).filter(([name, value]) => usual[name] !== value),
  ];
  return pairs.length ? `#${new URLSearchParams(pairs)}` : "";
}

function keep() {
  try {
    history.replaceState(null, "", linkOf() || location.pathname + location.search);
  } catch { /* a page that may not change its address has no link */ }
}

function readLink() {
  const changes = {}, unknown = [];
  for (const [name, text] of new URLSearchParams(location.hash.slice(1))) {
    if (name in CONTROLS) changes[name] = CONTROLS[name].choices ? text : number(text);
    else if (name === "beside") view.beside = CONTROLS.method.choices.includes(text) ? text : "none";
    else if (name === "gate") view.gate = text;
    else if (name === "trial" || name === "neuron") view[name] = max(0, Math.floor(number(text)) || 0);
    else unknown.push(name);
  }
  set({ ...defaults(), ...changes });
  if (unknown.length) element("trouble").dataset.link = `The link has what this page does not know: ${unknown.join(", ")}.`;
}

// -- what is shown --------------------------------------------------------------------------------

let drawnFor = "";

// The plots, anew where there are other lines in them.
function layOut() {
  const { result, other, settings: of } = shownRun;
  const n = min(result.n, MOST_LINES);
  const model = MODELS[of.noise] ?? MODELS.none;
  const gates = result.rows.filter((_, k) => model.units[k] === "1");
  const wantedPlots = [n, gates, Boolean(other), document.documentElement.dataset.theme].join();
  if (wantedPlots === drawnFor) return gates;
  drawnFor = wantedPlots;
  const many = Array.from({ length: n }, (_, k) => ({ stroke: colourOf(k), width: k ? 1.2 : 1.8 }));
  if (other) many.push({ stroke: colour("c7"), dash: [6, 4], width: 1.4 });
  lines("V", "V (mV)", many, [of.V0 - 100, of.V0 + 200], cursorMoved);
  lines("gates", "gate (1)", gates.map((_, k) => ({ stroke: colourOf(k) })), [-0.2, 1.2], cursorMoved);
  byHand("raster", "time (ms)", "trains", drawRaster, COUNTS);
  byHand("intervals", "interval (ms)", "intervals", drawIntervals, COUNTS);
  byHand("phase", "V (mV)", "gate (1)", drawPhase);
  byHand("rate", "current (µA/cm²)", "rate (Hz)", drawRate);
  const names = many.map((one, k) => [k < n ? `neuron ${k}` : `neuron 0 by ${view.beside}`, one.stroke, Boolean(one.dash)]);
  key("key-V", names);
  key("key-gates", gates.map((name, k) => [name, colourOf(k)]));
  return gates;
}

const statesOf = (result, name) => {
  const row = result.rows.indexOf(name);
  return result.states[0].slice(row * result.n, (row + 1) * result.n);
};

function show() {
  if (!shownRun) return;
  const { result, other, settings: of } = shownRun;
  view.neuron = min(view.neuron, result.n - 1);
  const gates = layOut();
  if (!gates.includes(view.gate)) view.gate = gates[0] ?? "";
  const V = statesOf(result, "V");
  const sameTimes = plots.V.data[0]?.length === result.time.length && plots.V.data[0].at(-1) === result.time.at(-1);
  const zoom = { min: plots.V.scales.x.min, max: plots.V.scales.x.max };
  const data = [result.time, ...V.slice(0, MOST_LINES).map(finite)];
  if (other) data.push(finite(other.states[0][0]));
  key("key-V", [
    ...V.slice(0, MOST_LINES).map((_, k) => [`neuron ${k}`, colourOf(k)]),
    ...(V.length > MOST_LINES ? [[`and ${V.length - MOST_LINES} more, not drawn`, "transparent"]] : []),
    ...(other ? [[`neuron 0 by ${view.beside}`, colour("c7"), true]] : []),
  ]);
  plots.V.setData(data);
  plots.gates.setData([result.time, ...gates.map((name) => finite(statesOf(result, name)[view.neuron]))]);
  if (sameTimes) for (const id of ["V", "gates"]) plots[id].setScale("x", zoom);
  for (const one of document.querySelectorAll(".neuron")) one.textContent = view.neuron;
  element("which-trial").textContent = trialsOf(of) > 1 ? `trial ${min(view.trial, trialsOf(of) - 1)} of ${trialsOf(of)}` : "";
  element("plot-V").ariaLabel = `Potentials of ${result.n} neurons over ${of.t_end} ms with ${result.spikes.length} spikes`;
  element("plot-gates").ariaLabel = `Gates ${gates.join(", ")} of neuron ${view.neuron} over time`;
  showTrouble();
  showSpikes();
  showIntervals();
  rates.push({ key: physics(of), stimulus: of.stimulus, rate: result.diverged ? NaN : meanRate(shownRun) });
  drawRates();
  showPhase();
  showSame();
}

// For uPlot, which takes what is not there as null.
const finite = (values) => (Number.isFinite(values.at(-1)) ? values : Array.from(values, (v) => (Number.isFinite(v) ? v : null)));

const meanRate = ({ result, settings: of }) => (1000 * result.spikes.length) / of.t_end / of.n_neurons / trialsOf(of);

function showSummary() {
  const { result, settings: of, all } = shownRun;
  const many = `${result.spikes.length} spike${result.spikes.length === 1 ? "" : "s"}`;
  element("summary").textContent = `${many}, ${meanRate(shownRun).toFixed(1)} Hz · ${stepsOf(of).toLocaleString("en")} steps of ${result.n} neuron${result.n > 1 ? "s" : ""}, ${trialsOf(of)} trial${trialsOf(of) > 1 ? "s" : ""}, in ${all.toFixed(0)} ms`;
}

function showTrouble() {
  const { result, other, settings: of } = shownRun;
  const said = [];
  const tell = (diverged, method) =>
    `${method} with dt = ${of.dt} ms: V of neuron ${diverged.neuron} (trial ${diverged.trial}) is not finite from t = ${rounded(diverged.time)} ms on.`;
  if (result.diverged) said.push(tell(result.diverged, of.method), "An explicit step is too large where gates are fast: take a smaller dt, or lie_trotter, which moves gates and V by their exact flows.");
  if (other?.diverged) said.push(tell(other.diverged, view.beside));
  else if (other && result.diverged) said.push(`${view.beside} goes on, on the same path.`);
  const { link } = element("trouble").dataset;
  if (link) said.push(link);
  element("trouble").textContent = said.join(" ");
  element("trouble").hidden = !said.length;
}

// -- spikes and intervals -------------------------------------------------------------------------

function showSpikes() {
  const { result, settings: of } = shownRun;
  const rows = of.n_neurons * trialsOf(of);
  element("said-raster").textContent = trialsOf(of) > 1 ? `${of.n_neurons} × ${trialsOf(of)} trains, those of a neuron together` : "";
  element("plot-raster").ariaLabel = `${result.spikes.length} spikes of ${rows} trains`;
  redraw("raster", [0, of.t_end], [0, rows]);
}

function drawRaster(ctx, x, y, ratio) {
  if (!shownRun) return;
  const { result, settings: of } = shownRun, trials = trialsOf(of);
  const height = max(1, abs(y(1) - y(0)) * 0.8);
  for (const { time, neuron, trial } of result.spikes) {
    ctx.fillStyle = PALETTE[neuron % 8];
    ctx.fillRect(x(time) - 0.5 * ratio, y(neuron * trials + trial + 1), 1.5 * ratio, height);
  }
}

function intervalsOf({ result }, neuron) {
  const trains = new Map();
  for (const spike of result.spikes) {
    if (spike.neuron !== neuron) continue;
    if (!trains.has(spike.trial)) trains.set(spike.trial, []);
    trains.get(spike.trial).push(spike.time);
  }
  return [...trains.values()].flatMap((times) => times.slice(1).map((time, k) => time - times[k]));
}

let bins = { width: 1, counts: [] };

function showIntervals() {
  const found = intervalsOf(shownRun, view.neuron), k = found.length;
  const mean = found.reduce((a, b) => a + b, 0) / k;
  const sd = sqrt(found.reduce((a, b) => a + (b - mean) ** 2, 0) / (k - 1));
  const text = k < 2 ? `${k} interval${k === 1 ? "" : "s"}: too few` : `${k} intervals, mean ${mean.toFixed(2)} ms, CV ${(sd / mean).toFixed(3)}`;
  const most = k ? found.reduce((a, b) => max(a, b)) : 1;
  const width = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].find((one) => most / one <= 60) ?? most / 60;
  const counts = new Array(Math.floor(most / width) + 1).fill(0);
  for (const one of found) counts[Math.floor(one / width)] += 1;
  bins = { width, counts };
  element("said-intervals").textContent = text;
  element("plot-intervals").ariaLabel = `Histogram of intervals: ${text}`;
  redraw("intervals", [0, counts.length * width], [0, 1.08 * max(1, ...counts)]);
}

function drawIntervals(ctx, x, y, ratio) {
  ctx.fillStyle = PALETTE[view.neuron % 8];
  bins.counts.forEach((count, k) => {
    const left = x(k * bins.width);
    if (count) ctx.fillRect(left, y(count), max(ratio, x((k + 1) * bins.width) - left - ratio), y(0) - y(count));
  });
}

// -- rate over current ----------------------------------------------------------------------------

// All that a rate depends on but the current.
function physics(of) {
  const { stimulus, rng, t_end, dt, trials, method, ...rest } = of;
  return JSON.stringify(rest);
}

function drawRates() {
  if (!plots.rate) return;
  if (rates.length > 2000) rates.splice(0, rates.length - 2000);
  const control = CONTROLS.stimulus;
  const currents = rates.map((one) => one.stimulus), found = rates.map((one) => one.rate).filter(Number.isFinite);
  redraw("rate", [min(control.low, ...currents), max(control.high, ...currents)], [0, 1.1 * max(10, ...found)]);
  element("plot-rate").ariaLabel = `Rates at ${new Set(currents).size} currents, the newest ${rates.at(-1)?.rate.toFixed(1)} Hz at ${rates.at(-1)?.stimulus}`;
}

function drawRate(ctx, x, y, ratio) {
  const now = physics(settings);
  ctx.fillStyle = colour("line");
  for (const one of rates) if (one.key !== now) dot(ctx, x(one.stimulus), y(one.rate), 2.5 * ratio);
  const newestAt = new Map(rates.filter((one) => one.key === now).map((one) => [one.stimulus, one.rate]));
  const points = [...newestAt].sort((a, b) => a[0] - b[0]);
  ctx.fillStyle = ctx.strokeStyle = PALETTE[0];
  ctx.lineWidth = ratio;
  path(ctx, points, x, y);
  for (const [stimulus, rate] of points) dot(ctx, x(stimulus), y(rate), 3 * ratio);
  ctx.fillStyle = PALETTE[1];
  if (newestAt.has(settings.stimulus)) dot(ctx, x(settings.stimulus), y(newestAt.get(settings.stimulus)), 5 * ratio);
}

// -- phase plane ----------------------------------------------------------------------------------

let phase = null, at = 1; // at: the place of the moment looked at, from 0 to 1

function cursorMoved(u) {
  if (!shownRun || u.cursor.event == null || u.cursor.idx == null) return;
  at = u.cursor.idx / max(1, shownRun.result.time.length - 1);
  element("at").value = at;
  showPhase();
}

function showPhase() {
  if (!shownRun || !view.gate) return;
  const { result, settings: of } = shownRun;
  const V = statesOf(result, "V")[view.neuron], gate = statesOf(result, view.gate)[view.neuron];
  let last = V.length - 1;
  while (last > 0 && !(abs(V[last]) < 500)) last--;
  const k = min(Math.round(at * (V.length - 1)), last);
  let low = of.V0, high = of.V0 + 20;
  for (let i = 0; i <= last; i++) { low = min(low, V[i]); high = max(high, V[i]); }
  const ends = [max(low - 10, of.V0 - 100), min(high + 10, of.V0 + 200)];
  const given = setup(of), n = result.n;
  const x = new Float64Array(given.model.rows.length * n);
  result.states[0].forEach((series, i) => { x[i] = series[k]; });
  const { V: Vline, gate: gateLine, fast, held } = nullclines(given, x, view.neuron, view.gate, ends);
  phase = { V, gate, k, last, Vline, gateLine };
  element("at-value").textContent = `${result.time[k].toFixed(1)} ms`;
  key("key-phase", [["path", colour("soft")], ["dV/dt = 0", colour("c1")], [`d${view.gate}/dt = 0`, colour("c2")]]);
  const said = [`The nullclines are those at t = ${result.time[k].toFixed(1)} ms.`];
  if (fast.length) said.push(`${fast.join(", ")} at the steady state of each V;`);
  if (held.length) said.push(`${held.join(", ")} as ${held.length > 1 ? "they are" : "it is"} then.`);
  element("said-phase").textContent = said.join(" ");
  element("plot-phase").ariaLabel = `Phase plane of V and ${view.gate}, with nullclines at ${result.time[k].toFixed(1)} ms`;
  redraw("phase", ends, [-0.03, 1.03]);
}

function drawPhase(ctx, x, y, ratio) {
  if (!phase) return;
  ctx.lineWidth = ratio;
  ctx.strokeStyle = PALETTE.soft;
  path(ctx, Array.from(phase.V.subarray(0, phase.last + 1), (V, i) => [V, phase.gate[i]]), x, y);
  ctx.lineWidth = 2 * ratio;
  ctx.strokeStyle = PALETTE[1];
  for (const piece of phase.Vline) path(ctx, piece, x, y);
  ctx.strokeStyle = PALETTE[2];
  path(ctx, phase.gateLine, x, y);
  ctx.fillStyle = PALETTE[0];
  dot(ctx, x(phase.V[phase.k]), y(phase.gate[phase.k]), 5 * ratio);
}

// -- the same in Python; files --------------------------------------------------------------------

function showSame() {
  element("python").textContent = pythonOf(settings);
  element("toml").textContent = PAGE.named ? tomlOf(settings) : "The cell or a synapse is none of the tables CELLS and SYNAPSES: a configuration cannot state it.";
  for (const id of ["save-toml", "copy-toml"]) element(id).disabled = !PAGE.named;
}

function save(name, parts, type) {
  const link = make("a", { href: URL.createObjectURL(new Blob(parts, { type })), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  element("done").textContent = `saved: ${name}`;
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  element("done").textContent = `copied: ${what}`;
}

function csv() {
  const { result } = shownRun, { rows, n, time, states } = result;
  const names = rows.flatMap((name) => Array.from({ length: n }, (_, i) => `${name}_${i}`));
  const linesOf = Array.from(time, (t, k) => [rounded(t), ...states[0].map((series) => series[k])].join(","));
  return [["time_ms", ...names].join(","), ...linesOf, ""].join("\n");
}

// All plots, two in a row below the traces, with their titles.
function picture(done) {
  const order = ["V", "gates", "raster", "intervals", "phase", "rate"].map((id) => [id, plots[id].ctx.canvas]);
  const ratio = devicePixelRatio, gap = 30 * ratio, title = 26 * ratio;
  const wide = max(order[0][1].width, order[2][1].width + order[3][1].width + gap);
  const heights = [order[0], order[1], order[2], order[4]].map(([, canvas]) => canvas.height + title);
  const all = make("canvas", { width: wide + 2 * gap, height: heights.reduce((a, b) => a + b, gap) });
  const ctx = all.getContext("2d");
  ctx.fillStyle = colour("paper");
  ctx.fillRect(0, 0, all.width, all.height);
  ctx.fillStyle = colour("ink");
  ctx.font = `bold ${13 * ratio}px system-ui, sans-serif`;
  let top = 0;
  order.forEach(([id, canvas], k) => {
    const right = k === 3 || k === 5;
    const left = right ? gap + order[k - 1][1].width + gap : gap;
    ctx.fillText(element(`plot-${id}`).ariaLabel.slice(0, 90), left, top + 18 * ratio);
    ctx.drawImage(canvas, left, top + title);
    if (k < 2 || right) top += canvas.height + title;
  });
  all.toBlob(done);
}

function buildActions() {
  const on = (id, act) => element(id).addEventListener("click", act);
  on("copy-python", () => copy(pythonOf(settings), "Python"));
  on("copy-toml", () => copy(tomlOf(settings), "TOML"));
  on("copy-link", () => copy(location.href.split("#")[0] + linkOf(), "link"));
  on("save-toml", () => save("hh_sde.toml", [tomlOf(settings)], "application/toml"));
  on("save-csv", () => save("hh_sde.csv", [csv()], "text/csv"));
  on("save-png", () => picture((blob) => save("hh_sde.png", [blob], "image/png")));
  on("fill", () => {
    if (asked) return;
    element("fill").disabled = true;
    const { low, high } = CONTROLS.stimulus;
    say({ kind: "rates", settings, currents: Array.from(linspace(low, high, 31), rounded) });
  });
  element("at").addEventListener("input", () => {
    at = Number(element("at").value);
    showPhase();
  });
  for (const one of document.querySelectorAll("[data-zoom], [data-move]")) {
    one.addEventListener("click", () => zoom(one.dataset));
  }
  on("theme", () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
}

function zoom({ zoom: by, move }) {
  const time = shownRun.result.time, end = time.at(-1), { min: low, max: high } = plots.V.scales.x;
  let [a, b] = [low, high];
  if (by === "all") [a, b] = [0, end];
  else if (by) {
    const middle = (low + high) / 2, half = ((high - low) / 2) * Number(by);
    [a, b] = [middle - half, middle + half];
  } else {
    const step = Number(move) * (high - low);
    [a, b] = [low + step, high + step];
  }
  const width = min(b - a, end);
  a = min(max(a, 0), end - width);
  for (const id of ["V", "gates"]) plots[id].setScale("x", { min: a, max: a + width });
}

const PALETTE = {};

function theme(name) {
  document.documentElement.dataset.theme = name;
  element("theme").textContent = name === "dark" ? "light" : "dark";
  element("theme").setAttribute("aria-label", `switch to the ${name === "dark" ? "light" : "dark"} theme`);
  for (let k = 0; k < 8; k++) PALETTE[k] = colourOf(k);
  PALETTE.soft = colour("soft");
  show();
}

// -- from the console -----------------------------------------------------------------------------

window.hh_sde = {
  // A run of what is set, with changes: {rng, t_end, dt, method, ...}. See `run` in worker.js.
  run: (changes = {}) =>
    new Promise((resolve, reject) => {
      const id = say({ kind: "run", changes: { ...settings, ...changes } });
      waiting.set(id, { resolve, reject });
    }),
  settings: () => ({ ...settings }),
  set,
  python: () => pythonOf(settings),
  toml: () => tomlOf(settings),
  shown: () => shownRun,
};

buildControls();
buildActions();
theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
readLink();
addEventListener("hashchange", readLink);
new ResizeObserver(resize).observe(document.querySelector("main"));

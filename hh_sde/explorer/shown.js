// What is shown of a run: traces, spikes, intervals, the phase plane.
"use strict";

let drawnFor = "";

// The plots, anew where there are other lines in them.
function layOut() {
  const { result, other, settings: of } = shownRun;
  const n = min(result.n, MOST_LINES);
  const model = modelOf(of);
  const gates = result.rows.filter((_, k) => model.units[k] === "1");
  const drawing = [n, gates, Boolean(other), of.V0, document.documentElement.dataset.theme].join();
  if (drawing === drawnFor) return gates;
  drawnFor = drawing;
  const many = Array.from({ length: n }, (_, k) => ({ stroke: colourOf(k), width: k ? 1.2 : 1.8 }));
  if (other) many.push({ stroke: colour("c7"), dash: [6, 4], width: 1.4 });
  lines("V", "V (mV)", many, boundsOf(of), cursorMoved);
  lines(
    "gates",
    "gate (1)",
    gates.map((_, k) => ({ stroke: colourOf(k), dash: k < 8 ? [] : [8, 4] })),
    [-0.2, 1.2],
    cursorMoved,
  );
  byHand("raster", "time (ms)", "trains", drawRaster, COUNTS);
  byHand("intervals", "interval (ms)", "intervals", drawIntervals, COUNTS);
  byHand("phase", "V (mV)", "gate (1)", drawPhase);
  byHand("rate", "current (µA/cm²)", "rate (Hz)", drawRate);
  key(
    "key-gates",
    gates.map((name, k) => [name, colourOf(k), k >= 8]),
  );
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
  const V = statesOf(result, "V");
  const sameTimes =
    plots.V.data[0]?.length === result.time.length && plots.V.data[0].at(-1) === result.time.at(-1);
  const zoom = { min: plots.V.scales.x.min, max: plots.V.scales.x.max };
  const data = [result.time, ...V.slice(0, MOST_LINES).map(finite)];
  if (other) data.push(finite(other.states[0][0]));
  key("key-V", [
    ...V.slice(0, MOST_LINES).map((_, k) => [`neuron ${k}`, colourOf(k)]),
    ...(V.length > MOST_LINES
      ? [[`and ${V.length - MOST_LINES} more, not drawn`, "transparent"]]
      : []),
    ...(other ? [[`neuron 0 by ${shownRun.beside}`, colour("c7"), true]] : []),
  ]);
  plots.V.setData(data);
  plots.gates.setData([
    result.time,
    ...gates.map((name) => finite(statesOf(result, name)[view.neuron])),
  ]);
  if (sameTimes) for (const id of ["V", "gates"]) plots[id].setScale("x", zoom);
  for (const one of document.querySelectorAll(".neuron")) one.textContent = view.neuron;
  element("which-trial").textContent =
    trialsOf(of) > 1 ? `trial ${shownRun.trial} of ${trialsOf(of)}` : "";
  element("plot-V").ariaLabel = `V of ${count(result.n, "neuron")} over ${of.t_end} ms`;
  element("plot-gates").ariaLabel = `Gates ${gates.join(", ")} of neuron ${view.neuron} over time`;
  showTrouble();
  showSpikes();
  showIntervals();
  drawRates();
  showPhase();
  showSame();
}

// For uPlot, which takes what is not there as null.
const finite = (values) =>
  Number.isFinite(values.at(-1))
    ? values
    : Array.from(values, (v) => (Number.isFinite(v) ? v : null));

const meanRate = ({ result, settings: of }) =>
  (1000 * result.spikes.length) / of.t_end / of.n_neurons / trialsOf(of);

// One line for all: what is wrong, or what the run gave and took.
function tell(text = "") {
  element("summary").textContent = refused || text;
}

const count = (k, what) => `${k.toLocaleString("en")} ${what}${k === 1 ? "" : "s"}`;

function showSummary() {
  const { result, settings: of, all } = shownRun;
  const work = [
    count(stepsOf(of), "step"),
    count(result.n, "neuron"),
    count(trialsOf(of), "trial"),
  ];
  const spikes = count(result.spikes.length, "spike");
  const rate = result.diverged ? "not finite to the end" : `${meanRate(shownRun).toFixed(1)} Hz`;
  tell(`${spikes}, ${rate} · ${work.join(" × ")} in ${all.toFixed(0)} ms`);
}

function showTrouble() {
  const { result, other, beside, settings: of } = shownRun;
  const said = [];
  const where = (diverged, method) =>
    `${method} with dt = ${of.dt} ms: V of neuron ${diverged.neuron} (trial ${diverged.trial}) is not finite from t = ${rounded(diverged.time)} ms on.`;
  if (result.diverged)
    said.push(
      where(result.diverged, of.method),
      `What crosses the threshold after t = ${rounded(result.diverged.left)} ms, where V goes out of its plot, is not counted as a spike.`,
      "An explicit step is too large where gates are fast: take a smaller dt, or lie_trotter, which moves gates and V by their exact flows.",
    );
  if (other?.diverged) said.push(where(other.diverged, beside));
  else if (other && result.diverged) said.push(`${beside} goes on, on the same path.`);
  const { link } = element("trouble").dataset;
  if (link) said.push(link);
  element("trouble").textContent = said.join(" ");
  element("trouble").hidden = !said.length;
}

// -- spikes and intervals -------------------------------------------------------------------------

function showSpikes() {
  const { result, settings: of } = shownRun;
  const rows = of.n_neurons * trialsOf(of);
  element("said-raster").textContent =
    trialsOf(of) > 1 ? `${of.n_neurons} × ${trialsOf(of)} trains, those of a neuron together` : "";
  element("plot-raster").ariaLabel = `${result.spikes.length} spikes of ${rows} trains`;
  redraw("raster", [0, of.t_end], [0, rows]);
}

function drawRaster(ctx, x, y, ratio) {
  if (!shownRun) return;
  const { result, settings: of } = shownRun,
    trials = trialsOf(of);
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
  const found = intervalsOf(shownRun, view.neuron),
    k = found.length;
  const mean = found.reduce((a, b) => a + b, 0) / k;
  const sd = sqrt(found.reduce((a, b) => a + (b - mean) ** 2, 0) / (k - 1));
  const text =
    k < 2
      ? `${k} interval${k === 1 ? "" : "s"}: too few`
      : `${k} intervals, mean ${mean.toFixed(2)} ms, CV ${(sd / mean).toFixed(3)}`;
  const most = k ? found.reduce((a, b) => max(a, b)) : 1;
  const width =
    [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].find((one) => most / one <= 60) ??
    most / 60;
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
    if (count)
      ctx.fillRect(
        left,
        y(count),
        max(ratio, x((k + 1) * bins.width) - left - ratio),
        y(0) - y(count),
      );
  });
}

// -- phase plane ----------------------------------------------------------------------------------

let phase = null,
  at = 1; // at: the place of the moment looked at, from 0 to 1

function cursorMoved(u) {
  if (!shownRun || u.cursor.event == null || u.cursor.idx == null) return;
  at = u.cursor.idx / max(1, shownRun.result.time.length - 1);
  element("at").value = at;
  showPhase();
}

function showPhase() {
  if (!shownRun) return;
  const { result, settings: of } = shownRun;
  if (!result.rows.includes(view.gate)) {
    phase = null;
    key("key-phase", []);
    element("plot-phase").ariaLabel = "No phase plane";
    element("said-phase").textContent =
      "No gate is a variable here, so that there is no plane of V and a gate.";
    redraw("phase", [0, 1], [0, 1]);
    return;
  }
  const V = statesOf(result, "V")[view.neuron],
    gate = statesOf(result, view.gate)[view.neuron];
  const [least, most] = boundsOf(of);
  let last = V.length - 1;
  while (last > 0 && !(V[last] > least && V[last] < most)) last--;
  const k = min(Math.round(at * (V.length - 1)), last);
  let low = of.V0,
    high = of.V0 + 20;
  for (let i = 0; i <= last; i++) {
    low = min(low, V[i]);
    high = max(high, V[i]);
  }
  const ends = [max(low - 10, least), min(high + 10, most)];
  const given = setup(of),
    n = result.n;
  const x = new Float64Array(given.model.rows.length * n);
  result.states[0].forEach((series, i) => {
    x[i] = series[k];
  });
  const {
    V: Vline,
    gate: gateLine,
    fast,
    held,
  } = nullclines(given, x, view.neuron, view.gate, ends);
  phase = { V, gate, k, last, Vline, gateLine };
  element("at-value").textContent = `${result.time[k].toFixed(1)} ms`;
  key("key-phase", [
    ["path", colour("soft")],
    ["dV/dt = 0", colour("c1")],
    [`d${view.gate}/dt = 0`, colour("c2")],
  ]);
  const said = [];
  if (fast.length) said.push(`${fast.join(", ")} in the steady state of each V`);
  if (held.length)
    said.push(`${held.join(", ")} as ${held.length > 1 ? "they are" : "it is"} then`);
  element("said-phase").textContent =
    `Nullclines at t = ${result.time[k].toFixed(1)} ms${said.length ? ": " : ""}${said.join(", ")}.`;
  element("plot-phase").ariaLabel =
    `Phase plane of V and ${view.gate}, with nullclines at ${result.time[k].toFixed(1)} ms`;
  redraw("phase", ends, [-0.03, 1.03]);
}

function drawPhase(ctx, x, y, ratio) {
  if (!phase) return;
  ctx.lineWidth = ratio;
  ctx.strokeStyle = PALETTE.soft;
  path(
    ctx,
    Array.from(phase.V.subarray(0, phase.last + 1), (V, i) => [V, phase.gate[i]]),
    x,
    y,
  );
  ctx.lineWidth = 2 * ratio;
  ctx.strokeStyle = PALETTE[1];
  for (const piece of phase.Vline) path(ctx, piece, x, y);
  ctx.strokeStyle = PALETTE[2];
  path(ctx, phase.gateLine, x, y);
  ctx.fillStyle = PALETTE[0];
  dot(ctx, x(phase.V[phase.k]), y(phase.gate[phase.k]), 5 * ratio);
}

// -- zoom -----------------------------------------------------------------------------------------

function zoom({ zoom: by, move }) {
  if (!shownRun) return;
  const time = shownRun.result.time,
    end = time.at(-1),
    { min: low, max: high } = plots.V.scales.x;
  let [a, b] = [low, high];
  if (by === "all") [a, b] = [0, end];
  else if (by) {
    const middle = (low + high) / 2,
      half = ((high - low) / 2) * Number(by);
    [a, b] = [middle - half, middle + half];
  } else {
    const step = Number(move) * (high - low);
    [a, b] = [low + step, high + step];
  }
  const width = min(b - a, end);
  a = min(max(a, 0), end - width);
  for (const id of ["V", "gates"]) plots[id].setScale("x", { min: a, max: a + width });
}

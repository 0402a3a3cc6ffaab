// What is drawn: uPlot gives axes and lines, and places for what is drawn by hand.
"use strict";

const element = (id) => document.getElementById(id);
const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const colourOf = (k) => colour(`c${k % 8}`);
const MOST_LINES = 8;
const FONT = '12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif';
const plots = {};

const heightOf = (id) =>
  id === "V" ? (innerWidth <= 820 ? 190 : 260) : id === "gates" ? 200 : 260;

function axis(label, size) {
  const line = { stroke: colour("grid"), width: 1 };
  return {
    label,
    size,
    stroke: colour("ink"),
    font: FONT,
    labelFont: FONT,
    labelSize: 20,
    labelGap: 0,
    grid: line,
    ticks: line,
    gap: 3,
  };
}

// A plot in the element plot-<id>, in place of the one there.
function place(id, options, data) {
  plots[id]?.destroy();
  const at = element(`plot-${id}`);
  plots[id] = new uPlot(
    { width: max(200, at.clientWidth), height: heightOf(id), legend: { show: false }, ...options },
    data,
    at,
  );
}

function resize() {
  for (const [id, plot] of Object.entries(plots)) {
    const width = element(`plot-${id}`).clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: heightOf(id) });
  }
}

// Lines over time; `ends` are the most that the y axis shows.
function lines(id, label, series, ends, onCursor) {
  const options = {
    cursor: {
      sync: { key: "time" },
      y: false,
      drag: { x: true, y: false, setScale: true },
      points: { show: false },
    },
    scales: {
      x: { time: false, range: wide },
      y: { range: (_, low, high) => within(low, high, ends) },
    },
    axes: [axis("time (ms)", 34), axis(label, 50)],
    series: [{}, ...series.map((one) => ({ width: 1.5, points: { show: false }, ...one }))],
    hooks: { setCursor: [onCursor] },
  };
  place(id, options, [[0, 1], ...series.map(() => [null, null])]);
}

// No part of the time is shown in which there are less than some points.
function wide({ data: [time] }, low, high) {
  const end = time.at(-1),
    least = (min(4, time.length - 1) * end) / (time.length - 1);
  if (high - low >= least) return [low, high];
  const from = min(max((low + high - least) / 2, 0), end - least);
  return [from, from + least];
}

function within(low, high, [least, most]) {
  if (low === null || low === high) return [least, most];
  const room = 0.06 * (high - low);
  return [max(low - room, least), min(high + room, most)];
}

const COUNTS = [1, 2, 5]
  .flatMap((k) => [k, 10 * k, 100 * k, 1000 * k, 10000 * k])
  .sort((a, b) => a - b);

// Axes, and what `draw(context, x, y)` draws by hand with the places of x and y.
function byHand(id, xLabel, yLabel, draw, incrs) {
  const inPlot = (u) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    draw(
      ctx,
      (x) => u.valToPos(x, "x", true),
      (y) => u.valToPos(y, "y", true),
      devicePixelRatio,
    );
    ctx.restore();
  };
  const fixed = (axis) => ({ time: false, auto: false, range: (u) => u.ends?.[axis] ?? [0, 1] });
  const options = {
    cursor: { show: false },
    scales: { x: fixed("x"), y: fixed("y") },
    axes: [axis(xLabel, 34), { ...axis(yLabel, 50), ...(incrs && { incrs }) }],
    series: [{}, { show: false }],
    hooks: { draw: [inPlot] },
  };
  place(id, options, [
    [0, 1],
    [0, 1],
  ]);
}

function redraw(id, x, y) {
  const u = plots[id];
  u.ends = { x, y };
  u.batch(() => {
    u.setScale("x", { min: x[0], max: x[1] });
    u.setScale("y", { min: y[0], max: y[1] });
  });
  u.redraw(false, true);
}

function path(ctx, points, x, y) {
  ctx.beginPath();
  let pen = false;
  for (const [a, b] of points) {
    if (!(Number.isFinite(a) && Number.isFinite(b))) pen = false;
    else if (pen) ctx.lineTo(x(a), y(b));
    else {
      ctx.moveTo(x(a), y(b));
      pen = true;
    }
  }
  ctx.stroke();
}

function dot(ctx, x, y, radius) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fill();
}

// Where a function on a grid is 0, as pieces of lines: values[i * ys.length + j] at xs[i], ys[j].
function zeros(xs, ys, values) {
  const pieces = [],
    m = ys.length;
  const cut = (a, b, fa, fb) => a + ((b - a) * fa) / (fa - fb);
  for (let i = 0; i + 1 < xs.length; i++) {
    for (let j = 0; j + 1 < m; j++) {
      const [a, b, c, d] = [
        values[i * m + j],
        values[(i + 1) * m + j],
        values[(i + 1) * m + j + 1],
        values[i * m + j + 1],
      ];
      const found = [];
      if (a * b < 0) found.push([cut(xs[i], xs[i + 1], a, b), ys[j]]);
      if (b * c < 0) found.push([xs[i + 1], cut(ys[j], ys[j + 1], b, c)]);
      if (c * d < 0) found.push([cut(xs[i], xs[i + 1], d, c), ys[j + 1]]);
      if (d * a < 0) found.push([xs[i], cut(ys[j], ys[j + 1], a, d)]);
      for (let k = 0; k + 1 < found.length; k += 2) pieces.push([found[k], found[k + 1]]);
    }
  }
  return pieces;
}

// Names with samples of their lines, for people.
function key(id, entries) {
  const spans = entries.map(([name, stroke, dashed]) => {
    const span = document.createElement("span"),
      sample = document.createElement("i");
    sample.style.borderColor = stroke;
    if (dashed) sample.className = "dashed";
    span.append(sample, name);
    return span;
  });
  element(id).replaceChildren(...spans);
}

// -- nullclines -----------------------------------------------------------------------------------

const linspace = (a, b, k) =>
  Float64Array.from({ length: k }, (_, i) => a + ((b - a) * i) / (k - 1));

// The nullclines of V and of a gate for a neuron at a state (rows, n): gates that are much faster
// than this one follow V at once, the others stay as they are.
function nullclines(given, x, neuron, gate, [low, high]) {
  const { model, n, p, curves, stimulus, weights } = given;
  const rows = model.rows.length,
    row = model.rows.indexOf(gate);
  const Vs = linspace(low, high, 141),
    gates = linspace(0, 1, 81);
  const sums = new Float64Array(max(1, model.sums.length) * n);
  if (model.outputs) model.make_outputs(n, x, p, curves);
  weights.forEach(({ w, row: of }, k) => weighted(w, x, of * n, n, sums, k * n));

  const drift = (lanes, state) => {
    const coupled = Float64Array.from(
      { length: max(1, model.sums.length) * lanes },
      (_, k) => sums[Math.floor(k / lanes) * n + neuron],
    );
    const dx = new Float64Array(rows * lanes);
    model.drift(lanes, state, new Float64Array(lanes).fill(stimulus), coupled, dx, p, curves);
    return dx;
  };
  // rates a and b of dx/dt = a (1 - x) - b x, at each V
  const at = (value) => {
    const state = new Float64Array(rows * Vs.length).fill(value);
    state.set(Vs);
    return drift(Vs.length, state);
  };
  const open = at(0),
    closed = at(1),
    k = Vs.length;
  const slowest = (r) => {
    let tau = 0;
    for (let i = 0; i < k; i++) tau = max(tau, 1 / (open[r * k + i] - closed[r * k + i]));
    return tau;
  };
  const own = [...model.gates, PAGE.eta].filter((name) => model.rows.includes(name));
  const others = own.filter((name) => name !== gate);
  const fast = others.filter((name) => slowest(model.rows.indexOf(name)) < 0.3 * slowest(row));

  const rest = new Float64Array(rows * k);
  rest.set(Vs);
  model.steady(k, rest, p, curves);
  const lanes = k * gates.length,
    state = new Float64Array(rows * lanes);
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < gates.length; j++) {
        const lane = i * gates.length + j;
        state[r * lanes + lane] =
          r === 0
            ? Vs[i]
            : r === row
              ? gates[j]
              : fast.includes(model.rows[r])
                ? rest[r * k + i]
                : x[r * n + neuron];
      }
    }
  }
  return {
    V: zeros(Vs, gates, drift(lanes, state).subarray(0, lanes)),
    gate: Array.from(Vs, (V, i) => [V, rest[row * k + i]]),
    fast,
    held: others.filter((name) => !fast.includes(name)),
  };
}

// -- theme ----------------------------------------------------------------------------------------

const PALETTE = {};

function theme(name) {
  document.documentElement.dataset.theme = name;
  element("theme").textContent = name === "dark" ? "light" : "dark";
  element("theme").setAttribute(
    "aria-label",
    `switch to the ${name === "dark" ? "light" : "dark"} theme`,
  );
  for (let k = 0; k < 8; k++) PALETTE[k] = colourOf(k);
  PALETTE.soft = colour("soft");
  show();
}

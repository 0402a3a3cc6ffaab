// What `hh_sde.kernels` is to numba: elementary functions, random numbers by address, the steps of
// the integrators, spikes. A page, its worker and node run it alike.
"use strict";

const { abs, exp, log, max, min, pow: power, sqrt } = Math;

// -- elementary functions -------------------------------------------------------------------------

const root = (x) => (x < 0 ? 0 : sqrt(x));

// u/(1 - e), e = exp(-u) being at hand; near 0 a series.
function linoid_of(u, e) {
  if (abs(u) >= 0.25) return u / (1 - e);
  const z = u * u;
  const tail = z * (-1 / 1209600 + z / 47900160);
  return 1 + u * 0.5 + z * (1 / 12 + z * (-1 / 720 + z * (1 / 30240 + tail)));
}

const linoid = (u) => (u === 0 ? 1 : -u / Math.expm1(-u));

const decayed = (z) => -Math.expm1(-z);

function relaxed(x, a, b, h) {
  const total = a + b;
  return total > 0 ? x + (a / total - x) * decayed(total * h) : x;
}

function table_value(V, start, inverse_step, curves, begin, points) {
  const position = min(max((V - start) * inverse_step, 0), points - 1);
  if (position !== position) return position;
  const k = min(Math.floor(position), points - 2);
  const left = curves[begin + k];
  return left + (position - k) * (curves[begin + k + 1] - left);
}

// -- random numbers -------------------------------------------------------------------------------

// The key of a seed below 2^53: numpy's SeedSequence(seed).generate_state(2) (O'Neill's seed_seq).
function keyOf(seed) {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 53)) {
    throw new RangeError(`the seed must be a whole number from 0 to 2^53 - 1, got ${seed}`);
  }
  const scramble = (constant, factor) => (value) => {
    let mixed = value ^ constant;
    constant = Math.imul(constant, factor);
    mixed = Math.imul(mixed, constant);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
  const enter = scramble(0x43b0d7e5, 0x931e8875);
  const pool = [seed >>> 0, Math.floor(seed / 2 ** 32), 0, 0].map(enter);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const value = Math.imul(0xca01f9dd, pool[to]) - Math.imul(0x4973f715, enter(pool[from]));
      pool[to] = (value ^ (value >>> 16)) >>> 0;
    }
  }
  const leave = scramble(0x8b51f9dd, 0x58f38ded);
  return [leave(pool[0]), leave(pool[1])];
}

// The upper half of a product of two words of 32 bits, by halves: no sum reaches 2^32.
function high(a, b) {
  const a1 = a >>> 16,
    a0 = a & 0xffff,
    b1 = b >>> 16,
    b0 = b & 0xffff;
  const middle = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const carried = (Math.imul(a0, b1) + (middle & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (middle >>> 16) + (carried >>> 16)) | 0;
}

const words = new Uint32Array(4);

// Philox4x32-10 (Salmon et al. 2011) of a counter and a key, into `words`.
function philox(c0, c1, c2, c3, k0, k1) {
  for (let round = 0; round < 10; round++) {
    const high0 = high(c0, 0xd2511f53),
      low0 = Math.imul(c0, 0xd2511f53);
    const high1 = high(c2, 0xcd9e8d57),
      low1 = Math.imul(c2, 0xcd9e8d57);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

// Two normal numbers from two words (Box-Muller): 40 bits for the radius, 24 for the angle, each at
// the middle of its cell.
function normalPair(high, low, scale, out, first, second) {
  const u = 1 - (high * 256 + (low >>> 24) + 0.5) / 2 ** 40;
  const radius = scale * sqrt(-2 * log(u));
  const angle = (2 * Math.PI * ((low & 0xffffff) + 0.5)) / 2 ** 24;
  out[first] = radius * Math.cos(angle);
  out[second] = radius * Math.sin(angle);
}

// Normals of the four steps of a block for processes 0 ... many - 1: out[step * many + process].
function normals(key, block, many, trial, scale, out) {
  const c0 = block >>> 0,
    c1 = Math.floor(block / 2 ** 32); // the domain of increments is 0
  for (let process = 0; process < many; process++) {
    philox(c0, c1, process, trial, key[0], key[1]);
    normalPair(words[0], words[1], scale, out, process, many + process);
    normalPair(words[2], words[3], scale, out, 2 * many + process, 3 * many + process);
  }
}

// -- networks -------------------------------------------------------------------------------------

// How much of each process on V a neuron gets, for a correlation between all pairs: row by row the
// lower triangle of Cholesky's factor.
function factor(n, correlation) {
  const L = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    let pivot = 1;
    for (let j = 0; j < k; j++) pivot -= L[k * n + j] ** 2;
    if (pivot <= 1e-12) continue; // one noise for all
    L[k * n + k] = sqrt(pivot);
    for (let i = k + 1; i < n; i++) {
      let rest = correlation;
      for (let j = 0; j < k; j++) rest -= L[i * n + j] * L[k * n + j];
      L[i * n + k] = rest / L[k * n + k];
    }
  }
  return L;
}

// W x for a synapse: one weight between every two different neurons, or a matrix, row by row.
function weighted(weights, x, from, n, sums, to) {
  if (typeof weights === "number") {
    let total = 0;
    for (let j = 0; j < n; j++) total += x[from + j];
    for (let i = 0; i < n; i++) sums[to + i] = weights * (total - x[from + i]);
    return;
  }
  for (let i = 0; i < n; i++) {
    let total = 0;
    for (let j = 0; j < n; j++) total += weights[i * n + j] * x[from + j];
    sums[to + i] = total;
  }
}

// -- steps ----------------------------------------------------------------------------------------

const oneLoop = (name) => (r) => {
  r.sum(r.x);
  r.model[name](r.n, r.x, r.I, r.sums, r.A_dW, r.dW, r.dt, r.p, r.curves);
};

// Each takes a run from one grid point to the next; see `hh_sde.kernels.steps`.
const METHODS = {
  euler_maruyama: oneLoop("euler"),
  tamed_euler: oneLoop("tamed"),
  exponential_euler: oneLoop("rush_larsen"),

  heun(r) {
    const { model, n, x, p, curves, dt } = r;
    const [slope, ahead, predicted] = r.work;
    r.f(x, slope);
    for (let i = 0; i < x.length; i++) predicted[i] = x[i] + dt * slope[i];
    for (let i = 0; i < n; i++) predicted[i] += r.A_dW[i];
    model.add_noise(n, x, r.dW, 1, predicted, p, curves);
    r.f(predicted, ahead);
    model.add_noise(n, x, r.dW, 0.5, x, p, curves);
    model.add_noise(n, predicted, r.dW, 0.5, x, p, curves);
    for (let i = 0; i < x.length; i++) x[i] += 0.5 * dt * slope[i];
    for (let i = 0; i < x.length; i++) x[i] += 0.5 * dt * ahead[i];
    for (let i = 0; i < n; i++) x[i] += r.A_dW[i];
  },

  lie_trotter(r) {
    r.model.gates_flow(r.n, r.x, r.dW, r.dt, r.p, r.curves);
    r.sum(r.x);
    r.model.V_flow(r.n, r.x, r.x, r.I, r.sums, r.A_dW, r.dt, r.p, r.curves);
  },
};

// One trial: its state, its noise, and what is found on the way.
class Run {
  constructor(setup, trial) {
    const { model, n } = setup;
    Object.assign(this, setup);
    this.trial = trial;
    this.step = 0;
    this.x = new Float64Array(model.rows.length * n);
    this.x.fill(setup.V0, 0, n);
    model.steady(n, this.x, this.p, this.curves);
    this.I = new Float64Array(n).fill(setup.stimulus);
    this.sums = new Float64Array(max(1, model.sums.length) * n);
    this.A_dW = new Float64Array(n);
    this.dW = new Float64Array(max(1, model.terms) * n);
    this.work = [0, 1, 2].map(() => new Float64Array(this.x.length));
    this.onV = setup.sigma === null ? 0 : n; // processes on V come first
    this.processes = this.onV + model.terms * n;
    this.drawn = new Float64Array(4 * this.processes);
    this.last = this.x.slice(0, n);
    this.armed = new Uint8Array(n).fill(1);
    this.lastSpike = new Float64Array(n).fill(-Infinity);
    this.spikes = [];
    this.left = Infinity; // the last time before V was first out of its bounds
    this.diverged = null;
  }

  // Sums over the other neurons at a state.
  sum(x) {
    const { model, n, weights } = this;
    if (!model.sums.length) return;
    if (model.outputs) model.make_outputs(n, x, this.p, this.curves);
    for (let k = 0; k < weights.length; k++) {
      weighted(weights[k].w, x, weights[k].row * n, n, this.sums, k * n);
    }
  }

  f(x, out) {
    this.sum(x);
    this.model.drift(this.n, x, this.I, this.sums, out, this.p, this.curves);
    if (this.model.terms) this.model.add_ito_correction(this.n, x, -1, out, this.p, this.curves);
  }

  // The increments of this step.
  draw() {
    const { processes, onV, n, A_dW, dW, drawn, L } = this;
    const part = this.step % 4;
    if (part === 0) normals(this.key, this.step / 4, processes, this.trial, sqrt(this.dt), drawn);
    const from = part * processes;
    if (onV && L === null) {
      for (let i = 0; i < n; i++) A_dW[i] = this.sigma * drawn[from + i];
    } else if (onV) {
      for (let i = 0; i < n; i++) {
        let total = 0;
        for (let k = 0; k <= i; k++) total += this.sigma * L[i * n + k] * drawn[from + k];
        A_dW[i] = total;
      }
    }
    for (let i = onV; i < processes; i++) dW[i - onV] = drawn[from + i];
  }

  // Make so many steps, fewer if one gives a V that is not finite: then what crossed the threshold
  // on the way there was no spike.
  advance(steps) {
    const { n, x, last, armed, dt } = this;
    const [threshold, rearm, lockout] = this.rule;
    const [low, high] = this.bounds;
    const step = METHODS[this.method];
    for (let k = 0; k < steps && this.diverged === null; k++) {
      if (this.processes) this.draw();
      step(this);
      const time = this.step * dt;
      this.step++;
      for (let i = 0; i < n; i++) {
        const V = x[i];
        if (!(V > low && V < high)) {
          if (this.left === Infinity) this.left = time;
          if (!Number.isFinite(V)) {
            const { left, trial } = this;
            this.diverged = { time: this.step * dt, neuron: i, trial, left };
            this.spikes = this.spikes.filter((spike) => spike.time <= left);
            return;
          }
        }
        if (last[i] < threshold && V >= threshold && armed[i]) {
          armed[i] = 0;
          const spike = time + ((threshold - last[i]) / (V - last[i])) * dt;
          if (spike - this.lastSpike[i] >= lockout) {
            this.lastSpike[i] = spike;
            this.spikes.push({ time: spike, neuron: i, trial: this.trial });
          }
        }
        if (V < rearm) armed[i] = 1;
        last[i] = V;
      }
    }
  }
}

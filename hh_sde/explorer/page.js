// The page: its state, what it asks of the worker, and how it begins.
"use strict";

const MOST_POINTS = 20000,
  MOST_NUMBERS = 2e6;

let settings = defaults(); // what is on the screen
let wanted = defaults(); // what the controls say, right or wrong
let refused = ""; // why that is not run
let shownRun = null; // {result, other, settings, trial, beside, ms}
let filling = null; // the rates that are being worked out, or were: {id, key, lost}
const usualView = () => ({ beside: "none", trial: 0, neuron: 0, gate: MODELS.none.gates.at(-1) });
const view = usualView();
const rates = []; // {key, stimulus, rate} of all runs that were finite to their end

// -- the worker -----------------------------------------------------------------------------------

const waiting = new Map(); // promises of `hh_sde.run`
let newest = 0,
  asked = null,
  again = false;

// Here, where a browser has no workers for such a page.
function local() {
  const answer = serve(hear);
  return { postMessage: (data) => setTimeout(() => answer(data)) };
}

function worker() {
  try {
    const url = URL.createObjectURL(
      new Blob([element("engine").textContent], { type: "text/javascript" }),
    );
    const made = new Worker(url);
    made.onmessage = ({ data }) => hear(data);
    made.onerror = () => {
      workshop = local();
      asked = null;
      if (!shownRun) ask();
    };
    return made;
  } catch {
    return local();
  }
}
let workshop = worker();

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
  element("fill").disabled = false;
  filling = null; // which ends here
  const rows = modelOf(settings).rows.length;
  const points = min(MOST_POINTS, max(500, MOST_NUMBERS / (rows * settings.n_neurons)));
  const message = {
    kind: "view",
    settings,
    trial: min(view.trial, trialsOf(settings) - 1),
    beside: view.beside === "none" ? null : view.beside,
    every: Math.ceil(stepsOf(settings) / points),
  };
  asked = { id: say(message), since: performance.now(), ...message };
}

function hear({ id, result, other, ms, progress, point, done, error }) {
  if (waiting.has(id)) {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new RangeError(error));
    else resolve(result);
  } else if (point || done) {
    if (id !== filling?.id) return;
    if (done) element("fill").disabled = false;
    else if (point.rate === null) filling.lost += 1;
    else rates.push({ key: filling.key, ...point });
    drawRates();
  } else if (error && id === filling?.id) {
    element("fill").disabled = false;
    tell(error);
  } else if (asked?.id === id && progress !== undefined) {
    if (again) ask();
    else tell(`computing: ${Math.round(100 * progress)} %`);
  } else if (asked?.id === id) {
    const { settings: of, since, trial, beside } = asked;
    asked = null;
    if (error) tell(error);
    else {
      shownRun = { result, other, settings: of, trial, beside, ms };
      enterRate();
      show();
      shownRun.all = performance.now() - since;
      showSummary();
    }
    if (again) ask();
  }
}

// -- buttons --------------------------------------------------------------------------------------

function buildActions() {
  const on = (id, act) => element(id).addEventListener("click", act);
  on("copy-python", () => copy(pythonOf(settings), "Python"));
  on("copy-toml", () => copy(tomlOf(settings), "TOML"));
  on("copy-link", () => copy(location.href.split("#")[0] + linkOf(), "link"));
  on("save-toml", () => save("hh_sde.toml", [tomlOf(settings)], "application/toml"));
  const onRun = (id, act) =>
    on(id, () => (shownRun ? act() : (element("done").textContent = "no run to save yet")));
  onRun("save-csv", () => save("hh_sde.csv", [csv()], "text/csv"));
  onRun("save-png", () => picture((blob) => save("hh_sde.png", [blob], "image/png")));
  on("fill", () => {
    if (asked) return;
    element("fill").disabled = true;
    const { low, high } = CONTROLS.stimulus;
    const currents = Array.from(linspace(low, high, 31), rounded);
    filling = { key: physics(settings), id: say({ kind: "rates", settings, currents }), lost: 0 };
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
element("copy-link").hidden = location.protocol === "about:"; // inside another page
theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
readLink();
addEventListener("hashchange", readLink);
new ResizeObserver(resize).observe(document.querySelector("main"));

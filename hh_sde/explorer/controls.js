// What is set: controls, and the link that keeps it.
"use strict";

const NAMES = {
  none: "none",
  current: "white current",
  ornstein_uhlenbeck_current: "coloured current (Ornstein–Uhlenbeck)",
  subunit: "channels, each gate by itself",
  conductance: "channels, each state by itself",
};
const GROUPS = {
  network: "Network",
  conductances: "Conductances",
  noise: "Noise",
  run: "Integration",
  view: "Comparison and view",
  membrane: "Membrane and reversal potentials",
};

const inputs = {}; // by name: {box, range, select, fault, row}

function make(tag, properties = {}, children = []) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const position = (control, value) =>
  control.steps
    ? control.steps.reduce(
        (best, step, k) => (abs(step - value) < abs(control.steps[best] - value) ? k : best),
        0,
      )
    : value;
const rounded = (x) => Number(x.toPrecision(6));

function controlRow(control) {
  const { name, label, units = "" } = control;
  const fault = make("p", { className: "fault", id: `fault-${name}` });
  const row = make("div", { className: "control" }, [
    make("label", { htmlFor: `set-${name}`, textContent: label }),
  ]);
  if (control.choices) {
    const select = make(
      "select",
      { id: `set-${name}` },
      control.choices.map((one) => new Option(NAMES[one] ?? one, one)),
    );
    select.setAttribute("aria-describedby", fault.id);
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
    const ends = control.steps
      ? [0, control.steps.length - 1, 1]
      : [
          control.low,
          control.high,
          control.whole
            ? 1
            : control.name === "t_end"
              ? 20
              : rounded((control.high - control.low) / 200),
        ];
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

function viewRow(name, label, options) {
  const select = make("select", { id: `view-${name}` }, options);
  select.addEventListener("change", () => {
    view[name] = ["trial", "neuron"].includes(name) ? Number(select.value) : select.value;
    if (name === "neuron" || name === "gate") show();
    else ask();
    keep();
  });
  const row = make("div", { className: "control" }, [
    make("label", { htmlFor: select.id, textContent: label }),
    select,
  ]);
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
    viewRow(
      "beside",
      "method beside it, on the same path",
      ["none", ...choices].map((one) => new Option(one, one)),
    ),
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
    viewRow("trial", "trial", []),
    viewRow("neuron", "neuron", []),
    viewRow("gate", "gate of the phase plane", []),
  );
  for (const [group, title] of Object.entries(GROUPS)) {
    const legend = make("legend", { textContent: title });
    const box =
      group === "membrane"
        ? make("fieldset", {}, [
            make("details", {}, [make("summary", { textContent: title }), ...rows[group]]),
          ])
        : make("fieldset", {}, [legend, ...rows[group]]);
    element("controls").append(box);
  }
  element("controls").addEventListener("submit", (event) => event.preventDefault());
}

// What the controls show, but for the one that is being moved.
function reflect(name, except) {
  const { box, range, select } = inputs[name],
    value = wanted[name];
  if (select) select.value = value;
  if (box && except !== "box") box.value = Number.isNaN(value) ? "" : String(value);
  if (range && except !== "range" && !Number.isNaN(value))
    range.value = position(CONTROLS[name], value);
}

function change(name, value, except) {
  wanted = { ...wanted, [name]: value };
  reflect(name, except);
  consider();
}

function set(changes) {
  const unknown = Object.keys(changes).filter((name) => !Object.hasOwn(CONTROLS, name));
  if (unknown.length)
    throw new RangeError(
      `not known: ${unknown.join(", ")}; there are ${Object.keys(CONTROLS).join(", ")}`,
    );
  wanted = { ...wanted, ...changes };
  for (const name of Object.keys(CONTROLS)) reflect(name);
  consider();
}

// Tell what is wrong where it is set; else run it.
function consider() {
  for (const control of PAGE.controls) {
    const { name } = control;
    if (shown(control, wanted) || !faultOf(control, wanted[name])) continue;
    wanted = { ...wanted, [name]: settings[name] }; // what nobody sees is in nobody's way
    reflect(name);
  }
  const faults = faultsOf(wanted);
  for (const control of PAGE.controls) {
    const { box, select, fault, row } = inputs[control.name];
    const comma = control.name in faults && !control.whole && box?.value.includes(",");
    fault.textContent = (faults[control.name] ?? "") + (comma ? ", with a point: 1.5" : "");
    (box ?? select).setAttribute("aria-invalid", String(control.name in faults));
    row.hidden = !shown(control, wanted);
  }
  const wrong = Object.keys(faults);
  if (wrong.length) {
    const labels = wrong.map((name) => CONTROLS[name]?.label ?? name);
    refused = `not run: ${labels.join(", ")}`;
    tell();
    if (shownRun) return;
    const usual = defaults(); // a link may have it that nothing was right yet
    settings = { ...wanted, ...Object.fromEntries(wrong.map((name) => [name, usual[name]])) };
    if (Object.keys(faultsOf(settings)).length) settings = usual;
    offerViews();
    ask();
    return;
  }
  refused = "";
  settings = wanted;
  offerViews();
  keep();
  ask();
}

function offerViews() {
  fit("trial", trialsOf(settings));
  fit("neuron", settings.n_neurons);
  offer("gate", MODELS.none.gates, MODELS.none.gates);
  inputs["view-beside"].select.value = view.beside;
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
  const usual = usualView();
  const pairs = [
    ...PAGE.controls
      .filter(({ name, value }) => settings[name] !== value)
      .map(({ name }) => [name, settings[name]]),
    ...Object.entries(view).filter(([name, value]) => usual[name] !== value),
  ];
  return pairs.length ? `#${new URLSearchParams(pairs)}` : "";
}

function keep() {
  try {
    history.replaceState(null, "", linkOf() || location.pathname + location.search);
  } catch {
    /* a page that may not change its address has no link */
  }
}

function readLink() {
  const changes = {},
    unknown = [];
  Object.assign(view, usualView());
  const given = new URLSearchParams(location.hash.slice(1));
  for (const [name, text] of given) {
    if (Object.hasOwn(CONTROLS, name)) changes[name] = CONTROLS[name].choices ? text : number(text);
    else if (name === "beside")
      view.beside = CONTROLS.method.choices.includes(text) ? text : "none";
    else if (name === "gate")
      view.gate = MODELS.none.gates.includes(text) ? text : usualView().gate;
    else if (name === "trial" || name === "neuron")
      view[name] = max(0, Math.floor(number(text)) || 0);
    else if (name) unknown.push(name);
  }
  set({ ...defaults(), ...changes });
  for (const [name, text] of given) {
    if (Number.isNaN(wanted[name])) inputs[name].box.value = text.slice(0, 40);
  }
  const named = unknown.slice(0, 5).map((name) => name.slice(0, 40));
  if (unknown.length > 5) named.push("and more");
  element("trouble").dataset.link = unknown.length
    ? `The link has what this page does not know: ${named.join(", ")}.`
    : "";
}

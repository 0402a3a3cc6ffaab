// The rate over the current: a point for each run that is finite to its end.
"use strict";

// All that a rate depends on but the current.
function physics(of) {
  const { stimulus, rng, t_end, dt, trials, method, ...rest } = of;
  return JSON.stringify(rest);
}

// A point for a run, if that is finite to its end.
function enterRate() {
  const { result, settings: of } = shownRun;
  if (result.diverged) return;
  rates.push({ key: physics(of), stimulus: of.stimulus, rate: meanRate(shownRun) });
}

function drawRates() {
  if (!plots.rate) return;
  if (rates.length > 2000) rates.splice(0, rates.length - 2000);
  const { low, high } = CONTROLS.stimulus,
    now = shownRun.settings.stimulus;
  const far = 10 * (high - low); // one current of 10^6 does not press all others together
  const currents = rates
    .map((one) => one.stimulus)
    .filter((I) => I === now || (I > low - far && I < high + far));
  redraw(
    "rate",
    [min(low, ...currents), max(high, ...currents)],
    [0, 1.1 * max(10, ...rates.map((one) => one.rate))],
  );
  const newest = rates.at(-1);
  element("plot-rate").ariaLabel =
    `Rates at ${count(new Set(currents).size, "current")}` +
    (newest ? `, the newest ${newest.rate.toFixed(1)} Hz at ${newest.stimulus}` : "");
  const said = [];
  if (shownRun.result.diverged)
    said.push(`No point at ${now} µA/cm²: the run is not finite to its end.`);
  if (filling?.lost)
    said.push(
      `No points at ${count(filling.lost, "current")} of the range: not finite to the end.`,
    );
  element("said-rate").textContent = said.join(" ");
}

function drawRate(ctx, x, y, ratio) {
  const now = physics(settings);
  ctx.fillStyle = colour("line");
  for (const one of rates) if (one.key !== now) dot(ctx, x(one.stimulus), y(one.rate), 2.5 * ratio);
  const newestAt = new Map(
    rates.filter((one) => one.key === now).map((one) => [one.stimulus, one.rate]),
  );
  const points = [...newestAt].sort((a, b) => a[0] - b[0]);
  ctx.fillStyle = ctx.strokeStyle = PALETTE[0];
  ctx.lineWidth = ratio;
  path(ctx, points, x, y);
  for (const [stimulus, rate] of points) dot(ctx, x(stimulus), y(rate), 3 * ratio);
  ctx.fillStyle = PALETTE[1];
  const { stimulus: I } = settings;
  if (newestAt.has(I) && !shownRun.result.diverged) dot(ctx, x(I), y(newestAt.get(I)), 5 * ratio);
}

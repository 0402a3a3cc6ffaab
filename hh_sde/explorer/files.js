// The same run in Python and TOML; what is saved and copied.
"use strict";

function showSame() {
  element("python").textContent = pythonOf(settings);
  element("toml").textContent = PAGE.named
    ? tomlOf(settings)
    : "The cell or a synapse is none of the tables CELLS and SYNAPSES: a configuration cannot state it.";
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
  const { result } = shownRun,
    { rows, n, time, states } = result;
  const names = rows.flatMap((name) => Array.from({ length: n }, (_, i) => `${name}_${i}`));
  const linesOf = Array.from(time, (t, k) =>
    [rounded(t), ...states[0].map((series) => series[k])].join(","),
  );
  return [["time_ms", ...names].join(","), ...linesOf, ""].join("\n");
}

// All plots, two in a row below the traces, with their titles.
function picture(done) {
  const order = ["V", "gates", "raster", "intervals", "phase", "rate"].map((id) => [
    id,
    plots[id].ctx.canvas,
  ]);
  const ratio = devicePixelRatio,
    gap = 30 * ratio,
    title = 26 * ratio;
  const wide = max(order[0][1].width, order[2][1].width + order[3][1].width + gap);
  const heights = [order[0], order[1], order[2], order[4]].map(
    ([, canvas]) => canvas.height + title,
  );
  const all = make("canvas", {
    width: wide + 2 * gap,
    height: heights.reduce((a, b) => a + b, gap),
  });
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

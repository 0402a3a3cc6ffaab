"""Work and precision: what a given error costs, for every method that takes the noise.

    python benchmarks/work_precision.py [--noise channels] [--quick] [--out results]
    python benchmarks/work_precision.py --costs-again --out results

The classic cell, I = 10 uA/cm^2, with white current noise of sigma = 2 (additive) or with
the conductance noise of 1,000 um^2 (channels: 28 processes, general). Three kinds of error, all
methods and steps on one Brownian path that is coarsened: of the mean interval between spikes; of V
along the path up to 10 ms, before phases part; and the weak error, of E V(t) in the same window.
The reference is `Setting.path_reference` on the finest grid along the path and `Setting.reference`
on fine grids for means. Costs are measured in the same run, one thread, on ensembles of their own
with random numbers included; methods and steps take their turn in every round. How many trials a
case gets follows from its cost. Writes precision_NOISE_KIND.json, .md and .png for this kind of
processor.

Methods with error control are in step_control.py; those of other libraries, in frameworks.py.
"""

from __future__ import annotations

import argparse
import json
import time
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import processor

import hh_sde as hh

STEPS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5]  # ms
FINE = 0.0025  # grid of the intervals' reference, ms; steps above it are compared
FINER = 0.00125  # grid of the reference of means in the window, ms
WINDOW, SAMPLES = 10.0, 0.5  # the path is compared up to 10 ms, every 0.5 ms
SETTLED = 10.0  # intervals that begin before, in the first of which is the start, are left out, ms
INTERVALS = [0.01, 0.03]  # wanted errors, of the mean interval
LEVELS = [1.0, 0.1, 0.01]  # wanted errors, mV along the path
WEAK = 1e-3  # wanted error of E V(t), of how much it moves
FARTHEST = 10.0  # from the smallest error measured to one that is extrapolated
LANES = 1000
FEWEST = 40  # trials that an error is worked out from
NORMAL = 1.5  # ns of a normal number of the fine path, however long the steps


class Setting(NamedTuple):
    """A noise, and what its references are."""

    noise: hh.records.Record
    path_reference: str
    reference: str
    finest: float  # grid of the path's reference, ms
    path_trials: int

    def network(self) -> hh.Network:
        return hh.Network(1, stimulus=10.0, noise=self.noise)

    def noise_type(self) -> str:
        return self.network().sde().noise_type

    def path_window(self, size: Size) -> Window:
        """The reference along the path."""
        few = min(self.path_trials, size.trials)
        return Window(self, self.path_reference, self.finest, few, 3)

    def methods(self) -> list[str]:
        """Those that take the noise and have orders in a step of one size."""
        kind = self.noise_type()
        return [
            name
            for name, method in hh.METHODS.items()
            if kind in method.noise_types
            and not method.adaptive
            and method.library in ("numba", "numpy")
            and (method.strong_order or method.weak_order)
        ]


SETTINGS = {
    "additive": Setting(hh.CurrentNoise(sigma=2.0), "sra1", "sra1", 0.0003125, 1000),
    "channels": Setting(hh.ConductanceNoise(area=1000.0), "sri2", "strang", 0.00125, 40),
}


class Size(NamedTuple):
    """Trials of the means, and seconds that a case may take in each of the three errors."""

    trials: int = 1500
    weak_trials: int = 50_000
    t_end: float = 500.0  # ms
    seconds: float = 2.0
    laps: int = 7


def solved(net, path, dt, method, t_end, trials, **options):
    """The run on the path's points that are dt apart; None if it diverges."""
    coarse = path.coarsen(round(dt / path.dt))
    if not hh.METHODS[method].strong_order:  # the law alone, from the random numbers of the path
        coarse = coarse.in_law()
    if hh.METHODS[method].compiled:
        options["threads"] = 2
    try:
        return hh.solve(
            net, t_end, dt=dt, method=method, path=coarse, trials=trials, progress=False, **options
        )
    except hh.DivergenceError:
        return None


class Intervals:
    """The mean interval between spikes, compared with the reference trial by trial."""

    def __init__(self, setting: Setting, size: Size) -> None:
        self.net, self.trials, self.t_end = setting.network(), size.trials, size.t_end
        self.path = self.net.sde().path(1, dt=FINE)
        self.reference = self.sums(FINE, setting.reference, self.trials)

    def sums(self, dt: float, method: str, trials: int) -> np.ndarray | None:
        """Of the intervals of each trial, and their number: (2, trials), ms."""
        record = ("spikes",)
        ds = solved(self.net, self.path, dt, method, self.t_end, trials, record=record)
        if ds is None:
            return None
        intervals = ds.hh.intervals()
        later = intervals.interval_start.values > SETTLED
        length, trial = intervals.interval_length.values[later], intervals.trial.values[later]
        return np.array([np.bincount(trial, w, trials) for w in (length, np.ones_like(length))])

    def errors(self, dt: float, method: str, trials: int) -> dict | None:
        """The relative error of the mean, with its standard error by the bootstrap over trials."""
        if dt <= FINE:
            return {}
        sums = self.sums(dt, method, trials)
        if sums is None:
            return None
        draw = np.random.default_rng(2).multinomial(trials, [1 / trials] * trials, size=400)
        weights = np.vstack([np.ones(trials), draw])  # the sample, then the bootstrap's
        with np.errstate(invalid="ignore"):  # a run without an interval has no mean
            one, other = (
                np.divide(*(weights @ part for part in both))
                for both in (sums, self.reference[:, :trials])
            )
        relative = one / other - 1.0
        return {"interval": float(relative[0]), "interval_se": float(relative[1:].std())}


class Window:
    """V in the first ms of many trials, beside the reference on the same path."""

    def __init__(self, setting: Setting, method: str, dt: float, trials: int, seed: int) -> None:
        self.net, self.trials = setting.network(), trials
        self.path = self.net.sde().path(seed, dt=dt)
        self.reference = self.potentials(dt, method, trials)

    def potentials(self, dt: float, method: str, trials: int) -> np.ndarray | None:
        """(trials, times), mV."""
        ds = solved(self.net, self.path, dt, method, WINDOW, trials, record=("V",), save_dt=SAMPLES)
        return None if ds is None else ds.V.isel(neuron=0).transpose("trial", "time").values

    def shift(self, method: str) -> float:
        """How far the reference along the path moves when its steps are twice as long, mV."""
        V = self.potentials(2 * self.path.dt, method, self.trials)
        return float(np.sqrt(((V - self.reference) ** 2).mean(axis=1)).mean())

    def along(self, dt: float, method: str, trials: int) -> dict | None:
        """The root mean square of V - V_ref along the path, averaged over trials, mV."""
        if not hh.METHODS[method].strong_order or dt < 4 * self.path.dt:
            return {}  # nearly the reference's step: its own error would be taken off
        V = self.potentials(dt, method, trials)
        if V is None:
            return None
        each = np.sqrt(((V - self.reference[:trials]) ** 2).mean(axis=1))
        return {"path": float(each.mean()), "path_se": float(each.std() / np.sqrt(trials))}

    def weak(self, dt: float, method: str, trials: int) -> dict | None:
        """The root mean square over time of E V - E V_ref, of how much E V_ref moves.

        What chance adds to the square is taken off; its standard error is a jackknife's over 20
        groups of trials.
        """
        V = self.potentials(dt, method, trials)
        if V is None:
            return None
        error = V - self.reference[:trials]
        scale = self.reference.mean(axis=0).var()
        groups = np.array_split(error, 20)
        means = np.array([group.mean(axis=0) for group in groups])

        def square(parts: np.ndarray) -> tuple[float, float]:
            chance = parts.var(axis=0, ddof=1) / len(parts)
            both = parts.mean(axis=0) ** 2 - chance, chance
            return tuple(float(one.mean() / scale) for one in both)

        left_out = [square(np.delete(means, i, axis=0))[0] for i in range(len(means))]
        found, chance = square(means)
        # where there is no error all the square is chance, of which a jackknife says too little
        error = max(float(np.sqrt(19.0 * np.var(left_out))), chance)
        return {"weak_square": found, "weak_square_se": error}


def costs(net: hh.Network, methods: list[str], rounds: int) -> dict:
    """Nanoseconds per neuron and ms of its time; None where a case does not get through."""
    sizes = {method: lanes_and_steps(net, method) for method in methods}
    cases = [(method, dt) for method in methods for dt in STEPS]
    laps = np.array([[per_step(net, m, dt, *sizes[m]) for m, dt in cases] for _ in range(rounds)])
    # against its own round first, so that a round on a busy machine shifts no case against another
    pace = np.nanmedian(laps, axis=1, keepdims=True)
    seconds = np.median(laps / pace, axis=0) * np.nanmedian(pace)
    return {
        case: None if np.isnan(one) else 1e9 * one / case[1]
        for case, one in zip(cases, seconds.tolist(), strict=True)
    }


def lanes_and_steps(net: hh.Network, method: str) -> tuple[int, int]:
    """A lap of about a tenth of a second, of at least 50 trials and 20 steps."""
    lap(net, method, 0.01, 50, 2)  # compiles
    steps = 2
    while (one := per_step(net, method, 0.01, 50, steps)) * 50 * steps < 0.02 and steps < 10_000:
        steps *= 4  # until it is long beside what a call costs
    one = min(one, *(per_step(net, method, 0.01, 50, steps) for _ in range(2)))
    lanes = int(np.clip(0.1 / (20 * one), 50, LANES))
    return lanes, int(np.clip(0.1 / (lanes * one), 20, 2000))


def per_step(net: hh.Network, method: str, dt: float, trials: int, steps: int) -> float:
    """Seconds of a trial's step, without what a call costs."""
    seconds = lap(net, method, dt, trials, steps + 2) - lap(net, method, dt, trials, 2)
    return max(seconds, 1e-9) / (trials * steps)


def lap(net: hh.Network, method: str, dt: float, trials: int, steps: int) -> float:
    """Processor seconds of one run on one thread; nan if it diverges."""
    record = ("spikes",)
    start = time.process_time()
    try:
        hh.solve(
            net, steps * dt, dt=dt, method=method, rng=1, trials=trials, record=record,
            progress=False,
        )  # fmt: skip
    except hh.DivergenceError:
        return np.nan
    return time.process_time() - start


def measure(setting: Setting, size: Size) -> dict:
    """A row for each method and step, without the errors that a case diverged in."""
    methods = setting.methods()
    cost = costs(setting.network(), methods, size.laps)
    intervals = Intervals(setting, size)
    along = setting.path_window(size)
    weak = Window(setting, setting.reference, FINER, size.weak_trials, 4)
    errors = [(along.along, WINDOW, along), (weak.weak, WINDOW, weak),
              (intervals.errors, size.t_end, intervals)]  # fmt: skip
    rows = []
    for (method, dt), ns in cost.items():
        row = {"method": method, "dt": dt, "cost": ns, "stable": ns is not None}
        for error, t_end, of in errors:
            each = t_end * max(ns or 0.0, NORMAL * of.path.m / of.path.dt)  # ns, a trial
            trials = min(of.trials, int(1e9 * size.seconds / each)) if row["stable"] else 0
            if trials >= min(FEWEST, of.trials):
                found = error(dt, method, trials)
                row = row | found if found is not None else row | {"stable": False}
        rows.append(row)
        print(row, flush=True)
    total, number = intervals.reference.sum(axis=1)
    return {
        "rows": rows, "interval": total / number, "size": size._asdict(),
        "noise_type": setting.noise_type(), "path_shift": along.shift(setting.path_reference),
    }  # fmt: skip


def again(setting: Setting, size: Size, result: dict) -> dict:
    """The same errors, with costs measured anew."""
    cost = costs(setting.network(), setting.methods(), size.laps)
    rows = []
    for row in result["rows"]:
        ns = cost[row["method"], row["dt"]]
        rows.append(row | {"cost": ns, "stable": row["stable"] and ns is not None})
    shift = setting.path_window(size).shift(setting.path_reference)
    return result | {"rows": rows, "noise_type": setting.noise_type(), "path_shift": shift}


def cost_along(rows: list[dict], level: float, order: float) -> tuple[float, str] | None:
    """Cost at this error along the path, log-log between steps, and a mark if extrapolated.

    From the finest step up, to the first that is beyond the level: an error that falls again at a
    larger step is a cancellation, which another network or current would not have.
    """
    rows = sorted((row for row in rows if row["stable"] and "path" in row), key=itemgetter("dt"))
    if len(rows) < 2:
        return None
    coarser = next((i for i, row in enumerate(rows) if row["path"] > level), None)
    if coarser is None:  # the largest step that is stable is better than asked
        return rows[-1]["cost"], f"{rows[-1]['dt']:g} ms"
    i = max(coarser, 1)
    (u, du, v), (w, dw, z) = (
        np.log([row["path"], row["dt"], row["cost"]]) for row in rows[i - 1 : i + 1]
    )
    if coarser:
        return float(np.exp(v + (np.log(level) - u) / (w - u) * (z - v))), ""
    if rows[0]["path"] > FARTHEST * level:
        return None
    # the cost goes with 1/dt, the error with a power of it: that of the limit, if it is lower
    slope = min((w - u) / (dw - du), order)
    if slope <= 0.0:  # an error that does not fall with the step tells nothing of smaller ones
        return None
    return float(np.exp(v - (np.log(level) - u) / slope)), "extrapolated"


def cheapest(rows: list[dict], name: str, tolerance: float) -> tuple[float, str] | None:
    """The lowest cost of a step within the tolerance by two standard errors, and the step.

    No finer step may be shown to be outside: the larger one then owes its error to a cancellation.
    """
    good = []
    for row in sorted((row for row in rows if row["stable"] and name in row), key=itemgetter("dt")):
        # a square that chance has brought below 0 is none
        size = abs(row[name]) if name == "interval" else max(row[name], 0.0)
        chance = 2 * row[f"{name}_se"]
        if size - chance > tolerance:
            break
        if size + chance <= tolerance:
            good.append((row["cost"], f"{row['dt']:g} ms"))
    return min(good, default=None)


def findings(result: dict) -> dict:
    """For each thing asked the cost and the step of every method that gives it."""
    by_method: dict[str, list] = {}
    for row in result["rows"]:
        by_method.setdefault(row["method"], []).append(row)
    found: dict[str, dict] = {}
    for method, rows in by_method.items():
        order = hh.METHODS[method].strong_order.get(result["noise_type"], np.inf)
        costs = {
            **{f"{100 * t:g} % of the mean interval": cheapest(rows, "interval", t)
               for t in INTERVALS},
            f"{WEAK:g} of E V": cheapest(rows, "weak_square", WEAK**2),
            **{f"{u:g} mV along the path": cost_along(rows, u, order) for u in LEVELS},
        }  # fmt: skip
        for asked, cost in costs.items():
            found.setdefault(asked, {}).update({} if cost is None else {method: cost})
    return found


def markdown(result: dict) -> str:
    """A row for each method, a column for each thing asked, the cheapest in bold."""
    found = findings(result)
    methods = list(dict.fromkeys(row["method"] for row in result["rows"]))
    lines = [
        "| method | largest stable step, ms | " + " | ".join(found) + " |",
        "| --- | ---: |" + " ---: |" * len(found),
    ]
    for method in methods:
        stable = [r["dt"] for r in result["rows"] if r["method"] == method and r["stable"]]
        cells = [f"{max(stable):g}" if stable else "none"]
        for costs in found.values():
            if method not in costs:
                cells.append("")
                continue
            cost, step = costs[method]
            text = f"{cost:,.0f}" + (f" ({step})" if step else "")
            cells.append(f"**{text}**" if cost == min(c for c, _ in costs.values()) else text)
        lines.append(f"| `{method}` | " + " | ".join(cells) + " |")
    lines.append(
        "\nCosts are in ns of one core per ms of simulated time and neuron, random numbers "
        "included. In brackets is the step, where it is one of those measured: for means, the "
        "cheapest step whose error is within the target by two standard errors, with no smaller "
        "step shown to be outside. *Extrapolated* costs continue to smaller steps, at most to a "
        "tenth of the smallest error measured, with the order of the two smallest errors or the "
        "declared order, whichever is lower. An entry is empty where no measured step is shown to "
        f"be within the target. The mean interval of the reference is {result['interval']:.3f} ms; "
        f"along the path it moves by {result['path_shift']:.1g} mV when its steps are doubled."
    )
    return "\n".join(lines) + "\n"


def plot(result: dict, path: Path) -> None:
    """Error over cost: of the mean interval, along the path, and of E V."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 3, figsize=(13, 4.4), layout="constrained")
    methods = list(dict.fromkeys(row["method"] for row in result["rows"]))
    colours = ["#000000", "#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7"]
    for i, method in enumerate(methods):
        rows = [row for row in result["rows"] if row["method"] == method and row["stable"]]
        style = {"color": colours[i % 7], "marker": "osv^Dx+"[i % 7], "ls": "-:"[i // 7]}
        for ax, name, unit in zip(axes, ("interval", "path", "weak"), (100, 1, 1), strict=True):
            points = []
            for row in rows:
                if name == "weak":
                    square, se = row.get("weak_square", 0.0), row.get("weak_square_se", np.inf)
                    seen, error = square > 2 * se, np.sqrt(abs(square))
                else:
                    error = abs(row.get(name, 0.0))
                    seen = error > 2 * row.get(f"{name}_se", np.inf)
                if seen:
                    points.append((row["cost"], unit * error))
            if points:
                ax.plot(*zip(*points, strict=True), label=method, ms=5, **style)
    labels = ("error of the mean interval (%)", "rms error of V along the path (mV)",
              "error of E V, relative")  # fmt: skip
    for ax, label in zip(axes, labels, strict=True):
        ax.set(xscale="log", yscale="log", ylabel=label)
        ax.set_xlabel("cost (ns per ms of time and neuron)")
        ax.spines[["top", "right"]].set_visible(False)
    fig.legend(*axes[1].get_legend_handles_labels(), loc="outside right", frameon=False,
               fontsize=8)  # fmt: skip
    fig.suptitle("Errors that two standard errors tell from 0", x=0.01, ha="left", fontsize=9)
    fig.savefig(path, dpi=150)
    plt.close(fig)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--noise", choices=list(SETTINGS), default="additive")
    parser.add_argument("--quick", action="store_true", help="a small size, to see that it works")
    parser.add_argument(
        "--costs-again", action="store_true", help="costs alone; errors from what was written"
    )
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    size = Size(40, 200, 100.0, 0.2, 2) if options.quick else Size()
    setting, name = SETTINGS[options.noise], f"precision_{options.noise}"
    if options.costs_again:
        before = (options.out / f"{name}_{processor.kind()}.json").read_text()
        result = again(setting, size, json.loads(before))
    else:
        result = measure(setting, size)
    found = {**result, "findings": findings(result)}
    processor.write(options.out, name, found, markdown(result), lambda path: plot(result, path))


if __name__ == "__main__":
    main()

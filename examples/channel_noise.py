"""Which channel noise: models and methods compared with the exact Markov chain of channels.

    python examples/channel_noise.py [--quick] [--parts areas cost] [--out docs]

Writes channel_noise.png; without --quick also channel_noise.json and two tables of
docs/channel_noise.md. Parts that are not named are read from the existing channel_noise.json. All
parts take about ten minutes. benchmarks/channel_noise.py compares the models over a million
intervals.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

import hh_sde as hh

CELL = hh.CELLS["hodgkin_huxley"].replace(E_L=-54.4)  # that of Pu & Thomas (2020)
PER_AREA = 60 + 18  # channels per um^2
RULE = hh.SpikeRule(threshold=-10.0, rearm=None)
BEGINNING = 150.0  # ms, dropped: ten intervals
TRIAL = 1000.0  # ms, kept
FEWEST = 200  # intervals from which on distances are told
CONDUCTANCE, SHIELDED = hh.ConductanceNoise, hh.ShieldedNoise
SUBUNIT, EFFECTIVE = hh.SubunitNoise, hh.EffectiveConductanceNoise

AREAS = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0]  # um^2
CURRENTS = [0.0, 6.0, 10.0]  # uA/cm^2
OVER_AREA = {
    "conductance": (CONDUCTANCE, {}, "lie_trotter", 0.02),
    "conductance, reflect": (CONDUCTANCE, {"bounds": "reflect"}, "lie_trotter", 0.02),
    "tau_leap": (CONDUCTANCE, {}, "tau_leap", 0.02),
    "subunit": (SUBUNIT, {}, "lie_trotter", 0.02),
}

#: What is timed: label, model, its arguments, method, dt; 512 lanes. White noise is the unit.
LANES = 512
WHITE = "`CurrentNoise`"
STEPS = {
    WHITE: (hh.CurrentNoise, {"sigma": 1.0}, "euler_maruyama", 0.008),
    "`SubunitNoise`": (SUBUNIT, {}, "euler_maruyama", 0.008),
    "`EffectiveConductanceNoise`, 11 processes": (EFFECTIVE, {}, "euler_maruyama", 0.008),
    "`ShieldedNoise`, 6 processes": (SHIELDED, {}, "euler_maruyama", 0.008),
    "`ShieldedNoise`, paired, 3 processes": (SHIELDED, {"paired": True}, "euler_maruyama", 0.008),
    "`ConductanceNoise`, 28 processes": (CONDUCTANCE, {}, "euler_maruyama", 0.008),
    "`ConductanceNoise`, paired, 14 processes": (
        CONDUCTANCE, {"paired": True}, "euler_maruyama", 0.008,
    ),
    "`ConductanceNoise`, steady": (CONDUCTANCE, {"bounds": "steady"}, "euler_maruyama", 0.008),
    "`ConductanceNoise`, project": (CONDUCTANCE, {"bounds": "project"}, "euler_maruyama", 0.008),
    "`ConductanceNoise`, `lie_trotter`": (CONDUCTANCE, {}, "lie_trotter", 0.008),
    "`ConductanceNoise`, `strang`": (CONDUCTANCE, {}, "strang", 0.008),
    "the chain, `tau_leap`": (CONDUCTANCE, {}, "tau_leap", 0.008),
}  # fmt: skip
#: At the step that is recommended.
AT_LENGTH = {
    "`ConductanceNoise` with `lie_trotter`": (CONDUCTANCE, {}, "lie_trotter", 0.02),
    "`tau_leap`": (CONDUCTANCE, {}, "tau_leap", 0.02),
}
SPENT = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0]  # areas timed, um^2
COLOURS = {
    "gillespie": "#000000", "conductance": "#0072B2", "conductance, reflect": "#56B4E9",
    "tau_leap": "#009E73", "subunit": "#D55E00",
}  # fmt: skip


def noisy(model, arguments, area, current):
    """A neuron with this noise."""
    if "sigma" not in arguments:
        arguments = {**arguments, "area": area}
    return hh.Network(1, cell=CELL, stimulus=current, noise=model(**arguments))


def simulate(net, method, dt, trials, seed):
    """Spikes after the beginning."""
    return hh.solve(
        net, BEGINNING + TRIAL, dt=dt, method=method, rng=seed, trials=trials, discard=BEGINNING,
        record=("spikes",), spike_rule=RULE, progress=False,
    )  # fmt: skip


def interval_of_mean(values):
    """Mean and bootstrap interval over trials."""
    drawn = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
    return [float(values.mean()), *map(float, np.percentile(drawn, [2.5, 97.5]))]


def number_and_mean(ds):
    """How many intervals there are, and their mean, ms."""
    found = ds.hh.interval_statistics(pool="trial").isel(neuron=0)
    return int(found["count"]), float(found["mean"])


def rate(ds):
    """Mean rate, Hz, with its interval."""
    return interval_of_mean(ds.hh.rates().rate.isel(neuron=0).values)


def measure_areas(areas, currents, models, trials=32):
    """Distances to the chain, and rates, over area and current."""
    rows = []
    for current in currents:
        for k, area in enumerate(areas):
            seed = 100 * (1 + k) + int(current)
            net = noisy(CONDUCTANCE, {}, area, current)
            chain = simulate(net, "gillespie", 1.0, trials, seed)
            number, mean = number_and_mean(chain)
            row = {"area": area, "current": current, "intervals": number, "rate": rate(chain)}
            row["models"] = {}
            for shift, label in enumerate(models, 10):
                model, arguments, method, dt = OVER_AREA[label]
                net = noisy(model, arguments, area, current)
                try:
                    ds = simulate(net, method, dt, trials, seed + shift)
                except hh.DivergenceError:
                    row["models"][label] = None
                    continue
                found = {"rate": rate(ds)}
                if min(number, number_and_mean(ds)[0]) >= FEWEST:
                    distance = chain.hh.interval_distance(ds).sel(statistic="wasserstein") / mean
                    ends = ("distance", "distance_low", "distance_high")
                    found["wasserstein"] = [float(distance[end]) for end in ends]
                    found["by chance"] = float(distance.by_chance)
                row["models"][label] = found
            rows.append(row)
            print(area, current, {k: v and v.get("wasserstein") for k, v in row["models"].items()})
    return rows


def lap(net, method, dt, lanes, steps):
    """Seconds of so many steps, and transitions of the chain; what a call costs at any length
    is taken off.
    """

    def run(n):
        start = time.perf_counter()
        ds = hh.solve(
            net, n * dt, dt=dt, method=method, rng=1, trials=lanes,
            record=("spikes",), spike_rule=RULE, progress=False,
        )  # fmt: skip
        return time.perf_counter() - start, ds.attrs.get("transition_events", 0)

    (few, fired), (many, fired_too) = run(steps // 5), run(steps)
    return many - few, fired_too - fired, (steps - steps // 5) * dt


def measure_cost(rounds=5, areas=None, timed=True):
    """Nanoseconds per neuron and ms of everything, medians of rounds in which all take turns."""
    runs = {
        ("chain", area): (noisy(CONDUCTANCE, {}, area, 10.0), "gillespie", 1.0, 16)
        for area in areas or SPENT
    }
    rows = {**STEPS, **AT_LENGTH} if timed else {}
    for label, (model, arguments, method, dt) in rows.items():
        runs[label] = (noisy(model, arguments, 100.0, 10.0), method, dt, LANES)
    laps = {}
    for _ in range(rounds):
        for key, (net, method, dt, lanes) in runs.items():
            # few enough for a thousand spikes: a window with more is run once more; long enough
            # for the cheapest beside what a call costs
            steps = 600 if method == "tau_leap" else 3000
            if method == "gillespie":
                steps = max(20, round(4000 / max(key[1], 7)))
            wall, fired, span = lap(net, method, dt, lanes, steps)
            each = 1e9 * wall / (lanes * span)
            per_event = 1e9 * wall / fired if fired else np.nan
            laps.setdefault(key, []).append((each, per_event, each * dt))
    median = {key: np.median(values, axis=0).tolist() for key, values in laps.items()}
    return {
        "chain": {f"{key[1]:g}": v for key, v in median.items() if key[0] == "chain"},
        "rows": {key: v for key, v in median.items() if key[0] != "chain"},
    }


def cells_of(values):
    """A row of a table."""
    return "| " + " | ".join(values) + " |"


def areas_table(result):
    """Relative distance by area, a table for each current, and the rates at rest."""
    labels = list(OVER_AREA)
    lines = []
    for current in dict.fromkeys(row["current"] for row in result["areas"]):
        here = [row for row in result["areas"] if row["current"] == current]
        lines += [
            f"I = {current:g} µA/cm²:\n",
            cells_of(["area, µm²", "channels", "intervals", "by chance, below", *labels]),
            cells_of(["---:"] * (4 + len(labels))),
        ]
        for row in here:
            models = [row["models"][label] for label in labels]
            floors = [f"{100 * m['by chance']:.1f}" for m in models if m and "by chance" in m]
            start = [f"{row['area']:g}", f"{row['area'] * PER_AREA:,.0f}", f"{row['intervals']:,}"]
            lines.append(cells_of([*start, *(floors or ["-"])[:1], *map(apart, models)]))
        lines.append("")
    lines += [
        "Spontaneous firing at I = 0, Hz:\n",
        cells_of(["area, µm²", "channels", "the chain", *labels]),
        cells_of(["---:"] * (3 + len(labels))),
    ]
    for row in result["areas"]:
        if row["current"] == 0:
            found = [row, *(row["models"][label] for label in labels)]
            rates = [
                "{:.2f} ({:.2f} to {:.2f})".format(*m["rate"]) if m else "runs away" for m in found
            ]
            lines.append(cells_of([f"{row['area']:g}", f"{row['area'] * PER_AREA:,.0f}", *rates]))
    return "\n".join(lines) + "\n"


def apart(found):
    """The relative distance of a model, per cent."""
    if found is None:
        return "runs away"
    if "wasserstein" not in found:
        return "too few"
    values = [100 * value for value in found["wasserstein"]]
    return "{:.1f} ({:.1f} to {:.1f})".format(*values)


def cost_table(result):
    """Cost of a neuron's step relative to white noise on V, and of the chain over area."""
    rows = result["cost"]["rows"]
    lines = ["| one step of 0.008 ms | ns | relative |", "| --- | ---: | ---: |"]
    lines += [
        f"| {name} | {rows[name][2]:.1f} | {rows[name][2] / rows[WHITE][2]:.1f} |" for name in STEPS
    ]
    lines += ["", "| area, µm² | `gillespie`, µs per ms | ns per transition |"]
    lines += ["| ---: | ---: | ---: |"]
    for area, (each, per_event, _) in result["cost"]["chain"].items():
        lines.append(f"| {area} | {each / 1e3:.2f} | {per_event:.0f} |")
    lines.append("")
    for name in AT_LENGTH:
        spent = rows[name][0]
        lines.append(
            f"{name} at 0.02 ms takes {spent / 1e3:.2f} µs per ms at any area, as the chain "
            f"does at {crossing(result, spent):.2g} µm².\n"
        )
    return "\n".join(lines)


def crossing(result, spent):
    """Area where the chain costs so much, um^2; below the least one, in proportion."""
    chain = result["cost"]["chain"]
    area, cost = np.array([(float(k), v[0]) for k, v in chain.items()]).T
    if spent < cost[0]:
        return area[0] * spent / cost[0]
    return float(np.exp(np.interp(np.log(spent), np.log(cost), np.log(area))))


def series(ax, result, current, label, name, colour):
    """A model's quantity over area, with its interval."""
    rows = [row for row in result["areas"] if row["current"] == current]
    found = [(row["area"], (row["models"].get(label) or {}).get(name)) for row in rows]
    found = [(area, *value) for area, value in found if value]
    if found:
        area, middle, low, high = np.array(found).T
        sure = (low > 0) | (name == "rate")  # on a logarithmic axis 0 is far below
        ax.fill_between(area, low, high, where=sure, color=colour, alpha=0.2, linewidth=0)
        ax.plot(area, middle, "o-", color=colour, markersize=3.5)


def draw(result, path):
    """Distance, spontaneous rate and cost over area."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    distance, rate, cost = axes
    current = 10.0
    rows = [row for row in result["areas"] if row["current"] == current]
    floors = [(row["area"], row["models"]["conductance"]) for row in rows]
    floors = [(area, one["by chance"]) for area, one in floors if one and "by chance" in one]
    if floors:
        area, high = np.array(floors).T
        distance.fill_between(area, 1e-4, high, color="0.88", linewidth=0, label="by chance")
    for label in rows[0]["models"] if rows else ():
        distance.plot([], [], "o-", color=COLOURS[label], markersize=3.5, label=label)
        series(distance, result, current, label, "wasserstein", COLOURS[label])
    distance.set(xscale="log", yscale="log", ylim=(1e-3, 1), xlabel="area (µm²)")
    distance.set_ylabel("distance / mean interval")
    distance.set_title("Wasserstein distance to the chain, I = 10", fontsize="medium")
    distance.legend(frameon=False, fontsize="small", ncols=2)

    rest = [row for row in result["areas"] if row["current"] == 0.0]
    if rest:
        area = [row["area"] for row in rest]
        middle, low, high = np.array([row["rate"] for row in rest]).T
        rate.fill_between(area, low, high, color="0.7", alpha=0.5, linewidth=0)
        rate.plot(area, middle, "s-", color=COLOURS["gillespie"], label="gillespie")
        for label in rest[0]["models"]:
            if label != "tau_leap":
                rate.plot([], [], "o-", color=COLOURS[label], markersize=3.5, label=label)
                series(rate, result, 0.0, label, "rate", COLOURS[label])
    rate.set(xscale="log", xlabel="area (µm²)", ylabel="firing rate (Hz)", ylim=(0, None))
    rate.set_title("spontaneous firing, I = 0", fontsize="medium")
    rate.legend(frameon=False, fontsize="small")

    chain = result["cost"]["chain"]
    area = np.array([float(key) for key in chain])
    spent = [value[0] / 1e3 for value in chain.values()]
    cost.plot(area, spent, "s-", color=COLOURS["gillespie"], label="gillespie")
    for name, label in zip(AT_LENGTH, ("conductance", "tau_leap"), strict=True):
        if name in result["cost"]["rows"]:
            level = result["cost"]["rows"][name][0] / 1e3
            title = f"{label}, {AT_LENGTH[name][2]}" if label != AT_LENGTH[name][2] else label
            cost.axhline(level, color=COLOURS[label], label=f"{title}, 0.02 ms", linewidth=1.3)
    cost.set(xscale="log", yscale="log", xlabel="area (µm²)", ylabel="µs per neuron and ms")
    cost.set_title("cost", fontsize="medium")
    cost.legend(frameon=False, fontsize="small")
    for ax in axes.flat:
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.flat:
        ticks = [1, 10, 100]
        ax.set_xticks(ticks, [f"{tick}" for tick in ticks])
    fig.savefig(path, dpi=150)


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parts = ("areas", "cost")
    parser.add_argument("--parts", nargs="*", choices=parts, default=parts)
    parser.add_argument("--out", type=Path, default=Path())
    options = parser.parse_args()
    if options.quick:
        models = ["conductance", "subunit"]
        result = {
            "areas": measure_areas([2.0, 10.0], [0.0, 10.0], models, trials=6),
            "cost": measure_cost(1, areas=[2.0, 10.0], timed=False),
        }
        draw(result, options.out / "channel_noise.png")
        return
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "channel_noise.json"
    result = json.loads(kept.read_text()) if kept.exists() else {}
    measure = {
        "areas": lambda: measure_areas(AREAS, CURRENTS, list(OVER_AREA)),
        "cost": measure_cost,
    }
    for part in options.parts:
        result[part] = measure[part]()
        kept.write_text(json.dumps(result, indent=1))
    if set(result) < set(parts):
        return
    for name, table in (("areas", areas_table), ("cost", cost_table)):
        text = table(result)
        print(text)
        (options.out / f"channel_noise_{name}.md").write_text(text)
    draw(result, options.out / "channel_noise.png")


if __name__ == "__main__":
    main()

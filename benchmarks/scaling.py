"""Is the cost of the engine linear in the lanes, and in the synapses?

    python benchmarks/scaling.py [--work 4e7] [--synapse-steps 4000] [--repeats 7] [--out results]

Euler-Maruyama with white current noise, one thread, spikes found and no traces kept. Lanes are the
trials of a single neuron, or the neurons of a single trial. The cost of a synapse is that of a
network with random inputs minus that of the same network, its gates included, without inputs. Every
round measures all sizes; figures are medians over the rounds. Writes scaling_KIND.json, .md and
.png for this kind of processor.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import processor
import scipy.sparse

import hh_sde as hh

DT = 0.01  # ms
LANES = [2**k for k in range(6, 15)]
NEURONS = 1000
INPUTS = [0, 10, 30, 100, 300]  # of each of the 1,000 neurons
COLOURS = {"trials": "#D55E00", "neurons": "#0072B2"}


def seconds(net: hh.Network, steps: int, trials: int | None = None) -> float:
    """One run of so many steps."""
    start = time.perf_counter()
    hh.solve(net, steps * DT, dt=DT, rng=1, trials=trials, record=("spikes",), progress=False)
    return time.perf_counter() - start


def lane_lap(kind: str, lanes: int, work: float) -> float:
    """Nanoseconds per lane and step; every size makes as many lane-steps."""
    neurons, trials = (1, lanes) if kind == "trials" else (lanes, None)
    net = hh.Network(neurons, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    steps = round(work / lanes)
    return 1e9 * seconds(net, steps, trials) / (lanes * steps)


def randomly_connected(inputs: int) -> hh.Network:
    """Each neuron has so many inputs from others, weak ones, so that all sizes fire alike."""
    rng = np.random.default_rng(1)
    to = np.repeat(np.arange(NEURONS), inputs)
    others = [rng.choice(NEURONS - 1, inputs, replace=False) for _ in range(NEURONS)]
    origin = np.concatenate(others).astype(int)
    origin += origin >= to  # no neuron has itself as input
    weight = np.full(len(to), 0.01 / max(1, inputs))
    weights = scipy.sparse.csr_array((weight, (to, origin)), shape=(NEURONS, NEURONS))
    return hh.Network(
        NEURONS,
        stimulus=10.0,
        synapses=hh.Synapse.sigmoidal(weights),
        noise=hh.CurrentNoise(1.0),
    )


def measure_lanes(work: float, repeats: int) -> list[dict]:
    """A row for each number of lanes, the two kinds of lanes side by side."""
    laps: dict[tuple[str, int], list[float]] = {}
    for kind in COLOURS:
        lane_lap(kind, LANES[0], 100 * LANES[0])  # compiled before the clock starts
    for _ in range(repeats):
        for lanes in LANES:
            for kind in COLOURS:
                laps.setdefault((kind, lanes), []).append(lane_lap(kind, lanes, work))
    return [
        {"lanes": lanes, **{kind: statistics.median(laps[kind, lanes]) for kind in COLOURS}}
        for lanes in LANES
    ]


def measure_synapses(steps: int, repeats: int) -> list[dict]:
    """A row for each number of inputs; differences are taken inside each round."""
    nets = {inputs: randomly_connected(inputs) for inputs in INPUTS}
    laps: dict[int, list[float]] = {inputs: [] for inputs in INPUTS}
    for net in nets.values():
        seconds(net, 2)
    for _ in range(repeats):
        for inputs, net in nets.items():
            laps[inputs].append(1e9 * seconds(net, steps) / (NEURONS * steps))
    rows = []
    for inputs in INPUTS[1:]:
        each = [(lap - none) / inputs for lap, none in zip(laps[inputs], laps[0], strict=True)]
        rows.append(
            {
                "inputs": inputs,
                "ns per neuron-step": statistics.median(laps[inputs]),
                "ns per synapse-step": statistics.median(each),
            }
        )
    return rows


def evenness(rows: list[dict], kind: str) -> dict:
    """The largest ratio between neighbouring sizes, and between a size and the median, as >= 1."""
    values = np.array([row[kind] for row in rows])
    steps = np.abs(np.diff(np.log(values)))
    apart = np.abs(np.log(values / np.median(values)))
    return {
        "between neighbours": float(np.exp(steps.max())),
        "to the median": float(np.exp(apart.max())),
        "at lanes": rows[int(apart.argmax())]["lanes"],
    }


def markdown(result: dict) -> str:
    """Both tables, with a sentence on the lanes."""
    lines = ["| lanes | trials, ns per lane-step | neurons, ns per lane-step |"]
    lines.append("| ---: | ---: | ---: |")
    for row in result["lanes"]:
        lines.append(f"| {row['lanes']} | {row['trials']:.2f} | {row['neurons']:.2f} |")
    lines.append("")
    for kind, even in result["evenness"].items():
        lines.append(
            f"Where the lanes are {kind}, the times of neighbouring sizes differ by a factor of at "
            f"most {even['between neighbours']:.2f}. The largest factor between a size and the "
            f"median is {even['to the median']:.2f} (at {even['at lanes']} lanes).\n"
        )
    lines.append("| inputs per neuron | ns per neuron-step | ns per synapse-step |")
    lines.append("| ---: | ---: | ---: |")
    for row in result["synapses"]:
        per_neuron, per_synapse = row["ns per neuron-step"], row["ns per synapse-step"]
        lines.append(f"| {row['inputs']} | {per_neuron:.1f} | {per_synapse:.2f} |")
    return "\n".join(lines) + "\n"


def plot(result: dict, path: Path) -> None:
    """Cost over lanes, and over inputs; a flat line is a linear cost."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for kind, colour in COLOURS.items():
        values = [row[kind] for row in result["lanes"]]
        left.plot(LANES, values, "o-", color=colour, label=f"lanes are {kind}")
    left.set(xscale="log", xlabel="lanes", ylabel="ns per lane and step")
    left.set_ylim(0, 1.3 * max(row[kind] for row in result["lanes"] for kind in COLOURS))
    left.set_xticks(LANES[::2], [f"{lanes}" for lanes in LANES[::2]])
    left.minorticks_off()
    left.legend(frameon=False)
    inputs = [row["inputs"] for row in result["synapses"]]
    each = [row["ns per synapse-step"] for row in result["synapses"]]
    right.plot(inputs, each, "o-", color="#009E73")
    right.set(xscale="log", xlabel="inputs of each of 1,000 neurons", ylim=(0, 1.3 * max(each)))
    right.set_ylabel("ns per synapse and step")
    right.set_xticks(inputs, [f"{number}" for number in inputs])
    right.minorticks_off()
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(path, dpi=150)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=float, default=4e7, help="lane-steps of each run")
    parser.add_argument("--synapse-steps", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    options = parser.parse_args()
    lanes = measure_lanes(options.work, options.repeats)
    result = {
        "lanes": lanes,
        "evenness": {kind: evenness(lanes, kind) for kind in COLOURS},
        "synapses": measure_synapses(options.synapse_steps, options.repeats),
    }
    text = markdown(result)
    processor.write(options.out, "scaling", result, text, lambda path: plot(result, path))


if __name__ == "__main__":
    main()

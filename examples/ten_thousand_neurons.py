"""Ten thousand neurons with a hundred inputs each: the cost of a million synapses of two kinds.

    python examples/ten_thousand_neurons.py [--quick]

On the same graph the synapses are graded, where every step sums over all gates, or event-driven,
where only spikes have a cost. Prints time and memory. After COBAHH (Brette et al. 2007, J. Comput.
Neurosci. 23, 349), with weaker synapses, a constant current and noise.

Writes ten_thousand_neurons.png.
"""

import resource
import sys
import time

import matplotlib.pyplot as plt

import hh_sde as hh

quick = "--quick" in sys.argv
n_E, n_I = (320, 80) if quick else (8000, 2000)
k_E, k_I = (16, 4) if quick else (80, 20)  # inputs of each neuron
t_end = 100.0 if quick else 500.0
w_E, w_I = 0.3 / k_E, 3.0 / k_I  # mS/cm^2


def inputs(k: int, seed: int) -> hh.topology.Topology:
    return hh.topology.fixed_indegree(k=k, rng=seed)


def graded() -> list[hh.Synapse]:
    AMPA, GABA_A = hh.SYNAPSES["AMPA"], hh.SYNAPSES["GABA_A"]
    return [AMPA(w_E * inputs(k_E, 1), source="E"), GABA_A(w_I * inputs(k_I, 2), source="I")]


def event_driven() -> list[hh.EventSynapse]:
    exponential = hh.SYNAPSES["exponential"]
    return [
        # the gates decay at 0.19 and 0.18/ms; over a spike's course they pass as much as if they
        # had jumped to 0.33 and 0.75
        exponential(0.33 * w_E * inputs(k_E, 1), tau=1 / 0.19, E=0.0, source="E", name="AMPA"),
        exponential(0.75 * w_I * inputs(k_I, 2), tau=1 / 0.18, E=-80.0, source="I", name="GABA_A"),
    ]


def memory() -> float:
    """The most that was in use until now, MB."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


results = {}
for kind, synapses in (("event-driven", event_driven), ("graded", graded)):
    before, begin = memory(), time.perf_counter()
    net = hh.Network(
        {name: hh.Population(n, "traub_miles", stimulus=1.0, noise=hh.CurrentNoise(2.5))
         for name, n in (("E", n_E), ("I", n_I))},
        synapses=synapses(),
    )  # fmt: skip
    options = {"dt": 0.1, "method": "lie_trotter", "rng": 1, "record": ["spikes"],
               "x0": {"V": hh.Normal(-65.0, 5.0)}}  # fmt: skip
    hh.solve(net, 1.0, **options)
    built = time.perf_counter()
    ds = results[kind] = hh.solve(net, t_end, **options)
    ran = time.perf_counter()
    rate = ds.hh.rates(by="population").rate
    E, I = (rate.sel(population=name).item() for name in ("E", "I"))
    print(f"{kind}: {(k_E + k_I) * (n_E + n_I):,} synapses, {built - begin:.1f} s to build and to "
          f"compile, {(ran - built) * 1e3 / t_end:.2f} s for a second, {memory() - before:.0f} MB "
          f"more; E {E:.1f} Hz, I {I:.1f} Hz")  # fmt: skip

fig, axes = plt.subplots(
    3, 1, figsize=(7, 6.5), sharex=True, height_ratios=[1.4, 1.4, 1], layout="constrained"
)
some = range(0, n_E + n_I, 1 if quick else 40)
for ax, (kind, ds) in zip(axes, results.items(), strict=False):
    ds.hh.plot.raster(neurons=some, ax=ax)
    ax.set(title=kind, ylabel=f"neuron (1 of {some.step})", xlabel="")
axes[1].get_legend().remove()
for ds, style in zip(results.values(), ("-", ":"), strict=True):
    ds.hh.plot.psth(by="population", bin=5.0, ax=axes[2], ls=style)
names = [f"{name}, {kind}" for kind in results for name in ("E", "I")]
axes[2].legend(names, fontsize="small", ncols=2, frameon=False)
axes[2].set(ylabel="rate (Hz)", ylim=(0, None if quick else 30))
fig.savefig("ten_thousand_neurons.png", dpi=150)

"""Which g_Na and g_K fit this recording? The posterior by sbi, calibrated, and by pyABC.

    pip install 'hh_sde[sbi]'
    python examples/inference.py [--quick]

The task of sbi's Hodgkin-Huxley tutorial: two conductances of a regular-spiking cell from seven
summary statistics of its response to a current step. The posterior is learned from simulations
(NPE) and checked in two ways: by posterior predictive simulations, and by simulation-based
calibration, where the ranks of known parameters among samples of their posteriors must be uniform
(Talts et al. 2018, arXiv:1804.06788).

Writes inference.png; sbi logs its training to the folder sbi-logs.
"""

import logging
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import pyabc
import torch
from sbi.diagnostics import run_sbc
from sbi.inference import NPE
from sbi.neural_nets import posterior_nn
from sbi.utils import BoxUniform
from sklearn.preprocessing import QuantileTransformer

import hh_sde as hh

quick = "--quick" in sys.argv
simulations, epochs, runs, particles = (200, 5, 100, 10) if quick else (10_000, 120, 500, 100)
torch.manual_seed(1)
torch.set_num_threads(1)  # of a small network more of them only wait for each other
np.random.seed(1)  # noqa: NPY002 (pyABC draws from it)
logging.getLogger("ABC").setLevel(logging.WARNING)

net = hh.Network(
    1,
    "pospischil_RS",
    stimulus=hh.StepCurrent(3.25, start=10.0, stop=110.0),
    noise=hh.CurrentNoise(sigma=1.0),
)
names, truth = ["cell.g_Na", "cell.g_K"], torch.tensor([50.0, 5.0])  # mS/cm^2
summary = {"step_response": {"onset": 10.0, "offset": 110.0}}
simulate = hh.simulator(net, names, summary, 120.0, save_dt=0.1, rng=1)
low, high = torch.tensor([0.5, 1e-4]), torch.tensor([80.0, 15.0])

# the posterior, of any observation
prior = BoxUniform(low, high)
theta = prior.sample((simulations,))
start = time.perf_counter()
x = simulate(theta)
print(f"{simulations / (time.perf_counter() - start):.0f} simulations per second")
# skewness and kurtosis have long tails, which are learned badly: normal scores have none
scores = QuantileTransformer(n_quantiles=100, output_distribution="normal").fit(x)


def scored(x):
    """Summaries as the network of the posterior takes them."""
    return torch.as_tensor(scores.transform(x), dtype=torch.float32)


# a flow over the whole plane, which the box is mapped to, so that none of it lies outside
flow = posterior_nn("zuko_maf", z_score_theta="transform_to_unconstrained", x_dist=prior)
inference = NPE(prior, flow, show_progress_bars=False).append_simulations(theta, scored(x))
inference.train(training_batch_size=250, learning_rate=1e-3, max_num_epochs=epochs)
posterior = inference.build_posterior()

# of this one, and what it predicts
observed = simulate.run(truth, rng=7)
x_observed = simulate(truth, rng=7)
samples = posterior.sample((1000,), x=scored(x_observed[None]), show_progress_bars=False)
predicted = simulate(samples)
for name, mean, sd, true in zip(names, samples.mean(0), samples.std(0), truth, strict=True):
    print(f"{name}: {mean:.2f} ± {sd:.2f}, true {true:g}")

# its calibration
known = prior.sample((runs,))
ranks, _ = run_sbc(
    known, scored(simulate(known)), posterior, num_posterior_samples=199, show_progress_bar=False
)

# the same by sequential Monte Carlo, on distances of what the conductances act on
of_step = [0, 3, 4, 5, 6]
abc = pyabc.ABCSMC(
    lambda p: {"x": scores.transform([simulate([p["g_Na"], p["g_K"]])])[0, of_step]},
    pyabc.Distribution(g_Na=pyabc.RV("uniform", 0.5, 79.5), g_K=pyabc.RV("uniform", 1e-4, 15.0)),
    lambda a, b: np.linalg.norm(a["x"] - b["x"]),
    population_size=particles,
    sampler=pyabc.SingleCoreSampler(),
)
abc.new("sqlite://", {"x": scores.transform(x_observed[None])[0, of_step]})
accepted, weights = abc.run(max_nr_populations=2 if quick else 6).get_distribution()

fig, axes = plt.subplot_mosaic(
    [["trace", "trace"], ["posterior", "summaries"], ["posterior", "ranks"]],
    figsize=(8, 7.5),
    height_ratios=[1, 1, 1],
    layout="constrained",
)
ax = axes["trace"]
for V in simulate.run(samples[:10]).V.isel(neuron=0):
    ax.plot(V.time, V, color="C0", lw=0.5, alpha=0.5)
ax.plot(observed.time, observed.V.squeeze(), color="black", lw=1.2)
ax.set(xlabel="time (ms)", ylabel="V (mV)", title="observed (black), 10 draws of the posterior")

ax = axes["posterior"]
ax.plot(*samples.T, ".", ms=2, color="C0", label="NPE")
ax.scatter(accepted.g_Na, accepted.g_K, s=1000 * weights, color="C1", alpha=0.6, label="ABC-SMC")
ax.plot(*truth, "k+", ms=12, label="true")
ax.set(xlabel="g_Na (mS/cm²), of 0.5 to 80", ylabel="g_K (mS/cm²), of 0 to 15")
ax.legend(frameon=False)

ax = axes["summaries"]
away = ((predicted - x_observed) / predicted.std(0)).numpy()
ax.boxplot(away, whis=(2.5, 97.5), showfliers=False)
ax.axhline(0.0, color="black", lw=1)
labels = ["spikes", "rest", "sd", "mean", "sd", "skewness", "kurtosis"]
ax.set_xticks(range(1, 8), labels, fontsize="x-small")
ax.set(ylabel="predicted - observed (sd)")

ax = axes["ranks"]
for k, name in enumerate(names):
    ax.hist(ranks[:, k], bins=10, range=(0, 200), histtype="step", label=name)
expected = runs / 10
ax.axhspan(*(expected + 1.96 * np.sqrt(0.9 * expected) * np.array([-1, 1])), color="0.9")
ax.set(xlabel="rank of the true value among 199 samples", ylabel=f"of {runs} runs")
ax.legend(frameon=False, fontsize="small", loc="lower center")
fig.savefig("inference.png", dpi=150)

"""How does a loss change with two conductances? JAX's gradient through diffrax, and hh_sde's.

    python examples/gradient_through_diffrax.py [--quick]

The loss is the mean square distance between V and a recording, over noisy trials on fixed paths.
diffrax integrates the network's equations in JAX along these paths, and JAX differentiates it in
reverse mode; `hh_sde.sensitivity` computes the derivative along the same paths. Needs the extra
`diffrax`.

Writes gradient_through_diffrax.png.
"""

import sys

import diffrax
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np

import hh_sde as hh
from hh_sde.methods.diffrax_ import OnGrid

matplotlib.use("Agg")
import matplotlib.pyplot as plt

jax.config.update("jax_enable_x64", True)

quick = "--quick" in sys.argv
t_end, dt, every = (2.0, 0.02, 25) if quick else (8.0, 0.01, 25)  # ms, ms, steps
trials, values = (4, 2) if quick else (40, 9)
net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
steps = round(t_end / dt)
other = net.replace(cell=net.cell.replace(g_Na=110.0, g_K=33.0))
data = hh.solve(other, t_end, dt=dt, rng=99, trials=trials, save_dt=every * dt).V.mean("trial")
data = data.isel(neuron=0)

made, sde = net.equations().jax(), net.sde()
paths = [OnGrid.of(sde.path(1, dt, trial=k), 0, steps) for k in range(trials)]
paths = jax.tree.map(lambda *leaves: jnp.stack(leaves), *paths)
saved = jnp.arange(0, steps + 1, every) * dt


def loss_of_trial(conductances, path):
    """Mean square distance of V from the data, mV^2."""
    numbers = {"gbar_Na": conductances[0], "gbar_K": conductances[1]}
    terms = diffrax.MultiTerm(
        diffrax.ODETerm(lambda t, x, args: made.f(x, t, numbers)),
        diffrax.ControlTerm(lambda t, x, args: made.G(x, t, numbers), path),
    )
    solution = diffrax.diffeqsolve(
        terms, diffrax.Euler(), 0.0, steps * dt, dt, jnp.asarray(made.x0),
        saveat=diffrax.SaveAt(ts=saved), max_steps=steps + 10,
    )  # fmt: skip
    return jnp.mean((solution.ys[:, 0] - data.values) ** 2)


def loss(conductances):
    """Its mean over trials."""
    return jnp.mean(jax.vmap(loss_of_trial, in_axes=(None, 0))(conductances, paths))


def distance(ds):
    """The same of a result."""
    return ((ds.V.isel(neuron=0, drop=True) - data.values) ** 2).mean("time")


gradient = jax.jit(jax.value_and_grad(loss))
g_Na = np.linspace(105.0, 125.0, values)
ours, theirs, losses = [], [], []
for g in g_Na:
    at, by = gradient(jnp.array([g, 36.0]))
    losses.append(float(at))
    theirs.append(np.asarray(by))
    found = hh.sensitivity(
        net.replace(cell=net.cell.replace(g_Na=float(g))), ["cell.g_Na", "cell.g_K"], distance,
        t_end, by="along the path", trials=trials, dt=dt, method="euler_maruyama", rng=1,
        record=("V",), save_dt=every * dt,
    )  # fmt: skip
    ours.append(found.derivative.values)
ours, theirs = np.array(ours), np.array(theirs)
print(f"loss at g_Na = {g_Na[-1]:g}: {losses[-1]:.4f} mV^2, gradient by diffrax {theirs[-1]}")
print(f"largest difference of gradients: {np.abs(ours - theirs).max():.1e} of", end=" ")
print(f"{np.abs(theirs).max():.1e} mV^2 per mS/cm^2")

figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(6, 5), layout="constrained")
top.plot(g_Na, losses, "k.-")
top.set_ylabel("loss (mV$^2$)")
for k, name in enumerate(("g_Na", "g_K")):
    bottom.plot(g_Na, theirs[:, k], f"C{k}-", label=f"by {name}, JAX through diffrax")
    bottom.plot(g_Na, ours[:, k], f"C{k}o", mfc="none", label=f"by {name}, hh_sde.sensitivity")
bottom.set(xlabel="g_Na (mS/cm$^2$)", ylabel="derivative (mV$^2$ per mS/cm$^2$)")
bottom.legend()
figure.savefig("gradient_through_diffrax.png", dpi=150)

"""The methods of other frameworks and of the engine: order, error and cost on the same paths.

    python benchmarks/frameworks.py [--only diffrax torchsde] [--environments FOLDER] [--out docs]

Each framework gets a virtual environment of its own, made in a temporary folder unless
--environments names one, which is kept. Needs a package index for pip; jitcsde a C compiler.
Errors are root mean squares over trials at the end, against exact solutions or the engine's at a
far smaller step; orders are slopes through four steps. The cost is the processor time of a trial of
the two coupled neurons on one thread, the least of three runs, divided by that of the engine's
Euler-Maruyama, measured alternately. The additional time of the first run is reported separately.

Writes frameworks_KIND.json and .md for this kind of processor.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import processor

import hh_sde as hh

ROOT = Path(__file__).parents[1]
#: What pip installs for each framework. A wheel of torch for the processor alone, where pip is
#: given one, counts as that version.
PACKAGES = {
    "sdeint": (),
    "diffrax": ("diffrax",),
    "torchsde": ("torch==2.13.0", "torchsde"),
    "jitcsde": ("jitcsde", "setuptools"),
}
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}
#: Of the engine: what others are compared with.
ENGINE = ("euler_maruyama", "heun", "milstein", "sra1", "sri2")
FACTORS, TRIALS = (16, 32, 64, 128), 40
#: Of the cost: trials, and ms at steps of 0.01 ms; by trial where there is no batch.
MANY, LONG = 100, 20.0


def two_neurons():
    """The two coupled neurons of docs/question.md, with noise on V."""
    synapse = hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]])
    return hh.Network(2, stimulus=10.0, synapses=synapse, noise=hh.CurrentNoise(1.0))


def gates():
    """One neuron with noise on its gates, 1000 um^2 of membrane: it multiplies them."""
    return hh.Network(1, stimulus=10.0, noise=hh.SubunitNoise(area=1000.0))


def of_arrays(arrays):
    """numpy, or the library whose arrays a method takes."""
    if arrays == "jax":
        import jax.numpy

        return jax.numpy
    if arrays == "torch":
        import torch

        return torch
    return np


def geometric(arrays):
    """dx = -x/2 dt + 0.6 x dW for each of two."""
    xp = of_arrays(arrays)
    return hh.SDE(
        f=lambda x, t: -0.5 * x,
        G=lambda x, t: xp.diag(0.6 * x),
        correction=lambda x, t: 0.18 * x,
        x0=[1.0, 2.0],
        noise_type="diagonal",
        arrays=arrays,
    )


def additive(arrays):
    """dx = ((1 + t)^-1/2 - x/(2 + 2t)) dt + (1 + t)^-1/2 dW (Kloeden & Platen 1999, 4.4)."""
    xp = of_arrays(arrays)

    def G(x, t):
        return (1.0 + t) ** -0.5 * xp.ones((1, 1), dtype=xp.float64)

    return hh.SDE(
        f=lambda x, t: (1.0 + t) ** -0.5 - x / (2.0 + 2.0 * t),
        G=G,
        x0=[1.0],
        noise_type="additive",
        vectorized=False,
        arrays=arrays,
    )


#: By name: the model for the arrays of a method, the end and the finest step (ms), the solution
#: of W at the end or None, and what of a network is looked at.
PROBLEMS = {
    "two coupled neurons": (lambda arrays: two_neurons(), 4.0, 2.0**-11, None, ("V",)),
    "additive": (
        additive,
        1.0,
        2.0**-11,
        lambda sde, W, t: (sde.x0 + t + W) / np.sqrt(1.0 + t),
        ("x",),
    ),
    "geometric": (
        geometric,
        1.0,
        2.0**-11,
        lambda sde, W, t: sde.x0 * np.exp(-0.68 * t + 0.6 * W),
        ("x",),
    ),
    "channel noise": (lambda arrays: gates(), 2.0, 2.0**-11, None, ("m", "h", "n")),
}


def sde_of(model):
    return model.sde() if isinstance(model, hh.Network) else model


def last(model, t_end, variables, **options):
    """The state at the end, (trials, components)."""
    if isinstance(model, hh.Network):
        options["record"] = variables
    ds = hh.solve(model, t_end, save_dt=t_end, trials=TRIALS, **options)
    return np.concatenate([ds[name].values[:, -1] for name in variables], axis=-1)


def takes(method, sde):
    entry = hh.METHODS[method]
    return (
        sde.noise_type in entry.strong_order
        and entry.has_functions(sde)
        and not (entry.compiled and sde.program is None)
    )


def accuracy(method, problem):
    """Slope of log error over log step, and the errors, or None where it does not take it."""
    make, t_end, dt, exact, variables = PROBLEMS[problem]
    arrays = hh.METHODS[method].arrays
    model = make(arrays if arrays in ("jax", "torch") else "numpy")
    sde = sde_of(model)
    if not takes(method, sde) or hh.METHODS[method].own_noise:
        return None
    path = sde.path(3, dt)
    if exact is None:
        solver = "sra1" if sde.noise_type == "additive" else "sri2"
        reference = last(model, t_end, variables, dt=dt, method=solver, path=path)
    else:
        steps = round(t_end / dt)
        W = [path.of_trial(k).increments(0, steps).sum(axis=0) for k in range(TRIALS)]
        reference = exact(sde, np.array(W), t_end)
    errors = []
    for factor in FACTORS:
        coarse = path.coarsen(factor)
        try:
            found = last(model, t_end, variables, dt=coarse.dt, method=method, path=coarse)
        except hh.IntegrationError:
            return {"diverged": True}
        errors.append(float(np.sqrt(np.mean((found - reference) ** 2))))
    order = float(np.polyfit(np.log(FACTORS), np.log(errors), 1)[0])
    return {"order": order, "errors": errors, "dt": [dt * factor for factor in FACTORS]}


def processor_time():
    """Of this process and of those that it waited for, compilers among them, in seconds."""
    return time.process_time() + sum(os.times()[2:4])


def cost(method):
    """Of a trial over Euler-Maruyama's, and the first run's additional time; {}: diverges."""
    entry = hh.METHODS[method]
    if not takes(method, two_neurons().sde()):
        return {}
    net, units = two_neurons(), []
    # trials that run one after another take long: two are enough to measure their cost
    trials = MANY if entry.library in ("numba", "diffrax", "torchsde") else 2

    def run(name, rng, many):
        start = processor_time()
        hh.solve(net, LONG, dt=0.01, method=name, rng=rng, trials=many, save_dt=LONG)
        return processor_time() - start

    try:
        laps = [run(method, 0, trials)]
    except hh.IntegrationError:
        return {}
    run("euler_maruyama", 0, MANY)
    for rng in range(1, 4):
        units.append(run("euler_maruyama", rng, MANY) / MANY)
        laps.append(run(method, rng, trials))
    return {"cost": min(laps[1:]) / trials / min(units), "compile": laps[0] - min(laps[1:])}


def measure(framework):
    """All methods of a framework, and those of the engine beside them."""
    names = [name for name, one in hh.METHODS.items() if one.library == framework]
    found = {}
    for name in [*(ENGINE if framework == "sdeint" else ()), *names]:
        if hh.METHODS[name].strong_order:
            found[name] = cost(name)  # first: what others have compiled counts as compiled
            found[name] |= {problem: accuracy(name, problem) for problem in PROBLEMS}
            print(name, file=sys.stderr)
    return found


def environment(framework, folder):
    """The python of a framework's own environment, with this library as it is here."""
    home = folder / framework
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, ROOT, *PACKAGES[framework]], check=True)
    return python


def cell(one):
    if one is None:
        return ""
    if one.get("diverged"):
        return "diverges"
    return f"{one['order']:.2f}, {one['errors'][0]:.1e}"


def markdown(found):
    """One table of all methods."""
    lines = [("method", *PROBLEMS, "cost", "first run, additional s")]
    lines.append(tuple("---" for _ in lines[0]))
    for name, row in found.items():
        told = (f"{row['cost']:.3g}", f"{row['compile']:.1f}") if "cost" in row else ("", "")
        lines.append((f"`{name}`", *(cell(row[problem]) for problem in PROBLEMS), *told))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PACKAGES, default=list(PACKAGES))
    parser.add_argument("--environments", type=Path, help="a folder that is kept")
    parser.add_argument("--out", type=Path, default=processor.RESULTS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for framework in options.only:
            python = environment(framework, options.environments or Path(temporary))
            run = [python, Path(__file__).resolve(), "--measure", framework]
            # nothing is compiled before
            variables = {**os.environ, **ONE_THREAD, "HH_SDE_CACHE_DIR": f"{temporary}/{framework}"}
            done = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True, env=variables)
            found |= json.loads(done.stdout.splitlines()[-1])
    processor.write(options.out, "frameworks", found, markdown(found))


if __name__ == "__main__":
    main()

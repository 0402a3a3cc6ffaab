"""Brian2, Euler: Cython, or a C++ standalone program (its own run time).

Compiled with its own default flags, which are -w -O3 -ffast-math -fno-finite-math-only
-march=native -std=c++11 in Brian2 2.9; with all of -ffast-math; or with none of it.
"""

import os
import shutil
import tempfile

import brian2 as b2
import numpy as np
from brian2_gates import GATES
from common import Case, run

STANDALONE = os.environ.get("BRIAN2_TARGET") == "standalone"
LEFT_OUT = {  # of the flags
    "default": (),
    "full": ("-fno-finite-math-only",),
    "none": ("-fno-finite-math-only", "-ffast-math"),
}[os.environ.get("BRIAN2_FAST_MATH", "default")]
flags = b2.prefs.codegen.cpp.extra_compile_args_gcc
b2.prefs.codegen.cpp.extra_compile_args_gcc = [flag for flag in flags if flag not in LEFT_OUT]
b2.prefs.core.default_float_dtype = np.dtype(os.environ.get("DTYPE", "float64")).type
EQUATIONS = (
    "I_Na = 120.0*m**3*h*(V - 50.0) : 1\n"
    "I_K = 36.0*k**4*(V + 77.0) : 1\n"
    "dV/dt = (10.0 - I_Na - I_K - 0.3*(V + 54.387) + J)/ms + xi/ms**0.5 : 1\n" + GATES
)
COUPLED = """
ds/dt = (5.0*(1 - s)/(1.0 + exp((-3.0 - V)/8.0)) - s)/ms : 1
drive : 1
J = (20.0 - V)*drive : 1
"""


def build(case: Case):
    n = case.neurons * case.trials
    group = b2.NeuronGroup(
        n, EQUATIONS + (COUPLED if case.coupled else "J = 0.0 : 1"), method="euler"
    )
    group.V, group.m, group.h, group.k = -65.0, 0.0529, 0.5961, 0.3177
    parts = [group]
    if case.coupled:
        synapses = b2.Synapses(group, group, "drive_post = 0.1*s_pre : 1 (summed)")
        i = np.arange(n)
        synapses.connect(i=i, j=i ^ 1)
        parts.append(synapses)
    return group, b2.Network(parts)


def prepare(case: Case):
    duration = case.steps * case.dt * b2.ms
    b2.defaultclock.dt = case.dt * b2.ms
    if not STANDALONE:
        b2.prefs.codegen.target = "cython"
        group, network = build(case)
        network.run(case.dt * b2.ms)

        def simulate():
            network.run(duration)
            return float(np.mean(group.V[:]))

        return simulate
    folder = tempfile.mkdtemp()
    b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    group, network = build(case)
    network.run(duration)
    b2.device.build(directory=folder, run=False, compile=True)

    def simulate():
        b2.device.run(directory=folder, results_directory="results", with_output=False, run_args=[])
        return float(np.mean(group.V[:])), float(b2.device._last_run_time)

    import atexit

    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return simulate


run(prepare)

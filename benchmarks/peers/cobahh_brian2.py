"""Benchmark 3 of Brette et al. 2007 in Brian2: exponential Euler, C++ standalone, one thread.

It is asked on standard input, a line of JSON each time: first {"duration" (ms), "dt" (ms),
"folder", "once"}, of which a program is built with the flags that Brian2 has by default; then for
each run {"run": true}. A run draws its own connections and initial values. Spikes go to
FOLDER/spikes.npz, the seconds of the time steps alone to standard output.
"""

import json
import sys
from pathlib import Path

import brian2 as b2
import numpy as np
from brian2 import mS, ms, msiemens, mV, uF, um

AREA = 20_000 * um**2
EQUATIONS = """
    dv/dt = (g_L*(E_L - v) + ge*(0*mV - v) + gi*(E_i - v) - g_Na*m**3*h*(v - E_Na)
             - g_K*n**4*(v - E_K))/C : volt
    dm/dt = alpha_m*(1 - m) - beta_m*m : 1
    dh/dt = alpha_h*(1 - h) - beta_h*h : 1
    dn/dt = alpha_n*(1 - n) - beta_n*n : 1
    dge/dt = -ge/tau_e : siemens
    dgi/dt = -gi/tau_i : siemens
    u = (v - V_T)/mV : 1
    alpha_m = 0.32*4/exprel((13 - u)/4)/ms : Hz
    beta_m = 0.28*5/exprel((u - 40)/5)/ms : Hz
    alpha_h = 0.128*exp((17 - u)/18)/ms : Hz
    beta_h = 4/(1 + exp((40 - u)/5))/ms : Hz
    alpha_n = 0.032*5/exprel((15 - u)/5)/ms : Hz
    beta_n = 0.5*exp((10 - u)/40)/ms : Hz
"""
NUMBERS = {
    "C": 1 * uF / b2.cm**2 * AREA,
    "g_L": 0.05 * msiemens / b2.cm**2 * AREA,
    "g_Na": 100 * mS / b2.cm**2 * AREA,
    "g_K": 30 * mS / b2.cm**2 * AREA,
    "E_L": -60 * mV,
    "E_Na": 50 * mV,
    "E_K": -90 * mV,
    "E_i": -80 * mV,
    "V_T": -63 * mV,
    "tau_e": 5 * ms,
    "tau_i": 10 * ms,
}
#: So that V which stays above -20 mV for longer than 3 ms is no second spike.
RISES = "v > -20*mV or timestep(t - lastspike, dt) < timestep(3*ms, dt)"


def main() -> None:
    """Build, then run and save as often as asked."""
    asked = json.loads(sys.stdin.readline())
    folder = Path(asked["folder"])
    b2.set_device("cpp_standalone", directory=str(folder / "built"), build_on_run=False)
    b2.defaultclock.dt = asked["dt"] * ms
    cells = b2.NeuronGroup(
        4000, EQUATIONS, namespace=NUMBERS, method="exponential_euler",
        threshold="v > -20*mV", refractory=RISES if asked["once"] else 3 * ms,
    )  # fmt: skip
    excitatory = b2.Synapses(cells[:3200], cells, on_pre="ge += 6*nS")
    inhibitory = b2.Synapses(cells[3200:], cells, on_pre="gi += 67*nS")
    for synapses in (excitatory, inhibitory):
        synapses.connect(p=0.02)
    cells.v = "-65*mV + 5*mV*randn()"
    cells.ge = "10*nS*(4 + 1.5*randn())"
    cells.gi = "10*nS*(20 + 12*randn())"
    spikes = b2.SpikeMonitor(cells)
    network = b2.Network(cells, excitatory, inhibitory, spikes)
    network.run(asked["duration"] * ms)
    b2.device.build(run=False, directory=str(folder / "built"))
    print(json.dumps({"version": b2.__version__}), flush=True)
    for _ in sys.stdin:
        b2.device.run(with_output=False)
        np.savez(folder / "spikes.npz", time=spikes.t / ms, neuron=np.array(spikes.i))
        print(json.dumps({"seconds": b2.device._last_run_time}), flush=True)


if __name__ == "__main__":
    main()

"""The points of a sweep as a neuron group of Brian2: Euler, C++ standalone, its default flags.

Reads what is asked as JSON from its first argument: file (numpy, g_Na, g_K, I, sigma of each
neuron), duration and dt (ms), repeats. Prints the seconds of its time steps and the spikes.
"""

import json
import shutil
import sys
import tempfile

import brian2 as b2
import numpy as np
from brian2_gates import GATES

asked = json.loads(sys.argv[1])
points = np.load(asked["file"])
EQUATIONS = (
    "dV/dt = (I - g_Na*m**3*h*(V - 50.0) - g_K*k**4*(V + 77.0) - 0.3*(V + 54.387))/ms"
    " + sigma*xi/ms**0.5 : 1\n"
    + GATES
    + "g_Na : 1 (constant)\ng_K : 1 (constant)\nI : 1 (constant)\nsigma : 1 (constant)\n"
)
folder = tempfile.mkdtemp()
try:
    b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    b2.defaultclock.dt = asked["dt"] * b2.ms
    group = b2.NeuronGroup(
        points["I"].size, EQUATIONS, method="euler", threshold="V > 0", refractory="V > -40"
    )
    group.V, group.m, group.h, group.k = -65.0, 0.0529, 0.5961, 0.3177
    for name in ("g_Na", "g_K", "I", "sigma"):
        setattr(group, name, points[name])
    monitor = b2.SpikeMonitor(group)
    network = b2.Network(group, monitor)
    network.run(asked["duration"] * b2.ms)
    b2.device.build(directory=folder, run=False, compile=True)
    seconds = []
    for _ in range(asked["repeats"]):
        b2.device.run(directory=folder, results_directory="results", with_output=False, run_args=[])
        seconds.append(float(b2.device._last_run_time))
    print(json.dumps({"seconds": seconds, "spikes": int(monitor.num_spikes)}))
finally:
    shutil.rmtree(folder, ignore_errors=True)

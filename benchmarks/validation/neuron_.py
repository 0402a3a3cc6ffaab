"""NEURON: its own mechanism hh; spike times on standard output. What is asked: as of `brian2_`.

Of the classic cell alone, whose leak it is given; by its integrator CVODE at tight tolerances.
"""

import json
import sys

from neuron import h

h.load_file("stdrun.hoc")


def spikes(case: dict) -> list[float]:
    """Times of upward crossings, ms."""
    section = h.Section(name="axon")
    section.L = section.diam = 10.0  # um
    section.insert("hh")
    section.ena, section.ek = 50.0, -77.0
    section.el_hh, section.gl_hh = -54.387, 0.0003
    area = section(0.5).area() * 1e-8  # cm^2
    clamp = h.IClamp(section(0.5))
    clamp.delay, clamp.dur = case["start"], 1e9
    clamp.amp = case["current"] * area * 1e3  # uA/cm^2 to nA
    count = h.NetCon(section(0.5)._ref_v, None, sec=section)
    count.threshold = case["threshold"]
    times = h.Vector()
    count.record(times)
    h.celsius = case["temperature"]
    h.usetable_hh = 0  # rates by their formulas, not by a table of 1 mV
    solver = h.CVode()
    solver.active(True)
    solver.condition_order(2)
    solver.atol(1e-10)
    h.finitialize(case["state"]["V"])
    h.continuerun(case["duration"])
    return list(times)


if __name__ == "__main__":
    print(json.dumps([spikes(case) for case in json.load(sys.stdin)]))

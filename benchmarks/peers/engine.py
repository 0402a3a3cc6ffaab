"""hh_sde's engine."""

import os

from common import Case, run

import hh_sde as hh


def prepare(case: Case):
    synapses = hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]) if case.coupled else ()
    net = hh.Network(case.neurons, stimulus=10.0, synapses=synapses, noise=hh.CurrentNoise(1.0))
    trials = case.trials if case.trials > 1 else None
    t_end = case.steps * case.dt
    precision = {"dtype": os.environ["DTYPE"]} if "DTYPE" in os.environ else {}

    def simulate():
        ds = hh.solve(
            net,
            t_end,
            dt=case.dt,
            rng=1,
            trials=trials,
            save_dt=t_end,
            threads=case.threads,
            progress=False,
            **precision,
        )
        return float(ds.V.isel(time=-1).mean())

    return simulate


run(prepare)

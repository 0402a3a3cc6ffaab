"""What the question's network does: figures from an independent integration at rtol 1e-11."""

import numpy as np
import pytest
from shared import of_neurons

import hh_sde as hh

SPIKES_OF_ONE = [1.90097, 16.82258, 31.47183, 46.10900]  # ms, uncoupled, from the question's start
PERIOD_OF_ONE, PERIOD_OF_PAIR = 14.63621, 14.6435  # ms
FIXED_STEP = [
    name
    for name, method in hh.METHODS.items()
    if not method.adaptive and method.interpretation != "chain"
]


@pytest.fixture(scope="module")
def exact_pair():
    net = hh.Network(2, stimulus=10.0, synapses=hh.Synapse.sigmoidal(weights=0.1))
    return hh.solve(net, 400.0, method="scipy.DOP853", rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("method", ["scipy.DOP853", "scipy.LSODA", "scipy.Radau", "scipy.odeint"])
def test_spike_times_of_the_uncoupled_cell(method):
    ds = hh.solve(
        hh.Network(1, stimulus=10.0), 50.0, dt=0.002, method=method, rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(ds.hh.spikes().spike_time, SPIKES_OF_ONE, atol=1e-4)


def test_period_of_the_uncoupled_cell():
    ds = hh.solve(
        hh.Network(1, stimulus=10.0), 400.0, method="scipy.DOP853", rtol=1e-10, atol=1e-10
    )
    assert ds.hh.intervals().interval_length[-5:].mean() == pytest.approx(PERIOD_OF_ONE, abs=2e-4)


def test_the_pair_fires_in_step(exact_pair):
    spikes = exact_pair.hh.spikes()
    times = [spikes.spike_time[spikes.neuron == i].values for i in (0, 1)]
    np.testing.assert_allclose(times[0], times[1], atol=1e-6)
    assert np.diff(times[0])[-10:].mean() == pytest.approx(PERIOD_OF_PAIR, abs=2e-4)
    assert float(exact_pair.s.max()) == pytest.approx(0.8225, abs=1e-4)


def test_gates_stay_in_their_range(exact_pair, pair):
    euler = hh.solve(pair, 400.0)
    for ds in (exact_pair, euler):
        for gate in ("m", "h", "n", "s"):
            assert 0 < float(ds[gate].min()) < float(ds[gate].max()) < 1


@pytest.mark.parametrize("method", of_neurons(FIXED_STEP, slow=["drift_implicit"]))
def test_fixed_steps_converge_at_their_order(method, pair):
    """Gates after 12 ms, past the first spike, for steps halved.

    (V alone would show order 2 for lie_trotter too: its V is that of strang.)
    """
    exact = hh.solve(pair, 12.0, dt=12.0, method="scipy.DOP853", rtol=1e-12, atol=1e-12)
    order = hh.METHODS[method].deterministic_order
    dts = 12.0 / np.array([1200, 2400, 4800, 9600])
    gates = ["m", "h", "n"]
    tolerance = {"rtol": 1e-10} if hh.METHODS[method].tolerances else {}
    errors = []
    for dt in dts:
        ds = hh.solve(pair, 12.0, dt=dt, method=method, save_dt=12.0, **tolerance)
        difference = (ds[gates] - exact[gates]).isel(time=-1, neuron=0)
        errors.append(float(np.linalg.norm(difference.to_array())))
    slopes = np.diff(np.log(errors)) / np.diff(np.log(dts))
    assert slopes[-1] == pytest.approx(order, abs=0.1)


def test_the_threshold_currents():
    """From rest one spike at I = 2.241 and above; repetitive firing from the Hopf point 9.7754."""
    for I, count in ((2.23, 0), (2.26, 1)):
        ds = hh.solve(hh.Network(1, stimulus=I), 100.0, method="scipy.LSODA", dt=0.05)
        assert ds.hh.rates()["count"].item() == count

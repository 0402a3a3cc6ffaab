import os

os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest

import hh_sde as hh


def pytest_runtest_setup(item):
    """A test of a method of METHODS runs where the method's library is installed."""
    given = getattr(item, "callspec", None)
    for value in given.params.values() if given else ():
        method = hh.METHODS.get(value) if isinstance(value, str) else None
        if method is not None and not method.available:
            pytest.skip(f"{value} needs {method.library}")


@pytest.fixture
def pair():
    """The question's two neurons, without noise."""
    return hh.Network(2, stimulus=10.0, synapses=hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]]))


@pytest.fixture
def noisy_pair(pair):
    return hh.Network(2, stimulus=10.0, synapses=pair.synapses, noise=hh.CurrentNoise(2.0))


def linear_sde(interpretation="ito"):
    """dx_i = -0.5 x_i dt + 0.4 x_i dW_i: geometric Brownian motions, solved exactly."""
    return hh.SDE(
        f=lambda x, t: -0.5 * x,
        G=lambda x, t: np.diag(0.4 * x),
        x0=[1.0, 2.0],
        noise_type="diagonal",
        interpretation=interpretation,
        correction=lambda x, t: 0.5 * 0.4**2 * x,
    )

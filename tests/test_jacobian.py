"""The Jacobian and the tangent J v, against differences of the same equations in 60 digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from exact import exact_drift

import hh_sde as hh

BLOCK = hh.Sigmoid(1.0, -20.0, 16.0)
WEIGHTS, GAP = [[0.0, 0.1], [0.2, 0.05]], [[0.0, 0.3], [0.2, 0.0]]
COUPLED = hh.Network(
    2,
    cell=hh.CELLS["hodgkin_huxley"].replace(g_Na=[110.0, 120.0]),
    stimulus=3.0,
    synapses=[hh.SYNAPSES["AMPA"](WEIGHTS, block=BLOCK), hh.GapJunction(GAP)],
)
SMALL = hh.Cell(
    "small",
    (
        hh.Channel(
            "A",
            g=2.0,
            E=40.0,
            density=1.0,
            gates=(
                hh.Gate("a", 2, alpha=hh.Linoid(0.7, -40.0, 13.0), beta=hh.Constant(0.3)),
                hh.Gate("b", 1, x_inf=hh.Sigmoid(1.0, -50.0, -7.0), tau=hh.Exponential(2, 0, 90)),
            ),
        ),
        hh.Channel("L", g=0.3, E=-60.0),
    ),
)
#: On the removable singularities of both linoids, beside them, and where the series ends.
POTENTIALS = [(-40.0, -55.0), (-40.0 + 1e-9, -55.0 - 1e-7), (-42.499, -57.501), (-70.0, 20.0)]


def exact_derivative(net, x, v):
    """J v by a central difference; its error is about 1e-30."""
    with localcontext() as context:
        context.prec = 60
        h = Decimal("1e-15")
        at, along = ([Decimal(float(value)) for value in array] for array in (x, v))
        ahead, behind = (
            exact_drift(net, [a + sign * h * b for a, b in zip(at, along, strict=True)])
            for sign in (1, -1)
        )
        return np.array([float(d) for d in (ahead - behind) / (2 * h)])


def state_at(net, V, seed=0):
    x = np.random.default_rng(seed).uniform(0.1, 0.9, len(net.variables) * net.n_neurons)
    x[: net.n_neurons] = V[: net.n_neurons]
    return x


@pytest.mark.parametrize("V", POTENTIALS)
def test_every_entry_against_exact_differences(V):
    sde = COUPLED.sde()
    x = state_at(COUPLED, V)
    J = sde.jac(x, 0.0)
    exact_J = np.array([exact_derivative(COUPLED, x, e) for e in np.eye(sde.d)]).T
    np.testing.assert_allclose(J, exact_J, rtol=1e-12, atol=1e-13)
    sparse = sde.jac(x, 0.0, sparse=True)
    assert sparse.format == "csr"
    assert np.array_equal(sparse.toarray(), J)
    # nothing between what no equation joins: gates of different channels, gates of other neurons
    assert sparse.nnz < 0.6 * J.size


@pytest.mark.parametrize("noise", ["none", "transitions"])
@pytest.mark.parametrize("V", POTENTIALS)
def test_the_tangent_against_exact_differences(noise, V):
    """Of gates by x_inf and tau, and of the states of channels."""
    noises = {"none": None, "transitions": hh.ConductanceNoise(area=100.0)}
    net = hh.Network(2, cell=SMALL, stimulus=3.0, noise=noises[noise])
    sde, x = net.sde(), state_at(net, V)
    v = np.random.default_rng(1).normal(size=sde.d)
    expected = exact_derivative(net, x, v)
    np.testing.assert_allclose(sde.jac.times(x, 0.0, v), expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(sde.jac(x, 0.0) @ v, expected, rtol=1e-11, atol=1e-12)


def test_a_tabulated_rate_has_the_slope_of_its_lines():
    table = hh.Tabulated(start=-50.0, step=10.0, values=[1.0, 2.0, 4.0])
    gate = hh.Gate("a", 1, alpha=table, beta=hh.Constant(1.0))
    cell = hh.Cell("test", (hh.Channel("A", g=1.0, E=40.0, gates=(gate,)),))
    sde = hh.Network(1, cell=cell).sde()
    slopes = [sde.jac(np.array([V, 0.0]), 0.0)[1, 0] for V in (-60.0, -45.0, -32.0, -20.0)]
    assert slopes == pytest.approx([0.0, 0.1, 0.2, 0.0])


@pytest.mark.parametrize("method", ["scipy.Radau", "scipy.LSODA", "scipy.odeint"])
def test_implicit_methods_evaluate_f_less_often(method):
    """With the Jacobian f is called at least a quarter less often, and the solution is the same."""
    sde = hh.Network(10, stimulus=10.0, synapses=hh.Synapse.sigmoidal(weights=0.02)).sde()
    V, calls = [], []
    for jac in (sde.jac, None):
        count = [0]

        def f(x, t, count=count):
            count[0] += 1
            return sde.f(x, t)

        own = hh.SDE(f=f, G=sde.G, x0=sde.x0, m=0, noise_type="additive", jac=jac)
        V.append(hh.solve(own, 15.0, dt=0.1, method=method).x.values)
        calls.append(count[0])
    assert calls[0] < 0.75 * calls[1]
    np.testing.assert_allclose(V[0], V[1], atol=1e-4)


def test_where_there_is_no_jacobian():
    net = hh.Network(1, noise=hh.SubunitNoise(area=100.0))
    assert net.sde().to_stratonovich().jac is None  # of the correction's derivatives
    with pytest.raises(TypeError, match="jac must be a function"):
        hh.SDE(f=lambda x, t: -x, G=lambda x, t: np.zeros((1, 0)), x0=[1.0], jac=np.eye(1))
    with pytest.raises(ValueError, match=r"x must have shape \(8,\)"):
        hh.Network(2).sde().jac(np.zeros(5), 0.0)

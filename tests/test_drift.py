"""The drift against independent statements of the same equations."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings

import hh_sde as hh
from hh_sde.kinetics import Rate


def question_drift(x, I, e, V_r=20.0, w=1.0, E_L=-54.387):
    """The question's equations, written out with numpy alone."""
    V, m, h, n, s = x.reshape(5, -1)
    alpha_m = (0.1 * V + 4.0) / (1.0 - np.exp(-0.1 * V - 4.0))
    beta_m = 4.0 * np.exp(-(V + 65.0) / 18.0)
    alpha_h = 0.07 * np.exp(-(V + 65.0) / 20.0)
    beta_h = 1.0 / (1.0 + np.exp(-0.1 * V - 3.5))
    alpha_n = (0.01 * V + 0.55) / (1.0 - np.exp(-0.1 * V - 5.5))
    beta_n = 0.125 * np.exp(-(V + 65.0) / 80.0)
    I_Na = 120.0 * m**3 * h * (V - 50.0)
    I_K = 36.0 * n**4 * (V + 77.0)
    I_L = 0.3 * (V - E_L)
    return np.concatenate(
        [
            I - I_Na - I_K - I_L + (V_r - V) / w * (e @ s),
            alpha_m * (1 - m) - beta_m * m,
            alpha_h * (1 - h) - beta_h * h,
            alpha_n * (1 - n) - beta_n * n,
            5 * (1 - s) / (1 + np.exp(-(V + 3) / 8)) - s,
        ]
    )


@pytest.mark.parametrize("n", [1, 2, 3, 8, 33])
def test_the_questions_equations(n):
    rng = np.random.default_rng(n)
    e = rng.uniform(0, 0.2, (n, n))
    I = rng.uniform(-5, 15, n)
    net = hh.Network(n, stimulus=I, synapses=hh.Synapse.sigmoidal(weights=e))
    f = net.sde().f
    for _ in range(20):
        x = np.concatenate([rng.uniform(-90, 60, n), rng.uniform(0, 1, 4 * n)])
        np.testing.assert_allclose(f(x, 0.0), question_drift(x, I, e), rtol=1e-12, atol=1e-10)


def test_w_divides_the_coupling():
    e = np.array([[0, 0.1], [0.1, 0]])
    f = hh.Network(2, synapses=hh.Synapse.sigmoidal(weights=e, w=2.5, E=10.0)).sde().f
    x = np.concatenate([[-20.0, 10.0], np.linspace(0.1, 0.9, 8)])
    np.testing.assert_allclose(f(x, 0.0), question_drift(x, 0.0, e, V_r=10.0, w=2.5), rtol=1e-12)


def test_start_of_the_question(pair):
    V, m, h, n, s = pair.sde().x0.reshape(5, 2)
    T = 1 / (1 + math.exp(-(-65.0 + 3) / 8))
    assert np.all(V == -65.0)
    np.testing.assert_allclose(s, 5 * T / (5 * T + 1), rtol=1e-14)
    np.testing.assert_allclose(
        question_drift(pair.sde().x0, 0, np.zeros((2, 2)))[2:8], 0, atol=1e-15
    )
    assert m[0] == pytest.approx(0.0529, abs=1e-4)
    assert h[0] == pytest.approx(0.5961, abs=1e-4)
    assert n[0] == pytest.approx(0.3177, abs=1e-4)


@pytest.mark.parametrize(("gate", "V", "value"), [("m", -40.0, 1.0), ("n", -55.0, 0.1)])
def test_removable_singularities_are_exact(gate, V, value):
    around = [V, np.nextafter(V, 0), np.nextafter(V, -100), V + 1e-9, V - 1e-7]
    alpha = hh.Network(1).kinetics(around).alpha.sel(gate=gate).values
    assert alpha[0] == value
    u = (np.array(around) - V) / 10.0
    np.testing.assert_allclose(alpha, value * (1 + u / 2), rtol=1e-15)  # next term: u^2/12


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_potentials_stay_visible(pair, bad):
    x = pair.sde().x0.copy()
    x[0] = bad
    assert not np.isfinite(pair.sde().f(x, 0.0)[0])
    assert np.isfinite(pair.sde().f(x, 0.0)[1]) or np.isnan(bad)


def test_sparse_dense_and_uniform_weights_agree():
    n = 20
    dense = np.full((n, n), 0.03)
    np.fill_diagonal(dense, 0)
    x = np.random.default_rng(1).uniform(0, 1, 5 * n)
    weights = [
        0.03,
        dense,
        dense.tolist(),
        scipy.sparse.csr_array(dense),
        scipy.sparse.coo_matrix(dense),
    ]
    drifts = [
        hh.Network(n, synapses=hh.Synapse.sigmoidal(weights=w)).sde().f(x, 0.0) for w in weights
    ]
    for drift in drifts[1:]:
        assert np.array_equal(drift, drifts[0])


def test_weights_point_from_column_to_row():
    net = hh.Network(2, synapses=hh.Synapse.sigmoidal(weights=[[0, 0.2], [0, 0]]))
    x = np.concatenate([[-60.0, -60.0], np.zeros(6), [0.0, 1.0]])
    dV = net.sde().f(x, 0.0)[:2]
    assert dV[0] - dV[1] == pytest.approx(0.2 * (20 + 60))


def test_heterogeneous_parameters_are_those_of_each_neuron():
    g_Na, E_L, C = (
        np.array([100.0, 120.0, 140.0]),
        np.array([-54.0, -55.0, -56.0]),
        np.array([1.0, 2.0, 0.5]),
    )
    mid = np.array([-40.0, -38.0, -41.0])
    together = _changed_cell(g_Na, E_L, C, mid)
    net = hh.Network(3, cell=together, stimulus=[1.0, 2.0, 3.0])
    x = np.random.default_rng(2).uniform(0.1, 0.9, (4, 3))
    x[0] = [-70.0, -40.0, 10.0]
    dx = net.sde().f(x.ravel(), 0.0).reshape(4, 3)
    for i in range(3):
        alone = hh.Network(1, cell=_changed_cell(g_Na[i], E_L[i], C[i], mid[i]), stimulus=1.0 + i)
        assert np.array_equal(alone.sde().f(x[:, i].copy(), 0.0), dx[:, i])


def _changed_cell(g_Na, E_L, C, mid):
    cell = hh.CELLS["hodgkin_huxley"].replace(g_Na=g_Na, E_L=E_L, C=C)
    sodium = cell.channels[0]
    m = sodium.gates[0].replace(alpha=sodium.gates[0].alpha.replace(mid=mid))
    channels = (sodium.replace(gates=(m, sodium.gates[1])), *cell.channels[1:])
    return cell.replace(channels=channels)


def test_gap_junctions():
    weights = np.array([[0, 0.3, 0.1], [0.3, 0, 0], [0.1, 0, 0]])
    passive = hh.Cell("passive", (hh.Channel("L", g=0.1, E=-70.0),))
    V = np.array([-70.0, -50.0, 10.0])
    net = hh.Network(3, cell=passive, synapses=hh.GapJunction(weights))
    expected = -0.1 * (V + 70) + np.array([0.3 * 20 + 0.1 * 80, -0.3 * 20, -0.1 * 80])
    np.testing.assert_allclose(net.sde().f(V, 0.0), expected, rtol=1e-13)


def test_several_synapses_and_a_block():
    block = hh.Sigmoid(rate=1.0, mid=-20.0, scale=16.0)
    fast = hh.SYNAPSES["AMPA"](weights=0.1)
    slow = hh.SYNAPSES["GABA_A"](weights=0.2, voltage_block=block)
    net = hh.Network(2, synapses=[fast, slow])
    assert net.variables == ("V", "m", "h", "n", "s_AMPA", "s_GABA_A")
    x = np.concatenate([[-60.0, -30.0], np.zeros(6), [0.5, 0.25], [0.1, 0.8]])
    dV = net.sde().f(x, 0.0)[:2]
    B = 1 / (1 + math.exp(-(-60.0 + 20) / 16))
    leak = 0.3 * (60 - 54.387)
    assert dV[0] == pytest.approx(leak + 0.1 * 0.25 * 60 + 0.2 * 0.8 * B * (-80 + 60), rel=1e-12)


def test_tabulated_rate_stays_within_its_stated_error():
    exact = hh.Sigmoid(rate=2.0, mid=-30.0, scale=7.0)
    table = hh.Tabulated.sample(lambda V: 2.0 / (1 + np.exp(-(V + 30) / 7)), step=0.1)
    gate = {"beta": hh.Constant(1.0)}
    V = np.random.default_rng(3).uniform(-149, 149, 5000)
    alphas = [
        hh.Network(1, cell=_cell_with(hh.Gate("a", 1, alpha=rate, **gate))).kinetics(V).alpha.values
        for rate in (exact, table)
    ]
    error = np.max(np.abs(alphas[0] - alphas[1]))
    assert 0.5 * table.error < error <= 1.01 * table.error


def test_tabulated_rate_is_constant_beyond_its_ends():
    table = hh.Tabulated(start=-50.0, step=50.0, values=[1.0, 2.0, 4.0])
    cell = _cell_with(hh.Gate("a", 1, alpha=table, beta=hh.Constant(1.0)))
    alpha = hh.Network(1, cell=cell).kinetics([-80.0, -50.0, -25.0, 25.0, 50.0, 90.0]).alpha
    assert alpha.values.ravel().tolist() == [1.0, 1.0, 1.5, 3.0, 4.0, 4.0]


def test_a_gate_given_by_x_inf_and_tau():
    x_inf, tau = hh.Sigmoid(1.0, -30.0, 7.0), hh.Constant(4.0)
    net = hh.Network(1, cell=_cell_with(hh.Gate("a", 2, x_inf=x_inf, tau=tau)))
    curves = net.kinetics([-30.0, 0.0])
    assert curves.x_inf.values.ravel() == pytest.approx(
        [0.5, 1 / (1 + math.exp(-30 / 7))], rel=1e-14
    )
    assert curves.tau.values.ravel() == pytest.approx([4.0, 4.0])
    dx = net.sde().f(np.array([-30.0, 0.25]), 0.0)
    assert dx[1] == pytest.approx((0.5 - 0.25) / 4.0)
    assert dx[0] == pytest.approx(-1.0 * 0.25**2 * (-30.0 - 40.0))


def _cell_with(gate):
    return hh.Cell("test", (hh.Channel("A", g=1.0, E=40.0, gates=(gate,)),))


# -- random tables --------------------------------------------------------------------------------

# The shapes are few, because each is compiled; the values are random.

E, S, L, C = hh.Exponential, hh.Sigmoid, hh.Linoid, hh.Constant
SHAPES = [
    [[(3, L, E), (1, E, S)], [(4, L, E)], []],
    [[(2, S, C)], [(1, C, E), (5, S, S)]],
    [[]],
    [[(1, E, E), (2, L, L), (3, C, S)]],
]


def random_cell(seed):
    rng = np.random.default_rng(seed)
    channels = []
    for c, gates in enumerate(SHAPES[seed % len(SHAPES)]):
        named = tuple(
            hh.Gate(f"x{c}{k}", power, random_rate(alpha, rng), random_rate(beta, rng))
            for k, (power, alpha, beta) in enumerate(gates)
        )
        channels.append(hh.Channel(f"c{c}", rng.uniform(0, 100), rng.uniform(-90, 50), named))
    return hh.Cell("random", tuple(channels), C=rng.uniform(0.5, 3))


def random_rate(kind, rng):
    size = 10 ** rng.uniform(-2, 1)
    if kind is C:
        return C(size)
    return kind(size, rng.uniform(-80, 40), rng.choice([-1, 1]) * rng.uniform(3, 30))


cells = st.builds(random_cell, st.integers(0, 10**6))


def slow_rate(rate: Rate, V: float) -> float:
    """A rate in plain Python, from its documented formula."""
    if isinstance(rate, hh.Constant):
        return rate.rate
    u = (V - rate.mid) / rate.scale
    if isinstance(rate, hh.Exponential):
        return rate.rate * math.exp(u)
    if isinstance(rate, hh.Sigmoid):
        return rate.rate / (1 + math.exp(-u))
    return rate.rate * (u / -math.expm1(-u) if u else 1.0)


def slow_drift(cell, V, x):
    dV, dx, k = 0.0, [], 0
    for channel in cell.channels:
        open_fraction = 1.0
        for gate in channel.gates:
            alpha, beta = (slow_rate(rate, V) for rate in gate.rates)
            dx.append(alpha * (1 - x[k]) - beta * x[k])
            open_fraction *= x[k] ** gate.power
            k += 1
        dV -= channel.g * open_fraction * (V - channel.E)
    return [dV / cell.C, *dx]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cell=cells, V=st.floats(-100, 60), data=st.data())
def test_random_tables_give_the_drift_they_say(cell, V, data):
    x = [data.draw(st.floats(0, 1)) for _ in cell.gates]
    got = hh.Network(1, cell=cell).sde().f(np.array([V, *x]), 0.0)
    np.testing.assert_allclose(got, slow_drift(cell, V, x), rtol=1e-11, atol=1e-9)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cell=cells, V=st.floats(-200, 200), low=st.booleans())
def test_gates_are_driven_inward_at_the_ends_of_their_range(cell, V, low):
    x = np.array([V] + [0.0 if low else 1.0] * len(cell.gates))
    dx = hh.Network(1, cell=cell).sde().f(x, 0.0)
    assert np.all(np.isfinite(dx))
    assert np.all(dx[1:] >= 0 if low else dx[1:] <= 0)


SCALES = {
    "one base": [(80.0, 40.0), (20.0, 16.0)],
    "two signs": [(80.0, -80.0), (-20.0, 20.0)],
    "no common base": [(7.0, 11.0), (13.0, -17.0)],
    "too steep to share": [(0.5, 1.0), (2.0, 4.0)],
}


@pytest.mark.parametrize("which", SCALES)
def test_shared_exponentials_change_nothing(which):
    """Rates from powers of a common exponential against each by itself."""
    (a, b), (c, d) = SCALES[which]
    gates = (
        hh.Gate("x", 2, hh.Linoid(0.7, -35.0, a), hh.Exponential(0.3, -50.0, b)),
        hh.Gate("y", 1, hh.Exponential(0.2, -60.0, c), hh.Sigmoid(0.9, -30.0, d)),
    )
    cell = hh.Cell("test", (hh.Channel("A", g=3.0, E=40.0, gates=gates),))
    f = hh.Network(1, cell=cell).sde().f
    for V in (-90.0, -50.0, -35.0, -35.0 + 1e-6, -34.0, 0.0, 45.0):
        expected = slow_drift(cell, V, [0.3, 0.6])
        np.testing.assert_allclose(
            f(np.array([V, 0.3, 0.6]), 0.0), expected, rtol=3e-14, atol=1e-13
        )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(cell=cells, n=st.integers(2, 9), seed=st.integers(0, 99))
def test_permuting_the_neurons_permutes_the_drift(cell, n, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    W, I = rng.uniform(0, 1, (n, n)), rng.uniform(-5, 5, n)
    x = rng.uniform(0, 1, (2 + len(cell.gates), n))
    x[0] = rng.uniform(-90, 50, n)
    drifts = []
    for p in (np.arange(n), order):
        synapses = [hh.Synapse.sigmoidal(weights=W[np.ix_(p, p)]), hh.GapJunction(W[np.ix_(p, p)])]
        net = hh.Network(n, cell=cell, stimulus=I[p], synapses=synapses)
        drifts.append(net.sde().f(x[:, p].ravel(), 0.0).reshape(x.shape))
    np.testing.assert_allclose(drifts[1], drifts[0][:, order], rtol=1e-11, atol=1e-11)


def test_a_gate_without_a_steady_state_is_named():
    frozen = hh.Gate("a", 1, alpha=hh.Constant(0.0), beta=hh.Constant(0.0))
    with pytest.raises(ValueError, match=r"a has no steady state at V = -65 mV \(neuron 0\)"):
        hh.Network(1, cell=_cell_with(frozen)).sde()


def test_f_takes_any_layout_of_x_and_refuses_another_size(pair):
    sde = pair.sde()
    matrix = np.random.default_rng(1).uniform(0, 1, (10, 3))
    assert np.array_equal(sde.f(matrix[:, 1], 0.0), sde.f(matrix[:, 1].copy(), 0.0))
    assert np.array_equal(sde.f(matrix[:, 1].tolist(), 0.0), sde.f(matrix[:, 1].copy(), 0.0))
    for size in (8, 12, 20):
        with pytest.raises(ValueError, match=r"x must have shape \(10,\)"):
            sde.f(np.zeros(size), 0.0)

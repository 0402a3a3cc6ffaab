"""Bad input to cells, channels, synapses, noise and networks is named."""

import numpy as np
import pytest
import scipy.sparse

import hh_sde as hh

CLASSIC = hh.CELLS["hodgkin_huxley"]
GATE = CLASSIC.gates[0]

BAD = [
    (lambda: hh.Exponential(1.0, -65.0, 0.0), "Exponential.scale must not be 0"),
    (lambda: hh.Linoid(-1.0, -65.0, 10.0), "Linoid.rate must not be negative, got -1.0"),
    (lambda: hh.Sigmoid(1.0, np.inf, 10.0), "Sigmoid.mid must be finite"),
    (lambda: hh.Constant("x"), "Constant.rate must be a number or one number per neuron, got 'x'"),
    (
        lambda: hh.Tabulated(0.0, -1.0, [1.0, 2.0]),
        r"Tabulated.step must be positive \(mV\), got -1",
    ),
    (lambda: hh.Tabulated(0.0, 1.0, [1.0]), "at least two points, got 1"),
    (lambda: hh.Tabulated.sample(lambda V: 1 / V, start=0.0), "not finite at V = 0 mV"),
    (
        lambda: hh.Gate("m", 0, alpha=GATE.alpha, beta=GATE.beta),
        "power must be 1, 2, 3, ..., got 0",
    ),
    (lambda: hh.Gate("m", 1, alpha=GATE.alpha), "give alpha and beta, or x_inf and tau; got alpha"),
    (lambda: hh.Gate("m", 1, alpha=1.0, beta=2.0), "alpha must be a Rate"),
    (
        lambda: hh.Gate("m 1", 1, alpha=GATE.alpha, beta=GATE.beta),
        "letters, digits and _, got 'm 1'",
    ),
    (lambda: hh.Channel("Na", g=-1.0, E=50.0), "g_Na must not be negative, got -1.0"),
    (lambda: hh.Channel("Na", g=1.0, E=50.0, gates=["m"]), "gates must be Gate, got 'm'"),
    (lambda: CLASSIC.replace(gNa=1.0), "hodgkin_huxley has no parameter 'gNa'; it has C, V0, g_Na"),
    (lambda: CLASSIC.replace(C=0.0), "C must be positive, got 0.0"),
    (lambda: hh.Cell("twice", CLASSIC.channels[:1] * 2), "two channels of one cell are called Na"),
    (
        lambda: hh.Cell("c", (CLASSIC.channels[0], CLASSIC.channels[0].replace(name="Na2"))),
        "two gates of one cell are called m, h",
    ),
    (lambda: hh.Synapse.sigmoidal([[0, 1, 2]]), r"must be a square matrix, got shape \(1, 3\)"),
    (lambda: hh.Synapse.sigmoidal([[0, -1], [1, 0]]), "finite and not negative"),
    (lambda: hh.Synapse.sigmoidal("x"), "weights of sigmoidal must be a number, a square matrix"),
    (lambda: hh.Synapse.sigmoidal(0.1, w=0.0), "w must be positive"),
    (lambda: hh.CurrentNoise(-1.0), "CurrentNoise.sigma must not be negative"),
    (lambda: hh.CurrentNoise(1.0, correlation=1.5), "negative eigenvalue"),
    (lambda: hh.CurrentNoise(1.0, correlation=[[1, 0.5], [0.4, 1]]), "symmetric matrix with ones"),
    (lambda: hh.Network(3, noise=hh.CurrentNoise(1.0, correlation=-0.9)), "negative eigenvalue"),
    (lambda: hh.Network(0), "n_neurons must be 1, 2, 3, ..., got 0"),
    (lambda: hh.Network(2.0), "n_neurons must be 1, 2, 3, ..., got 2.0"),
    (
        lambda: hh.Network(1, cell="squid"),
        "cell must be a Cell or one of hodgkin_huxley; got 'squid'",
    ),
    (lambda: hh.Network(1, synapses=["x"]), "synapses must be Synapse or GapJunction, got 'x'"),
    (lambda: hh.Network(1, synapses="AMPA"), r"got 'AMPA'; an entry of SYNAPSES is called with"),
    (lambda: hh.Network(1, synapses=hh.SYNAPSES["AMPA"]), "an entry of SYNAPSES is called with"),
    (lambda: hh.Network(1, cell=["squid"]), r"cell must be a Cell or one of .* got \['squid'\]"),
    (
        lambda: hh.Network(
            1, cell=hh.Cell("c", (hh.Channel("A", 1.0, 0.0, (GATE.replace(name="time"),)),))
        ),
        "time cannot be a gate's name",
    ),
    (
        lambda: hh.Network(1, noise=1.0),
        "noise must be None, one of CurrentNoise, .*, or several of them, got 1.0",
    ),
    (
        lambda: hh.Network(3, cell=CLASSIC.replace(g_K=[1.0, 2.0])),
        r"g_K has 2 values; a network of 3 neurons takes one number or an array of shape \(3,\)",
    ),
    (
        lambda: hh.Network(3, synapses=hh.Synapse.sigmoidal([[0, 1], [1, 0]])),
        r"weights of sigmoidal have shape \(2, 2\); a network of 3 neurons takes shape \(3, 3\)",
    ),
    (lambda: hh.Network(3, noise=hh.CurrentNoise([1.0, 2.0])), "CurrentNoise.sigma has 2 values"),
    (
        lambda: hh.Network(3, noise=hh.CurrentNoise(1.0, correlation=np.eye(2))),
        r"correlation has shape \(2, 2\); a network of 3 neurons",
    ),
    (
        lambda: hh.Network(1, synapses=[hh.Synapse.sigmoidal(0.1), hh.Synapse.sigmoidal(0.2)]),
        "the state variables s_sigmoidal stand for two things",
    ),
    (lambda: GATE.replace(pwoer=2), "Gate has no parameter 'pwoer'; it has name, power, alpha"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_tables(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_records_compare_by_value_and_do_not_change():
    assert CLASSIC.replace(E_L=-54.4) == CLASSIC.replace(E_L=-54.4) != CLASSIC
    assert hh.Constant([1.0, 2.0]) == hh.Constant(np.array([1.0, 2.0]))
    with pytest.raises(AttributeError):
        CLASSIC.C = 2.0
    with pytest.raises(ValueError, match="read-only"):
        hh.Constant([1.0, 2.0]).rate[0] = 5.0


@pytest.mark.parametrize("name", hh.CELLS)
def test_every_cell_states_its_source_and_runs(name):
    assert "doi:" in hh.CELLS[name].source
    ds = hh.solve(hh.Network(2, cell=name, stimulus=5.0), 5.0)
    assert np.all(np.isfinite(ds.V))


@pytest.mark.parametrize("name", hh.SYNAPSES)
def test_every_synapse_runs(name):
    net = hh.Network(2, synapses=hh.SYNAPSES[name](weights=0.05), stimulus=10.0)
    assert np.all(np.isfinite(hh.solve(net, 5.0).V))


def test_what_numpy_gives_is_taken():
    data = np.random.default_rng(0).normal(size=(3, 50))
    assert hh.Network(3, noise=hh.CurrentNoise(1.0, correlation=np.corrcoef(data))).sde().m == 3
    assert GATE.replace(power=np.int64(4)).power == 4


def test_a_users_sparse_matrix_is_copied():
    weights = scipy.sparse.csr_array([[0.0, 0.1], [0.1, 0.0]])
    synapse = hh.Synapse.sigmoidal(weights)
    weights.data[:] = 5.0
    assert synapse.weights.max() == 0.1

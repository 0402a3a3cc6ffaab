"""Bad input to cells, channels, synapses, noise and networks is named."""

import dataclasses
import inspect
import pydoc

import numpy as np
import pytest
import scipy.sparse
import xarray as xr

import hh_sde as hh
from hh_sde.records import fields_of

CLASSIC = hh.CELLS["hodgkin_huxley"]
GATE = CLASSIC.gates[0]

BAD = [
    (lambda: hh.Exponential(1.0, -65.0, 0.0), "Exponential.scale must not be 0"),
    (lambda: hh.Linoid(-1.0, -65.0, 10.0), "Linoid.rate must not be negative, got -1.0"),
    (lambda: hh.Sigmoid(1.0, np.inf, 10.0), "Sigmoid.mid must be finite"),
    (lambda: hh.Constant("x"), "Constant.rate must be a number or one number per neuron, got 'x'"),
    (
        lambda: hh.Tabulated(0.0, -1.0, [1.0, 2.0]),
        r"Tabulated.step \(mV\) must be positive, got -1",
    ),
    (lambda: hh.Tabulated(0.0, 1.0, [1.0]), "at least two points and at most 10000000, got 1"),
    (lambda: hh.Tabulated.sample(lambda V: 1 / V, start=0.0), "not finite at V = 0 mV"),
    (
        lambda: hh.Gate("m", 0, alpha=GATE.alpha, beta=GATE.beta),
        "power must be 1, 2, 3, ..., got 0",
    ),
    (
        lambda: hh.Gate("m", 1, alpha=GATE.alpha),
        "give alpha and beta, or x_inf and tau, or x_inf alone; got alpha",
    ),
    (lambda: hh.Gate("m", 1, alpha=1.0, beta=2.0), "alpha must be a Rate"),
    (
        lambda: hh.Gate("m 1", 1, alpha=GATE.alpha, beta=GATE.beta),
        "letters, digits and _, got 'm 1'",
    ),
    (lambda: hh.Channel("Na", g=-1.0, E=50.0), "g_Na must not be negative, got -1.0"),
    (
        lambda: hh.Channel("Na", g=1.0, E=50.0, gates=["m"]),
        "gates of channel Na must be Gate",
    ),
    (
        lambda: CLASSIC.replace(gNa=1.0),
        "hodgkin_huxley has no parameter 'gNa'; it has C, V0, temperature",
    ),
    (lambda: CLASSIC.replace(C=0.0), "C must be positive, got 0.0"),
    (lambda: hh.Cell("twice", CLASSIC.channels[:1] * 2), "two channels of one cell are called Na"),
    (
        lambda: hh.Cell("c", (CLASSIC.channels[0], CLASSIC.channels[0].replace(name="Na2"))),
        "two gates of one cell are called m, h",
    ),
    (lambda: hh.Synapse.sigmoidal([0, 1, 2]), r"a matrix \[to, from\] .* array of shape \(3,\)"),
    (
        lambda: hh.Network(3, synapses=hh.Synapse.sigmoidal([[0, 1, 2]])),
        r"weights of sigmoidal have shape \(1, 3\); from 3 neurons to 3 they take shape \(3, 3\)",
    ),
    (lambda: hh.Synapse.sigmoidal([[0, -1], [1, 0]]), "finite and not negative"),
    (lambda: hh.Synapse.sigmoidal("x"), "weights of sigmoidal must be a number, a matrix"),
    (lambda: hh.Synapse.sigmoidal(0.1, w=0.0), "w must be positive"),
    (lambda: hh.CurrentNoise(-1.0), "CurrentNoise.sigma must not be negative"),
    (lambda: hh.CurrentNoise(1.0, correlation=1.5), "must lie between -1 and 1, got 1.5"),
    (lambda: hh.CurrentNoise(1.0, correlation=[[1, 0.5], [0.4, 1]]), "symmetric matrix with ones"),
    (lambda: hh.Network(3, noise=hh.CurrentNoise(1.0, correlation=-0.9)), "negative eigenvalue"),
    (lambda: hh.Network(0), "n_neurons must be 1, 2, 3, ..., got 0"),
    (lambda: hh.Network(2.0), "n_neurons must be 1, 2, 3, ..., got 2.0"),
    (
        lambda: hh.Network(1, cell="squid"),
        "cell must be a Cell or one of hodgkin_huxley, .*; got 'squid'",
    ),
    (
        lambda: hh.Network(1, synapses=["x"]),
        "synapses must be Synapse, EventSynapse or GapJunction, got 'x'",
    ),
    (lambda: hh.Network(1, synapses="AMPA"), r"synapses='AMPA' takes weights beside it"),
    (lambda: hh.Network(1).replace(synapses="AMPA"), r"synapses='AMPA' takes weights beside it"),
    (lambda: hh.Network(1, synapses="ampa", weights=1.0), "no synapse 'ampa'; did you mean AMPA"),
    (lambda: hh.Network(1, weights=0.1), "weights goes with the name of a synapse, .* is ()"),
    (
        lambda: hh.Network(1, synapses=hh.GapJunction(0.1), weights=0.1),
        r"a Synapse has its own weights, and synapses is GapJunction\(weights=0.1\)",
    ),
    (lambda: hh.Network(1).replace(weights=0.1), "weights goes with the name of a synapse"),
    (lambda: hh.Network(1, synapses=["AMPA"]), "got 'AMPA'; an entry of SYNAPSES is called with"),
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
        r"one of CurrentNoise, .*, or several of them, got 1.0; .* hh_sde.CurrentNoise\(sigma=1.0",
    ),
    (
        lambda: hh.Network(1, noise="current"),
        r'; call it with its numbers, hh_sde.NOISES\["current"\]\(sigma=...\) or hh_sde.CurrentNoi',
    ),
    (
        lambda: hh.Network(1, noise=["conductance"]),
        r"\]\(area=...\) or hh_sde.ConductanceNoise\(area=...\)",
    ),
    (lambda: hh.Network(1, noise=hh.CurrentNoise), r", hh_sde.CurrentNoise\(sigma=...\)"),
    (lambda: hh.Network(1, noise="curent"), "there is no noise 'curent'; did you mean current?"),
    (
        lambda: hh.Network(3, cell=CLASSIC.replace(g_K=[1.0, 2.0])),
        r"g_K has 2 values; 3 neurons take one number or an array of shape \(3,\)",
    ),
    (
        lambda: hh.Network(3, synapses=hh.Synapse.sigmoidal([[0, 1], [1, 0]])),
        r"weights of sigmoidal have shape \(2, 2\); from 3 neurons to 3 they take shape \(3, 3\)",
    ),
    (lambda: hh.Network(3, noise=hh.CurrentNoise([1.0, 2.0])), "CurrentNoise.sigma has 2 values"),
    (
        lambda: hh.Network(3, noise=hh.CurrentNoise(1.0, correlation=np.eye(2))),
        r"correlation has shape \(2, 2\); 3 neurons take",
    ),
    (
        lambda: hh.Network(
            1, synapses=[hh.Synapse.sigmoidal(0.1), hh.Synapse.sigmoidal(0.2, E=-80.0)]
        ),
        "two synapses sigmoidal differ in E or voltage_block: synapses of one name are of one kind",
    ),
    (lambda: GATE.replace(pwoer=2), "Gate has no parameter 'pwoer'; it has name, power, alpha"),
    (lambda: GATE.replace(pwoer=2), "did you mean power"),
    (lambda: CLASSIC.replace(gNa=1.0), r"; did you mean g_Na\?"),
    (
        lambda: hh.Network(1, cell="Hodgkin-Huxley"),
        r"; did you mean hodgkin_huxley or hodgkin_huxley_1952\?",
    ),
    (lambda: hh.SubunitNoise(100.0, bounds="clipp"), r"; did you mean clip\?"),
    (lambda: hh.Channel("Na", 1.0, 50.0, gates=GATE), r"got Gate\(.*; write \(it,\) for one alone"),
    (lambda: hh.Cell("c", channels=hh.Channel("L", 1.0, 0.0)), r"write \(it,\) for one alone"),
    (lambda: hh.Network(1, synapses=0.1), "or a tuple or list of them, got 0.1"),
    (lambda: hh.Network(1, synapses=[hh.SYNAPSES["AMPA"]]), "an entry of SYNAPSES is called with"),
    (
        lambda: hh.Gate("p", 5000, alpha=GATE.alpha, beta=GATE.beta),
        "must not be above 100",
    ),
    (
        lambda: hh.Gate("p", True, alpha=GATE.alpha, beta=GATE.beta),
        "must be 1, 2, 3, ..., got T",
    ),
    (
        lambda: hh.Network(1, cell=channel(("p", 9), ("q", 9)), noise=hh.ConductanceNoise(100.0)),
        "channel X has 100 states, .* takes up to 32",
    ),
    (lambda: hh.Tabulated.sample(np.exp, step=0), "step must be positive, got 0"),
    (lambda: hh.Tabulated.sample(np.exp, step=1e-12), "no grid of 2 to 10000000 points"),
    (lambda: hh.Tabulated.sample(np.exp, stop=np.inf), "stop must be finite"),
    (lambda: hh.Tabulated.sample(lambda V: 1j * V), "the function must be one that gives numbers"),
    (lambda: hh.Tabulated.sample(lambda V: V[:3]), r"the shape of V, \(30001,\), got \(3,\)"),
    (lambda: hh.Tabulated(0.0, 1e-320, [1.0, 2.0]), "there is no grid from 0 mV"),
    (lambda: hh.Tabulated(0.0, 1.0, [1.0, 2.0], error="x"), "Tabulated.error must be a number"),
    (lambda: by_tau(hh.Constant(0.5), hh.Constant(0.0)), r"tau of gate p must be positive \(ms\)"),
    (
        lambda: by_tau(hh.Constant(0.5), hh.Tabulated(0.0, 1.0, [1.0, 0.0])),
        r"tau of gate p must be positive \(ms\)",
    ),
    (lambda: hh.SubunitNoise(numbers={}), "numbers names no channel, which is no noise"),
    (lambda: hh.SubunitNoise(numbers=3.0), "numbers must give a number to names of channels"),
    (lambda: hh.SubunitNoise(100.0, each_subunit=1), "each_subunit must be True or False, got 1"),
    (lambda: hh.ConductanceNoise(100.0, transitions=[]), "transitions is empty, which is no noise"),
    (lambda: hh.ConductanceNoise(100.0, transitions="K"), "transitions must be pairs"),
    (lambda: hh.SubunitNoise(100.0, bounds=csr()), "SubunitNoise.bounds must be one of none, abs"),
    (lambda: hh.Network(10**5000), "n_neurons = int that cannot be printed would .* not fit"),
    (lambda: hh.Network(1).steady_state(np.nan), "V must be finite, got nan"),
    (
        lambda: hh.Network(10**12),
        r"tables of n_neurons = 1000000000000 would take 109 TiB, .* not fit",
    ),
    (lambda: hh.Network(10**6, noise=hh.CurrentNoise(1.0, correlation=0.1)), "does not fit"),
    (
        lambda: hh.Network(2, noise=hh.CurrentNoise(1.0, correlation=[[np.nan] * 2] * 2)),
        "symmetric",
    ),
    (lambda: hh.Synapse.sigmoidal(0.1, w=[1.0, 2.0]), "w must be one number"),
]


def channel(*powers):
    rates = {"alpha": GATE.alpha, "beta": GATE.beta}
    gates = tuple(hh.Gate(name, power, **rates) for name, power in powers)
    return hh.Cell("c", (hh.Channel("X", 1.0, 0.0, gates, density=1.0),))


def by_tau(x_inf, tau):
    return hh.Gate("p", 1, x_inf=x_inf, tau=tau)


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


NOT_NUMBERS = [
    True,
    "1",
    "a",
    1j,
    None,
    [1.0, True],
    [1.0, "2"],
    np.array([True, False]),
    np.array([1j, 0j]),
    np.datetime64("2020-01-01"),
    np.timedelta64(5, "ms"),
    np.ma.masked_array([1.0, 2.0], mask=[True, False]),
    10**5000,
    [[1.0], [1.0, 2.0]],
    object(),
    {"a": 1.0},
]


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "make",
    [
        hh.Constant,
        hh.Synapse.sigmoidal,
        hh.ConstantCurrent,
        lambda value: hh.CurrentNoise(1.0, correlation=[value, value]),
        lambda value: hh.SampledCurrent(value, dt=1.0),
        lambda value: hh.SDE(lambda x, t: x, lambda x, t: np.zeros((len(x), 0)), value),
    ],
)
def test_what_is_not_a_number_is_refused(make, value):
    with pytest.raises(TypeError, match=r"must be .*number") as info:
        make(value)
    assert len(str(info.value)) < 400


def test_a_masked_array_without_masked_entries_is_numbers():
    assert hh.Constant(np.ma.masked_array([1.0, 2.0])) == hh.Constant([1.0, 2.0])


@pytest.mark.parametrize(
    ("x_inf", "V"),
    [
        (hh.Constant(1.2), -150.0),
        (hh.Exponential(0.5, -65.0, 10.0), -65.0 + 10.0 * np.log(2.0)),
        (hh.Exponential(0.5, -65.0, -10.0), -65.0 - 10.0 * np.log(2.0)),
        (hh.Exponential(2.0, -500.0, 10.0), -150.0),
        (hh.Exponential(2.0, 500.0, -10.0), 150.0),
        (hh.Sigmoid(2.0, -30.0, 5.0), -30.0),
        (hh.Linoid(1.0, -40.0, 10.0), -40.0),
        (hh.Linoid(0.5, -40.0, 10.0), -40.0 + 10.0 * 1.5936242600400401),  # u/(1 - e^-u) = 2
        (hh.Linoid(2.0, -40.0, 10.0), -40.0 - 10.0 * 1.2564312086261697),  # u/(1 - e^-u) = 1/2
        (hh.Tabulated(-100.0, 50.0, [0.0, 1.0, 1.5, 0.5]), 0.0),
        (hh.Tabulated(-1000.0, 2000.0, [0.0, 1.8]), 150.0),
    ],
)
def test_a_steady_state_above_1_is_refused_with_its_potential(x_inf, V):
    with pytest.raises(ValueError, match="x_inf of gate p must lie between 0 and 1") as info:
        by_tau(x_inf, hh.Constant(1.0))
    assert float(str(info.value).split("V = ")[1].split()[0]) == pytest.approx(V, rel=1e-5)


def test_steady_states_up_to_1_are_taken():
    for x_inf in (
        hh.Constant(1.0),
        hh.Sigmoid(1.0, -30.0, 5.0),
        hh.Sigmoid(1.0, -30.0, -0.5),
        hh.Exponential(0.5, 500.0, 10.0),
        hh.Exponential(0.5, -500.0, -10.0),
        hh.Tabulated.sample(lambda V: 1 / (1 + np.exp(-V)), step=1.0),
    ):
        by_tau(x_inf, hh.Constant(1.0))


def csr():
    return scipy.sparse.csr_array(([1.0, 1.0], [0, 1], [0, 1, 2]), shape=(2, 2))


def damaged():
    """Sparse matrices whose indices lead outside of them."""
    found = {}
    for name, indices in {"high": [0, 10**8], "negative": [0, -(10**8)]}.items():
        for form in ("csr", "csc", "bsr"):
            matrix = csr().asformat(form)
            matrix.indices[:] = indices
            found[f"{form} {name}"] = matrix
    for name, indptr in {
        "past": [0, 10**8, 2],
        "falling": [0, -5, 2],
        "late": [1, 1, 2],
        "back to 0": [0, 10**8, 0],
        "below": [0, 0, -1],
        "long": [0, 1, 10**8],
    }.items():
        found[f"pointers {name}"] = csr()
        found[f"pointers {name}"].indptr[:] = indptr
    found["coo"] = csr().tocoo()
    found["coo"].coords[0][:] = 10**8
    found["lil"] = csr().tolil()
    found["lil"].rows[0] = [10**7]
    found["lil lengths"] = csr().tolil()
    found["lil lengths"].data[0] = []
    return found


@pytest.mark.parametrize("name", damaged())
@pytest.mark.parametrize(
    "make",
    [
        hh.Synapse.sigmoidal,
        hh.GapJunction,
        lambda matrix: hh.CurrentNoise(1.0, correlation=matrix),
    ],
)
def test_a_damaged_sparse_matrix_is_refused(make, name):
    with pytest.raises(ValueError, match="is a damaged sparse matrix: "):
        make(damaged()[name])


@pytest.mark.parametrize("kind", [bool, complex])
def test_a_sparse_matrix_of_other_than_numbers_is_refused(kind):
    with pytest.raises(TypeError, match="must hold numbers, got a sparse matrix of"):
        hh.GapJunction(csr().astype(kind))


@pytest.mark.parametrize("form", ["csr", "csc", "bsr", "coo", "lil", "dok", "dia"])
def test_every_sparse_format_is_taken(form):
    weights = scipy.sparse.csr_array([[0.0, 0.1], [0.3, 0.0]])
    assert hh.GapJunction(weights.asformat(form)) == hh.GapJunction(weights)


def test_sparse_weights_do_not_change():
    synapse = hh.Synapse.sigmoidal(csr())
    for part in (synapse.weights.data, synapse.weights.indices, synapse.weights.indptr):
        with pytest.raises(ValueError, match="read-only"):
            part[:] = 10**8


def test_a_sparse_correlation_is_that_matrix():
    matrix = np.array([[1.0, 0.5], [0.5, 1.0]])
    sparse = hh.CurrentNoise(1.0, correlation=scipy.sparse.csr_array(matrix))
    assert sparse == hh.CurrentNoise(1.0, correlation=matrix)


def test_functions_of_a_network_look_at_the_shape_of_x():
    sde = hh.Network(1, noise=hh.SubunitNoise(area=100.0)).sde()
    for function in (sde.f, sde.G, sde.correction, sde.columns[0]):
        with pytest.raises(
            ValueError, match=r"x must have shape \(4,\) or \(4, trials\), got \(1,\)"
        ):
            function(np.zeros(1), 0.0)


def own_sde(f=lambda x, t: -x, G=lambda x, t: np.ones((2, 1)), **options):
    return hh.SDE(f, G, [1.0, 2.0], **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: own_sde(program="junk"), r"program is what Network\(...\).sde\(\) makes"),
        (lambda: own_sde(f=lambda x, t: -1j * x), r"f\(x0, 0\) must be real numbers, got array"),
        (lambda: own_sde(f=lambda x, t: ["a", "b"]), r"f\(x0, 0\) must be real numbers, got \["),
        (lambda: own_sde(f=lambda x, t: None), r"f\(x0, 0\) must be real numbers, got None"),
        (lambda: own_sde(f=lambda x, t: x[:1]), r"f\(x0, 0\) must have shape \(2,\) like x0, got"),
        (lambda: own_sde(f=lambda x, t: x / (x - 2)), r"f\(x0, 0\)\[1\] is inf: f must be finite"),
        (lambda: own_sde(f=3.0), r"f must be a function f\(x, t\), got 3.0"),
        (lambda: own_sde(G=lambda x, t: x), r"G\(x0, 0\) must have shape \(2, m\), got \(2,\)"),
        (lambda: own_sde(G=lambda x, t: np.full((2, 1), np.nan)), r"G\(x0, 0\)\[0, 0\] is nan"),
        (lambda: own_sde(G=lambda x, t: [["a"], ["b"]]), r"G\(x0, 0\) must be real numbers"),
        (
            lambda: own_sde(area_groups=[0.5]),
            r"area_groups must have shape \(1,\), one whole number",
        ),
        (lambda: own_sde(names=[1, 2]), r"names must be text"),
        (lambda: own_sde(columns=[]), "columns must be 1 functions"),
        (lambda: own_sde(m="1"), "m must be 0, 1, 2, ..., got '1'"),
        (lambda: own_sde(noise_type="adittive"), r"; did you mean additive\?"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_equations(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize("x0", [[True] * 4, ["1"] * 4, np.ones(4) * 1j, np.ma.masked_all(4)])
def test_a_start_that_is_no_numbers_is_refused(x0):
    with pytest.raises(TypeError, match=r"x0 must be an array of real numbers, .* got"):
        hh.solve(hh.Network(1), 1.0, x0=x0)


def test_a_program_goes_with_its_equation_alone():
    sde = hh.Network(2, noise=hh.CurrentNoise(1.0)).sde()
    for changes in ({"m": 1, "area_groups": None, "columns": None}, {"area_groups": [0, 0]}):
        with pytest.raises(ValueError, match="program belongs to an equation with 8 components"):
            dataclasses.replace(sde, **changes)
    assert sde.without_noise().program is not None


@pytest.mark.parametrize("name", hh.CELLS)
def test_every_cell_states_its_source_and_runs(name):
    assert "doi:" in hh.CELLS[name].reference
    ds = hh.solve(hh.Network(2, cell=name, stimulus=5.0), 5.0, method="strang")
    assert np.all(np.isfinite(ds.V))


@pytest.mark.parametrize("name", hh.SYNAPSES)
def test_every_synapse_runs(name):
    takes = inspect.signature(hh.SYNAPSES[name]).parameters.values()
    needed = {one.name: 2.0 for one in takes if one.default is one.empty}
    synapse = hh.SYNAPSES[name](**{**needed, "weights": 0.05})
    net = hh.Network(2, synapses=synapse, stimulus=10.0)
    # exact flows: rates of the pyloric synapses grow without bound during a spike
    assert np.all(np.isfinite(hh.solve(net, 5.0, method="lie_trotter").V))


def test_what_numpy_gives_is_taken():
    data = np.random.default_rng(0).normal(size=(3, 50))
    assert hh.Network(3, noise=hh.CurrentNoise(1.0, correlation=np.corrcoef(data))).sde().m == 3
    assert GATE.replace(power=np.int64(4)).power == 4


def test_a_users_sparse_matrix_is_copied():
    weights = scipy.sparse.csr_array([[0.0, 0.1], [0.1, 0.0]])
    synapse = hh.Synapse.sigmoidal(weights)
    weights.data[:] = 5.0
    assert synapse.weights.max() == 0.1


def test_a_named_synapse_with_weights_is_that_entry():
    weights = [[0.0, 0.1], [0.2, 0.0]]
    net = hh.Network(2, synapses=hh.SYNAPSES["GABA_A"](weights))
    assert hh.Network(2, synapses="GABA_A", weights=weights) == net
    assert hh.Network(2).replace(synapses="GABA_A", weights=weights) == net
    gap = hh.Network(2, synapses="gap_junction", weights=0.1)
    assert gap.synapses == (hh.GapJunction(0.1),)


def test_a_cell_called_with_changes_is_replaced():
    assert CLASSIC(g_Na=100.0, name="own") == CLASSIC.replace(g_Na=100.0, name="own") != CLASSIC
    with pytest.raises(ValueError, match=r"no parameter 'gNa'.* did you mean g_Na\?"):
        CLASSIC(gNa=1.0)


# -- tables ---------------------------------------------------------------------------------------


@hh.studies.study
def own(net: hh.Network, t_end: float = 10.0, *, dt: float = 0.05, rng=None) -> xr.Dataset:
    """Where V ends.

    References
    ----------
    A paper.
    """
    return hh.solve(net, t_end, dt=dt, rng=rng)[["V"]].isel(time=-1)


OWN = {
    "CELLS": hh.CELLS["hodgkin_huxley"](name="own", g_Na=100.0),
    "SYNAPSES": hh.Synapse("own", 0.0, hh.Sigmoid(1.0, 0.0, 5.0), hh.Constant(0.1), E=-20.0),
    "NOISES": hh.CurrentNoise,
    "STIMULI": hh.StepCurrent,
    "METHODS": hh.METHODS["heun"],
    "STUDIES": own,
    "PROBLEMS": hh.problems.cubic(0.1),
}
TABLES = {
    "STUDIES": hh.studies.STUDIES,
    "PROBLEMS": hh.problems.PROBLEMS,
    **{name: getattr(hh, name) for name in ("CELLS", "SYNAPSES", "NOISES", "STIMULI", "METHODS")},
}


@pytest.mark.parametrize("name", OWN)
def test_a_table_takes_an_entry_of_ones_own(name):
    table = TABLES[name]
    before = list(table)
    table["own"] = OWN[name]
    try:
        assert list(table) == [*before, "own"]
        table["own"] = OWN[name]  # a notebook's cell is run again
        assert "\n  own" in repr(table)
        if name == "CELLS":
            assert hh.Network(1, "own").cell.parameters["g_Na"] == 100.0
        if name == "SYNAPSES":
            net = hh.Network(2, synapses="own", weights=0.1)
            assert net.synapses == (OWN[name].replace(weights=0.1),)
    finally:
        del table["own"]
    assert list(table) == before


@pytest.mark.parametrize("name", OWN)
def test_a_table_keeps_its_own_and_names_what_it_has(name):
    table = TABLES[name]
    first = next(iter(table))
    with pytest.raises(ValueError, match=f"{first!r} of {name} is the library's own: choose anoth"):
        table[first] = OWN[name]
    with pytest.raises(ValueError, match=f"{first!r} of {name} is the library's own: it stays"):
        del table[first]
    with pytest.raises(ValueError, match="must be letters, digits and _, got 'a b'"):
        table["a b"] = OWN[name]
    with pytest.raises(TypeError, match=rf"{name}\['own'\] takes a .* got 3"):
        table["own"] = 3
    with pytest.raises(KeyError) as info:
        table[first[:-1]]
    assert str(info.value).startswith("there is no ")
    assert f"did you mean {first}" in str(info.value)
    assert ", ".join(table) in str(info.value)
    assert "own" not in table
    assert table.get("own") is None


def test_an_entry_has_the_name_of_what_it_is():
    with pytest.raises(ValueError, match=r"is called 'hodgkin_huxley': .*replace\(name='mine'\)"):
        hh.CELLS["mine"] = CLASSIC
    with pytest.raises(ValueError, match=r"is called 'own': .*replace\(name='mine'\)"):
        hh.SYNAPSES["mine"] = OWN["SYNAPSES"]
    with pytest.raises(TypeError, match="has an argument weights"):
        hh.SYNAPSES["mine"] = hh.CurrentNoise


def test_a_function_for_a_synapse_is_held_to_what_it_makes():
    hh.SYNAPSES["odd"] = lambda weights: weights
    try:
        with pytest.raises(TypeError, match=r"SYNAPSES\['odd'\] made no Synapse .* but 0.1"):
            hh.Network(1, synapses="odd", weights=0.1)
    finally:
        del hh.SYNAPSES["odd"]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "CELLS",
            [
                "  wang_buzsaki: Na (m^3 h), K (n^4), L",
                "    C = 1 uF/cm^2, V0 = -64 mV, g_Na = 35 mS/cm^2, E_Na = 55 mV, g_K = 9 mS/cm^2,",
                "    Wang & Buzsaki 1996, J. Neurosci. 16, 6402, doi:10.1523/JNEUROSCI",
            ],
        ),
        (
            "SYNAPSES",
            [
                "  AMPA: A chemical synapse, ds/dt = alpha (1 - s) - beta s, I = w s (V - E).",
                "    weights (mS/cm^2), E = 0 mV, alpha = Sigmoid(rate=1.1, mid=2.0, scale=5.0),",
                "    Destexhe, Mainen & Sejnowski 1994, Neural Comput. 6, 14, doi:10.1162/neco",
                "    weights (mS/cm^2), E = 20 mV, w = 1, rate = 5 1/ms",
            ],
        ),
        ("STIMULI", ["    amplitude (uA/cm^2), frequency (Hz), phase = 0 radian"]),
        (
            "NOISES",
            [
                "    mean (uA/cm^2), sigma (uA/cm^2), tau (ms), name = 'eta'",
                "    Uhlenbeck & Ornstein (1930), Phys. Rev. 36, 823, doi:10.1103/PhysRev.36.823.",
            ],
        ),
        (
            "STUDIES",
            [
                "  reliability: Spike-timing reliability: similarity of trials under one stimulus",
                "    net, sigmas = (0.1, 0.3, 1.0, 3.0) uA/cm^2*ms^0.5, t_end = 500 ms, trials",
                "    Mainen & Sejnowski 1995, Science 268, 1503, doi:10.1126/science.7770778; Sch",
            ],
        ),
        (
            "PROBLEMS",
            [
                "  cubic: dx = -x (1 - x^2)/4 dt + (1 - x^2)/2 dW: x = tanh(W/2 + artanh x0)",
                "    ito, diagonal noise; d = 1, m = 1; known along the path and in mean and "
                "covariance\n    Kloeden & Platen",
                "    ito, additive noise; d = 2, m = 1; known in mean and covariance\n    Gardiner",
            ],
        ),
        (
            "METHODS",
            [
                "  heun: stochastic Heun",
                "    stratonovich; strong order 1 (additive, diagonal, commutative), 0.5 (general)",
                "    ode; tolerances rtol, atol",
                "    Ruemelin 1982, SIAM J. Numer. Anal. 19, 604, doi:10.1137/0719041",
            ],
        ),
    ],
)
def test_a_table_shows_what_its_entries_are(name, lines):
    table = TABLES[name]
    text = repr(table)
    assert max(map(len, text.splitlines())) <= 100
    for line in lines:
        assert f"\n{line}" in text
    shown = table._repr_html_()
    assert shown.count("<tr>") == len(table) + 1
    assert all(f">{entry}<" in shown for entry in table)


@pytest.mark.parametrize(
    ("entry", "lines"),
    [
        (
            hh.METHODS["heun"],
            ["Method: stochastic Heun", "order 1 (additive, diagonal, commutative)", "Ruemelin 19"],
        ),
        (hh.problems.PROBLEMS["cubic"], ["SolvedProblem: dx = -x", "along the path", "Kloeden"]),
    ],
)
def test_an_entry_shows_what_its_table_shows(entry, lines):
    shown = repr(entry)
    assert len(shown.splitlines()) <= 4
    for text in (shown, entry._repr_html_(), pydoc.plain(pydoc.render_doc(entry))):
        assert all(line.split(": ")[-1] in text for line in lines)
    again = dataclasses.replace(entry, summary="another")
    assert "another" in repr(again)
    assert "another" in (again.__doc__ or "")
    assert type(entry).__doc__ != entry.__doc__


def test_a_study_of_ones_own_is_run_and_made_again():
    hh.studies.STUDIES["own"] = own
    try:
        ds = hh.studies.STUDIES["own"](hh.Network(1, noise=hh.CurrentNoise(1.0)), t_end=1.0)
        assert ds.attrs["study"] == "own"
        assert hh.rerun(ds).identical(ds)
        assert hh.rerun(ds, t_end=2.0).time == 2.0
    finally:
        del hh.studies.STUDIES["own"]


def test_a_study_is_held_to_its_arguments_and_its_name():
    with pytest.raises(ValueError, match="a study of that name, by which rerun finds it"):
        hh.studies.STUDIES["mine"] = own
    with pytest.raises(TypeError, match="no argument with a check 'sigmass'; did you mean sigmas"):
        hh.studies.study(lambda net, sigmass, rng=None: None)
    with pytest.raises(TypeError, match=r"must take a network first, net \(or model"):
        hh.studies.study(lambda net: None)


def test_help_on_a_synapse_says_what_it_takes():
    text = pydoc.plain(pydoc.render_doc(hh.SYNAPSES["AMPA"]))
    assert "AMPA(weights, *, E=0.0, alpha=Sigmoid(rate=1.1, mid=2.0, scale=5.0), beta=" in text
    assert "w[i, j] from neuron j to neuron i, mS/cm^2" in text
    assert "Destexhe, Mainen & Sejnowski 1994" in text


@pytest.mark.parametrize("table", ["STIMULI", "DISTRIBUTIONS"])
def test_help_on_an_entry_says_its_parameters_with_their_units(table):
    for name, kind in getattr(hh, table).items():
        text = inspect.getdoc(kind)
        parameters = text.partition("Parameters\n----------\n")[2].partition("\n\n")[0]
        for field, unit in kind.units.items():
            assert field in parameters, (name, field)
            assert unit.partition("*")[0] in parameters, (name, unit)


def test_an_entry_of_synapses_shows_what_it_is():
    shown = repr(hh.SYNAPSES["AMPA"])
    assert shown.startswith('SYNAPSES["AMPA"]: A chemical synapse, ds/dt = alpha (1 - s)')
    assert "weights (mS/cm^2), E = 0 mV" in shown
    assert hh.SYNAPSES["AMPA"](0.1, E=-5.0).E == -5.0


@pytest.mark.parametrize("table", ["STIMULI", "DISTRIBUTIONS"])
def test_a_table_without_references_has_no_column_for_them(table):
    assert "reference" not in getattr(hh, table)._repr_html_()
    assert "reference" in hh.SYNAPSES._repr_html_()


# -- how records show themselves ------------------------------------------------------------------


def test_a_network_shows_itself_in_a_few_lines():
    net = hh.Network(
        2,
        stimulus=10.0,
        synapses=[hh.Synapse.sigmoidal([[0, 0.1], [0.1, 0]]), hh.GapJunction(0.2)],
        noise=hh.CurrentNoise(1.0),
    )
    assert (
        repr(net)
        == """\
Network of 2 neurons with V, m, h, n, s
  cell      hodgkin_huxley     C = 1 uF/cm^2, V0 = -65 mV, temperature = 6.3 degC,
                               g_Na = 120 mS/cm^2, E_Na = 50 mV, g_K = 36 mS/cm^2, E_K = -77 mV,
                               g_L = 0.3 mS/cm^2, E_L = -54.387 mV
  stimulus  ConstantCurrent    amplitude = 10 uA/cm^2
  synapses  Synapse sigmoidal  weights = [[0.0, 0.1], [0.1, 0.0]] mS/cm^2,
                               alpha = Sigmoid(rate=5.0, mid=-3.0, scale=8.0),
                               beta = Constant(rate=1.0), E = 20 mV, delay = 0 ms
            GapJunction        weights = 0.2 mS/cm^2
  noise     CurrentNoise       sigma = 1 uA/cm^2*ms^0.5"""
    )
    shown = net._repr_html_()
    assert ">amplitude = 10 uA/cm^2<" in shown.replace("\N{NO-BREAK SPACE}", " ")
    assert r"\frac{dV}{dt} &amp;=" in shown


def test_a_cell_and_a_channel_show_their_rates():
    cell = hh.CELLS["morris_lecar"]
    assert repr(cell).splitlines()[:8] == [
        "Cell morris_lecar: C = 20 uF/cm^2, V0 = -60 mV",
        "  Ca  g = 4.4 mS/cm^2  E = 120 mV",
        "    m  x_inf = Sigmoid(rate=1.0, mid=-1.2, scale=9.0)",
        "  K   g = 8 mS/cm^2    E = -84 mV",
        "    w  x_inf = Sigmoid(rate=1.0, mid=2.0, scale=15.0)",
        "       tau   = TimeConstant(alpha=Exponential(rate=0.02, mid=2.0, scale=60.0),",
        "               beta=Exponential(rate=0.02, mid=2.0, scale=-60.0))",
        "  L   g = 2 mS/cm^2    E = -60 mV",
    ]
    assert (
        repr(CLASSIC.channels[1])
        == """\
Channel K: g = 36 mS/cm^2, E = -77 mV, density = 18 1/um^2
  n^4  alpha = Linoid(rate=0.1, mid=-55.0, scale=10.0)
       beta  = Exponential(rate=0.125, mid=-65.0, scale=-80.0)"""
    )
    assert r"$g \, m^{3} \, h \, (V - E)$" in CLASSIC._repr_html_()
    assert r"$g \, (V - E)$" in CLASSIC.channels[2]._repr_html_()


def test_what_differs_shows_itself_otherwise_and_large_arrays_in_short():
    gate = GATE.replace(alpha=hh.Constant(0.3))
    channel = CLASSIC.channels[0]
    different = [
        GATE,
        gate,
        channel,
        channel.replace(gates=(gate, *channel.gates[1:])),
        CLASSIC,
        CLASSIC(channels=(channel.replace(gates=(gate,)), *CLASSIC.channels[1:])),
        hh.GapJunction([[0, 0.1], [0.1, 0]]),
        hh.GapJunction([[0, 0.1], [0.2, 0]]),
        hh.StepCurrent(1.0, 5.0),
        hh.StepCurrent(1.0, 5.0, stop=6.0),
        hh.CurrentNoise(1.0),
        hh.CurrentNoise([1.0, 2.0]),
    ]
    assert len(set(map(repr, different))) == len(different)
    n = 1000
    sparse = scipy.sparse.eye_array(n, format="csr")
    net = hh.Network(
        n,
        CLASSIC(g_Na=np.linspace(100.0, 140.0, n)),
        [hh.GapJunction(sparse), hh.SYNAPSES["AMPA"](np.ones((n, n)))],
        stimulus=np.arange(n),
    )
    assert len(repr(net)) < 2000
    text = " ".join(repr(net).split())
    assert "g_Na = <1000 numbers from 100 to 140> mS/cm^2" in text
    assert "<1000x1000 sparse matrix of 1000 entries from 1 to 1> mS/cm^2" in text
    assert "<1000x1000 array from 1 to 1> mS/cm^2" in text
    assert repr(hh.GapJunction(0.1)) == "GapJunction(weights=0.1)"
    assert eval(repr(GATE), vars(hh)) == GATE


SHOWN = {
    "stimulus": (hh.StepCurrent(5.0, start=10.0), "StepCurrent: amplitude = 5 uA/cm^2, start = 10"),
    "noise": (hh.CurrentNoise(1.0), "CurrentNoise: sigma = 1 uA/cm^2*ms^0.5"),
    "rate": (hh.Linoid(0.1, -40.0, 10.0), "Linoid: rate = 0.1, mid = -40 mV, scale = 10 mV"),
    "gate": (GATE, f"Gate {GATE.name}: power = {GATE.power}"),
    "synapse": (hh.SYNAPSES["AMPA"](0.1), "Synapse AMPA: weights = 0.1 mS/cm^2"),
    "distribution": (hh.Normal(-65.0, 5.0), "Normal: mean = -65, sd = 5"),
}


@pytest.mark.parametrize("kind", SHOWN)
def test_a_record_alone_shows_its_units(kind):
    record, text = SHOWN[kind]
    assert str(record).startswith(text)
    shown = record._repr_html_()
    for name, value in fields_of(record).items():
        assert value is None or name in ("name", "reference") or f">{name}</td>" in shown
    assert eval(repr(record), vars(hh)) == record or kind == "synapse"


def test_a_rate_in_a_notebook_is_its_formula():
    assert GATE.alpha.latex() in GATE._repr_html_().replace("&#x27;", "'")
    assert " 1/ms<" in GATE._repr_html_()
    assert hh.Linoid(0.1, -40.0, 10.0).latex() in hh.Linoid(0.1, -40.0, 10.0)._repr_html_()


def test_what_shows_itself_in_a_way_of_its_own_does_so_as_text_too():
    assert str(CLASSIC) == repr(CLASSIC)
    assert str(hh.Network(1)) == repr(hh.Network(1))


def test_an_sde_and_a_path_show_what_they_are():
    sde = hh.Network(2, noise=hh.CurrentNoise(1.0)).sde()
    assert repr(sde) == (
        "SDE dx = f dt + G dW with d = 8 (V[0], V[1], m[0], m[1], ...), m = 2: additive noise, ito"
    )
    assert repr(sde.without_noise()).endswith("m = 0: no noise")
    path = sde.path(5, 0.01, trial=3)
    assert repr(path) == "BrownianPath of m = 2, dt = 0.01 ms, seed 5, trial 3"

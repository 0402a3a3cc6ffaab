"""Synapses with a second messenger, GABA_B: against closed forms and equations written out here."""

import tomllib

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.integrate import solve_ivp

import hh_sde as hh
from hh_sde.config import parse
from hh_sde.interop import neuroml

ENGINE = [
    name
    for name, method in hh.METHODS.items()
    if method.compiled and method.interpretation != "chain"
]
LEAKY = hh.Cell("leaky", (hh.Channel("L", g=0.125, E=-64.0),), V0=-64.0)
GABA_B = hh.SYNAPSES["GABA_B"]
#: Faster than in any neuron, so that all of it moves within milliseconds; opens at once with G.
FAST = {
    "alpha": hh.Sigmoid(rate=1.1, mid=-40.0, scale=5.0),
    "beta": hh.Constant(0.19),
    "messenger": hh.SecondMessenger(K3=1.5, K4=0.6, Kd=0.4, power=3),
}


def opened(G, Kd=100.0, power=4):
    return G**power / (G**power + Kd)


# -- closed forms ----------------------------------------------------------------------------------


@pytest.mark.parametrize("K4", [0.034, 0.0312, 0.0312 * (1 + 1e-9)], ids=["", "equal", "nearly"])
@pytest.mark.parametrize("dt", [0.1, 25.0])
def test_at_a_potential_that_stays_the_flow_is_exact(K4, dt):
    """s and G from anywhere, at rates of which one is the messenger's own, in steps of any size."""
    messenger = hh.SecondMessenger(K3=0.18, K4=K4, Kd=100.0)
    synapse = GABA_B(0.0 * np.eye(1), alpha=hh.Constant(0.03), messenger=messenger)
    net = hh.Network(1, LEAKY, synapses=synapse)
    ds = hh.solve(net, 200.0, dt=dt, method="lie_trotter", x0={"s": 0.9, "G_GABA_B": 2.0})
    k, t = 0.03 + 0.0012, ds.time.values
    s_inf = 0.03 / k
    s = s_inf + (0.9 - s_inf) * np.exp(-k * t)
    np.testing.assert_allclose(ds.s[:, 0], s, rtol=1e-12)
    if abs(K4 - k) < 1e-6:  # the trace of s is then t e^(-k t), but for 1e-9
        trace = t * np.exp(-k * t)
    else:
        trace = (np.exp(-k * t) - np.exp(-K4 * t)) / (K4 - k)
    level = 0.18 / K4 * s_inf
    G = level + (2.0 - level) * np.exp(-K4 * t) + 0.18 * (0.9 - s_inf) * trace
    np.testing.assert_allclose(ds.G_GABA_B[:, 0], G, rtol=1e-7 if abs(K4 - k) < 1e-6 else 1e-12)


def test_without_release_and_without_decay_nothing_moves():
    synapse = GABA_B(0.1, alpha=hh.Constant(0.0), beta=hh.Constant(0.0))
    net = hh.Network(2, LEAKY, synapses=synapse)
    x0 = np.concatenate([np.full(2, -64.0), [0.5, 0.25], [0.4, 0.0]])
    with pytest.raises(ValueError, match="alpha \\+ beta is zero"):
        net.sde()
    still = hh.Network(2, LEAKY, synapses=synapse.replace(beta=hh.Constant(1e-300)))
    ds = hh.solve(still, 10.0, dt=0.1, method="lie_trotter", x0=x0)
    decay = np.exp(-0.034 * 10.0)
    expected = np.array([0.5, 0.25]) * decay + 0.18 / 0.034 * (1 - decay) * np.array([0.4, 0.0])
    np.testing.assert_allclose(ds.G_GABA_B[-1], expected, rtol=1e-12)


def test_the_steady_state_and_what_is_open_there():
    net = hh.Network(2, LEAKY, synapses=GABA_B([[0.0, 0.3], [0.2, 0.0]]))
    V = np.array([0.0, -5.0])
    x = net.steady_state(V)
    T = 1.0 / (1.0 + np.exp(-(V - 2.0) / 5.0))
    s = 0.09 * T / (0.09 * T + 0.0012)
    G = 0.18 / 0.034 * s
    np.testing.assert_allclose(x, [*V, *G, *s], rtol=1e-14)
    f = net.sde().f(x, 0.0)
    np.testing.assert_allclose(f[2:], 0.0, atol=1e-15)
    share = opened(G)
    assert np.all((share > 0.8) & (share < 0.9))
    I = np.array([0.3 * share[1], 0.2 * share[0]]) * (V + 95.0)
    np.testing.assert_allclose(f[:2], -0.125 * (V + 64.0) - I, rtol=1e-13)


# -- what it is for --------------------------------------------------------------------------------


def burst(spikes):
    """G^4/(G^4 + Kd) of a neuron that fires so many spikes, and the time, ms."""
    stimulus = hh.PulseTrain(40.0, start=5.0, width=0.5, period=15.0, count=spikes)
    net = hh.Network(
        {"A": hh.Population(1, "hodgkin_huxley", stimulus), "B": hh.Population(1, LEAKY)},
        synapses=GABA_B(0.01, source="A", target="B"),
    )
    ds = hh.solve(net, 400.0, dt=0.02, method="strang", save_dt=1.0,
                  record=("V", "g_GABA_B", "spikes"))  # fmt: skip
    assert ds.hh.spikes().sizes["spike"] == spikes
    share = ds.g_GABA_B.sel(neuron=1).values / 0.01
    assert ds.V.sel(neuron=1).min() < -64.0
    return share, ds.time.values


def test_a_burst_opens_far_more_than_its_spikes_would_alone():
    (one, t), (two, _), (ten, _) = map(burst, (1, 2, 10))
    assert 90.0 < t[one.argmax()] - 5.0 < 115.0  # "peak at 100 ms", as in that code
    assert two.max() > 8 * one.max()
    assert ten.max() > 1000 * one.max()
    assert ten.max() > 0.1


def test_a_train_against_equations_written_out():
    """A membrane driven over the threshold of release again and again, and one that receives."""

    def equations(t, x):
        V, s, G, W = x
        T = 1.0 / (1.0 + np.exp(-(V - 2.0) / 5.0))
        I = 20.0 * np.sin(2 * np.pi * 0.05 * t)
        g = 0.4 * opened(G)
        return [
            -0.125 * (V + 64.0) + I,
            0.09 * T * (1 - s) - 0.0012 * s,
            0.18 * s - 0.034 * G,
            -0.125 * (W + 64.0) - g * (W + 95.0),
        ]

    net = hh.Network(
        {
            "A": hh.Population(1, LEAKY, hh.SineCurrent(20.0, frequency=50.0)),
            "B": hh.Population(1, LEAKY),
        },
        synapses=GABA_B(0.4, source="A", target="B"),
    )
    x0 = [-64.0, 0.0, 0.0, -64.0]
    end = 300.0
    exact = solve_ivp(equations, (0.0, end), x0, rtol=1e-11, atol=1e-12, max_step=1.0).y[:, -1]
    assert exact[3] < -80.0
    errors = []
    for dt in (0.1, 0.05):
        ds = hh.solve(net, end, dt=dt, method="strang", x0=np.array(x0), save_dt=end)
        A, B = ds.isel(time=-1, neuron=0), ds.isel(time=-1, neuron=1)
        found = np.array([A.V, A.s, A.G_GABA_B, B.V], dtype=float)
        errors.append(np.abs(found / exact - 1.0).max())
    assert errors[0] < 5e-4
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)


# -- every method ----------------------------------------------------------------------------------

START = np.array([-30.0, -50.0, 0.4, 0.8, 0.1, 0.3])
PAIR = hh.Network(2, LEAKY, stimulus=4.0, synapses=GABA_B(0.3, **FAST))


@pytest.mark.parametrize(
    ("method", "gap"),
    [
        *(
            pytest.param(name, False, marks=[pytest.mark.slow] if name == "dri1" else [])
            for name in ENGINE
        ),
        ("lie_trotter", True),
        ("strang", True),
    ],
)
def test_a_method_keeps_its_order(method, gap):
    """With gap junctions the splittings look at V in the middle of the step, and at its sums."""
    synapses = [*PAIR.synapses, *([hh.GapJunction(0.2)] if gap else [])]
    net, end = PAIR.replace(synapses=synapses), 6.0
    tight = {"method": "scipy.DOP853", "rtol": 1e-12, "atol": 1e-12, "dt": 0.1}
    exact = hh.solve(net, end, x0=START, save_dt=end, **tight).isel(time=-1)
    steps, errors = [0.1, 0.05, 0.025], []
    for dt in steps:
        ds = hh.solve(net, end, dt=dt, method=method, x0=START, save_dt=end).isel(time=-1)
        errors.append(max(float(abs(ds[name] - exact[name]).max()) for name in net.variables))
    slope = np.diff(np.log(errors)) / np.diff(np.log(steps))
    order = hh.METHODS[method].deterministic_order
    np.testing.assert_allclose(slope, order, atol=0.12 * max(order, 2.0))
    alone = hh.solve(net.replace(synapses=synapses[1:]), end, x0={"V": START[:2]}, **tight)
    assert float(abs(alone.V[-1] - exact.V).max()) > 1.0


@pytest.mark.parametrize(
    ("ours", "others"), [("euler_maruyama", "sdeint.itoEuler"), ("heun", "sdeint.stratHeun")]
)
def test_sdeint_gives_the_same(ours, others):
    net = PAIR.replace(noise=hh.CurrentNoise(1.0))
    options = {"dt": 0.02, "rng": 2, "trials": 2, "x0": START}
    a, b = (hh.solve(net, 3.0, method=method, **options) for method in (ours, others))
    for name in net.variables:
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=1e-10, err_msg=name)


# -- who sends what to whom ------------------------------------------------------------------------


def mixed(delay=0.0):
    """Populations of different sizes and variables; one sends through several synapses."""
    rng = np.random.default_rng(3)
    return hh.Network(
        {
            "A": hh.Population(3, "hodgkin_huxley", 10.0, noise=hh.CurrentNoise(1.0)),
            "B": hh.Population(4, "morris_lecar", 95.0, noise=hh.CurrentNoise(5.0)),
        },
        synapses=[
            hh.SYNAPSES["AMPA"](0.05, source="A", target="B"),
            GABA_B(rng.uniform(0, 0.2, (3, 4)), source="B", target="A", delay=delay, **FAST),
            GABA_B(0.1, source="B", target="B", **FAST),
            GABA_B(0.1, source="A", target="A", **FAST),
            hh.GapJunction(0.02),
        ],
    )


def test_currents_of_several_populations():
    net = mixed()
    record = (*net.variables, "I_GABA_B", "g_GABA_B")
    ds = hh.solve(net, 30.0, dt=0.02, rng=1, method="strang", trials=2, save_dt=0.5, record=record)
    share = opened(ds.G_GABA_B, Kd=0.4, power=3)
    A, B = share.isel(neuron=slice(3)), share.isel(neuron=slice(3, None))
    of_matrix = np.einsum("ij,ktj->kti", net.synapses[1].weights, B.values)
    g = np.concatenate(
        [
            of_matrix + 0.1 * (A.sum("neuron") - A).transpose(*A.dims).values,
            0.1 * (B.sum("neuron") - B).transpose(*B.dims).values,
        ],
        axis=-1,
    )
    assert np.ptp(g) > 0.2
    np.testing.assert_allclose(ds.g_GABA_B, g, rtol=1e-12)
    np.testing.assert_allclose(ds.I_GABA_B, g * (ds.V + 95.0), rtol=1e-12)
    for found in (net.conductances(ds).g_GABA_B, ds.hh.conductances().g_GABA_B):
        np.testing.assert_allclose(found, g, rtol=1e-12)


def test_the_jacobian_of_several_populations():
    net = mixed()
    sde = net.sde()
    x = sde.x0 + np.random.default_rng(0).uniform(0.05, 0.5, sde.d)
    J, h = sde.jac(x, 0.0), 1e-6
    for k, column in enumerate(J.T):
        e = h * np.eye(sde.d)[k]
        slope = (sde.f(x + e, 0.0) - sde.f(x - e, 0.0)) / (2 * h)
        np.testing.assert_allclose(column, slope, rtol=1e-6, atol=1e-6)
    v = np.random.default_rng(1).normal(size=sde.d)
    np.testing.assert_allclose(sde.jac.times(x, 0.0, v), J @ v, rtol=1e-12, atol=1e-12)
    assert np.array_equal(sde.jac(x, 0.0, sparse=True).toarray(), J)


def test_a_number_is_the_matrix_of_it():
    matrix = 0.3 * (1.0 - np.eye(2))
    options = {"dt": 0.02, "x0": START, "method": "strang"}
    a, b = (
        hh.solve(PAIR.replace(synapses=GABA_B(weights, **FAST)), 10.0, **options)
        for weights in (0.3, matrix)
    )
    for name in PAIR.variables:
        np.testing.assert_allclose(a[name], b[name], rtol=1e-12)


# -- delays, continuing, threads, precision --------------------------------------------------------


@pytest.mark.parametrize("method", ["euler_maruyama", "heun", "lie_trotter", "strang"])
def test_what_is_late_is_the_same_moved_by_whole_steps(method):
    def felt(delay):
        edges = pd.DataFrame({"source": [0], "target": [0], "weight": [0.2], "delay": [delay]})
        net = hh.Network(
            {
                "A": hh.Population(1, LEAKY, hh.SineCurrent(16.0, frequency=100.0)),
                "B": hh.Population(1, LEAKY),
            },
            synapses=GABA_B(edges, source="A", target="B", **FAST),
        )
        # at rest under what G opens before the run: B moves only as A does
        g = 0.2 * opened(0.3, Kd=0.4, power=3)
        V0 = [-64.0, -(0.125 * 64.0 + g * 95.0) / (0.125 + g)]
        return hh.solve(net, 20.0, dt=0.05, method=method, x0={"V": V0, "G_GABA_B": 0.3, "s": 0.0})

    at_once, late = felt(0.0).V, felt(1.0).V
    np.testing.assert_array_equal(late[:, 0], at_once[:, 0])
    np.testing.assert_allclose(late[20:, 1], at_once[:-20, 1], rtol=1e-13)
    np.testing.assert_allclose(late[:20, 1], at_once[0, 1], rtol=1e-13)
    assert np.ptp(at_once[:, 1].values) > 1.0


@pytest.mark.parametrize("delay", [0.0, 1.0])
@pytest.mark.parametrize(
    "method",
    ["lie_trotter", *(pytest.param(m, marks=pytest.mark.slow) for m in ("heun", "strang"))],
)
def test_a_run_goes_on(method, delay):
    net, options = mixed(delay), {"dt": 0.05, "rng": 4, "trials": 2, "method": method}
    whole = hh.solve(net, 20.0, **options)
    first = hh.solve(net, 10.0, **options)
    rest = hh.solve(net, 20.0, x0=first, **options)
    for name in net.variables:
        np.testing.assert_array_equal(rest[name], whole[name].sel(time=rest.time), err_msg=name)


@pytest.mark.parametrize("delay", [0.0, 0.5])
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.slow)])
def test_threads_that_share_a_trial_change_no_bit(dtype, delay):
    n = 3000
    weights = hh.topology.random(p=0.01, weight=0.02, rng=1)
    net = hh.Network(
        n,
        "morris_lecar",
        stimulus=np.linspace(80.0, 120.0, n),
        synapses=[GABA_B(weights, delay=delay, **FAST), hh.SYNAPSES["AMPA"](1e-5)],
        noise=hh.CurrentNoise(1.0),
    )
    options = {"dt": 0.05, "rng": 1, "method": "strang", "dtype": dtype, "save_dt": 1.0}
    one, two = (hh.solve(net, 10.0, threads=threads, **options) for threads in (1, 2))
    for name in net.variables:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    assert float(opened(one.G_GABA_B, Kd=0.4, power=3).max()) > 0.1


def test_single_precision_is_close():
    net = PAIR.replace(noise=hh.CurrentNoise(0.1))
    options = {"dt": 0.02, "x0": START, "method": "strang", "rng": 1}
    double, single = (hh.solve(net, 10.0, dtype=d, **options) for d in ("float64", "float32"))
    assert single.G_GABA_B.dtype == np.float32
    for name in PAIR.variables:
        np.testing.assert_allclose(single[name], double[name], rtol=1e-4, atol=1e-5)


# -- as data ---------------------------------------------------------------------------------------


def test_it_is_kept_with_results(tmp_path):
    net = PAIR.replace(noise=hh.CurrentNoise(1.0))
    hh.solve(net, 1.0, rng=1, record=(*net.variables, "g_GABA_B")).to_netcdf(tmp_path / "run.nc")
    with xr.open_dataset(tmp_path / "run.nc") as ds:
        assert hh.Network.from_dataset(ds) == net
        assert ds.G_GABA_B.attrs["units"] == "uM"
        assert ds.G_GABA_B.attrs["role"] == "second messenger"
        again = hh.rerun(ds)
        for name in (*net.variables, "g_GABA_B"):
            np.testing.assert_array_equal(again[name], ds[name])


def test_in_a_configuration():
    """As it stands in the table, and with other numbers, which may carry their units."""
    text = """
        [run]
        t_end = 1.0

        [network]
        n_neurons = 2

        [[network.synapses]]
        kind = "GABA_B"
        weights = 0.1

        [[network.synapses]]
        kind = "GABA_B"
        name = "slow"
        weights = 0.2
        messenger = {K3 = "0.098 uM/ms", K4 = 0.033, Kd = 100.0, power = 4}
        """
    slow = hh.SecondMessenger(K3=0.098, K4=0.033, Kd=100.0)
    expected = hh.Network(2, synapses=[GABA_B(0.1), GABA_B(0.2, name="slow", messenger=slow)])
    assert parse(tomllib.loads(text)).network == expected


def test_synapses_of_one_name_have_one_messenger():
    slow = GABA_B(0.1, source="B", target="A")
    fast = slow.replace(messenger=hh.SecondMessenger(K3=1.0, K4=1.0, Kd=1.0), target="B")
    net = {name: hh.Population(1, LEAKY) for name in "AB"}
    with pytest.raises(ValueError, match=r"GABA_B whose source is B differ in .* or messenger"):
        hh.Network(net, synapses=[slow, fast]).sde()
    one = hh.Network(net, synapses=[slow, fast.replace(name="fast")])
    assert {"G_GABA_B", "G_fast", "s_GABA_B", "s_fast"} <= set(one.variables)


def test_its_numbers_may_differ_between_neurons():
    messenger = hh.SecondMessenger(K3=[0.18, 0.36], K4=[0.034, 0.05], Kd=[100.0, 10.0])
    net = hh.Network(2, LEAKY, synapses=GABA_B([[0, 0.1], [0.2, 0]], messenger=messenger))
    G = net.steady_state(np.zeros(2))[2:4]
    np.testing.assert_allclose(G[1] / G[0], 2 * 0.034 / 0.05)
    g = net.conductances(hh.solve(net, 0.1, x0={"V": 0.0, "G_GABA_B": 2.0})).g_GABA_B[0]
    np.testing.assert_allclose(g, [0.1 * opened(2.0, 10.0), 0.2 * opened(2.0)])
    with pytest.raises(ValueError, match="K3 of synapse GABA_B has 2 values; 3 neurons take"):
        hh.Network(3, LEAKY, synapses=GABA_B(0.1, messenger=messenger)).sde()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"K3": 0.0}, ValueError, "SecondMessenger.K3 must be positive"),
        ({"K4": np.nan}, ValueError, "SecondMessenger.K4 must be finite"),
        ({"Kd": "100"}, TypeError, "SecondMessenger.Kd must be a number"),
        ({"power": 2.5}, ValueError, "SecondMessenger.power must be 1, 2, ... 100, got 2.5"),
        ({"power": True}, ValueError, "SecondMessenger.power must be"),
        ({"power": 10**9}, ValueError, "SecondMessenger.power must be"),
    ],
)
def test_bad_numbers_are_refused(changes, error, message):
    with pytest.raises(error, match=message):
        hh.SecondMessenger(**({"K3": 0.18, "K4": 0.034, "Kd": 100.0} | changes))


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(TypeError, match="messenger must be a SecondMessenger or None, got 4"):
        GABA_B(0.1, messenger=4)
    with pytest.raises(ValueError, match=r"G_GABA_B is a concentration \(uM\) and must not be neg"):
        hh.solve(PAIR, 1.0, x0={"G_GABA_B": -1.0})
    with pytest.raises(neuroml.NeuroMLError, match="synapse GABA_B: its messenger; receptors of"):
        neuroml.write(PAIR, tmp_path / "net.nml")

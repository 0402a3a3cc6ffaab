"""Concentrations: equations, flow, what reads them; temperature and Nernst potentials."""

import numpy as np
import pytest
import scipy.integrate

import hh_sde as hh
from hh_sde.config.document import Document

CA = hh.Pool("Ca", channels=("A",), k=2e-3, rest=1e-3, tau=2.0)
GATE = hh.Gate("a", 1, alpha=hh.Sigmoid(0.2, -60.0, 4.0), beta=hh.Proportional("Ca", 200.0))
READER = hh.Gate("k", 1, x_inf=hh.Hill("Ca", 1.0, 2e-3, power=2))
CELL = hh.Cell(
    "small",
    channels=(
        hh.Channel("A", g=0.05, E=hh.Nernst("Ca", outside=3.0), gates=(GATE,)),
        hh.Channel("K", g=0.3, E=-80.0, gates=(READER,)),
        hh.Channel("L", g=0.05, E=-60.0),
    ),
    pools=(CA,),
    temperature=20.0,
)


def small(t, x):
    """The same written out."""
    V, a, Ca = x
    E = 1e3 * 8.31446261815324 * 293.15 / (2 * 96485.33212331001) * np.log(3.0 / Ca)
    I_A = 0.05 * a * (V - E)
    I_K = 0.3 * Ca**2 / (Ca**2 + 4e-6) * (V + 80)
    alpha, beta = 0.2 / (1 + np.exp(-(V + 60) / 4)), 200 * Ca
    dCa = -2e-3 * I_A - (Ca - 1e-3) / 2
    return [-I_A - I_K - 0.05 * (V + 60), alpha * (1 - a) - beta * a, dCa]


def test_the_equations_of_a_cell_with_a_pool():
    net = hh.Network(1, cell=CELL)
    assert net.variables == ("V", "a", "Ca")
    assert net.labels["Ca"] == {
        "units": "mM", "long_name": "concentration of Ca", "role": "concentration", "pool": "Ca",
    }  # fmt: skip
    rng = np.random.default_rng(1)
    sde = net.sde()
    for _ in range(20):
        x = np.array([rng.uniform(-90, 40), rng.uniform(0, 1), rng.uniform(1e-4, 1e-2)])
        np.testing.assert_allclose(sde.f(x, 0.0), small(0.0, x), rtol=1e-12)
        v, h = rng.normal(size=3) * [1.0, 0.1, 1e-3], 1e-5
        change = (np.array(small(0, x + h * v)) - np.array(small(0, x - h * v))) / (2 * h)
        np.testing.assert_allclose(sde.jac.times(x, 0.0, v), change, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(sde.jac(x, 0.0) @ v, change, rtol=1e-6, atol=1e-9)
    shown = net.equations()
    assert r"\ln\left(" in shown.latex()
    assert r"\frac{d\mathrm{Ca}}{dt}" in shown.latex()
    assert "mM/ms" in str(shown)


def test_the_state_at_rest_is_at_rest():
    """Calcium as the current at V leads to, which depends on it; and where V is at rest too."""
    net = hh.Network(3, cell=CELL(g_A=[0.02, 0.05, 0.1]))
    x = net.steady_state([-70.0, -40.0, -20.0])
    f = net.sde().f(x, 0.0).reshape(3, 3)
    assert np.all(np.abs(f[1:]) < 1e-15)
    assert np.all(np.abs(net.sde().f(net.equilibrium(), 0.0)) < 1e-12)
    many = net.steady_state(np.full((2, 3), -40.0))
    np.testing.assert_allclose(many[1], net.steady_state(-40.0), rtol=1e-14)
    kinetics = hh.Network(1, cell=CELL).kinetics([-40.0])
    a = hh.Network(1, cell=CELL).steady_state(-40.0)[1]
    assert float(kinetics.x_inf.sel(gate="a", V=-40.0)) == pytest.approx(a, rel=1e-14)


def test_two_pools_at_rest():
    """One of which feeds the reversal potential of the other."""
    second = hh.Pool("Na", channels=("K",), k=1e-3, rest=5.0, tau=10.0)
    channels = (*CELL.channels[:1], CELL.channels[1].replace(E=hh.Nernst("Na", 100.0, 1)))
    net = hh.Network(1, cell=CELL.replace(channels=channels, pools=(CA, second)))
    assert net.variables == ("V", "a", "Ca", "Na")
    f = net.sde().f(net.steady_state(-50.0), 0.0)
    assert np.all(np.abs(f[1:]) < 1e-13)


def test_an_anion_enters_with_an_outward_current():
    """Chloride that flows by -RT/F ln(outside/c), k below 0: towards where V is its potential."""
    cell = hh.Cell(
        "chloride",
        (hh.Channel("Cl", g=0.5, E=hh.Nernst("Cl", outside=120.0, valence=-1)),),
        pools=(hh.Pool("Cl", channels=("Cl",), k=-1e-2, rest=5.0, tau=1000.0),),
        temperature=20.0,
    )
    net = hh.Network(1, cell=cell)
    x = net.steady_state(-40.0)
    assert x[1] > 5.0
    assert abs(net.sde().f(x, 0.0)[1]) < 1e-15
    E = -1e3 * 8.31446261815324 * 293.15 / 96485.33212331001 * np.log(120.0 / x[1])
    assert pytest.approx(x[1] - 5.0, rel=1e-12) == -0.5 * (E + 40.0) * 1e-2 * 1000.0


def test_a_file_may_give_a_cell_its_pool_and_its_temperature():
    cell = {
        "name": "prinz_abpd", "k_Ca": "1e-5 mM*cm^2/(uA*ms)", "tau_Ca": "150 ms",
        "temperature": "15 degC",
    }  # fmt: skip
    parts = {"network": {"n_neurons": 1, "cell": cell}, "run": {"t_end": 1.0}}
    built = Document.model_validate(parts).network.build().cell
    changed = {name: built.parameters[name] for name in ("k_Ca", "tau_Ca", "temperature")}
    assert changed == {"k_Ca": 1e-5, "tau_Ca": 150.0, "temperature": 15.0}


def test_a_current_that_leaves_can_leave_no_steady_state():
    cell = CELL(E_A=-100.0, k_Ca=1.0)
    assert "E_A" in cell.parameters
    with pytest.raises(
        ValueError, match=r"no steady state at V = 0 mV .* a concentration is not above 0"
    ):
        hh.Network(1, cell=cell).steady_state(0.0)


METHODS_WITH_FLOWS = ["exponential_euler", "lie_trotter", "strang"]


@pytest.mark.parametrize("method", METHODS_WITH_FLOWS)
@pytest.mark.parametrize("E_A", [None, -100.0])
@pytest.mark.parametrize("dt", [0.1, 1.0, 10.0])
def test_concentrations_stay_positive_at_any_step(method, E_A, dt):
    """Also where the current carries out more in a step than there is."""
    cell = CELL(k_Ca=0.1, g_A=1.0, V0=-110.0)
    cell = cell if E_A is None else cell(E_A=E_A)
    noise = hh.CurrentNoise(5.0)
    net = hh.Network(1, cell=cell, noise=noise, stimulus=20.0)
    x0 = np.array([0.0, 1.0, 1e-2])
    ds = hh.solve(net, 200 * dt, dt=dt, method=method, x0=x0, rng=1, trials=20)
    assert np.all(ds.Ca > 0)
    assert np.all(np.isfinite(ds.V))


def test_what_leaves_is_taken_from_what_is_there():
    """At fixed V and gate the flow of an outward current is that of dc/dt = -k I c/c_0 - ..., with
    c_0 the concentration at the step's beginning, here of lie_trotter in voltage clamp."""
    cell = hh.Cell(
        "out", (hh.Channel("A", g=1.0, E=-80.0),), pools=(CA.replace(k=1e-4),), C=2.0**330,
        V0=-90.0,
    )  # fmt: skip
    x0 = np.array([-60.0, 2e-3])
    ds = hh.solve(hh.Network(1, cell=cell), 0.5, dt=0.5, method="lie_trotter", x0=x0)
    rate = 1 / 2 + 1e-4 * 20.0 / 2e-3
    level = 1e-3 / 2 / rate
    expected = level + (2e-3 - level) * np.exp(-rate * 0.5)
    assert float(ds.Ca[-1, 0]) == pytest.approx(expected, rel=1e-12)


def test_what_enters_adds_up_exactly():
    """At a fixed current: c_inf + (c - c_inf) e^(-h/tau), c_inf = rest - k I tau, at any step."""
    cell = hh.Cell("in", (hh.Channel("A", g=1.0, E=-80.0),), pools=(CA,), C=2.0**330, V0=-90.0)
    x0 = np.array([-90.0, 2e-3])
    level = 1e-3 + 2e-3 * 10.0 * 2.0
    for method in METHODS_WITH_FLOWS:
        ds = hh.solve(hh.Network(1, cell=cell), 6.0, dt=3.0, method=method, x0=x0)
        expected = level + (2e-3 - level) * np.exp(-np.array([0.0, 3.0, 6.0]) / 2.0)
        np.testing.assert_allclose(ds.Ca[:, 0], expected, rtol=1e-12)


def test_channel_noise_on_a_cell_with_a_pool():
    """All of its kinds; open fractions add up, and a concentration above 1 is no excursion."""
    net = hh.Network(2, cell=CELL(rest_Ca=2.0), stimulus=5.0)
    for noise in (
        hh.SubunitNoise(numbers={"A": 10**7}),
        hh.ConductanceNoise(numbers={"A": 10**7}),
        hh.EffectiveConductanceNoise(numbers={"A": 10**7}),
    ):
        ds = hh.solve(net.replace(noise=noise), 5.0, method="lie_trotter", rng=1, trials=2)
        assert np.all(np.isfinite(ds.V))
        assert float(ds.Ca.min()) > 1.0
        assert ds.attrs["gate_excursions"] == 0
        if isinstance(noise, hh.ConductanceNoise):
            np.testing.assert_allclose(ds.a0 + ds.a1, 1.0, rtol=1e-12)
    net = hh.Network(2, cell=CELL, stimulus=5.0)
    counted = net.replace(noise=hh.ConductanceNoise(numbers={"A": 100}))
    ds = hh.solve(counted, 5.0, method="tau_leap", rng=1)
    whole = ds.a1 * 100
    np.testing.assert_allclose(whole, np.rint(whole), atol=1e-9)
    assert np.all(ds.Ca > 0)
    with pytest.raises(ValueError, match="gillespie takes cells without pools"):
        hh.solve(counted, 1.0, method="gillespie")


def test_tau_leap_tends_to_the_equations():
    """With many channels, at order 1 in the step."""
    net = hh.Network(1, cell=CELL, noise=hh.ConductanceNoise(numbers={"A": 10**7}))
    x0 = np.array([-40.0, 0.5, 0.5, 1e-3])
    exact = scipy.integrate.solve_ivp(
        small, (0, 4.0), [-40.0, 0.5, 1e-3], rtol=1e-10, atol=1e-12
    ).y[:, -1]
    ds = hh.solve(net, 4.0, dt=0.005, method="tau_leap", rng=1, x0=x0).isel(time=-1, neuron=0)
    assert float(ds.V) == pytest.approx(exact[0], abs=0.02)
    assert float(ds.Ca) == pytest.approx(exact[2], rel=2e-3)


def test_single_precision_follows_double():
    net = hh.Network(1, cell=CELL, noise=hh.CurrentNoise(1.0), stimulus=1.0)
    path = hh.BrownianPath(1, m=1, dt=0.01)
    double, single = (
        hh.solve(net, 20.0, method="strang", path=path, dtype=dtype)
        for dtype in ("float64", "float32")
    )
    np.testing.assert_allclose(single.V, double.V, atol=0.05)
    np.testing.assert_allclose(single.Ca, double.Ca, rtol=1e-3)


def test_results_know_concentrations():
    net = hh.Network(2, cell=CELL, stimulus=1.0)
    ds = hh.solve(net, 1.0)
    assert hh.Network.from_dataset(ds) == net
    hh.validate(ds)
    assert list(ds.filter_by_attrs(role="concentration").data_vars) == ["Ca"]
    np.testing.assert_array_equal(hh.rerun(ds).Ca, ds.Ca)
    currents = net.currents(ds)
    E = 1e3 * 8.31446261815324 * 293.15 / (2 * 96485.33212331001) * np.log(3.0 / ds.Ca)
    np.testing.assert_allclose(currents.I_A, 0.05 * ds.a * (ds.V - E), rtol=1e-12)
    np.testing.assert_allclose(net.conductances(ds).p_K, ds.Ca**2 / (ds.Ca**2 + 4e-6), rtol=1e-12)
    whole = hh.solve(net, 2.0, method="strang")
    parts = hh.solve(net, 2.0, method="strang", x0=hh.solve(net, 1.0, method="strang"))
    np.testing.assert_allclose(parts.Ca[-1], whole.Ca[-1], rtol=1e-14)


def test_a_pool_in_voltage_clamp_and_on_its_way():
    """Held at -20 mV from rest at -70 mV; tight LSODA."""
    net = hh.Network(1, cell=CELL)
    ds = hh.voltage_clamp(net, {0.0: -70.0, 1.0: -20.0}, 6.0, dt=0.01, record=["Ca", "a"])

    def held(t, x):
        return small(t, [-20.0, *x])[1:]

    exact = scipy.integrate.solve_ivp(
        held, (0, 5.0), net.steady_state(-70.0)[1:], "LSODA", rtol=1e-10, atol=1e-12
    ).y[:, -1]
    assert float(ds.Ca[-1, 0]) == pytest.approx(exact[1], rel=1e-3)
    assert float(ds.a[-1, 0]) == pytest.approx(exact[0], rel=1e-3)


def test_what_pools_and_their_readers_may_be():
    for make, message in (
        (lambda: CA.replace(tau=0.0), "tau of pool Ca must be positive"),
        (lambda: CA.replace(rest=-1.0), "rest of pool Ca must not be negative"),
        (lambda: CA.replace(channels=()), "channels of pool Ca must be names of channels"),
        (lambda: CA.replace(channels="A"), "channels of pool Ca must be names of channels"),
        (lambda: CELL.replace(pools=()), r"channel A of cell small reads the concentration Ca"),
        (lambda: CELL.replace(pools=(CA, CA)), "two gates or pools of one cell are called Ca"),
        (
            lambda: CELL.replace(pools=(CA.replace(channels=("B",)),)),
            "pool Ca of cell small: .*channel 'B'",
        ),
        (lambda: hh.Nernst("Ca", outside=0.0), "outside .* must be positive"),
        (lambda: hh.Nernst("Ca", 1.0, valence=0), "valence must be a whole number but 0"),
        (
            lambda: hh.Nernst("Ca", 1.0, temperature=-300.0),
            "must be above -273.15 and below 100 degC",
        ),
        (lambda: hh.Hill("Ca", 1.0, half=0.0), "half .* must be positive"),
        (lambda: hh.Hill("Ca", 1.0, 1.0, power=1.5), "power must be 1, 2, 3"),
        (lambda: hh.Sum((hh.Constant(1.0),)), "must be two rates or more"),
        (lambda: hh.Product(hh.Constant(1.0)), "must be Rate in a tuple or list"),
        (lambda: hh.Power(1.0, 2.0), "Power.of must be a Rate"),
        (
            lambda: hh.Gate("q", 1, x_inf=hh.Proportional("Ca", 1.0)),
            "x_inf of gate q must lie between 0 and 1",
        ),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            make()
    with pytest.raises(ValueError, match="a Nernst potential of Ca needs a temperature"):
        hh.Network(1, cell=CELL.replace(temperature=None))
    with pytest.raises(ValueError, match=r"x0: Ca is a concentration .* must not be negative"):
        hh.solve(hh.Network(1, cell=CELL), 1.0, x0={"Ca": -1.0})
    synapse = hh.SYNAPSES["AMPA"](0.1).replace(beta=hh.Proportional("Ca", 1.0))
    with pytest.raises(
        ValueError, match="reads the concentration Ca, and cell hodgkin_huxley has no"
    ):
        hh.Network(2, cell="hodgkin_huxley", synapses=synapse)


# -- temperature -----------------------------------------------------------------------------------


def test_rates_follow_the_temperature():
    """By q10^((T - T_ref)/10), given rates and time constants alike, a value for each neuron."""
    T = np.array([6.3, 16.3, 18.5])
    net = hh.Network(3, cell=hh.CELLS["hodgkin_huxley"](temperature=T))
    x = np.concatenate([[-50.0] * 3, [0.1] * 3, [0.5] * 3, [0.4] * 3])
    f = net.sde().f(x, 0.0).reshape(4, 3)
    phi = 3.0 ** ((T - 6.3) / 10)
    np.testing.assert_allclose(f[1:], f[1:, :1] * phi, rtol=1e-14)
    np.testing.assert_array_equal(f[0], f[0, 0])
    slow = hh.CELLS["pospischil_LTS"](temperature=26.0)
    warm = hh.Network(1, cell="pospischil_LTS").kinetics([-60.0]).tau[:, 0]
    cold = hh.Network(1, cell=slow).kinetics([-60.0]).tau[:, 0]
    q10 = {"m": 3.0, "h": 3.0, "n": 3.0, "p": 2.3, "u": 3.0}
    for gate, factor in q10.items():
        assert float(cold.sel(gate=gate) / warm.sel(gate=gate)) == pytest.approx(factor, rel=1e-13)


def test_at_its_own_temperature_the_axon_is_as_it_was():
    """Bit for bit: the factor is 1."""
    cell = hh.CELLS["hodgkin_huxley"]
    bare = cell.replace(
        temperature=None,
        channels=tuple(
            one.replace(
                gates=tuple(g.replace(q10=1.0, reference_temperature=None) for g in one.gates)
            )
            for one in cell.channels
        ),
    )
    found = [hh.solve(hh.Network(1, cell=c, stimulus=10.0), 20.0).V for c in (cell, bare)]
    np.testing.assert_array_equal(*found)


def test_what_a_temperature_may_be():
    with pytest.raises(ValueError, match=r"q10 = 3.0 needs reference_temperature"):
        hh.Gate("n", 1, alpha=hh.Constant(1.0), beta=hh.Constant(1.0), q10=3.0)
    with pytest.raises(ValueError, match="traub_miles has no parameter 'temperature'"):
        hh.CELLS["traub_miles"](temperature=20.0)
    with pytest.raises(ValueError, match="wang_buzsaki has no parameter 'V_T'"):
        hh.CELLS["wang_buzsaki"](V_T=-60.0)
    with pytest.raises(ValueError, match="temperature of cell hodgkin_huxley must be above"):
        hh.CELLS["hodgkin_huxley"](temperature=-300.0)
    table = hh.Tabulated.sample(lambda V: 0.1 * np.exp(V / 40))
    gate = hh.Gate("x", 1, alpha=table, beta=table, q10=2.0, reference_temperature=10.0)
    np.testing.assert_allclose(gate.at(20.0).alpha.values, 2.0 * table.values)
    assert gate.at(20.0, V_T=-50.0).alpha.start == table.start - 50.0
    with pytest.raises(ValueError, match="same for all neurons"):
        gate.at(np.array([10.0, 20.0]))


def test_rates_count_V_from_V_T():
    shifted = hh.Network(1, cell=hh.CELLS["traub_miles"](V_T=-53.0)).kinetics([-40.0])
    given = hh.Network(1, cell="traub_miles").kinetics([-50.0])
    np.testing.assert_allclose(shifted.tau, given.tau.values, rtol=1e-13)

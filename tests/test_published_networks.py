"""Networks and synapses of papers: periods, phases and conductances that others have computed."""

import numpy as np
import pytest

import hh_sde as hh

REST = hh.Constant(1.0)
AREA = 0.628e-3  # cm^2, of a cell of Prinz, Bucher & Marder 2004


def values(rate, V):
    """A rate at potentials V, as the engine takes it."""
    gate = hh.Gate("x", 1, alpha=rate, beta=REST)
    cell = hh.Cell("one", (hh.Channel(name="X", g=1.0, E=0.0, gates=(gate,)),))
    return hh.Network(1, cell=cell).kinetics(V).alpha.values[0]


@pytest.mark.parametrize(
    ("name", "k", "E"), [("glutamatergic", 1 / 40, -70.0), ("cholinergic", 1 / 100, -80.0)]
)
def test_graded_synapses_of_the_pyloric_network(name, k, E):
    # Prinz, Bucher & Marder 2004: ds/dt = (s_inf - s)/tau, tau = (1 - s_inf)/k
    synapse = hh.SYNAPSES[name](0.1)
    V = np.linspace(-90.0, 30.0, 25)
    s_inf = 1.0 / (1.0 + np.exp(-(V + 35.0) / 5.0))
    alpha, beta = values(synapse.alpha, V), values(synapse.beta, V)
    np.testing.assert_allclose(alpha / (alpha + beta), s_inf, rtol=1e-12)
    np.testing.assert_allclose(1.0 / (alpha + beta), (1.0 - s_inf) / k, rtol=1e-8)
    assert synapse.E == E


@pytest.mark.parametrize("Mg", [0.3, 1.0, 2.0])
def test_magnesium_blocks_NMDA(Mg):
    synapse = hh.SYNAPSES["NMDA"](0.1, Mg=Mg)
    V = np.linspace(-90.0, 60.0, 16)
    np.testing.assert_allclose(  # Jahr & Stevens 1990
        values(synapse.voltage_block, V), 1.0 / (1.0 + np.exp(-0.062 * V) * Mg / 3.57), rtol=1e-12
    )
    T = 1.0 / (1.0 + np.exp(-(V - 2.0) / 5.0))
    np.testing.assert_allclose(values(synapse.alpha, V), 0.072 * T, rtol=1e-12)
    assert synapse.beta == hh.Constant(0.0066)


def test_NMDA_without_magnesium_or_with_as_much_as_a_neuron_has():
    assert hh.SYNAPSES["NMDA"](0.1, Mg=0.0).voltage_block is None
    synapse = hh.SYNAPSES["NMDA"](0.1, Mg=[0.5, 2.0])
    block = synapse.voltage_block
    np.testing.assert_allclose(np.exp(block.mid / block.scale), np.array([0.5, 2.0]) / 3.57)
    with pytest.raises(ValueError, match="Mg of NMDA must be positive"):
        hh.SYNAPSES["NMDA"](0.1, Mg=[0.0, 1.0])
    with pytest.raises(ValueError, match="Mg of NMDA must be positive"):
        hh.SYNAPSES["NMDA"](0.1, Mg=-1.0)


def test_the_block_holds_back_the_current_of_NMDA_at_rest():
    net = hh.Network(2, synapses=hh.SYNAPSES["NMDA"](0.1, Mg=1.0))
    x = net.steady_state([-65.0, 20.0])
    ds = hh.solve(net, 0.01, dt=0.01, x0=x, record=["V", "s", "g_NMDA", "I_NMDA"])
    at = ds.isel(time=0)
    block = 1.0 / (1.0 + np.exp(0.062 * 65.0) / 3.57)
    conductance = 0.1 * float(at.s.sel(neuron=1)) * block
    assert float(at.g_NMDA.sel(neuron=0)) == pytest.approx(conductance, rel=1e-12)
    assert float(at.I_NMDA.sel(neuron=0)) == pytest.approx(-65.0 * conductance, rel=1e-12)


def test_the_pair_of_PING_has_its_period():
    # cells and synapses of Boergers 2017, chapter 30, with one gate of each synapse and m of the
    # excitatory cell a variable; the period by scipy's LSODA of the equations as they stand there
    pyramidal = hh.CELLS["traub_miles"](g_K=80.0, g_L=0.1, E_K=-100.0, E_L=-67.0, V_T=-67.0)
    rise = hh.Sigmoid(rate=2.0, mid=0.0, scale=5.0)
    AMPA = hh.SYNAPSES["AMPA"](0.25, alpha=rise, beta=hh.Constant(1 / 3.0), source="E", target="I")
    GABA_A = hh.SYNAPSES["GABA_A"](
        0.25, alpha=rise, beta=hh.Constant(1 / 9.0), E=-75.0, source="I", target="E"
    )
    net = hh.Network(
        {"E": hh.Population(1, pyramidal, stimulus=1.4), "I": hh.Population(1, "wang_buzsaki")},
        # one that is of no pair of neurons makes the loops those of examples/ping.py
        synapses=[AMPA, GABA_A, GABA_A.replace(target="I")],
    )
    ds = hh.solve(net, 300.0, dt=0.01, method="strang", record=["spikes"])
    intervals = ds.hh.intervals(start=150.0)
    assert intervals.interval_length.values == pytest.approx(20.893, abs=0.02)


@pytest.mark.slow
def test_the_pyloric_network_fires_in_the_order_of_the_living():
    # Prinz, Bucher & Marder 2004, figure 3e and table 2 (AB/PD 2, LP 4, PY 1), in nS
    names = ("g_Na", "g_CaT", "g_CaS", "g_A", "g_KCa", "g_Kd", "g_H", "g_L")
    cells = {
        "AB": (100.0, 2.5, 6.0, 50.0, 5.0, 100.0, 0.01, 0.0),
        "LP": (100.0, 0.0, 4.0, 20.0, 0.0, 25.0, 0.05, 0.03),
        "PY": (100.0, 2.5, 2.0, 50.0, 0.0, 125.0, 0.05, 0.01),
    }
    edges = [
        ("glutamatergic", "AB", "LP", 30.0), ("cholinergic", "AB", "LP", 30.0),
        ("glutamatergic", "AB", "PY", 10.0), ("cholinergic", "AB", "PY", 3.0),
        ("glutamatergic", "LP", "AB", 30.0), ("glutamatergic", "LP", "PY", 1.0),
        ("glutamatergic", "PY", "LP", 30.0),
    ]  # fmt: skip
    cell = hh.CELLS["prinz_abpd"]
    net = hh.Network(
        {
            name: hh.Population(1, cell(**dict(zip(names, g, strict=True))))
            for name, g in cells.items()
        },
        synapses=[
            hh.SYNAPSES[kind](nS * 1e-6 / AREA, source=source, target=target)
            for kind, source, target, nS in edges
        ],
    )
    ds = hh.solve(net, 7500.0, dt=0.05, method="strang", record=["spikes"])
    found = {}
    for name in cells:
        time = ds.hh.population(name).spike_time.values
        first = np.flatnonzero(np.diff(time) > 250.0) + 1
        found[name] = time[first[:-1]], time[first[1:] - 1]
    AB = found["AB"][0][found["AB"][0] > 3000.0]
    begin, end = AB[:2]
    # mean and twice the standard deviation of lobsters, table 1
    assert end - begin == pytest.approx(1509.0, abs=2 * 279.0)
    k = {name: np.searchsorted(found[name][0], begin) for name in cells}
    start = {name: found[name][0][k[name]] - begin for name in cells}
    stop = {name: found[name][1][k[name]] - begin for name in cells}
    assert start["AB"] == 0 < stop["AB"] < start["LP"] < start["PY"] < stop["LP"] < stop["PY"]
    assert start["LP"] / (end - begin) == pytest.approx(0.533, abs=2 * 0.054)
    assert stop["AB"] / (end - begin) == pytest.approx(0.385, abs=2 * 0.040)

"""Populations: laws of networks that are made of several kinds of neurons."""

import numpy as np
import pandas as pd
import pytest
from shared import ENGINE, PASSIVE, SMALL, quick_ones

import hh_sde as hh

exponential = hh.SYNAPSES["exponential"]
RULE = hh.SpikeRule(threshold=-20.0, rearm=-30.0)


def mixed(**changes):
    """Two kinds of cells that spike, noise on one of them, graded synapses, gap junctions."""
    populations = {
        "E": hh.Population(3, "morris_lecar", 95.0, noise=hh.CurrentNoise(20.0)),
        "I": hh.Population(2, "wang_buzsaki", 1.5),
    }
    synapses = [
        hh.SYNAPSES["AMPA"](0.2, source="E", target="I"),
        hh.SYNAPSES["wang_buzsaki"](0.3, source="I", target="E"),
        hh.GapJunction(0.05, source="E", target="I"),
    ]
    return hh.Network(**{"populations": populations, "synapses": synapses} | changes)


# -- a population is its neurons -------------------------------------------------------------------


@pytest.mark.parametrize("method", ENGINE)
def test_two_uncoupled_populations_of_a_cell_are_one_of_both(method):
    """Bit by bit, with noise on V, whatever the trials."""
    noise, stimulus = hh.CurrentNoise(20.0), np.array([90.0, 100.0, 110.0, 95.0, 120.0])
    one = hh.Network(5, "morris_lecar", stimulus=stimulus, noise=noise)
    two = hh.Network(
        {
            "A": hh.Population(2, "morris_lecar", stimulus[:2], noise=noise),
            "B": hh.Population(3, "morris_lecar", stimulus[2:], noise=noise),
        }
    )
    options = {"method": method, "rng": 4, "trials": [0, 3, 1], "dt": 0.05}
    a, b = (hh.solve(net, 20.0, **options) for net in (one, two))
    for name in ("V", "w"):
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    assert b.population.values.tolist() == ["A", "A", "B", "B", "B"]
    assert b.index.values.tolist() == [0, 1, 0, 1, 2]
    common = two.replace(
        populations={k: p.replace(noise=None) for k, p in two.populations.items()}, noise=noise
    )
    np.testing.assert_array_equal(hh.solve(common, 20.0, **options).V, a.V)


@pytest.mark.parametrize(
    "method",
    quick_ones([name for name in ENGINE if name != "tamed_euler"], ("euler_maruyama",)),
)
def test_with_weights_of_zero_each_is_as_it_is_alone(method):
    """Bit by bit, without noise; of graded and event-driven synapses and gap junctions.

    Not with tamed_euler, which holds down the whole drift of a neuron, its synaptic gate's too.
    """
    synapses = [
        hh.SYNAPSES["AMPA"](np.zeros((3, 2)), source="I", target="E"),
        exponential(np.zeros((2, 3)), tau=5.0, E=-80.0, source="E", target="I", spike_rule=RULE),
        hh.GapJunction(np.zeros((2, 3)), source="E", target="I"),
    ]
    populations = {
        "E": hh.Population(3, "morris_lecar", [95.0, 100.0, 120.0]),
        "I": hh.Population(2, PASSIVE, [1.5, 3.0]),
    }
    options = {"method": method, "dt": 0.02}
    together = hh.solve(hh.Network(populations, synapses=synapses), 20.0, **options)
    for name, own in populations.items():
        net = hh.Network(own.n, own.cell, stimulus=own.stimulus)
        alone, part = hh.solve(net, 20.0, **options), together.hh.population(name)
        # without events strang makes two half steps of the gates in one; shifted_strang looks at
        # what depends on V once, not at both nodes
        close = {"strang": 1e-9, "shifted_strang": 1e-12}.get(method, 0.0)
        for variable in net.variables:
            a, b = part[variable].values, alone[variable].values
            np.testing.assert_allclose(a, b, rtol=0, atol=close, err_msg=f"{name} {variable}")


def test_populations_are_in_the_order_in_which_they_are_given():
    inhibition = hh.SYNAPSES["GABA_A"](0.3, source="I", target="E")
    net = hh.Network(
        {"E": hh.Population(3, "morris_lecar", 95.0), "I": hh.Population(2, PASSIVE, 4.0)},
        synapses=[
            hh.SYNAPSES["AMPA"](0.2, source="E", target="I"),
            inhibition.replace(alpha=hh.Sigmoid(rate=1.0, mid=-50.0, scale=5.0)),
        ],
    )
    turned = net.replace(populations=dict(reversed(net.populations.items())))
    options = {"dt": 0.02, "method": "lie_trotter"}
    a, b = hh.solve(net, 50.0, **options), hh.solve(turned, 50.0, **options)
    assert min(float(a[name].max()) for name in ("s_AMPA", "s_GABA_A")) > 0.1
    for name in ("E", "I"):
        np.testing.assert_allclose(
            a.hh.population(name).V, b.hh.population(name).V, rtol=0, atol=1e-9
        )


# -- permutations ----------------------------------------------------------------------------------


class Permuted(hh.BrownianPath):
    """A path whose processes are those of another one, in another order."""

    def __init__(self, order, rng, dt):
        super().__init__(rng=rng, m=len(order), dt=dt)
        self.order = order

    def drawing(self, needs):
        return None

    def lanes(self, start, stop, trials):
        by_process = super().lanes(start, stop, trials).reshape(stop - start, -1, len(trials))
        return by_process[:, self.order].reshape(stop - start, -1)


def permuted(weights, order):
    return weights[np.ix_(order, order)]


@pytest.mark.parametrize("kind", ["graded", "late", "event-driven", "edges with delays", "gap"])
def test_permuting_neurons_permutes_results(kind):
    """To 1e-9 over 50 ms, with each neuron's noise taken along."""
    rng = np.random.default_rng(3)
    n, order = 6, rng.permutation(6)
    weights = rng.uniform(0.2, 1.0, (n, n)) * (rng.random((n, n)) < 0.5)
    delays = rng.integers(0, 5, (n, n)) * 0.5
    stimulus = rng.uniform(90.0, 120.0, n)

    def synapse(W, D):
        if kind == "gap":
            return hh.GapJunction(W + W.T)
        if kind in ("graded", "late"):
            return hh.SYNAPSES["AMPA"](W, delay=1.5 if kind == "late" else 0.0)
        if kind == "edges with delays":
            target, source = np.nonzero(W)
            W = pd.DataFrame(
                {
                    "source": source, "target": target, "weight": W[target, source],
                    "delay": D[target, source],
                }
            )  # fmt: skip
        return exponential(W, tau=5.0, E=0.0,
                           spike_rule=RULE)  # fmt: skip

    def solved(places, **changes):
        net = hh.Network(
            n, "morris_lecar", stimulus=stimulus[places], noise=hh.CurrentNoise(20.0),
            synapses=synapse(permuted(weights, places), permuted(delays, places)),
        ).replace(**changes)  # fmt: skip
        path = Permuted(places, rng=1, dt=0.05)
        return hh.solve(net, 50.0, dt=0.05, method="lie_trotter", path=path, trials=2).V.values

    given = solved(np.arange(n))
    np.testing.assert_allclose(solved(order), given[..., order], rtol=0, atol=1e-9)
    assert np.abs(solved(np.arange(n), synapses=()) - given).max() > 1.0


# -- gap junctions ---------------------------------------------------------------------------------


def test_gap_currents_sum_to_zero_within_and_between_populations():
    rng = np.random.default_rng(1)
    within = rng.random((3, 3))
    gaps = [
        hh.GapJunction(0.1),
        hh.GapJunction(rng.random((2, 3)), source="E", target="I"),
        hh.GapJunction(within + within.T, source="E", target="E"),
        hh.GapJunction(hh.topology.random(p=0.7, weight=0.3, rng=1), source="I", target="E"),
    ]
    populations = {"E": hh.Population(3, SMALL, 2.0), "I": hh.Population(2, PASSIVE)}
    for synapses in ([gaps[0]], gaps[1:2], gaps[2:3], gaps[3:], gaps):
        net = hh.Network(populations, synapses=synapses, noise=hh.CurrentNoise(3.0))
        ds = hh.solve(net, 20.0, dt=0.02, rng=1, trials=2, method="strang", save_dt=0.2)
        gap = net.currents(ds).I_gap.fillna(0.0)
        assert float(abs(gap).max()) > 0.05
        np.testing.assert_allclose(gap.sum("neuron"), 0.0, atol=1e-11 * float(abs(gap).max()))


# -- everything takes them -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "others"),
    [
        ("euler_maruyama", "sdeint.itoEuler"),
        ("heun", "sdeint.stratHeun"),
        ("sri2", "sdeint.itoSRI2"),
    ],
)
def test_sdeint_gives_the_same(ours, others):
    """Through f and G of the flat state, with noise on V, on gates and coloured noise."""
    net = mixed()
    noise = hh.OrnsteinUhlenbeckCurrent(mean=0.2, sigma=0.3, tau=5.0)
    net = net.replace(
        populations=net.populations | {"I": net.populations["I"].replace(noise=noise)}
    )
    options = {"dt": 0.02, "rng": 2, "trials": 2}
    a, b = (hh.solve(net, 2.0, method=method, **options) for method in (ours, others))
    assert a.V.sizes == b.V.sizes
    for name in net.variables:
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=1e-8, err_msg=name)
    assert np.isnan(a.w.sel(neuron=3)).all()


def test_scipy_is_the_limit_of_small_steps():
    options = {"noise": "ignore", "save_dt": 1.0}
    exact = hh.solve(
        mixed(), 20.0, method="scipy.DOP853", dt=0.1, rtol=1e-10, atol=1e-10, **options
    )
    errors = [
        float(abs(hh.solve(mixed(), 20.0, method="strang", dt=dt, **options).V - exact.V).max())
        for dt in (0.01, 0.005)
    ]
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.15)
    assert errors[1] < 0.3


def test_whole_channels_are_counted_in_every_population():
    """tau_leap with and gillespie without synapses; populations are independent of each other."""
    gate = hh.Gate("k", 1, alpha=hh.Sigmoid(1.0, -40.0, 5.0), beta=hh.Constant(0.4))
    other = SMALL.replace(
        channels=(SMALL.channels[0], hh.Channel("K", g=1.0, E=-80.0, gates=(gate,)))
    )
    populations = {
        "A": hh.Population(2, SMALL, 200.0, noise=hh.ConductanceNoise(area=50.0)),
        "B": hh.Population(1, other, 2.0, noise=hh.ConductanceNoise(numbers={"K": 300})),
    }
    alone = hh.Network(populations)
    coupled = alone.replace(
        synapses=[
            hh.SYNAPSES["AMPA"](0.5, source="A", target="B"),
            exponential(1.0, tau=5.0, E=0.0, source="A", target="B"),
        ]
    )
    with pytest.raises(ValueError, match="neurons without synapses"):
        hh.solve(coupled, 1.0, method="gillespie", rng=1)
    leap = []
    for net, method in ((alone, "gillespie"), (alone, "tau_leap"), (coupled, "tau_leap")):
        ds = hh.solve(net, 20.0, dt=0.02, method=method, rng=1)
        for name, channel, number in (("A", "A", 50 * 10), ("B", "K", 300)):
            part = ds.hh.population(name)
            assert np.all(np.isfinite(part.V))
            states = [one for one in part.data_vars if part[one].attrs.get("channel") == channel]
            counted = sum(part[one] for one in states) * number
            np.testing.assert_allclose(counted, number, rtol=1e-9)
            open_ = part[states[-1]].values * number
            assert np.ptp(open_) > 1.0
            np.testing.assert_allclose(open_, np.rint(open_), atol=1e-6)
        assert float(ds.V.sel(neuron=0).max()) > 0.0
        leap += [ds.V] if method == "tau_leap" else []
    np.testing.assert_array_equal(leap[0].sel(neuron=[0, 1]), leap[1].sel(neuron=[0, 1]))
    assert not leap[0].sel(neuron=2).equals(leap[1].sel(neuron=2))


def test_a_result_knows_its_network():
    net = mixed(
        synapses=[
            exponential(0.1, tau=5.0, E=0.0, source="E", target="I", delay=1.0, spike_rule=RULE),
            exponential(0.1, tau=5.0, source=hh.PoissonInput(9.0, n=3), name="p"),
            exponential([[0.1]] * 5, tau=5.0, source=hh.SpikeTimes([[1.0, 2.0]]), name="t"),
        ]
    )
    ds = hh.solve(net, 2.0, rng=1, dt=0.05, method="lie_trotter", record=("V", "spikes"))
    assert hh.Network.from_dataset(ds) == net
    assert hh.rerun(ds).identical(ds)
    other = hh.rerun(ds, noise="ignore")
    assert other.identical(hh.rerun(ds, noise="ignore"))
    E = ds.hh.population("E")
    assert E.sizes["neuron"] == 3
    assert "i_p" not in E
    with pytest.raises(ValueError, match="no population 'EE'"):
        mixed(synapses=[exponential(0.1, tau=5.0, target="EE")])


@pytest.mark.parametrize("method", ["heun", "sra1", "sri2"])
def test_what_memory_held_before_does_not_matter(method, monkeypatch):
    """Rows that one population lacks, in the stages of a step, are no numbers of anybody."""
    net = hh.Network(
        {"A": hh.Population(2, "hodgkin_huxley"), "B": hh.Population(1, "morris_lecar")},
        synapses=hh.SYNAPSES["AMPA"](0.1, delay=0.1),
        noise=hh.CurrentNoise(1.0),
    )
    expected = hh.solve(net, 1.0, dt=0.02, method=method, rng=1)
    empty = np.empty

    def of_nans(shape, dtype=float, **kwargs):
        array = empty(shape, dtype, **kwargs)
        if array.dtype.kind == "f":
            array[...] = np.nan
        return array

    monkeypatch.setattr(np, "empty", of_nans)
    found = hh.solve(net, 1.0, dt=0.02, method=method, rng=1)
    assert found.identical(expected)


def test_delays_from_all_populations_to_all():
    """Of one number, as of the matrix that it stands for."""
    n = 5
    matrix = 0.1 * (np.ones((n, n)) - np.eye(n))
    results = []
    for weights in (0.1, matrix):
        net = hh.Network(
            {"A": hh.Population(3, stimulus=10.0), "B": hh.Population(2, stimulus=5.0)},
            synapses=hh.SYNAPSES["AMPA"](weights, delay=0.5),
        )
        results.append(hh.solve(net, 20.0, dt=0.02))
    assert np.array_equal(results[0].V, results[1].V)
    kind = hh.Network(n, stimulus=[10.0] * 3 + [5.0] * 2,
                      synapses=hh.SYNAPSES["AMPA"](matrix, delay=0.5))  # fmt: skip
    np.testing.assert_array_equal(hh.solve(kind, 20.0, dt=0.02).V, results[0].V)

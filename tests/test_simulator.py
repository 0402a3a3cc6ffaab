"""Simulators: a row is the network there, whatever is simulated beside it."""

import json
import pickle
import sys

import numpy as np
import pytest
import xarray as xr

import hh_sde as hh
from hh_sde.sweeps.simulator import Simulator

MODULE = sys.modules[Simulator.__module__]  # the function has its name
NET = hh.Network(2, stimulus=8.0, synapses="AMPA", weights=0.1, noise=hh.CurrentNoise(1.0))
NAMES = ["cell.g_Na", "noise.sigma"]
ROWS = np.array([[120.0, 1.0], [100.0, 0.5], [120.0, 1.0], [130.0, 2.0]])
T_END = 40.0


def simulator(summary="V_moments", net=NET, names=NAMES, t_end=T_END, **options):
    return hh.simulator(net, names, summary, t_end, **{"rng": 1, **options})


def test_rows_are_the_points_of_a_sweep_and_repeats_its_trials():
    ds = simulator(save_dt=0.1).run(ROWS, rng=3)
    over = {name: xr.DataArray(ROWS[[0, 1, 3], k], dims="sample") for k, name in enumerate(NAMES)}
    points = hh.sweep(
        NET, over, T_END, trials=2, record=("V", "spikes"), save_dt=0.1, rng=3, progress=False
    )
    for row, (sample, trial) in enumerate([(0, 0), (1, 0), (0, 1), (2, 0)]):
        np.testing.assert_array_equal(ds.V[row], points.V.isel(sample=sample, trial=trial))
    assert (ds.V[0] != ds.V[2]).any()
    assert ds.g_Na.attrs == {"units": "mS/cm^2", "long_name": "cell.g_Na"}


@pytest.mark.parametrize("names", [["V_moments", "spike_count"], "interval_mean"])
def test_what_is_beside_a_row_does_not_touch_it(names, monkeypatch):
    one = simulator(names)
    together = one(ROWS, rng=3)
    np.testing.assert_array_equal(one(ROWS[[3, 1]], rng=3), together[[3, 1]])
    np.testing.assert_array_equal(one(ROWS[1], rng=3), together[1])
    np.testing.assert_array_equal(simulator(names, threads=2)(ROWS, rng=3), together)
    monkeypatch.setattr(MODULE, "MOST_ROWS", 3)  # blocks of a larger batch
    np.testing.assert_array_equal(one(ROWS, rng=3), together)
    assert one.n_summaries == together.shape[1]


def test_blocks_are_as_large_as_memory_allows(monkeypatch):
    one = simulator(save_dt=0.1)
    row = 8 * (2 * (T_END / 0.1 + 1) + NET.layout.d)  # V of two neurons, and a state
    monkeypatch.setattr(MODULE.memory, "available", lambda: 8 * 5.5 * row)
    assert one._rows_at_once() == 5
    monkeypatch.setattr(MODULE.memory, "available", lambda: 0.0)
    assert one._rows_at_once() == 1


def test_each_call_has_noise_of_its_own_that_the_seed_decides():
    one, other = simulator(), simulator()
    calls = [one(ROWS), one(ROWS)]
    assert (calls[0] != calls[1]).all()
    np.testing.assert_array_equal([other(ROWS), other(ROWS)], calls)
    assert (simulator(rng=2)(ROWS) != calls[0]).all()
    assert (simulator(rng=None)(ROWS) != simulator(rng=None)(ROWS)).all()
    again = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(again(ROWS), one(ROWS))


def test_numbers_given_to_the_network_are_those_of_the_row():
    """Without noise: a row is the network with these values, integrated by `solve`."""
    net = hh.Network(2, stimulus=8.0, synapses="AMPA", weights=0.1)
    one = simulator("V_moments", net, ["stimulus", "cell.g_K", "synapses.AMPA.scale"], save_dt=0.1)
    cell = hh.CELLS["hodgkin_huxley"](g_K=30.0)
    there = hh.Network(2, cell, stimulus=10.0, synapses="AMPA", weights=0.2)
    V = hh.solve(there, T_END, save_dt=0.1).V
    expected = np.hstack([V.mean("time"), V.std("time")])
    np.testing.assert_allclose(one([10.0, 30.0, 2.0])[:4], expected, rtol=1e-6)


def test_summaries_are_the_measures():
    names = ["spike_count", "rate", "interval_mean", "interval_cv", "V_moments"]
    one = simulator(names, discard=10.0, t_end=90.0, net=NET.replace(stimulus=[8.0, 0.0]))
    found = one(ROWS, rng=3).reshape(len(ROWS), -1, 2).transpose(1, 0, 2)  # statistic, row, neuron
    ds = one.run(ROWS, rng=3)
    rates, intervals = ds.hh.rates(), ds.hh.interval_statistics()
    assert rates["count"].min() < 2
    assert rates["count"].max() > 3
    mean, sd = ds.V.mean("time"), ds.V.std("time")
    expected = [rates["count"], rates.rate, intervals["mean"], intervals.cv, mean, sd]
    expected += [(((ds.V - mean) / sd) ** power).mean("time") for power in (3, 4)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_response_to_a_step():
    net = NET.replace(stimulus=hh.StepCurrent(10.0, start=20.0, stop=60.0))
    one = simulator({"step_response": {"onset": 20.0, "offset": 60.0}}, net, t_end=80.0)
    found = one(ROWS, rng=3).reshape(len(ROWS), 7, 2)
    ds = one.run(ROWS, rng=3)
    rest, step = ds.V[:, ds.time < 20.0], ds.V[:, (ds.time >= 20.0) & (ds.time < 60.0)]
    spikes = ds.hh.rates(start=20.0, stop=60.0)["count"]
    assert (spikes < ds.spike_count).any()
    np.testing.assert_array_equal(found[:, 0], spikes)
    expected = [rest.mean("time"), rest.std("time"), step.mean("time"), step.std("time")]
    np.testing.assert_allclose(found[:, 1:5], np.stack(expected, axis=1), rtol=1e-9)
    with pytest.raises(ValueError, match="must lie in this order in the record, 0 to 80 ms"):
        simulator({"step_response": {"onset": 20.0, "offset": 90.0}}, t_end=80.0)(ROWS)


def test_a_function_makes_the_summaries():
    def last_V(ds):
        assert "spike_count" in ds
        return ds.V.isel(time=-1)

    one = simulator(last_V)
    np.testing.assert_array_equal(one(ROWS, rng=3), one.run(ROWS, rng=3).V[:, -1])
    assert one.n_summaries == 2
    assert simulator(lambda ds: ds.V.mean(("time", "neuron"))).n_summaries == 1
    traces = simulator(lambda ds: ds.V.transpose("time", "neuron", "point"), record="V")
    np.testing.assert_array_equal(traces(ROWS, rng=3)[1], one.run(ROWS, rng=3).V[1].values.ravel())
    with pytest.raises(
        ValueError, match=r"array \(points, statistics\).* of 4 here; .* shape \(\)"
    ):
        simulator(lambda ds: ds.V.values.mean())(ROWS)


def test_rows_that_diverge_are_nan_and_no_others():
    one = simulator("spike_count")
    good, bad = ROWS[:2], [[1e9, 1.0]]
    with pytest.warns(UserWarning, match="1 of 3 rows are NaN; of row 1 V of neuron 0 became NaN"):
        found = one(np.vstack([good[:1], bad, good[1:]]), rng=3)
    np.testing.assert_array_equal(found[[0, 2]], one(good, rng=3))
    assert np.isnan(found[1]).all()
    with pytest.warns(UserWarning, match="1 of 1 rows"):
        assert np.isnan(simulator("V_moments")(bad)).sum() == 8
    ds = one.run(np.vstack([good[:1], bad]), rng=3)
    assert ds.spike_count[1].values.tolist() == [-1, -1]
    assert [one["cell"] for one in json.loads(ds.failed)] == [{"point": 1}]


def test_no_rows_give_no_summaries():
    assert simulator(["rate", "V_moments"])(np.zeros((0, 2))).shape == (0, 10)


def test_tensors_come_back_as_tensors():
    torch = pytest.importorskip("torch")
    one = simulator()
    rows = torch.tensor(ROWS, dtype=torch.float32, requires_grad=True)
    found = one(rows, rng=3)
    assert found.dtype == torch.float32
    assert not found.requires_grad
    np.testing.assert_array_equal(found, one(rows.detach().numpy(), rng=3).astype(np.float32))
    assert one(rows[0]).shape == (8,)
    whole = simulator(names=["cell.g_Na"])(torch.tensor([[120], [100]]))
    assert whole.dtype == torch.float32


def test_the_table_takes_summaries_of_the_user():
    hh.SUMMARIES["peak"] = lambda ds, after=0.0: ds.V.sel(time=slice(after, None)).max("time")
    try:
        peak = simulator({"peak": {"after": 5.0}, "rate": None})(ROWS, rng=3)
    finally:
        del hh.SUMMARIES["peak"]
    np.testing.assert_array_equal(
        peak[:, :2], simulator().run(ROWS, rng=3).V.sel(time=slice(5.0, None)).max("time")
    )


WRONG = {
    "no network": (lambda: hh.simulator(1, NAMES, "rate", 10.0), TypeError, "takes a Network"),
    "no name": (lambda: simulator(names=[]), ValueError, "names, each once"),
    "twice": (lambda: simulator(names=["stimulus"] * 2), ValueError, "names, each once"),
    "unknown": (lambda: simulator(names=["cell.gNa"]), ValueError, "gNa.*did you mean g_Na"),
    "no number": (lambda: simulator(names=["synapses.AMPA"]), ValueError, "name a number"),
    "of the solver": (lambda: simulator(names=["dt"]), ValueError, "dt"),
    "summary": (lambda: simulator("rates"), ValueError, "rates.*did you mean rate"),
    "no summary": (lambda: simulator([]), ValueError, "at least one"),
    "no text": (lambda: simulator([1]), TypeError, "names of hh_sde.SUMMARIES"),
    "option": (lambda: simulator("step_response"), ValueError, "onset=..., offset=..."),
    "x0": (lambda: simulator(x0=np.zeros(10)), TypeError, "x0 of a sweep or a simulator"),
    "keyword": (lambda: simulator(seed=1), TypeError, "did you mean rng"),
    "columns": (lambda: simulator()([[1.0]]), ValueError, r"array \(n, 2\), of cell.g_Na, noise.s"),
    "three dims": (lambda: simulator()(np.zeros((1, 1, 2))), ValueError, r"shape \(1, 1, 2\)"),
    "text": (lambda: simulator()([["a", "b"]]), TypeError, "values must be an array"),
    "nan": (lambda: simulator()([[np.nan, 1.0]]), ValueError, "g_Na must be finite"),
    "negative": (lambda: simulator()([[100.0, -1.0]]), ValueError, "sigma must not be negative"),
    "record": (
        lambda: simulator("V_moments", record="m")(ROWS),
        ValueError,
        "V_moments.*made of V",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case):
    call, error, message = WRONG[case]
    with pytest.raises(error, match=message):
        call()

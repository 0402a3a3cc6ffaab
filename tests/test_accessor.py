"""What `ds.hh` offers: parts of a result, the noise it received, and help for all of it."""

import pydoc
import re

import numpy as np
import pytest
import xarray as xr

import hh_sde as hh
from hh_sde import dataset
from hh_sde.accessor import HHAccessor

#: What each method is given, besides the Dataset.
ARGUMENTS = {
    "spikes": (), "window": (20.0, 100.0), "rates": (), "psth": (10.0,), "fano_factor": (20.0,),
    "intervals": (), "interval_statistics": (), "first_passage": (0.0,),
    "autocorrelogram": (1.0, 20.0), "crosscorrelogram": (0, 1, 1.0, 20.0), "spike_spectrum": (),
    "power_spectrum": (), "coherence_time": (), "synchrony": (), "phase_locking": (),
    "isi_distance": (), "spike_distance": (), "noise": (), "action_potentials": (), "to_neo": (),
    "to_pynapple": (), "currents": (), "conductances": (), "traces": (),
}  # fmt: skip
OF_TRACES = {
    "traces",
    "first_passage",
    "power_spectrum",
    "coherence_time",
    "synchrony",
    "action_potentials",
}
OF_STATES = {"currents", "conductances"}
OF_SEVERAL = {"synchrony", "phase_locking", "crosscorrelogram"}
#: By libraries that are optional.
BY_OTHERS = {"isi_distance": "pyspike", "spike_distance": "pyspike", "action_potentials": "efel",
             "to_neo": "neo", "to_pynapple": "pynapple"}  # fmt: skip


@pytest.fixture(scope="module")
def kinds():
    """One run as traces, traces with spikes, and spikes alone."""
    net = hh.Network(
        2, stimulus=10.0, noise=[hh.CurrentNoise(2.0, correlation=0.5), hh.CurrentNoise(1.0)]
    )
    options = {"dt": 0.02, "rng": 1, "trials": 3}
    return {
        "traces": hh.solve(net, 120.0, save_dt=0.1, **options),
        "both": hh.solve(net, 120.0, save_dt=0.1, record=("V", "spikes"), **options),
        "spikes": hh.solve(net, 120.0, record=("spikes",), **options),
        "whole": hh.solve(net, 120.0, **options),
    }


def public():
    return {name for name in vars(HHAccessor) if not name.startswith("_")}


def test_every_method_is_tried_here():
    # of populations, of synapses, of two results, into a file: test_populations, test_lfp,
    # test_distances, test_interop
    elsewhere = {"population", "lfp", "interval_distance", "to_nwb"}
    assert public() - {"gates", "plot", "validate"} - elsewhere == set(ARGUMENTS)


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("kind", ["traces", "both", "spikes"])
def test_every_method_takes_traces_and_spikes_and_attributes_of_ones_own(kind, name, kinds):
    if name in BY_OTHERS:
        pytest.importorskip(BY_OTHERS[name])
    own = {"tags": ["a", "b"], "levels": np.arange(3.0), "matrix": np.eye(2), "who": {"a": [1]},
           "nothing": None, "flag": True}  # fmt: skip
    ds = kinds[kind].copy().assign_attrs(own)
    for variable in ds.variables:
        ds[variable].attrs.update(own)
    if kind == "spikes" and name in OF_TRACES:
        with pytest.raises(ValueError, match=r"spikes alone, whose traces hh_sde.rerun\(ds, rec"):
            getattr(ds.hh, name)(*ARGUMENTS[name])
        return
    if kind != "traces" and name in OF_STATES:
        with pytest.raises(ValueError, match="follow from all variables of the state") as caught:
            getattr(ds.hh, name)()
        of_states = {"both": "traces", "spikes": "whole"}[kind]
        again = re.search(r"hh_sde\.(rerun\(ds, .*?\)\)) makes it again", str(caught.value))
        ds = eval(again[1], {"rerun": hh.rerun, "ds": kinds[kind]})
        assert getattr(ds.hh, name)().equals(getattr(kinds[of_states].hh, name)())
        return
    found = getattr(ds.hh, name)(*ARGUMENTS[name])
    plain = getattr(kinds[kind].hh, name)(*ARGUMENTS[name])
    if isinstance(plain, xr.Dataset) and name not in OF_STATES:
        assert plain.attrs["schema_version"] == dataset.SCHEMA_VERSION
        assert found.drop_attrs().equals(plain.drop_attrs())
    if name == "spikes" and kind == "spikes":
        assert found is ds


def test_help_names_everything_in_groups():
    text = pydoc.render_doc(HHAccessor)
    for name in public() - {"plot"}:
        assert name in (HHAccessor.__doc__ or "").replace(",", " ").split(), name
        assert name in text
    assert "plot(), and plot.traces()" in repr(xr.Dataset().hh)
    assert set(dir(xr.Dataset().hh)) >= public()
    assert "numpy." not in pydoc.render_doc(hh.studies.rate_curve)
    assert "np.float64" not in pydoc.render_doc(hh.studies.rate_curve)


@pytest.mark.parametrize("kind", ["traces", "both", "spikes"])
def test_a_window_is_that_part_of_all(kind, kinds):
    ds = kinds[kind]
    part = ds.hh.window(20.0, 100.0)
    assert (part.attrs["t_start"], part.attrs["t_end"]) == (20.0, 100.0)
    whole = ds.hh.spikes(start=20.0, stop=100.0)
    for name in ("spike_time", "neuron", "trial"):
        assert np.array_equal(part.hh.spikes()[name], whole[name])
    assert np.array_equal(part.hh.rates().rate, ds.hh.rates(start=20.0, stop=100.0).rate)
    assert ds.hh.window().drop_attrs().identical(ds.drop_attrs())
    if "time" in part:
        assert part.time.values[[0, -1]].tolist() == [20.0, 100.0]
    if kind == "both":
        assert part.sizes["spike"] == whole.sizes["spike"]
    if kind != "traces":  # a spike at the end of a window belongs to the next one
        at = float(whole.spike_time.max())
        assert float(ds.hh.window(20.0, at).spike_time.max()) < at
        assert float(ds.hh.window(at, 100.0).spike_time.min()) == at
    if kind != "traces":
        part.hh.validate()


def test_a_window_to_the_end_can_be_continued_and_no_other(kinds):
    net = hh.Network.from_dataset(kinds["traces"])
    options = {"dt": 0.02, "rng": 1}
    for ds in kinds.values():
        rest = hh.solve(net, 130.0, x0=ds, record=("spikes",), **options)
        again = hh.solve(net, 130.0, x0=ds.hh.window(60.0), record=("spikes",), **options)
        assert np.array_equal(again.spike_time, rest.spike_time)
    for kind, message in (("both", "x0 lacks m, h, n"), ("spikes", "x0 has no time")):
        with pytest.raises(ValueError, match=message):
            hh.solve(net, 130.0, x0=kinds[kind].hh.window(20.0, 60.0), **options)


def test_a_window_that_is_none_is_refused(kinds):
    for ds in kinds.values():
        with pytest.raises(ValueError, match="must be 0 <= start < stop <= 120 ms"):
            ds.hh.window(50.0, 121.0)
        with pytest.raises(TypeError, match="start must be a number"):
            ds.hh.window("begin")
    with pytest.raises(ValueError, match="cut out of traces or spikes; this Dataset has nothing"):
        xr.Dataset().hh.window(1.0)


# -- the noise that a trial received ---------------------------------------------------------------


def test_the_noise_is_that_of_the_path(kinds):
    net = hh.Network.from_dataset(kinds["traces"])
    path = net.sde().path(1, 0.02)
    alone = kinds["spikes"].hh.noise()
    assert alone.sizes == {"trial": 3, "time": 6000, "neuron": 2}
    for trial in range(3):
        dW = path.of_trial(trial).increments(0, 6000)
        one = alone.sel(trial=trial)
        assert np.array_equal(one.dW_V, dW[:, :2])
        assert np.array_equal(one.dW_V_2, dW[:, 2:])
        L = np.array([[2.0, 0.0], [1.0, np.sqrt(3.0)]])  # of correlation 0.5
        np.testing.assert_allclose(one.I_noise, (dW[:, :2] @ L.T + dW[:, 2:]) / 0.02)
    saved = kinds["traces"].hh.noise()
    assert np.array_equal(saved.time, kinds["traces"].time[:-1])
    np.testing.assert_allclose(
        saved.dW_V, alone.dW_V.values.reshape(3, 1200, 5, 2).sum(axis=2), atol=1e-13
    )
    assert saved.I_noise.attrs["units"] == "uA/cm^2"


def test_the_noise_moves_V_as_the_run_did():
    """Euler-Maruyama by hand: V changes by f dt, and by I_noise dt/C."""
    net = hh.Network(2, stimulus=10.0, noise=hh.CurrentNoise(2.0, correlation=0.3))
    ds = hh.solve(net, 5.0, dt=0.02, rng=4, trials=[7])
    noise = ds.hh.noise().isel(trial=0)
    f = net.sde().f
    states = np.stack([ds[name].values[0] for name in net.variables], axis=1)
    drift = np.array([f(x.ravel(), 0.0)[:2] for x in states[:-1]])
    moved = states[:-1, 0] + 0.02 * (drift + noise.I_noise.values)
    np.testing.assert_allclose(states[1:, 0], moved, rtol=1e-12)


def test_other_noise_by_its_names():
    net = hh.Network(
        2,
        noise=[
            hh.SubunitNoise(area=100.0),
            hh.OrnsteinUhlenbeckCurrent(0.0, 1.0, 5.0),
            hh.CurrentNoise(1.0),
        ],
    )
    ds = hh.solve(net, 1.0, dt=0.02, rng=1)
    noise = ds.hh.noise()
    assert list(noise.data_vars) == ["dW_V", "dW_m", "dW_h", "dW_n", "dW_eta", "I_noise"]
    dW = net.sde().path(1, 0.02).increments(0, 50).reshape(50, 5, 2)
    assert np.array_equal(noise.dW_eta, dW[:, 4])
    # the Ornstein-Uhlenbeck process follows it: d eta = -eta/tau dt + sigma sqrt(2/tau) dW
    eta = ds.eta.values
    moved = eta[:-1] - eta[:-1] / 5.0 * 0.02 + np.sqrt(0.4) * noise.dW_eta.values
    np.testing.assert_allclose(eta[1:], moved, rtol=1e-10, atol=1e-13)


def test_of_a_part_the_noise_is_that_part(kinds):
    ds = kinds["traces"]
    whole = ds.hh.noise()
    part = ds.isel(trial=[2, 0], neuron=[1]).sel(time=slice(10.0, 20.0)).hh.noise()
    expected = whole.isel(trial=[2, 0], neuron=[1]).sel(time=slice(10.0, 19.95))
    assert np.array_equal(part.I_noise, expected.I_noise)
    assert ds.sel(trial=1).hh.noise().I_noise.equals(whole.I_noise.sel(trial=1))
    late = kinds["spikes"].hh.window(60.0, 80.0).hh.noise(0.1)
    np.testing.assert_allclose(late.dW_V, whole.dW_V.sel(time=slice(59.95, 79.95)), atol=1e-13)


def test_noise_of_a_given_path_and_of_a_continued_run(kinds):
    net = hh.Network.from_dataset(kinds["traces"])
    path = net.sde().path(9, 0.01, trial=4).coarsen(2)
    ds = hh.solve(net, 2.0, dt=0.02, path=path)
    assert np.array_equal(ds.hh.noise().dW_V, path.increments(0, 100)[:, :2])
    rest = hh.solve(net, 130.0, dt=0.02, rng=1, x0=kinds["traces"].sel(trial=2))
    known = net.sde().path(1, 0.02, trial=2).increments(6000, 6500)
    assert np.array_equal(rest.hh.noise().dW_V, known[:, :2])


def test_what_has_no_increments_says_so(kinds):
    net = hh.Network.from_dataset(kinds["traces"])
    cases = [
        (hh.solve(net, 1.0, noise="ignore"), "this run had no noise: it was dropped"),
        (hh.solve(net.replace(noise=None), 1.0), "has no seed .*: it has no noise"),
        (
            hh.solve(net, 1.0, rng=1, trials=2, reduce="mean"),
            "these are statistics over trials; the noise is that of each",
        ),
        (
            hh.solve(
                hh.Network(1, noise=hh.ConductanceNoise(area=20.0)), 0.1, method="gillespie", rng=1
            ),
            "the noise of gillespie is of channels that open and close one by one",
        ),
    ]
    for ds, message in cases:
        with pytest.raises(ValueError, match=message):
            ds.hh.noise()
    with pytest.raises(ValueError, match=r"spacing = 0.03 ms must be a multiple of dt = 0.02 ms"):
        kinds["traces"].hh.noise(0.03)
    with pytest.raises(ValueError, match="spacing = 500 ms is longer than the record, 120 ms"):
        kinds["traces"].hh.noise(500.0)
    with pytest.raises(ValueError, match="spacing must be positive"):
        kinds["traces"].hh.noise(-1.0)


def test_traces_and_spikes_of_one_run_are_two_tables(kinds):
    both, times = kinds["both"], kinds["both"].sizes["time"]
    assert len(both.hh.traces().to_dataframe()) == times * 2 * 3
    assert list(both.hh.traces().to_dataframe()) == ["V"]
    assert len(both.hh.spikes().to_dataframe()) == both.attrs["n_spikes"]
    assert both.hh.traces().V.identical(both.V)
    with pytest.raises(
        ValueError, match=r"there are no traces; .*hh_sde.rerun\(ds, record=\('V',\)\)"
    ):
        kinds["spikes"].hh.traces()


@pytest.mark.parametrize("kind", ["traces", "both"])
@pytest.mark.parametrize("name", [n for n in ARGUMENTS if n not in OF_STATES | OF_SEVERAL])
def test_a_neuron_that_was_chosen_is_one_of_one(kind, name, kinds):
    if name in BY_OTHERS:
        pytest.importorskip(BY_OTHERS[name])
    for trial in ({}, {"trial": 2}):
        ds = kinds[kind].isel(trial)
        one = getattr(ds.isel(neuron=1).hh, name)(*ARGUMENTS[name])
        expected = getattr(ds.isel(neuron=[1]).hh, name)(*ARGUMENTS[name])
        if isinstance(one, xr.Dataset):
            assert np.array_equal(
                *(part.to_array().values.ravel() for part in (one, expected)), equal_nan=True
            )
        else:
            trains = one if name == "to_pynapple" else one.segments[0].spiketrains
            assert len(trains) == (3 if name == "to_pynapple" and not trial else 1)

"""Sweeps: each point is the network there, whatever runs beside it."""

import functools
import json

import numpy as np
import pytest
import xarray as xr

import hh_sde as hh
from hh_sde.network.paths import with_value
from hh_sde.sweeps.points import Points, Recording, point_seed

WHITE = hh.CurrentNoise(1.0)
PAIR = hh.Network(2, stimulus=10.0, synapses="AMPA", weights=0.1, noise=WHITE)
EVENTS = hh.Network(
    {"E": hh.Population(3, stimulus=7.0, noise=WHITE), "I": hh.Population(2, "wang_buzsaki")},
    synapses=[
        hh.SYNAPSES["biexponential"](
            0.3, tau_rise=1.0, tau_decay=5.0, E=0.0, source="E", target="I", name="exc"
        ),
        hh.SYNAPSES["exponential"](
            0.02, tau=3.0, E=0.0, source=hh.PoissonInput(800.0), target="E", name="drive"
        ),
        hh.SYNAPSES["GABA_A"](0.2, source="I", target="E", delay=0.5),
    ],
    noise=hh.CurrentNoise(0.5, correlation=0.3),
)
#: A network, and what varies: each with values at three points.
CASES = {
    "cell, stimulus, white noise, weights": (
        PAIR,
        {
            "cell.g_Na": [100.0, 120.0, 130.0],
            "stimulus": [8.0, 10.0, 12.0],
            "noise.sigma": [0.5, 1.0, 2.0],
            "synapses.AMPA.weights": [0.05, 0.1, 0.2],
        },
    ),
    "populations, events, Poisson trains, delays": (
        EVENTS,
        {
            "E.stimulus": [6.0, 8.0, 9.0],
            "noise.sigma": [0.2, 0.5, 1.0],
            "synapses.exc.tau": [4.0, 6.0, 8.0],
            "synapses.drive.scale": [0.5, 1.0, 2.0],
            "synapses.GABA_A.E": [-75.0, -80.0, -85.0],
        },
    ),
    "channel noise, gap junctions, coloured noise": (
        hh.Network(
            2,
            stimulus=hh.SineCurrent(8.0, frequency=40.0),
            synapses=hh.GapJunction(0.05),
            noise=[hh.ConductanceNoise(area=200.0), hh.OrnsteinUhlenbeckCurrent(0.0, 1.0, 5.0)],
        ),
        {
            "stimulus.amplitude": [6.0, 8.0, 10.0],
            "noise.ConductanceNoise.area": [100.0, 200.0, 400.0],
            "noise.eta.tau": [2.0, 5.0, 9.0],
            "synapses.gap.scale": [0.5, 1.0, 2.0],
        },
    ),
}


def columns(values, points=None):
    chosen = slice(None) if points is None else points
    return {path: np.array(one)[chosen] for path, one in values.items()}


def seeds_of(values, points):
    return [point_seed(3, {path: one[k] for path, one in values.items()}) for k in points]


def kept(net, values, points=(0, 1, 2), trials=(0, 1, 2), threads=1, **recording):
    points = list(points)
    options = {"t_end": 8.0, "record": ("V", "spikes"), "save_dt": 0.1, **recording}
    own = columns(values, points)
    seeds = seeds_of(values, points)
    return Points(net, own, seeds, np.array(trials), Recording(**options)).result(threads)


def network_at(net, values, k):
    for path, one in values.items():
        factor = path.endswith(".scale")
        if factor and "gap" in path:
            path, value = path.replace("scale", "weights"), one[k] * 0.05
        elif factor:
            path, value = path.replace("scale", "weights"), one[k] * 0.02
        else:
            value = one[k]
        net = with_value(net, path, value)
    return net


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "method", ["euler_maruyama", pytest.param("lie_trotter", marks=pytest.mark.slow)]
)
def test_a_point_is_the_network_there(case, method):
    net, values = CASES[case]
    x0 = {"V": hh.Normal(-62.0, 3.0)}
    found = kept(net, values, method=method, x0=x0).variables["V"][1]
    for k in (0, 2):
        alone = hh.solve(
            network_at(net, values, k), 8.0, method=method, rng=seeds_of(values, [k])[0],
            trials=3, record=("V",), save_dt=0.1, x0=x0,
        )  # fmt: skip
        np.testing.assert_allclose(found[k], alone.V, rtol=0, atol=2e-8)


@pytest.mark.parametrize("case", CASES)
def test_what_runs_beside_a_point_does_not_touch_it(case):
    net, values = CASES[case]
    whole, part = kept(net, values), kept(net, values, [2, 0], [2, 1], threads=2)
    V = whole.variables["V"][1]
    np.testing.assert_array_equal(part.variables["V"][1], V[[2, 0]][:, [2, 1]])


@pytest.mark.parametrize("method", ["sri2", pytest.param("dri1", marks=pytest.mark.slow)])
def test_areas_are_those_of_the_point(method):
    net = hh.Network(1, stimulus=10.0, noise=[WHITE, hh.ConductanceNoise(area=100.0)])
    values = {"noise.CurrentNoise.sigma": [0.5, 1.0, 2.0], "cell.C": [0.9, 1.0, 1.1]}
    found = kept(net, values, method=method, t_end=1.0, record=("V",)).variables["V"][1]
    alone = hh.solve(
        network_at(net, values, 2), 1.0, method=method, rng=seeds_of(values, [2])[0], trials=3,
        save_dt=0.1,
    )  # fmt: skip
    np.testing.assert_allclose(found[2], alone.V, rtol=0, atol=2e-8)


def swept(over, t_end=30.0, net=PAIR, **options):
    return hh.sweep(net, over, t_end, **{"rng": 1, "trials": 2, "progress": False, **options})


def test_a_list_makes_a_dim_and_arrays_keep_theirs():
    sample = xr.DataArray([100.0, 120.0, 130.0], dims="sample", coords={"sample": [5, 6, 7]})
    ds = swept({"cell.g_Na": sample, "cell.g_K": 0.3 * sample, "stimulus": [8.0, 10.0]})
    assert ds.spike_count.sizes == {"sample": 3, "stimulus": 2, "trial": 2, "neuron": 2}
    assert ds.g_K.dims == ("sample",)
    assert ds.g_K.attrs["units"] == "mS/cm^2"
    assert ds.sample.values.tolist() == [5, 6, 7]
    rates = ds.sel(sample=6).hh.rates()
    assert rates.rate.sizes == {"stimulus": 2, "trial": 2, "neuron": 2}
    assert (rates.rate > 0).all()


def test_noise_belongs_to_values_not_to_places():
    long = swept({"stimulus": [8.0, 10.0, 12.0], "noise.sigma": [0.5, 1.0]}, trials=3)
    short = swept({"noise.sigma": [1.0], "stimulus": [12.0, 8.0]})
    for I in (8.0, 12.0):
        both = [one.sel(stimulus=I, sigma=1.0, trial=1).hh.spikes() for one in (long, short)]
        np.testing.assert_array_equal(both[0].spike_time, both[1].spike_time)
    other = swept({"noise.sigma": [1.0], "stimulus": [12.0, 8.0]}, rng=2)
    assert not np.array_equal(other.spike_time, short.spike_time)


def test_points_have_noise_of_their_own_unless_it_is_common():
    net = hh.Network(1, noise=WHITE)  # no spike: V is nearly that of a passive membrane
    over, quiet = {"stimulus": [0.0, 0.1]}, {"net": net, "record": ("V",), "save_dt": 0.5}
    own = swept(over, 200.0, trials=20, **quiet).V.diff("time").values
    assert abs(np.corrcoef(own[0].ravel(), own[1].ravel())[0, 1]) < 0.08  # 4 sd of 8,000 numbers
    common = swept(over, 200.0, trials=2, common_noise=True, **quiet).V.diff("time").values
    assert np.corrcoef(common[0].ravel(), common[1].ravel())[0, 1] > 0.99


def test_any_part_is_made_again():
    ds = swept({"stimulus": [8.0, 10.0], "noise.sigma": [0.5, 1.0]}, record=("V", "spikes"))
    for part in (ds.sel(stimulus=10.0, sigma=0.5), ds.isel(sigma=[1], trial=[1])):
        again = hh.rerun(part)
        xr.testing.assert_equal(again.V, part.V)
        np.testing.assert_array_equal(again.hh.spikes().spike_time, part.hh.spikes().spike_time)
    with pytest.raises(ValueError, match="dt cannot be other"):
        hh.rerun(ds, dt=0.02)


def test_methods_and_steps_are_runs_of_their_own():
    over = {"method": ["euler_maruyama", "sdeint.itoEuler"], "dt": [0.01, 0.02]}
    ds = swept(over, 2.0, record=("V",), save_dt=0.1, common_noise=True)
    assert ds.V.dims == ("scheme", "dt", "trial", "time", "neuron")
    euler, sdeint = (ds.V.sel(scheme=name, dt=0.02) for name in over["method"])
    np.testing.assert_allclose(euler, sdeint, rtol=0, atol=1e-9)


def test_reductions_are_the_measures_of_all_spikes():
    over = {"stimulus": [8.0, 10.0]}
    whole = swept(over, 200.0, trials=6)
    bins = np.arange(5.0, 30.0, 2.5)
    reduce = {
        "rates": {}, "interval_statistics": {}, "interval_histogram": {"bins": bins},
        "interval_quantiles": {"q": [0.1, 0.5]},
    }  # fmt: skip
    ds = swept(over, 200.0, trials=6, reduce=reduce)
    np.testing.assert_array_equal(ds.rate, whole.hh.rates().rate)
    statistics = whole.hh.interval_statistics(pool="trial")
    for name in ("mean", "sd", "cv"):
        np.testing.assert_allclose(ds[f"interval_{name}"], statistics[name], rtol=1e-9)
    intervals = whole.hh.intervals()
    for I in over["stimulus"]:
        for neuron in (0, 1):
            here = (intervals.stimulus == I) & (intervals.neuron == neuron)
            length = intervals.interval_length.values[here]
            at = {"stimulus": I, "neuron": neuron}
            np.testing.assert_array_equal(
                ds.interval_histogram.sel(at), np.histogram(length, bins)[0]
            )
            nearest = np.quantile(length, [0.1, 0.5], method="lower")
            np.testing.assert_allclose(ds.interval_quantile.sel(at), nearest, rtol=0.0051)


def test_moments_are_those_of_all_trials():
    over = {"stimulus": [8.0, 10.0]}
    options = {"record": ("V",), "save_dt": 1.0, "trials": 12}
    whole, ds = swept(over, 5.0, **options), swept(over, 5.0, reduce="moments", **options)
    np.testing.assert_allclose(ds.V_mean, whole.V.mean("trial"), rtol=1e-12)
    np.testing.assert_allclose(ds.V_var, whole.V.var("trial", ddof=1), rtol=1e-9, atol=1e-15)


def first_spikes(ds):
    """A function of one's own: the first spike of every train, and counts in two halves."""
    trains = ds.hh.spikes()
    latency = np.full(ds.spike_count.shape, np.nan)
    halves = np.zeros((*ds.spike_count.shape, 2))
    where = tuple(
        np.searchsorted(ds[dim].values, trains[dim].values) for dim in ds.spike_count.dims
    )
    np.fmin.at(latency, where, trains.spike_time.values)
    np.add.at(halves, (*where, (trains.spike_time.values >= 50.0).astype(int)), 1.0)
    dims = ds.spike_count.dims
    return xr.Dataset(
        {"latency": (dims, latency, {"units": "ms"}), "halves": ((*dims, "half"), halves)},
        coords=ds.spike_count.coords,
    )


def firing_rates(ds):
    """Another."""
    return ds.hh.rates()


def test_a_function_of_ones_own_reduces(tmp_path):
    over, options = {"stimulus": [8.0, 10.0]}, {"trials": 5, "reduce": first_spikes}
    whole = swept(over, 100.0, trials=5)
    ds = swept(over, 100.0, store=tmp_path / "own", **options)
    xr.testing.assert_equal(ds.drop_attrs().load(), first_spikes(whole).drop_attrs())
    assert ds.latency.attrs["units"] == "ms"
    assert ds.halves.sum() == whole.sizes["spike"]
    assert ds.attrs.keys() == whole.attrs.keys()
    more = swept({"stimulus": [8.0, 10.0, 12.0]}, 100.0, store=tmp_path / "own", **options)
    xr.testing.assert_equal(more.latency.isel(stimulus=[0, 1]).load(), ds.latency.load())
    assert hh.sweeps.open_store(tmp_path / "own").latency.equals(more.latency)
    with pytest.raises(ValueError, match="test_sweeps:first_spikes, which no store holds"):
        hh.resume(tmp_path / "own")
    with pytest.raises(ValueError, match="first_spikes, which no file holds: give it as reduce="):
        hh.rerun(more.isel(trial=[0]))
    with pytest.raises(ValueError, match="is the store of another sweep"):
        swept(over, 100.0, trials=5, store=tmp_path / "own", reduce=firing_rates)


def test_a_function_that_depends_on_more_than_its_name_is_refused_by_a_store(tmp_path):
    def times(factor):
        def scaled(ds):
            return factor * ds.hh.rates()

        return scaled

    with pytest.raises(ValueError, match=r"takes from around it \(factor\)"):
        swept({"stimulus": [8.0]}, 20.0, reduce=times(2), store=tmp_path / "own")
    swept({"stimulus": [8.0]}, 20.0, reduce=times(2))


@pytest.mark.parametrize(
    "function", [lambda ds: ds.hh.rates(), functools.partial(first_spikes)], ids=["lambda", "part"]
)
def test_a_store_takes_no_function_without_a_name(tmp_path, function):
    """Another of the same name would go on with it, and the store hold numbers of both."""
    with pytest.raises(ValueError, match="by its name, and this one has none of its own"):
        swept({"stimulus": [8.0]}, 20.0, reduce=function, store=tmp_path / "own")
    assert not (tmp_path / "own").exists()
    swept({"stimulus": [8.0]}, 20.0, reduce=function)


@pytest.mark.parametrize(
    ("function", "error", "said"),
    [
        (lambda ds: ds.hh.rates().mean("trial"), ValueError, "it needs trial too"),
        (lambda ds: 1.0, TypeError, "must give a Dataset, got 1.0"),
        ([lambda ds: ds], TypeError, "stands alone, reduce=function"),
        (lambda ds: ds.hh.rates() > 10.0, TypeError, "must hold floats or signed integers"),
    ],
)
def test_functions_that_cannot_reduce(function, error, said):
    with pytest.raises(error, match=said):
        swept({"stimulus": [8.0]}, 20.0, reduce=function)


def test_a_point_that_diverges_is_missing_and_the_others_are_not():
    over = {"stimulus": [8.0, 1e6, 10.0]}
    with pytest.warns(UserWarning, match="failed"):
        ds = swept(over, 20.0, method="euler_maruyama", dt=0.02)
    (failed,) = json.loads(ds.attrs["failed"])
    assert failed["coordinates"]["stimulus"] == 1e6
    assert "became NaN or infinite at t" in failed["reason"]
    assert (ds.spike_count.sel(stimulus=1e6) == -1).all()
    rates = ds.hh.rates().rate
    assert rates.sel(stimulus=1e6).isnull().all()
    assert rates.sel(stimulus=[8.0, 10.0]).notnull().all()
    alone = swept({"stimulus": [10.0]}, 20.0, dt=0.02)
    both = [one.sel(stimulus=10.0).hh.spikes().spike_time for one in (ds, alone)]
    np.testing.assert_array_equal(*both)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"cell.g_X": [1.0]}, "no parameter|unknown|there is no"),
        ({"cell.g_Na": [-1.0]}, "negative"),
        ({"cell.C": [1.0, 0.0]}, "positive"),
        ({"stimulus": []}, "no values"),
        ({"stimulus": [1.0, 1.0]}, "twice"),
        ({"stimulus": 5.0}, "list of values"),
        ({"stimulus": [np.nan]}, "finite"),
        ({"stimulus": ["a"]}, "number"),
        ({"synapses.AMPA": [1.0]}, "name a number of a synapse"),
        ({"synapses.X.scale": [1.0]}, "X"),
        ({"synapses.AMPA.scale": [-1.0]}, "negative"),
        ({"": [1.0]}, "words"),
        ({"n": [1, 2]}, "dim neuron"),
        ({"dt": [0.01, 0.07]}, "multiple of dt = 0.07"),
        ({"dt": [0.01, -1.0]}, "positive"),
        ({"E.cell.g_Na": [1.0]}, "E"),
        ({}, "over must give"),
        ({"cell.g_Na": xr.DataArray([[1.0]], dims=("trial", "x"))}, "trial"),
    ],
)
def test_what_cannot_vary_is_refused(over, message):
    with pytest.raises((ValueError, TypeError), match=message):
        swept(over)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reduce": "mean"}, "reduction"),
        ({"reduce": {"interval_histogram": {}}}, "bins"),
        ({"reduce": {"interval_quantiles": {"q": [2.0]}}}, "between 0 and 1"),
        ({"reduce": "moments"}, "traces"),
        ({"reduce": "rates", "record": ("V",)}, "spikes"),
        ({"trials": 0}, "trials"),
        ({"common_noise": 1}, "common_noise"),
        ({"x0": np.zeros(10)}, "x0 of a sweep"),
        ({"record": ("I_X",)}, "record"),
        ({"method": "nothing"}, "method"),
        ({"over": {"dt": [0.01, 0.02]}, "record": ("V",)}, "give save_dt"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        swept(**{"over": {"stimulus": [8.0]}, "t_end": 1.0, **options})


def test_nothing_but_failures_is_a_result_too():
    with pytest.warns(UserWarning, match="failed"):
        ds = swept({"stimulus": [1e6, 2e6]}, 1.0, record=("V", "spikes"), save_dt=0.1)
    assert ds.V.sizes["time"] == 11
    assert ds.V.isnull().all()


def test_currents_are_those_of_the_point():
    values = {
        "cell.g_Na": [60.0, 120.0], "synapses.AMPA.scale": [0.0, 2.0], "stimulus": [5.0, 9.0],
        "synapses.GABA_B.messenger.Kd": [1e-6, 1e-5],
    }  # fmt: skip
    over = {path: xr.DataArray(one, dims="sample") for path, one in values.items()}
    names = ("V", "I_Na", "I_AMPA", "g_AMPA", "g_GABA_B", "p_Na", "I_stim")
    slow = hh.SYNAPSES["GABA_B"](0.3)
    both = PAIR.replace(synapses=[PAIR.synapses[0], slow])
    ds = swept(over, 10.0, net=both, record=names, save_dt=0.5)
    for k in (0, 1):
        messenger = slow.messenger.replace(Kd=values["synapses.GABA_B.messenger.Kd"][k])
        synapses = [PAIR.synapses[0].replace(weights=0.2 * k), slow.replace(messenger=messenger)]
        cell = PAIR.cell(g_Na=values["cell.g_Na"][k])
        net = PAIR.replace(stimulus=values["stimulus"][k], cell=cell, synapses=synapses)
        seed = point_seed(1, {path: one[k] for path, one in values.items()})
        alone = hh.solve(net, 10.0, rng=seed, trials=2, record=names, save_dt=0.5)
        for name in names:
            there = ds[name].isel(sample=k).transpose(*alone[name].dims)
            np.testing.assert_allclose(there, alone[name], rtol=1e-7, atol=1e-7)


def test_a_first_cell_that_raises_ends_no_sweep():
    options = {"record": ("V",), "save_dt": 0.1}
    methods = ["scipy.DOP853", "euler_maruyama", "lie_trotter"]  # the first takes no noise
    with pytest.warns(UserWarning, match="1 of 3 tasks failed"):
        ds = swept({"method": methods}, 1.0, **options)
    assert ds.V.isnull().all(("trial", "time", "neuron")).values.tolist() == [True, False, False]
    (failed,) = json.loads(ds.attrs["failed"])
    assert "does not take additive noise" in failed["reason"]
    with pytest.raises(ValueError, match="does not take additive noise"):  # that of the first
        swept({"method": methods[:1]}, 1.0, **options)


def test_cells_without_a_coordinate_have_numbers():
    pairs = xr.DataArray([100.0, 110.0, 120.0], dims="sample")
    ds = swept({"cell.g_Na": pairs, "stimulus": 0.1 * pairs})
    assert ds.sample.values.tolist() == [0, 1, 2]
    again = hh.rerun(ds.isel(sample=[2]))
    np.testing.assert_array_equal(
        again.hh.spikes().spike_time, ds.isel(sample=2).hh.spikes().spike_time
    )


def test_reductions_of_paired_values_have_their_units():
    pairs = xr.DataArray([100.0, 120.0], dims="sample")
    over = {"cell.g_Na": pairs, "cell.g_K": 0.3 * pairs}
    ds = swept(over, reduce=["rates", "interval_statistics"])
    units = {name: one.attrs["units"] for name, one in ds.data_vars.items()}
    assert units["rate"] == "Hz"
    assert units["interval_mean"] == "ms"
    assert ds.g_K.dims == ("sample",)


def test_the_bar_says_what_runs(capsys):
    swept({"stimulus": [8.0, 9.0]}, 1.0, progress=True)
    assert capsys.readouterr().err.startswith("sweep ")


def test_a_store_that_xarray_opens_knows_its_sweep(tmp_path):
    pytest.importorskip("zarr", minversion="3")
    path = tmp_path / "out.zarr"
    ds = swept({"method": ["heun", "euler_maruyama"], "stimulus": [8.0, 9.0]}, store=path)
    opened = xr.open_zarr(path, chunks=None)
    assert opened.attrs["sweep"] == ds.attrs["sweep"]
    part = opened.sel(scheme="heun", stimulus=[9.0], trial=1)
    again = hh.rerun(part).hh.spikes()
    np.testing.assert_array_equal(again.spike_time, part.hh.spikes().spike_time)
    assert again.sizes["spike"] > 0
    assert hh.rerun(str(path)).spike_count.equals(ds.spike_count.load())
    assert hh.sweeps.network_of(part) == PAIR
    with pytest.raises(ValueError, match="it is not of a sweep"):
        hh.sweeps.network_of(part.assign_attrs(sweep="").drop_attrs())


@pytest.mark.parametrize("rule", [False, True])
def test_matrices_and_topologies_are_runs_of_their_own(rule):
    matrices = [np.array([[0.0, w], [0.1, 0.0]]) for w in (0.1, 0.3)]
    rules = [hh.topology.random(p=0.5, weight=0.1, rng=k) for k in (1, 2)]
    over = {"synapses.AMPA.weights": rules if rule else matrices, "stimulus": [8.0, 9.0]}
    ds = swept(over, 10.0, record=("V",), save_dt=1.0)
    values = {"synapses.AMPA.weights": over["synapses.AMPA.weights"][1], "stimulus": 9.0}
    assert ds.V.dims == ("weights", "stimulus", "trial", "time", "neuron")
    xr.testing.assert_equal(hh.rerun(ds.isel(weights=[1])).V, ds.V.isel(weights=[1]))
    net = PAIR
    for path, value in values.items():
        net = with_value(net, path, value)
    seed = point_seed(1, values)
    alone = hh.solve(net, 10.0, rng=seed, trials=2, record=("V",), save_dt=1.0)
    np.testing.assert_allclose(ds.V.isel(weights=1, stimulus=1), alone.V, rtol=0, atol=2e-8)


def test_values_that_print_alike_are_others():
    size = 40  # of which a matrix is printed with its corners alone
    matrices = [np.zeros((size, size)), np.zeros((size, size))]
    matrices[1][size // 2, : size // 2] = 0.5
    net = hh.Network(size, stimulus=10.0, synapses="AMPA", weights=matrices[1], noise=WHITE)
    options = {"net": net, "trials": 1, "record": ("V",), "save_dt": 1.0}
    assert str(matrices[0]) == str(matrices[1])
    ds = swept({"synapses.AMPA.weights": matrices}, 5.0, **options)
    assert not np.array_equal(*ds.V.isel(time=slice(1, None)).values)  # noise of their own
    common = swept({"synapses.AMPA.weights": matrices}, 5.0, common_noise=True, **options)
    differ = (common.V.diff("weights") != 0).any(("weights", "trial", "time"))
    assert np.flatnonzero(differ).tolist() == [size // 2]


def test_trials_without_noise_are_warned_of():
    quiet = PAIR.replace(noise=())
    with pytest.warns(UserWarning, match="the 2 trials are equal"):
        swept({"stimulus": [8.0]}, 1.0, net=quiet)

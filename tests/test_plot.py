"""Plots: what is in them. (How they look is for eyes.)"""

import inspect
import pydoc

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import hh_sde as hh
from conftest import linear_sde
from hh_sde import measures, plot
from hh_sde.measures.trains import ragged


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


@pytest.fixture
def result(noisy_pair):
    return hh.solve(noisy_pair, 40.0, rng=1, trials=2)


def test_overview_of_two(result, tmp_path):
    fig = result.hh.plot()
    voltages, gates, raster = fig.axes
    assert len(voltages.lines) == 2
    np.testing.assert_array_equal(voltages.lines[1].get_ydata(), result.V.sel(trial=0, neuron=1))
    assert [line.get_label() for line in gates.lines] == ["m", "h", "n", "s"]
    assert len(raster.lines[0].get_xdata()) == result.sel(trial=0).hh.spikes().sizes["spike"]
    assert voltages.get_ylabel() == "V (mV)"
    assert raster.get_xlabel() == "time (ms)"
    fig.savefig(tmp_path / "two.png")


def test_another_trial(result):
    line = result.hh.plot(trial=1).axes[0].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), result.V.sel(trial=1, neuron=0))
    with pytest.raises(ValueError, match=r"there is no trial 5; there are \[0, 1\]"):
        result.hh.plot(trial=5)
    with pytest.raises(ValueError, match="this result has no trials"):
        result.sel(trial=0).hh.plot(trial=1)


def test_many_neurons_become_an_image(tmp_path):
    ds = hh.solve(hh.Network(200, stimulus=np.linspace(5, 15, 200)), 30.0, save_dt=0.1)
    fig = ds.hh.plot()
    assert len(fig.axes[0].collections) == 1
    assert fig.axes[-1].get_ylabel() == "V (mV)"  # the colour bar
    fig.savefig(tmp_path / "many.png")


@pytest.mark.parametrize(("record", "parts"), [(["V"], 2), (["m", "h"], 1), (["V", "s"], 3)])
def test_what_was_not_recorded_is_left_out(record, parts, noisy_pair):
    ds = hh.solve(noisy_pair, 10.0, rng=1, record=record)
    assert len(ds.hh.plot().axes) == parts


def test_an_own_sde():
    ds = hh.solve(linear_sde(), 1.0, dt=0.1, method="sdeint.itoEuler", rng=1)
    assert len(ds.hh.plot().axes[0].lines) == 2


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="nothing to draw"):
        xr.Dataset({"a": ("time", [1.0])}).hh.plot()


def test_parts_take_axes(result):
    _, axes = plt.subplots(3)
    for part, ax in zip((plot.traces, plot.gates, plot.raster), axes, strict=True):
        assert part(result, ax=ax) is ax
    assert plot.traces(result).figure is not axes[0].figure


def pixels(ax):
    """The rendered figure: not blank, and nothing drawn over its edge."""
    fig = ax.figure
    fig.canvas.draw()
    grey = np.asarray(fig.canvas.buffer_rgba())[..., :3].mean(axis=-1)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    assert grey.std() > 5
    assert (border > 250).all()
    return grey


@pytest.fixture
def sweep():
    sigma, models = np.linspace(1, 5, 4), ["current", "subunit"]
    labels = {"units": "1", "long_name": "coefficient of variation"}
    cv = np.outer([1.0, 2.0], 1 / sigma)
    data = {"cv": cv, "low": 0.9 * cv, "high": 1.1 * cv}
    return xr.Dataset(
        {name: (("model", "sigma"), values, labels) for name, values in data.items()},
        coords={
            "model": models,
            "sigma": ("sigma", sigma, {"units": "uA/cm^2 ms^0.5", "long_name": "noise strength"}),
        },
    )


def test_every_plot_renders(result, sweep):
    """Not blank, and with no label cut off; those of results take an ax and return it."""
    options = {"curve": {"x": "sigma", "y": "cv", "hue": "model"},
               "heatmap": {"x": "sigma", "y": "model", "z": "cv"},
               "raster": {"rate_bin": 5.0}, "correlogram": {"max_lag": 20.0}}  # fmt: skip
    for name in set(plot.PLOTS) - {"overview", "components"}:
        ds = sweep if name in ("curve", "heatmap") else result
        drawn = getattr(ds.hh.plot, name)
        pixels(drawn(**options.get(name, {})))
        ax = plt.subplots(layout="constrained")[1]
        assert drawn(ax=ax, **options.get(name, {})) is ax
        assert ax.get_xlabel()
        assert ax.get_ylabel()
        plt.close("all")


def test_open_fractions_stand_for_gates():
    net = hh.Network(1, stimulus=10.0, noise=hh.ConductanceNoise(area=100.0))
    ds = hh.solve(net, 10.0, rng=1)
    fig = ds.hh.plot()
    _, gates, _ = fig.axes
    assert [line.get_label() for line in gates.lines] == ["Na open (m3h1)", "K open (n4)"]
    np.testing.assert_array_equal(gates.lines[0].get_ydata(), ds.m3h1[:, 0])
    assert gates.get_ylim()[1] < 1
    assert gates.get_ylabel() == "open channels of\nneuron 0"
    plane = ds.hh.plot.phase_plane()
    np.testing.assert_array_equal(plane.lines[0].get_ydata(), ds.n4[:, 0])
    assert plane.get_ylabel() == "K open (n4)"


def test_currents_below_the_potential(result):
    ax = result.hh.plot.currents(trial=1, neurons=[1, 0])
    upper, lower = ax.figure.axes
    assert lower is ax
    np.testing.assert_array_equal(upper.lines[0].get_ydata(), result.V.sel(trial=1, neuron=1))
    I = result.hh.currents().sel(trial=1)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(I)
    for k, neuron in enumerate([1, 0]):
        for name, line in zip(I, ax.lines[len(I) * k :], strict=False):
            np.testing.assert_array_equal(line.get_ydata(), I[name].sel(neuron=neuron))
    first = ax.lines[: len(I)]
    assert len({line.get_color() for line in first}) == len(I)
    assert [a.get_color() for a in first] == [b.get_color() for b in ax.lines[len(I) :]]
    assert ax.get_ylabel() == "current (µA/cm²) of\nneurons 1, 0, trial 1"
    assert (ax.get_xlabel(), upper.get_xlabel()) == ("time (ms)", "")
    pixels(ax)


def test_recorded_currents_are_drawn_as_they_are(noisy_pair):
    options = {"rng": 1, "record": ("I_Na", "I_stim"), "save_dt": 0.1}
    ds = hh.solve(noisy_pair, 10.0, **options)
    for ax in (ds.hh.plot.currents(), ds.hh.plot().axes[0]):
        assert len(ax.figure.axes) == 1
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), ds.I_Na[:, 0])
    clamped = hh.voltage_clamp(hh.Network(1), {0.0: -65.0, 2.0: 0.0}, 5.0)
    ax = clamped.hh.plot.currents(color="k")
    assert [line.get_label() for line in ax.lines] == ["I_Na", "I_K", "I_L", "I_ion"]
    assert {line.get_color() for line in ax.lines} == {"k"}


def test_currents_that_do_not_follow_are_said_to(result, noisy_pair):
    for record in (("V",), ("spikes",)):
        ds = hh.solve(noisy_pair, 5.0, rng=1, record=record)
        with pytest.raises(ValueError, match=r"hh_sde.rerun\(ds, record="):
            ds.hh.plot.currents()
    with pytest.raises(ValueError, match="there is no neuron 5"):
        result.hh.plot.currents(neurons=5)


def test_phase_plane(result):
    ax = result.hh.plot.phase_plane(neurons=1, trial=1)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), result.V.sel(neuron=1, trial=1))
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), result.n.sel(neuron=1, trial=1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("V (mV)", "n")
    with pytest.raises(ValueError, match="no variable 'u' over time; there is V, m, h, n, s"):
        result.hh.plot.phase_plane(y="u")
    with pytest.raises(ValueError, match=r"no neuron 5; there are \[0, 1\]"):
        result.hh.plot.phase_plane(neurons=5)
    both = result.hh.plot.phase_plane(neurons=[1, 0])
    assert [text.get_text() for text in both.get_legend().get_texts()] == ["neuron 1", "neuron 0"]


def test_raster_of_trials_with_the_rate_above(result):
    ax = result.hh.plot.raster(rows="trial", neurons=1, rate_bin=10.0)
    found = result.hh.spikes()
    mine = found.isel(spike=found.neuron.values == 1)
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), mine.spike_time)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), mine.trial)
    assert ax.get_yticks().tolist() == [0, 1]
    (above,) = [other for other in ax.figure.axes if other is not ax]
    rate, edges, _ = above.patches[0].get_data()
    np.testing.assert_allclose(edges, [0, 10, 20, 30, 40])
    assert rate.sum() * 10.0 * 2 / 1e3 == pytest.approx(mine.sizes["spike"])
    with pytest.raises(ValueError, match="or trial=0 alone: not both"):
        result.hh.plot.raster(rows="trial", trial=0)
    with pytest.raises(ValueError, match="this has no trials"):
        result.sel(trial=0).hh.plot.raster(rows="trial")
    with pytest.raises(ValueError, match="rows must be 'neuron' or 'trial', got 'trials'"):
        result.hh.plot.raster(rows="trials")


def test_raster_of_trials_with_a_colour_for_each_neuron(result):
    ax = result.hh.plot.raster(rows="trial")
    found = result.hh.spikes()
    for neuron, line in enumerate(ax.lines):
        mine = found.isel(spike=found.neuron.values == neuron)
        np.testing.assert_array_equal(line.get_xdata(), mine.spike_time)
        np.testing.assert_array_equal(line.get_ydata(), mine.trial)
    assert len({line.get_color() for line in ax.lines}) == 2


def test_the_raster_of_one_trial_has_the_rate_of_that_trial(result):
    ax = result.hh.spikes().hh.plot.raster(trial=1, rate_bin=10.0)
    (above,) = [other for other in ax.figure.axes if other is not ax]
    counts = above.patches[0].get_data().values.sum() * 10.0 * 2 / 1e3
    assert counts == pytest.approx(result.sel(trial=1).hh.spikes().sizes["spike"])


def test_psth_and_its_result(result):
    found = result.hh.psth(10.0)
    for ax in (result.hh.plot.psth(bin=10.0), found.hh.plot.psth()):
        values, edges, _ = ax.patches[1].get_data()
        np.testing.assert_array_equal(values, found.rate.sel(neuron=1))
        np.testing.assert_allclose(edges, [0, 10, 20, 30, 40])
        assert ax.get_ylim()[1] > values.max()


@pytest.fixture(scope="module")
def two_populations():
    net = hh.Network(
        {
            "E": hh.Population(8, stimulus=10.0, noise=hh.CurrentNoise(1.0)),
            "I": hh.Population(3, "wang_buzsaki", stimulus=2.0),
        }
    )
    return hh.solve(net, 60.0, dt=0.02, rng=1, record=["V", "m", "n"])


def test_populations_have_colours_in_a_raster(two_populations):
    spikes = two_populations.hh.spikes()
    for ds, color in ((two_populations, {}), (spikes, {"color": "population"})):
        ax = ds.hh.plot.raster(**color)
        assert [line.get_label() for line in ax.lines] == ["E", "I"]
        assert ax.lines[0].get_color() != ax.lines[1].get_color()
        for line, neurons in zip(ax.lines, (range(8), range(8, 11)), strict=True):
            mine = spikes.isel(spike=np.isin(spikes.neuron.values, neurons))
            np.testing.assert_array_equal(line.get_xdata(), mine.spike_time)
            np.testing.assert_array_equal(line.get_ydata(), mine.neuron)
    ax = spikes.hh.plot.raster(neurons=[6, 7, 8, 9])
    assert [sorted({*line.get_ydata()}) for line in ax.lines] == [[0, 1], [2, 3]]
    assert {line.get_color() for line in spikes.hh.plot.raster(color="k").lines} == {"k"}


def test_a_raster_has_the_rate_of_each_population_above(two_populations):
    ax = two_populations.hh.plot.raster(rate_bin=10.0)
    (above,) = [other for other in ax.figure.axes if other is not ax]
    rates = two_populations.hh.psth(10.0, by="population").rate
    for patch, name, line in zip(above.patches, ("E", "I"), ax.lines, strict=True):
        np.testing.assert_array_equal(patch.get_data().values, rates.sel(population=name))
        assert patch.get_edgecolor() == matplotlib.colors.to_rgba(line.get_color())


def test_without_populations_there_are_no_colours_for_them(result):
    with pytest.raises(ValueError, match="this result is not of a network of populations"):
        result.hh.plot.raster(color="population")


def test_psth_by_population(two_populations):
    found = two_populations.hh.psth(10.0, by="population")
    for ax in (two_populations.hh.plot.psth(bin=10.0, by="population"), found.hh.plot.psth()):
        values = [patch.get_data().values for patch in ax.patches]
        np.testing.assert_array_equal(values, found.rate.transpose("population", "time"))
        assert [patch.get_label() for patch in ax.patches] == ["E", "I"]
    with pytest.raises(ValueError, match="is of all neurons; leave neurons= out"):
        two_populations.hh.plot.psth(by="population", neurons=0)


def test_intervals_of_many_neurons_by_population(two_populations):
    ax = two_populations.hh.plot.interval_histogram()
    assert [patch.get_label()[:1] for patch in ax.patches] == ["E", "I"]


def test_gates_that_a_population_lacks_are_left_out(two_populations):
    gates = [line.get_label() for line in two_populations.hh.plot.gates(neurons=9).lines]
    assert gates == ["n"]


def test_interval_histogram(result):
    ax = result.hh.plot.interval_histogram(bins=10)
    lengths = result.hh.intervals()
    for neuron, patch in enumerate(ax.patches):
        values, edges, _ = patch.get_data()
        assert (values * np.diff(edges)).sum() == pytest.approx(1)
        mine = lengths.interval_length[lengths.neuron == neuron]
        assert edges[0] <= mine.min() <= mine.max() <= edges[-1]
    cv = result.hh.interval_statistics(pool="trial").cv[0].item()
    assert ax.get_legend().get_texts()[0].get_text() == f"neuron 0, CV {cv:.2g}"
    with pytest.raises(ValueError, match="no neuron fired twice"):
        result.sel(time=slice(0, 5)).hh.plot.interval_histogram()


def test_correlogram_and_spectrum(result):
    ax = result.hh.plot.correlogram(i=0, j=1, bin=2.0, max_lag=20.0)
    expected = result.hh.crosscorrelogram(0, 1, 2.0, 20.0).rate
    np.testing.assert_array_equal(ax.patches[0].get_data().values, expected)
    ax = result.hh.plot.spectrum(max_frequency=400.0)
    expected = result.hh.power_spectrum().power.mean("trial").sel(frequency=slice(1, 400))
    np.testing.assert_allclose(ax.lines[1].get_ydata(), expected.sel(neuron=1))
    assert ax.get_ylabel() == "power (mV²/Hz)"
    ax = result.hh.spikes().hh.plot.spectrum()
    floor = result.hh.rates().rate.mean().item()
    assert ax.lines[-1].get_ydata()[0] == pytest.approx(floor)
    assert ax.get_ylabel() == "power (Hz)"


def test_curves_with_bands(sweep):
    ax = sweep.hh.plot.curve(x="sigma", y="cv", low="low", high="high", hue="model")
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), sweep.cv.sel(model="subunit"))
    assert len(ax.collections) == 2
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.9 / 5, 1.1))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["current", "subunit"]
    assert ax.get_xlabel() == "noise strength (µA/cm² ms$^{0.5}$)"
    assert len({line.get_color() for line in ax.lines}) == 2
    assert len({line.get_marker() for line in ax.lines}) == 2
    with pytest.raises(ValueError, match="a band needs both low and high"):
        sweep.hh.plot.curve(x="sigma", y="cv", low="low", hue="model")
    with pytest.raises(ValueError, match="a curve takes sigma: average over the others"):
        sweep.hh.plot.curve(x="sigma", y="cv")
    with pytest.raises(ValueError, match="no variable 'CV'; there is"):
        sweep.hh.plot.curve(x="sigma", y="CV")


def test_heatmap(sweep):
    ax = sweep.hh.plot.heatmap(x="sigma", y="model", z="cv")
    cells = ax.collections[0]
    np.testing.assert_array_equal(cells.get_array().reshape(2, 4), sweep.cv)
    middle = np.array([path.vertices[:4].mean(axis=0) for path in cells.get_paths()])
    np.testing.assert_allclose(middle[:4, 0], sweep.sigma)
    assert ax.figure.axes[1].get_ylabel() == "coefficient of variation"
    ax = sweep.hh.plot.heatmap(x="sigma", y="model", z="cv", vmin=0, cmap="cividis")
    assert ax.collections[0].get_clim() == (0, sweep.cv.max())
    with pytest.raises(ValueError, match="a heat map takes"):
        sweep.isel(model=0).hh.plot.heatmap(x="sigma", y="sigma", z="cv")


def test_the_plots_of_the_accessor(result):
    assert set(plot.PLOTS) <= set(dir(result.hh.plot))
    assert "ds :" not in result.hh.plot.psth.__doc__
    assert list(inspect.signature(result.hh.plot.psth).parameters) == [
        "bin", "neurons", "by", "rule", "ax", "figsize", "style"
    ]  # fmt: skip
    with pytest.raises(AttributeError, match="did you mean interval_histogram"):
        _ = result.hh.plot.histogram
    swept = xr.concat([result, result], dim="I", combine_attrs="drop")
    with pytest.raises(ValueError, match="choose one value along 'I' first"):
        swept.hh.plot.traces()


def test_every_measure_is_a_method_of_the_accessor(result):
    """With the signature less the Dataset, and a docstring less its examples."""
    plain = {"SpikeRule", "ragged", "rule_attributes", "gates"}
    for name in set(measures.__all__) - plain:
        method, function = getattr(result.hh, name), getattr(measures, name)
        own = list(inspect.signature(function).parameters)
        assert list(inspect.signature(method).parameters) == own[1:]
        assert method.__doc__.startswith(function.__doc__.split("\n")[0])
        assert ">>>" not in method.__doc__
        assert "ds :" not in method.__doc__
    assert result.hh.fano_factor(10.0).identical(measures.fano_factor(result, 10.0))


def test_the_overview_of_thinned_traces_has_the_spikes_that_were_recorded(noisy_pair):
    options = {"rng": 1, "save_dt": 5.0}
    ds = hh.solve(noisy_pair, 50.0, record=("V", "spikes"), **options)
    assert len(ds.hh.plot().axes) == 2
    with pytest.warns(UserWarning, match="drawn without a raster: .* 5 ms apart"):
        figure = hh.solve(noisy_pair, 50.0, record=["V"], **options).hh.plot()
    assert len(figure.axes) == 1


OF_NEURONS = ["traces", "gates", "phase_plane", "raster", "psth", "interval_histogram", "spectrum"]
STEPS = ["psth", "interval_histogram"]


@pytest.mark.parametrize("name", OF_NEURONS)
def test_style_size_and_neurons_go_through(name, result):
    drawn = getattr(result.hh.plot, name)
    ax = drawn(neurons=1, color="#123456", lw=3.5, alpha=0.5, figsize=(3.15, 2.2))
    assert ax.figure.get_size_inches().tolist() == [3.15, 2.2]
    first = [*ax.lines, *ax.patches][0]
    colour = first.get_color() if name not in STEPS else first.get_edgecolor()
    assert matplotlib.colors.to_rgba(colour, 1.0)[:3] == matplotlib.colors.to_rgb("#123456")
    assert (first.get_linewidth(), first.get_alpha()) == (3.5, 0.5)
    with pytest.raises(ValueError, match=r"there is no neuron 5; there are \[0, 1\]"):
        drawn(neurons=5)
    with pytest.raises(ValueError, match="give ax=, or figsize= of a new figure, not both"):
        drawn(ax=ax, figsize=(3, 2))
    with pytest.raises(TypeError, match=r"not 'colour'; did you mean color"):
        drawn(colour="red")
    with pytest.raises(TypeError, match=r"not 'neuron'; did you mean neurons\?"):
        drawn(neuron=1)
    assert len(plt.get_fignums()) == 1  # nothing was begun


def test_a_colour_for_each_line_or_one_for_all(result):
    ax = result.hh.plot.traces(color=["red", "#00ff00"], ls="--")
    assert [line.get_color() for line in ax.lines] == ["red", "#00ff00"]
    assert {line.get_linestyle() for line in ax.lines} == {"--"}
    assert {line.get_color() for line in result.hh.plot.traces(c="k").lines} == {"k"}
    for wrong in (["red"], "no colour"):
        with pytest.raises(ValueError, match="one colour or one for each of 2 lines"):
            result.hh.plot.traces(color=wrong)


def test_the_overview_passes_on(result):
    fig = result.hh.plot(neurons=[1], color="k", lw=0.5, figsize=(4, 5))
    voltages, gates, raster = fig.axes
    assert fig.get_size_inches().tolist() == [4, 5]
    assert (voltages.lines[0].get_color(), voltages.lines[0].get_linewidth()) == ("k", 0.5)
    assert gates.get_ylabel() == "gates of\nneuron 1"
    assert [label.get_text() for label in raster.get_yticklabels()] == ["1"]
    alone = result.hh.spikes().hh.plot(neurons=1, trial=1, figsize=(4, 2))
    spikes = result.sel(trial=1, neuron=[1]).hh.spikes()
    np.testing.assert_array_equal(alone.axes[0].lines[0].get_xdata(), spikes.spike_time)


def test_neurons_and_components_that_were_chosen_before(result):
    one = result.sel(neuron=1).hh.plot.traces()
    np.testing.assert_array_equal(one.lines[0].get_ydata(), result.V.sel(neuron=1, trial=0))
    ds = hh.solve(linear_sde(), 1.0, dt=0.1, method="sdeint.itoEuler", rng=1)
    line = ds.isel(component=1).hh.plot.components().lines[0]
    np.testing.assert_array_equal(line.get_ydata(), ds.x[:, 1])


@pytest.fixture(scope="module")
def twelve():
    """Twelve neurons with two synapses: gates m, h, n, s_AMPA and s_GABA_A."""
    synapses = [hh.SYNAPSES[name](weights=0.01) for name in ("AMPA", "GABA_A")]
    net = hh.Network(12, stimulus=np.linspace(6, 14, 12), synapses=synapses)
    return hh.solve(net, 30.0, dt=0.02, method="strang")


def test_images_take_the_options_of_images(twelve):
    ax = twelve.hh.plot.traces(cmap="cividis", vmin=-80)
    assert ax.collections[0].get_cmap().name == "cividis"
    assert ax.collections[0].get_clim()[0] == -80
    with pytest.raises(TypeError, match=r"'lw' is of lines, and the 12 rows .* up to 7 for lines"):
        twelve.hh.plot.traces(lw=2)
    assert len(twelve.hh.plot.traces(neurons=range(3), lw=2).lines) == 3
    with pytest.raises(TypeError, match="'cmap' is no property of Line2D, as which this is drawn"):
        twelve.hh.plot.traces(neurons=range(3), cmap="cividis")


def test_an_image_of_many_times_keeps_every_spike():
    ds = hh.solve(hh.Network(8, stimulus=10.0), 200.0, dt=0.02, method="strang")
    image = ds.hh.plot.traces().collections[0]
    values = image.get_array().reshape(8, -1)
    assert values.shape[1] <= plot.drawing.MOST_COLUMNS < ds.sizes["time"]
    assert (values.max(axis=1) == ds.V.max("time").values).all()


def test_no_two_gates_look_alike(twelve):
    wide = twelve.assign({f"q{i}": twelve.n.assign_attrs(long_name=f"gate q{i}") for i in range(9)})
    for ds in (twelve, wide):
        lines = ds.hh.plot.gates().lines
        assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines)
    assert [line.get_label() for line in lines][:5] == ["m", "h", "n", "s_AMPA", "s_GABA_A"]


def boxes(fig):
    """The bounding boxes of axes with their labels, and of legends, as drawn."""
    fig.canvas.draw()
    renderer = fig.canvas.get_renderer()
    for ax in fig.axes:
        legend = ax.get_legend()
        if legend:
            yield legend.get_window_extent(renderer)
            legend.set_visible(False)
        yield ax.get_tightbbox(renderer)


@pytest.mark.parametrize("layout", ["constrained", "tight"])
def test_legends_in_subplots_do_not_collide(layout, result, twelve):
    fig, axes = plt.subplots(2, 2, figsize=(7, 5), layout=layout)
    plot.traces(result, ax=axes[0, 0])
    plot.gates(twelve, ax=axes[0, 1])
    plot.traces(twelve, neurons=range(7), ax=axes[1, 0])
    plot.interval_histogram(result, ax=axes[1, 1])
    found = list(boxes(fig))
    assert len(found) == 8
    for i, a in enumerate(found):
        for b in found[:i]:
            overlap = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(overlap) < 4  # pixels: of the room between two rows


def test_a_legend_stands_inside_where_no_layout_makes_room(result):
    ax = plt.subplots(1, 2)[1][0]
    plot.traces(result, ax=ax)
    ax.figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    assert ax.bbox.x0 <= legend.x0 < legend.x1 <= ax.bbox.x1
    assert ax.bbox.y0 <= legend.y0 < legend.y1 <= ax.bbox.y1


def sweep_over(hue):
    current = np.linspace(0, 10, 6)
    rate = np.arange(1.0, 1 + len(hue))[:, None] * current
    return xr.Dataset({"rate": (("hue", "current"), rate)}, {"current": current, "hue": hue})


@pytest.mark.parametrize("figsize", [None, (3.15, 2.3)])
def test_a_long_legend_does_not_squash_the_axes(figsize):
    few, many = sweep_over(["a", "b"]), sweep_over([f"a long name {i}" for i in range(12)])
    sizes = []
    for ds in (few, many):
        ax = ds.hh.plot.curve(x="current", y="rate", hue="hue", figsize=figsize)
        ax.figure.canvas.draw()
        sizes.append(ax.bbox.size / ax.figure.dpi)
    np.testing.assert_allclose(sizes[1], sizes[0], rtol=0.12)
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 12


def test_many_numbers_have_a_scale_of_colours():
    ax = sweep_over(np.geomspace(0.1, 10, 9)).hh.plot.curve(x="current", y="rate", hue="hue")
    assert ax.get_legend() is None
    bar = ax.figure.axes[1]
    assert (bar.get_ylabel(), bar.get_yscale()) == ("hue", "log")
    assert len({matplotlib.colors.to_hex(line.get_color()) for line in ax.lines}) == 9
    ax = sweep_over(np.arange(7.0)).hh.plot.curve(x="current", y="rate", hue="hue", lw=3)
    assert len(ax.get_legend().get_texts()) == 7
    assert {line.get_linewidth() for line in ax.lines} == {3}


@pytest.mark.parametrize(
    ("values", "scale", "even"),
    [
        ([1.0, 2.0, 3.0], "linear", True),
        ([0.25, 0.5, 1.0, 2.0], "log", True),
        ([0.0, 0.5, 1.0, 2.0, 4.0], "symlog", True),
        ([1.0, 2.0, 5.0, 10.0], "log", True),
        ([1.0, 2.0, 3.0, 10.0, 11.0], "linear", False),
        ([-4.0, 0.0, 1.0, 40.0], "linear", False),
        ([2.0], "linear", True),
    ],
)
def test_heat_maps_are_true_to_scale(values, scale, even):
    """Every value in its cell; no cell wider than one and a half of the smallest."""
    z = np.outer([1.0, 2.0], np.arange(len(values)))
    ds = xr.Dataset({"z": (("y", "x"), z)}, {"x": values, "y": [0.0, 1.0]})
    ax = ds.hh.plot.heatmap(x="x", y="y", z="z")
    assert ax.get_xscale() == scale
    if scale != "linear":
        assert ax.get_xticks().tolist() == values
    place = ax.xaxis.get_transform().transform
    cells = [path.vertices[:4, 0] for path in ax.collections[0].get_paths()[: len(values)]]
    edges = np.array([(place(xs.min()), place(xs.max())) for xs in cells])
    assert ((edges[:, 0] < place(np.array(values))) & (place(np.array(values)) < edges[:, 1])).all()
    width = np.diff(edges).ravel()
    assert width.max() < 1.51 * width.min()
    assert np.allclose(edges[1:, 0], edges[:-1, 1]) == even


def test_a_study_takes_size_and_style(sweep):
    ds = xr.Dataset(
        {f"reliability{end}": ("sigma", [0.9, 0.5]) for end in ("", "_low", "_high")},
        {"sigma": [1.0, 2.0]},
        {"study": "reliability"},
    )
    fig = ds.hh.plot(figsize=(3, 2), lw=4, color="red")
    assert fig.get_size_inches().tolist() == [3, 2]
    assert fig.axes[0].lines[0].get_linewidth() == 4
    assert fig.axes[0].lines[0].get_color() == "red"
    with pytest.raises(ValueError, match="neither trial= nor neurons="):
        ds.hh.plot(trial=1)


def test_a_notebook_draws_the_last_line_once(result, monkeypatch):
    """The value of a cell is shown by itself; pyplot, which shows what is open, has it no more."""
    fig = result.hh.plot()
    assert fig._repr_mimebundle_() == {}
    assert plt.fignum_exists(fig.number)  # in a window
    monkeypatch.setattr(matplotlib, "get_backend", lambda: "inline")
    fig._repr_mimebundle_()
    assert not plt.fignum_exists(fig.number)


def test_a_long_record_has_its_axis_in_seconds():
    time = np.arange(0.0, 20_001.0, 100.0)
    ds = xr.Dataset({"V": (("time", "neuron"), np.zeros((201, 1)))}, {"time": time, "neuron": [0]})
    ax = ds.hh.plot.traces()
    ax.figure.canvas.draw()
    assert ax.get_xlabel() == "time (s)"
    assert ax.get_xlim() == (0, 20_000)
    assert ax.get_xticklabels()[-1].get_text() == "20"
    assert ds.sel(time=slice(0, 1000)).hh.plot.traces().get_xlabel() == "time (ms)"


def test_the_plot_of_one_of_many_trials_says_which(result):
    assert result.hh.plot()._suptitle.get_text() == "trial 0"
    assert result.sel(trial=1).hh.plot()._suptitle is None
    assert result.hh.plot.traces(trial=1).get_ylabel() == "V (mV)\ntrial 1"
    assert result.hh.plot.gates().get_ylabel() == "gates of\nneuron 0, trial 0"
    assert result.hh.spikes().hh.plot.raster(trial=1).get_ylabel() == "neuron\ntrial 1"
    assert result.hh.plot.raster(rows="trial", neurons=1).get_ylabel() == "trial\nneuron 1"


def test_help_has_every_plot(result):
    text = pydoc.render_doc(result.hh.plot, renderer=pydoc.plaintext)
    assert "__call__ = overview(self, /, *, trial" in text
    assert repr(result.hh.plot).endswith("heatmap")
    for name, drawn in plot.PLOTS.items():
        assert f"{name}(self, /, *" in text
        assert drawn.__doc__.split("\n")[0] in text


def test_connectivity_of_few_neurons():
    weights = np.array([[0.0, 0.0, 0.3], [0.1, 0.0, 0.0], [0.1, 0.2, 0.0]])
    synapses = [hh.SYNAPSES["AMPA"](weights), hh.GapJunction([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]])]
    net = hh.Network(3, synapses=synapses)
    ax = plot.connectivity(net, synapse="AMPA")
    drawn = ax.collections[0].get_array()
    np.testing.assert_array_equal(drawn.filled(0.0), weights)
    assert drawn.mask.sum() == 5  # no edge is no weight, not a small one
    assert ax.get_ylim() == (2.5, -0.5)  # rows as in a matrix
    bars = {other.get_xlabel() or other.get_ylabel(): other for other in ax.figure.axes}
    outputs, inputs = (bars[name].patches[0].get_data().values for name in ("outputs", "inputs"))
    assert (outputs.tolist(), inputs.tolist()) == ([2, 1, 1], [1, 1, 2])
    both = plot.connectivity(net.connectivity()).collections[0].get_array()
    assert both[0, 1] == 0.5
    assert both[1, 0] == pytest.approx(0.6)
    result = hh.solve(net, 1.0)
    assert "weight (mS/cm²)" in [
        one.get_ylabel() for one in result.hh.plot.connectivity().figure.axes
    ]
    with pytest.raises(ValueError, match="no synapse with edges 'GABA_A'; choose from AMPA, gap"):
        plot.connectivity(net, synapse="GABA_A")
    with pytest.raises(ValueError, match="this network has no synapses with weights"):
        plot.connectivity(hh.Network(3))
    with pytest.raises(TypeError, match=r"connectivity takes synapse, ax, figsize and .* 'cmpa'"):
        plot.connectivity(net, cmpa="Reds")


def test_connectivity_of_many_neurons_is_a_density():
    net = hh.Network(1000, synapses="AMPA", weights=hh.topology.fixed_indegree(k=50, rng=1))
    ax = plot.connectivity(net)
    density = ax.collections[0].get_array().filled(0.0)
    assert density.shape == (100, 100)
    assert density.mean() == pytest.approx(0.05)
    (inputs,) = [other for other in ax.figure.axes if other.get_xlabel() == "inputs"]
    np.testing.assert_allclose(inputs.patches[0].get_data().values, 50.0)
    pixels(ax)


def test_raster_has_a_colour_for_each_row(result):
    ax = result.hh.plot.raster(color=["red", "blue"])
    assert [line.get_color() for line in ax.lines] == ["red", "blue"]
    for line, neuron in zip(ax.lines, (0, 1), strict=True):
        mine = result.sel(trial=0, neuron=[neuron]).hh.spikes().spike_time
        np.testing.assert_array_equal(line.get_xdata(), mine)
        assert set(line.get_ydata()) == {neuron}
    of_trials = result.hh.plot.raster(neurons=1, color=["red", "blue"])
    assert [line.get_color() for line in of_trials.lines] == ["red", "blue"]
    assert [set(line.get_ydata()) for line in of_trials.lines] == [{0}, {1}]
    with pytest.raises(ValueError, match="one for each neuron, of which 2 are drawn; got 3 colou"):
        result.hh.plot.raster(color=["red", "blue", "black"])
    with pytest.raises(ValueError, match=r"one for each neuron, .* got 1 colours"):
        result.hh.plot.raster(rows="trial", color=["red"])
    with pytest.raises(ValueError, match=r"must be one colour, .* got 'rood'"):
        result.hh.plot.raster(color="rood")


def test_one_neuron_of_several_trials_has_a_row_for_each_trial(result):
    alone = result.isel(neuron=[0])
    for ds in (alone, alone.hh.spikes()):
        ax = ds.hh.plot.raster()
        assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "1"]
        assert ax.get_ylabel() == "trial\nneuron 0"
        assert ds.hh.plot.raster(trial=1).get_ylabel() == "neuron\ntrial 1"
    assert alone.sel(trial=0).hh.plot.raster().get_ylabel() == "neuron"


def test_a_neuron_that_was_chosen_is_drawn_with_its_recorded_spikes(noisy_pair):
    ds = hh.solve(noisy_pair, 40.0, rng=1, record=("V", "m", "spikes"))
    wanted = ds.isel(neuron=[1]).hh.spikes().spike_time
    np.testing.assert_array_equal(ds.isel(neuron=1).hh.plot.raster().lines[0].get_xdata(), wanted)
    assert len(ds.isel(neuron=1).hh.plot().axes) == 3


#: What is given for a Dataset by mistake, and what is said of it.
NO_DATASETS = {
    "network": (hh.Network(1), r"got a Network: run it first, ds = hh_sde.solve\(model, t_end\)"),
    "sde": (linear_sde(), "got an SDE: run it first"),
    "array": (np.zeros((3, 2)), r"got an array of shape \(3, 2\): label it, xarray.Dataset"),
    "path": ("run.nc", r"got the path 'run.nc': open it, xarray.load_dataset\('run.nc'\)"),
    "unnamed": (xr.DataArray([1.0]), r"DataArray: give the Dataset .* \.to_dataset\(name=\"V\"\)"),
    "number": (3, "got int: 3"),
}
TAKE_DATASETS = [
    *plot.PLOTS.values(),
    *(
        one
        for one in (getattr(measures, name) for name in measures.__all__)
        if "ds" in inspect.signature(one).parameters
    ),
]


@pytest.mark.parametrize("what", NO_DATASETS)
@pytest.mark.parametrize("take", TAKE_DATASETS)
def test_what_is_no_dataset_is_refused_with_the_way_to_one(take, what):
    given, message = NO_DATASETS[what]
    if what == "network" and take.__name__ == "connectivity":
        assert take(given.replace(n_neurons=2, synapses="AMPA", weights=0.1)) is not None
        return
    parameters = list(inspect.signature(take).parameters.values())[1:]
    needed = {one.name: 1.0 for one in parameters if one.default is one.empty}
    needed.pop("style", None)
    with pytest.raises(TypeError, match=rf"^{take.__name__} takes a Dataset, .*{message}"):
        take(given, **needed)


def test_a_data_array_is_refused_by_its_name_or_drawn(result):
    for take in (plot.traces, measures.rates):
        with pytest.raises(TypeError, match=r"the DataArray V: give .* or its \.to_dataset\(\)"):
            take(result.V)
    rate = xr.DataArray(
        [[1.0, 2.0], [3.0, 4.0]], {"sigma": [0.0, 1.0], "g": [0.1, 0.2]}, name="rate"
    )
    image = plot.heatmap(rate, x="sigma", y="g").collections[0]
    assert image.get_array().tolist() == [1.0, 3.0, 2.0, 4.0]
    assert plot.curve(rate.sel(g=0.2), x="sigma").get_ylabel() == "rate"


@pytest.mark.parametrize("name", ["traces", "gates", "phase_plane", "overview", "raster"])
def test_several_trials_in_one_plot_are_refused(name, result):
    with pytest.raises(TypeError, match=rf"^{name} draws one trial, trial=1, got trial=\[1, 0\]"):
        plot.PLOTS[name](result, trial=[1, 0])


# -- labels of panels that share an axis, of powers, of what was computed ----------------------


def test_panels_that_share_the_axis_of_x_say_it_once(result):
    _, axes = plt.subplots(2, sharex=True, layout="constrained")
    result.hh.plot.traces(ax=axes[0])
    result.hh.plot.raster(ax=axes[1])
    assert [ax.get_xlabel() for ax in axes] == ["", "time (ms)"]
    _, apart = plt.subplots(2)
    for ax in apart:
        assert result.hh.plot.traces(ax=ax).get_xlabel() == "time (ms)"


def test_powers_and_units_are_printed_as_such():
    attrs = {"long_name": "synchrony chi^2 of V", "units": "1"}
    grid = xr.DataArray(np.eye(2), {"a": [0, 1], "b": [0, 1]}, name="chi_squared", attrs=attrs)
    fig = plot.heatmap(grid, x="a", y="b").figure
    assert fig.axes[-1].get_ylabel() == "synchrony \N{GREEK SMALL LETTER CHI}² of V"
    ds = hh.studies.rate_curve(
        hh.Network(1),
        currents=[0.0, 10.0],
        sigmas=[2.0],
        t_end=100.0,
        discard=10.0,
        trials=4,
        rng=1,
    )
    assert ds.hh.plot().axes[0].get_legend_handles_labels()[1][0] == "sigma = 2 µA/cm² ms$^{0.5}$"


def test_what_keeps_the_attributes_of_another_variable_is_labelled_by_its_name():
    rate = xr.DataArray(
        [1.0, 4.0, 9.0], {"I": [0.0, 1.0, 2.0]}, attrs={"long_name": "firing rate", "units": "Hz"}
    )
    ds = xr.Dataset({"rate": rate, "slope": rate.differentiate("I").assign_attrs(rate.attrs)})
    assert plot.curve(ds, x="I", y="slope").get_ylabel() == "slope"
    assert plot.curve(ds, x="I", y="rate").get_ylabel() == "firing rate (Hz)"
    band = xr.Dataset({"mean": rate, "low": rate - 1, "high": rate + 1}).map(
        lambda one: one.assign_attrs(rate.attrs)
    )
    ax = plot.curve(band, x="I", y="mean", low="low", high="high")
    assert ax.get_ylabel() == "firing rate (Hz)"


# -- bins of intervals -----------------------------------------------------------------------------


@pytest.fixture
def spikes():
    """Intervals with peaks 15 ms apart, and a long tail."""
    rng = np.random.default_rng(1)
    lengths = 15.0 * rng.geometric(0.3, 2000) + rng.normal(0.0, 1.0, 2000)
    none = np.zeros(2001, dtype=int)
    times = np.concatenate([[0.0], lengths.cumsum()])
    attrs = {"t_start": 0.0, "t_end": float(times[-1])}
    return ragged(times, none, none, trials=None, neurons=np.array([0]), attrs=attrs)


def drawn_bins(ax):
    return ax.patches[0].get_data().values, ax.patches[0].get_data().edges


def test_bins_that_are_chosen_show_the_peaks(spikes):
    density, edges = drawn_bins(spikes.hh.plot.interval_histogram())
    assert 0.5 < np.diff(edges)[0] <= 2.0
    middle = (edges[:-1] + edges[1:]) / 2
    at_peaks = density[np.abs(middle - 30.0) < 1.0].mean()
    assert at_peaks > 10 * density[np.abs(middle - 37.5) < 1.0].mean()
    few = spikes.hh.window(0.0, 1000.0)
    assert 10 <= len(drawn_bins(few.hh.plot.interval_histogram())[0]) < 30


@pytest.mark.parametrize("bins", [[0.0, 20.0, 40.0], np.array([0.0, 20.0, 40.0]), (0, 20, 40)])
def test_bins_are_given_by_their_edges(bins, spikes):
    density, edges = drawn_bins(spikes.hh.plot.interval_histogram(bins=bins))
    assert edges.tolist() == [0.0, 20.0, 40.0]
    length = spikes.hh.intervals().interval_length
    wanted = [float(((length >= low) & (length < low + 20)).mean()) / 20 for low in (0, 20)]
    np.testing.assert_allclose(density, wanted)


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        (0, "'auto': 1, 2, ... of them, got 0"),
        (-3, "of them, got -3"),
        ("fd", r"bins must be a number of bins, .* or 'auto', got 'fd'$"),
        ("atuo", "did you mean auto"),
        ([1.0, 1.0], r"which rise; got \[1.0, 1.0\]"),
        ([5.0], "which rise"),
        (2.5, "which rise"),
        (None, "bins must be a number of bins"),
    ],
)
def test_other_bins_are_refused(bins, message, spikes):
    with pytest.raises((TypeError, ValueError), match=message):
        spikes.hh.plot.interval_histogram(bins=bins)

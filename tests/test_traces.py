"""Measures of traces: spectra, synchrony, coherence time, first passage."""

import numpy as np
import pytest
import xarray as xr

from hh_sde import measures


def traces(V, dt, **coords):
    """A Dataset of V (..., time, neuron)."""
    V = np.asarray(V, dtype=float)
    dims = [*coords, "time", "neuron"]
    return xr.Dataset(
        {"V": (dims, V, {"units": "mV", "long_name": "membrane potential"})},
        coords={
            **coords,
            "time": ("time", dt * np.arange(V.shape[-2]), {"units": "ms", "long_name": "time"}),
            "neuron": np.arange(V.shape[-1]),
        },
    )


def waves(*phases, period=10.0, dt=0.1, t_end=200.0):
    t = dt * np.arange(round(t_end / dt))
    return traces(np.cos(2 * np.pi * (t[:, None] / period + np.array(phases))), dt)


def test_spectrum_of_a_wave_has_its_power_at_its_frequency():
    found = measures.power_spectrum(waves(0.0, 0.3), segment=100.0)
    assert found.power.dims == ("frequency", "neuron")
    assert found.power.attrs["units"] == "mV^2/Hz"
    assert found.power[:, 0].idxmax("frequency") == pytest.approx(100.0)
    width = float(found.frequency[1] - found.frequency[0])
    assert width == pytest.approx(10.0)
    np.testing.assert_allclose(width * found.power.sum("frequency"), 0.5, rtol=1e-9)


def test_spectrum_of_white_noise_is_flat():
    """400 averages; 5 standard errors of the mean over the band, 6 of any one of 500 values."""
    noise = np.random.default_rng(2).normal(0, 3.0, (200_000, 2))
    found = measures.power_spectrum(traces(noise, 0.5), segment=250.0, overlap=0.0)
    level = 3.0**2 / 1000.0  # variance over the band from 0 to 1000 Hz
    inner = found.power[2:-1] / level
    assert inner.mean("frequency").values == pytest.approx(1, abs=5 / np.sqrt(400 * 248))
    assert float(abs(inner - 1).max()) < 6 / np.sqrt(400)


def test_synchrony_by_hand():
    assert measures.synchrony(waves(0.2, 0.2, 0.2)).chi_squared == pytest.approx(1)
    assert measures.synchrony(waves(0.0, 0.5)).chi_squared == pytest.approx(0, abs=1e-20)
    assert measures.synchrony(waves(0.0, 0.25)).chi_squared == pytest.approx(0.5)
    t = 0.1 * np.arange(2000)[:, None]
    independent = traces(np.sin(2 * np.pi * t * np.arange(1, 6) / 20.0), 0.1)
    assert measures.synchrony(independent).chi_squared == pytest.approx(1 / 5)


def test_synchrony_weighs_by_variance():
    t = 0.1 * np.arange(2000)[:, None]
    found = measures.synchrony(traces(np.sin(2 * np.pi * t / 20) * [3.0, 1.0], 0.1))
    assert found.chi_squared == pytest.approx(2.0**2 / ((9 + 1) / 2))


def test_coherence_time_of_a_wave():
    """The integral of cos^2 over ten and a quarter periods."""
    found = measures.coherence_time(waves(0.0, t_end=4000.0), max_lag=102.5)
    assert float(found.coherence_time[0]) == pytest.approx(102.5 / 2, rel=2e-3)


def test_coherence_time_of_an_ornstein_uhlenbeck_process():
    """C = exp(-t/tau) gives tau/2.

    Standard deviation over seeds 2.3 %, bias 2 max_lag/T = 0.5 %; the bound is 5 of them.
    """
    tau, dt, n = 5.0, 0.25, 40_000
    rng, decay = np.random.default_rng(4), np.exp(-dt / tau)
    x = np.zeros((n, 4))
    steps = rng.normal(0, np.sqrt(1 - decay**2), (n, 4))
    for k in range(1, n):
        x[k] = decay * x[k - 1] + steps[k]
    found = measures.coherence_time(traces(x, dt), max_lag=25.0)
    assert found.coherence_time.mean().item() == pytest.approx(tau / 2, rel=0.12)


def test_constants_are_nan_with_a_reason():
    still = traces(np.full((100, 2), -65.1), 0.1)
    constant = measures.coherence_time(still).coherence_time
    for found in (measures.synchrony(still).chi_squared, constant):
        assert np.isnan(found).all()
        assert found.attrs["nan_means"]


def test_first_passage_by_hand():
    V = [[-60, 5, -90], [-20, 5, -60], [20, -10, -50], [-5, 10, -40]]
    found = measures.first_passage(traces(V, 2.0), 0.0).first_passage
    np.testing.assert_allclose(found, [3.0, 0.0, np.nan])
    found = measures.first_passage(traces(V, 2.0), 0.0, "down").first_passage
    np.testing.assert_allclose(found, [0.0, 2 + 2 / 3, 0.0])
    found = measures.first_passage(traces(V, 2.0), -10.0, "down").first_passage
    np.testing.assert_allclose(found, [0.0, 4.0, 0.0])
    assert found.attrs["long_name"] == "time when V first falls to -10 mV"


def test_first_passage_of_a_wave():
    found = measures.first_passage(waves(-0.25, t_end=20.0), 0.5).first_passage
    assert float(found[0]) == pytest.approx(10 / 12, rel=1e-3)  # sin = 1/2


MEASURES = [
    measures.power_spectrum,
    measures.synchrony,
    measures.coherence_time,
    lambda ds: measures.first_passage(ds, 0.5),
]


@pytest.mark.parametrize("measure", MEASURES)
def test_trials_sweeps_and_dask(measure):
    pytest.importorskip("dask")
    V = np.random.default_rng(1).normal(size=(2, 3, 200, 2))
    ds = traces(V, 0.5, I=[1.0, 2.0], trial=[0, 1, 2])
    found = measure(ds)
    for k in range(2):
        xr.testing.assert_allclose(
            found.isel(I=k, trial=1, drop=True), measure(ds.isel(I=k, trial=1, drop=True))
        )
    lazy = measure(ds.chunk(trial=1, time=50))
    assert all(variable.chunks for variable in lazy.data_vars.values())
    xr.testing.assert_allclose(lazy.compute(), found)
    for name, variable in found.data_vars.items():
        assert {"units", "long_name"} <= set(variable.attrs), name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ds: measures.power_spectrum(ds, "n"), "no variable 'n' over time; there is V"),
        (lambda ds: measures.power_spectrum(ds, segment=1e6), "segment must be positive and at"),
        (lambda ds: measures.power_spectrum(ds, overlap=1.0), r"overlap must lie in \[0, 1\)"),
        (lambda ds: measures.power_spectrum(ds.isel(time=[0, 1, 3])), "evenly spaced"),
        (lambda ds: measures.synchrony(ds, "n"), "synchrony needs the variable 'n'"),
        (lambda ds: measures.coherence_time(ds, max_lag=0.0), "max_lag must be positive"),
        (lambda ds: measures.first_passage(ds, 0.0, "left"), "'up' or 'down', got 'left'"),
        (lambda ds: measures.first_passage(ds, np.inf), "level must be finite"),
        (lambda ds: measures.first_passage(ds, 0.0, variable="n"), "no variable 'n' over time"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call(waves(0.0))

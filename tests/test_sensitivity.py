"""Sensitivities: against exact derivatives, and against differences of other runs."""

import numpy as np
import pytest
import scipy.stats

import hh_sde as hh
from hh_sde.studies import sensitivity

E, G, I, V0, T = -60.0, 0.5, 2.0, -50.0, 3.0
PASSIVE = hh.Network(
    1,
    cell=hh.Cell("passive", (hh.Channel("L", g=G, E=E),), V0=V0),
    stimulus=I,
    noise=hh.CurrentNoise(2.0),
)
CLASSIC = hh.Network(1, stimulus=6.5, noise=hh.CurrentNoise(2.0))
WAYS = ["along the path", "likelihood ratio"]


def at_end(ds):
    return ds.V.isel(time=-1, neuron=0, drop=True)


def exact(t=T):
    """Derivatives of E V(t) = E + I/g + (V0 - E - I/g) exp(-g t) in g and in I."""
    gone = np.exp(-G * t)
    in_g = -I / G**2 * (1 - gone) - (V0 - E - I / G) * t * gone
    return np.array([in_g, (1 - gone) / G])


@pytest.mark.parametrize("by", WAYS)
def test_of_a_passive_membrane_they_are_exact(by):
    """Intervals of 99.9 %: of the two ways, and of both parameters. Euler's step is 0.01 ms."""
    ds = sensitivity(
        PASSIVE, ["cell.g_L", "stimulus"], at_end, T, by=by, trials=4000, confidence=0.999, rng=1
    )  # fmt: skip
    slack = 5e-3 * np.abs(exact())  # of the step
    assert (ds.derivative_low - slack < exact()).all()
    assert (ds.derivative_high + slack > exact()).all()
    width = (ds.derivative_high - ds.derivative_low).values
    assert (width < ([2.5, 0.4] if by == WAYS[1] else [0.3, 1e-6])).all()
    np.testing.assert_array_equal(ds.value, [G, I])
    assert ds.derivative.attrs["units"] == "mV per unit of the parameter"


def test_an_observable_may_have_dims_of_its_own():
    ds = sensitivity(
        PASSIVE, ["stimulus"], lambda ds: ds.V.isel(neuron=0, drop=True), T, by=WAYS[0],
        trials=20, save_dt=1.0, record=("V",), method="lie_trotter", rng=1,
    )  # fmt: skip
    assert ds.derivative.dims == ("parameter", "time")
    np.testing.assert_allclose(ds.derivative[0], [exact(t)[1] for t in ds.time.values], rtol=1e-6)


def test_counts_are_taken_by_likelihood_ratios():
    """Beside a difference over 1 uA/cm^2 of other trials: 4 standard errors of both together."""
    ds = sensitivity(CLASSIC, ["stimulus"], "spike_count", 20.0, trials=6000, rng=1)
    assert ds.derivative[0] > 0
    runs = hh.sweep(CLASSIC, {"stimulus": [6.0, 7.0]}, 20.0, trials=10_000, rng=2)
    counts = runs.spike_count.isel(neuron=0)
    slope = float((counts.isel(stimulus=1) - counts.isel(stimulus=0)).mean())
    error = np.sqrt(float(counts.var("trial").sum()) / 10_000)
    own = float(ds.derivative_high[0] - ds.derivative[0]) / scipy.stats.norm.isf(0.025)
    assert abs(float(ds.derivative[0]) - slope) < 4 * np.hypot(error, own)
    assert abs(float(ds.derivative[0])) > 4 * own


def test_it_is_at_the_top_level_too_and_made_again():
    ds = hh.sensitivity(CLASSIC, "stimulus", "mean_V", 2.0, trials=20, rng=1)
    assert hh.rerun(ds).derivative.equals(ds.derivative)


ETA = hh.OrnsteinUhlenbeckCurrent(mean=0.0, sigma=1.0, tau=3.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"observable": "spike_count", "by": WAYS[0]}, "it jumps, and has no derivative along"),
        ({"net": CLASSIC.replace(noise=hh.SubunitNoise(100.0))}, "this network has commutative"),
        ({"net": CLASSIC.replace(noise=ETA)}, "drift of a variable that noise does not reach"),
        ({"parameters": ["noise.sigma"]}, "the noise depends on noise.sigma"),
        ({"parameters": ["cell.V0"]}, "the initial state depends on cell.V0"),
        ({"parameters": ["cell.g_Ka"]}, "g_K"),
        ({"parameters": ["noise"]}, "noise must be one number of the network"),
        ({"observable": "first_spike"}, "ends trials, each at its time"),
        ({"observable": at_end}, "say by= which way a function"),
        ({"by": "magic"}, "by must be one of along the path"),
        ({"method": "strang"}, "of euler_maruyama's steps, got 'strang'"),
    ],
)
def test_what_has_no_derivative_is_refused(change, said):
    given = {"net": CLASSIC, "parameters": ["stimulus"], "observable": "rate", "t_end": 2.0}
    given |= change
    positional = [given.pop(name) for name in ("net", "parameters", "observable", "t_end")]
    with pytest.raises(ValueError, match=said):
        sensitivity(*positional, trials=10, rng=1, **given)

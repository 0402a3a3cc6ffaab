"""A method of one's own: as it is used, and as it is measured."""

import json
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from shared import of_functions

import hh_sde as hh
from hh_sde import studies
from hh_sde.config import load
from hh_sde.methods import Diverged
from hh_sde.methods.batches import over_trials
from hh_sde.problems import PROBLEMS
from hh_sde.studies import measured_orders


def product(G, dW):
    return np.einsum("dmk,mk->dk", G, dW)


@hh.integrator(strong_order={"additive": 1.0, "general": 0.5}, weak_order=1.0)
def my_euler(f, G, x, t, h, dW, extra):
    """Euler-Maruyama."""
    return x + f(x, t) * h + product(G(x, t), dW)


@hh.integrator(interpretation="stratonovich", strong_order={"commutative": 1.0},
               deterministic_order=2)  # fmt: skip
def my_heun(f, G, x, t, h, dW, extra):
    """Stochastic Heun."""
    slope, noise = f(x, t), product(G(x, t), dW)
    ahead = x + h * slope + noise
    return x + 0.5 * (h * (slope + f(ahead, t + h)) + noise + product(G(ahead, t + h), dW))


def milstein_with(factor):
    @hh.integrator(strong_order={"general": 1.0}, needs="areas")
    def milstein_of_any_noise(f, G, x, t, h, dW, I):
        """Milstein, for any noise."""
        g = G(x, t)
        step = x + f(x, t) * h + product(g, dW)
        for l in range(g.shape[1]):
            slope = hh.derivative_along(G, x, t, g[:, l])
            step = step + factor * product(slope, I[l])
        return step

    return milstein_of_any_noise


@pytest.fixture(scope="module")
def pair():
    synapse = hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]])
    return hh.Network(2, stimulus=10.0, synapses=synapse, noise=hh.CurrentNoise(1.0))


# -- f and G over trials --------------------------------------------------------------------------

NETWORKS = {
    "synapses, gates": lambda: hh.Network(
        2,
        stimulus=hh.SineCurrent(3.0, 10.0),
        synapses=[hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.2, 0]]), hh.GapJunction(0.05)],
        noise=[hh.CurrentNoise(1.0, correlation=0.3), hh.SubunitNoise(area=10.0)],
    ),
    "populations": lambda: hh.Network(
        {
            "E": hh.Population(3, noise=hh.ConductanceNoise(area=100.0)),
            "I": hh.Population(2, cell=hh.CELLS["wang_buzsaki"]),
        },
        synapses=[hh.SYNAPSES["AMPA"](source="E", target="I", weights=0.1)],
    ),
    # what they send is no variable, but a function of one
    "messengers": lambda: hh.Network(
        3,
        cell=hh.CELLS["hodgkin_huxley"].replace(V0=-10.0),
        synapses=hh.SYNAPSES["GABA_B"](0.1),
        noise=hh.SubunitNoise(area=10.0),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_f_and_G_of_networks_take_batches_bit_for_bit(name):
    sde = NETWORKS[name]().sde()
    x = sde.x0[:, None] * (1 + 0.05 * np.random.default_rng(1).normal(size=(sde.d, 5)))
    for function in (sde.f, sde.G, sde.correction):
        batch = function(x, 1.3)
        single = np.stack([function(one, 1.3) for one in x.T], axis=-1)
        assert np.array_equal(batch, single)
    with pytest.raises(ValueError, match=rf"shape \({sde.d},\) or \({sde.d}, trials\), got \(7,\)"):
        sde.f(np.zeros(7), 0.0)


A = np.array([[-1.0, 0.3], [0.2, -2.0]])
FORMS = {
    "elements": (lambda x, t: -x, lambda x, t: 0.3 * x[:, None] * np.ones((1, 2, *x.shape[1:]))),
    "matrix": (lambda x, t: A @ x, lambda x, t: np.ones((2, 2)) * np.sin(t)),
    "one state": (
        lambda x, t: np.array([max(x[0], 0.0), -x[1]]),
        lambda x, t: np.diag(0.4 * x),
    ),
    "looks like batches": (  # a batch of 2 is taken for the matrix of something else
        lambda x, t: x @ A.T if x.ndim == 2 and x.shape[1] == 2 else A @ x,
        lambda x, t: np.outer(x, [1.0, 2.0]) if x.ndim == 1 else np.zeros((2, 2, x.shape[1])),
    ),
}
CALLED_ONCE = {"elements": (1, 1), "matrix": (1, 1), "one state": (4, 4),
               "looks like batches": (4, 4)}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_whether_functions_take_batches_is_found(form):
    calls = [0, 0]

    def counted(function, k):
        def call(x, t):
            calls[k] += 1
            return function(x, t)

        return call

    f, G = FORMS[form]
    sde = hh.SDE(f=counted(f, 0), G=counted(G, 1), x0=[1.0, 2.0])
    over = over_trials(sde, 4)
    calls[:] = 0, 0
    x = np.arange(8.0).reshape(2, 4) - 3.0
    for function, single in zip(over, (f, G), strict=True):
        expected = np.stack([single(one, 0.5) for one in x.T], axis=-1)
        np.testing.assert_allclose(function(x, 0.5), expected, rtol=1e-14)
        assert np.array_equal(function(x[:, 0], 0.5), single(x[:, 0], 0.5))
    assert tuple(n - 1 for n in calls) == CALLED_ONCE[form]


def test_an_sde_may_state_whether_it_takes_batches():
    f, G = FORMS["one state"]
    stated = hh.SDE(f=f, G=G, x0=[1.0, 2.0], vectorized=True)
    with pytest.raises(ValueError, match=r"SDE\(vectorized=True\) says that G takes states"):
        over_trials(stated, 3)[1](np.ones((2, 3)), 0.0)
    f, G = FORMS["elements"]
    one_by_one = hh.SDE(f=f, G=G, x0=[1.0, 2.0], vectorized=False)
    assert over_trials(one_by_one, 3)[1](np.ones((2, 3)), 0.0).shape == (2, 2, 3)
    with pytest.raises(TypeError, match="vectorized must be True, False or None, got 'yes'"):
        hh.SDE(f=f, G=G, x0=[1.0, 2.0], vectorized="yes")


def test_the_derivative_along_a_direction():
    rng = np.random.default_rng(2)
    x, v = rng.normal(size=(2, 3, 4))
    x[0] *= 60.0  # as V beside gates
    G = lambda x, t: np.stack([np.sin(x), x**2, x * x[0]], axis=1)  # noqa: E731
    exact = np.stack([np.cos(x) * v, 2 * x * v, v * x[0] + x * v[0]], axis=1)
    np.testing.assert_allclose(hh.derivative_along(G, x, 0.0, v), exact, rtol=1e-6, atol=1e-6)
    assert np.array_equal(hh.derivative_along(G, x, 0.0, 0 * v), np.zeros((3, 3, 4)))


# -- in solve -------------------------------------------------------------------------------------


def test_it_is_the_engines_scheme(pair):
    options = {"rng": 1, "trials": 3, "record": ["V", "spikes"]}
    ours = hh.solve(pair, 40.0, method=my_euler, **options)
    theirs = hh.solve(pair, 40.0, method="euler_maruyama", **options)
    np.testing.assert_allclose(ours.V, theirs.V, atol=1e-8)
    assert ours.sizes["spike"] == theirs.sizes["spike"] > 10
    np.testing.assert_allclose(ours.spike_time, theirs.spike_time, atol=1e-8)
    assert ours.attrs["method"] == "my_euler"
    assert ours.attrs["method_place"].endswith("test_own_method:my_euler")
    assert hh.solve(pair, 40.0, method=my_euler, rng=1, trials=[2]).V[0].equals(ours.V[2])
    hh.validate(ours)


def test_gates_outside_their_range_are_counted_as_the_engine_counts_them():
    noisy = hh.Population(2, stimulus=10.0, noise=hh.ConductanceNoise(area=100.0))
    pools = hh.Population(1, cell=hh.CELLS["traub_ca3"], noise=hh.CurrentNoise(1.0))
    net = hh.Network({"noisy": noisy, "pools": pools})
    options = {"rng": 1, "trials": 3, "record": ("V",), "save_dt": 1.0}
    ours = hh.solve(net, 20.0, method=my_euler, **options).attrs["gate_excursions"]
    theirs = hh.solve(net, 20.0, method="euler_maruyama", **options).attrs["gate_excursions"]
    assert ours > 1000
    assert abs(ours - theirs) <= 2  # a state within rounding of the limit
    sde = hh.SDE(f=lambda x, t: -x, G=lambda x, t: np.eye(1), x0=[2.0], m=1)
    assert "gate_excursions" not in hh.solve(sde, 1.0, method=my_euler, rng=1).attrs


def test_what_it_needs_of_the_noise(pair):
    """On a coarser grid too, of which `extra` is that of the path."""
    seen = {}

    def method(needs):
        @hh.integrator(strong_order={"general": 0.5}, needs=needs)
        def recording(f, G, x, t, h, dW, extra):
            seen.setdefault(needs, []).append((dW.copy(), None if extra is None else extra.copy()))
            return x

        return recording

    sde = NETWORKS["synapses, gates"]().sde()
    path = sde.path(3, 0.01).coarsen(2)
    for needs in ("", "halves", "time integrals", "areas"):
        hh.solve(sde, 0.06, dt=0.02, method=method(needs), path=path, trials=[0, 4])
        assert len(seen[needs]) == 3
    trials = np.array([0, 4])
    shape = (3, sde.m, 2)
    for needs, values in seen.items():
        dW = np.array([one for one, _ in values])
        assert np.array_equal(dW, path.lanes(0, 3, trials).reshape(shape)), needs
    extra = {needs: [one for _, one in values] for needs, values in seen.items()}
    assert extra[""] == [None] * 3
    halves = path.halves(0, 3, trials)[:, 1].reshape(shape)
    assert np.array_equal(extra["halves"], halves)
    assert np.array_equal(extra["time integrals"], path.time_integrals(0, 3, trials).reshape(shape))
    areas = [path.of_trial(trial).integrals(0, 3) for trial in trials]
    assert np.array_equal(extra["areas"], np.stack(areas, axis=-1))


def test_it_gets_the_equation_in_its_calculus():
    """Heun's scheme gets the drift of the same equation in Stratonovich's calculus."""
    for name in ("geometric", "geometric_stratonovich"):
        ds = measured_orders([my_heun, my_euler], [name])
        assert ds.agrees.values.all(), ds.order
        assert ds.order.values[0, 0] > 0.85


def test_it_goes_on_skips_stops_and_reduces(pair):
    options = {"method": my_euler, "rng": 2, "trials": 3}
    whole = hh.solve(pair, 30.0, **options, record=["V", "spikes"])
    first = hh.solve(pair, 17.0, **options, record=["spikes"])
    second = hh.solve(pair, 30.0, **options, x0=first, record=["V", "spikes"])
    assert second.V.equals(whole.V.sel(time=second.time))
    both = np.sort(np.concatenate([first.spike_time, second.spike_time]))
    assert np.array_equal(both, np.sort(whole.spike_time))
    late = hh.solve(pair, 30.0, **options, discard=17.0, record=["V", "spikes"], save_dt=0.05)
    assert np.array_equal(late.V, whole.V.sel(time=late.time, method="nearest"))
    assert np.array_equal(np.sort(late.spike_time), np.sort(second.spike_time))
    without_spikes = hh.solve(pair, 30.0, **options, discard=17.0, save_dt=0.05)
    assert np.array_equal(without_spikes.V, late.V)
    stopped = hh.solve(pair, 30.0, **options, stop="first spike")
    spikes = whole.hh.spikes()
    wanted = [spikes.spike_time[spikes.trial == trial].min() for trial in range(3)]
    np.testing.assert_allclose(stopped.stop_time, wanted, rtol=1e-12)
    ends = [
        hh.solve(pair, 30.0, **{**options, "method": method}, stop="first spike", record="spikes",
                 discard=5.0)
        for method in (my_euler, "euler_maruyama")
    ]  # fmt: skip
    np.testing.assert_allclose(ends[0].spike_time, ends[1].spike_time, atol=1e-8)
    np.testing.assert_allclose(ends[0].stop_time, ends[1].stop_time, atol=1e-8)
    assert ends[0].sizes["spike"] >= 3
    means = hh.solve(pair, 30.0, **options, reduce="mean", save_dt=1.0)
    np.testing.assert_allclose(means.V_mean, whole.V.mean("trial")[::100], rtol=1e-12)
    drawn = hh.solve(pair, 0.1, **options, x0={"V": hh.Normal(-65.0, 5.0)})
    assert np.unique(drawn.V[:, 0]).size == 6


@pytest.mark.parametrize("method", ["sdeint.itoEuler", "my_euler"])
@pytest.mark.parametrize("rule", [hh.SpikeRule(), hh.SpikeRule(-20.0, None, 3.0)])
def test_spikes_are_found_as_the_engine_finds_them(method, rule):
    """Strong noise, so that there are crossings that do not count."""
    net = hh.Network(2, stimulus=10.0, noise=hh.CurrentNoise(12.0))
    options = {"rng": 5, "trials": 2, "record": ("spikes",), "spike_rule": rule, "dt": 0.02}
    ours = hh.solve(net, 60.0, method=my_euler if method == "my_euler" else method, **options)
    theirs = hh.solve(net, 60.0, method="euler_maruyama", **options)
    assert ours.sizes["spike"] == theirs.sizes["spike"] > 10
    np.testing.assert_allclose(ours.spike_time, theirs.spike_time, atol=1e-7)
    assert np.array_equal(ours.neuron, theirs.neuron)


def test_what_goes_wrong_in_a_step(pair):
    @hh.integrator(strong_order={"general": 0.5})
    def grows(f, G, x, t, h, dW, extra):
        x *= 1e60  # in place, of what it was given
        return x

    with pytest.raises(hh.DivergenceError, match=r"V of neuron 0 \(trial 0\)") as caught:
        hh.solve(pair, 1.0, method=grows, rng=1, trials=2)
    assert caught.value.dataset.sizes["time"] == 6
    assert np.array_equal(caught.value.dataset.V[0, 0], pair.sde().x0[:2])

    @hh.integrator(strong_order={"general": 0.5})
    def forgets(f, G, x, t, h, dW, extra):
        return x[0]

    with pytest.raises(ValueError, match=r"of shape \(10, 2\) as it got them; it gave \(2,\)"):
        hh.solve(pair, 1.0, method=forgets, rng=1, trials=2)

    @hh.integrator(strong_order={"general": 0.5})
    def raises(f, G, x, t, h, dW, extra):
        if t > 0.5:
            raise ArithmeticError("it is late")
        return x

    with pytest.raises(ArithmeticError, match="it is late") as late:
        hh.solve(pair, 1.0, method=raises, rng=1)
    assert late.value.dataset.sizes["time"] in (51, 52)


def test_a_noise_type_stands_for_its_special_cases():
    assert my_euler.strong_order == {
        "additive": 1.0, "diagonal": 0.5, "commutative": 0.5, "general": 0.5,
    }  # fmt: skip
    assert my_heun.strong_order == {"additive": 1.0, "diagonal": 1.0, "commutative": 1.0}
    net = hh.Network(1, noise=[hh.CurrentNoise(1.0), hh.SubunitNoise(area=10.0)])
    with pytest.raises(ValueError, match="my_heun does not take general noise"):
        hh.solve(net, 1.0, method=my_heun)


def step(f, G, x, t, h, dW, extra):
    return x


@pytest.mark.parametrize(
    ("arguments", "of", "message"),
    [
        ({"strong_order": {}}, step, "strong_order says which noise it takes"),
        ({"strong_order": {"white": 1.0}}, step, "noise type must be one of additive, diagonal"),
        ({"strong_order": {"additive": -1.0}}, step, "strong_order of additive noise must be"),
        ({"interpretation": "itô"}, step, "interpretation must be one of ito, stratonovich"),
        ({"needs": "half"}, step, "needs must be one of .*did you mean halves"),
        ({"deterministic_order": 0}, step, "deterministic_order must be"),
        ({}, lambda f, G, x: x, r"must take step\(f, G, x, t, h, dW, extra\); it takes"),
        ({}, 3, "decorates a function, got 3"),
    ],
)
def test_what_is_no_method(arguments, of, message):
    with pytest.raises((TypeError, ValueError), match=message):
        hh.integrator(**{"strong_order": {"additive": 1.0}, **arguments})(of)


def test_methods_by_object_and_by_name(pair):
    namesake = hh.integrator(strong_order={"additive": 1.0})(type(step)(step.__code__, {}, "heun"))
    with pytest.raises(ValueError, match="a method of METHODS is called 'heun'; name yours anew"):
        hh.solve(pair, 1.0, method=namesake, rng=1)
    with pytest.raises(TypeError, match="method must be the name of a method or a"):
        hh.solve(pair, 1.0, method=step, rng=1)
    by_object = hh.solve(pair, 1.0, method=hh.METHODS["heun"], rng=1)
    assert by_object.identical(hh.solve(pair, 1.0, method="heun", rng=1))
    hh.METHODS["mine"] = my_euler
    try:
        assert hh.solve(pair, 1.0, method="mine", rng=1).attrs["method"] == "mine"
        assert "mine: Euler-Maruyama" in repr(hh.METHODS)
    finally:
        del hh.METHODS["mine"]


def test_a_run_of_ones_own_by_the_contract(pair):
    """A generator under `hh.Method`: any reference, and spikes, of which states alone tell."""

    def run(problem):
        path = problem.path
        for k in range(problem.n_steps):
            yield problem.saves(k, problem.sde.x0[None] + path.increments(k, k + 1)[0, 0])

    one = hh.Method(
        run=hh.methods.each_trial(run), name="jumps", summary="", interpretation="ito",
        deterministic_order=1.0, strong_order={"additive": 1.0},
        reference="Somebody, Someone & Other 2025, A journal",
    )  # fmt: skip
    ds = hh.solve(pair, 1.0, method=one, rng=1, record=["V", "spikes"])
    assert (ds.sizes["spike"], ds.attrs["method"]) == (0, "jumps")
    assert hh.solve(pair, 1.0, method=one, rng=1, record=["V", "spikes"], spike_rule=hh.SpikeRule(
        -65.0, None)).sizes["spike"] > 10  # fmt: skip
    with pytest.raises(ValueError, match="compiled says that the engine runs a method and finds"):
        hh.Method(run=run, summary="", interpretation="ito", deterministic_order=1.0,
                  compiled=True)  # fmt: skip
    nameless = hh.Method(run=run, summary="", interpretation="ito", deterministic_order=1.0,
                         strong_order={"additive": 1.0})  # fmt: skip
    with pytest.raises(ValueError, match="must have a name: Method"):
        hh.solve(pair, 1.0, method=nameless, rng=1)
    assert issubclass(Diverged, Exception)


# -- in studies, and again ------------------------------------------------------------------------


def test_a_rerun_says_what_it_needs(pair):
    ds = hh.solve(pair, 1.0, method=my_euler, path=pair.sde().path(1, 0.005).coarsen(2))
    with pytest.raises(ValueError, match=r"made by my_euler, .*rerun\(ds, method=my_euler\)"):
        hh.rerun(ds)
    assert hh.rerun(ds, method=my_euler).identical(ds)
    other = hh.rerun(ds, method="euler_maruyama")
    np.testing.assert_allclose(other.V, ds.V, atol=1e-9)
    options = {"dts": [0.02, 0.04, 0.08], "t_end": 0.8, "trials": 3, "rng": 1}
    of_study = studies.strong_convergence(pair, [my_euler, "heun"], **options)
    assert json.loads(of_study.attrs["arguments"])["methods"] == ["my_euler", "heun"]
    with pytest.raises(ValueError, match=r"made by my_euler, .*rerun\(ds, methods=\[...\]\)"):
        hh.rerun(of_study)
    assert hh.rerun(of_study, methods=[my_euler, "heun"]).identical(of_study)


def test_sweeps_of_the_noise_take_a_commutative_method():
    net = hh.Network(1, stimulus=10.0)
    options = {"sigmas": [1.0, 3.0], "t_end": 40.0, "trials": 2, "rng": 1}
    ours = studies.noise_sweep(net, method=my_heun, **options)
    theirs = studies.noise_sweep(net, method="heun", **options)
    np.testing.assert_allclose(ours.rate, theirs.rate)
    assert (ours.rate > 0).all()


@pytest.mark.filterwarnings("ignore::hh_sde.studies.common.OrderWarning")  # of few trials
@pytest.mark.parametrize("of", ["problem", "sde", "referenced"])
def test_studies_of_methods_take_equations_of_any_kind(of):
    problem = PROBLEMS["van_der_pol" if of == "referenced" else "cubic"]
    model = problem.sde if of == "sde" else problem
    options = {"trials": 20, "t_end": 1.0, "rng": 1}
    methods, dts = ["sdeint.itoSRI2", my_euler], [2.0**-k for k in (8, 7, 6, 5)]
    strong = studies.strong_convergence(model, methods, dts, **options)
    assert strong.scheme.values.tolist() == ["sdeint.itoSRI2", "my_euler"]
    assert (strong.error[1] > strong.error[0]).all()
    assert (float(strong.floor) == 0.0) == (of != "sde")
    one = studies.strong_convergence(model, methods, dts, variable=problem.sde.names[0], **options)
    assert np.isfinite(one.error).all()
    weak = studies.weak_convergence(model, methods, dts[2:], **options)
    assert weak.observable.values[0] == f"mean_{problem.sde.names[0]}"
    compared = studies.compare_methods(model, methods, dts[2:], window=0.5, **options)
    assert np.isfinite(compared.path_error).all()
    assert set(compared.data_vars) == {"path_error", "cost", "diverged"}
    precision = studies.work_precision(model, methods, dts[2:], window=0.5, repeats=1, **options)
    assert (precision.cost > 0).all()
    for ds in (strong, weak, compared, precision):
        ds.hh.plot()
        plt.close("all")
        if of == "sde":
            with pytest.raises(ValueError, match="describes no network"):
                hh.rerun(ds, methods=methods)
        again = hh.rerun(ds, None if of != "sde" else model, methods=methods)
        drop = ["cost"] if "cost" in ds else []
        assert again.drop_vars(drop).identical(ds.drop_vars(drop))


def test_known_moments_and_functionals_are_those_of_the_problem():
    problem = PROBLEMS["hyperbolic"]
    ds = studies.weak_convergence(
        problem, [my_euler], [2.0**-6, 2.0**-5, 2.0**-4], 1.0, 2000, rng=1
    )
    mean, covariance = problem.moments(1.0)
    expected = [mean[0], covariance[0, 0], problem.expectation(1.0)]
    assert ds.observable.values.tolist() == ["mean_x", "var_x", "functional"]
    np.testing.assert_allclose(ds.exact, expected)
    low, high = ds.order_low.values[0, 0], ds.order_high.values[0, 0]
    assert low - 0.2 < 1.0 < high + 0.2  # the weak order of Euler's scheme


def test_wrong_use_of_studies(pair):
    with pytest.raises(TypeError, match="takes a Network, an SDE or a problem of"):
        studies.strong_convergence("linear")
    with pytest.raises(TypeError, match="noise_sweep takes a Network, got SolvedProblem"):
        studies.noise_sweep(PROBLEMS["linear"])
    with pytest.raises(ValueError, match="there is no component 'V'"):
        studies.strong_convergence(PROBLEMS["linear"], variable="V")
    with pytest.raises(ValueError, match="runs in the compiled engine, which takes a Network"):
        studies.strong_convergence(of_functions("linear"), ["heun"])
    with pytest.raises(ValueError, match="strang moves gates by their exact flow"):
        studies.strong_convergence(PROBLEMS["linear"], ["strang"])
    with pytest.raises(ValueError, match="names a method twice: my_euler, my_euler"):
        studies.strong_convergence(pair, [my_euler, my_euler])


# -- orders ---------------------------------------------------------------------------------------


def test_milstein_for_any_noise_has_order_1_and_with_half_its_term_not():
    names = ["cubic", "commutative", "rotation", "van_der_pol"]
    found = measured_orders([milstein_with(1.0)], names)
    assert found.agrees.values.all(), found.order
    assert (found.declared_order == 1.0).all()
    broken = measured_orders([milstein_with(0.5)], names)
    assert not broken.agrees.values.any(), broken.order


def test_orders_on_networks_are_measured_where_the_noise_acts():
    methods, cubic = ["euler_maruyama", milstein_with(1.0)], of_functions("cubic")
    found = measured_orders(methods, {"noisy_gate": PROBLEMS["noisy_gate"], "cubic": cubic})
    assert np.isnan(found.order[0, 1])  # the engine takes no functions
    assert found.order[0, 0] < 0.75 < found.order[1, 0]
    assert found.agrees.values.tolist() == [[1, 0], [1, 1]]
    plain = measured_orders([my_heun], ["cubic", "question_pair"], "without noise")
    np.testing.assert_allclose(plain.order, 2.0, atol=0.05)


@pytest.mark.parametrize(("name", "size"), [("van_der_pol", 1.5e-3), ("noisy_gate", 3e-5)])
def test_no_order_is_read_off_errors_that_are_those_of_the_reference(name, size, monkeypatch):
    """They stop falling there: diffrax's SlowRK, of order 1.5, seemed to have 0.5."""
    kind, milstein = type(PROBLEMS[name]), milstein_with(1.0)
    own = kind.error.fget

    def order(error):
        monkeypatch.setattr(kind, "error", property(lambda one: np.full_like(own(one), error)))
        found = measured_orders([milstein], [name])
        return found.order.item(), found.not_measured.item()

    of_five, of_three, none = (order(error) for error in (0.0, size, 1.0))
    assert of_three[0] != of_five[0]
    assert of_three[0] == pytest.approx(of_five[0], abs=0.1)
    assert np.isnan(none[0])
    assert "4 times that of the reference" in none[1]


@pytest.mark.slow
def test_weak_orders_for_additive_noise():
    methods = ["euler_maruyama", "heun", "shifted_strang"]
    found = measured_orders(methods, ["question_pair"], "weak", trials=20_000)
    np.testing.assert_allclose(found.order[:, 0], [1.0, 2.0, 2.0], atol=0.2)


# -- the command line, and the page ---------------------------------------------------------------

SCHEME = '''
import numpy as np
import hh_sde as hh

@hh.integrator(strong_order={"general": 0.5})
def euler(f, G, x, t, h, dW, extra):
    """Euler."""
    return x + f(x, t) * h + np.einsum("dmk,mk->dk", G(x, t), dW)

not_one = 3
'''


def test_from_the_command_line(tmp_path):
    (tmp_path / "schemes.py").write_text(SCHEME)
    (tmp_path / "net.toml").write_text(
        '[network]\nn_neurons = 1\nstimulus = 10.0\nnoise = {kind = "current", sigma = 1.0}\n'
        "[run]\nt_end = 5.0\nrng = 1\n[study]\ndts = [0.02, 0.04]\nt_end = 0.8\ntrials = 3\n"
    )

    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "hh_sde.cli", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip

    ran = command("run", "net.toml", "--method", "schemes:euler", "--out", "run.nc")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("euler:")
    study = command("study", "strong_convergence", "net.toml", "--method", "schemes:euler",
                    "--method", "heun")  # fmt: skip
    assert study.returncode == 0, study.stderr
    assert "euler" in study.stdout
    assert "heun" in study.stdout
    wrong = command("run", "net.toml", "--method", "schemes:not_one")
    assert wrong.returncode == 2
    assert "it must be a hh_sde.Method" in wrong.stderr


def test_a_configuration_runs_no_code(tmp_path):
    """Only the command line names what is to be imported."""
    file = tmp_path / "net.toml"
    file.write_text('[network]\nn_neurons = 1\n[run]\nt_end = 1.0\nmethod = "schemes:euler"\n')
    with pytest.raises(ValueError, match="there is no method 'schemes:euler'"):
        load(file)


def test_the_page_runs(tmp_path, monkeypatch):
    page = Path(__file__).parents[1] / "docs" / "own_method.md"
    if not page.exists():
        pytest.skip("the tests run outside the repository")
    cells = re.findall(
        r"```\{code-cell\} ipython3\n(?::[^\n]*\n)*(.*?)```", page.read_text("utf-8"), re.DOTALL
    )
    monkeypatch.chdir(tmp_path)
    made = {}
    exec(compile("\n".join(cells), str(page), "exec"), made)
    plt.close("all")
    assert made["found"].agrees.values.all()
    assert not made["broken"].agrees.values.any()
    order = made["ds"].order.sel(scheme="tamed_milstein")
    assert 0.85 < order < 1.15

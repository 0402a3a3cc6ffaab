"""Methods of diffrax and torchsde: on our paths, of our equations, and with functions of one's own.

Their orders are tested with all others', in test_orders.py.
"""

import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import hh_sde as hh

DIFFRAX = [name for name, method in hh.METHODS.items() if method.library == "diffrax"]
TORCHSDE = [name for name, method in hh.METHODS.items() if method.library == "torchsde"]
#: The same scheme here and in a framework, for noise that both take.
SAME = [
    ("diffrax.Euler", "euler_maruyama"),
    ("torchsde.euler", "euler_maruyama"),
    ("diffrax.Heun", "heun"),
    ("torchsde.heun", "heun"),
    ("diffrax.SRA1", "sra1"),
    ("torchsde.srk", "sra1"),
]


def pair(noise, stimulus=10.0):
    synapse = hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]])
    return hh.Network(2, stimulus=stimulus, synapses=synapse, noise=noise)


WHITE = hh.CurrentNoise(2.0, correlation=0.5)
GATES = (WHITE, hh.SubunitNoise(area=200.0))


@pytest.mark.parametrize(("theirs", "ours"), SAME)
@pytest.mark.parametrize("noise", [WHITE, GATES], ids=["additive", "general"])
def test_one_scheme_on_one_path_is_one_trajectory(theirs, ours, noise):
    # another path, another order of its steps or trials, a forgotten correction: all would show
    # at a jump Heun's last stage sees the current before it here, and after it there
    net = pair(noise, hh.StepCurrent(10.0, start=1.0) if "uler" in theirs else 10.0)
    if net.sde().noise_type not in hh.METHODS[ours].strong_order:
        pytest.skip("for additive noise alone")
    path = net.sde().path(3, dt=0.005).coarsen(2)
    runs = [
        hh.solve(net, 4.0, dt=0.01, method=method, path=path, trials=[4, 0, 2], save_dt=0.5)
        for method in (theirs, ours)
    ]
    for name in net.variables:
        assert float(abs(runs[0][name] - runs[1][name]).max()) < 1e-10
    assert runs[0].attrs["method"] == theirs
    assert float(runs[0].V.std("trial").max()) > 0.1


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("diffrax.ItoMilstein", "milstein"), ("torchsde.milstein", "milstein")],
)
def test_milstein_takes_the_derivatives_of_the_equations(theirs, ours):
    """Of gates whose noise multiplies them; V, without noise, is held where it is."""
    gate = hh.Gate("a", 1, alpha=hh.Sigmoid(0.2, -60.0, 1.0), beta=hh.Constant(0.4))
    cell = hh.Cell("one_gate", (hh.Channel("A", g=0.05, E=-80.0, gates=(gate,)),))
    net = hh.Network(2, cell=cell, noise=hh.SubunitNoise(numbers={"A": 40}))
    if net.sde().noise_type not in hh.METHODS[theirs].strong_order:
        pytest.skip(f"{theirs} takes no {net.sde().noise_type} noise")
    runs = [
        hh.solve(net, 2.0, dt=0.01, method=method, rng=1, trials=2, x0={"a": 0.5})
        for method in (theirs, ours)
    ]
    assert float(abs(runs[0].a - runs[1].a).max()) < 1e-12


@pytest.mark.parametrize("method", ["diffrax.Heun", "torchsde.reversible_heun", "torchsde.srk"])
def test_windows_do_not_show(method, monkeypatch):
    module = pytest.importorskip(f"hh_sde.methods.{hh.METHODS[method].library}_")
    net = pair(WHITE)
    whole = hh.solve(net, 1.0, dt=0.01, method=method, rng=1, trials=2)
    monkeypatch.setattr(module, "_LONGEST", 7)
    assert np.array_equal(hh.solve(net, 1.0, dt=0.01, method=method, rng=1, trials=2).V, whole.V)


@pytest.mark.parametrize(("library", "scheme"), [("diffrax", "Euler"), ("torchsde", "euler")])
def test_a_framework_that_is_not_there_names_its_extra(library, scheme, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"pip install 'hh_sde\[{library}\]'"):
        hh.solve(pair(hh.CurrentNoise(1.0)), 1.0, method=f"{library}.{scheme}", rng=1)
    assert not hh.METHODS[f"{library}.{scheme}"].available


@pytest.mark.parametrize("method", ["diffrax.Euler", "torchsde.euler"])
def test_a_run_that_grows_says_where(method):
    net = hh.Network(2, noise=hh.CurrentNoise([0.0, 1e6]))
    with pytest.raises(hh.DivergenceError) as caught:
        hh.solve(net, 5.0, dt=0.5, method=method, rng=1, trials=2)
    with pytest.raises(hh.DivergenceError) as ours:
        hh.solve(net, 5.0, dt=0.5, rng=1, trials=2)
    assert (caught.value.time, caught.value.trial) == (ours.value.time, ours.value.trial)
    assert np.all(np.isfinite(caught.value.dataset.V))


# -- functions of one's own ------------------------------------------------------------------------


def own_sde(library, **options):
    """dx = -x dt + (0.3 + 0.1 x) dW for each of two, in a library's arrays, (d,) or (d, trials)."""
    given = {"x0": [1.0, 2.0], "noise_type": "diagonal", **options}
    if library == "numpy":
        return hh.SDE(
            f=lambda x, t: -np.sin(x),
            G=lambda x, t: np.diag(0.3 + 0.1 * x),
            correction=lambda x, t: 0.05 * (0.3 + 0.1 * x),
            **given,
        )
    if library == "jax":
        jnp = pytest.importorskip("jax").numpy
        return hh.SDE(
            f=lambda x, t: -jnp.sin(x),
            G=lambda x, t: jnp.diag(0.3 + 0.1 * x),
            correction=lambda x, t: 0.05 * (0.3 + 0.1 * x),
            arrays="jax",
            **given,
        )
    torch = pytest.importorskip("torch")
    return hh.SDE(
        f=lambda x, t: -torch.sin(x),
        G=lambda x, t: torch.diag(0.3 + 0.1 * x),
        correction=lambda x, t: 0.05 * (0.3 + 0.1 * x),
        arrays="torch",
        **given,
    )


@pytest.mark.parametrize(
    ("library", "theirs", "ours"),
    [
        ("jax", "diffrax.Euler", "sdeint.itoEuler"),
        ("jax", "diffrax.Heun", "sdeint.stratHeun"),
        ("torch", "torchsde.euler", "sdeint.itoEuler"),
        ("torch", "torchsde.heun", "sdeint.stratHeun"),
    ],
)
def test_functions_of_ones_own_run_in_their_framework_and_in_others(library, theirs, ours):
    numpy_sde, sde = own_sde("numpy"), own_sde(library)
    options = {"dt": 0.01, "rng": 1, "trials": 3}
    reference = hh.solve(numpy_sde, 1.0, method=ours, **options)
    assert np.allclose(hh.solve(sde, 1.0, method=theirs, **options).x, reference.x, atol=1e-12)
    assert np.allclose(hh.solve(sde, 1.0, method=ours, **options).x, reference.x, atol=1e-12)
    without = {"dt": 0.01, "noise": "ignore"}
    still = hh.solve(sde, 1.0, method=theirs, **without)
    assert np.allclose(still.x, hh.solve(numpy_sde, 1.0, method=ours, **without).x, atol=1e-12)


@pytest.mark.parametrize("method", ["diffrax.SRA1", "torchsde.srk"])
def test_noise_of_ones_own_may_be_the_same_everywhere(method):
    """G a constant matrix, f of one state alone."""
    library = hh.METHODS[method].arrays
    xp = pytest.importorskip("jax").numpy if library == "jax" else pytest.importorskip("torch")
    A = np.array([[0.3], [0.1]])

    def of_arrays(x, t):
        return xp.stack([-(x[0] ** 3), x[0] - x[1]])

    options = {"x0": [1.0, 0.5], "noise_type": "additive", "vectorized": False}
    G = (lambda x, t: xp.asarray(A)) if library == "jax" else (lambda x, t: xp.tensor(A))
    sde = hh.SDE(f=of_arrays, G=G, arrays=library, **options)
    same = hh.SDE(f=lambda x, t: np.array([-(x[0] ** 3), x[0] - x[1]]), G=lambda x, t: A, **options)
    given = {"dt": 0.05, "rng": 1, "trials": 3}
    theirs = hh.solve(sde, 1.0, method=method, **given).x
    assert np.allclose(theirs, hh.solve(same, 1.0, method=own_sra1, **given).x, atol=1e-12)


@hh.integrator(strong_order={"additive": 1.5}, deterministic_order=2, needs="time integrals")
def own_sra1(f, G, x, t, h, dW, I_10):
    """SRA1 (Roessler 2010) for constant G."""
    moved, ahead = (np.einsum("dmk,mk->dk", G(x, t), one) for one in (dW, 1.5 * I_10 / h))
    return x + h * (f(x, t) + 2.0 * f(x + 0.75 * h * f(x, t) + ahead, t + 0.75 * h)) / 3.0 + moved


@pytest.mark.parametrize("method", [*DIFFRAX, *TORCHSDE])
def test_functions_of_numpy_are_refused_with_the_way_out(method):
    arrays = hh.METHODS[method].arrays
    with pytest.raises(ValueError, match=rf"arrays={arrays!r}.*choose from .*sdeint.itoEuler"):
        hh.solve(own_sde("numpy"), 1.0, dt=0.1, rng=1, method=method)


def test_what_arrays_may_be():
    with pytest.raises(ValueError, match="arrays must be one of numpy, jax, torch"):
        own_sde("numpy", arrays="cupy")


def test_the_settings_of_jax_are_left_alone():
    jax = pytest.importorskip("jax")
    pytest.importorskip("diffrax")
    before = jax.config.jax_enable_x64
    hh.solve(pair(WHITE), 0.1, dt=0.01, method="diffrax.Euler", rng=1)
    own_sde("jax").f(np.ones(2), 0.0)
    assert jax.config.jax_enable_x64 == before
    assert jax.numpy.zeros(1).dtype == ("float64" if before else "float32")


def geometric(library):
    """dx_i = -0.5 x_i dt + 0.6 x_i dW_i."""
    if library == "jax":
        diag = pytest.importorskip("jax").numpy.diag
    else:
        diag = pytest.importorskip("torch").diag
    return hh.SDE(
        f=lambda x, t: -0.5 * x,
        G=lambda x, t: diag(0.6 * x),
        correction=lambda x, t: 0.18 * x,
        x0=[1.0, 2.0],
        noise_type="diagonal",
        arrays=library,
    )


@pytest.mark.parametrize(
    "method", [m for m in [*DIFFRAX, *TORCHSDE] if "diagonal" in hh.METHODS[m].strong_order]
)
def test_strong_order_of_diagonal_noise(method):
    """Root mean square error at t = 1 against the exact solution, over 60 paths."""
    sde = geometric(hh.METHODS[method].arrays)
    path, squares, factors = sde.path(5, 2.0**-9), [], [8, 16, 32, 64]
    W = np.stack([path.of_trial(k).increments(0, 512).sum(axis=0) for k in range(60)])
    exact = sde.x0 * np.exp((-0.5 - 0.18) * 1.0 + 0.6 * W)
    for k in factors:
        coarse = path.coarsen(k)
        ds = hh.solve(sde, 1.0, dt=coarse.dt, method=method, path=coarse, trials=60, save_dt=1.0)
        squares.append(np.sum((ds.x.values[:, -1] - exact) ** 2, axis=-1))
    slope = np.polyfit(np.log(factors), 0.5 * np.log(np.mean(squares, axis=1)), 1)[0]
    declared = hh.METHODS[method].strong_order["diagonal"]
    # torchsde.reversible_heun: this noise is commutative and its order in general noise declared
    assert slope > declared - 0.15
    assert slope < declared + 0.2 or method == "torchsde.reversible_heun"


# -- our paths as theirs ---------------------------------------------------------------------------


def test_a_path_in_diffrax_itself():
    diffrax = pytest.importorskip("diffrax")
    from hh_sde.equations.jax_ import double
    from hh_sde.methods.diffrax_ import OnGrid

    net = pair(WHITE)
    sde, steps = net.sde(), 50
    path = sde.path(3, dt=0.01)
    with double():
        made = net.equations().jax()
        noise = OnGrid.of(path, 0, steps)
        terms = diffrax.MultiTerm(
            diffrax.ODETerm(lambda t, y, args: made.f(y, t)),
            diffrax.ControlTerm(lambda t, y, args: made.G(y, t), noise),
        )
        found = diffrax.diffeqsolve(
            terms, diffrax.SRA1(), 0.0, noise.t1, 0.01, made.x0,
            stepsize_controller=diffrax.ConstantStepSize(), max_steps=steps + 5,
        ).ys[-1]  # fmt: skip
        between = noise.evaluate(0.005, 0.01)
    ours = hh.solve(net, 0.5, dt=0.01, method="sra1", path=path)
    flat = np.concatenate([ours[name].values[-1] for name in net.variables])
    assert np.max(np.abs(np.asarray(found) - flat)) < 1e-10
    assert np.all(np.isnan(between))


def test_a_path_in_torchsde_itself():
    torch, torchsde = pytest.importorskip("torch"), pytest.importorskip("torchsde")
    from hh_sde.methods.torchsde_ import OnGrid

    net = pair(WHITE)
    made, path = net.equations().torch(), net.sde().path(3, dt=2.0**-7)

    class Equation:
        noise_type, sde_type = "additive", "ito"

        def f(self, t, y):
            return made.f(y.T, t).T

        def g(self, t, y):
            return made.G(y.T, t).permute(2, 0, 1)

    noise = OnGrid.of(path, 0, 64, trials=[0, 1])
    start = torch.as_tensor(made.x0).repeat(2, 1)
    ts = torch.tensor([0.0, 0.5], dtype=torch.float64)
    found = torchsde.sdeint(Equation(), start, ts, bm=noise, method="srk", dt=2.0**-7)[-1]
    ours = hh.solve(net, 0.5, dt=2.0**-7, method="sra1", path=path, trials=2)
    flat = np.concatenate([ours[name].values[:, -1] for name in net.variables], axis=1)
    assert np.max(np.abs(found.detach().numpy() - flat)) < 1e-10
    with pytest.raises(ValueError, match="fixed steps of its dt"):
        noise(0.0, 0.001)


def test_entries_name_what_is_called():
    """In the versions that are here: a solver that was renamed would be found by a run alone."""
    for name in DIFFRAX:
        assert inspect.isclass(getattr(pytest.importorskip("diffrax"), name.split(".")[1]))
    pytest.importorskip("torchsde")
    from torchsde.settings import METHODS

    for name in TORCHSDE:
        assert name.split(".")[1] in METHODS


# -- jitcsde ---------------------------------------------------------------------------------------


def test_jitcsde_has_the_law_of_the_equation():
    """A passive membrane is normal, of variance (sigma/C)^2 (1 - e^-2kt)/(2k) with k = g/C."""
    pytest.importorskip("jitcsde")
    cell = hh.Cell("leaky", (hh.Channel("L", g=0.5, E=-60.0),), C=2.0, V0=-55.0)
    net = hh.Network(200, cell=cell, noise=hh.CurrentNoise(3.0))
    ds = hh.solve(net, 2.0, dt=0.25, method="jitcsde", rng=2, trials=20, save_dt=2.0)
    V = ds.V.isel(time=-1).values
    k, mean = 0.25, -60.0 + 5.0 * np.exp(-0.5)
    variance = 1.5**2 * (1 - np.exp(-2 * k * 2.0)) / (2 * k)
    # false alarms: 4.5 standard errors, 7 in 10^6
    assert abs(V.mean() - mean) < 4.5 * np.sqrt(variance / V.size)
    assert abs(V.var() / variance - 1) < 4.5 * np.sqrt(2 / V.size)
    again = hh.solve(net, 2.0, dt=0.25, method="jitcsde", rng=2, trials=[7], save_dt=2.0)
    assert np.array_equal(again.V[0], ds.V.sel(trial=7))


def test_jitcsde_integrates_additive_noise_over_a_step():
    """The integral of s W over h has variance s^2 h^3/3 and covariance s^2 h^2/2 with s W."""
    pytest.importorskip("jitcsde")
    h, s, trials = 0.5, 0.1, 400
    sde = hh.SDE.from_expressions({"x": "v", "v": "0"}, {"W": {"v": "s"}}, x0=[0.0, 0.0],
                                  parameters={"s": s})  # fmt: skip
    ds = hh.solve(sde, h, dt=h, method="jitcsde", rng=1, trials=trials, rtol=1.0, atol=10.0)
    covariance = np.cov(ds.x.values[:, -1].T) / s**2
    # false alarms: 4.5 standard errors
    assert abs(covariance[0, 0] / (h**3 / 3) - 1) < 4.5 * np.sqrt(2 / trials)
    assert abs(covariance[0, 1] / (h**2 / 2) - 1) < 4.5 * np.sqrt(7 / 3 / trials)


def test_jitcsde_without_noise_is_the_equation():
    pytest.importorskip("jitcsde")
    net = pair(hh.CurrentNoise(1.0))
    options = {"dt": 0.05, "noise": "ignore", "rtol": 1e-8, "atol": 1e-8}
    found = hh.solve(net, 5.0, method="jitcsde", **options)
    exact = hh.solve(net, 5.0, method="scipy.DOP853", **options)
    assert float(abs(found.V - exact.V).max()) < 1e-4


def test_jitcsde_goes_along_no_path():
    pytest.importorskip("jitcsde")
    net = pair(hh.CurrentNoise(1.0))
    path = net.sde().path(1, 0.01)
    with pytest.raises(ValueError, match="draws noise of its own"):
        hh.solve(net, 1.0, dt=0.01, method="jitcsde", path=path)
    with pytest.raises(ValueError, match="no error along a path that others share"):
        hh.studies.strong_convergence(net, ["jitcsde"], [0.02, 0.01], 1.0, 2, rng=1)
    with pytest.raises(ValueError, match="takes a Network"):
        hh.solve(own_sde("numpy"), 1.0, dt=0.1, method="jitcsde", rng=1)
    channels = hh.Network(1, noise=hh.SubunitNoise(area=100.0))  # whose columns do commute
    with pytest.raises(ValueError, match="take commutative noise: its own noise moves each"):
        hh.solve(channels, 1.0, dt=0.1, method="jitcsde", rng=1)
    with pytest.raises(ValueError, match="draws noise of its own from the start of a run on"):
        hh.solve(net, 1.0, dt=0.1, method="jitcsde", rng=1, store="none.zarr")


@pytest.mark.parametrize(
    ("net", "why"),
    [
        (pair(WHITE), "without correlation"),
        (pair(hh.CurrentNoise(1.0), hh.StepCurrent(1.0, start=1.0)), "the same at all times"),
    ],
)
def test_jitcsde_says_what_it_does_not_take(net, why):
    pytest.importorskip("jitcsde")
    with pytest.raises(ValueError, match=why):
        hh.solve(net, 1.0, dt=0.01, method="jitcsde", rng=1)


@pytest.mark.parametrize(("library", "scheme"), [("jax", "diffrax"), ("torch", "torchsde")])
def test_an_own_sde_in_single_precision_is_refused(library, scheme):
    pytest.importorskip(scheme)
    xp = pytest.importorskip("jax.numpy" if library == "jax" else "torch")
    with pytest.raises(ValueError, match="one of them gave float32: make constants with"):
        hh.SDE(
            f=lambda x, t: -x,
            G=lambda x, t: xp.ones((1, 1), dtype=xp.float32),
            x0=[1.0],
            arrays=library,
        )


def test_what_torch_takes_for_nan_is_refused():
    pytest.importorskip("torch")
    made = hh.Network(1).equations().torch()
    with pytest.raises(TypeError, match="x, t and parameters must be numbers or tensors, got None"):
        made.f(made.x0, 0.0, {"g_L": None})


# -- the page --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_page_runs():
    for framework in ("diffrax", "torchsde"):
        pytest.importorskip(framework)
    page = Path(__file__).parents[1] / "docs" / "frameworks.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    space = {}
    for block in blocks:
        exec(block, space)
    assert abs(space["by_diffrax"].x - space["by_sdeint"].x).max() < 0.05

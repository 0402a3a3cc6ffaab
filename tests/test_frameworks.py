"""The same equations in arrays of JAX and PyTorch: values, derivatives, singularities."""

import numpy as np
import pytest
from shared import quick_ones

import hh_sde as hh
from hh_sde.equations.expressions import FUNCTIONS, Choice, Number, Symbol, call
from hh_sde.equations.quantities import Assignment
from hh_sde.equations.whole_arrays import Language, elementary, function, tables, text

# around the singular point, at it, where the series ends, and far out, where exponentials overflow
NEAR_0 = [0.0, 1e-300, 1e-12, 1e-8, 1e-5, 1e-3, 0.1, 0.24999, 0.25, 0.25001, 1.0, 30.0, 800.0]
U = np.array([sign * u for u in NEAR_0 for sign in (1, -1)])
x, y, u, k = (Symbol(name) for name in ("x", "y", "u", "k"))


class Numpy:
    """The same text in numpy, where no framework is installed: values alone."""

    def __init__(self):
        functions = elementary(np) | tables(np, lambda k: k.astype(int))
        self.language = Language("numpy", functions, *[None] * 7)

    def value(self, f, *values):
        with np.errstate(all="ignore"):
            return f(*map(np.asarray, values))


class Jax:
    name = "jax"

    def __init__(self):
        self.jax = pytest.importorskip("jax")
        from hh_sde.equations import jax_

        with self.jax.enable_x64(True):
            self.language = jax_.language()

    def of(self, net):
        return net.equations().jax()

    def value(self, f, *values):
        with self.jax.enable_x64(True):
            return np.asarray(self.jax.jit(f)(*map(self.jax.numpy.asarray, values)))

    def slope(self, f, at, *others):
        """The derivative of f by its first argument, which acts number by number."""
        with self.jax.enable_x64(True):
            jnp = self.jax.numpy
            return np.asarray(
                self.jax.grad(lambda x: f(x, *map(jnp.asarray, others)).sum())(jnp.asarray(at))
            )

    def jacobian(self, f, at):
        with self.jax.enable_x64(True):
            return np.asarray(self.jax.jit(self.jax.jacobian(f))(self.jax.numpy.asarray(at)))


class Torch:
    name = "torch"

    def __init__(self):
        self.torch = pytest.importorskip("torch")
        from hh_sde.equations import torch_

        self.language = torch_.language()

    def of(self, net):
        return net.equations().torch()

    def value(self, f, *values):
        return f(*map(self.torch.tensor, values)).numpy()

    def slope(self, f, at, *others):
        given = self.torch.tensor(at, requires_grad=True)
        f(given, *map(self.torch.tensor, others)).sum().backward()
        return given.grad.numpy()

    def jacobian(self, f, at):
        return self.torch.autograd.functional.jacobian(f, self.torch.tensor(at)).numpy()


@pytest.fixture(params=[Jax, Torch], ids=["jax", "torch"])
def library(request):
    return request.param()


@pytest.fixture(params=[Numpy, Jax, Torch], ids=["numpy", "jax", "torch"])
def arrays(request):
    return request.param()


@pytest.mark.parametrize("name", ["linoid", "linoid_slope"])
def test_singular_functions_have_the_values_of_numpy(arrays, name):
    # a quotient taken at 0, or where e^-u overflows, would be NaN here
    with np.errstate(over="ignore"):
        reference = FUNCTIONS[name].value(U)
    found = arrays.value(arrays.language.functions[name], U)
    assert np.max(np.abs(found - reference) / np.maximum(1e-300, np.abs(reference))) < 1e-12


def test_derivatives_pass_through_the_singularity(library):
    # a `where` over the quotient alone has NaN for its derivative at 0; cancellation shows near 0
    linoid, slope = (library.language.functions[name] for name in ("linoid", "linoid_slope"))
    with np.errstate(over="ignore"):
        reference = FUNCTIONS["linoid_slope"].value(U)
    assert np.max(np.abs(library.slope(linoid, U) - reference)) < 1e-12
    curvature = library.slope(slope, U)
    near = np.abs(U) < 0.3  # of the series 1/6 - u^2/60 + u^4/1008 - u^6/21600 + u^8/532224
    z = U[near] ** 2
    exact = 1 / 6 + z * (-1 / 60 + z * (1 / 1008 + z * (-1 / 21600 + z * (1 / 532224))))
    assert np.all(np.isfinite(curvature))
    assert np.max(np.abs(curvature[near] - exact)) < 1e-11


def test_roots_have_the_slope_0_where_there_is_no_noise(library):
    root = library.language.functions["root"]
    R = np.array([-1.0, 0.0, 4.0])
    assert np.array_equal(library.value(root, R), [0.0, 0.0, 2.0])
    assert np.array_equal(library.slope(root, R), [0.0, 0.0, 0.25])


def test_tables_are_interpolated_with_the_slope_of_their_lines(library):
    curves = np.array([0.0, 1.0, 3.0, 2.0])
    table = library.language.functions["table_value"]
    V = np.array([-60.0, -55.0, -45.0, -35.0, 20.0])  # below, in both pieces, above
    numbers = [np.array(value) for value in (-60.0, 0.1, 1.0, 3.0)]

    def f(V, curves, *numbers):
        return table(curves, V, *numbers)

    assert np.allclose(library.value(f, V, curves, *numbers), [1.0, 2.0, 2.5, 2.0, 2.0])
    slopes = library.slope(f, V, curves, *numbers)
    assert np.allclose(slopes[1:], [0.2, -0.1, 0.0, 0.0], atol=1e-15)


def test_any_ordered_assignments_become_a_function(arrays):
    # what is assigned anew counts from there on, and what no output needs is not worked out
    steps = [
        Assignment(y, x * k),
        Assignment(Symbol("unused"), call("log", x - x)),
        Assignment(y, y + call("linoid", y) / 2.0),
    ]
    choice = Choice(y, Number(2.0), y**4, -y)
    source = text("f", ["x", "k"], steps, [choice])
    assert "unused" not in source
    f = function(source, arrays.language)
    at, factor = np.array([-1.0, 0.0, 3.0]), 2.0
    made = at * factor
    with np.errstate(all="ignore"):
        made = made + FUNCTIONS["linoid"].value(made) / 2.0
    found = arrays.value(lambda x, k: f(x, k)[0], at, np.array(factor))
    assert np.allclose(found, np.where(made > 2.0, made**4, -made), rtol=1e-14)
    with pytest.raises(KeyError, match="nothing gives k"):
        text("f", ["x"], steps, [choice])


# -- networks --------------------------------------------------------------------------------------


def _pair(**options):
    synapse = hh.Synapse.sigmoidal(weights=[[0, 0.1], [0.1, 0]])
    return hh.Network(2, synapses=synapse, stimulus=10.0, **options)


NETWORKS = {
    "pair": lambda: _pair(noise=hh.CurrentNoise(1.0)),
    "gates": lambda: _pair(noise=(hh.CurrentNoise(1.0), hh.SubunitNoise(area=100.0))),
    "states": lambda: hh.Network(2, noise=hh.ConductanceNoise(area=100.0, bounds="absolute")),
    "fluctuations": lambda: hh.Network(
        2,
        noise=(
            hh.EffectiveConductanceNoise(area=100.0),
            hh.OrnsteinUhlenbeckConductance(0.035, 0.009, 2.728, E=0.0, name="g_e"),
        ),
    ),
    "gap junctions, a current in time": lambda: hh.Network(
        3,
        synapses=hh.GapJunction(0.2),
        stimulus=hh.SineCurrent([1.0, 2.0, 3.0], frequency=100.0),
        noise=hh.CurrentNoise(1.0),
    ),
    "pools": lambda: hh.Network(1, cell="prinz_abpd", noise=hh.CurrentNoise(0.5)),
    "populations": lambda: hh.Network(
        {
            "E": hh.Population(3, stimulus=7.0, noise=hh.SubunitNoise(area=50.0)),
            "I": hh.Population(2, "wang_buzsaki", noise=hh.CurrentNoise(1.0)),
        },
        synapses=[
            hh.SYNAPSES["AMPA"](0.05, source="E", target="I"),
            hh.SYNAPSES["GABA_B"](0.2, source="I", target="E"),
            hh.SYNAPSES["NMDA"](0.2, source="E", target="E"),
        ],
    ),
}


def states_of(net, many, rng=1):
    """Within what a run visits, and with V at the singularities of the rates of squid axon."""
    V = np.random.default_rng(rng).uniform(-80.0, 30.0, (many, net.n_neurons))
    V[:2] = [[-40.0], [-55.0]]
    V[2] = -40.0 + 1e-7
    return net.steady_state(V)


@pytest.mark.parametrize("name", quick_ones(NETWORKS, ("gates", "populations")))
def test_f_and_G_are_those_of_the_network(library, name):
    net = NETWORKS[name]()
    sde, made = net.sde(), library.of(net)
    x = states_of(net, 5).T
    for f, reference in ((made.f, sde.f), (made.G, sde.G), (made.correction, sde.correction)):
        if reference is None:
            continue
        expected = reference(x, 2.7)
        scale = np.max(np.abs(expected), axis=-1, keepdims=True)
        found = library.value(lambda x, f=f: f(x, 2.7), x)
        assert np.max(np.abs(found - expected) / np.maximum(1.0, scale)) < 1e-12
        alone = library.value(lambda x, f=f: f(x, 2.7), x[:, 3])
        assert np.allclose(alone, found[..., 3], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", quick_ones(NETWORKS, ("gates",)))
def test_derivatives_are_those_of_jac(library, name):
    net = NETWORKS[name]()
    sde, made = net.sde(), library.of(net)
    for x in states_of(net, 4):
        expected = sde.jac(x, 2.7)
        found = library.jacobian(lambda x: made.f(x, 2.7), x)
        assert np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))) < 1e-12


def test_numbers_of_the_model_may_be_given(library):
    net = NETWORKS["populations"]()
    changed = net.with_parts(
        {**net.parts, "I": net.parts["I"].replace(cell=hh.CELLS["wang_buzsaki"](g_Na=30.0))}
    )
    made, x = library.of(net), states_of(net, 5).T
    assert set(made.parameters) == {"E", "I"}
    found = library.value(lambda x: made.f(x, 0.0, {"I": {"gbar_Na": 30.0}}), x)
    assert np.allclose(found, changed.sde().f(x, 0.0), rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match="gbar_Na"):
        library.value(lambda x: made.f(x, 0.0, {"I": {"gbar_N": 30.0}}), x)
    with pytest.raises(ValueError, match="one for each of 2 neurons"):
        library.value(lambda x: made.f(x, 0.0, {"I": {"gbar_Na": np.ones(3)}}), x)


def test_what_has_no_f_or_is_not_whole_says_so(library):
    net = NETWORKS["populations"]()
    with pytest.raises(ValueError, match=r"net.equations\(\)"):
        getattr(net.equations("E"), library.name)()
    late = _pair().replace(synapses=hh.Synapse.sigmoidal(weights=0.1, delay=1.0))
    with pytest.raises(ValueError, match="delays"):
        getattr(late.equations(), library.name)()


def test_single_precision_is_refused_with_the_way_out():
    jax = pytest.importorskip("jax")
    f = NETWORKS["pair"]().equations().jax().f
    before = jax.config.jax_enable_x64
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        f(np.zeros(10), 0.0)
    with jax.enable_x64(True), pytest.raises(ValueError, match="float64"):
        f(np.zeros(10, np.float32), 0.0)
    assert jax.config.jax_enable_x64 == before
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"x.double\(\)"):
        NETWORKS["pair"]().equations().torch().f(torch.zeros(10), 0.0)

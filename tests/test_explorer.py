"""The explorer's scripts, run by node: the same numbers as in Python."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from shared import quick_ones
from test_cli import call

import hh_sde as hh
from hh_sde import config as hh_config
from hh_sde.equations.evaluated import Evaluated, sums_over_neurons
from hh_sde.explorer.page import script_of, script_of_runs

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

PAIR = hh.Network(2, stimulus=10.0, synapses=hh.Synapse.sigmoidal(weights=0.1))
NOISES = {
    "none": ((), {}),
    "white": (hh.CurrentNoise(2.0), {"sigma": 2.0}),
    "correlated": (hh.CurrentNoise(2.0, correlation=0.5), {"sigma": 2.0, "correlation": 0.5}),
    "coloured": (hh.OrnsteinUhlenbeckCurrent(1.0, 2.0, 3.0), {"mean": 1.0, "sd": 2.0, "tau": 3.0}),
    "gates": (hh.SubunitNoise(area=90.0), {"area": 90.0}),
    "states": (hh.ConductanceNoise(area=90.0), {"area": 90.0}),
}
KIND = {
    "none": "none", "white": "current", "correlated": "current",
    "coloured": "ornstein_uhlenbeck_current", "gates": "subunit", "states": "conductance",
}  # fmt: skip
METHODS = ("euler_maruyama", "tamed_euler", "exponential_euler", "heun", "lie_trotter")


def node(script, expression):
    """The value of an expression after a script."""
    code = f"{script}\nconst value = {expression};\n" + (
        "const plain = (_, v) => ArrayBuffer.isView(v) ? Array.from(v) : v;\n"
        "console.log(JSON.stringify(value, plain));"
    )
    run = subprocess.run(["node", "-"], input=code, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def runs(net, *changes):
    """What `run` of a page gives for some changes of what the page begins with."""
    return node(script_of_runs(net), f"{json.dumps(changes)}.map((one) => run(one))")


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**53 - 1])
def test_normals_are_those_of_a_path(seed):
    first = 2**34  # beyond 32 bits of blocks
    call = """[0, BLOCK].map((block) => {
        const out = new Float64Array(12);
        normals(keyOf(SEED), block, 3, 7, 1, out);
        return out;
    })""".replace("BLOCK", str(first)).replace("SEED", str(seed))
    path = hh.BrownianPath(seed, m=3, dt=1.0, trial=7)
    expected = [path.increments(4 * block, 4 * block + 4).ravel() for block in (0, first)]
    np.testing.assert_allclose(node(script_of(PAIR), call), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", quick_ones(METHODS, ("euler_maruyama", "heun", "lie_trotter")))
@pytest.mark.parametrize("noise", quick_ones(list(NOISES), ("none", "white", "correlated")))
def test_potentials_are_those_of_solve(method, noise):
    made, numbers = NOISES[noise]
    changes = {"method": method, "noise": KIND[noise], "t_end": 20.0, "rng": 5, **numbers}
    (found,) = runs(PAIR, changes)
    given = {"rng": 5} if made else {}
    ds = hh.solve(PAIR.replace(noise=made), 20.0, dt=0.01, method=method, **given)
    np.testing.assert_allclose(np.transpose(found["V"]), ds.V, rtol=0, atol=1e-7)
    spikes = sorted(ds.hh.spikes().spike_time.values)
    assert len(spikes) >= 3
    np.testing.assert_allclose(sorted(s["time"] for s in found["spikes"]), spikes, atol=1e-9)


def test_trials_and_changed_numbers_are_those_of_solve():
    cell = PAIR.cell.replace(g_Na=110.0, E_L=-55.0, C=1.2, V0=-62.0)
    noise = hh.CurrentNoise(2.0, correlation=0.4)
    net = hh.Network(3, cell, hh.Synapse.sigmoidal(0.05), stimulus=8.0, noise=noise)
    changes = {
        "g_Na": 110.0, "E_L": -55.0, "C": 1.2, "V0": -62.0, "n_neurons": 3, "weights": 0.05,
        "stimulus": 8.0, "noise": "current", "sigma": 2.0, "correlation": 0.4, "t_end": 10.0,
        "dt": 0.02, "trials": 3,
        "rng": 2**40, "record": ["V", "s"],
    }  # fmt: skip
    (found,) = runs(PAIR, changes)
    ds = hh.solve(net, 10.0, dt=0.02, rng=2**40, trials=3)
    for name in ("V", "s"):
        expected = ds[name].transpose("trial", "neuron", "time")
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("rule", [hh.SpikeRule(-60.0, -64.0), hh.SpikeRule(-60.0, -60.0, 3.0)])
def test_spikes_are_those_of_the_rule(rule):
    """A level that noise crosses again and again."""
    net = hh.Network(2, noise=hh.CurrentNoise(5.0))
    script = script_of_runs(net, 50.0, 0.01, "euler_maruyama", 1, 1, rule)
    found = [one["time"] for one in node(script, "run().spikes")]
    crossings = hh.solve(net, 50.0, rng=1).hh.spikes(hh.SpikeRule(-60.0, None)).spike_time
    expected = hh.solve(net, 50.0, rng=1).hh.spikes(rule).spike_time
    assert 5 < len(expected) < len(crossings)
    np.testing.assert_allclose(sorted(found), sorted(expected.values), atol=1e-8)


CASES = [(name, "sigmoidal") for name in hh.CELLS] + [
    ("hodgkin_huxley", name) for name in hh.SYNAPSES if name != "sigmoidal"
]


QUICK = [
    ("hodgkin_huxley", "sigmoidal"),
    ("morris_lecar", "sigmoidal"),
    ("connor_stevens", "sigmoidal"),
    ("prinz_abpd", "sigmoidal"),
    ("hodgkin_huxley", "NMDA"),
    ("hodgkin_huxley", "GABA_B"),
    ("hodgkin_huxley", "exponential"),
]


@pytest.mark.parametrize(("cell", "synapse"), quick_ones(CASES, QUICK))
def test_equations_are_those_of_the_tables(cell, synapse):
    """Rest and drift against the expressions' values, of every cell and synapse that is taken."""
    event = {"exponential": {"tau": 5.0}, "biexponential": {"tau_rise": 1.0, "tau_decay": 5.0}}
    made = hh.SYNAPSES[synapse](weights=0.1, **event.get(synapse, {}))
    if cell == "traub_ca3":  # whose gate has the name s
        made = ()
    net = hh.Network(3, cell=cell, synapses=made, stimulus=2.0)
    if hh.CELLS[cell].pools or not isinstance(made, hh.Synapse | tuple):
        with pytest.raises(ValueError, match="cannot be shown in a page: it"):
            script_of(net)
        return
    call = """(() => {
        const run = new Run(setup(defaults()), 0), rest = run.x.slice();
        for (let i = 0; i < run.x.length; i++) run.x[i] *= 1 + 0.1 * Math.sin(i);
        const dx = new Float64Array(run.x.length);
        run.f(run.x, dx);
        return [rest, run.x, dx];
    })()"""
    rest, x, dx = (np.reshape(one, (-1, 3)) for one in node(script_of(net), call))
    (equations,) = net._made.equations
    rows = len(equations.variables)
    np.testing.assert_allclose(rest[:rows].ravel(), net.steady_state(), rtol=1e-12)
    state = {v.name: row for v, row in zip(equations.variables, x, strict=False)}
    at = Evaluated(equations, state, 2.0)
    for k, symbol in enumerate(equations.outputs):
        x[rows + k] = at[symbol.name]
    at = Evaluated(equations, state, 2.0, sums_over_neurons(net._made.tables.wiring, x))
    expected = [np.broadcast_to(at[f.name], 3) for f in equations.drift]
    np.testing.assert_allclose(dx[:rows], expected, rtol=1e-9, atol=1e-12)


def test_a_tabulated_rate_and_names_of_javascript():
    table = hh.Tabulated.sample(
        lambda V: 1 / (1 + np.exp(-(V + 40) / 9)), start=-100.0, stop=50.0, step=0.5
    )
    gate = hh.Gate("var", 2, alpha=table, beta=hh.Constant(0.3))
    cell = hh.Cell("own", (hh.Channel("new", 1.0, -80.0, (gate,)), hh.Channel("L", 0.3, -50.0)))
    net = hh.Network(1, cell=cell, stimulus=3.0)
    (found,) = runs(net, {"t_end": 20.0, "method": "lie_trotter", "record": ["V", "var"]})
    ds = hh.solve(net, 20.0, dt=0.01, method="lie_trotter")
    np.testing.assert_allclose(found["V"][0], ds.V[:, 0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found["var"][0], ds["var"][:, 0], rtol=0, atol=1e-12)


def test_weights_that_differ_stay_and_are_scaled():
    weights = np.array([[0.0, 0.1, 0.0], [0.3, 0.0, 0.2], [0.0, 0.0, 0.0]])
    net = hh.Network(3, stimulus=10.0, synapses=hh.SYNAPSES["AMPA"](weights))
    (found,) = runs(net, {"t_end": 10.0, "weights": 0.5})
    other = net.replace(synapses=hh.SYNAPSES["AMPA"](0.5 * weights))
    ds = hh.solve(other, 10.0, dt=0.01)
    np.testing.assert_allclose(np.transpose(found["V"]), ds.V, rtol=0, atol=1e-7)


def test_too_large_a_step_diverges_where_solve_does():
    with pytest.raises(hh.DivergenceError) as caught:
        hh.solve(PAIR, 200.0, dt=0.1)
    euler, splitting = runs(PAIR, {"dt": 0.1}, {"dt": 0.1, "method": "lie_trotter"})
    assert abs(euler["diverged"]["time"] - caught.value.time) <= 0.2  # seen in V, a step later
    assert splitting["diverged"] is None
    assert len(splitting["spikes"]) > 20
    left = euler["diverged"]["left"]
    crossings = caught.value.dataset.hh.spikes().spike_time.values
    assert 0 < np.count_nonzero(crossings <= left) < len(crossings)
    found = sorted(one["time"] for one in euler["spikes"])
    np.testing.assert_allclose(found, sorted(crossings[crossings <= left]), atol=1e-9)


@pytest.mark.parametrize("method", ["euler_maruyama", "exponential_euler", "heun"])
def test_a_blow_up_holds_no_spikes(method):
    """Each neuron fires once before; V to and fro beyond all bounds is no train."""
    (found,) = runs(PAIR, {"dt": 0.1, "method": method})
    V = np.array(found["V"], dtype=float)
    (beyond,) = np.nonzero(np.any((V < -165.0) | (V > 135.0), axis=0))
    assert found["diverged"]["left"] == pytest.approx(0.1 * (beyond[0] - 1))
    assert all(one["time"] <= found["diverged"]["left"] for one in found["spikes"])
    if method != "exponential_euler":  # whose gates stay in [0, 1], so that V swings for longer
        assert sorted(one["neuron"] for one in found["spikes"]) == [0, 1]


def test_a_trial_that_blows_up_leaves_the_others_their_spikes():
    net = hh.Network(1, stimulus=10.0, noise=hh.CurrentNoise(1.0))
    changes = {"dt": 0.075, "t_end": 45.0, "trials": 8, "rng": 1}
    (found,) = runs(net, changes)
    gone = [trial for trial, V in enumerate(found["V"]) if None in V[0]]
    assert 0 < len(gone) < 8
    for trial in set(range(8)) - set(gone):
        ds = hh.solve(net, 45.0, dt=0.075, rng=1, trials=[trial])
        times = [one["time"] for one in found["spikes"] if one["trial"] == trial]
        np.testing.assert_allclose(times, ds.hh.spikes().spike_time, atol=1e-7)


def test_texts_are_numbers_in_decimals():
    taken = {"1e-9": 1e-9, "1E3": 1e3, ".5": 0.5, "5.": 5.0, "+2": 2.0, " -7 ": -7.0}
    taken["\N{MINUS SIGN}7"] = -7.0
    refused = ["", "-", ".", "e3", "1,5", "nan", "Infinity", "0x10", "0b1", "1_0", "1 0", "1e"]
    found = node(script_of(PAIR), f"{json.dumps([*taken, *refused])}.map(number)")
    assert found == [*taken.values(), *[None] * len(refused)]


@pytest.mark.parametrize(
    ("net", "what"),
    [
        (hh.Network({"E": hh.Population(2)}), "populations"),
        (hh.Network(2, stimulus=[1.0, 2.0]), "stimulus differs"),
        (hh.Network(1, stimulus=hh.StepCurrent(1.0, start=5.0)), "changes in time"),
        (hh.Network(1, noise=hh.SubunitNoise(area=9.0, bounds="clip")), "SubunitNoise"),
        (hh.Network(1, noise=hh.ConductanceNoise(numbers={"Na": 600})), "ConductanceNoise"),
        (hh.Network(1, noise=hh.ShieldedNoise(area=100.0)), "ShieldedNoise"),
        (hh.Network(1, noise=[hh.CurrentNoise(1.0), hh.CurrentNoise(2.0)]), "its noise is"),
        (hh.Network(2, noise=hh.CurrentNoise([1.0, 2.0])), "its noise is"),
        (hh.Network(2, synapses=hh.SYNAPSES["AMPA"](0.1, delay=1.0)), "delay"),
        (hh.Network(2, synapses=hh.GapJunction(0.1)), "GapJunction"),
        (hh.Network(2, cell=hh.CELLS["hodgkin_huxley"](g_Na=[100.0, 120.0])), "g_Na differs"),
    ],
)
def test_what_cannot_be_shown_is_refused(net, what):
    with pytest.raises(ValueError, match=f"cannot be shown in a page: .*{what}.*; a page takes"):
        script_of(net)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "sri2"}, "method of a page 'sri2'"),
        ({"rng": 2**53}, "rng must be"),
        ({"trials": 0}, "trials must be"),
        ({"dt": 0.0}, "dt"),
        ({"dt": 0.03}, "t_end = 200.0 ms must be a multiple of dt"),
        ({"spike_rule": hh.SpikeRule(rearm=None)}, "rearm"),
        ({"t_end": 1e6}, r"t_end of a page must be not above 100000 ms, got 1e\+06"),
        ({"t_end": 100.0, "dt": 20.0}, "dt of a page must be not above 10 ms, got 20"),
        ({"t_end": 1e5, "dt": 1e-4}, "2e\\+09 steps of all neurons and trials are too many"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        script_of(PAIR, **arguments)


def test_a_network_with_numbers_out_of_a_pages_range_is_refused():
    net = hh.Network(1, noise=hh.ConductanceNoise(area=1e7))
    with pytest.raises(ValueError, match="area of a page must be not above 1e"):
        script_of(net)


def test_a_page_does_not_take_the_place_of_another_kind_of_file(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("mine")
    with pytest.raises(ValueError, match=r"a page has the ending \.html, .* got .*model\.py"):
        hh.explore(PAIR, path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (None, TypeError, r"file that ends in \.html, as \"page\.html\", got None"),
        (3, TypeError, r"file that ends in \.html, .* got 3"),
        (b"page.html", TypeError, "got b'page.html'"),
        ("", ValueError, r"a page has the ending \.html, as \"page\.html\", got ''"),
        ("page", ValueError, "got 'page'"),
        (".", ValueError, r"'\.' is a folder: name a file in it, as 'page\.html'"),
        ("made.html", ValueError, r"'made\.html' is a folder: .* as 'made\.html/page\.html'"),
        ("none/page.html", FileNotFoundError, r"no folder 'none' to write page\.html into: make"),
        ("file/page.html", FileNotFoundError, "no folder 'file'"),
    ],
)
def test_what_is_no_name_of_a_page_is_refused(path, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made.html").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(error, match=message):
        hh.explore(PAIR, path)


def test_bad_values_are_told_with_what_is_accepted():
    script = script_of_runs(PAIR)
    bad = {
        "dt": -1.0, "n_neurons": 2.5, "method": "rk4", "noise": "current", "correlation": 2.0,
        "g_Na": None, "depth": 1.0,
    }  # fmt: skip
    faults = node(script, f"faultsOf({{...defaults(), ...{json.dumps(bad)}}})")
    assert faults.keys() == bad.keys() - {"noise"}
    assert faults["correlation"] == "accepted: a number from 0 to 1"
    found = node(script, "faultsOf({...defaults(), dt: 0.03})")
    assert found == {"t_end": "accepted: a multiple of dt = 0.03 ms, as 199.98 or 200.01 ms"}
    found = node(script, "[11, 1e-9].map((dt) => faultsOf({...defaults(), dt}))")
    assert found[0] == {"dt": "accepted: a number above 0, up to 10"}
    assert found[1].keys() == {"t_end"}
    assert found[1]["t_end"].startswith("4.0e+11 steps of all neurons and trials are too much")
    found = node(script, "faultsOf({...defaults(), n_neurons: NaN, stimulus: NaN, g_Na: NaN})")
    assert found == {
        "n_neurons": "accepted: a whole number from 1 to 100", "stimulus": "accepted: a number",
        "g_Na": "accepted: a number not below 0",
    }  # fmt: skip
    found = node(script, "faultsOf({...defaults(), toString: 4})")
    assert found.keys() == {"toString"}


# -- the page, and what it says of itself ----------------------------------------------------------

OTHERS = {
    "the pair": (PAIR, {}),
    "numbers": (PAIR, {"g_Na": 110.5, "V0": -62.0, "noise": "current", "sigma": 2.0,
                       "correlation": 0.3, "trials": 2, "rng": 7, "dt": 0.02}),
    "coloured": (
        hh.Network(
            3, "wang_buzsaki", hh.SYNAPSES["GABA_A"](0.1, E=-75.0), stimulus=1.0,
            noise=hh.OrnsteinUhlenbeckCurrent(0.5, 1.0, 3.0, name="eta_2"),
        ),
        {"method": "lie_trotter", "sd": 2.0},
    ),
    "a matrix": (
        hh.Network(2, synapses=hh.SYNAPSES["AMPA"]([[0.0, 0.1], [0.3, 0.0]]), stimulus=10.0),
        {"weights": 0.3, "method": "heun"},
    ),
    "two synapses": (
        hh.Network(
            2, stimulus=9.0, synapses=[hh.SYNAPSES["AMPA"](0.1), hh.SYNAPSES["GABA_A"](0.2)]
        ),
        {"weights_GABA_A": 0.25},
    ),
    "channels": (
        hh.Network(2, stimulus=10.0, noise=hh.ConductanceNoise(area=50.0)),
        {"area": 70.53, "g_Na": 100.0, "method": "lie_trotter", "trials": 2},
    ),
    "at 10 degrees": (
        hh.Network(1, cell=hh.CELLS["hodgkin_huxley"](temperature=10.0), stimulus=12.0),
        {"t_end": 40.0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", quick_ones(list(OTHERS), ("numbers", "channels")))
def test_the_lines_of_python_and_toml_give_what_is_shown(case, tmp_path):
    net, changes = OTHERS[case]
    changes = {"t_end": 10.0, **changes}
    script = script_of_runs(net)
    python, toml, V = node(
        script,
        f"""((changes) => {{
            const settings = {{...defaults(), ...changes}};
            return [pythonOf(settings), tomlOf(settings), run(changes).V];
        }})({json.dumps(changes)})""",
    )
    lines = {}
    exec(python.replace("ds.hh.plot()\n", ""), lines)
    path = tmp_path / "net.toml"
    path.write_text(toml, encoding="utf-8")
    config = hh_config.load(path)
    assert config.network == lines["net"]
    for ds in (lines["ds"], hh.solve(config.network, **config.arguments)):
        expected = ds.V.transpose(..., "neuron", "time")
        np.testing.assert_allclose(V, expected, rtol=0, atol=1e-7)


def test_a_cell_of_ones_own_is_said_as_changes_of_the_network():
    cell = hh.Cell("mine", (hh.Channel("L", g=0.3, E=-50.0),))
    net = hh.Network(2, cell=cell, stimulus=3.0, noise=hh.CurrentNoise(1.0))
    python, V = node(
        script_of_runs(net, 10.0),
        "[pythonOf({...defaults(), g_L: 0.5}), run({g_L: 0.5}).V]",
    )
    lines = {"net": net}
    exec(python.replace("ds.hh.plot()\n", ""), lines)
    np.testing.assert_allclose(V, lines["ds"].V.T, rtol=0, atol=1e-9)


def test_the_page_is_one_small_file(tmp_path):
    path = hh.explore(PAIR.replace(noise=hh.ConductanceNoise(100.0)), tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 400_000
    assert "{{" not in text.replace("${{", "")
    assert "Copyright (c) 2022 Leon Sorokin" in text
    links = set(re.findall(r"""(?:src|href)\s*=\s*["']([^"'$]+)""", text))
    assert links == {"data:,"}
    assert "connect-src" not in text
    assert "default-src 'none'" in text


def test_the_command(tmp_path):
    assert call(tmp_path, "init", "net.toml").exit_code == 0
    done = call(tmp_path, "explore", "net.toml", "--no-open")
    assert done.exit_code == 0, done.output
    assert "written: net.html" in done.output
    text = (tmp_path / "net.html").read_text(encoding="utf-8")
    assert '"name": "rng", "group": "run", "label": "seed", "value": 1' in text
    cases = {
        ("--set", "run.method=strang"): "no method 'strang'; it has euler_maruyama, tamed_euler, "
        "exponential_euler, heun, lie_trotter: --set run.method=lie_trotter takes one",
        ("--set", "run.stop=first spike"): "a page cannot do run.stop",
        ("--set", "network.noise.correlation=-0.5"): "its noise is CurrentNoise",
        ("--out", "page.txt"): "ending .html",
    }
    for arguments, message in cases.items():
        done = call(tmp_path, "explore", "net.toml", "--no-open", *arguments)
        assert done.exit_code == 2
        assert message in " ".join(done.output.split())

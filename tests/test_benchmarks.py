"""What benchmarks need is seen before they measure; what they count and judge is right."""

import ast
import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest

import hh_sde as hh
from hh_sde.equations.expressions import Symbol, call

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """Loads a script of that name."""
    if not FOLDER.exists():
        pytest.skip("the tests run outside the repository")
    monkeypatch.syspath_prepend(FOLDER)

    def load(name):
        spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_what_is_missing_is_said_before_anything_is_measured(script, monkeypatch, capsys, tmp_path):
    peers = script("peers")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert [one.split()[0] for one in peers.missing(["engine"])] == ["matplotlib"]
    assert peers.missing(["C, gcc -Ofast, libmvec"])[1:] == ["gcc"]
    monkeypatch.setattr(peers, "environment", lambda *_: pytest.fail("it began"))
    monkeypatch.setattr("sys.argv", ["peers.py", "--only", "engine", "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        peers.main()
    assert "nothing was measured" in capsys.readouterr().err


def test_peers_in_float32_stand_beside_the_engine_in_float32(script):
    laps = {"engine": 8.0, "JAX scan": 32.0, "engine, float32": 4.0, "JAX scan, float32": 20.0}
    table = script("peers").markdown({"case": {name: {"ns": ns} for name, ns in laps.items()}})
    assert "| JAX scan | 32 ns (4.00) |" in table
    assert "| JAX scan, float32 | 20 ns (5.00) |" in table
    assert "by float32 over float64: 2.00 (case)" in table


def test_operations_of_code_and_of_expressions_are_counted(script):
    limit = script("limit")
    code = "fmuladd(a, b, c) * (x - 1.0) / math.sqrt(y) + from_bits((bits_of(x) + 1023) << 52)"
    counted = {"fused": 1, "multiplications": 1, "additions": 2, "divisions": 2}
    assert limit.of_code(ast.parse(code)) == counted
    assert not limit.of_code(ast.parse("2.0 * math.pi + LOG2_E / 3.0"))  # worked out once
    x, y = Symbol("x"), Symbol("y")
    exponential = limit.of_function("exp")
    assert exponential["fused"] >= 12  # its polynomial has degree 12 or more
    assert limit.of_expression(x**4 * y - call("exp", y) / x) == exponential + limit.Counts(
        multiplications=3, additions=1, divisions=1
    )


def test_the_longest_of_three_times_is_the_limit(script):
    limit = script("limit")
    peak = {"fma": 2.0, "all": 3.0, "division": 0.5}
    assert limit.limit(limit.Counts(fused=8, multiplications=2), peak) == 5.0
    assert limit.limit(limit.Counts(fused=2, additions=10), peak) == 4.0
    assert limit.limit(limit.Counts(fused=2, divisions=3), peak) == 6.0


def test_calls_of_f_are_counted_those_for_differences_too(script):
    jacobian = script("jacobian")
    sde = jacobian.networks()["one cell"].sde()
    differences, exact = (jacobian.run(sde, "Radau", 5.0, jac=jac) for jac in (False, True))
    assert differences["f"] - exact["f"] >= sde.d * differences["jacobians"] > 0
    row = {"model": "a", "d": 4, "solver": "scipy.Radau"}
    row |= {"without": {"steps": 9, "f": 1000, "jacobians": 5, "s": 0.2}}
    row |= {"with": {"steps": 9, "f": 250, "jacobians": 5, "s": 0.1}}
    line = "| a | 4 | scipy.Radau | 9 → 9 | 1,000 → 250 | 0.25 | 5 → 5 | 200 → 100 ms | 0.50 |"
    assert line in jacobian.markdown([row], 5.0)


def test_the_engine_is_held_to_what_is_asked(script, tmp_path):
    engine = script("engine")
    (tmp_path / "hh_sde").mkdir()
    before, now = engine.Tree(tmp_path, tmp_path), engine.Tree(tmp_path, tmp_path)
    before.values["neurons"], now.values["neurons"] = {"a": 10.0, "b": 4.0}, {"a": 5.0}

    def asked(*arguments, **options):
        row = engine.Row("neurons", "label", "ns", engine.of("a"), *arguments, **options)
        return engine.line(row, before, now)["asked"]

    assert asked(0.5) == "ratio ≤ 0.5, met"
    assert asked(0.49) == "ratio ≤ 0.49, missed"
    assert asked(5.0, "now") == "now ≤ 5, met"
    assert asked(5.1, "now", least=True) == "now ≥ 5.1, missed"
    assert asked(1.0, base=engine.of("b")) == "ratio ≤ 1, missed"
    assert asked() == "-"
    missing = engine.Row("neurons", "label", "ns", engine.of("b"), 0.5)
    assert engine.line(missing, before, now)["asked"] == "ratio ≤ 0.5"


def test_every_cell_is_compared_with_another_simulator(script):
    validation = script("validation/cells")
    assert {name.partition(",")[0] for name in validation.CASES} == set(hh.CELLS)
    texts = (validation.HERE / "brian2_.py").read_text(encoding="utf-8")
    assert all(f'"{name}": ' in texts for name in validation.CASES)
    first, second = np.array([1.0, 2.0]), np.array([1.0, 2.004])
    assert validation.difference(first, second) == "0.004"
    assert validation.difference(first, second[:1]) == "2 and 1 spikes"
    case = validation.CASES["prinz_abpd"]
    asked = validation.asked("prinz_abpd", case)
    assert list(asked["state"]) == list(case.network.variables)
    assert asked["temperature"] == 10.0


def test_cobahh_measures_what_it_says(script, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    cobahh = script("cobahh")
    regular = np.arange(0.0, 1000.0, 20.0)  # an excitatory neuron
    bursts = np.sort(np.concatenate([regular, regular + 5.0]))  # an inhibitory one
    run = cobahh.Run(
        np.concatenate([bursts, regular]),
        np.concatenate([np.full(bursts.size, cobahh.N_E), np.zeros(regular.size, dtype=int)]),
        1.0,
    )
    found = cobahh.measured(run)
    assert found["rate of E (Hz)"] == pytest.approx(50.0 / cobahh.N_E)
    assert found["rate of I (Hz)"] == pytest.approx(100.0 / cobahh.N_I)
    regularity, irregularity = cobahh.variation(run)
    assert regularity == pytest.approx(0.0, abs=1e-12)
    lengths = np.diff(bursts[bursts >= cobahh.START])
    assert irregularity == pytest.approx(lengths.std(ddof=1) / lengths.mean())
    assert cobahh.counts(run).sum() == 45 + 90
    assert cobahh.variation(run, least=50).size == 1
    assert cobahh.inside(np.array([1.0, 3.0]), np.array([1.9, 2.1]))
    assert not cobahh.inside(np.array([1.0, 3.0]), np.array([2.1, 2.4]))


def test_cobahh_is_the_published_network(script, monkeypatch):
    cobahh = script("cobahh")
    for name, n in (("N_E", 320), ("N_I", 80)):
        monkeypatch.setattr(cobahh, name, n)
    net = cobahh.network(1)
    inputs = net.connectivity()
    per_neuron = inputs.sizes["edge"] / 400  # 2 % of all, none from itself
    assert per_neuron == pytest.approx(0.02 * 399, rel=0.05)
    weights = {
        name: set(inputs.weight.values[inputs.synapse.values == name].round(6)) for name in "ei"
    }
    assert weights == {"e": {0.03}, "i": {0.335}}  # 6 and 67 nS on 20,000 um^2
    assert not np.array_equal(cobahh.network(2).connectivity().source, inputs.source)


def test_the_table_of_validation_has_what_other_scripts_last_wrote(script):
    table = script("validation/table")
    docs = FOLDER.parent / "docs"
    lines = (docs / "validation_table.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "| " + " | ".join(table.HEADER) + " |"
    rows = [table.Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines[2:]]
    of_others = [row for row in rows if row.script != f"`{table.HERE}`"]
    expected = [row._replace(script=f"`{row.script}`") for row in table.by_other_scripts(docs)]
    assert of_others == expected, "python benchmarks/validation/table.py --out docs"
    assert {row.source.split()[0] for row in of_others} == {"Brian2", "NEURON", "Pu"}

"""The command hh-sde in a folder of its own; through its entry point where a process matters."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import hh_sde as hh
from hh_sde.assignments import assign
from hh_sde.cli import app
from hh_sde.config import ConfigError, load, load_study, parse

COMMAND = Path(sys.executable).with_name("hh-sde")
EXAMPLES = Path(__file__).parents[1] / "examples"


#: What decides how wide lines are, and that there are no colours.
TERMINAL = {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}


def process(folder, *arguments):
    """The command in a process of its own, through its entry point."""
    return subprocess.run(
        [str(COMMAND), *map(str, arguments)],
        cwd=folder,
        env=os.environ | TERMINAL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def call(folder, *arguments, columns=80):
    """The command in a folder, in this process."""
    with contextlib.chdir(folder):
        environment = TERMINAL | {"COLUMNS": str(columns)}
        words = [*map(str, arguments)]
        return CliRunner().invoke(app, words, env=environment, terminal_width=columns)


def short(folder, **run):
    """A configuration made by init, its run shortened."""
    assert call(folder, "init", "net.toml").exit_code == 0
    path = folder / "net.toml"
    text = path.read_text().replace("t_end = 200.0", f"t_end = {run.pop('t_end', 20.0)}")
    for key, value in run.items():
        text = text.replace("[run]\n", f"[run]\n{key} = {value}\n")
    path.write_text(text)
    return path


def test_init_run_info_plot(tmp_path):
    path = short(tmp_path)
    run = process(tmp_path, "run", path, "--out", "run.nc", "--plot", "run.png")
    assert run.returncode == 0, run.stderr
    assert "written: run.nc" in run.stdout
    assert "firing rate: mean" in run.stdout
    ds = xr.load_dataset(tmp_path / "run.nc")
    net = hh.Network.from_dataset(ds)
    assert np.array_equal(hh.solve(net, 20.0, rng=1).V, ds.V)
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    info = call(tmp_path, "info", "run.nc")
    assert info.exit_code == 0
    assert "method = euler_maruyama" in info.stdout
    assert call(tmp_path, "plot", "run.nc", "--out", "again.png").exit_code == 0
    assert (tmp_path / "again.png").exists()


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.toml")), ids=lambda p: p.stem)
def test_examples_run(example, tmp_path):
    text = example.read_text()
    quick = tmp_path / "quick.toml"
    quick.write_text(text.replace("1000 ms", "20 ms").replace("200 ms", "20 ms"))
    run = call(tmp_path, "run", quick, "--quiet")
    assert (run.exit_code, run.stdout, run.stderr) == (0, "", "")


def test_recording_spikes_alone(tmp_path):
    path = short(tmp_path, record='["spikes"]')
    path.write_text(path.read_text().replace("threshold = 0.0", "threshold = -10.0"))
    run = call(tmp_path, "run", path, "--out", "spikes.nc", "--plot", "raster.png")
    assert run.exit_code == 0, run.stderr
    assert "spikes; 0 to 20 ms" in run.stdout
    assert xr.load_dataset(tmp_path / "spikes.nc").attrs["spike_threshold"] == -10.0
    assert "firing rate" in call(tmp_path, "info", "spikes.nc").stdout
    assert call(tmp_path, "plot", "spikes.nc").exit_code == 0


def test_initial_values_and_stops_of_trials(tmp_path):
    path = tmp_path / "latency.toml"
    path.write_text("""
[network]
n_neurons = 2
stimulus = 10.0

[run]
t_end = 60.0
trials = 4
rng = 1
stop = "first spike"

[run.x0]
V = {kind = "normal", mean = "-65 mV", sd = 5.0}
n = [0.3, 0.4]

[spikes]
threshold = -10.0
""")
    run = call(tmp_path, "run", path, "--out", "run.nc", columns=200)
    assert (run.exit_code, run.stderr) == (0, "")
    assert "stop: the first spike: in 4 of 4 trials, mean" in run.stdout
    ds = xr.load_dataset(tmp_path / "run.nc").hh.validate()
    x0 = {"V": hh.Normal(-65.0, 5.0), "n": [0.3, 0.4]}
    rule = hh.SpikeRule(threshold=-10.0)
    net = hh.Network(2, stimulus=10.0)
    same = hh.solve(net, 60.0, rng=1, trials=4, x0=x0, stop="first spike", spike_rule=rule)
    assert ds.identical(same)
    level = '{variable = "V", level = "-20 mV"}'
    arguments = load(path, [f"run.stop={level}"]).arguments
    assert arguments["stop"] == hh.Threshold("V", -20.0)
    never = in_process("run", path, "--set", "run.stop.variable=V")
    assert never.exit_code == 2
    run = in_process("run", path, "--set", 'run.stop={variable = "V", level = 99.0}')
    assert "stop: V rises to 99 mV: in none of 4 trials" in run.stdout


def test_what_run_x0_and_run_stop_take(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text("""
[network]
n_neurons = 1
[run]
t_end = 1.0
stop = "second spike"
x0 = {V = {kind = "normla", mean = 1.0}}
""")
    with pytest.raises(ConfigError) as faults:
        load(path)
    assert re.search(r"run.x0: V: kind 'normla' .*accepted: normal, uniform", str(faults.value))
    assert re.search(
        r"run.stop: 'second spike' .*\(accepted: \"first spike\", or", str(faults.value)
    )
    with pytest.raises(ConfigError, match=r"run\.x0: accepted: a table of variables"):
        load(path, ["run.x0=3"])


def test_init_does_not_overwrite(tmp_path):
    call(tmp_path, "init")
    again = call(tmp_path, "init")
    assert again.exit_code == 2
    assert "hh_sde.toml exists; give another name, or --force" in again.stderr
    assert call(tmp_path, "init", "--force").exit_code == 0


def test_a_failed_run_writes_what_it_has_and_exits_1(tmp_path):
    path = short(tmp_path)
    path.write_text(path.read_text().replace("dt = 0.01", "dt = 0.2"))
    run = call(tmp_path, "run", path, "--out", "part.nc")
    assert run.exit_code == 1
    assert "became NaN or infinite" in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stderr.endswith("; what was computed is in part.nc\n")
    assert xr.load_dataset(tmp_path / "part.nc").sizes["time"] > 1
    without = call(tmp_path, "run", path)
    assert without.exit_code == 1
    assert without.stderr.endswith("; what was computed was not kept (--out)\n")


def test_a_failed_study_says_that_nothing_was_written(tmp_path):
    path = short(tmp_path)
    text = "\n[study]\ncurrents = [8.0]\nt_end = 20.0\ndiscard = 0.0\ndt = 0.2\nmethod = "
    path.write_text(path.read_text() + text + "'euler_maruyama'\n")
    run = call(tmp_path, "study", "rate_curve", path, "--out", "study.nc")
    assert run.exit_code == 1
    assert "became NaN or infinite" in run.stderr
    assert "this error's attribute" not in run.stderr
    assert run.stderr.endswith("; a study has no result before its end, so nothing was written\n")
    assert not (tmp_path / "study.nc").exists()


#: The command line, which sends itself Ctrl-C when a run is under way: `{0}` is what it is given.
CTRL_C = """
import os, signal, sys, threading
from hh_sde import cli, runs
signal.signal(signal.SIGINT, signal.default_int_handler)
begin = runs._iterate
def iterate(method, problem):
    for k, states in enumerate(begin(method, problem)):
        if k == 1:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        yield states
runs._iterate = iterate
sys.argv = ["hh-sde", *{0!r}]
cli.main()
"""


def interrupted(folder, *arguments):
    code = CTRL_C.format(list(map(str, arguments)))
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=100
    )


def test_ctrl_c_writes_what_there_is_and_exits_130(tmp_path):
    path = short(tmp_path, t_end=1e6, save_dt=1000.0, record='["V", "spikes"]')
    run = interrupted(tmp_path, "run", path, "--out", "part.nc")
    assert run.returncode == 130, run.stderr
    assert "hh-sde: interrupted after" in run.stderr
    assert "Traceback" not in run.stderr
    ds = xr.load_dataset(tmp_path / "part.nc").hh.validate()
    assert 0 < ds.attrs["t_end"] < 1e6
    assert ds.hh.spikes().sizes["spike"] > 0
    assert run.stderr.endswith("; what was computed is in part.nc\n")
    info = in_process("info", tmp_path / "part.nc")
    assert (info.exit_code, info.stderr) == (0, "")
    assert "firing rate: mean" in info.stdout
    assert in_process("plot", tmp_path / "part.nc").exit_code == 0


def test_ctrl_c_without_out_says_that_nothing_is_kept(tmp_path):
    path = short(tmp_path, t_end=1e6, save_dt=1000.0, record='["V", "spikes"]')
    run = interrupted(tmp_path, "run", path, "--plot", "part.png")
    assert run.returncode == 130, run.stderr
    assert run.stderr.endswith("; what was computed was not kept (--out)\n")
    assert "written: part.png" in run.stdout


def test_info_and_plot_of_traces_with_spikes_over_trials(tmp_path):
    path = short(tmp_path, record='["V", "spikes"]', trials=2)
    assert call(tmp_path, "run", path, "--out", "run.nc").exit_code == 0
    info = in_process("info", tmp_path / "run.nc")
    assert (info.exit_code, info.stderr) == (0, "")
    assert "2 trials" in info.stdout
    assert "firing rate: mean" in info.stdout
    plot = in_process("plot", tmp_path / "run.nc", "--trial", 1)
    assert plot.stdout == f"written: {tmp_path / 'run.png'}\n"


def test_ctrl_c_stops_a_study(tmp_path):
    path = short(tmp_path)
    path.write_text(path.read_text() + "\n[study]\nt_end = 1e6\ndts = [0.01, 0.02]\n")
    run = interrupted(tmp_path, "study", "strong_convergence", path, "--out", "study.nc")
    assert run.returncode == 130, run.stderr
    assert "hh-sde: interrupted; a study has no result before its end" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "study.nc").exists()


def test_warnings_are_said(tmp_path):
    path = short(tmp_path)
    text = path.read_text()
    start, end = text.index("\n[network.noise]\n"), text.index("\n[run]\n")
    path.write_text(text[:start] + text[end:])
    run = process(tmp_path, "run", path)
    assert run.returncode == 0, run.stderr
    assert run.stderr.startswith("hh-sde: warning: this model has no noise, so that rng has no")


def test_an_unknown_study_is_near_to_one(tmp_path):
    path = short(tmp_path)
    run = call(tmp_path, "study", "strong", path)
    assert run.exit_code == 2
    assert "no study 'strong'; did you mean strong_convergence?" in run.stderr


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_methods_lists_all_whole_at_any_width(columns, tmp_path):
    listing = call(tmp_path, "methods", columns=columns)
    assert listing.exit_code == 0
    for name in hh.METHODS:
        assert name in listing.stdout


USAGE = {
    "no such file": (["run", "none.toml"], "does not exist"),
    "no such command": (["fly"], "No such command"),
    "not netCDF": (["info", "run.png"], "is not a netCDF file"),
    "no such folder": (
        ["run", "net.toml", "--out", "none/run.nc"],
        "the folder none does not exist",
    ),
    "a folder as target": (["run", "net.toml", "--plot", "."], "is a folder"),
    "the configuration as target": (
        ["run", "net.toml", "--out", "../{folder}/net.toml"],
        "net.toml is what is read: --out would overwrite it; give another name",
    ),
    "the configuration of a study as target": (
        ["study", "noise_sweep", "net.toml", "--out", "net.toml"],
        "net.toml is what is read: --out would overwrite it",
    ),
    "the result as figure": (["plot", "run.png"], "run.png is what is read"),
    "two outputs in one file": (
        ["run", "net.toml", "--out", "s.png", "--plot", "./s.png"],
        "s.png is --out: --plot would overwrite it",
    ),
    "an ending that is none": (
        ["run", "net.toml", "--plot", "x.foo"],
        "x.foo has the ending .foo, but a figure has one of: .",
    ),
    "no ending": (["run", "net.toml", "--plot", "pic"], "pic has no ending, but a figure has"),
    "the ending of a study's figure": (
        ["study", "noise_sweep", "net.toml", "--plot", "x.nc"],
        "x.nc has the ending .nc, but",
    ),
    "the ending of a plot": (["plot", "run.png", "--out", "x.foo"], "the ending .foo"),
    "a device": (["run", "net.toml", "--out", os.devnull], "is a device or a pipe"),
    "the ending of a result": (
        ["run", "net.toml", "--out", "x.txt"],
        "x.txt has the ending .txt, but a result is written as netCDF: .nc",
    ),
    "no ending of a result": (
        ["study", "noise_sweep", "net.toml", "--out", "x"],
        "x has no ending",
    ),
    "a configuration as result": (
        ["plot", "net.toml"],
        "net.toml is a configuration, and this takes a result, FILE.nc: hh-sde run net.toml --out",
    ),
    "trials that are no number": (
        ["run", "net.toml", "--set", "run.trials=true"],
        "run.trials: True is not accepted (accepted: a whole number, or a list of the trials'",
    ),
    "trials of which one is no number": (
        ["run", "net.toml", "--set", "run.trials=[1, 2.5]"],
        "run.trials: [1, 2.5] is not accepted (accepted: a whole number, or a list of the trials'",
    ),
    "a key without its table": (["run", "net.toml", "--set", "dt=0.02"], "; did you mean run.dt?"),
    "a key of two tables": (
        ["run", "net.toml", "--set", "noise=ignore"],
        "did you mean network.noise or run.noise?",
    ),
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage_exits_2(case, tmp_path):
    before = short(tmp_path).read_bytes()
    (tmp_path / "run.png").write_bytes(b"a result, by its name a figure")
    arguments, message = USAGE[case]
    run = call(tmp_path, *(word.replace("{folder}", tmp_path.name) for word in arguments))
    assert run.exit_code == 2
    assert (tmp_path / "net.toml").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.toml", "run.png"]
    assert message in " ".join(run.stderr.replace("│", " ").split())
    assert "Traceback" not in run.stderr


def test_a_bad_configuration_exits_2_with_all_faults(tmp_path):
    path = short(tmp_path)
    path.write_text(
        path.read_text().replace("sigma = 1.0", "sgima = 1.0").replace("dt = 0.01", 'dt = "10 us"')
    )
    run = call(tmp_path, "run", path)
    assert run.exit_code == 2
    assert (
        "network.noise: key 'sgima' is not known for current (accepted: sigma, corr" in run.stderr
    )
    assert "run.dt: unit 'us' is not accepted (accepted: ms)" in run.stderr


# -- changes of the configuration ------------------------------------------------------------------


def test_keys_are_set_from_the_command_line(tmp_path):
    path = short(tmp_path)
    changes = ("run.dt=0.02", "run.method=heun", "network.stimulus=12 uA/cm^2", "run.record=['V']")
    options = [word for change in changes for word in ("--set", change)]
    run = in_process("run", path, *options, "--out", tmp_path / "run.nc", "--quiet")
    assert (run.exit_code, run.stderr) == (0, "")
    ds = xr.load_dataset(tmp_path / "run.nc")
    assert (ds.attrs["dt"], ds.attrs["method"], ds.sizes["time"]) == (0.02, "heun", 1001)
    assert hh.Network.from_dataset(ds).stimulus == hh.ConstantCurrent(12.0)
    assert "dt = 0.01 " in path.read_text()


SET = [
    ("run.t_end=30.0", ("run", "t_end"), 30.0),
    ("run.trials=3", ("run", "trials"), 3),
    (" run . trials = 3 ", ("run", "trials"), 3),
    ("run.method=heun", ("run", "method"), "heun"),
    ('run.method="heun"', ("run", "method"), "heun"),
    ("run.record=['V', 'spikes']", ("run", "record"), ["V", "spikes"]),
    ("run.dt=0.02 ms", ("run", "dt"), "0.02 ms"),
    ("spikes.threshold=-10", ("spikes", "threshold"), -10),
    ("network.synapses.0.weights=0.2", ("network", "synapses"), [{"kind": "AMPA", "weights": 0.2}]),
    (
        'network.synapses.0={kind="sigmoidal", weights=1}',
        ("network", "synapses"),
        [{"kind": "sigmoidal", "weights": 1}],
    ),
    (
        'network.stimulus={kind="constant", amplitude=1}',
        ("network", "stimulus"),
        {"kind": "constant", "amplitude": 1},
    ),
    ("run.method=a=b", ("run", "method"), "a=b"),
    ("run.method=1\nrng=3", ("run", "method"), "1\nrng=3"),
]


def settable():
    return {
        "network": {"synapses": [{"kind": "AMPA", "weights": 0.1}], "stimulus": {"kind": "sine"}},
        "run": {"t_end": 5.0},
    }


@pytest.mark.parametrize(("assignment", "way", "value"), SET)
def test_what_is_set(assignment, way, value):
    tree, expected = settable(), settable()
    assign(tree, assignment)
    expected.setdefault(way[0], {})[way[1]] = value
    assert tree == expected


NOT_SET = [
    ("run.t_ned=20", r"\nrun.t_ned: this key is not known \(accepted: .*; did you mean t_end\?"),
    ("run.seed=1", r"\nrun.seed: this key is not known .*; did you mean rng\?"),
    ("run.dt=10 us", r"\nrun.dt: unit 'us' is not accepted \(accepted: ms\)"),
    ("run.dt=", r"\nrun.dt: '' is not a number"),
    ("run.dt", r"\n'run.dt' cannot be set: accepted: KEY=VALUE, as run.dt=0.02"),
    ("=3", r"\n'=3' cannot be set: accepted: KEY=VALUE"),
    ("a b=3", r"\n'a b=3' cannot be set: accepted: KEY=VALUE"),
    ("a=1\nb=3", r"\n'a=1\\nb=3' cannot be set|\na: this key is not known"),
    (
        "network.stimulus.amplitude=4",
        r"cannot be set: network.stimulus is 10.0, which has no keys; give all of it, network.stim",
    ),
    (
        "network.synapses.1.weights=1",
        r"cannot be set: '1' is no place in the list network.synapses \(it has 1, counted from 0\)",
    ),
    ("network.synapses.weights=1", r"'weights' is no place in the list network.synapses"),
]


@pytest.mark.parametrize(("assignment", "message"), NOT_SET)
def test_what_cannot_be_set_is_said_as_of_the_file(assignment, message, tmp_path):
    path = short(tmp_path)
    run = in_process("run", path, "--set", assignment)
    assert run.exit_code == 2
    assert run.stderr.startswith(f"hh-sde: {path}:\n")
    assert re.search(message, run.stderr)


def test_keys_of_a_study_are_set(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(CURVE)
    setting = ("--set", "study.currents=[9.0]", "--set", "network.cell.g_L=0.31")
    run = in_process("study", "rate_curve", path, *setting, "--out", tmp_path / "s.nc")
    assert (run.exit_code, run.stderr) == (0, "")
    ds = xr.load_dataset(tmp_path / "s.nc")
    assert ds.current.values.tolist() == [9.0]
    assert hh.Network.from_dataset(ds).cell.parameters["g_L"] == 0.31
    wrong = in_process("study", "rate_curve", path, "--set", "study.curents=[9.0]")
    assert wrong.exit_code == 2
    assert "study: key 'curents' is not known for rate_curve" in wrong.stderr


def test_info_of_a_configuration_is_its_network(tmp_path):
    path = short(tmp_path)
    info = in_process("info", path, "--set", "network.stimulus=12.0")
    assert (info.exit_code, info.stderr) == (0, "")
    assert info.stdout == f"{load(path).network.replace(stimulus=12.0)!r}\n"
    (tmp_path / "study.toml").write_text(CURVE)  # which has no run
    net = load_study(tmp_path / "study.toml", "rate_curve")[0]
    assert in_process("info", tmp_path / "study.toml").stdout == f"{net!r}\n"
    wrong = in_process("info", path, "--set", "network.cel=3")
    assert wrong.exit_code == 2
    assert "network.cel: this key is not known" in wrong.stderr


def test_a_result_has_no_keys_to_set(tmp_path):
    result().to_netcdf(tmp_path / "run.nc")
    wrong = in_process("info", tmp_path / "run.nc", "--set", "run.dt=0.02")
    assert "--set changes keys of a configuration" in one_line_and_exit_2(wrong)


# -- the cache of compiled code --------------------------------------------------------------------


def with_cache(folder, *arguments, code=""):
    """The command in a process of its own whose compiled code is kept in `folder`."""
    words = ["hh-sde", *map(str, arguments)]
    code = f"import sys; from hh_sde import cli\n{code}\nsys.argv = {words!r}; cli.main()"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HH_SDE_CACHE_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


#: Prints the name of every function that numba compiles.
TELL = """
from numba.core import event
class Told(event.Listener):
    def on_start(self, event): print("compiled:", event.data["dispatcher"].__name__)
    def on_end(self, event): pass
event.register("numba:compile", Told())
"""

WARM = {
    "scipy": "method = 'scipy.DOP853'\nnoise = 'ignore'",
    "a Jacobian": "method = 'scipy.Radau'\nnoise = 'ignore'",
    "traces and spikes": "record = ['V', 'spikes']\nsave_dt = 0.1\ndiscard = 5.0\ntrials = 3",
    "spikes alone": "record = ['spikes']\ntrials = 3\nthreads = 2",
    "areas": "method = 'sri2'",
    "sdeint": "method = 'sdeint.itoSRI2'",
    "a chain": "method = 'tau_leap'",
}


def configured(folder, run):
    """A configuration without synapses, which compiles sooner."""
    kind = (
        "kind = 'conductance'\narea = 100.0"
        if "tau_leap" in run
        else ("kind = 'current'\nsigma = 1.0")
    )
    path = folder / "net.toml"
    path.write_text(
        f"[network]\nn_neurons = 1\nstimulus = 10.0\n[network.noise]\n{kind}\n"
        f"[run]\nt_end = 20.0\n{run}\n"
    )
    return path


@pytest.mark.parametrize(
    "case",
    [case if case == "scipy" else pytest.param(case, marks=pytest.mark.slow) for case in WARM],
)
def test_after_compiling_ahead_a_run_compiles_nothing(case, tmp_path):
    path, folder = configured(tmp_path, WARM[case]), tmp_path / "cache"
    ahead = with_cache(folder, "cache", "--warm", path, code=TELL)
    assert "compiled:" in ahead
    assert f"compiled code is kept in {folder} (HH_SDE_CACHE_DIR moves it)\n" in ahead
    run = with_cache(folder, "run", path, "--plot", tmp_path / "run.png", code=TELL)
    assert "compiled:" not in run
    assert "written: " in run


def test_the_cache_is_shown_and_cleared(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("HH_SDE_CACHE_DIR", str(folder))
    empty = (
        f"compiled code is kept in {folder} (HH_SDE_CACHE_DIR moves it)\n"
        "0 modules, 0.0 MB: a module for each shape of model, another for its Jacobian\n"
    )
    assert in_process("cache").stdout == empty
    other = folder / f"kernels-{'0' * 16}"
    other.mkdir(parents=True)
    (other / "hh_sde_0.py").write_bytes(b"x" * 1_500_000)
    (folder / "mine").write_text("")
    others = "of other versions: 1 module, 1.5 MB; each goes 30 days after its last use\n"
    assert in_process("cache").stdout == empty + others
    assert in_process("cache", "--clear").stdout == empty
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_what_cannot_be_compiled_ahead_is_said(tmp_path):
    path = short(tmp_path)
    wrong = in_process("cache", "--warm", path, "--set", "run.method=heu")
    assert wrong.exit_code == 2
    assert "run.method: there is no method 'heu'; did you mean heun?" in wrong.stderr
    assert in_process("cache", "--set", "run.dt=1").exit_code == 2


# -- completion ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("hh-sde st", ["status", "study", "studies"]),
        ("hh-sde ca", ["cache"]),
        ("hh-sde study noise", ["noise_sweep"]),
        ("hh-sde run --s", ["--set", "--store"]),
    ],
)
def test_completion_in_the_shell(words, found, tmp_path):
    environment = {
        **os.environ,
        "_HH_SDE_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    run = subprocess.run([COMMAND], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert sorted(run.stdout.split()) == sorted(found)


@pytest.mark.parametrize("columns", [60, 120])
@pytest.mark.parametrize(
    "command", ["run", "study", "info", "plot", "init", "cache", "sweep", "resume", "status"]
)
def test_help_says_what_every_argument_is(command, columns, tmp_path):
    text = call(tmp_path, command, "--help", columns=columns).stdout
    assert max(map(len, text.splitlines())) <= columns
    assert "..." not in text
    rows = [row.strip("│* ").split() for row in text.splitlines() if row.startswith("│")]
    assert all(len(row) > 2 for row in rows if row and row[0].startswith("--"))
    words = " ".join(text.replace("│", " ").split())
    if command in ("run", "study", "sweep"):
        assert "Change a key of the file, as run.dt=0.02; may be given several times." in words


# -- what cannot be written ---------------------------------------------------------------------


def limited(folder, size, *arguments):
    """The command where no file may grow beyond `size` bytes, as on a full disk."""
    code = (
        "import resource, sys; from hh_sde import cli\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
        f"sys.argv = ['hh-sde', *{list(map(str, arguments))!r}]\n"
        "cli.main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=100
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files there")
def test_a_disk_that_is_full_costs_neither_the_old_file_nor_the_other_output(tmp_path):
    path = short(tmp_path, t_end=200.0)
    assert call(tmp_path, "run", path, "--quiet").exit_code == 0  # the models are compiled
    (tmp_path / "run.nc").write_bytes(b"old")
    run = limited(tmp_path, 800_000, "run", path, "--out", "run.nc", "--plot", "run.png")
    assert run.returncode == 1
    assert run.stderr.startswith("hh-sde: run.nc cannot be written: ")
    assert len(run.stderr.splitlines()) == 1
    assert (tmp_path / "run.nc").read_bytes() == b"old"
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["net.toml", "run.nc", "run.png"]
    assert "firing rate: mean" in run.stdout
    assert "written: run.png" in run.stdout
    assert "written: run.nc" not in run.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files there")
def test_a_figure_that_cannot_be_written_leaves_the_result(tmp_path):
    path = short(tmp_path)
    assert call(tmp_path, "run", path, "--out", "run.nc").exit_code == 0
    plot = limited(tmp_path, 1000, "plot", "run.nc")
    assert plot.returncode == 1
    assert plot.stderr == "hh-sde: run.png cannot be written: File too large\n"
    assert plot.stdout == ""
    assert sorted(one.name for one in tmp_path.iterdir()) == ["net.toml", "run.nc"]


def test_a_result_is_as_readable_as_other_files(tmp_path):
    path = short(tmp_path)
    assert call(tmp_path, "run", path, "--out", "run.nc").exit_code == 0
    assert (tmp_path / "run.nc").stat().st_mode == path.stat().st_mode


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [["methods"], ["info", "run.nc"], ["--help"]], ids=str)
def test_a_standard_output_that_is_full_ends_with_one_line(arguments, tmp_path):
    result().to_netcdf(tmp_path / "run.nc")
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [str(COMMAND), *arguments], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert run.returncode == 1
    message = "hh-sde: the standard output cannot be used: No space left on device\n"
    assert run.stderr == message


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of this kind")
@pytest.mark.parametrize("arguments", [["methods"], ["info", "run.nc"]], ids=str)
def test_a_reader_that_goes_is_no_fault(arguments, tmp_path):
    result().to_netcdf(tmp_path / "run.nc")
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run(
        [str(COMMAND), *arguments], cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert run.stderr == ""


# -- files of all kinds ---------------------------------------------------------------------------


def result():
    return hh.solve(hh.Network(1, stimulus=10.0), 20.0, save_dt=0.1)


def spikes_alone():
    return hh.solve(hh.Network(1, stimulus=10.0), 20.0, record=("spikes",))


def with_units(units):
    ds = result()
    ds["time"].attrs["units"] = units
    return ds


def as_text(ds, name):
    return ds.assign({name: (ds[name].dims, ds[name].values.astype(str))})


def without_attribute(ds, name):
    return (
        ds.assign_attrs({})
        .drop_attrs(deep=False)
        .assign_attrs({key: value for key, value in ds.attrs.items() if key != name})
    )


DAMAGED = {
    "a date": (
        lambda: with_units("days since 2000-01-01"),
        "time is in days since 2000-01-01, not",
    ),
    "a date that is none": (lambda: with_units("ms since x"), "time is in ms since x, not in ms"),
    "seconds": (lambda: with_units("seconds"), "time is in seconds, not in ms"),
    "no time": (lambda: result().drop_vars("time"), "it has neither a coordinate time nor spikes"),
    "one time": (lambda: result().isel(time=0), "time is not a row of times"),
    "time missing": (
        lambda: result().assign_coords(time=result().time * np.nan),
        "time is not a row of times",
    ),
    "no times": (lambda: result().isel(time=slice(0, 0)), "it holds no time"),
    "text for V": (lambda: as_text(result(), "V"), "V holds <U"),
    "text for spikes": (lambda: as_text(spikes_alone(), "spike_time"), "spike_time holds <U"),
    "text for neurons": (lambda: as_text(spikes_alone(), "neuron"), "neuron holds <U"),
    "nothing": (xr.Dataset, "it has neither a coordinate time nor spikes, but nothing"),
    "no t_end": (lambda: without_attribute(spikes_alone(), "t_end"), "it has no attribute 't_end'"),
    "text for t_end": (lambda: spikes_alone().assign_attrs(t_end="x"), "'t_end' must be a number"),
    "no duration": (lambda: spikes_alone().assign_attrs(t_end=0.0), "t_end is not after t_start"),
    "no neurons": (
        lambda: without_attribute(spikes_alone(), "neurons"),
        "it has no attribute 'neurons'",
    ),
    "neurons": (lambda: spikes_alone().assign_attrs(neurons="[[1,"), "make the result again"),
    "a study": (lambda: result().assign_attrs(study="astrology"), "astrology"),
}


def in_process(*arguments):
    return call(Path.cwd(), *arguments)


def one_line_and_exit_2(run):
    assert run.exit_code == 2, run.output
    assert run.stderr.startswith("hh-sde: ")
    assert len(run.stderr.splitlines()) == 1
    return run.stderr


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_results_end_with_one_line(case, tmp_path):
    make, message = DAMAGED[case]
    make().to_netcdf(tmp_path / "x.nc")
    assert message in one_line_and_exit_2(in_process("plot", tmp_path / "x.nc"))
    if case != "a study":
        assert message in one_line_and_exit_2(in_process("info", tmp_path / "x.nc"))


@pytest.mark.parametrize("size", [0, 8, 100, 1000, 0.5, 0.9])
def test_truncated_files_end_with_one_line(size, tmp_path):
    path = tmp_path / "x.nc"
    result().to_netcdf(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(size * len(whole)) if 0 < size < 1 else int(size)])
    for command in ("info", "plot"):
        assert "is not a netCDF file" in one_line_and_exit_2(in_process(command, path))


def test_attributes_are_printed_in_one_line_that_the_terminal_does_not_obey(tmp_path):
    hostile = "\x1b[31mred\nsecond line" + "x" * 1000
    result().assign_attrs(method=hostile, network=hostile).to_netcdf(tmp_path / "x.nc")
    info = in_process("info", tmp_path / "x.nc")
    assert info.exit_code == 0
    assert "\x1b" not in info.stdout
    assert "  method =  [31mred second line" in info.stdout
    assert max(map(len, info.stdout.splitlines())) < 200


def test_no_such_trial_is_not_the_fault_of_the_file(tmp_path):
    result().to_netcdf(tmp_path / "x.nc")
    message = one_line_and_exit_2(in_process("plot", tmp_path / "x.nc", "--trial", 7))
    assert "x.nc: there is no trial 7" in message


def test_info_of_a_study(tmp_path):
    ds = hh.studies.noise_sweep(
        hh.Network(1, stimulus=6.0), sigmas=[1.0, 4.0], t_end=50.0, trials=2, rng=5
    )
    ds.to_netcdf(tmp_path / "study.nc")
    info = in_process("info", tmp_path / "study.nc")
    assert info.exit_code == 0, info.stderr
    assert "coefficient of variation" in info.stdout
    assert "study = noise_sweep" in info.stdout
    assert in_process("plot", tmp_path / "study.nc").exit_code == 0


CURVE = """
[network]
n_neurons = 1
[study]
currents = [8.0, 8.25]
t_end = 200.0
trials = 1
discard = 100.0
[run]
rng = 1
"""


def test_a_study_over_three_dims_is_printed_as_info_prints_it(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(CURVE)
    run = in_process("study", "rate_curve", path, "--out", tmp_path / "study.nc")
    assert (run.exit_code, run.stderr) == (0, "")
    printed = run.stdout.partition("written: ")[0]
    ds = xr.load_dataset(tmp_path / "study.nc")
    assert ds.rate.dims == ("sigma", "start", "current")
    assert "firing rate (Hz):" in printed
    for start in ("rest", "firing"):  # in the order of the Dataset
        row = next(line for line in printed.splitlines() if f" {start} " in line)
        found = list(map(float, row.split()[-2:]))
        assert found == pytest.approx(ds.rate.sel(sigma=0.0, start=start).values, rel=1e-3)
    assert in_process("info", tmp_path / "study.nc").stdout.startswith(printed)


def test_a_study_that_is_not_kept_says_so(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(CURVE)
    run = in_process("study", "rate_curve", path)
    assert run.stderr == "hh-sde: the result is printed and not kept; --out FILE.nc keeps it\n"
    assert "firing rate (Hz):" in run.stdout


def test_info_of_a_study_is_without_the_description_of_its_network(tmp_path):
    big = hh.Network(40, stimulus=6.0, synapses=hh.Synapse.sigmoidal(np.full((40, 40), 0.01)))
    ds = xr.Dataset({"rate": 3.0}, attrs={"study": "x", "network": big.describe()})
    ds.to_netcdf(tmp_path / "study.nc")
    info = in_process("info", tmp_path / "study.nc")
    assert info.exit_code == 0, info.stderr
    assert "\nrate (1):\n3\n" in info.stdout
    assert max(map(len, info.stdout.splitlines())) < 100


def test_info_of_old_results(tmp_path):
    """Files of schema 1 are read as this version would have written them."""
    old = Path(__file__).parent / "old"
    study = in_process("info", old / "study.nc").stdout
    assert "scheme" in study
    assert "warning: declared orders outside the interval" in study
    assert "network_stimulus" not in study
    assert "variables V, m, h, n, s\n" in in_process("info", old / "run.nc").stdout
    plotted = in_process("plot", old / "study.nc", "--out", tmp_path / "study.png")
    assert plotted.exit_code == 0, plotted.stderr


def test_a_recommendation_that_fails_is_told_once(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(
        "[network]\nn_neurons = 1\nnoise = {kind = 'current', sigma = 0.1}\n"
        "[study]\nmethods = ['strang']\ndts = [0.1]\nt_end = 20.0\ntrials = 2\nrng = 1\n"
    )
    out = tmp_path / "study.nc"
    run = process(tmp_path, "study", "recommend", path, "--out", out)
    both = run.stdout + run.stderr
    assert both.count("no neuron of the reference fires twice") == 1
    info = in_process("info", out).stdout
    assert "advice: no method can be recommended: there are no intervals" in info


def test_a_result_is_no_configuration(tmp_path):
    (tmp_path / "run.nc").write_bytes(b"\x89HDF")
    for words in (["run"], ["study", "noise_sweep"]):
        run = in_process(*words, tmp_path / "run.nc")
        assert run.exit_code == 2
        assert "run.nc is a result, and this takes a configuration, CONFIG.toml" in run.stderr


def test_a_run_that_keeps_nothing_says_so_and_info_shows_its_network(tmp_path):
    path = short(tmp_path)
    said = "the result is printed and not kept; --out FILE.nc keeps it"
    assert said in in_process("run", path).stderr
    assert said not in in_process("run", path, "--quiet").stderr
    assert said not in in_process("run", path, "--out", tmp_path / "run.nc").stderr
    shown = in_process("info", path).stdout
    about = in_process("info", tmp_path / "run.nc").stdout
    assert shown.strip() in about
    assert '{"type"' not in about


@pytest.mark.parametrize("command", [[], ["run"], ["init"], ["cache"], ["status"]])
def test_flags_take_no_value_in_their_help(command, tmp_path):
    text = in_process(*command, "--help").stdout
    assert "--help" in text
    assert "bool" not in text.lower()


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_of_study_says_where_its_arguments_are(columns, tmp_path):
    text = " ".join(call(tmp_path, "study", "--help", columns=columns).stdout.split())
    assert "Its table [study] has the arguments; hh-sde studies lists them." in text
    listing = call(tmp_path, "--help", columns=columns).stdout.replace("│", " ")
    assert "Answer a question about the network of CONFIG.toml." in " ".join(listing.split())


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_studies_lists_arguments_with_defaults(columns, tmp_path):
    listing = " ".join(call(tmp_path, "studies", columns=columns).stdout.split())
    for name in hh.studies.STUDIES:
        assert f" {name} " in f" {listing}"
    assert "currents = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, " in listing
    assert "dts = [0.00125, 0.0025, 0.005, 0.01, 0.02] t_end = 5 trials = 100 " in listing
    assert "variable = (not set)" in listing


def test_help_does_not_load_the_heavy_parts():
    code = (
        "import sys; sys.argv = ['hh-sde', '--help']\n"
        "import hh_sde.cli\n"
        "try: hh_sde.cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numba', 'scipy', 'matplotlib', 'sdeint', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


# -- the configuration itself ---------------------------------------------------------------------

GOOD = {"network": {"n_neurons": 2}, "run": {"t_end": 1.0}}


def with_(section, **changes):
    return {**GOOD, section: {**GOOD.get(section, {}), **changes}}


def test_everything_that_can_be_configured():
    config = parse(
        {
            "network": {
                "n_neurons": 3,
                "cell": {
                    "name": "hodgkin_huxley",
                    "E_L": "-54.4 mV",
                    "g_Na": [100.0, 110.0, 120.0],
                },
                "stimulus": [
                    {"kind": "constant", "amplitude": ["5 uA/cm^2", 6.0, 7]},
                    {
                        "kind": "pulses",
                        "amplitude": 3,
                        "start": "1 ms",
                        "width": 1.0,
                        "period": 5.0,
                    },
                ],
                "synapses": [
                    {"kind": "sigmoidal", "weights": 0.1, "E": "10 mV", "w": 2.0},
                    {"kind": "AMPA", "weights": "0.05 mS/cm^2", "name": "fast"},
                    {"kind": "gap_junction", "weights": {"kind": "ring", "k": 2, "weight": 0.02}},
                    {
                        "kind": "GABA_A",
                        "weights": {
                            "kind": "random",
                            "p": 0.5,
                            "weight": {"kind": "normal", "mean": "0.1 mS/cm^2", "sd": 0.01},
                            "rng": 3,
                        },
                    },
                ],
                "noise": {"kind": "current", "sigma": "1 uA/cm^2*ms^0.5", "correlation": 0.3},
            },
            "run": {"t_end": "5 ms", "trials": 2, "record": ["V"], "rng": 4},
            "spikes": {"threshold": "-10 mV", "lockout": 2.0},
        }
    )
    by_hand = hh.Network(
        3,
        cell=hh.CELLS["hodgkin_huxley"].replace(E_L=-54.4, g_Na=[100.0, 110.0, 120.0]),
        stimulus=hh.ConstantCurrent([5.0, 6.0, 7.0])
        + hh.PulseTrain(3.0, start=1.0, width=1.0, period=5.0),
        synapses=[
            hh.Synapse.sigmoidal(0.1, E=10.0, w=2.0),
            hh.SYNAPSES["AMPA"](0.05, name="fast"),
            hh.GapJunction(hh.topology.ring(k=2, weight=0.02)),
            hh.SYNAPSES["GABA_A"](hh.topology.random(p=0.5, weight=hh.Normal(0.1, 0.01), rng=3)),
        ],
        noise=hh.CurrentNoise(1.0, correlation=0.3),
    )
    assert config.network == by_hand
    assert config.spike_rule == hh.SpikeRule(threshold=-10.0, lockout=2.0)
    assert hh.solve(config.network, **config.arguments).sizes == {
        "trial": 2,
        "time": 501,
        "neuron": 3,
    }


BAD = [
    (
        {**GOOD, "rnu": {}},
        r"rnu: this key is not known \(accepted: network, run, spikes, study, sweep\)",
    ),
    ({"run": {"t_end": 1.0}}, "network: this key is missing"),
    (with_("run", t_ned=1.0), r"run.t_ned: this key is not known \(accepted: t_end, dt, method"),
    (with_("run", t_end="1 s"), r"run.t_end: unit 's' is not accepted \(accepted: ms\)"),
    (with_("run", dt="fast"), r"run.dt: 'fast' is not a number \(accepted: a number in ms\)"),
    (
        with_("run", method="euler"),
        r"run.method: there is no method 'euler'; did you mean euler_maruyama\? choose",
    ),
    (with_("run", rng="x"), "run.rng: .*integer.*, got 'x'"),
    (with_("network", n_neurons=1.5), "network.n_neurons: .*integer.*, got 1.5"),
    (with_("network", n_neurons=0), "network: n_neurons must be 1, 2, 3"),
    (
        with_("network", cell="squid"),
        r"network.cell: 'squid' is not known \(accepted: hodgkin_huxley, .*\)",
    ),
    (
        with_("network", cell={"g_X": 1.0}),
        "network.cell: hodgkin_huxley has no parameter 'g_X'; it has C",
    ),
    (
        with_("network", cell={"E_L": "1 V"}),
        r"network.cell: unit 'V' is not accepted \(accepted: mV\)",
    ),
    (
        with_("network", stimulus={"kind": "ram"}),
        r"kind 'ram' is not known \(accepted: constant, step, .*; did you mean ramp\?",
    ),
    (
        with_("network", stimulus={"amplitude": 1.0}),
        "network.stimulus: accepted: a table with a key kind",
    ),
    (
        with_("network", stimulus={"kind": "step"}),
        "network.stimulus: step: missing 2 required arguments",
    ),
    (with_("network", stimulus=[1.0, 2.0, 3.0]), "network: the stimulus has values for 3 neurons"),
    (with_("network", synapses={"kind": "sigmoidal", "weights": [[1.0, 2.0]]}), r"shape \(1, 2\)"),
    (
        with_("network", synapses={"kind": "AMPA", "weights": 1.0, "tau": 2.0}),
        "key 'tau' is not known for AMPA",
    ),
    (
        with_("network", synapses={"kind": "AMPA", "weights": {"kind": "rnig", "k": 2}}),
        r"network.synapses: weights: kind 'rnig' is not known .*; did you mean ring\?",
    ),
    (
        with_("network", synapses={"kind": "AMPA", "weights": {"kind": "ring", "k": 3}}),
        "network.synapses: weights: Ring.k must be even, .* got 3",
    ),
    (
        with_("network", noise={"kind": "current", "sigma": "1 nA"}),
        "network.noise: sigma: unit 'nA'",
    ),
    (with_("run", t_ned=1.0), r"; did you mean t_end\?"),
    (with_("run", method="euler"), r"; did you mean heun\?|; did you mean .*euler"),
    (with_("network", n_neurons=True), "network.n_neurons: .*integer.*, got True"),
    (with_("network", n_neurons="2"), "network.n_neurons: .*integer.*, got '2'"),
    (
        with_("network", n_neurons=10**12),
        "network: the tables of n_neurons = 1000000000000 .* not fit",
    ),
    (with_("run", t_end=True), "run.t_end: .*number, got True"),
    (with_("run", rtol="1e-3"), "run.rtol: .*number, got '1e-3'"),
    (with_("run", trials=True), "run.trials: True is not accepted"),
    (with_("run", dt="1.2.3 ms"), "run.dt: unit '.3 ms' is not accepted"),
    (with_("run", dt="\u0663 ms"), "run.dt: '\u0663 ms' is not a number"),
    (with_("run", method=["heun"]), r"run.method: there is no method \['heun'\]; choose"),
    (with_("network", stimulus=True), "network: ConstantCurrent.amplitude must be a number"),
    (with_("network", stimulus={"kind": []}), r"kind \[\] is not known"),
    (with_("network", synapses={"kind": "ampa"}), r"; did you mean AMPA\?"),
    (with_("network", cell=[]), "network.cell: accepted: the name of a cell, or a table"),
    (with_("network", cell={"name": []}), r"network.cell: \[\] is not known"),
    (with_("network", cell={"channels": []}), "hodgkin_huxley has no parameter 'channels'"),
    (with_("network", stimulus="9" * 400), "network: ConstantCurrent.amplitude must be finite"),
    ({**GOOD, "spikes": 3}, "spikes: accepted: a table with threshold"),
    ({**GOOD, "spikes": {"threshold": "0 V"}}, "spikes: threshold: unit 'V' is not accepted"),
    (
        {**GOOD, "spikes": {"treshold": 0.0}},
        r"spikes: key 'treshold' is not known for rule \(accepted: thres",
    ),
]


@pytest.mark.parametrize(("tree", "message"), BAD)
def test_faults_are_named_with_their_key(tree, message):
    with pytest.raises(ConfigError, match=message):
        parse(tree)


def test_several_kinds_of_noise():
    tree = {
        "network": {
            "n_neurons": 1,
            "noise": [
                {"kind": "current", "sigma": 1.0},
                {"kind": "conductance", "area": "50 um^2", "transitions": [["K", "n1->n2"]]},
            ],
        },
        "run": {"t_end": 1.0},
    }
    noise = (hh.CurrentNoise(1.0), hh.ConductanceNoise(50.0, transitions=[("K", "n1->n2")]))
    assert parse(tree).network == hh.Network(1, noise=noise)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[network]\n# \xff\n", "not valid TOML, which is text in UTF-8"),
        (b"x = " + b"[" * 100_000 + b"]" * 100_000, "not accepted: nested too deep"),
        (b"[network]\nn_neurons = " + b"9" * 5000, "not valid TOML: Exceeds the limit"),
        (b"[network\n", "not valid TOML: "),
        (b"[network]\nn_neurons = 2\n[network]\n", "not valid TOML: "),
    ],
    ids=["not UTF-8", "deep", "digits", "brackets", "twice"],
)
def test_what_is_no_toml(content, message, tmp_path):
    path = tmp_path / "net.toml"
    path.write_bytes(content)
    for read in (load, lambda path: load_study(path, "noise_sweep")):
        with pytest.raises(ConfigError, match=message):
            read(path)


def test_a_tree_too_deep():
    value = 1.0
    for _ in range(20_000):
        value = [value]
    with pytest.raises(ConfigError, match=r"nested too deep|must be a number"):
        parse(with_("network", stimulus=value))


STUDY = "[network]\nn_neurons = 1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[run]\nrgn = 5\n", r"run.rgn: this key is not known .*; did you mean rng\?"),
        ("[run]\nrng = 1.5\n", "run.rng: .*integer"),
        ("[study]\ntrails = 5\n", r"study: key 'trails' is not .*; did you mean trials"),
        ('[study]\nt_end = "5 s"\n', "study.t_end: unit 's' is not accepted"),
        ("[studies]\n", r"studies: this key is not known .*; did you mean study"),
    ],
)
def test_faults_in_the_configuration_of_a_study(text, message, tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(STUDY + text)
    with pytest.raises(ConfigError, match=message):
        load_study(path, "noise_sweep")


def test_keys_that_a_study_does_not_use_are_named(tmp_path):
    path = tmp_path / "net.toml"
    path.write_text(
        STUDY + "[study]\ntrials = 2\nt_end = 20.0\nsigmas = [1.0]\n"
        "[run]\nrng = 5\nthreads = 2\nt_end = 100.0\nmethod = 'heun'\n[spikes]\nthreshold = 3.0\n"
    )
    _, arguments, unused = load_study(path, "noise_sweep")
    assert arguments == {"rng": 5, "threads": 2, "trials": 2, "t_end": 20.0, "sigmas": [1.0]}
    assert unused == ["run.t_end", "run.method", "spikes.threshold"]
    run = in_process("study", "noise_sweep", path)
    assert run.exit_code == 0
    assert "noise_sweep reads [study], not run.t_end, run.method, spikes.threshold" in run.stderr

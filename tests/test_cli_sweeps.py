"""Sweeps on the command line, through its entry point, in a folder of its own."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import hh_sde as hh
from hh_sde.cli import app
from hh_sde.config import ConfigError, load, load_sweep

pytest.importorskip("zarr", minversion="3")

CONFIG = """
[network]
n_neurons = 1
noise = {kind = "current", sigma = 1.0}

[run]
t_end = "50 ms"
rng = 1
trials = 9

[sweep]
trials = 2

[sweep.over]
stimulus = {start = "8 uA/cm^2", stop = 10.0, num = 2}
noise.sigma = [0.5, "1 uA/cm^2*ms^0.5"]
"cell.g_Na" = {dim = "sample", values = [110.0, 120.0]}
"cell.g_K" = {dim = "sample", start = 35.0, stop = 36.0, num = 2}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """A folder with a store."""
    path = tmp_path_factory.mktemp("computed")
    (path / "net.toml").write_text(CONFIG)
    run = hh_sde("sweep", path / "net.toml", "--store", path / "out.zarr")
    assert (run.exit_code, run.stderr) == (0, "")
    assert re.search(r"\d of \d tasks done \(100 %\), .* KiB\nwritten: .*out.zarr\n", run.stdout)
    return path


@pytest.fixture
def store(computed, tmp_path):
    return shutil.copytree(computed / "out.zarr", tmp_path / "out.zarr")


def hh_sde(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def one_line(run, code):
    assert run.exit_code == code, run.output
    (line,) = run.stderr.splitlines()
    return line


def test_the_store_is_that_of_the_same_call(computed):
    sample = {"dims": "sample"}
    over = {
        "stimulus": [8.0, 10.0],
        "noise.sigma": [0.5, 1.0],
        "cell.g_Na": xr.DataArray([110.0, 120.0], **sample),
        "cell.g_K": xr.DataArray([35.0, 36.0], **sample),
    }
    net = hh.Network(1, noise=hh.CurrentNoise(1.0))
    ds = hh.sweep(net, over, 50.0, trials=2, rng=1)
    stored = hh.sweeps.open_store(computed / "out.zarr")
    xr.testing.assert_identical(ds.spike_count, stored.spike_count)
    assert ds.attrs["sweep"] == stored.attrs["sweep"]
    assert stored.sample.values.tolist() == [0, 1]
    part = stored.isel(sample=1, stimulus=[0])
    again = hh.rerun(part).hh.spikes()
    np.testing.assert_array_equal(again.spike_time, part.hh.spikes().spike_time)


def test_a_store_is_gone_on_with_and_grows(store, folder):
    shutil.rmtree(store / "spike_count" / "c")
    assert hh.sweeps.status(store).done
    run = hh_sde("resume", store)
    assert (run.exit_code, run.stderr) == (0, "")
    assert "(100 %)" in run.stdout
    assert (hh.sweeps.open_store(store).spike_count >= 0).all()
    more = hh_sde("sweep", folder / "net.toml", "--store", store, "--set", "sweep.trials=3", "-q")
    assert (more.exit_code, more.output) == (0, "")
    assert hh.sweeps.open_store(store).sizes["trial"] == 3
    other = hh_sde("sweep", folder / "net.toml", "--store", store, "--set", "run.dt=0.02")
    line = one_line(other, 2)
    assert "is the store of another sweep" in line
    assert "argument dt is 0.02, not 0.01" in line


def test_what_failed_is_listed_with_its_reason_and_the_call_that_makes_it_again(folder):
    changes = ("--set", "sweep.over={stimulus=[8.0, 1e6]}", "--set", "run.dt=0.02")
    with pytest.warns(UserWarning, match=r"1 of \d+ tasks failed, or some of their cells"):
        run = hh_sde("sweep", "net.toml", "--store", "out.zarr", *changes)
    assert run.exit_code == 1
    assert run.stderr.endswith("missing: hh-sde status out.zarr lists them\n")
    listed = hh_sde("status", "out.zarr")
    assert listed.exit_code == 0
    assert "1 failed" in listed.stdout
    assert "failed: stimulus = 1000000.0, trial = 0, 1: V of neuron 0 became NaN" in listed.stdout
    call = re.search(r"again: hh_sde\.rerun\((.*)\)\n", listed.stdout)[1]
    part = eval(call, {"hh_sde": hh})
    assert 1e6 in part.stimulus
    known = json.loads(hh_sde("status", "out.zarr", "--json").stdout)
    assert (known["failed"], known["running"], known["rate"]) == (1, False, None)
    assert known["failures"] == hh.sweeps.failures("out.zarr")


def test_the_sweep_of_the_template_is_one(tmp_path):
    assert hh_sde("init", tmp_path / "net.toml").exit_code == 0
    head, table = (tmp_path / "net.toml").read_text().split("# What varies in hh-sde sweep")
    lines = [line.removeprefix("#     ") for line in table.splitlines() if "#     " in line]
    first, second = (line for line in lines if line.startswith("reduce"))
    for one in (first, second):
        text = "\n".join(line for line in lines if line != one)
        (tmp_path / "net.toml").write_text(f"{head}\n{text}\n")
        net, over, arguments = load_sweep(tmp_path / "net.toml", ["run.t_end=1.0"])
        ds = hh.sweep(net, over, **{**arguments, "trials": 1})
        assert ds.sizes["stimulus"] * ds.sizes["sigma"] * ds.sizes["sample"] == 6 * 3 * 3


#: The command line, `{0}`, which sends itself Ctrl-C when task `{1}` begins.
CTRL_C = """
import os, signal, sys
from hh_sde import cli
from hh_sde.sweeps import sizes, sweep, tasks
signal.signal(signal.SIGINT, signal.default_int_handler)
sizes.AIM = sizes.LEAST = 0.0
begin, begun = tasks.timed, []
def timed(*given):
    begun.append(given)
    if len(begun) == {1}:
        os.kill(os.getpid(), signal.SIGINT)
    return begin(*given)
tasks.timed = timed
sys.argv = ["hh-sde", *{0!r}]
cli.main()
"""


@pytest.mark.parametrize("task", [1, 9])
def test_ctrl_c_stops_and_says_how_to_go_on(task, folder, computed):
    words = ["sweep", "net.toml", "--store", "out.zarr", "--threads", "1"]
    run = subprocess.run(
        [sys.executable, "-c", CTRL_C.format(words, task)],
        cwd=folder, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert run.returncode == 130, run.stderr
    (line,) = run.stderr.splitlines()
    if task == 1:  # that which measures how long a cell takes
        assert line == "hh-sde: interrupted before a task was done; nothing was written"
        assert os.listdir(folder) == ["net.toml"]
        return
    assert re.search(r"interrupted with \d+ of \d+ tasks done; what is done is kept", line)
    assert line.endswith(", and this goes on: hh-sde resume out.zarr")
    assert 0 < hh.sweeps.status("out.zarr").done < hh.sweeps.status("out.zarr").total
    assert hh_sde("resume", "out.zarr", "--quiet").exit_code == 0
    whole = hh.sweeps.open_store(computed / "out.zarr").load()
    xr.testing.assert_equal(hh.sweeps.open_store("out.zarr").spike_count, whole.spike_count)


def test_a_cluster_computes_the_tasks(folder):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None, processes=False
    ) as cluster:
        to = ("--store", "out.zarr", "--scheduler", cluster.scheduler_address)
        run = hh_sde("sweep", "net.toml", *to)
        assert (run.exit_code, run.stderr) == (0, "")
        both = hh_sde("sweep", "net.toml", *to, "--threads", "2")
        assert "--threads are of this process" in one_line(both, 2)
    assert hh.sweeps.status("out.zarr").done


WRONG = {
    "no scheduler": (["--scheduler", "host"], "there is no scheduler at host: missing port"),
    "no folder": (["--store", "none/out.zarr"], "the folder none does not exist; make it first"),
    "a file": (["--store", "net.toml"], "net.toml is a file; give the name of a folder"),
    "a folder of others": (["--store", "."], ". is a folder, but not the store of a sweep"),
    "no threads": (["--threads", "0"], "Invalid value for '--threads'"),
    "no such part": (["--set", "sweep.over={cell.g_X=[1.0]}"], "there is no part of Cell 'g_X'"),
    "no such reduction": (["--set", "sweep.reduce=mean"], "there is no reduction 'mean'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage(case, folder):
    words, message = WRONG[case]
    store = [] if "--store" in words else ["--store", "out.zarr"]
    run = hh_sde("sweep", "net.toml", *store, *words)
    assert run.exit_code == 2, run.output
    assert message in " ".join(run.stderr.split())
    assert os.listdir(folder) == ["net.toml"]


@pytest.mark.parametrize("command", ["resume", "status", "info", "plot"])
def test_a_folder_that_is_no_store(command, tmp_path):
    assert "but not the store of a sweep" in one_line(hh_sde(command, tmp_path), 2)


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/b", "sweep", "..", ""])
def test_names_write_nothing_outside_the_store(name, folder):
    over = {"dim": f'{{"cell.g_Na"={{dim="{name}", values=[1.0]}}}}', "path": f'{{"{name}"=[1.0]}}'}
    for table in over.values():
        run = hh_sde("sweep", "net.toml", "--store", "out.zarr", "--set", f"sweep.over={table}")
        if (name, table) != ("sweep", over["dim"]):
            assert run.exit_code == 2, run.output
        inside = {path.relative_to(folder).parts[0] for path in folder.rglob("*")}
        assert inside <= {"net.toml", "out.zarr"}
        shutil.rmtree("out.zarr", ignore_errors=True)


BAD = [
    ("sweep.over.stimulus=3.0", r"sweep.over.stimulus: 3.0 is not accepted \(accepted: a list"),
    ("sweep.over.stimulus=['1 nA']", r"sweep.over.stimulus: unit 'nA' is not accepted"),
    ("sweep.over.stimulus={start=1.0, stop=2.0, nmu=3}", "did you mean num"),
    ("sweep.over.stimulus={start=1.0, stop=true, num=3}", "stop must be a number, got True"),
    ("sweep.over.stimulus={start=1.0, stop=2.0, num=1e9}", "num must be a whole number from 1"),
    ("sweep.over.dt=[{a=1}]", r"{'a': 1} is not accepted: a value of dt is no table"),
    ("sweep.over.cell=['squid', {name='squid'}]", "sweep.over.cell: 'squid' is not known"),
    ("sweep.over=3", "sweep.over: .*dictionary, got 3"),
    ("sweep.trails=3", r"sweep.trails: this key is not known .*; did you mean trials\?"),
    ("sweep.common_noise=1", "sweep.common_noise: .*bool"),
    ("sweep.discard=1 s", "sweep.discard: unit 's' is not accepted"),
    ("run.stop=first spike", "run.stop: a sweep does not take this key; remove it"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_faults_are_named_with_their_key(change, message, folder):
    with pytest.raises(ConfigError, match=message):
        load_sweep("net.toml", [change])


def test_what_else_a_configuration_says_of_a_sweep(folder):
    changes = ["sweep.over={cell=[{name='hodgkin_huxley', g_Na=110.0}, 'traub_miles']}"]
    changes += ["sweep.discard=10.0", "run.discard=5.0", "run.threads=2", "spikes.threshold=-10.0"]
    net, over, arguments = load_sweep("net.toml", changes)
    assert over == {"cell": [hh.CELLS["hodgkin_huxley"](g_Na=110.0), "traub_miles"]}
    assert arguments == {
        "t_end": 50.0, "rng": 1, "trials": 2, "discard": 10.0, "threads": 2,
        "common_noise": False, "spike_rule": hh.SpikeRule(threshold=-10.0),
    }  # fmt: skip
    ds = hh.sweep(net, over, **{**arguments, "t_end": 12.0, "trials": 1})
    assert ds.cell.values.tolist() == ["hodgkin_huxley", "traub_miles"]
    assert load("net.toml").arguments["trials"] == 9  # hh-sde run takes the same file
    trials = ["sweep={over={stimulus=[1.0]}}", "run.trials=[0, 2]"]
    with pytest.raises(ConfigError, match=r"a sweep takes a whole number of trials, got \[0, 2\]"):
        load_sweep("net.toml", trials)


def test_a_store_is_taken_where_a_file_is(computed, tmp_path):
    store = computed / "out.zarr"
    info = hh_sde("info", store)
    assert (info.exit_code, info.stderr) == (0, "")
    first, *rest = info.stdout.splitlines()
    assert first.startswith("euler_maruyama: ")
    assert "2 stimulus x " in first
    assert any(line.startswith("Network of 1 neuron") for line in rest)
    assert '"coordinates"' not in info.stdout
    ds = hh.rerun(store)
    xr.testing.assert_identical(ds.spike_count, hh.sweeps.open_store(store).spike_count.load())
    ds.to_netcdf(tmp_path / "sweep.nc")
    assert hh_sde("info", tmp_path / "sweep.nc").stdout.splitlines()[-1] == rest[-1]


def test_a_cell_of_a_store_is_drawn_or_all_of_it(computed, tmp_path):
    store, out = computed / "out.zarr", tmp_path / "out.png"
    one = ("--sel", "stimulus=8.0", "--sel", "sigma=1", "--sel", "sample=1")
    for words in (one, one[:2], one[:4]):
        run = hh_sde("plot", store, "--out", out, *words)
        assert (run.exit_code, run.output) == (0, f"written: {out}\n")
        out.unlink()
    everything = one_line(hh_sde("plot", store, "--out", out), 2)
    assert "drawn over one dim or two, and this has" in everything
    for words, message in (
        ("stimulus=7.0", "stimulus has [8.0, 10.0]"),
        ("stimlus=7.0", "it has no dim stimlus, but "),
        ("g_Na=110.0", "it has no dim g_Na"),
        ("stimulus", "accepted: KEY=VALUE"),
    ):
        assert message in one_line(hh_sde("plot", store, "--out", out, "--sel", words), 2)

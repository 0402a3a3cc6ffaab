"""Long runs in a store: what solve gives without one, whatever ends them on the way."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import tracemalloc

import kill_streams
import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import hh_sde as hh
from hh_sde.cli import app
from hh_sde.errors import StoreError
from hh_sde.runs import Run
from hh_sde.streams import segments, spikes
from hh_sde.streams.plan import read
from hh_sde.streams.store import Store

zarr = pytest.importorskip("zarr", minversion="3")

POPULATIONS = hh.Network(
    {
        "E": hh.Population(3, stimulus=9.0, noise=hh.CurrentNoise(2.0)),
        "I": hh.Population(2, "wang_buzsaki", stimulus=2.0),
    },
    synapses=[
        hh.SYNAPSES["exponential"](
            0.05, tau=5.0, E=0.0, source="E", target="I", delay=1.0,
            plasticity=hh.ShortTermPlasticity(0.5, 100.0, 20.0),
        ),
        hh.SYNAPSES["GABA_A"](0.1, source="I", delay=0.5),
        hh.SYNAPSES["exponential"](
            0.05, tau=3.0, E=0.0, name="outside", source=hh.PoissonInput(200.0), target="E"
        ),
    ],
)  # fmt: skip
CHANNELS = hh.Network(2, stimulus=8.0, noise=hh.ConductanceNoise(area=20.0))
PAIR = hh.Network(2, stimulus=10.0, noise=hh.CurrentNoise(2.0))
CASES = {
    "events and delays": (POPULATIONS, {"trials": 2, "save_dt": 0.4}),
    "spikes alone": (POPULATIONS, {"trials": [3, 1], "record": "spikes", "discard": 4.0}),
    "currents and spikes": (POPULATIONS, {"record": ("V", "I_Na", "spikes"), "save_dt": 0.4}),
    "float32": (CHANNELS, {"dtype": "float32", "record": ("V", "spikes"), "save_dt": 0.1}),
    "chain": (CHANNELS, {"method": "gillespie", "dt": 0.1, "record": ("V", "spikes")}),
    "steps half done": (PAIR, {"method": "strang", "save_dt": 0.2, "discard": 4.0}),
    "statistics": (PAIR, {"trials": 5, "reduce": ("mean", "var"), "save_dt": 0.2}),
    "an SDE": (kill_streams.SDE, {"trials": 2, "method": "sdeint.itoSRI2"}),
}


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Segments so short that these runs have many."""
    monkeypatch.setattr(segments, "STEPS", {"engine": 1000, "python": 60})
    monkeypatch.setattr(segments, "BYTES", 2**13)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # of which there are thousands


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.zarr"


def solve(case, t_end=20.0, **options):
    model, own = CASES[case]
    return hh.solve(model, t_end, **{"dt": 0.02, "rng": 1, **own, **options})


def files(store):
    """The files of a store, but for who has written to it."""
    return {
        str(file.relative_to(store)): file.read_bytes()
        for file in sorted(store.rglob("*"))
        if file.is_file() and file.name != "lock"
    }


@pytest.mark.parametrize("case", CASES)
def test_it_is_what_solve_gives(case, path):
    whole = solve(case)
    stored = solve(case, store=path)
    grown = [one for one in stored.variables.values() if set(one.dims) & {"time", "spike"}]
    assert not any(one._in_memory for one in grown if one.dims != ("time",))
    assert whole.identical(stored)
    segments_there = [name for name in files(path) if "/c/" in name or "/spikes/" in name]
    assert len(segments_there) > 8
    assert whole.equals(xr.load_dataset(path))  # as anybody opens it
    assert hh.rerun(stored, CASES[case][0]).identical(whole)
    # in two parts
    there = files(path)
    path = path.with_name("parts.zarr")
    assert solve(case, 12.0, store=path).identical(solve(case, 12.0))
    assert solve(case, store=path).identical(whole)
    assert files(path) == there


def test_spikes_are_put_in_order_some_at_a_time(path, monkeypatch):
    monkeypatch.setattr(spikes, "AT_ONCE", 3)
    monkeypatch.setattr("hh_sde.streams.result.CHUNK", 4)
    stored = solve("spikes alone", store=path)
    assert stored.identical(solve("spikes alone"))
    assert stored.sizes["spike"] > 8


def test_the_same_call_computes_nothing(path, monkeypatch):
    solve("an SDE", store=path)
    monkeypatch.delattr(Run, "part")
    before = files(path)
    assert solve("an SDE", store=path).identical(solve("an SDE"))
    assert files(path) == before


def test_its_seed_is_that_of_the_store(path):
    first = solve("an SDE", 10.0, rng=None, store=path)
    longer = solve("an SDE", rng=None, store=path)
    assert longer.rng_entropy == first.rng_entropy
    assert longer.x.sel(time=first.time).identical(first.x)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dt": 0.04}, "argument dt is 0.04, not 0.02"),
        ({"rng": 2}, "seed rng_entropy is '2', not '1'"),
        ({"trials": [0, 2]}, r"argument trials is \[0, 2\], not 2"),
        ({"save_dt": 0.04}, "argument save_dt is 0.04, where there was none"),
        ({"x0": np.ones(2)}, "x0 is 'given', not 'default'"),
        ({"f": -0.6}, r"equation f at the start\[0\] is -0.6, not -0.5"),
        ({"t_end": 5.0}, "up to 20 ms, and t_end is 5"),
    ],
)
def test_another_run_is_refused(path, changes, words):
    solve("an SDE", store=path)
    before = files(path)
    model, own = CASES["an SDE"]
    rate = changes.pop("f", -0.5)
    other = hh.SDE(f=lambda x, t: rate * x, G=model.G, x0=model.x0, noise_type="diagonal")
    options = {"t_end": 20.0, "dt": 0.02, "rng": 1, **own, **changes}
    with pytest.raises(ValueError, match=words):
        hh.solve(other, **options, store=path)
    assert files(path) == before


def test_another_network_and_another_beginning_are_refused(path):
    solve("float32", 4.0, store=path)
    with pytest.raises(ValueError, match=r"another run: network .*stimulus.* is 9.0, not 8.0"):
        hh.solve(
            CHANNELS.replace(stimulus=9.0), 4.0, dt=0.02, rng=1, **CASES["float32"][1], store=path
        )
    one, other = (solve("steps half done", end, save_dt=None) for end in (6.0, 7.0))
    path = path.with_name("rest.zarr")
    options = {"discard": None, "save_dt": None}
    rest = solve("steps half done", x0=one, store=path, **options)
    assert rest.identical(solve("steps half done", x0=one, **options))
    with pytest.raises(ValueError, match=r"another run: initial state.*t_start is 7.0, not 6.0"):
        solve("steps half done", x0=other, store=path, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "scipy.LSODA", "noise": "ignore", "rng": None}, "chooses its steps"),
        ({"method": "sdeint.stratKP2iS"}, "takes several states"),
        ({"stop": "first spike"}, "leave store or stop out"),
        ({"store": 3}, "must be the path of a folder"),
    ],
)
def test_runs_that_go_on_from_no_state_are_refused(path, options, words):
    with pytest.raises((TypeError, ValueError), match=words):
        hh.solve(PAIR, 1.0, **{"dt": 0.1, "rng": 1, "store": path, **options})
    assert not list(path.parent.iterdir())


# -- whatever ends it --------------------------------------------------------------------------


class Killed(BaseException):
    """What nobody catches."""


def ended_at(monkeypatch, number, error):
    """Let a number of files get their names, and raise instead of the next; threads are zarr's."""
    replace, left, main = os.replace, iter(range(number + 1)), threading.main_thread()

    def replaced(old, new):
        if threading.current_thread() is main and next(left, None) in (number, None):
            raise error
        replace(old, new)

    monkeypatch.setattr(os, "replace", replaced)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The files of a run that nothing ended, and the run."""
    store = tmp_path_factory.mktemp("undisturbed") / "run.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "STEPS", {"engine": 1000, "python": 60})
        result = kill_streams.run(store, 4.8, discard=1.2)
    return files(store), result


@pytest.mark.parametrize("error", [Killed(), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_it_goes_on_from_every_file_that_was_the_last(path, undisturbed, monkeypatch, error):
    there, result = undisturbed
    seen = []
    while not seen or seen[-1]:
        with monkeypatch.context() as patch:
            ended_at(patch, len(seen), error)
            try:
                kill_streams.run(path, 4.8, discard=1.2)
                seen.append("")
            except (Killed, StoreError, KeyboardInterrupt) as caught:
                seen.append(f"{type(caught).__name__}: {caught}")
        assert kill_streams.run(path, 4.8, discard=1.2).identical(result)
        assert files(path) == there
        assert os.listdir(path.parent) == [path.name]
        shutil.rmtree(path)
    assert len(seen) > 12
    if isinstance(error, OSError):
        assert "the disk is full" in seen[5]
        assert "the same call goes on" in seen[5]


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_kill_9(path, kills):
    whole = path.with_name("whole.zarr")
    kill_streams.run(whole)
    command = [sys.executable, kill_streams.__file__, path, str(kills), str(kills)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stdout.endswith("code 0\n"), run.stdout + run.stderr
    assert files(path) == files(whole)
    assert sorted(os.listdir(path.parent)) == ["run.zarr", "whole.zarr"]


def ending(error, after):
    """An SDE whose f raises an error when it was called so often, once."""
    calls = iter(range(after))

    def f(x, t):
        if next(calls, None) is None and error.args:
            raised, error.args = error.with_traceback(None), ()
            raise type(raised)("now")
        return -0.5 * x

    return hh.SDE(f=f, G=kill_streams.SDE.G, x0=[1.0, 2.0], noise_type="diagonal")


@pytest.mark.parametrize("discard", [None, 100.0 * 0.04])
@pytest.mark.parametrize("after", [30, 190, 450])
def test_ctrl_c(path, discard, after):
    options = {"dt": 0.04, "rng": 1, "discard": discard}
    whole = hh.solve(ending(Killed(), 0), 20.0, **options)
    model = ending(KeyboardInterrupt("now"), after)
    with pytest.raises(
        hh.Interrupted, match=r"interrupted after .* opened from .*run.zarr; the same call"
    ) as caught:
        hh.solve(model, 20.0, **options, store=path)
    part = caught.value.dataset
    assert part.attrs["t_end"] < 20.0
    if "x" in part and part.sizes["time"]:
        assert part.x.load().identical(whole.x.sel(time=part.time))
        assert float(part.time[-1]) == part.attrs["t_end"]
    assert hh.solve(model, 20.0, **options, store=path).identical(whole)


def test_a_state_that_diverges(path):
    wild = hh.SDE(
        f=lambda x, t: x**3, G=lambda x, t: 0.1 * np.eye(1), x0=[1.0], noise_type="additive"
    )
    found = []
    for store in (None, path):
        with pytest.raises(hh.DivergenceError) as caught:
            hh.solve(wild, 9.0, dt=0.01, rng=1, store=store)
        found.append(caught.value)
    held, stored = found
    assert stored.time == held.time
    assert stored.dataset.identical(held.dataset)
    assert str(stored) == f"{held}, opened from {path}"
    with pytest.raises(hh.DivergenceError):
        hh.solve(wild, 9.0, dt=0.01, rng=1, store=path)


def test_an_error_out_of_f(path):
    model = ending(ZeroDivisionError("now"), 200)
    with pytest.raises(ZeroDivisionError) as caught:
        hh.solve(model, 20.0, dt=0.04, rng=1, store=path)
    assert "it is opened from" in caught.value.__notes__[-1]
    assert 100 < caught.value.dataset.sizes["time"] <= 200
    whole = hh.solve(ending(Killed(), 0), 20.0, dt=0.04, rng=1)
    assert hh.solve(model, 20.0, dt=0.04, rng=1, store=path).identical(whole)


def test_one_process_writes_at_a_time(path):
    kill_streams.run(path, 4.0)
    plan = read(path)
    with Store.writing(path, plan), pytest.raises(StoreError, match=f"process {os.getpid()} of"):
        kill_streams.run(path, 8.0)
    assert kill_streams.run(path, 8.0).sizes["time"] == 201


@pytest.mark.parametrize("damage", ["chunk", "plan", "position", "folder", "file", "link"])
def test_what_is_no_store_or_damaged_is_refused(path, damage, tmp_path):
    if damage not in ("folder", "file"):
        kill_streams.run(path, 4.0)
    if damage == "chunk":
        (path / "x/c/0/0/0").unlink()
    elif damage == "plan":
        (path / "run/plan.json").write_text("[" * 5000)
    elif damage == "position":
        (path / "run/position.npz").write_bytes(b"PK no zip")
    elif damage == "folder":
        path.mkdir()
    elif damage == "file":
        path.write_text("a result")
    else:
        (tmp_path / "outside").mkdir()
        os.rename(path / "run/spikes", tmp_path / "kept")
        (path / "run/spikes").symlink_to(tmp_path / "outside", target_is_directory=True)
    words = "damaged|not the store of a run|no state that a run goes on from|leads out"
    with pytest.raises((StoreError, ValueError), match=words):
        kill_streams.run(path, 8.0)


def test_memory_does_not_grow_with_the_duration(path, monkeypatch):
    monkeypatch.setattr(segments, "BYTES", 2**19)
    monkeypatch.setattr(segments, "STEPS", {"engine": 2**40, "python": 2**40})

    def peak(t_end):
        tracemalloc.start()
        ds = hh.solve(PAIR, t_end, rng=1, trials=20, store=path.with_name(f"{t_end}"))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found / 2**20, ds.nbytes / 2**20

    peak(1.0)  # loads what is needed
    (short, _), (long, size) = peak(20.0), peak(160.0)
    assert size > 19
    assert long < short + 2


def test_measures_and_plots(path):
    ds = solve("currents and spikes", store=path)
    whole = solve("currents and spikes")
    assert ds.hh.rates().identical(whole.hh.rates())
    assert ds.hh.rates(by="population").identical(whole.hh.rates(by="population"))
    assert ds.hh.plot()


def test_the_command(path, tmp_path):
    config = tmp_path / "net.toml"
    config.write_text(
        "[network]\nn_neurons = 1\nstimulus = 10.0\n"
        'noise = {kind = "current", sigma = 1.0}\n[run]\nt_end = 4.0\nrng = 1\n',
        "utf-8",
    )
    command = ["run", str(config), "--store", str(path)]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    assert f"written: {path}" in first.output
    assert "401 times, 1 neurons; 0 to 4 ms" in first.output
    longer = CliRunner().invoke(
        app, [*command, "--set", "run.t_end=6.0", "--out", str(tmp_path / "run.nc")]
    )
    assert longer.exit_code == 0, longer.output
    assert xr.load_dataset(tmp_path / "run.nc").equals(xr.load_dataset(path))
    info = CliRunner().invoke(app, ["info", str(path)])
    assert info.exit_code == 0, info.output
    assert "601 times, 1 neurons; 0 to 6 ms" in info.output
    plot = CliRunner().invoke(app, ["plot", str(path), "--out", str(tmp_path / "run.png")])
    assert plot.exit_code == 0, plot.output
    (path / "zarr.json").rename(tmp_path / "zarr.json")
    assert "has no result yet" in CliRunner().invoke(app, ["info", str(path)]).output
    other = CliRunner().invoke(app, [*command, "--set", "network.stimulus=9.0"])
    assert other.exit_code == 2
    assert "is the store of another run" in other.output

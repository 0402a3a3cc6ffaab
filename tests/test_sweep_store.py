"""Stores of sweeps: what is in them, what is missing, what is refused."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import toy_sweep as toy
import xarray as xr

from hh_sde.errors import StoreError
from hh_sde.files.chunks import digest
from hh_sde.sweeps import failures, status
from hh_sde.sweeps.form import Form
from hh_sde.sweeps.store import Store
from hh_sde.sweeps.tasks import execute, resume

zarr = pytest.importorskip("zarr", minversion="3")


def whole(plan):
    """All of a sweep in one region."""
    return toy.compute(plan, {dim: (0, size) for dim, size in plan.sizes.items()})


def spikes(ds, **place):
    """The spikes of one train."""
    one = ds.isel(place)
    start, count = int(one.spike_start), int(one.spike_count)
    return one.spike_time.isel(spike=slice(start, start + count)).values


def assert_is(ds, plan):
    """`ds` is the result of a plan."""
    expected = whole(plan)
    xr.testing.assert_identical(ds.V.load(), expected.V)
    xr.testing.assert_equal(ds.spike_count.load(), expected.spike_count)
    blocks = expected.V.groupby(expected.trial // plan.blocks["trial"]).sum(...)
    assert ds.total.sum().item() == pytest.approx(blocks.sum().item())
    for sigma in range(plan.sizes["sigma"]):
        for trial in range(plan.sizes["trial"]):
            for neuron in range(2):
                place = {"sigma": sigma, "trial": trial, "neuron": neuron}
                np.testing.assert_array_equal(spikes(ds, **place), spikes(expected, **place))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out.zarr"


@pytest.fixture
def done(path):
    execute(toy.plan(), toy.compute, store=path, threads=2)
    return path


def test_the_result_is_that_of_one_region_in_memory_and_in_a_store(path):
    plan = toy.plan()
    held = execute(plan, toy.compute, threads=2)
    stored = execute(plan, toy.compute, store=path, threads=2)
    assert_is(held, plan)
    assert_is(stored, plan)
    assert held.spike_time.size == held.spike_count.sum()
    assert held.drop_vars(["spike_time", "spike_start"]).identical(
        stored.drop_vars(["spike_time", "spike_start"]).load()
    )
    with xr.open_zarr(path) as plain:  # as anybody opens it
        assert plain.sizes["spike"] == 6 * 2 * 4 * 2 * 8
        np.testing.assert_array_equal(plain.V, held.V)
        assert plain.V.units == "mV"
        assert set(plain.coords) == {"sigma", "kind", "trial", "time", "population"}
        assert plain.population.values.tolist() == ["E", "I"]


def test_it_is_read_when_it_is_asked_for(done):
    ds = Store.open(done).dataset()
    assert not ds.V._in_memory
    assert not ds.spike_time._in_memory


def test_chunks_have_checksums_and_unwritten_spikes_take_no_room(done):
    group = zarr.open_group(done, mode="r")
    for name in ("V", "spike_time", "spike_count", "total"):
        assert group[name].metadata.codecs[-1].to_dict()["name"] == "crc32c"
    assert len(list((done / "spike_time" / "c").iterdir())) == 6
    chunk = done / "V" / "c" / "0" / "0" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    data[3] ^= 1
    chunk.write_bytes(data)
    with pytest.raises(ValueError, match=r"(?i)checksum|crc32c"):
        Store.open(done).dataset().V.load()


def test_missing_cells_are_marked_missing(path):
    plan = toy.plan()
    form = Form.of(plan, toy.compute(plan, plan.region((0, 0))))
    with Store.created(path, plan, form) as store:
        store.write((0, 1), toy.compute(plan, plan.region((0, 1))))
        missing = [(0, 0), (0, 2), (1, 0), (1, 1), (1, 2)]
        assert list(store.missing()) == missing
    ds = Store.open(path).dataset()
    there = np.zeros((3, 10), bool)
    there[:2, 4:8] = True
    np.testing.assert_array_equal(np.isfinite(ds.V).all(["time", "neuron"]), there)
    np.testing.assert_array_equal((ds.spike_count == -1).all("neuron"), ~there)
    np.testing.assert_array_equal((ds.spike_start == -1).all("neuron"), ~there)
    assert ds.spike_count.dtype == np.int64
    np.testing.assert_array_equal(np.isfinite(ds.total[1]), [False, True, False])
    assert_is(resume(path, toy.compute), plan)


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone", "spikes", "mark", "unmarked"])
def test_what_is_damaged_is_computed_again_and_nothing_else(done, damage):
    expected, marks = toy.files(done), done / "sweep" / "done"
    chunk = done / "V" / "c" / "1" / "1" / "0" / "0"
    if damage == "flipped":
        chunk.write_bytes(chunk.read_bytes()[:-1] + b"x")
    elif damage == "cut":
        chunk.write_bytes(chunk.read_bytes()[:9])
    elif damage == "gone":
        chunk.unlink()
    elif damage == "spikes":
        (done / "spike_time" / "c" / "4").write_bytes(b"")
    elif damage == "mark":
        (marks / "1.1.json").write_text('{"region": [[2, 3], [4, 8]], "digests": {}')
    else:
        (marks / "1.1.json").unlink()
    before = {mark.name: mark.stat().st_mtime_ns for mark in marks.iterdir()}
    resume(done, toy.compute)
    assert toy.files(done) == expected
    after = {mark.name: mark.stat().st_mtime_ns for mark in marks.iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {"1.1.json"}


def test_the_same_call_again_computes_nothing(done):
    def never(plan, region):
        raise AssertionError

    assert_is(execute(toy.plan(blocks=None), never, store=done), toy.plan())


def test_another_plan_is_refused_with_what_differs(done):
    before = toy.files(done)
    with pytest.raises(ValueError, match=r"another sweep: argument dt is 0.02, not 0.01"):
        execute(toy.plan(arguments={"dt": 0.02}), toy.compute, store=done)
    assert toy.files(done) == before


@pytest.mark.parametrize("size", [(3, 12), (5, 13)])
def test_a_store_grows_and_keeps_what_it_has(done, size):
    marks = done / "sweep" / "done"
    before = {mark.name: mark.stat().st_mtime_ns for mark in marks.iterdir()}
    plan = toy.plan(*size)
    kept = {b for b in toy.plan().tasks() if toy.plan().region(b) == plan.region(b)}
    with Store.writing(done) as store:
        store.grow(toy.plan(*size, blocks=None).grown_from(store.plan))
        assert status(done).done == len(kept)
    grown = execute(toy.plan(*size, blocks=None), toy.compute, store=done)
    assert_is(grown, plan)
    for name in (f"{a}.{b}.json" for a, b in kept):
        assert (marks / name).stat().st_mtime_ns == before[name]
    assert len(list(marks.iterdir())) == plan.n_tasks
    with xr.open_zarr(done) as plain:
        assert (plain.sizes["sigma"], plain.sizes["trial"]) == size
        assert plain.sigma.values.tolist() == toy.SIGMAS[: size[0]]
    assert_is(execute(toy.plan(*size), toy.compute, store=done), plan)  # grown before, not again


def test_growth_that_was_cut_short_is_finished(done):
    larger = toy.plan(3, 14, blocks=None).grown_from(toy.plan())
    (done / "sweep" / "plan.json").write_text(larger.to_json())  # and killed here
    assert Store.open(done).dataset().sizes["trial"] == 10
    assert_is(resume(done, toy.compute), toy.plan(3, 14))


def test_one_process_writes_at_a_time(done):
    with Store.writing(done), pytest.raises(StoreError, match=f"by process {os.getpid()} of"):
        resume(done, toy.compute)
    with Store.writing(done) as first:
        pass
    with Store.writing(done), pytest.raises(StoreError, match="another owner"):
        first.write((0, 0), toy.compute(first.plan, first.plan.region((0, 0))))


def test_two_that_make_a_store_at_once(path):
    plan = toy.plan()
    form = Form.of(plan, toy.compute(plan, plan.region((0, 0))))
    with Store.created(path, plan, form), pytest.raises(StoreError, match="another process"):
        Store.created(path, plan, form).__enter__()
    assert [one.name for one in path.parent.iterdir()] == ["out.zarr"]


def test_the_lock_of_a_killed_process_is_free(done):
    code = (
        "import sys, time\nfrom hh_sde.files.lock import Lock\nfrom pathlib import Path\n"
        "with Lock(Path(sys.argv[1])):\n    print('locked', flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, done / "sweep"], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(StoreError, match=f"process {other.pid} of"), Store.writing(done):
            pass
        assert status(done).running
        other.kill()
    with Store.writing(done):
        pass


def test_more_spikes_than_there_is_room_for_fail(path):
    plan = toy.plan().replace(spikes_per_neuron=1)

    def busy(plan, region):
        ds = toy.compute(plan, region)
        n = int(ds.spike_count.max()) + 10
        count = np.full(ds.spike_count.shape, n)
        start = (np.cumsum(count) - n).reshape(count.shape)
        times = ("spike", np.zeros(count.sum()), ds.spike_time.attrs)
        dims = ds.spike_count.dims
        return ds.assign(spike_time=times, spike_start=(dims, start), spike_count=(dims, count))

    with pytest.warns(UserWarning, match="6 of 6 tasks failed.*has room for 16"):
        execute(plan, busy, store=path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda ds: ds.assign(x=(("sigma", "trial"), np.full(ds.total.shape, "a"))), "signed int"),
        (lambda ds: ds.assign(x=ds.sigma > 1), "it needs trial too, or trial_block"),
        (lambda ds: ds.assign(x=ds.V > 0), "signed integers"),
        (lambda ds: ds.assign(x=ds.V.astype(object)), "signed integers"),
        (lambda ds: ds.rename(V="../V"), "letters, digits and _"),
        (lambda ds: ds.rename(V="sweep"), "names of their own"),
        (lambda ds: ds.rename(neuron="a/b"), "letters, digits and _"),
        (lambda ds: ds.assign_attrs(x={"a": object()}), "text, a finite number"),
        (lambda ds: ds.assign_attrs(x=float("nan")), "text, a finite number"),
        (lambda ds: ds.assign(V=ds.V.assign_attrs(scale_factor=2.0)), "'scale_factor' of V"),
        (lambda ds: ds.assign(V=ds.V.assign_attrs(units="days since 2000")), "make dates"),
        (lambda ds: ds.drop_vars("spike_count"), "all three"),
        (lambda ds: ds.assign_coords(x=("time", [object()] * 3)), "floats, signed integers"),
        (lambda ds: ds.V, "must be computed as a Dataset"),
    ],
)
def test_results_that_no_store_can_hold_are_refused(path, change, words):
    with pytest.raises((TypeError, ValueError), match=words):
        execute(toy.plan(), lambda plan, region: change(toy.compute(plan, region)), store=path)
    assert not list(path.parent.iterdir())


def test_a_region_of_another_form_fails_alone(path):
    def odd(plan, region):
        ds = toy.compute(plan, region)
        return ds.assign(V=ds.V.astype("float32")) if region["sigma"][0] == 2 else ds

    def shifted(plan, region):
        ds = toy.compute(plan, region)
        return ds.assign_coords(time=ds.time + 1.0) if region["trial"][0] == 4 else ds

    def mixed(plan, region):
        return toy.compute(plan, {**region, "trial": (0, region["trial"][1] - region["trial"][0])})

    for compute, failed, words in ((odd, 3, "f4"), (shifted, 2, "time"), (mixed, 4, "trial")):
        with pytest.warns(UserWarning, match=f"(?s){failed} of 6 tasks failed.*{words}"):
            execute(toy.plan(), compute, store=path)
        assert_is(resume(path, toy.compute), toy.plan())
        os.rename(path, path.with_name(f"{compute.__name__}.zarr"))


def test_what_failed_is_recorded_and_the_rest_goes_on(path):
    plan = toy.plan(arguments={"fails_at": 2.0})
    with pytest.warns(UserWarning, match=r"3 of 6 tasks failed.*FloatingPointError: V became"):
        ds = execute(plan, toy.compute, store=path)
    np.testing.assert_array_equal(np.isnan(ds.V).all(["trial", "time", "neuron"]), [0, 0, 1])
    found = failures(path)
    assert found[0]["region"] == {"sigma": [2, 3], "trial": [0, 4]}
    assert found[0]["coordinates"] == {"sigma": [2.0], "kind": ["high"], "trial": [0, 1, 2, 3]}
    assert "isel(sigma=slice(2, 3), trial=slice(0, 4))" in found[0]["rerun"]
    assert status(path).failed == 3
    assert json.loads(ds.failed) == found
    with pytest.warns(UserWarning, match="3 of 6"):
        held = execute(plan, toy.compute)
    assert np.isnan(held.V[2]).all()


def test_cells_that_fail_leave_the_rest_of_their_task(path):
    def diverging(plan, region):
        ds = toy.compute(plan, region)
        if 1.0 not in ds.sigma or 5 not in ds.trial:
            return ds
        alive = ds.sigma != 1.0
        n = int(ds.spike_count.where(alive, 0).sum())  # those of sigma 1 come last
        cells = [{"cell": {"sigma": 1.0}, "reason": "V diverged"}]
        return (
            ds.drop_vars("spike_time")
            .assign(
                V=ds.V.where(alive),
                spike_time=ds.spike_time[:n],
                spike_start=ds.spike_start.where(alive, -1),
                spike_count=ds.spike_count.where(alive, -1),
            )
            .assign_attrs(failed=json.dumps(cells))
        )

    for place in ({"store": path}, {}):
        with pytest.warns(UserWarning, match=r"1 of 6 tasks.*'sigma': 1.0, .*V diverged"):
            ds = execute(toy.plan(), diverging, **place)
        assert np.isnan(ds.V.sel(sigma=1.0, trial=5)).all()
        assert ds.V.sel(sigma=0.5).notnull().all()
        assert (ds.spike_start.sel(sigma=1.0, trial=5) == -1).all()
        last = {"sigma": 2, "trial": 9, "neuron": 1}
        np.testing.assert_array_equal(spikes(ds, **last), spikes(whole(toy.plan()), **last))
        (found,) = json.loads(ds.failed)
        assert found["region"] == {"sigma": [0, 2], "trial": [4, 8]}
        assert found["coordinates"]["sigma"] == 1.0
    assert (status(path).done, status(path).failed) == (6, 1)
    assert failures(path)[0]["reason"] == "V diverged"
    assert not list(Store.open(path).missing())


def test_status(done):
    found = status(done)
    assert (found.total, found.done, found.failed, found.running) == (6, 6, 0, False)
    assert found.size == sum(one.stat().st_size for one in done.rglob("*") if one.is_file())
    assert str(found).startswith("6 of 6 tasks done (100 %), ")
    (done / "sweep" / "done" / "0.0.json").unlink()
    assert "5 of 6 tasks done (83.3 %), " in str(status(done))
    assert str(status(done)).endswith("not running")
    with Store.writing(done) as store:
        store.write((0, 0), toy.compute(store.plan, store.plan.region((0, 0))))
        (done / "sweep" / "done" / "1.1.json").unlink()
        time.sleep(0.01)
        found = status(done)
    assert found.running
    assert 0 < found.rate < 100
    assert found.left == pytest.approx(1 / found.rate)
    assert "tasks/s" in str(found)


def test_what_is_no_store_is_refused(path, tmp_path):
    with pytest.raises(FileNotFoundError, match="no store"):
        resume(path, toy.compute)
    path.mkdir()
    with pytest.raises(ValueError, match="not the store of a sweep"):
        execute(toy.plan(), toy.compute, store=path)
    xr.Dataset({"a": 1}).to_zarr(tmp_path / "other.zarr", zarr_format=3, consolidated=False)
    with pytest.raises(ValueError, match="not the store of a sweep"):
        resume(tmp_path / "other.zarr", toy.compute)


@pytest.mark.parametrize("name", ["plan.json", "form.json"])
def test_damaged_text_of_a_store_is_refused(done, name):
    file = done / "sweep" / name
    text = file.read_text()
    hostile = text.replace('"trial"', '"../trial"')
    for damaged in ("", "null", "{}", "[" * 5000, text[: len(text) // 2], hostile):
        file.write_text(damaged)
        with pytest.raises(ValueError, match="not the store of a sweep"):
            resume(done, toy.compute)


def test_links_lead_no_task_out_of_its_store(done, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    for inside in ("V/c/1", "spike_time/c", "sweep/done", "sweep/temporary", "sigma"):
        target = done / inside
        os.rename(target, tmp_path / "kept")
        target.symlink_to(outside, target_is_directory=True)
        if "/c" in inside:  # that of tasks, which fail
            with pytest.warns(UserWarning, match="tasks failed.*leads out of the store"):
                resume(done, toy.compute)
        else:
            with pytest.raises(ValueError, match="leads out of the store"):
                resume(done, toy.compute)
        assert not list(outside.iterdir())
        target.unlink()
        os.rename(tmp_path / "kept", target)
    assert_is(resume(done, toy.compute), toy.plan())


def test_a_mark_names_no_files(done):
    mark = done / "sweep" / "done" / "0.0.json"
    tree = json.loads(mark.read_text())
    secret = done.parent / "secret"
    secret.write_bytes(b"x")
    mark.write_text(json.dumps({**tree, "digests": {"../secret": digest(b"x")}}))
    assert not Store.open(done).is_done((0, 0))
    for n_spikes in (-1, 10**9, "3", None, True, 2.0):
        mark.write_text(json.dumps({**tree, "n_spikes": n_spikes}))
        assert not Store.open(done).is_done((0, 0))


def test_what_a_killed_process_left_beside_a_store_is_cleared(path):
    left = path.with_name(f".{path.name}.{'0' * 32}")
    (left / "sweep").mkdir(parents=True)
    (left / "sweep" / "lock").touch()
    kept = path.with_name(f".{path.name}.backup")
    (kept / "sweep").mkdir(parents=True)
    execute(toy.plan(), toy.compute, store=path)
    assert sorted(one.name for one in path.parent.iterdir()) == [kept.name, path.name]

"""Hostile inputs: what takes them up, what judges them, and a share of them."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from fuzz import judging, surface
from fuzz.examples import collected

import hh_sde as hh
from hh_sde.accessor import HHAccessor

ROOT = Path(__file__).parent


def fuzz(*arguments, module="fuzz", timeout=600):
    """A campaign in a process of its own."""
    paths = [ROOT, ROOT.parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    words = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=timeout)


def test_what_is_public_is_a_target(monkeypatch):
    def new_measure(ds):
        """Nothing."""

    monkeypatch.setattr(hh.measures, "new_measure", new_measure, raising=False)
    monkeypatch.setattr(hh.measures, "__all__", [*hh.measures.__all__, "new_measure"])
    monkeypatch.setattr(HHAccessor, "new_method", new_measure, raising=False)
    known = surface.targets()
    assert {"hh_sde.measures.new_measure", "ds.hh.new_method", "hh_sde.Network.from_dataset"} <= {
        *known
    }
    called = [target.call for target in known.values()]
    for table in (hh.STIMULI, hh.NOISES, hh.studies.STUDIES, hh.plot.PLOTS):
        assert all(entry in called for entry in table.values())
    assert KeyError in {one.__base__ for one in known["hh_sde.CELLS.__getitem__"].errors}
    assert FileNotFoundError in known["hh_sde.sweeps.status"].errors
    assert KeyError not in known["hh_sde.solve"].errors


def test_examples_are_seen_with_their_arguments():
    targets = surface.targets()
    seen = collected(targets.values(), lambda name: name == "hh_sde.measures.counts")
    (call,) = seen.of_call(targets["hh_sde.measures.psth"])
    assert set(call) == {"ds", "bin"}
    assert call in seen.of_call(targets["ds.hh.psth"])
    assert seen.kinds["Network"]
    assert any(isinstance(one, xr.Dataset) for one in seen.named["ds"])


def over(ds):
    return ds.assign(y=("t", [np.nan], {"nan_means": "nothing"}))


def raises(error):
    raise error


#: What is called, and what is found wrong with it.
JUDGED = {
    "a documented error": (lambda: raises(ValueError("V must be finite")), None),
    "another": (lambda: raises(KeyError("V")), "KeyError"),
    "no message": (lambda: raises(ValueError()), "no message"),
    "a number": (lambda: 1.0, None),
    "NaN": (lambda: [1.0, np.array([np.nan])], "silent NaN"),
    "NaN of a Dataset": (lambda: xr.Dataset({"y": ("t", [np.nan])}), "silent NaN"),
    "NaN that is named": (lambda: over(xr.Dataset()), None),
    "a hang": (lambda: time.sleep(60), "hung"),
    "a file": (lambda: Path("here").write_text(""), None),
    "another file": (lambda: Path("there").mkdir(), "written elsewhere"),
    "a file elsewhere": (lambda: Path("../../../new").touch(), "written elsewhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", JUDGED)
def test_what_may_not_come_is_found(case, monkeypatch, tmp_path):
    monkeypatch.setattr(judging, "PATIENCE", 0.3)
    call, wrong = JUDGED[case]
    place = tmp_path / "of" / "inputs"
    place.mkdir(parents=True)
    one = judging.Input(case, call, surface.DOCUMENTED, lambda: "told", outputs=lambda: ["here"])
    finding = judging.Judge(place).of(one)
    assert not list(place.iterdir())
    assert (finding and finding.what) == wrong
    assert finding is None or (finding.name, finding.told.split("\n")[0]) == (case, "told")


def test_nan_of_what_is_not_finite_is_none(tmp_path):
    judge = judging.Judge(tmp_path)
    one = judging.Input("f", lambda: np.nan, (), lambda: "", finite=lambda: False)
    assert judge.of(one) is None


def test_a_share_of_all_calls():
    done = fuzz("--family", "calls", "--inputs", 500, "--quick", "--processes", 1, "--seed", 1)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_all_families():
    done = fuzz("--inputs", 100_000, "--seed", 2, timeout=4 * 3600)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="needs atheris, extra fuzz")
def test_bytes_by_coverage(tmp_path):
    out = tmp_path / "findings"
    done = fuzz("--runs", 20_000, "--out", out, module="fuzz.coverage_guided", timeout=4 * 3600)
    assert "Done 20000" in done.stderr, done.stderr
    assert not out.exists(), out.read_text()

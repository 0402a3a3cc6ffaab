"""What benchmarks need is seen before they measure."""

import importlib.util
import shutil
from pathlib import Path

import pytest

PEERS = Path(__file__).parents[1] / "benchmarks" / "peers.py"


@pytest.fixture
def peers(monkeypatch):
    if not PEERS.exists():
        pytest.skip("the tests run outside the repository")
    monkeypatch.syspath_prepend(PEERS.parent)
    spec = importlib.util.spec_from_file_location("peers", PEERS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_missing_is_said_before_anything_is_measured(peers, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert [one.split()[0] for one in peers.missing(["engine"])] == ["matplotlib"]
    assert peers.missing(["C, gcc -Ofast, libmvec"])[1:] == ["gcc"]
    monkeypatch.setattr(peers, "environment", lambda *_: pytest.fail("it began"))
    monkeypatch.setattr("sys.argv", ["peers.py", "--only", "engine", "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        peers.main()
    assert "nothing was measured" in capsys.readouterr().err

"""Every example runs, in a small size, and writes its figure and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example(script, tmp_path):
    run = subprocess.run(
        [sys.executable, "-W", "error", script, "--quick"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout or script.stem == "own_sde"
    assert [path.name for path in tmp_path.iterdir()] == [f"{script.stem}.png"]

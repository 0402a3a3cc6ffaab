"""Every example runs, in a small size, and writes its figure and what its docstring names."""

import ast
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
#: Those that need libraries which are no part of the extra `test`, and are slow; these warn.
OF_OTHERS = {"inference": ("sbi", "pyabc")}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(path, marks=pytest.mark.slow if path.stem in OF_OTHERS else (), id=path.stem)
        for path in EXAMPLES
    ],
)
def test_example(script, tmp_path):
    for library in OF_OTHERS.get(script.stem, ()):
        if find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    strict = () if script.stem in OF_OTHERS else ("-W", "error")
    run = subprocess.run(
        [sys.executable, *strict, script, "--quick"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout or script.stem == "own_sde"
    written = {path.name for path in tmp_path.iterdir()}
    assert f"{script.stem}.png" in written
    about = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    assert written <= set(re.findall(r"[\w.-]+\w", about.split("Writes ")[1]))


def test_the_page_of_examples_lists_each_with_its_question():
    page = (EXAMPLES[0].parent.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    for script in EXAMPLES:
        first = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))).split("\n")[0]
        assert f"- [`{script.name}`](../examples/{script.name}): {first}\n" in page

"""Every example runs, in a small size, and writes its figure and what its docstring names."""

import ast
import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(script), "--quick"])
    runpy.run_path(str(script), run_name="__main__")
    plt.close("all")
    assert capsys.readouterr().out or script.stem == "own_sde"
    written = {path.name for path in tmp_path.iterdir()}
    assert f"{script.stem}.png" in written
    about = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    assert written <= set(re.findall(r"[\w.]+\w", about.split("Writes ")[1]))


def test_the_page_of_examples_lists_each_with_its_question():
    page = (EXAMPLES[0].parent.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    for script in EXAMPLES:
        first = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))).split("\n")[0]
        assert f"- [`{script.name}`](../examples/{script.name}): {first}\n" in page

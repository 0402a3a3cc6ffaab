"""Every example runs, in a small size, and writes its figure and what its docstring names."""

import ast
import importlib.util
import re
import runpy
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

import hh_sde as hh

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
#: Those that need libraries which are no part of the extra `test`.
OF_OTHERS = {"inference": ("sbi", "pyabc"), "gradient_through_diffrax": ("diffrax",)}
#: pyloric's loops take about as long to compile as those of all others; the others here are long.
SLOW = {"pyloric", "channel_noise", "ten_thousand_neurons", *OF_OTHERS}


def run(script, monkeypatch):
    monkeypatch.setattr("sys.argv", [str(script), "--quick"])
    runpy.run_path(str(script), run_name="__main__")
    plt.close("all")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in SLOW else [])
        for path in EXAMPLES
    ],
)
def test_example(script, tmp_path, monkeypatch, capsys):
    for library in OF_OTHERS.get(script.stem, ()):
        if find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    monkeypatch.chdir(tmp_path)
    run(script, monkeypatch)
    assert capsys.readouterr().out or script.stem == "own_sde"
    written = {path.name for path in tmp_path.iterdir()}
    assert f"{script.stem}.png" in written
    about = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    assert written <= set(re.findall(r"[\w.-]+\w", about.split("Writes ")[1]))


def test_the_longest_example_comes_to_its_run(monkeypatch):
    """The others show that what a result is asked for is there."""
    runs = []

    def solve(net, t_end, **options):
        runs.append(net)
        raise InterruptedError

    monkeypatch.setattr(hh, "solve", solve)
    with pytest.raises(InterruptedError):
        run(FOLDER / "pyloric.py", monkeypatch)
    (net,) = runs
    assert [*net.populations] == ["AB", "LP", "PY"]
    assert len(net.synapses) == 7
    assert {one.cell.name for one in net.populations.values()} == {"prinz_abpd"}


def test_the_gallery_has_a_page_for_each(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location(
        "gallery_pages", FOLDER.parent / "docs" / "gallery_pages.py"
    )
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    named = [name for section in pages.SECTIONS.values() for name in section]
    assert sorted(named) == [path.stem for path in EXAMPLES]
    assert set(pages.NOT_RUN) <= set(named)
    assert len(set(named) - set(pages.NOT_RUN)) >= 24
    monkeypatch.setattr(pages, "COPIES", tmp_path)
    pages.copy()
    for script in EXAMPLES:
        (page,) = tmp_path.glob(f"*/{script.name}")
        text = page.read_text(encoding="utf-8")
        title, underline, _, question = ast.get_docstring(ast.parse(text)).split("\n")[:4]
        assert set(underline) == {"="}
        assert len(underline) == len(title)
        assert question == pages.about(script.stem)[0]
        assert text.endswith(script.read_text(encoding="utf-8").split('"""', 2)[2]) or (
            script.stem in pages.NOT_RUN
        )

"""The README is in step with the code."""

import importlib.util
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"


@pytest.fixture
def text():
    if not README.exists():
        pytest.skip("the tests run outside the repository")
    return README.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_python_lines_run(text, page, tmp_path, monkeypatch):
    shown = (ROOT / page).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", shown, re.DOTALL))
    assert len(code.splitlines()) <= 20
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {})
    plt.close("all")
    assert (tmp_path / "traces.png").exists()
    assert (tmp_path / "run.nc").exists()


def test_links_lead_somewhere(text):
    pages = [(ROOT, text), *((DOCS, page.read_text("utf-8")) for page in DOCS.glob("*.md"))]
    for folder, page in pages:
        for target in re.findall(r"\]\(([\w./-]+)\)", page):
            if not target.startswith("gallery/"):  # which the docs' build makes of examples/
                assert (folder / target).exists(), target


def test_the_tables_in_the_docs_are_those_of_the_code(text):
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    generate.check()
    places = sum(page.count("<!-- table: ") for page in generate.pages().values())
    assert places == len(generate.tables())
    generate.markdown = lambda: "another table"
    with pytest.raises(RuntimeError, match=r"the tables in choosing_a_method\.md are old"):
        generate.check()


def test_nothing_is_left_to_be_filled_in(text):
    pages = {"README.md": text} | {page.name: page.read_text("utf-8") for page in DOCS.glob("*.md")}
    found = [name for name, page in pages.items() if re.search(r"@@|TODO|FIXME", page)]
    assert found == []


def test_versions_agree():
    from importlib import metadata

    version = metadata.version("hh_sde")
    assert f"version = {version}" in (ROOT / "setup.cfg").read_text()
    assert f"version: {version}" in (ROOT / "CITATION.cff").read_text()

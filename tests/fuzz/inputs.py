"""Inputs in families: calls, configurations, files, descriptions."""

import contextlib
import inspect
import json
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import typer
import xarray as xr
from typer.testing import CliRunner

import hh_sde as hh
from fuzz import judging
from fuzz.damage import HOSTILE, Draw, arguments, called, damaged
from fuzz.examples import Examples
from fuzz.surface import DOCUMENTED, Target
from hh_sde import config, descriptions
from hh_sde.cli import app
from hh_sde.records import Record, shown

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Input:
    """Something to call, and what to judge it by."""

    name: str
    call: Callable[[], Any]
    errors: tuple[type[BaseException], ...]
    told: Callable[[], str]
    finite: Callable[[], bool] = lambda: True
    says_missing: bool = False

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.name)  # hypothesis writes down every input

    def judged(self, judge: judging.Judge) -> judging.Finding | None:
        return judge.of(
            self.name, self.call, self.errors, self.told, self.finite, self.says_missing
        )


def calls(target: Target, examples: Examples) -> st.SearchStrategy[Input]:
    """Calls of something public."""
    return arguments(target, examples).map(
        lambda given: Input(
            target.name,
            lambda: called(target, given),
            # a run takes as long as it is asked to, and Ctrl-C ends it
            target.errors + ((KeyboardInterrupt,) if "t_end" in target.parameters else ()),
            lambda: judging.told(given),
            lambda: not judging.silent(given, nan_means=False),
            "NaN" in (inspect.getdoc(target.call) or ""),
        )
    )


# -- configurations --------------------------------------------------------------------------------


def tomls() -> list[str]:
    """Configurations: the template, those of the examples, and those in the docs."""
    files = [ROOT / "hh_sde" / "template.toml", *sorted((ROOT / "examples").glob("*.toml"))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    for page in sorted((ROOT / "docs").glob("*.md")):
        texts += re.findall(r"(?s)```toml\n(.*?)```", page.read_text(encoding="utf-8"))
    return texts


@st.composite
def _text_changed(draw: Draw, text: str, words: list[str]) -> str:
    """A text with words, characters or lines changed, by those of others."""
    for _ in range(draw(st.integers(1, 4))):
        pieces = re.split(r"(\w[\w.]*|\n)", text)
        at = draw(st.integers(0, len(pieces) - 1))
        by = draw(st.sampled_from([
            "", "\n", "-", "0", "-1", "1e999", "nan", "inf", "[", "]", '"', "'", "=", ".", "\\u0000",
            "9" * 5000, "[[" * 2000, "true", "1979-05-27", "\ufeff", "é",
        ]))  # fmt: skip
        word = draw(st.sampled_from(words))
        pieces[at] = draw(st.sampled_from([by, word, pieces[at] * 2, pieces[at] + by, word + by]))
        text = "".join(pieces)
    return text


def _toml(value: Any) -> str:
    """A value in TOML, as far as it can be; else as text that is none."""
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{json.dumps(str(k))} = {_toml(one)}" for k, one in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else shown(value)


@st.composite
def configurations(draw: Draw) -> Input:
    """Damaged configurations, read or run."""
    texts = tomls()
    text = draw(st.sampled_from(texts))
    if draw(st.booleans()):
        try:
            tree = damaged(tomllib.loads(text), draw)
        except tomllib.TOMLDecodeError:
            tree = {}
        whole = isinstance(tree, Mapping)
        text = "\n".join(f"{json.dumps(str(key))} = {_toml(one)}" for key, one in tree.items()) if whole else shown(tree)  # fmt: skip
    else:
        words = re.findall(r"\w[\w.]*", draw(st.sampled_from(texts)))
        text = draw(_text_changed(text, words))
    readers: list[Callable[[Path], Any]] = [config.load, config.load_network, config.load_sweep]
    readers += [
        lambda path, name=name: config.load_study(path, name) for name in hh.studies.STUDIES
    ]
    commands = [command for command in _commands() if command in ("run", "info", "sweep", "study")]
    at = draw(st.integers(0, len(readers) - 1))
    command = draw(st.sampled_from(commands)) if draw(st.integers(0, 9)) == 0 else ""

    def call() -> Any:
        path = Path("input.toml")
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        return _command(command, path) if command else readers[at](path)

    name = f"hh-sde {command}" if command else f"configuration {at}"
    return Input(name, call, (*DOCUMENTED, SystemExit), lambda: text)


def _commands() -> dict[str, Any]:
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def _command(name: str, path: Path) -> None:
    """A command of hh-sde on a file, which writes where it is told and nowhere else."""
    before = set(Path().rglob("*"))
    takes = {option for one in _commands()[name].params for option in one.opts}
    words = [name, *(["rate_curve"] if name == "study" else []), str(path)]
    words += ["--out", "out.nc"] if "--out" in takes else []
    words += ["--store", "out.zarr"] if name == "sweep" else []
    words += ["--quiet"] if "--quiet" in takes else []
    try:
        result = CliRunner().invoke(app, words)
        error = result.exception
        if error is not None and not isinstance(error, SystemExit):
            raise error
        if result.exit_code not in (0, 1, 2, 130) or "Traceback" in result.output:
            raise RuntimeError(f"exit code {result.exit_code}: {result.output[-300:]}")
        new = {one.parts[0] for one in set(Path().rglob("*")) - before}
        if new - {"out.nc", "out.zarr", "out.png", path.name}:
            raise RuntimeError(f"written: {sorted(new)}")
    finally:
        Path("out.nc").unlink(missing_ok=True)
        shutil.rmtree("out.zarr", ignore_errors=True)


# -- files -----------------------------------------------------------------------------------------

Files = dict[str, bytes]


class Folders(dict[str, tuple[Files, Any]]):
    """Files by name in their folder, and what goes on with a store, by name."""

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("folders")


def folders(examples: Examples) -> Folders:
    """Files that the library makes."""
    made = Folders()
    net = hh.Network(2, noise=hh.CurrentNoise(1.0))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for k, ds in enumerate(examples.kinds["Dataset"][:12]):
            for name, write in {"run.nc": ds.to_netcdf, "run.zarr": ds.to_zarr}.items():
                with contextlib.suppress(Exception):  # of variables that it cannot keep
                    write(name)
                    made[f"{name} {k}"] = _taken(name), None

        def run() -> Any:
            return hh.solve(
                net, 2.0, rng=1, record=("V", "spikes"), store="run.store", progress=False
            )

        def sweep() -> Any:
            over = {"stimulus": [6.0, 10.0]}
            return hh.sweep(net, over, 2.0, trials=2, rng=1, store="sweep.store", progress=False)

        for name, make in {"run.store": run, "sweep.store": sweep}.items():
            make()
            made[name] = _taken(name), make
        with contextlib.suppress(ImportError):
            for k, one in enumerate(examples.kinds["Network"][:12]):
                with contextlib.suppress(ValueError):  # of what NeuroML has not
                    hh.interop.neuroml.write(one, "net.nml")
                    made[f"net.nml {k}"] = _taken("net.nml"), None
    return made


def _taken(name: str) -> Files:
    """The files of a name, which go."""
    path = Path(name)
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    found = {os.fspath(file): file.read_bytes() for file in files}
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return found


@st.composite
def _bytes_changed(draw: Draw, data: bytes) -> bytes:
    """Bytes changed somewhere, or cut."""
    made = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(made) - 1, 0)))
        what = draw(st.integers(0, 5))
        if what == 0:
            del made[at:]
        elif what == 1:
            made[at:at] = draw(st.binary(max_size=8))
        elif what == 2:
            del made[at : at + draw(st.integers(1, 64))]
        elif made:
            made[at] = draw(st.sampled_from([0, 255, made[at] ^ (1 << draw(st.integers(0, 7)))]))
    return bytes(made)


@st.composite
def _content_changed(draw: Draw, data: bytes) -> bytes:
    """The content of a file changed as what it is: JSON, text, bytes."""
    if draw(st.booleans()):
        return draw(_bytes_changed(data))
    try:
        text = data.decode()
        tree = json.loads(text)
    except UnicodeDecodeError:
        return draw(_bytes_changed(data))
    except ValueError:
        return draw(_text_changed(text, re.findall(r"\w[\w.]*", text) or [""])).encode(
            "utf-8", "replace"
        )
    return json.dumps(damaged(tree, draw), default=shown, skipkeys=True).encode()


@st.composite
def files(draw: Draw, folders: Folders, targets: Mapping[str, Target]) -> Input:
    """Damaged files and stores, given to whatever reads a path, to commands, or gone on with."""
    name = draw(st.sampled_from(sorted(folders)))
    whole, go_on = folders[name]
    held = dict(whole)
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        one = draw(st.sampled_from(sorted(held))) if held else ""
        what = draw(st.integers(0, 9))
        if not held or what == 0:
            held.pop(one, None)
        elif what == 1:
            held[one] = held[draw(st.sampled_from(sorted(held)))]
        elif what == 2:
            held[one + "/file"] = held.pop(one)  # a folder in place of a file
        else:
            held[one] = draw(_content_changed(held[one]))
    linked = draw(st.sampled_from(sorted(held))) if held and draw(st.integers(0, 9)) == 0 else ""
    readers = sorted(name for name, one in targets.items() if _path_of(one))
    commands = [f"hh-sde {command}" for command in _commands() if command in ("info", "status", "resume", "plot")]  # fmt: skip
    reader = draw(st.sampled_from([*readers, *commands, *(["again"] * 6 if go_on else [])]))
    path = name.split()[0]

    def call() -> Any:
        try:
            _put(held, linked)
            if reader == "again":
                return _read(go_on())
            if reader.startswith("hh-sde"):
                return _command(reader.split()[1], Path(path))
            return _read(called(targets[reader], {_path_of(targets[reader]): path}))
        finally:
            for made in (path, "elsewhere"):
                shutil.rmtree(made, ignore_errors=True)
                Path(made).unlink(missing_ok=True)

    changed = {one: data for one, data in held.items() if whole.get(one) != data}
    return Input(
        reader if reader != "again" else f"{path} again", call, (*DOCUMENTED, SystemExit),
        lambda: f"{name} {linked}: {judging.told(changed)}", lambda: False,
    )  # fmt: skip


def _path_of(target: Target) -> str:
    """The parameter of a function that reads a path, which is its first; or none."""
    first = next(iter(target.parameters.values()), None)
    return first.name if first and "PathLike" in str(first.annotation) else ""


def _put(held: Files, linked: str) -> None:
    for file, data in held.items():
        place = Path(file)
        if any(one.is_file() for one in place.parents):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if file == linked:  # its folder, or itself, leads elsewhere
            Path("elsewhere").mkdir(exist_ok=True)
            Path("elsewhere", "file").write_bytes(data)
            place.symlink_to(Path("elsewhere", "file").absolute())
        elif not place.is_dir():
            place.write_bytes(data)


def _read(result: Any) -> Any:
    """All of a result that is read when it is used."""
    return result.load() if isinstance(result, xr.Dataset) else result


# -- descriptions ----------------------------------------------------------------------------------


@st.composite
def trees(draw: Draw, examples: Examples) -> Input:
    """Damaged descriptions, of records alone and in results, and plans."""
    records = [one for one in examples.kinds["Record"] if not isinstance(one, hh.SpikeTimes)]
    value = draw(st.sampled_from([*records, *examples.kinds["Network"]]))
    try:
        tree = (
            descriptions.encode(value, "it")
            if isinstance(value, Record)
            else json.loads(value.describe())
        )
    except TypeError:  # of functions of a user's own
        tree = {"type": "Network"}
    for _ in range(draw(st.integers(1, 3))):
        tree = damaged(tree, draw)
    what = draw(st.integers(0, 2))
    text = json.dumps(tree, default=shown, skipkeys=True)

    def call() -> Any:
        if what == 0:
            return descriptions.decode(json.loads(text), "it")
        ds = draw_ds.assign_attrs(network=text)
        return hh.Network.from_dataset(ds).sde() if what == 1 else hh.rerun(ds)

    draw_ds = draw(st.sampled_from(examples.kinds["Dataset"]))
    name = ["decode", "Network.from_dataset", "rerun"][what]
    finite = not re.search("NaN|Infinity", text)
    return Input(f"description: {name}", call, DOCUMENTED, lambda: text, lambda: finite)


def families(
    examples: Examples, targets: Mapping[str, Target]
) -> dict[str, Callable[[], Iterator[tuple[str, st.SearchStrategy[Input]]]]]:
    """The families, each of parts."""

    def of_calls() -> Iterator[tuple[str, st.SearchStrategy[Input]]]:
        for name, target in targets.items():
            if target.owner is None or examples.kinds[target.owner.__name__]:
                yield name, calls(target, examples)

    return {
        "calls": of_calls,
        "configurations": lambda: iter([("all", configurations())]),
        "files": lambda: iter([("all", files(folders(examples), targets))]),
        "descriptions": lambda: iter([("all", trees(examples))]),
    }

"""What reads files and texts: configurations, results, stores, NeuroML, descriptions, commands."""

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
import xarray as xr
from typer.testing import CliRunner

import hh_sde as hh
from fuzz import judging
from fuzz.examples import Examples
from fuzz.judging import Input
from fuzz.surface import DOCUMENTED, Target
from hh_sde import config, descriptions
from hh_sde.cli import app

ROOT = Path(__file__).parents[2]
Files = dict[str, bytes]


@dataclass(repr=False)
class Folder:
    """Files that the library made, and the call that goes on with them if they are a store."""

    name: str
    files: Files
    go_on: Callable[[], Any] | None = None


@dataclass(repr=False)
class Readers:
    """Whatever reads, and what it reads."""

    targets: Mapping[str, Target]
    examples: Examples
    folders: list[Folder] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folders = _folders(self.examples)
        self.of_path = sorted(name for name, one in self.targets.items() if _path_of(one))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text("readers")

    def of_configuration(self, data: bytes, which: int) -> Input:
        """Bytes as a configuration, read or run."""
        readers: dict[str, Callable[[Path], Any]] = {
            **{f"config.{one.__name__}": one
               for one in (config.load, config.load_network, config.load_sweep)},
            **{f"config.load_study {name}": lambda path, name=name: config.load_study(path, name)
               for name in hh.studies.STUDIES},
            **_commands_of("config", "file"),
        }  # fmt: skip
        name, read = list(readers.items())[which % len(readers)]

        def call() -> Any:
            path = Path("input.toml")
            path.write_bytes(data)
            try:
                return read(path)
            finally:
                path.unlink()

        return Input(name, call, (*DOCUMENTED, SystemExit), lambda: repr(data))

    def of_files(self, folder: Folder, files: Files, which: int, linked: str = "") -> Input:
        """Files in place of those of a folder, one of them perhaps a link out of it."""
        path, go_on = folder.name.split()[0], folder.go_on
        readers: dict[str, Callable[[Path], Any]] = {
            **{name: lambda path, one=self.targets[name]: one.call(**{_path_of(one): path})
               for name in self.of_path},
            **_commands_of("file", "store", "result"),
        }  # fmt: skip
        if go_on:
            readers |= {f"{path} again {k}": lambda path: go_on() for k in range(len(readers))}
        name, read = list(readers.items())[which % len(readers)]

        def call() -> Any:
            try:
                _put(files, linked)
                found = read(Path(path))
                return found.load() if isinstance(found, xr.Dataset) else found
            finally:
                for made in (path, "elsewhere"):
                    shutil.rmtree(made, ignore_errors=True)
                    Path(made).unlink(missing_ok=True)

        changed = {one: data for one, data in files.items() if folder.files.get(one) != data}
        lost = sorted(set(folder.files) - set(files))
        return Input(
            name, call, (*DOCUMENTED, SystemExit, KeyboardInterrupt),
            lambda: f"{folder.name}, without {lost}, link {linked}: {judging.told(changed)}",
            lambda: False,
        )  # fmt: skip

    def of_description(self, text: str, which: int, ds: xr.Dataset) -> Input:
        """A text as a description, alone or that of a result."""

        def call() -> Any:
            if which % 3 == 0:
                try:
                    tree = json.loads(text)
                except (ValueError, RecursionError):
                    return None
                return descriptions.decode(tree, "it")
            of_it = ds.assign_attrs(network=text)
            return hh.Network.from_dataset(of_it).sde() if which % 3 == 1 else hh.rerun(of_it)

        name = ["descriptions.decode", "Network.from_dataset", "rerun"][which % 3]
        finite = not re.search("NaN|Infinity", text)
        return Input(name, call, (*DOCUMENTED, KeyboardInterrupt), lambda: text, lambda: finite)


def configurations() -> list[str]:
    """The template, those of the examples, and those in the docs."""
    files = [ROOT / "hh_sde" / "template.toml", *sorted((ROOT / "examples").glob("*.toml"))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    for page in sorted((ROOT / "docs").glob("*.md")):
        texts += re.findall(r"(?s)```toml\n(.*?)```", page.read_text(encoding="utf-8"))
    return texts


def described(examples: Examples) -> list[str]:
    """Descriptions of records."""
    found = []
    for one in examples.kinds["Record"]:
        with contextlib.suppress(TypeError):  # of functions of a user's own
            found.append(json.dumps(descriptions.encode(one, "it")))
    return found


def _commands_of(*words: str) -> dict[str, Callable[[Path], Any]]:
    """The commands whose first argument is a file of this kind, by name."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found = {}
    for name, command in commands.items():
        paths = [one for one in command.params if one.param_type_name == "argument"]
        if paths and paths[-1].name in words:
            found[f"hh-sde {name}"] = lambda path, name=name, command=command: _run(
                name, command, path
            )
    return found


def _run(name: str, command: Any, path: Path) -> None:
    """A command of hh-sde on a file, which writes where it is told and nowhere else."""
    before = set(Path().iterdir())
    takes = {option for one in command.params for option in one.opts}
    words = [name, *(["rate_curve"] if name == "study" else []), str(path)]
    for option, value in {"--out": "out.nc", "--plot": "out.png", "--quiet": ""}.items():
        words += list(filter(None, [option, value])) if option in takes else []
    words += ["--store", "out.zarr"] if name == "sweep" else []
    if name in ("run", "study", "sweep"):  # as short as runs can be
        words += ["--set", f"{'study' if name == 'study' else 'run'}.t_end=5.0"]
    try:
        result = CliRunner().invoke(app, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        new = {one.name for one in set(Path().iterdir()) - before}
        if new - {"out.nc", "out.zarr", "out.png"}:
            raise RuntimeError(f"written: {sorted(new)}")
        ignored = "Exception ignored" in result.output  # of Ctrl-C in a garbage collection
        shown = "Traceback" in result.output and not ignored
        if result.exit_code not in (0, 1, 2, 130) or shown:
            raise RuntimeError(f"exit code {result.exit_code}: {result.output[-300:]}")
    finally:
        for one in ("out.nc", "out.png", "out.zarr"):
            shutil.rmtree(one, ignore_errors=True)
            Path(one).unlink(missing_ok=True)


def _folders(examples: Examples) -> list[Folder]:
    """Results in files of both kinds, stores of a run and of a sweep, NeuroML."""
    net = hh.Network(2, noise=hh.CurrentNoise(1.0))
    made = []

    def run() -> Any:
        return hh.solve(net, 2.0, rng=1, record=("V", "spikes"), store="run.store", progress=False)

    def sweep() -> Any:
        over = {"stimulus": [6.0, 10.0]}
        return hh.sweep(net, over, 2.0, trials=2, rng=1, store="sweep.store", progress=False)

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for k, ds in enumerate(examples.kinds["Dataset"][:12]):
            for name, write in {"run.nc": ds.to_netcdf, "run.zarr": ds.to_zarr}.items():
                with contextlib.suppress(Exception):  # of variables that it cannot keep
                    write(name)
                    made.append(Folder(f"{name} {k}", _taken(name)))
        for name, make in {"run.store": run, "sweep.store": sweep}.items():
            make()
            made += [Folder(name, _taken(name), make)] * 12
        for k, one in enumerate(examples.kinds["Network"][:12]):
            with contextlib.suppress(ImportError, ValueError):  # of what NeuroML has not
                hh.interop.neuroml.write(one, "net.nml")
                made.append(Folder(f"net.nml {k}", _taken("net.nml")))
    return made


def _taken(name: str) -> Files:
    """The files of a name, which go."""
    path = Path(name)
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    found = {os.fspath(file): file.read_bytes() for file in files}
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return found


def _path_of(target: Target) -> str:
    """The parameter of a function that reads a path, which is its first; or none."""
    first = next(iter(target.parameters.values()), None)
    return first.name if first and "PathLike" in str(first.annotation) else ""


def _put(files: Files, linked: str) -> None:
    for file, data in files.items():
        place = Path(file)
        if any(one.is_file() for one in place.parents) or place.is_dir():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if file == linked:
            Path("elsewhere").mkdir(exist_ok=True)
            Path("elsewhere", "file").write_bytes(data)
            place.symlink_to(Path("elsewhere", "file").absolute())
        else:
            place.write_bytes(data)

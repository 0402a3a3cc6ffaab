"""The cache folder: what is run from it, whose it may be, and what is never written elsewhere."""

import ast
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numba
import pytest
from numba.core.compiler_lock import global_compiler_lock

import hh_sde
from hh_sde.equations.template import STEPS_MARK
from hh_sde.kernels import binomial, cache, coupling, random

PACKAGE = Path(hh_sde.__file__).parent
TWO_MODULES = '''
import numpy as np
from hh_sde.brownian import BrownianPath
from hh_sde.kernels.binomial import uniform_of
from hh_sde.kernels.cache import load
module = load("""
from hh_sde.kernels.jit import kernel

@kernel
def twice(x):
    return 2 * x
""")
path = BrownianPath(1, m=2, dt=0.1)
print(module.twice(1), module.twice(0.5))
print(path.increments(0, 3).sum().hex(), path.lanes(0, 3, range(9)).sum().hex(), uniform_of(0.5))
'''
CALLS_SHARED = '''
from hh_sde.kernels.cache import load
inner = load("""
from hh_sde.kernels.jit import kernel, shared

@shared("f64(f64)")
def change(x):
    return x + 1.0

@kernel
def changed(x):
    return change(x)
""")
outer = load(f"""
from {inner.__name__} import changed
from hh_sde.kernels.jit import kernel, shared

@shared("f64(f64)")
def change(x):
    return 10.0 * x

@kernel
def both(x):
    return change(x) + changed(x)
""")
print(outer.both(1.0), bool(outer.both.stats.cache_hits))
'''


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A cache folder of the test's own."""
    path = tmp_path / "cache"
    monkeypatch.setenv("HH_SDE_CACHE_DIR", str(path))
    cache.folder.cache_clear()
    cache.load.cache_clear()
    yield path
    monkeypatch.undo()
    cache.folder.cache_clear()
    cache.load.cache_clear()


def start(code, folder, **options):
    environment = {**os.environ, "HH_SDE_CACHE_DIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_nothing_is_kept_beside_the_source():
    kept = [
        value.stats.cache_path
        for module in (binomial, coupling, random)
        for value in vars(module).values()
        if isinstance(value, numba.core.dispatcher.Dispatcher)
    ]
    paths = [Path(path) for path in kept if path]
    assert len(paths) > 10
    assert all(path.is_relative_to(cache.folder()) for path in paths)
    assert not list(PACKAGE.rglob("*.nb[ci]*"))


@pytest.mark.parametrize("damage", ["value = 2\n", "value = (", ""])
def test_the_text_that_is_wanted_is_run_whatever_stands_in_the_file(root, damage):
    assert cache.load("value = 1\n").value == 1
    (file,) = root.rglob("hh_sde_*.py")
    file.write_text(damage)
    cache.load.cache_clear()
    assert cache.load("value = 1\n").value == 1
    assert file.read_text() == "value = 1\n"


def test_damaged_machine_code_is_compiled_again(tmp_path):
    first = start(TWO_MODULES, tmp_path).communicate()
    indices, codes = (sorted(tmp_path.rglob(kind)) for kind in ("*.nbi", "*.nbc.*"))
    assert len(indices) >= 4
    assert len(codes) >= 4
    for file in (*indices[::2], *codes):  # of half of the functions the code alone
        file.write_bytes(file.read_bytes()[:100])
    assert start(TWO_MODULES, tmp_path).communicate() == first


def test_machine_code_finds_what_it_calls_whatever_is_left_of_the_cache(tmp_path):
    """What is shared is called by a name; two of one name are here, one of them further down."""
    folder, copy = tmp_path / "cache", tmp_path / "copy"
    assert start(CALLS_SHARED, folder).communicate() == ("12.0 False\n", "")
    shutil.copytree(folder, copy)  # numba finds code by the path of its folder: there it stays
    kept = sorted(path.relative_to(copy) for path in copy.rglob("*.nb[ic]*"))
    assert len(kept) >= 6  # the index and the code of both `change` and of `both`
    for lost in [None, *kept]:
        shutil.rmtree(folder)
        shutil.copytree(copy, folder)
        if lost is not None:
            (folder / lost).unlink()
        loaded = lost is None or ".both-" not in lost.name
        assert start(CALLS_SHARED, folder).communicate() == (f"12.0 {loaded}\n", ""), lost


def test_a_kernel_is_linked_while_another_thread_compiles(root):
    module = cache.load(
        "from hh_sde.kernels.jit import shared\n"
        "@shared('f64(f64)')\ndef one(x):\n    return x + 1.0\n"
        "@shared('f64(f64)')\ndef two(x):\n    return x + 2.0\n"
    )

    def compiles():  # as numba does, which comes to `link` with its lock held
        with global_compiler_lock:
            linking.start()
            linking.join(0.2)  # waits for the lock
            module.two.link("f64")

    linking = threading.Thread(target=module.one.link, args=("f64",), daemon=True)
    compiling = threading.Thread(target=compiles, daemon=True)
    compiling.start()
    for thread in (compiling, linking):
        thread.join(60.0)
        assert not thread.is_alive()


def test_two_processes_on_a_cold_cache(tmp_path):
    both = [start(TWO_MODULES, tmp_path) for _ in range(2)]
    printed = [process.communicate() for process in both]
    printed.append(start(TWO_MODULES, tmp_path).communicate())  # on what they left
    assert printed[0][1] == ""
    assert len(set(printed)) == 1
    assert [process.returncode for process in both] == [0, 0]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_is_not_used(root, mode):
    root.mkdir()
    root.chmod(mode)
    with pytest.warns(RuntimeWarning, match=r"others may write to .*chmod go-w"):
        path = cache.folder()
    assert not path.is_relative_to(root)
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners of POSIX")
def test_a_folder_of_another_user_is_not_used(root, monkeypatch):
    root.mkdir()
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert not cache.folder().is_relative_to(root)


def test_a_folder_that_cannot_be_written_is_not_the_end(root):
    root.write_text("a file")
    with pytest.warns(RuntimeWarning, match="HH_SDE_CACHE_DIR") as caught:
        path = cache.folder()
    assert cache.folder() == path
    assert len(caught) == 1
    assert path.is_dir()
    assert str(path) in str(caught[0].message)


def test_machine_code_that_cannot_be_written_warns_once(root, monkeypatch):
    from hh_sde.kernels import jit

    def full(*_):
        raise OSError(28, "No space left on device")

    jit.warn_once.cache_clear()
    functions = [jit.kernel(lambda x, k=k: x + k) for k in range(2)]
    monkeypatch.setattr(jit.FunctionCache, "save_overload", full)
    with pytest.warns(RuntimeWarning, match="No space left") as caught:
        assert [function(1.0) for function in functions] == [1.0, 2.0]
    assert len(caught) == 1


def test_code_of_other_kernels_goes_when_it_is_old_and_nothing_else_does(root):
    month = 31 * 86400
    old, other = f"kernels-{'0' * 16}", f"kernels-{'1' * 16}"
    for name, age in {old: month, other: 0, "kernels-mine": month, "mine": month}.items():
        (root / name).mkdir(parents=True)
        os.utime(root / name, (time.time() - age,) * 2)
    root.chmod(0o700)
    path = cache.folder()
    left = {entry.name for entry in root.iterdir()}
    assert left == {other, "kernels-mine", "mine", path.name}


def test_contents_are_counted(root):
    assert cache.contents() == []
    assert not root.exists()
    cache.load("value = 1\n")
    cache.load("value = 20\n")
    other = root / f"kernels-{'0' * 16}"
    (other / "sub").mkdir(parents=True)
    (other / "hh_sde_0.py").write_text("12345")
    (other / "sub" / "f.nbi").write_text("123")
    (root / "kernels-mine").mkdir()
    assert cache.contents() == [
        cache.Kept(other, in_use=False, modules=1, size=8),
        cache.Kept(cache.folder(), in_use=True, modules=2, size=len("value = 1\nvalue = 20\n")),
    ]


def test_clearing_removes_what_was_compiled_and_nothing_else(root):
    path = cache.folder()
    cache.load("value = 1\n")
    (root / f"kernels-{'0' * 16}").mkdir()
    others = root / "kernels-mine", root / "notes.txt"
    others[0].mkdir()
    others[1].write_text("mine")
    elsewhere = root.with_name("elsewhere")
    elsewhere.mkdir()
    link = root / f"kernels-{'2' * 16}"
    link.symlink_to(elsewhere)
    cache.clear()
    assert sorted(root.iterdir()) == sorted([*others, link])
    assert elsewhere.is_dir()
    assert cache.contents() == []
    cache.load.cache_clear()
    assert cache.load("value = 1\n").value == 1  # goes on in the same process
    assert [kept.path for kept in cache.contents()] == [path]


def test_a_kernel_goes_on_after_clearing(root):
    from hh_sde.kernels.jit import kernel

    function = kernel(lambda x: 2 * x)
    cache.clear()
    assert function(1.0) == 2.0
    assert list(root.rglob("*.nbi"))


def test_every_kernel_has_its_part_in_the_fingerprint():
    compiled = {
        path.stem
        for path in (PACKAGE / "kernels").glob("*.py")
        if imports_jit(text := path.read_text(encoding="utf-8"))
        and f"\n{STEPS_MARK}" not in text  # those are part of every module's own text
    }
    assert compiled | {"jit", "rows"} == set(cache.COMPILED)  # those say how it is compiled


def imports_jit(text):
    return any(getattr(node, "module", "") == "hh_sde.kernels.jit" for node in ast.parse(text).body)


def test_an_edit_of_a_kernel_changes_the_folder(root, monkeypatch):
    before = cache.folder()
    read = Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda self, *args: read(self, *args) + ("# edited" if self.stem == "elementary" else ""),
    )
    cache.folder.cache_clear()
    assert cache.folder() != before

"""What is said while loops are compiled: to whom, when, and that it goes."""

import io
import os
import subprocess
import sys
import types

import pytest

from hh_sde import progress
from hh_sde.kernels import cache, waiting
from hh_sde.kernels.waiting import PATIENCE, WAITING, Waiting
from hh_sde.progress import Progress

LINE = f"compiling the loops of this model, once; kept in {cache.root()}"


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Timer:
    """A timer that goes off when its test says so."""

    def __init__(self, interval, function):
        self.interval, self.function = interval, function
        self.cancelled = False

    def start(self):
        Timer.latest = self

    def cancel(self):
        self.cancelled = True

    def go_off(self):
        assert not self.cancelled
        self.function()


@pytest.fixture
def clock(monkeypatch):
    """The time, in seconds, of a test's own."""
    now = types.SimpleNamespace(time=100.0)
    monkeypatch.setattr(waiting.time, "monotonic", lambda: now.time)
    monkeypatch.setattr(waiting.threading, "Timer", Timer)
    return now


def watched_by(stream, monkeypatch):
    """Make a stream the standard error, which pytest puts back between fixture and test."""
    monkeypatch.setattr(waiting, "sys", types.SimpleNamespace(stderr=stream))


@pytest.fixture
def terminal(clock, monkeypatch):
    stream = Terminal()
    watched_by(stream, monkeypatch)
    monkeypatch.setattr(waiting, "_columns", lambda terminal: len(LINE) + 1)
    return stream


def test_after_half_a_second_a_line_that_goes_again(terminal):
    wait = Waiting()
    wait.begin()
    assert Timer.latest.interval == PATIENCE == 0.5
    assert terminal.getvalue() == ""
    Timer.latest.go_off()
    assert terminal.getvalue() == LINE
    wait.end()
    assert terminal.getvalue() == f"{LINE}\r{' ' * len(LINE)}\r"


def test_a_line_longer_than_a_row_is_ended(terminal, monkeypatch):
    monkeypatch.setattr(waiting, "_columns", lambda terminal: len(LINE))
    wait = Waiting()
    wait.begin()
    Timer.latest.go_off()
    wait.end()
    assert terminal.getvalue() == f"{LINE}\n"


def test_what_is_compiled_at_once_is_not_told(terminal):
    wait = Waiting()
    wait.begin()
    wait.end()
    assert Timer.latest.cancelled
    Timer.latest.function()  # one that had gone off and waited its turn
    assert terminal.getvalue() == ""


def test_short_compilations_that_follow_each_other_are_one_wait(terminal, clock):
    wait = Waiting()
    for _ in range(2):
        wait.begin()
        clock.time += 0.2
        wait.end()
        clock.time += 0.01
    wait.begin()
    assert Timer.latest.interval == pytest.approx(0.08)
    wait.end()
    clock.time += 10.0
    wait.begin()
    assert Timer.latest.interval == PATIENCE


def test_what_is_compiled_for_something_else_is_part_of_it(terminal):
    wait = Waiting()
    wait.begin()
    Timer.latest.go_off()
    wait.begin()
    wait.end()
    assert terminal.getvalue() == LINE
    wait.end()
    assert terminal.getvalue() != LINE


def test_nothing_is_said_where_nobody_watches(clock, monkeypatch):
    for stream in (io.StringIO(), None):
        watched_by(stream, monkeypatch)
        wait = Waiting()
        wait.begin()
        Timer.latest.go_off()
        wait.end()
        assert stream is None or stream.getvalue() == ""


def said(wait, terminal):
    before = len(terminal.getvalue())
    wait.begin()
    Timer.latest.go_off()
    wait.end()
    return len(terminal.getvalue()) > before


def test_of_those_who_silence_it_the_outermost_decides(terminal):
    wait = Waiting()
    assert said(wait, terminal)
    with wait.silenced(True):
        assert not said(wait, terminal)
        with wait.silenced(False):  # a run in a quiet study
            assert not said(wait, terminal)
        assert not said(wait, terminal)
    with wait.silenced(False), wait.silenced(True):  # a study whose runs show no bars of their own
        assert said(wait, terminal)
    assert said(wait, terminal)


def test_a_progress_bar_is_not_written_over(terminal):
    wait, above = Waiting(), []
    wait.above_bar = above.append
    wait.begin()
    Timer.latest.go_off()
    wait.end()
    assert above == [LINE]
    assert terminal.getvalue() == ""


def test_a_run_prints_above_its_bar(clock, capsys):
    with Progress(2, show=True, what="solve") as bar:
        bar.update(1)
        WAITING.begin()
        Timer.latest.go_off()
        WAITING.end()
    assert f"{LINE}\n" in capsys.readouterr().err
    assert WAITING.above_bar is None


def test_a_quiet_study_shows_no_bar_either(monkeypatch):
    monkeypatch.setattr(progress, "sys", types.SimpleNamespace(stderr=Terminal()))
    assert Progress(2, show=None, what="solve").show
    with WAITING.silenced(True):
        assert not Progress(2, show=None, what="solve").show


def test_in_a_notebook_one_output_per_wait_that_empties_again(clock, monkeypatch):
    outputs = []

    class Output:
        def __init__(self, data):
            self.texts = [data["text/plain"]]
            outputs.append(self)

        def update(self, data, raw):
            assert raw
            self.texts.append(data["text/plain"])

    display = types.SimpleNamespace(display=lambda data, raw, display_id: Output(data))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    watched_by(stream, monkeypatch)
    wait = Waiting()
    for _ in range(2):
        wait.begin()
        Timer.latest.go_off()
        wait.end()
    assert [output.texts for output in outputs] == [["", LINE, "", LINE, ""]]
    clock.time += 10.0
    wait.begin()
    Timer.latest.go_off()
    wait.end()
    assert len(outputs) == 2
    assert stream.getvalue() == ""


# -- a process on a terminal ----------------------------------------------------------------------


def on_terminal(code, folder):
    """(what a process prints to its standard output, what to the terminal that is its stderr)"""
    pty = pytest.importorskip("pty", reason="no terminals of this kind")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "HH_SDE_CACHE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
    )
    os.close(slave)
    seen = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # Linux says so at the end
            part = b""
        if not part:
            break
        seen += part
    os.close(master)
    printed, _ = process.communicate()
    assert process.returncode == 0, seen
    return printed, seen.decode()


def line(folder):
    return f"compiling the loops of this model, once; kept in {folder}"


#: Says at once what is waited for; makes a function a kernel.
AT_ONCE = """
import numba
from hh_sde.kernels import cache, waiting
waiting.PATIENCE = 0.0
HEAD = "from hh_sde.kernels.jit import kernel\\n"
def kernel(text):
    return cache.load(f"{HEAD}@kernel\\ndef function(x): return {text}\\n").function
"""


def test_kernels_are_told_of_and_not_what_else_numba_compiles(tmp_path):
    other = "kernel('x'); numba.njit(lambda x: 2 * x)(1)"
    assert on_terminal(AT_ONCE + other, tmp_path) == ("", "")
    _, seen = on_terminal(AT_ONCE + "kernel('2 * x')(1)", tmp_path)
    assert seen.startswith(line(tmp_path))


def test_a_kernel_that_cannot_be_compiled_is_waited_for_no_longer(tmp_path):
    code = AT_ONCE + (
        "try: kernel('x.nothing')(1)\nexcept numba.TypingError: print(waiting.WAITING._depth)\n"
    )
    assert on_terminal(code, tmp_path)[0] == "0\n"


#: What makes loops be compiled.
COLD = {
    "f": "import hh_sde as hh; s = hh.Network(1).sde(); s.f(s.x0, 0.0)",
    "solve": "import hh_sde as hh; hh.solve(hh.Network(1), 0.1)",
    "a study": "import hh_sde as hh; hh.studies.noise_sweep("
    "hh.Network(1), sigmas=[1.0], t_end=10.0, trials=2, rng=1)",
}


@pytest.mark.slow
@pytest.mark.parametrize("code", COLD.values(), ids=COLD)
def test_on_a_cold_cache_the_line_comes_and_on_a_warm_one_it_does_not(code, tmp_path):
    _, seen = on_terminal(code, tmp_path)
    assert line(tmp_path) in seen
    assert line(tmp_path) not in on_terminal(code, tmp_path)[1]


@pytest.mark.slow
def test_without_progress_nothing_is_said_of_compiling(tmp_path):
    code = "import hh_sde as hh; hh.solve(hh.Network(1), 0.1, progress=False)"
    assert on_terminal(code, tmp_path) == ("", "")

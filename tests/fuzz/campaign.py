"""All families of inputs, in processes with limits."""

import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase

from fuzz import inputs, judging, surface
from fuzz.examples import collected
from fuzz.judging import Finding, Input, Judge

#: Shares of the families.
SHARES = {"calls": 0.6, "configurations": 0.2, "files": 0.1, "descriptions": 0.1}
#: Memory that an input may take beside what the process had before, bytes.
ROOM = 4 * 2**30
#: Inputs of a process, after which another one begins.
MOST = 2000
#: What the examples of these modules are like is seen elsewhere, or they take long.
LONG = ("studies", "sweeps", "clamp", "methods", "brownian", "cli", "interop", "jacobian")


@dataclass
class Done:
    """What was run, and found."""

    inputs: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Job:
    """Inputs of one process: of each of these parts so many."""

    family: str
    parts: tuple[tuple[str, st.SearchStrategy[Input]], ...]
    number: int
    seed: int


def campaign(
    inputs: int = 100_000,
    seed: int = 0,
    processes: int = 2,
    only: str = "",
    family: Sequence[str] | None = None,
    quick: bool = False,
) -> Done:
    """Give hostile inputs to everything public, and tell of which comes what may not."""
    before = time.monotonic()
    jobs = _jobs(inputs, seed, only, family or list(SHARES), quick)
    done = Done()
    running: dict[int, tuple[Job, Path]] = {}
    with tempfile.TemporaryDirectory() as folder:
        while jobs or running:
            while jobs and len(running) < processes:
                job = jobs.pop(0)
                file = Path(folder, f"{len(jobs)}-{time.monotonic_ns()}")
                running[_started(job, file)] = job, file
            _wait(running, done)
    done.seconds = time.monotonic() - before
    return done


def _jobs(number: int, seed: int, only: str, families: Sequence[str], quick: bool) -> list[Job]:
    targets = surface.targets()
    short = (lambda name: not any(one in name for one in LONG)) if quick else (lambda name: True)
    known = inputs.families(collected(targets.values(), short), targets)
    jobs = []
    whole = sum(SHARES[one] for one in families)
    for family in families:
        parts = tuple(
            (name, one) for name, one in known[family]() if only in name or only == family
        )
        if not parts:
            continue
        each = max(1, round(number * SHARES[family] / whole / len(parts)))
        per_job = max(1, MOST // each)
        for first in range(0, len(parts), per_job):
            some = parts[first : first + per_job]
            for begun in range(0, each, MOST):
                jobs.append(Job(family, some, min(MOST, each - begun), seed + begun))
    return jobs


def _started(job: Job, file: Path) -> int:
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        _run(job, file)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _run(job: Job, file: Path) -> None:
    """In a process of its own: what is begun and found goes to a file, line by line."""
    room = ROOM + 1024 * int(Path("/proc/self/statm").read_text().split()[0]) * 4
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.dont_write_bytecode = True
    with judging.judging() as judge, file.open("a", buffering=1) as out:
        for _, strategy in job.parts:
            each(
                strategy,
                job.number,
                job.seed,
                judge,
                lambda *line: print(json.dumps(line), file=out),
            )
            _forget()


def each(
    strategy: st.SearchStrategy[Input],
    number: int,
    seed: int,
    judge: Judge,
    note: Callable[..., None],
) -> None:
    """Judge so many inputs of one kind; `note` gets ("begun", name), then ("found", ...)."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=number, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(strategy)
    def run(one: Input) -> None:
        note("begun", one.name)
        finding = judge.of(one)
        if finding:
            note("found", *vars(finding).values())

    run()


def _forget() -> None:
    """Figures that plots have made."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot:
        pyplot.close("all")


def _wait(running: dict[int, tuple[Job, Path]], done: Done) -> None:
    """Wait until a process has ended; one that gives no sign of life is ended."""
    time.sleep(0.05)
    for pid, (job, file) in list(running.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        quiet = time.time() - file.stat().st_mtime if file.exists() else 0.0
        if not ended and quiet > judging.PATIENCE + 2 * judging.GRACE:
            os.kill(pid, signal.SIGKILL)
            ended, status = os.waitpid(pid, 0)
        if not ended:
            continue
        del running[pid]
        lines = (
            [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        )
        done.inputs[job.family] += sum(line[0] == "begun" for line in lines)
        done.findings += [Finding(*line[1:]) for line in lines if line[0] == "found"]
        if status:
            last = next((line[1] for line in reversed(lines) if line[0] == "begun"), "nothing")
            words = f"status {status} at input {len(lines)}, seed {job.seed}"
            done.findings.append(Finding("process died", "", last, words))


def table(done: Done) -> str:
    """What was run and found, in words."""
    lines = [f"{family}: {number} inputs" for family, number in done.inputs.items()]
    lines += [f"{sum(done.inputs.values())} inputs in {done.seconds:.0f} s", ""]
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for one in done.findings:
        kinds.setdefault((one.what, one.place), []).append(one)
    for (what, place), found in sorted(kinds.items()):
        names = sorted({one.name for one in found})
        lines += [
            f"{what} at {place}: {len(found)} times, {', '.join(names[:5])}",
            f"    {found[0].told}",
        ]
    return "\n".join(lines)

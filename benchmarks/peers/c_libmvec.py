"""The hand-made limit: hodgkin_huxley.c with gcc, the flags of C_FLAGS, and libmvec."""

import os
import subprocess
import tempfile
from pathlib import Path

from common import Case, run


def prepare(case: Case):
    if case.coupled:
        raise SystemExit("the C program is uncoupled")
    program = Path(tempfile.mkdtemp()) / "hh"
    source = Path(__file__).with_name("hodgkin_huxley.c")
    flags = ["-march=native", *os.environ["C_FLAGS"].split()]
    subprocess.run(["gcc", *flags, "-o", program, source, "-lm"], check=True)

    def simulate():
        arguments = [program, str(case.neurons * case.trials), str(case.steps)]
        run = subprocess.run(arguments, check=True, capture_output=True, text=True)
        return float(run.stderr), float(run.stdout)

    return simulate


run(prepare)

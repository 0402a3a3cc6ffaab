"""Figures of speed belong to a kind of processor, which stands in the names of their files."""

import json
import platform
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def kind() -> str:
    """avx512 or avx2, the widest vectors that it has; elsewhere than on x86-64 its architecture."""
    information = Path("/proc/cpuinfo")
    flags = information.read_text().split() if information.exists() else []
    for flag, name in (("avx512f", "avx512"), ("avx2", "avx2")):
        if flag in flags:
            return name
    return platform.machine().lower()


def write(
    out: Path, name: str, result: dict, markdown: str, plot: Callable[[Path], None] | None = None
) -> None:
    """NAME_KIND.json, .md and, with `plot`, .png in the folder `out`; the .md is also printed."""
    print(markdown)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}_{kind()}"
    path.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    path.with_suffix(".md").write_text(markdown)
    if plot is not None:
        plot(path.with_suffix(".png"))
    print(f"written: {path}.json, .md" + (", .png" if plot else ""))

"""The gallery: examples/ as sphinx-gallery wants them, by section, and their figures described.

The scripts stay as they are. Copies go to docs/_build/examples, where they also run, so that what
they write is not left in the repository.
"""

import ast
import re
import shutil
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = HERE.parent / "examples"
COPIES = HERE / "_build" / "examples"

#: Sections in their order; in each the scripts, with the titles of their pages.
SECTIONS = {
    "The question": {
        "two_neurons": "Two neurons in synchrony",
        "ten_neurons": "Ten neurons, no new equations",
    },
    "Rates, currents, conductances": {
        "rate_over_current": "f-I curve",
        "two_conductances": "Which conductances allow firing?",
        "given_rate": "A conductance for a given rate",
        "voltage_clamp": "Voltage clamp",
        "frozen_noise": "Frozen noise",
        "fit_conductances": "Fitting conductances by gradient",
        "sodium_current": "Currents during a spike",
    },
    "Noise": {
        "noise_cloud": "A thousand noisy trials",
        "resting_channel_noise": "Channel noise at rest",
        "first_spike_latency": "First-spike latency",
        "spike_triggered_noise": "Spike-triggered average of the noise",
        "coherence_resonance": "Coherence resonance",
        "channel_noise": "Which channel noise?",
        "own_analysis": "An analysis with xarray alone",
        "noise_and_stimulus": "Rate and regularity over stimulus and noise",
    },
    "Inference": {"inference": "Posterior of two conductances"},
    "Networks": {
        "ring": "Two waves around a ring",
        "travelling_wave": "Re-entrant wave",
        "small_world_synchrony": "Synchrony in small-world networks",
        "ping": "Gamma rhythm",
        "pyloric": "The pyloric rhythm",
        "ten_thousand_neurons": "Ten thousand neurons",
        "desynchronisation": "Desynchronisation by noise",
    },
    "Methods": {
        "which_method": "Which method at which step?",
        "long_run": "Ten minutes of simulated time",
        "gradient_through_diffrax": "Gradient through diffrax",
    },
    "User-defined models": {
        "own_channel": "A user-defined channel",
        "own_sde": "An SDE from functions f and G",
        "stated_sde": "An SDE from expressions",
    },
    "Files": {"export": "Exporting a result"},
}
#: What takes longer than a minute or needs further libraries is not run; its figure, or None.
NOT_RUN = {
    "channel_noise": "channel_noise.png",
    "inference": "inference.png",
    "gradient_through_diffrax": None,
}
ABOUT = """\
Each script answers one question with one figure. In a clone of the repository
``python examples/ring.py`` runs one, and ``--quick`` runs a small version. Scripts that take longer
than a minute or need further libraries are shown with a stored figure.
"""


def about(script: str) -> tuple[str, str]:
    """Question and further words of a script's docstring."""
    text = ast.get_docstring(ast.parse((SCRIPTS / f"{script}.py").read_text(encoding="utf-8")))
    question, _, rest = text.partition("\n")
    return question, rest


def copy() -> list[str]:
    """Write the copies; the names of their folders, in the order of the sections."""
    shutil.rmtree(COPIES, ignore_errors=True)
    folders = []
    for number, (section, scripts) in enumerate(SECTIONS.items()):
        folder = COPIES / f"{number}_{re.sub(r'[^a-z]+', '_', section.lower())}"
        folder.mkdir(parents=True)
        folders.append(folder.name)
        (folder / "GALLERY_HEADER.rst").write_text(_heading(section, "-"), encoding="utf-8")
        for script, title in scripts.items():
            (folder / f"{script}.py").write_text(_page(script, title), encoding="utf-8")
    (COPIES / "GALLERY_HEADER.rst").write_text(
        f"{_heading('Gallery')}\n{ABOUT}",
        encoding="utf-8",
    )
    return folders


def _heading(title: str, line: str = "=") -> str:
    return f"{title}\n{line * len(title)}\n"


def _page(script: str, title: str) -> str:
    """A script whose docstring is reStructuredText with a title."""
    code = (SCRIPTS / f"{script}.py").read_text(encoding="utf-8")
    question, rest = about(script)
    rest = re.sub(r"\n\n((?:    .+\n)+)", r"\n\n.. code-block:: sh\n\n\1", f"\n{rest}\n")
    words = f"{_heading(title)}\n{question}\n{rest}"
    if script in NOT_RUN:
        words += "\nThis script is not run when the documentation is built.\n"
    if NOT_RUN.get(script):
        words += f"\nStored figure:\n\n.. image:: /{NOT_RUN[script]}\n   :alt: {question}\n"
    end = code.index('"""', 3) + 3
    thumbnail = NOT_RUN.get(script)
    note = f"\n# sphinx_gallery_thumbnail_path = '{thumbnail}'\n" if thumbnail else ""
    return f'r"""{words}"""{code[end:]}{note}'


class Described:
    """Sphinx-gallery's figures of matplotlib, described by the script's question."""

    def __repr__(self) -> str:
        """The same at every build: sphinx-gallery keeps it among its settings."""
        return "Described()"

    def __call__(self, block, block_vars, gallery_conf, **options) -> str:
        """The reStructuredText of the figures that a block left."""
        from sphinx_gallery.scrapers import matplotlib_scraper

        found = matplotlib_scraper(block, block_vars, gallery_conf, **options)
        question, _ = about(Path(block_vars["src_file"]).stem)
        return re.sub(r":alt:.*", lambda match: f":alt: {question}", found)


def _get_sg_image_scraper() -> Described:
    return Described()


def settings() -> dict:
    """What sphinx-gallery is told."""
    copy()
    left_out = "|".join(NOT_RUN)
    return {
        "examples_dirs": str(COPIES),
        "gallery_dirs": "gallery",
        "filename_pattern": rf"[/\\](?!(?:{left_out})\.py)\w+\.py$",
        "image_scrapers": ("gallery_pages",),
        "remove_config_comments": True,
        "download_all_examples": False,
        "write_computation_times": False,
        "show_memory": False,
        "show_signature": False,
        "min_reported_time": 1e9,
        "doc_module": (),
        "backreferences_dir": None,
        "nested_sections": False,
        "copyfile_regex": r".^",
    }

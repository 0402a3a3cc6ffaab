"""Inputs in families, as strategies of hypothesis: calls, configurations, files, descriptions."""

import inspect
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import hypothesis.strategies as st

from fuzz import judging, reading
from fuzz.damage import Draw, arguments, called, damaged
from fuzz.examples import Examples
from fuzz.judging import Input
from fuzz.reading import Readers
from fuzz.surface import Target
from hh_sde.records import shown

Parts = Iterator[tuple[str, st.SearchStrategy[Input]]]
#: What stands in place of a word or a character of a text.
PIECES = ["", "\n", "-", "0", "-1", "1e999", "nan", "inf", "[", "]", '"', "'", "=", ".", "\\u0000",
          "9" * 5000, "[[" * 2000, "true", "1979-05-27", "\ufeff", "é"]  # fmt: skip
#: Which of the readers takes an input.
WHICH = st.integers(0, 999)


def families(examples: Examples, targets: Mapping[str, Target]) -> dict[str, Callable[[], Parts]]:
    """The families, each of parts by name."""

    def of_calls() -> Parts:
        for name, target in targets.items():
            if target.owner is None or examples.kinds[target.owner.__name__]:
                yield name, calls(target, examples)

    readers = cache(lambda: Readers(targets, examples))  # which make files

    def of_readers(make: Callable[[Readers], st.SearchStrategy[Input]]) -> Callable[[], Parts]:
        return lambda: iter([("all", make(readers()))])

    return {
        "calls": of_calls,
        "configurations": of_readers(configurations),
        "files": of_readers(files),
        "descriptions": of_readers(trees),
    }


def calls(target: Target, examples: Examples) -> st.SearchStrategy[Input]:
    """Calls of something public."""
    # a run takes as long as it is asked to, and Ctrl-C ends it
    ends = (KeyboardInterrupt,) if "t_end" in target.parameters else ()
    says_missing = "NaN" in (inspect.getdoc(target.call) or "")
    return arguments(target, examples).map(
        lambda given: Input(
            target.name,
            lambda: called(target, given),
            target.errors + ends,
            lambda: judging.told(given),
            lambda: judging.finite(given),
            says_missing,
            lambda: [
                os.fspath(one) for one in given.values() if isinstance(one, str | os.PathLike)
            ],
        )
    )


@st.composite
def configurations(draw: Draw, readers: Readers) -> Input:
    """Damaged configurations."""
    texts = reading.configurations()
    text = draw(st.sampled_from(texts))
    if draw(st.booleans()):
        try:
            tree = damaged(tomllib.loads(text), draw)
        except tomllib.TOMLDecodeError:  # a part of one, in the docs
            tree = {}
        text = _toml(tree)
    else:
        text = draw(_text_changed(text, re.findall(r"\w[\w.]*", draw(st.sampled_from(texts)))))
    return readers.of_configuration(text.encode("utf-8", "surrogatepass"), draw(WHICH))


@st.composite
def files(draw: Draw, readers: Readers) -> Input:
    """Damaged files of results and stores."""
    folder = readers.folders[draw(st.integers(0, len(readers.folders) - 1))]
    held = dict(folder.files)
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
    return readers.of_files(folder, held, draw(WHICH), linked)


@st.composite
def trees(draw: Draw, readers: Readers) -> Input:
    """Damaged descriptions, of records alone and in results."""
    tree = json.loads(draw(st.sampled_from(reading.described(readers.examples))))
    for _ in range(draw(st.integers(1, 3))):
        tree = damaged(tree, draw)
    ds = draw(st.sampled_from(readers.examples.kinds["Dataset"]))
    return readers.of_description(_json(tree), draw(WHICH), ds)


def _toml(value: Any, inside: bool = False) -> str:
    """A value in TOML, as far as it can be; else as text that is none."""
    if isinstance(value, Mapping):
        names = [json.dumps(key if isinstance(key, str) else shown(key)) for key in value]
        pairs = [
            f"{name} = {_toml(one, True)}" for name, one in zip(names, value.values(), strict=True)
        ]
        return "{" + ", ".join(pairs) + "}" if inside else "\n".join(pairs)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(one, True) for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else shown(value)


def _json(tree: Any) -> str:
    return json.dumps(tree, default=shown, skipkeys=True)


@st.composite
def _text_changed(draw: Draw, text: str, words: list[str]) -> str:
    """A text with words, characters or lines changed, by those of another."""
    for _ in range(draw(st.integers(1, 4))):
        pieces = re.split(r"(\w[\w.]*|\n)", text)
        at = draw(st.integers(0, len(pieces) - 1))
        by, word = draw(st.sampled_from(PIECES)), draw(st.sampled_from(words or [""]))
        pieces[at] = draw(st.sampled_from([by, word, pieces[at] * 2, pieces[at] + by, word + by]))
        text = "".join(pieces)
    return text


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
        return _json(damaged(json.loads(text), draw)).encode()
    except UnicodeDecodeError:
        return draw(_bytes_changed(data))
    except ValueError:
        return draw(_text_changed(text, re.findall(r"\w[\w.]*", text))).encode("utf-8", "replace")

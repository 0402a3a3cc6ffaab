"""Places whose content may be any bytes: configurations, descriptions, each file of a folder."""

from collections.abc import Callable
from pathlib import Path

from fuzz import reading, surface
from fuzz.examples import collected
from fuzz.judging import Input

#: Bytes before the content: two say of which place it is, the third who reads it.
HEAD = 3


class Slots:
    """The places, and what stands there to begin with."""

    def __init__(self) -> None:
        targets = surface.targets()
        examples = collected(targets.values(), lambda name: "studies" not in name)
        readers = reading.Readers(targets, examples)
        ds = examples.kinds["Dataset"][0]

        def described(data: bytes, which: int) -> Input:
            return readers.of_description(data.decode("utf-8", "replace"), which, ds)

        def in_place(folder: reading.Folder, file: str) -> Callable[[bytes, int], Input]:
            return lambda data, which: readers.of_files(folder, {**folder.files, file: data}, which)

        self._slots: list[tuple[bytes, Callable[[bytes, int], Input]]] = [
            *((text.encode(), readers.of_configuration) for text in reading.configurations()),
            *((text.encode(), described) for text in reading.described(examples)),
            *(
                (data, in_place(folder, file))
                for folder in readers.folders
                for file, data in folder.files.items()
            ),
        ]

    def write(self, folder: Path) -> None:
        """What stands there, as files in a folder."""
        for k, (data, _) in enumerate(self._slots):
            (folder / str(k)).write_bytes(k.to_bytes(2) + bytes([k % 256]) + data)

    def input(self, data: bytes) -> Input:
        """What some bytes stand for."""
        _, make = self._slots[int.from_bytes(data[:2]) % len(self._slots)]
        return make(data[HEAD:], sum(data[2:HEAD]))

"""The files of a log that was copied here: C2SP tlog-tiles, and the proof of one entry, C2SP tlog-proof."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fleetctl.auditlog.notes import LARGEST_NOTE, unbase64
from fleetctl.auditlog.tree import HASH_SIZE, wrong
from fleetctl.errors import UnreachableError

WIDTH = 256
LARGEST_BUNDLE = WIDTH * (2 + 65535)
LARGEST_PROOF = 256 * 1024
_PROOF = re.compile(r"c2sp\.org/tlog-proof@v1\nextra (\S*)\nindex (0|[1-9][0-9]{0,18})\n((?:[^\n]+\n){0,64})\n")


def read(path: Path, limit: int) -> bytes | None:
    """The content, or None where nothing is. Raises UnreachableError: what cannot be read is not verified."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnreachableError(f"{path}: {error.strerror}", hint="copy the log again, and check your rights") from None
    if len(data) > limit:
        raise wrong(f"{path}: larger than the {limit} bytes that it can have")
    return data


def name(kind: str, number: int, width: int = WIDTH) -> str:
    """tile/<kind>/<number in groups of three>, partial ones with .p/<width>."""
    groups = re.findall("...", f"{number:0{-(-len(str(number)) // 3) * 3}d}")
    path = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return f"tile/{kind}/{path}" + (f".p/{width}" if width < WIDTH else "")


@dataclass(frozen=True)
class LogCopy:
    """A directory with a checkpoint and tiles."""

    directory: Path

    def checkpoint(self) -> str:
        """The note in the directory."""
        data = read(self.directory / "checkpoint", LARGEST_NOTE)
        if data is None:
            raise UnreachableError(f"{self.directory}: no checkpoint in it", hint="give a copy of the whole audit log")
        return text(data)

    def entries(self, number: int, width: int) -> Iterator[bytes]:
        """The first `width` entries of a bundle."""
        data, wide = self._either("entries", number, width, LARGEST_BUNDLE)
        path = name("entries", number, wide)
        start = number * WIDTH
        if data is None:
            raise wrong(f"entries {start} to {start + width - 1} are missing ({path}): cut off or deleted")
        position = 0
        for index in range(start, start + width):
            begin = position + 2
            position = begin + int.from_bytes(data[position:begin], "big")
            if begin > len(data) or position > len(data):
                raise wrong(f"entry {index} is cut off ({path})")
            yield data[begin:position]
        if position != len(data) and wide == width:
            raise wrong(f"{path}: more than its {width} entries")

    def hashes(self, level: int, number: int, width: int) -> list[bytes]:
        """The first `width` hashes of a tile."""
        data, wide = self._either(str(level), number, width, WIDTH * HASH_SIZE)
        path = name(str(level), number, wide)
        if data is None:
            raise wrong(f"{path} is missing")
        if len(data) != wide * HASH_SIZE:
            raise wrong(f"{path}: {len(data)} bytes, not {wide * HASH_SIZE}")
        return [data[i : i + HASH_SIZE] for i in range(0, width * HASH_SIZE, HASH_SIZE)]

    def _either(self, kind: str, number: int, width: int, limit: int) -> tuple[bytes | None, int]:
        """The partial file, or the full one that has taken its place, with the width of that which was found."""
        for wide in dict.fromkeys((width, WIDTH)):
            data = read(self.directory / name(kind, number, wide), limit)
            if data is not None:
                return data, wide
        return None, width


@dataclass(frozen=True)
class ProofFile:
    """One entry with the way to the root of a checkpoint."""

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    @classmethod
    def of(cls, content: str) -> ProofFile:
        """Raises VerificationError for what is no proof."""
        match = _PROOF.match(content)
        if not match:
            raise wrong("the file is no proof of an entry (c2sp.org/tlog-proof@v1 with the entry as extra data)")
        path = tuple(unbase64(line) for line in match[3].split("\n")[:-1])
        if any(len(value) != HASH_SIZE for value in path):
            raise wrong("a hash of the proof has not 32 bytes")
        return cls(unbase64(match[1]), int(match[2]), path, content[match.end() :])


def text(data: bytes) -> str:
    """UTF-8. Raises VerificationError."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise wrong("the file is no text") from None

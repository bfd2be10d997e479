"""The head of a code pack: what a code table says of itself, in the first bytes of its file.

    magic (8 bytes) | length of the head (u32, little-endian) | head: canonical JSON in ASCII | sections, back to back

A pack is known by the SHA-256 of the whole file. Both programs read the head: a box that uses a table, and an operator
who puts one into a release.
"""

import datetime
import json
import re
import struct
from dataclasses import dataclass
from enum import StrEnum

MAGIC = b"FLCODES\x01"
HEADER_LENGTH = struct.Struct("<I")
MAX_HEADER_BYTES = 1 << 20
MAX_PACK_BYTES = 1 << 30
_SHA256 = re.compile(r"[0-9a-f]{64}")


class PackKind(StrEnum):
    """What a pack holds."""

    CODES = "codes"
    PAIRS = "pairs"
    UNITS = "units"
    FAVOURITES = "favourites"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a pack was made of: how its publisher names it, and what it was, by digest."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class PackHead:
    """What a pack says of itself.

    Args:
        kind: What it holds.
        system: The code system; of pairs and units the table's name ("ncci-ptp-practitioner").
        version: As its publisher names it.
        effective_from: First day of service that it was published for.
        effective_to: The last; None while no successor is known.
        licence: Whose words they are and what allows them here.
        sources: What it was made of.
        flags: Names of the bits of a code's edits, from the lowest.
        rationales: Of pairs and units, as published.
        counts: Records by name.
    """

    kind: PackKind
    system: str
    version: str
    effective_from: datetime.date
    effective_to: datetime.date | None
    licence: str
    sources: tuple[Source, ...]
    flags: tuple[str, ...] = ()
    rationales: tuple[str, ...] = ()
    counts: tuple[tuple[str, int], ...] = ()

    def in_force(self, day: datetime.date) -> bool:
        """Whether it was published for that day of service."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)


def head_of(content: bytes, size_bytes: int) -> tuple[PackHead, dict[str, tuple[int, int]]]:
    """The head, and each section's offset in the file and length.

    Args:
        content: The file, or its first bytes with the whole head among them.
        size_bytes: Length of the file; the sections have to fill it.

    Raises:
        ValueError: it is no pack of this version; the message says what is wrong, in our words.
    """
    start = len(MAGIC) + HEADER_LENGTH.size
    if len(content) < start or content[: len(MAGIC)] != MAGIC:
        raise ValueError("it does not begin as one")
    (length,) = HEADER_LENGTH.unpack_from(content, len(MAGIC))
    if length > MAX_HEADER_BYTES or start + length > len(content):
        raise ValueError("its head is longer than the file")
    try:
        document = json.loads(content[start : start + length])
        return _head(document), _sections(document["sections"], start + length, size_bytes)
    except (KeyError, TypeError, AttributeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"its head has not the right form ({type(error).__name__})") from None


def _head(document: dict[str, object]) -> PackHead:
    until, sources, counts = document["effective_to"], document["sources"], document["counts"]
    flags, rationales = document["flags"], document["rationales"]
    if not (isinstance(sources, list) and isinstance(counts, dict)):
        raise TypeError("a list is none")
    if not (isinstance(flags, list) and isinstance(rationales, list)):
        raise TypeError("a list is none")
    return PackHead(
        kind=PackKind(_line(document["kind"])),
        system=_line(document["system"]),
        version=_line(document["version"]),
        effective_from=datetime.date.fromisoformat(_line(document["effective_from"])),
        effective_to=datetime.date.fromisoformat(_line(until)) if until is not None else None,
        licence=_line(document["licence"]),
        sources=tuple(Source(_line(each["name"]), _sha256(each["sha256"])) for each in sources),
        flags=tuple(_line(name) for name in flags),
        rationales=tuple(_line(name) for name in rationales),
        counts=tuple(sorted((_line(name), int(count)) for name, count in counts.items())),
    )


def _sections(listed: dict[str, list[int]], body: int, size_bytes: int) -> dict[str, tuple[int, int]]:
    sections: dict[str, tuple[int, int]] = {}
    end = 0
    for name in sorted(listed):
        offset, size = listed[name]
        if type(offset) is not int or type(size) is not int or offset != end or size < 0:
            raise ValueError(f"section {name[:20]!a} is not where the one before ends")
        sections[name] = (body + offset, size)
        end = offset + size
    if body + end != size_bytes:
        raise ValueError("its sections do not fill the file")
    return sections


def _line(text: object) -> str:
    if not isinstance(text, str) or len(text) > 500 or not text.isprintable():
        raise ValueError("a text of the head is none")
    return text


def _sha256(text: object) -> str:
    if not isinstance(text, str) or not _SHA256.fullmatch(text):
        raise ValueError("a digest of the head is none")
    return text

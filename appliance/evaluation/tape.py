"""Reads a tar archive of plain files (POSIX ustar) within bounds; everything else in one is refused.

Not by tarfile: it follows links, long names and sparse maps of an archive that somebody else made, and none is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from mmap import mmap

from appliance.errors import UsageError

Archive = bytes | mmap
"""The whole archive: in memory, or a file that is mapped."""
_BLOCK = 512
_MAX_MEMBERS = 2000
HINT = "make it with `tar --format=ustar -cf SET.tar index.json audio`"


@dataclass(frozen=True)
class Member:
    """Where a file lies in the archive."""

    start: int
    size: int


def members(archive: Archive) -> Mapping[str, Member]:
    """Return the files by name. Raises UsageError, which names the member by its number."""
    found: dict[str, Member] = {}
    at = number = 0
    while at + _BLOCK <= len(archive):
        header = archive[at : at + _BLOCK]
        if not any(header):
            return found
        number += 1
        if number > _MAX_MEMBERS:
            raise _wrong(f"more than {_MAX_MEMBERS} members")
        size = _octal(header[124:136], number, "size")
        if _octal(header[148:156], number, "checksum") != sum(header[:148]) + 8 * 32 + sum(header[156:]):
            raise _wrong(f"member {number}: the header does not fit its checksum")
        if header[257:263] != b"ustar\0":
            raise _wrong(f"member {number}: not of the format ustar")
        kind, at = header[156:157], at + _BLOCK
        if at + size > len(archive):
            raise _wrong(f"member {number} is cut off: {size} bytes are announced, {len(archive) - at} are there")
        if kind in (b"0", b"\0"):
            name = _name(header, number)
            if name in found:
                raise _wrong(f"member {number} has the name of another")
            found[name] = Member(at, size)
        elif kind != b"5" or size:
            raise _wrong(f"member {number} is no plain file and no folder")
        at += (size + _BLOCK - 1) // _BLOCK * _BLOCK
    raise _wrong("its end mark is missing")


def _octal(field: bytes, number: int, what: str) -> int:
    digits = field.rstrip(b"\0 ").lstrip(b" ")
    if not digits or not digits.isdigit() or b"8" in digits or b"9" in digits:
        raise _wrong(f"member {number}: its {what} is no octal number")
    return int(digits, 8)


def _name(header: bytes, number: int) -> str:
    prefix, name = header[345:500].split(b"\0")[0], header[:100].split(b"\0")[0]
    try:
        whole = (prefix + b"/" + name if prefix else name).decode("ascii")
    except UnicodeDecodeError:
        raise _wrong(f"member {number}: its name is not ASCII") from None
    return whole.removeprefix("./")


def _wrong(what: str) -> UsageError:
    return UsageError(f"the evaluation set is no archive that can be read: {what}", hint=HINT)

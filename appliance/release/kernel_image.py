"""What a unified kernel image says of itself, and whether this machine's firmware would start it.

Format: PE/COFF, sections as systemd-stub names them. It is read before it is trusted: every number is bounded.
The signature is not verified here: the channel's keys have vouched for these bytes, and the firmware decides. What is
looked at is whether it is a signature over this very file by a certificate that this firmware knows, because an image
that the firmware refuses costs a reboot and a fall back.
"""

import hashlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import NotVerifiedError

MAX_BYTES = 256 << 20
# The sections of text lie before the kernel, within the first hundred KiB.
TEXT_BYTES = 1 << 20
_MAX_SECTIONS, _MAX_TEXT = 64, 64 << 10
_USR_HASH = re.compile(rb"(?:^|\s)usrhash=([0-9a-f]{64})(?:\s|$)")
_VERSION = re.compile(r'^IMAGE_VERSION="?([A-Za-z0-9.+~^-]{1,64})"?$', re.MULTILINE)
# EFI_IMAGE_SECURITY_DATABASE_GUID; the list of X.509 certificates in it: UEFI specification 2.10, section 32.4.1.
DATABASE = "sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
_X509 = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")


@dataclass(frozen=True)
class KernelImage:
    """`version`: IMAGE_VERSION of its os-release, by which the boot loader sorts; empty when it has none."""

    root_hash: str
    version: str
    sections: frozenset[str]


def read_image(content: bytes, size_bytes: int | None = None) -> KernelImage:
    """Read what it names. Raises NotVerifiedError when it is none, or names no root hash.

    `content` may be the file's beginning (TEXT_BYTES of it are enough) when its size is given.
    """
    sections = _sections(content, len(content) if size_bytes is None else size_bytes)
    missing = {".linux", ".initrd", ".cmdline", ".osrel", ".pcrsig"} - sections.keys()
    if missing:
        raise _broken(f"it lacks {', '.join(sorted(missing))}")
    found = _USR_HASH.findall(_part(content, sections[".cmdline"]).rstrip(b"\0"))
    if len(found) != 1:
        raise _broken(f"its command line names {len(found)} root hashes for /usr")
    version = _VERSION.search(_part(content, sections[".osrel"]).decode(errors="replace"))
    return KernelImage(found[0].decode(), version[1] if version else "", frozenset(sections))


def demand_startable(content: bytes, certificates: Sequence[bytes]) -> None:
    """Raises NotVerifiedError when it bears no signature over itself by one of the firmware's certificates."""
    digest, table = _authenticode(content)
    if digest not in table:
        raise _broken("its Secure Boot signature is missing, or is one of another file")
    if not any(certificate in table for certificate in certificates):
        raise NotVerifiedError(
            "the kernel image is signed by a key that this machine's firmware does not know",
            hint="build the release's OS image with this fleet's keys",
        )


def firmware_certificates(root: Path) -> tuple[bytes, ...]:
    """The certificates that the firmware starts images by (DER). Empty where Secure Boot has none. Raises OSError."""
    content = (root / DATABASE).read_bytes()[4:]
    found, at = [], 0
    while at + 28 <= len(content):
        kind = content[at : at + 16]
        size, header, each = struct.unpack_from("<III", content, at + 16)
        if size < 28 or each < 17 or at + size > len(content):
            break
        for place in range(at + 28 + header, at + size - each + 1, each):
            if kind == _X509:
                found.append(content[place + 16 : place + each])
        at += size
    return tuple(found)


def _sections(content: bytes, size_bytes: int) -> dict[str, tuple[int, int]]:
    try:
        if content[:2] != b"MZ":
            raise _broken("it is no PE file")
        (start,) = struct.unpack_from("<I", content, 60)
        if content[start : start + 4] != b"PE\0\0":
            raise _broken("it is no PE file")
        count, optional = (
            struct.unpack_from("<H", content, start + 6)[0],
            struct.unpack_from("<H", content, start + 20)[0],
        )
        if not 0 < count <= _MAX_SECTIONS:
            raise _broken(f"it names {count} sections")
        found: dict[str, tuple[int, int]] = {}
        for index in range(count):
            name, used, _, stored, at = struct.unpack_from("<8sIIII", content, start + 24 + optional + 40 * index)
            key = name.rstrip(b"\0").decode("ascii", errors="replace")
            if key in found or at + min(used, stored) > size_bytes:
                raise _broken(f"its section {key} is named twice or lies outside of it")
            found[key] = at, min(used, stored)
        return found
    except struct.error:
        raise _broken("it is cut off") from None


def _part(content: bytes, place: tuple[int, int]) -> bytes:
    at, size = place
    if size > _MAX_TEXT:
        raise _broken(f"a section of text has {size} bytes")
    return content[at : at + size]


def _authenticode(content: bytes) -> tuple[bytes, bytes]:
    """SHA-256 of the file as Secure Boot takes it (Windows Authenticode PE signature format), and the signatures."""
    _sections(content, len(content))
    try:
        (start,) = struct.unpack_from("<I", content, 60)
        optional = start + 24
        if struct.unpack_from("<H", content, optional)[0] != 0x20B:
            raise _broken("it is no PE32+ file")
        checksum, entry = optional + 64, optional + 112 + 4 * 8
        at, size = struct.unpack_from("<II", content, entry)
    except struct.error:
        raise _broken("it is cut off") from None
    if not size or at + size != len(content):
        raise _broken("it carries no Secure Boot signature at its end")
    view = memoryview(content)
    digest = hashlib.sha256(view[:checksum])
    digest.update(view[checksum + 4 : entry])
    digest.update(view[entry + 8 : at])
    return digest.digest(), bytes(view[at:])


def _broken(reason: str) -> NotVerifiedError:
    return NotVerifiedError(
        f"no kernel image for a box: {reason}", hint="build the OS image anew: fleetctl image build"
    )

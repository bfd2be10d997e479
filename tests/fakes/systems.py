"""Operating systems for tests: the split artifacts of a build in small, a system disk as a file, a boot loader.

Real: the partition table (UEFI 2.10, 5.3), the dm-verity tree (veritysetup), the PE file with its sections and a
signature table that has its Authenticode digest in it. Simulated, and named so: what systemd-boot does with file names.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import subprocess
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.release import SystemComponent, SystemPart
from tests.fakes.programs import needed

KINDS = {
    "esp": "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
    "signature": "e7bb33fb-06cf-4e81-8273-e543b413e2e2",
    "verity": "77ff5f63-e7b6-4633-acf4-1565b864c0e6",
    "usr": "8484680c-9521-48c6-9c11-b0720656f69e",
    "root": "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
}
CERTIFICATE = b"0\x82 a certificate of the fleet, DER"
_TRIES = re.compile(r"^(.*?)(?:\+(\d+)(?:-(\d+))?)?\.efi$")


@dataclass(frozen=True)
class System:
    """A built operating system."""

    version: str
    root_hash: str
    parts: dict[str, bytes]

    @property
    def whole(self) -> bytes:
        return b"".join(self.parts[name] for name in ("usr", "verity", "signature", "kernel"))

    def component(self) -> SystemComponent:
        whole = self.whole
        return SystemComponent(
            version=self.version, root_hash=self.root_hash, sha256=hashlib.sha256(whole).hexdigest(),
            size_bytes=len(whole),
            **{
                name: SystemPart(sha256=hashlib.sha256(part).hexdigest(), size_bytes=len(part))
                for name, part in self.parts.items()
            },
        )  # fmt: skip


def kernel_image(
    root_hash: str, version: str, *, certificate: bytes = CERTIFICATE, cmdline: str | None = None
) -> bytes:
    """A PE32+ file with the sections of a unified kernel image and a signature table."""
    words = cmdline if cmdline is not None else f"usrhash={root_hash} root=/dev/mapper/root rw"
    sections = {
        ".osrel": f'ID=debian\nIMAGE_ID="edge"\nIMAGE_VERSION="{version}"\n'.encode(),
        ".cmdline": words.encode() + b"\0", ".pcrsig": b"{}", ".linux": b"MZ kernel" * 50,
        ".initrd": root_hash.encode() * 20,
    }  # fmt: skip
    optional = struct.pack("<H", 0x20B).ljust(112 + 16 * 8, b"\0")
    head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, len(optional), 0)
    at = 1024
    table, body = b"", b""
    for name, content in sections.items():
        stored = content.ljust(-(-len(content) // 512) * 512, b"\0")
        table += struct.pack("<8sIIII16s", name.encode(), len(content), 0, len(stored), at + len(body), b"")
        body += stored
    image = bytearray((head + coff + optional + table).ljust(at, b"\0") + body)
    entry = 64 + 24 + 112 + 4 * 8
    checksum = 64 + 24 + 64
    digest = hashlib.sha256(image[:checksum] + image[checksum + 4 : entry] + image[entry + 8 :]).digest()
    signatures = b"PKCS7 " + certificate + digest
    image[entry : entry + 8] = struct.pack("<II", len(image), len(signatures))
    return bytes(image) + signatures


def system(work: Path, version: str, content: bytes, **kernel: str | bytes) -> System:
    """Build one: its /usr is `content`, 4 KiB blocks under a real dm-verity tree."""
    needed("veritysetup")
    data, tree = work / "usr.data", work / "usr.tree"
    padded = content.ljust(max(8192, -(-len(content) // 4096) * 4096), b"\0")
    data.write_bytes(padded)
    tree.unlink(missing_ok=True)
    argv = ["veritysetup", "format", "--uuid", str(uuid.uuid5(uuid.NAMESPACE_OID, version)), "--salt", "00" * 32]
    done = subprocess.run([*argv, str(data), str(tree)], capture_output=True, text=True, check=True)
    found = re.search(r"^Root hash:\s+([0-9a-f]{64})$", done.stdout, re.MULTILINE)
    assert found is not None
    root_hash = found[1]
    parts = {
        "usr": padded, "verity": tree.read_bytes(),
        "signature": json.dumps({"rootHash": root_hash, "signature": "c2ln"}).encode(),
        "kernel": kernel_image(root_hash, version, **kernel),  # type: ignore[arg-type]
    }  # fmt: skip
    return System(version, root_hash, parts)


def system_disk(path: Path, running: System, *, usr_kib: int = 128) -> None:
    """A box's disk after its first boot: boot partition, slot a with the running system, slot b empty, root."""
    sizes = {"esp": 64, "signature": 16, "verity": 32, "usr": usr_kib, "root": 64}
    order = ["esp", "signature", "verity", "usr", "signature", "verity", "usr", "root"]
    first, entries, content = 2048, b"", {}
    for index, name in enumerate(order):
        last = first + sizes[name] * 2 - 1
        is_a = 1 <= index <= 3
        if name in ("usr", "verity") and is_a:
            identity = uuid.UUID(running.root_hash[:32] if name == "usr" else running.root_hash[32:])
        else:
            identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{name}{index}")
        suffix = "" if name == "usr" else f"_{name}"
        label = f"edge_{running.version}{suffix}" if is_a else ("_empty" if 4 <= index <= 6 else name)
        entries += struct.pack(
            "<16s16sQQQ72s", uuid.UUID(KINDS[name]).bytes_le, identity.bytes_le, first, last, 0,
            label.encode("utf-16-le"),
        )  # fmt: skip
        if is_a:
            content[first * 512] = running.parts[name]
        first = last + 1
    entries = entries.ljust(128 * 128, b"\0")
    sectors = first + 40
    disk_id = uuid.uuid5(uuid.NAMESPACE_OID, "disk").bytes_le

    def header(own: int, other: int, table: int) -> bytes:
        fields = (b"EFI PART", 0x10000, 92, 0, 0, own, other, 34, sectors - 34, disk_id, table, 128, 128,
                  zlib.crc32(entries))  # fmt: skip
        packed = struct.pack("<8sIIIIQQQQ16sQIII", *fields)
        return packed[:16] + struct.pack("<I", zlib.crc32(packed)) + packed[20:]

    whole = bytearray(sectors * 512)
    whole[446:462] = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, sectors - 1)
    whole[510:512] = b"\x55\xaa"
    whole[512 : 512 + 92] = header(1, sectors - 1, 2)
    whole[1024 : 1024 + len(entries)] = entries
    whole[(sectors - 33) * 512 : (sectors - 1) * 512] = entries
    whole[(sectors - 1) * 512 : (sectors - 1) * 512 + 92] = header(sectors - 1, 1, sectors - 33)
    for at, part in content.items():
        whole[at : at + len(part)] = part
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole)


def install_system(root: Path, running: System, *, usr_kib: int = 128) -> None:
    """A box in a folder that has `running` in its first slot and as its only image of the boot loader."""
    system_disk(root / "dev/system-disk", running, usr_kib=usr_kib)
    linux = root / "efi/EFI/Linux"
    linux.mkdir(parents=True)
    (linux / f"edge-6.12.1+deb13-cloud-amd64-{running.root_hash}.efi").write_bytes(running.parts["kernel"])


def simulated_boot(root: Path, *, comes_up: bool = True, dead: tuple[str, ...] = ()) -> str:
    """What systemd-boot and the initrd do: take an image, count its try, and find /usr by the root hash that it names.

    Returns the root hash that runs then. `comes_up`, `dead`: a system that does not leaves the command line as it was.
    """
    linux = root / "efi/EFI/Linux"
    found = []
    for path in linux.glob("*.efi"):
        match = _TRIES.match(path.name)
        content = path.read_bytes()
        usr = re.search(rb"usrhash=([0-9a-f]{64})", content)
        version = re.search(rb'IMAGE_VERSION="([^"]*)"', content)
        assert match is not None
        assert usr is not None
        assert version is not None
        left = int(match[2]) if match[2] else None
        key = (left != 0, [int(each) for each in version[1].decode().split(".")], _rank(match[1]))
        found.append((key, path, match, left, usr[1].decode()))
    _, path, match, left, root_hash = max(found, key=lambda each: each[0])
    if left:
        path.rename(linux / f"{match[1]}+{left - 1}-{int(match[3] or 0) + 1}.efi")
    whole = (root / "dev/system-disk").read_bytes()
    identities = {whole[1024 + 128 * i + 16 : 1024 + 128 * i + 32] for i in range(8)}
    wanted = {uuid.UUID(root_hash[:32]).bytes_le, uuid.UUID(root_hash[32:]).bytes_le}
    if comes_up and root_hash not in dead and wanted <= identities:
        (root / "proc/cmdline").write_text(f"usrhash={root_hash} root=/dev/mapper/root rw\n")
        return root_hash
    return ""


def _rank(stem: str) -> tuple[int, str]:
    # "edge_0001" sorts above "edge-6.12…": a hyphen is lower than a digit in systemd's comparison.
    return (1 if stem.startswith("edge_") else 0, stem)

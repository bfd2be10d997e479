"""Small real model images for tests: erofs, dm-verity tree and GPT, as the product's are."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import struct
import subprocess
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.contract.release import AdapterComponent, ModelComponent
from appliance.contract.seal import ModelTask
from tests.fakes.programs import needed

_ROOT, _VERITY, _SIGNATURE = (
    uuid.UUID(text)
    for text in (
        "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
        "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5",
        "41092b05-9fc8-4523-994f-2def0408b176",
    )
)


@dataclass(frozen=True)
class Image:
    """A model image as the product's are: GPT, erofs, its dm-verity tree, the signature partition."""

    path: Path
    root_hash: str
    sha256: str
    size_bytes: int

    def component(self, task: ModelTask = "transcription", name: str = "tiny", memory_mib: int = 16) -> ModelComponent:
        return ModelComponent(
            task=task,
            name=name,
            root_hash=self.root_hash,
            sha256=self.sha256,
            size_bytes=self.size_bytes,
            form="ctranslate2" if task == "transcription" else "gguf",
            licence="MIT",
            origin="made by a test",
            memory_mib=memory_mib,
        )

    def adapter(
        self, base: Image, name: str = "style", kinds: Sequence[str] = ("visit_note",), **more: Any
    ) -> AdapterComponent:
        """This image as a LoRA adapter of `base`; nothing that is tested with it looks into it."""
        said: dict[str, Any] = {
            "name": name, "kinds": tuple(kinds), "form": "gguf", "rank": 4, "licence": "MIT", "memory_mib": 1,
            "digest": hashlib.sha256(f"files {self.root_hash}".encode()).hexdigest(), "root_hash": self.root_hash,
            "sha256": self.sha256, "size_bytes": self.size_bytes, "base_root_hash": base.root_hash,
            "origin": "made by a test",
        }  # fmt: skip
        return AdapterComponent(**(said | more))


def model_image(work: Path, files: Mapping[str, bytes]) -> Image:
    """Pack `files` and return the image at `work/ROOT_HASH.raw`. Real mkfs.erofs and veritysetup; some 20 ms.

    The signature partition names the root hash and carries no signature: no kernel mounts these images.
    """
    needed("mkfs.erofs", "veritysetup")
    content = work / "content"
    shutil.rmtree(content, ignore_errors=True)
    for name, data in files.items():
        path = content / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    seed = uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())
    data_path, tree_path = work / "data.erofs", work / "data.verity"
    for stale in (data_path, tree_path):
        stale.unlink(missing_ok=True)
    _run("mkfs.erofs", "--quiet", "-T0", "-U", str(seed), "--all-root", str(data_path), str(content))
    said = _run("veritysetup", "format", "--uuid", str(seed), "--salt", "00" * 32, str(data_path), str(tree_path))
    root_hash = re.search(r"^Root hash:\s+([0-9a-f]{64})$", said, re.MULTILINE)
    assert root_hash is not None, said
    signed = json.dumps({"rootHash": root_hash[1]}).encode()
    whole = _disk(data_path.read_bytes(), tree_path.read_bytes(), signed, root_hash[1])
    path = work / f"{root_hash[1]}.raw"
    path.write_bytes(whole)
    shutil.rmtree(content)
    data_path.unlink()
    tree_path.unlink()
    return Image(path, root_hash[1], hashlib.sha256(whole).hexdigest(), len(whole))


def verity_parts(image: Path, work: Path) -> tuple[Path, Path]:
    """Cut an image into data and tree, for `veritysetup verify DATA TREE ROOT_HASH`."""
    whole = image.read_bytes()
    out = []
    for number, name in ((0, "data"), (1, "tree")):
        first, last = struct.unpack_from("<QQ", whole, 1024 + number * 128 + 32)
        (work / name).write_bytes(whole[first * 512 : (last + 1) * 512])
        out.append(work / name)
    return out[0], out[1]


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


def _disk(data: bytes, tree: bytes, signed: bytes, root_hash: str) -> bytes:
    """A GPT disk (UEFI 2.10, 5.3) with the three partitions at multiples of 4 KiB."""
    kinds = [
        (_ROOT, uuid.UUID(root_hash[:32]), "tiny", data),
        (_VERITY, uuid.UUID(root_hash[32:]), "tiny-verity", tree),
        (_SIGNATURE, uuid.uuid5(uuid.NAMESPACE_OID, root_hash), "tiny-sig", signed.ljust(16384, b"\0")),
    ]
    entries, body, sector = b"", b"", 40
    for kind, identity, label, content in kinds:
        padded = content + bytes(-len(content) % 4096)
        last = sector + len(padded) // 512 - 1
        name = label.encode("utf-16-le").ljust(72, b"\0")
        entries += struct.pack("<16s16sQQQ72s", kind.bytes_le, identity.bytes_le, sector, last, 0, name)
        body, sector = body + padded, last + 1
    entries = entries.ljust(128 * 128, b"\0")
    last_sector = sector + 39  # 32 for the table's copy, one for the header's, the rest keeps 4 KiB
    disk_id = uuid.uuid5(uuid.NAMESPACE_OID, f"disk {root_hash}").bytes_le

    def header(here: int, other: int, table: int) -> bytes:
        def packed(crc: int) -> bytes:
            fields = (b"EFI PART", 0x10000, 92, crc, 0, here, other, 40, sector - 1, disk_id, table, 128, 128)
            return struct.pack("<8sIIIIQQQQ16sQIII", *fields, zlib.crc32(entries))

        return packed(zlib.crc32(packed(0))).ljust(512, b"\0")

    protective = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff" * 3, 1, last_sector)
    mbr = bytes(446) + protective + bytes(48) + b"\x55\xaa"
    front = (mbr + header(1, last_sector, 2) + entries).ljust(40 * 512, b"\0")
    back = (bytes((last_sector - 33 - sector + 1) * 512)) + entries + header(last_sector, 1, last_sector - 32)
    return front + body + back

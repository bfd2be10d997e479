"""What attacks on a TUF repository are made of: the target, and how its documents are changed and signed again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import Metadata, MetaFile, TargetFile

EVIL = b'{"schema_version": "release/v1", "name": "evil"}\n'
PAST = timedelta(days=3650)


@dataclass(frozen=True)
class Target:
    """What is attacked. `older`: a copy of `folder` of before the release `name` was put into `channel`."""

    folder: Path
    older: Path
    keys: Mapping[str, Sequence[Signer]]
    channel: str
    name: str


Builder = Callable[[Target, Path], None]


def newest(folder: Path, role: str) -> Path:
    """The file of a role with the highest version."""
    if role == "timestamp":
        return folder / "metadata" / "timestamp.json"
    return max((folder / "metadata").glob(f"*.{role}.json"), key=lambda path: int(path.name.split(".")[0]))


def load(folder: Path, role: str) -> Metadata[Any]:
    return Metadata.from_bytes(newest(folder, role).read_bytes())


def resign(folder: Path, documents: Mapping[str, Metadata[Any]], keys: Mapping[str, Sequence[Signer]]) -> None:
    """Write changed documents, and snapshot and timestamp that name them, signed by `keys`."""
    snapshot = documents.get("snapshot") or load(folder, "snapshot")
    timestamp = documents.get("timestamp") or load(folder, "timestamp")
    for role, document in documents.items():
        if role not in ("snapshot", "timestamp"):
            content = write_signed(folder, role, document, keys[role])
            snapshot.signed.meta[f"{role}.json"] = MetaFile.from_data(document.signed.version, content, ["sha256"])
    if "snapshot" not in documents:
        snapshot.signed.version += 1
    content = write_signed(folder, "snapshot", snapshot, keys["snapshot"])
    timestamp.signed.snapshot_meta = MetaFile.from_data(snapshot.signed.version, content, ["sha256"])
    if "timestamp" not in documents:
        timestamp.signed.version += 1
    write_signed(folder, "timestamp", timestamp, keys["timestamp"])


def write_signed(folder: Path, role: str, document: Metadata[Any], signers: Sequence[Signer]) -> bytes:
    document.signatures.clear()
    for signer in signers:
        document.sign(signer, append=True)
    content = document.to_bytes()
    name = "timestamp.json" if role == "timestamp" else f"{document.signed.version}.{role}.json"
    (folder / "metadata" / name).write_bytes(content)
    return content


def copy_of(target: Target, hostile: Path) -> Path:
    shutil.copytree(target.folder, hostile)
    return hostile


def manifest_path(target: Target, folder: Path) -> Path:
    return folder / "targets" / target.channel / target.name / "release.json"


def next_root(hostile: Path) -> Metadata[Any]:
    root = load(hostile, "root")
    root.signed.version += 1
    return root


def stranger() -> Signer:
    return CryptoSigner.generate_ed25519()


def add_evil(hostile: Path, document: Metadata[Any], channel: str) -> None:
    path = f"{channel}/evil/release.json"
    (hostile / "targets" / path).parent.mkdir(parents=True)
    (hostile / "targets" / path).write_bytes(EVIL)
    document.signed.targets[path] = TargetFile.from_data(path, EVIL, ["sha256"])
    document.signed.version += 1


def evil_channel(target: Target, hostile: Path, keys: Mapping[str, Sequence[Signer]]) -> None:
    document = load(hostile, target.channel)
    add_evil(hostile, document, target.channel)
    resign(hostile, {target.channel: document}, keys)


def expired(target: Target, hostile: Path, role: str) -> None:
    copy_of(target, hostile)
    document = deepcopy(load(hostile, role))
    document.signed.version += 1
    document.signed.expires = (datetime.now(UTC) - PAST).replace(microsecond=0)
    resign(hostile, {role: document}, target.keys)


def endless(path: Path) -> None:
    with path.open("ab") as file:
        os.ftruncate(file.fileno(), 8 << 30)


def cut_off(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

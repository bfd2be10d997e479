"""Hostile copies of a TUF repository, one builder a class of attack.

A builder takes a `Target` (a good repository, an older copy of it, and the signers that an attacker may have stolen)
and writes a hostile copy. MIRROR are attacks of who controls the files alone: a medium, a mirror, a wire. STOLEN need
keys, and say which. A client that pinned the first root and has seen `folder` has to refuse each, or (HARMLESS) may go
on with what it has, and never accept the `evil` release or file.

    for name, build in MIRROR.items():
        build(target, hostile)      # hostile/metadata, hostile/targets
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner, Signature, Signer, SSlibKey
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
            content = _signed(folder, role, document, keys[role])
            snapshot.signed.meta[f"{role}.json"] = MetaFile.from_data(document.signed.version, content, ["sha256"])
    if "snapshot" not in documents:
        snapshot.signed.version += 1
    content = _signed(folder, "snapshot", snapshot, keys["snapshot"])
    timestamp.signed.snapshot_meta = MetaFile.from_data(snapshot.signed.version, content, ["sha256"])
    if "timestamp" not in documents:
        timestamp.signed.version += 1
    _signed(folder, "timestamp", timestamp, keys["timestamp"])


def _signed(folder: Path, role: str, document: Metadata[Any], signers: Sequence[Signer]) -> bytes:
    document.signatures.clear()
    for signer in signers:
        document.sign(signer, append=True)
    content = document.to_bytes()
    name = "timestamp.json" if role == "timestamp" else f"{document.signed.version}.{role}.json"
    (folder / "metadata" / name).write_bytes(content)
    return content


def _copy(target: Target, hostile: Path) -> Path:
    shutil.copytree(target.folder, hostile)
    return hostile


def _manifest(target: Target, folder: Path) -> Path:
    return folder / "targets" / target.channel / target.name / "release.json"


# --- who controls the files alone ---------------------------------------------------------------------------------


def rollback(target: Target, hostile: Path) -> None:
    """Serve the repository of yesterday, whole and rightly signed."""
    shutil.copytree(target.older, hostile)


def mix_and_match_snapshot(target: Target, hostile: Path) -> None:
    """Today's timestamp with yesterday's snapshot under today's name."""
    _copy(target, hostile)
    newest(hostile, "snapshot").write_bytes(newest(target.older, "snapshot").read_bytes())


def mix_and_match_channel(target: Target, hostile: Path) -> None:
    """Today's timestamp and snapshot with yesterday's channel under today's name: rightly signed, never together."""
    _copy(target, hostile)
    newest(hostile, target.channel).write_bytes(newest(target.older, target.channel).read_bytes())


def arbitrary_manifest(target: Target, hostile: Path) -> None:
    """Another manifest in place of the signed one, of the same length."""
    path = _manifest(target, _copy(target, hostile))
    length = path.stat().st_size
    path.write_bytes(EVIL[:length].ljust(length, b" "))


def arbitrary_channel(target: Target, hostile: Path) -> None:
    """The channel's metadata with another digest in it, the old signatures kept."""
    path = newest(_copy(target, hostile), target.channel)
    document = json.loads(path.read_bytes())
    entry = document["signed"]["targets"][f"{target.channel}/{target.name}/release.json"]
    entry["hashes"]["sha256"] = "0" * 64
    path.write_text(json.dumps(document))


def wrong_keys(target: Target, hostile: Path) -> None:
    """Everything below the root signed anew by keys of the attacker, an evil release in it."""
    _evil_channel(target, _copy(target, hostile), {role: [_stranger()] for role in target.keys})


def stranger_root(target: Target, hostile: Path) -> None:
    """The next root, with the attacker's keys for every role, signed by the attacker."""
    _copy(target, hostile)
    own: dict[str, Sequence[Signer]] = {role: [_stranger()] for role in target.keys}
    root = load(hostile, "root")
    root.signed.version += 1
    for role in ("root", "targets", "snapshot", "timestamp"):
        for keyid in list(root.signed.roles[role].keyids):
            root.signed.revoke_key(keyid, role)
        root.signed.roles[role].threshold = 1
        root.signed.add_key(own[role][0].public_key, role)
    _signed(hostile, "root", root, own["root"])
    _evil_channel(target, hostile, own)


def endless_timestamp(target: Target, hostile: Path) -> None:
    """A timestamp of 8 GiB (a hole on the disk)."""
    _endless(newest(_copy(target, hostile), "timestamp"))


def endless_root(target: Target, hostile: Path) -> None:
    """A next root of 8 GiB."""
    path = newest(_copy(target, hostile), "root")
    version = int(path.name.split(".")[0]) + 1
    _endless(path.with_name(f"{version}.root.json"))


def endless_channel(target: Target, hostile: Path) -> None:
    """The channel's metadata, and 8 GiB behind it."""
    _endless(newest(_copy(target, hostile), target.channel))


def endless_manifest(target: Target, hostile: Path) -> None:
    """The manifest, and 8 GiB behind it."""
    _endless(_manifest(target, _copy(target, hostile)))


def short_timestamp(target: Target, hostile: Path) -> None:
    """A timestamp that was cut off."""
    _cut(newest(_copy(target, hostile), "timestamp"))


def short_snapshot(target: Target, hostile: Path) -> None:
    """A snapshot that was cut off."""
    _cut(newest(_copy(target, hostile), "snapshot"))


def short_manifest(target: Target, hostile: Path) -> None:
    """A manifest that was cut off."""
    _cut(_manifest(target, _copy(target, hostile)))


def no_timestamp(target: Target, hostile: Path) -> None:
    """Nothing where the timestamp was."""
    newest(_copy(target, hostile), "timestamp").unlink()


def no_channel(target: Target, hostile: Path) -> None:
    """Nothing where the channel's metadata was."""
    newest(_copy(target, hostile), target.channel).unlink()


def no_manifest(target: Target, hostile: Path) -> None:
    """Nothing where the manifest was."""
    _manifest(target, _copy(target, hostile)).unlink()


def garbage_timestamp(target: Target, hostile: Path) -> None:
    """Bytes that are no JSON."""
    newest(_copy(target, hostile), "timestamp").write_bytes(bytes(range(256)))


def deep_timestamp(target: Target, hostile: Path) -> None:
    """JSON of 8,000 arrays in each other: what ends a recursive parser."""
    newest(_copy(target, hostile), "timestamp").write_bytes(b"[" * 8000 + b"]" * 8000)


def swapped_roles(target: Target, hostile: Path) -> None:
    """The snapshot served as the timestamp."""
    _copy(target, hostile)
    newest(hostile, "timestamp").write_bytes(newest(hostile, "snapshot").read_bytes())


def link_outside(target: Target, hostile: Path) -> None:
    """The manifest is a link to a file outside of the repository."""
    path = _manifest(target, _copy(target, hostile))
    outside = hostile.with_name(f"{hostile.name}.outside")
    outside.write_bytes(EVIL)
    path.unlink()
    path.symlink_to(outside)


# --- who stole keys as well ---------------------------------------------------------------------------------------


def root_too_few_signatures(target: Target, hostile: Path) -> None:
    """The next root, signed by one of the two that are wanted. Stolen: one root key."""
    _copy(target, hostile)
    root = _next_root(hostile)
    _signed(hostile, "root", root, target.keys["root"][:1])


def root_same_signature_twice(target: Target, hostile: Path) -> None:
    """The next root with one signature, and the same again under the other key's id. Stolen: one root key."""
    _copy(target, hostile)
    root = _next_root(hostile)
    _signed(hostile, "root", root, target.keys["root"][:1])
    (given,) = root.signatures.values()
    other = target.keys["root"][1].public_key.keyid
    root.signatures[other] = Signature(other, given.signature)
    (hostile / "metadata" / f"{root.signed.version}.root.json").write_bytes(root.to_bytes())


def root_same_key_twice(target: Target, hostile: Path) -> None:
    """A next root in which one public key stands under two ids, so that one person is two. Stolen: the root's keys.

    python-tuf itself accepts it: who reads a root has to compare the public keys.
    """
    _same_key_twice(target, hostile, lambda public: public)


def root_same_key_spelled_twice(target: Target, hostile: Path) -> None:
    """The same, the key in capital letters the second time: the keys have to be compared, not how they are written."""
    _same_key_twice(target, hostile, str.upper)


def _same_key_twice(target: Target, hostile: Path, spell: Callable[[str], str]) -> None:
    _copy(target, hostile)
    root = _next_root(hostile)
    first = target.keys["root"][0].public_key
    for keyid in list(root.signed.roles["root"].keyids):
        if keyid != first.keyid:
            root.signed.revoke_key(keyid, "root")
    value = {"public": spell(first.keyval["public"])}
    root.signed.add_key(SSlibKey("f" * 64, first.keytype, first.scheme, value), "root")
    _signed(hostile, "root", root, target.keys["root"])
    root.signatures["f" * 64] = Signature("f" * 64, root.signatures[first.keyid].signature)
    (hostile / "metadata" / f"{root.signed.version}.root.json").write_bytes(root.to_bytes())


def expired_timestamp(target: Target, hostile: Path) -> None:
    """Freeze: a timestamp that is over. Stolen: the timestamp's key."""
    _expired(target, hostile, "timestamp")


def expired_snapshot(target: Target, hostile: Path) -> None:
    """Freeze: a snapshot that is over. Stolen: snapshot and timestamp."""
    _expired(target, hostile, "snapshot")


def expired_channel(target: Target, hostile: Path) -> None:
    """Freeze: a channel that is over. Stolen: channel, snapshot and timestamp."""
    _expired(target, hostile, target.channel)


def snapshot_rollback(target: Target, hostile: Path) -> None:
    """A newer timestamp that names yesterday's snapshot. Stolen: the timestamp's key."""
    _copy(target, hostile)
    old = newest(target.older, "snapshot")
    timestamp = load(hostile, "timestamp")
    timestamp.signed.version += 1
    timestamp.signed.snapshot_meta = MetaFile.from_data(
        load(target.older, "snapshot").signed.version, old.read_bytes(), ["sha256"]
    )
    _signed(hostile, "timestamp", timestamp, target.keys["timestamp"])


def channel_rollback(target: Target, hostile: Path) -> None:
    """A newer snapshot that names yesterday's channel. Stolen: snapshot and timestamp."""
    _copy(target, hostile)
    old = load(target.older, target.channel)
    snapshot = load(hostile, "snapshot")
    snapshot.signed.version += 1
    content = newest(target.older, target.channel).read_bytes()
    snapshot.signed.meta[f"{target.channel}.json"] = MetaFile.from_data(old.signed.version, content, ["sha256"])
    resign(hostile, {"snapshot": snapshot}, target.keys)


def channel_vanished(target: Target, hostile: Path) -> None:
    """A newer snapshot that does not name the channel any more. Stolen: snapshot and timestamp."""
    _copy(target, hostile)
    snapshot = load(hostile, "snapshot")
    snapshot.signed.version += 1
    del snapshot.signed.meta[f"{target.channel}.json"]
    resign(hostile, {"snapshot": snapshot}, target.keys)


def evil_release_without_channel_key(target: Target, hostile: Path) -> None:
    """An evil release in the channel, signed by a stranger. Stolen: snapshot and timestamp (both are online)."""
    _evil_channel(target, _copy(target, hostile), {**target.keys, target.channel: [_stranger()]})


def foreign_channel(target: Target, hostile: Path) -> None:
    """Another channel's key lists an evil release under this channel's path. Stolen: all but root, targets, channel.

    Harmless when the client never finds `CHANNEL/evil/release.json`; the repository has to have a second channel.
    """
    _copy(target, hostile)
    other = next(
        role for role in target.keys if role not in ("root", "targets", "snapshot", "timestamp", target.channel)
    )
    document = load(hostile, other)
    _add_evil(hostile, document, target.channel)
    resign(hostile, {other: document}, target.keys)


def _next_root(hostile: Path) -> Metadata[Any]:
    root = load(hostile, "root")
    root.signed.version += 1
    return root


def _stranger() -> Signer:
    return CryptoSigner.generate_ed25519()


def _add_evil(hostile: Path, document: Metadata[Any], channel: str) -> None:
    path = f"{channel}/evil/release.json"
    (hostile / "targets" / path).parent.mkdir(parents=True)
    (hostile / "targets" / path).write_bytes(EVIL)
    document.signed.targets[path] = TargetFile.from_data(path, EVIL, ["sha256"])
    document.signed.version += 1


def _evil_channel(target: Target, hostile: Path, keys: Mapping[str, Sequence[Signer]]) -> None:
    document = load(hostile, target.channel)
    _add_evil(hostile, document, target.channel)
    resign(hostile, {target.channel: document}, keys)


def _expired(target: Target, hostile: Path, role: str) -> None:
    _copy(target, hostile)
    document = deepcopy(load(hostile, role))
    document.signed.version += 1
    document.signed.expires = (datetime.now(UTC) - PAST).replace(microsecond=0)
    resign(hostile, {role: document}, target.keys)


def _endless(path: Path) -> None:
    with path.open("ab") as file:
        os.ftruncate(file.fileno(), 8 << 30)


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


MIRROR: dict[str, Builder] = {
    each.__name__: each
    for each in (
        rollback,
        mix_and_match_snapshot,
        mix_and_match_channel,
        arbitrary_manifest,
        arbitrary_channel,
        wrong_keys,
        stranger_root,
        endless_timestamp,
        endless_root,
        endless_channel,
        endless_manifest,
        short_timestamp,
        short_snapshot,
        short_manifest,
        no_timestamp,
        no_channel,
        no_manifest,
        garbage_timestamp,
        deep_timestamp,
        swapped_roles,
        link_outside,
    )
}
STOLEN: dict[str, Builder] = {
    each.__name__: each
    for each in (
        root_too_few_signatures,
        root_same_signature_twice,
        root_same_key_twice,
        root_same_key_spelled_twice,
        expired_timestamp,
        expired_snapshot,
        expired_channel,
        snapshot_rollback,
        channel_rollback,
        channel_vanished,
        evil_release_without_channel_key,
    )
}
HARMLESS: dict[str, Builder] = {"foreign_channel": foreign_channel}
"""The client may go on, and does not find the evil release."""

NEEDS_MEMORY = frozenset({"rollback", "snapshot_rollback", "channel_rollback"})
"""Refused only by a client that has seen `folder` before: nobody else can know."""

SERVED_FROM_MEMORY = frozenset({"mix_and_match_snapshot", "mix_and_match_channel", "short_snapshot", "no_channel"})
"""A client that has verified and kept the same version already does not read it again: right, and no refusal."""

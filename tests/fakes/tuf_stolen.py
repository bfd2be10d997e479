"""Hostile copies of a TUF repository by who has stolen keys; each says which (see `tuf_attacks`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from securesystemslib.signer import Signature, SSlibKey
from tuf.api.metadata import MetaFile

from tests.fakes.tuf_hostile import (
    Builder,
    Target,
    add_evil,
    copy_of,
    evil_channel,
    expired,
    load,
    newest,
    next_root,
    resign,
    stranger,
    write_signed,
)

# --- who stole keys as well ---------------------------------------------------------------------------------------


def root_too_few_signatures(target: Target, hostile: Path) -> None:
    """The next root, signed by one of the two that are wanted. Stolen: one root key."""
    copy_of(target, hostile)
    root = next_root(hostile)
    write_signed(hostile, "root", root, target.keys["root"][:1])


def root_same_signature_twice(target: Target, hostile: Path) -> None:
    """The next root with one signature, and the same again under the other key's id. Stolen: one root key."""
    copy_of(target, hostile)
    root = next_root(hostile)
    write_signed(hostile, "root", root, target.keys["root"][:1])
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
    copy_of(target, hostile)
    root = next_root(hostile)
    first = target.keys["root"][0].public_key
    for keyid in list(root.signed.roles["root"].keyids):
        if keyid != first.keyid:
            root.signed.revoke_key(keyid, "root")
    value = {"public": spell(first.keyval["public"])}
    root.signed.add_key(SSlibKey("f" * 64, first.keytype, first.scheme, value), "root")
    write_signed(hostile, "root", root, target.keys["root"])
    root.signatures["f" * 64] = Signature("f" * 64, root.signatures[first.keyid].signature)
    (hostile / "metadata" / f"{root.signed.version}.root.json").write_bytes(root.to_bytes())


def expired_timestamp(target: Target, hostile: Path) -> None:
    """Freeze: a timestamp that is over. Stolen: the timestamp's key."""
    expired(target, hostile, "timestamp")


def expired_snapshot(target: Target, hostile: Path) -> None:
    """Freeze: a snapshot that is over. Stolen: snapshot and timestamp."""
    expired(target, hostile, "snapshot")


def expired_channel(target: Target, hostile: Path) -> None:
    """Freeze: a channel that is over. Stolen: channel, snapshot and timestamp."""
    expired(target, hostile, target.channel)


def snapshot_rollback(target: Target, hostile: Path) -> None:
    """A newer timestamp that names yesterday's snapshot. Stolen: the timestamp's key."""
    copy_of(target, hostile)
    old = newest(target.older, "snapshot")
    timestamp = load(hostile, "timestamp")
    timestamp.signed.version += 1
    timestamp.signed.snapshot_meta = MetaFile.from_data(
        load(target.older, "snapshot").signed.version, old.read_bytes(), ["sha256"]
    )
    write_signed(hostile, "timestamp", timestamp, target.keys["timestamp"])


def channel_rollback(target: Target, hostile: Path) -> None:
    """A newer snapshot that names yesterday's channel. Stolen: snapshot and timestamp."""
    copy_of(target, hostile)
    old = load(target.older, target.channel)
    snapshot = load(hostile, "snapshot")
    snapshot.signed.version += 1
    content = newest(target.older, target.channel).read_bytes()
    snapshot.signed.meta[f"{target.channel}.json"] = MetaFile.from_data(old.signed.version, content, ["sha256"])
    resign(hostile, {"snapshot": snapshot}, target.keys)


def channel_vanished(target: Target, hostile: Path) -> None:
    """A newer snapshot that does not name the channel any more. Stolen: snapshot and timestamp."""
    copy_of(target, hostile)
    snapshot = load(hostile, "snapshot")
    snapshot.signed.version += 1
    del snapshot.signed.meta[f"{target.channel}.json"]
    resign(hostile, {"snapshot": snapshot}, target.keys)


def evil_release_without_channel_key(target: Target, hostile: Path) -> None:
    """An evil release in the channel, signed by a stranger. Stolen: snapshot and timestamp (both are online)."""
    evil_channel(target, copy_of(target, hostile), {**target.keys, target.channel: [stranger()]})


def foreign_channel(target: Target, hostile: Path) -> None:
    """Another channel's key lists an evil release under this channel's path. Stolen: all but root, targets, channel.

    Harmless when the client never finds `CHANNEL/evil/release.json`; the repository has to have a second channel.
    """
    copy_of(target, hostile)
    other = next(
        role for role in target.keys if role not in ("root", "targets", "snapshot", "timestamp", target.channel)
    )
    document = load(hostile, other)
    add_evil(hostile, document, target.channel)
    resign(hostile, {other: document}, target.keys)


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

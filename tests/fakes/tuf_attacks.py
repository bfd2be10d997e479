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
import shutil
from collections.abc import Sequence
from pathlib import Path

from securesystemslib.signer import Signer

from tests.fakes.tuf_hostile import (
    EVIL,
    Builder,
    Target,
    copy_of,
    cut_off,
    endless,
    evil_channel,
    load,
    manifest_path,
    newest,
    stranger,
    write_signed,
)

# --- who controls the files alone ---------------------------------------------------------------------------------


def rollback(target: Target, hostile: Path) -> None:
    """Serve the repository of yesterday, whole and rightly signed."""
    shutil.copytree(target.older, hostile)


def mix_and_match_snapshot(target: Target, hostile: Path) -> None:
    """Today's timestamp with yesterday's snapshot under today's name."""
    copy_of(target, hostile)
    newest(hostile, "snapshot").write_bytes(newest(target.older, "snapshot").read_bytes())


def mix_and_match_channel(target: Target, hostile: Path) -> None:
    """Today's timestamp and snapshot with yesterday's channel under today's name: rightly signed, never together."""
    copy_of(target, hostile)
    newest(hostile, target.channel).write_bytes(newest(target.older, target.channel).read_bytes())


def arbitrary_manifest(target: Target, hostile: Path) -> None:
    """Another manifest in place of the signed one, of the same length."""
    path = manifest_path(target, copy_of(target, hostile))
    length = path.stat().st_size
    path.write_bytes(EVIL[:length].ljust(length, b" "))


def arbitrary_channel(target: Target, hostile: Path) -> None:
    """The channel's metadata with another digest in it, the old signatures kept."""
    path = newest(copy_of(target, hostile), target.channel)
    document = json.loads(path.read_bytes())
    entry = document["signed"]["targets"][f"{target.channel}/{target.name}/release.json"]
    entry["hashes"]["sha256"] = "0" * 64
    path.write_text(json.dumps(document))


def wrong_keys(target: Target, hostile: Path) -> None:
    """Everything below the root signed anew by keys of the attacker, an evil release in it."""
    evil_channel(target, copy_of(target, hostile), {role: [stranger()] for role in target.keys})


def stranger_root(target: Target, hostile: Path) -> None:
    """The next root, with the attacker's keys for every role, signed by the attacker."""
    copy_of(target, hostile)
    own: dict[str, Sequence[Signer]] = {role: [stranger()] for role in target.keys}
    root = load(hostile, "root")
    root.signed.version += 1
    for role in ("root", "targets", "snapshot", "timestamp"):
        for keyid in list(root.signed.roles[role].keyids):
            root.signed.revoke_key(keyid, role)
        root.signed.roles[role].threshold = 1
        root.signed.add_key(own[role][0].public_key, role)
    write_signed(hostile, "root", root, own["root"])
    evil_channel(target, hostile, own)


def endless_timestamp(target: Target, hostile: Path) -> None:
    """A timestamp of 8 GiB (a hole on the disk)."""
    endless(newest(copy_of(target, hostile), "timestamp"))


def endless_root(target: Target, hostile: Path) -> None:
    """A next root of 8 GiB."""
    path = newest(copy_of(target, hostile), "root")
    version = int(path.name.split(".")[0]) + 1
    endless(path.with_name(f"{version}.root.json"))


def endless_channel(target: Target, hostile: Path) -> None:
    """The channel's metadata, and 8 GiB behind it."""
    endless(newest(copy_of(target, hostile), target.channel))


def endless_manifest(target: Target, hostile: Path) -> None:
    """The manifest, and 8 GiB behind it."""
    endless(manifest_path(target, copy_of(target, hostile)))


def short_timestamp(target: Target, hostile: Path) -> None:
    """A timestamp that was cut off."""
    cut_off(newest(copy_of(target, hostile), "timestamp"))


def short_snapshot(target: Target, hostile: Path) -> None:
    """A snapshot that was cut off."""
    cut_off(newest(copy_of(target, hostile), "snapshot"))


def short_manifest(target: Target, hostile: Path) -> None:
    """A manifest that was cut off."""
    cut_off(manifest_path(target, copy_of(target, hostile)))


def no_timestamp(target: Target, hostile: Path) -> None:
    """Nothing where the timestamp was."""
    newest(copy_of(target, hostile), "timestamp").unlink()


def no_channel(target: Target, hostile: Path) -> None:
    """Nothing where the channel's metadata was."""
    newest(copy_of(target, hostile), target.channel).unlink()


def no_manifest(target: Target, hostile: Path) -> None:
    """Nothing where the manifest was."""
    manifest_path(target, copy_of(target, hostile)).unlink()


def garbage_timestamp(target: Target, hostile: Path) -> None:
    """Bytes that are no JSON."""
    newest(copy_of(target, hostile), "timestamp").write_bytes(bytes(range(256)))


def deep_timestamp(target: Target, hostile: Path) -> None:
    """JSON of 8,000 arrays in each other: what ends a recursive parser."""
    newest(copy_of(target, hostile), "timestamp").write_bytes(b"[" * 8000 + b"]" * 8000)


def swapped_roles(target: Target, hostile: Path) -> None:
    """The snapshot served as the timestamp."""
    copy_of(target, hostile)
    newest(hostile, "timestamp").write_bytes(newest(hostile, "snapshot").read_bytes())


def link_outside(target: Target, hostile: Path) -> None:
    """The manifest is a link to a file outside of the repository."""
    path = manifest_path(target, copy_of(target, hostile))
    outside = hostile.with_name(f"{hostile.name}.outside")
    outside.write_bytes(EVIL)
    path.unlink()
    path.symlink_to(outside)


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

NEEDS_MEMORY = frozenset({"rollback", "snapshot_rollback", "channel_rollback"})
"""Refused only by a client that has seen `folder` before: nobody else can know."""

SERVED_FROM_MEMORY = frozenset({"mix_and_match_snapshot", "mix_and_match_channel", "short_snapshot", "no_channel"})
"""A client that has verified and kept the same version already does not read it again: right, and no refusal."""

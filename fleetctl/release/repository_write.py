"""Publishes: a written plan of the files first, then the files, timestamp.json (and a new root) last.

A run that is cut off leaves the plan; the next one that writes finishes it. A reader sees the old state or the new
one, because everything but timestamp.json and the root has its version in its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tuf.api.metadata import Metadata, MetaFile, Snapshot, Timestamp

from fleetctl import atomic
from fleetctl.errors import ConfigError, VerificationError
from fleetctl.release.repository_client import COMMIT_PLAN, Trusted, file_name, fingerprint
from fleetctl.release.repository_pending import Documents, folder, path_of, until
from fleetctl.release.store import ReleaseStore
from fleetctl.release.turns import turn
from fleetctl.trust.release_signers import Keyring

_METADATA_NAME = re.compile(r"^(timestamp\.json|[1-9][0-9]{0,8}\.[a-z][a-z0-9-]{0,30}\.json)$")
_MAX_PLAN_BYTES = 64 << 20


class KeysElsewhere(Exception):
    """What is signed cannot be published here: a key of snapshot or timestamp is not at hand."""


class Hand(Protocol):
    """What signs and writes. `publishes` is off for a hand that only looks."""

    @property
    def publishes(self) -> bool: ...

    @property
    def keyring(self) -> Keyring: ...

    def sign(self, document: Metadata[Any], keyids: Sequence[str]) -> list[str]:
        """Add the signatures of the keys at hand; return their holders' names."""
        ...

    def write(self, path: Path, content: bytes) -> None:
        """Write a file, whole or not at all."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file; it may be gone already."""
        ...


@dataclass
class SigningHand:
    """Signs with a keyring and writes files. `after_write` is for tests that cut it off."""

    keyring: Keyring
    after_write: Callable[[Path], None] = lambda path: None
    publishes: bool = True

    def sign(self, document: Metadata[Any], keyids: Sequence[str]) -> list[str]:
        names = []
        for signer in self.keyring.signers(keyids):
            # Not Metadata.sign: it puts an error of its own in the place of what a token or a passphrase said.
            document.signatures[signer.public_key.keyid] = signer.sign(document.signed_bytes)
            names.append(self.keyring.records()[signer.public_key.keyid].name)
        return names

    def write(self, path: Path, content: bytes) -> None:
        if not (path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content):
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(path, content)
        self.after_write(path)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.after_write(path)


@dataclass
class LookingHand:
    """For a dry run: says whose keys are at hand, opens none and writes nothing."""

    keyring: Keyring
    would_write: list[Path] = field(default_factory=list)
    publishes: bool = False

    def sign(self, document: Metadata[Any], keyids: Sequence[str]) -> list[str]:
        return [record.name for keyid, record in self.keyring.records().items() if keyid in keyids]

    def write(self, path: Path, content: bytes) -> None:
        self.would_write.append(path)

    def remove(self, path: Path) -> None:
        return


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=60)
    content: str


class _Plan(BaseModel):
    """`pin`: these are the first files of the repository, and its root becomes the pinned one."""

    model_config = ConfigDict(extra="forbid")
    schema_version: Literal["release-commit/v1"] = "release-commit/v1"
    files: list[_File] = Field(max_length=100)
    pin: bool = False
    finished: list[str] = Field(max_length=100)


def writing(store: ReleaseStore) -> AbstractContextManager[None]:
    """One writer on this machine. Raises `LockHeldError`."""
    return turn(store, "repository.lock", "is changing the release repository")


def finish(store: ReleaseStore, hand: Hand) -> bool:
    """Do what a run that was cut off had planned. Returns whether there was something."""
    path = folder(store) / COMMIT_PLAN
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_PLAN_BYTES + 1)
        plan = _Plan.model_validate_json(content)
    except FileNotFoundError:
        return False
    except ValidationError:
        raise ConfigError(f"{path} is not readable", hint="get it from git again, or remove it") from None
    wrong = [each.name for each in plan.files if not _METADATA_NAME.match(each.name)]
    wrong += [name for name in plan.finished if not _METADATA_NAME.match(name)]
    if wrong:
        raise VerificationError(f"{path} names {wrong[0][:60]!r}", hint=f"nobody of us wrote this: rm {path}")
    _carry_out(store, hand, plan)
    return True


def commit(
    store: ReleaseStore,
    hand: Hand,
    current: Trusted | None,
    documents: Documents,
    now: datetime,
    *,
    renew: bool = False,
) -> None:
    """Publish `documents` together. `renew`: snapshot and timestamp also when nothing asks for it.

    Raises `KeysElsewhere` when the keys of snapshot and timestamp are not at hand; nothing was changed then.
    """
    root = documents["root"] if current is None or "root" in documents else current.root
    old = current.root if current is not None else root
    files: list[_File] = []
    changed = {role: document for role, document in documents.items() if role != "root"}
    for role, document in changed.items():
        files.append(_file(role, document))
    if current is None or _renews(current, documents, renew=renew):
        snapshot = deepcopy(current.snapshot) if current else Metadata(Snapshot(meta={}))
        timestamp = deepcopy(current.timestamp) if current else Metadata(Timestamp())
        for role, document in changed.items():
            content = document.to_bytes()
            snapshot.signed.meta[f"{role}.json"] = MetaFile.from_data(document.signed.version, content, ["sha256"])
        _sign_next(hand, "snapshot", snapshot, old, root, now)
        version = snapshot.signed.version
        timestamp.signed.snapshot_meta = MetaFile.from_data(version, snapshot.to_bytes(), ["sha256"])
        _sign_next(hand, "timestamp", timestamp, old, root, now)
        files += [_file("snapshot", snapshot), _file("timestamp", timestamp)]
    if "root" in documents:
        # Behind the timestamp, which is signed for both: a reader in between finds all of it valid.
        files.append(_file("root", root))
    done = [path_of(store, role, document).name for role, document in documents.items()]
    plan = _Plan(files=files, pin=current is None, finished=done)
    hand.write(folder(store) / COMMIT_PLAN, plan.model_dump_json(indent=1).encode())
    _carry_out(store, hand, plan)


def keys_elsewhere(hand: Hand, current: Trusted | None, documents: Documents, *, renew: bool) -> str:
    """What keeps `commit` from publishing here, by the keys at hand alone; empty: nothing. Opens no key."""
    if current is not None and not _renews(current, documents, renew=renew):
        return ""
    root = documents["root"] if current is None or "root" in documents else current.root
    for role in ("snapshot", "timestamp"):
        listed = root.signed.roles[role]
        missing = listed.threshold - len(set(listed.keyids) & hand.keyring.records().keys())
        if missing > 0:
            return f"{missing} of {listed.threshold} signatures of {role} are missing"
    return ""


def _renews(current: Trusted, documents: Documents, *, renew: bool) -> bool:
    """Whether snapshot and timestamp get their next version with `documents`."""
    root = documents.get("root", current.root)
    return renew or any(role != "root" for role in documents) or not _still_signed(current, root)


def _carry_out(store: ReleaseStore, hand: Hand, plan: _Plan) -> None:
    for each in plan.files:
        hand.write(store.metadata / each.name, each.content.encode())
    if plan.pin:
        root = next(each.content for each in plan.files if each.name == "1.root.json").encode()
        hand.write(store.folder / "root.json", root)
        hand.write(store.fleet.state_dir / "releases" / "trusted" / "pin", f"{fingerprint(root)}\n".encode())
    for name in plan.finished:
        hand.remove(folder(store) / name)
    hand.remove(folder(store) / COMMIT_PLAN)


def _file(role: str, document: Metadata[Any]) -> _File:
    return _File(name=file_name(role, document.signed.version), content=document.to_bytes().decode())


def _still_signed(current: Trusted, root: Metadata[Any]) -> bool:
    documents: tuple[tuple[str, Metadata[Any]], ...]
    documents = (("snapshot", current.snapshot), ("timestamp", current.timestamp))
    return all(
        root.signed.get_verification_result(role, each.signed_bytes, each.signatures) for role, each in documents
    )


def _sign_next(
    hand: Hand, role: str, document: Metadata[Any], old: Metadata[Any], root: Metadata[Any], now: datetime
) -> None:  # fmt: skip
    """The next version of snapshot or timestamp, signed for the old root as well where its keys are at hand."""
    if document.signatures:  # else it is the first
        document.signed.version += 1
    document.signed.expires = until(role, now)
    document.signatures.clear()
    hand.sign(document, [*old.signed.roles[role].keyids, *root.signed.roles[role].keyids])
    result = root.signed.get_verification_result(role, document.signed_bytes, document.signatures)
    if not result:
        raise KeysElsewhere(f"{result.missing} of {result.threshold} signatures of {role} are missing")

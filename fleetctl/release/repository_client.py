"""Reads the repository as a box would: from the pinned root through every signature, and never back in time.

What was verified is remembered outside of git, so that an older checkout, or another root under the same name, is told.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    ExpiredMetadataError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, DelegatedRole, Metadata, Root, Snapshot, Targets, Timestamp
from tuf.ngclient import Updater, UpdaterConfig

from appliance.contract.release import ChannelName
from fleetctl import atomic
from fleetctl.errors import ConfigError, FleetctlError, VerificationError
from fleetctl.release.repository_fetch import FolderFetcher, open_inside
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.distinct_keys import check_distinct

MAX_CHANNELS = 30  # python-tuf visits 32 roles
LIMITS = UpdaterConfig(
    max_root_rotations=256,
    root_max_length=512_000,
    timestamp_max_length=16_384,
    snapshot_max_length=512_000,
    targets_max_length=4_000_000,
    prefix_targets_with_hash=False,
)
# Nothing has expired then: what is renewed is judged by its signatures alone.
WHATEVER_AGE = datetime(1, 1, 1, tzinfo=UTC)
COMMIT_PLAN = "commit.json"
"""In `pending/`: what a run that publishes has still to write. It is gone when all of it is written."""
_CHANNEL: TypeAdapter[str] = TypeAdapter(ChannelName)


@dataclass(frozen=True)
class Trusted:
    """Verified metadata, of one moment. `channels` has every delegated role."""

    root: Metadata[Root]
    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    targets: Metadata[Targets]
    channels: dict[str, Metadata[Targets]]
    fingerprint: str

    def document(self, role: str) -> Metadata[Any]:
        """The metadata of a role. KeyError for a channel that is none."""
        if role in TOP_LEVEL_ROLE_NAMES:
            return cast("Metadata[Any]", getattr(self, role))
        return self.channels[role]

    @property
    def delegations(self) -> dict[str, DelegatedRole]:
        """Channel → role: whose keys, and how many."""
        return delegations(self.targets.signed)


def fingerprint(root: bytes) -> str:
    """What people compare: the SHA-256 of the pinned root."""
    return hashlib.sha256(root).hexdigest()


def pinned_root(store: ReleaseStore) -> bytes:
    """The first root, as it was pinned. Raises `ConfigError` when the fleet has no repository."""
    try:
        with (store.folder / "root.json").open("rb") as file:
            content = file.read(LIMITS.root_max_length + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"the fleet has no release repository: {store.folder / 'root.json'} does not exist",
            hint="fleetctl release keys init makes keys and repository",
        ) from None
    if len(content) > LIMITS.root_max_length:
        raise VerificationError(f"{store.folder / 'root.json'} is too large", hint="get it from git again")
    return content


def trusted(store: ReleaseStore, *, now: datetime = WHATEVER_AGE) -> Trusted:
    """Verify everything. `now`: when expiry counts; without it an expired repository is read, to be renewed.

    Raises `VerificationError` with what does not fit, `ConfigError` when there is no repository.
    """
    pin = pinned_root(store)
    with _memory(store) as memory:
        _same_pin(memory, fingerprint(pin))
        try:
            return _read(store, pin, memory, now)
        except FleetctlError:
            raise
        except (RepositoryError, DownloadError) as error:
            raise _said(error, store) from None
        except (ValueError, OSError, KeyError) as error:
            raise VerificationError(
                f"{store.metadata}: {type(error).__name__}: {str(error)[:200]}",
                hint="get the repository from git again",
            ) from None


def _read(store: ReleaseStore, pin: bytes, memory: Path, now: datetime) -> Trusted:
    updater = Updater(
        metadata_dir=str(memory),
        metadata_base_url=store.metadata.resolve().as_uri(),
        fetcher=FolderFetcher(store.metadata, LIMITS.targets_max_length),
        config=LIMITS,
        bootstrap=pin,
    )
    # python-tuf has no public way to say what time it is.
    updater._trusted_set.reference_time = now
    updater.refresh()
    root: Metadata[Root] = _kept(memory, "root")
    targets: Metadata[Targets] = _kept(memory, "targets")
    for version in range(Metadata[Root].from_bytes(pin).signed.version, root.signed.version + 1):
        _check_root(store, memory, version)
    if targets.signed.delegations is not None:
        check_distinct(targets.signed.delegations.keys.values(), "the list of channels")
    channels = {}
    for channel in delegations(targets.signed):
        updater.get_targetinfo(f"{channel}/-/-")  # loads and verifies the role
        channels[channel] = cast("Metadata[Targets]", _kept(memory, channel))
    _flush(memory)
    timestamp: Metadata[Timestamp] = _kept(memory, "timestamp")
    snapshot: Metadata[Snapshot] = _kept(memory, "snapshot")
    found = Trusted(root, timestamp, snapshot, targets, channels, fingerprint(pin))
    for role in ("timestamp", "snapshot", "targets", *channels):
        _same_bytes(store.metadata / file_name(role, found.document(role).signed.version), memory / f"{role}.json")
    return found


def file_name(role: str, version: int) -> str:
    """How a role's file is called in the repository."""
    return "timestamp.json" if role == "timestamp" else f"{version}.{role}.json"


def delegations(targets: Targets) -> dict[str, DelegatedRole]:
    """The channels that targets metadata delegates to. Raises `VerificationError` for what is no channel of ours."""
    if targets.targets:
        raise VerificationError("targets.json lists files itself", hint="only channels do: do not use this repository")
    if targets.delegations is None:
        return {}
    roles = targets.delegations.roles or {}
    if len(roles) > MAX_CHANNELS:
        raise VerificationError(f"targets.json names {len(roles)} channels", hint=f"at most {MAX_CHANNELS}")
    for name, role in roles.items():
        try:
            _CHANNEL.validate_python(name)
        except ValidationError:
            raise VerificationError(f"targets.json names a channel {name[:40]!r}", hint="a-z, 0-9 and -") from None
        if name in TOP_LEVEL_ROLE_NAMES or role.paths != [f"{name}/*/*"] or not role.terminating:
            raise VerificationError(
                f"the channel {name} is not limited to {name}/*/*", hint="do not use this repository"
            )  # fmt: skip
    return dict(roles)


@contextmanager
def _memory(store: ReleaseStore) -> Iterator[Path]:
    """The folder of what was verified before. One process at a time: python-tuf writes into it."""
    folder = store.fleet.state_dir / "releases" / "trusted"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(descriptor)


def _same_pin(memory: Path, pin: str) -> None:
    path = memory / "pin"
    try:
        known = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        atomic.write_text(path, f"{pin}\n", mode=0o600)
        return
    if known != pin:
        raise VerificationError(
            f"the pinned root is another one: SHA-256 {pin[:16]}…, this machine knows {known[:16]}…",
            hint=f"ask the root's holders for the right one; only when it was replaced on purpose: rm -r {memory}",
        )


def _flush(memory: Path) -> None:
    """python-tuf flushes nothing, and a memory that a power cut has emptied would take yesterday's repository."""
    for path in (*memory.glob("*.json"), *memory.glob("root_history/*.json")):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for folder in (memory, memory / "root_history"):
        atomic.sync_directory(folder)


def _kept(memory: Path, role: str) -> Metadata[Any]:
    """What python-tuf has verified and kept of a role."""
    return Metadata.from_bytes((memory / f"{role}.json").read_bytes())


def _check_root(store: ReleaseStore, memory: Path, version: int) -> None:
    """Every root counts, not only the newest: whoever met one threshold with one key has written the next root."""
    kept = memory / "root_history" / f"{version}.root.json"
    _same_bytes(store.metadata / f"{version}.root.json", kept)
    check_distinct(Metadata[Root].from_bytes(kept.read_bytes()).signed.keys.values(), f"root {version}")


def _same_bytes(path: Path, kept: Path) -> None:
    """python-tuf uses what it has kept when the version is the same. The boxes are sent what lies in the repository."""
    wanted = kept.read_bytes()
    with open_inside(path.parent, path) as file:
        found = file.read(len(wanted) + 1)
    if found != wanted:
        raise VerificationError(
            f"{path} is not the one of this version that was verified here before",
            hint="it was damaged, or two operators published at once: in git, go back to what the boxes were given",
        )


def _said(error: Exception, store: ReleaseStore) -> VerificationError:
    """The library's words in ours, with what to do."""
    text = re.sub(r"\s+", " ", str(error))[:300] or type(error).__name__
    if (store.folder / "pending" / COMMIT_PLAN).exists():
        hint = "a command that publishes was cut off: fleetctl release refresh finishes what it began"
    elif isinstance(error, ExpiredMetadataError):
        hint = "fleetctl release refresh renews snapshot and timestamp (--role for the others)"
    elif isinstance(error, BadVersionNumberError):
        hint = "this is older than what was seen here before: git pull; a mirror that answers so is not to be trusted"
    elif isinstance(error, UnsignedMetadataError):
        hint = "somebody without the right keys has changed it: get it from git again, and look who did"
    elif isinstance(error, DownloadError):
        hint = "a file is missing or not what it should be: get the repository from git again"
    else:
        hint = "get the repository from git again, and look who changed it"
    return VerificationError(f"{store.metadata}: {text}", hint=hint)

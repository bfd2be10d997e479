"""The TUF client of the box: which bytes does the fleet stand for, by metadata that the operator's rsync brought.

The repository is a folder; nothing here has a network. What was verified is kept, so that a repository of yesterday is
refused; the versions stand in the record as well, because python-tuf does not flush what it keeps, and a cut may cost
a file of it.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import ValidationError
from tuf.api.exceptions import DownloadError, DownloadHTTPError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Delegations, Metadata, Root, Targets
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from appliance.contract.inside import OutsideError, open_inside
from appliance.contract.public_keys import twins
from appliance.contract.release import MAX_MANIFEST_BYTES, ReleaseManifest, manifest_target
from appliance.contract.release_status import TrustedMetadata
from appliance.contract.revocation import Revocation, revocations
from appliance.errors import NotVerifiedError, UnknownStateError
from appliance.release.disk import Disk
from appliance.release.places import Places

_MAX_ROOT_BYTES = 1 << 19
_HINT = "send the repository again (fleetctl release), and look at who signed it; the box goes on with what it runs"
_CONFIG = UpdaterConfig(
    max_root_rotations=256, max_delegations=16, root_max_length=_MAX_ROOT_BYTES, timestamp_max_length=1 << 14,
    snapshot_max_length=1 << 20, targets_max_length=4 << 20, prefix_targets_with_hash=False,
)  # fmt: skip


@dataclass(frozen=True)
class Vouched:
    """A release that the fleet stands for now. `content` are the manifest's very bytes."""

    manifest: ReleaseManifest
    content: bytes
    metadata: TrustedMetadata


class RevokedError(NotVerifiedError):
    """The fleet stood for this release, and does so no longer."""

    def __init__(self, revoked: Revocation) -> None:
        super().__init__(
            f"{revoked.name} was revoked on {revoked.at:%Y-%m-%d}: {revoked.reason}", hint="choose another release"
        )
        self.digest = revoked.digest


class _Folder(FetcherInterface):
    """Reads files below one folder, and nothing else: no link out of it, no device, no pipe."""

    def __init__(self, base: Path) -> None:
        self._base = base.resolve()

    def _fetch(self, url: str) -> Iterator[bytes]:
        parts = urlsplit(url)
        path = Path(unquote(parts.path))
        if parts.scheme != "file" or parts.netloc:
            raise DownloadError(f"{path.name} is not in the repository")
        try:
            file = open_inside(self._base, path)
        except FileNotFoundError:
            # The client takes this for "there is none", which ends its search for newer roots.
            raise DownloadHTTPError(f"{path.name} is not there", 404) from None
        except OutsideError as error:
            raise DownloadError(str(error)) from None
        with file:
            # More than the client takes of anything: a longer one is refused there, by its length. Not in pieces: a
            # reader that is given up would leave its file open.
            content = file.read(_CONFIG.targets_max_length + 1)
        if path.name.endswith((".root.json", ".targets.json")):
            _demand_own_keys(content, path.name)
        return iter([content])


def _demand_own_keys(content: bytes, name: str) -> None:
    """Refuse a root or targets in which one public key stands under two ids (`public_keys`). What cannot be parsed is
    left to the client, which says why."""
    try:
        signed = Metadata[Any].from_bytes(content).signed
    except RepositoryError:
        return
    delegations = signed.delegations if isinstance(signed, Targets) else signed
    if not isinstance(delegations, Root | Delegations):
        return
    for role, rule in (delegations.roles or {}).items():
        try:
            twice = twins(delegations.keys[keyid] for keyid in rule.keyids)
        except (ValueError, KeyError) as error:
            raise DownloadError(f"{name}: {role}: {error}") from None
        if twice is not None:
            raise DownloadError(f"{name}: a key of {role} stands in it twice, under two ids")


class Trust:
    """The metadata of one box."""

    def __init__(self, places: Places, disk: Disk) -> None:
        self._places, self._disk = places, disk

    def vouched(self, channel: str, release: str, at: datetime, known: TrustedMetadata | None) -> Vouched:
        """Return the manifest of a release as of `at`. `known` is what was verified before: nothing older counts.

        Raises NotVerifiedError, for whatever does not prove that the fleet stands for it today.
        """
        try:
            return self._vouched(channel, release, at, known)
        except ExpiredMetadataError as error:
            raise NotVerifiedError(
                f"the fleet's metadata has expired: {error}; judged at {at:%Y-%m-%d %H:%M} UTC",
                hint="bring newer metadata (fleetctl release sign), or correct the box's clock; it serves what it runs",
            ) from None
        except (RepositoryError, DownloadError) as error:
            words = f"{type(error).__name__}: {error}"[:400]
            raise NotVerifiedError(f"the fleet's metadata does not verify: {words}", hint=_HINT) from None
        except OSError as error:
            raise UnknownStateError(f"{self._places.metadata}: {error.strerror}", hint="look at its disk") from None

    def _vouched(self, channel: str, release: str, at: datetime, known: TrustedMetadata | None) -> Vouched:
        updater = self._updater()
        # python-tuf has no parameter for the time; docs/design/releases.md says why it is not the clock alone.
        updater._trusted_set.reference_time = at
        updater.refresh()
        trusted = updater._trusted_set
        path = manifest_target(channel, release)
        target = updater.get_targetinfo(path)
        expiries = [trusted.root.expires, trusted.timestamp.expires, trusted.snapshot.expires, trusted.targets.expires]
        role = trusted.get(channel)
        if isinstance(role, Targets):
            expiries.append(role.expires)
        found = TrustedMetadata(
            root_version=trusted.root.version, timestamp_version=trusted.timestamp.version,
            snapshot_version=trusted.snapshot.version, expires_at=min(expiries),
        )  # fmt: skip
        self._not_older(found, known)
        revoked = self._revoked(role, release)
        if revoked is not None:
            raise RevokedError(revoked)
        if target is None:
            raise NotVerifiedError(
                f"the fleet's metadata names no release {release} in channel {channel}",
                hint="look at `fleetctl release list`; send the repository again when it was signed since",
            )
        if target.length > MAX_MANIFEST_BYTES:
            raise NotVerifiedError(f"{path}: {target.length} bytes, at most {MAX_MANIFEST_BYTES}", hint=_HINT)
        url = (self._places.repository / "targets" / path).absolute().as_uri()
        content = _Folder(self._places.repository).download_bytes(url, target.length)
        target.verify_length_and_hashes(content)
        self._flush()
        return Vouched(_manifest(content, release, path), content, found)

    def _updater(self) -> Updater:
        places = self._places
        try:
            with places.bootstrap.open("rb") as file:
                bootstrap = file.read(_MAX_ROOT_BYTES + 1)
        except OSError as error:
            raise NotVerifiedError(
                f"{places.bootstrap}: {error.strerror}: there is nothing to trust a release by",
                hint="provision the site: it installs the fleet's root metadata",
            ) from None
        self._disk.make_directory(places.metadata)
        return Updater(
            str(places.metadata), f"{(places.repository / 'metadata').absolute().as_uri()}/",
            fetcher=_Folder(places.repository), config=_CONFIG, bootstrap=bootstrap,
        )  # fmt: skip

    @staticmethod
    def _not_older(found: TrustedMetadata, known: TrustedMetadata | None) -> None:
        # A new root may have taken back the keys of timestamp and snapshot; their versions then count anew.
        if known is None or found.root_version > known.root_version:
            return
        for name in ("root_version", "timestamp_version", "snapshot_version"):
            if getattr(found, name) < getattr(known, name):
                raise NotVerifiedError(
                    f"the fleet's metadata is older than what this box has seen: {name.replace('_', ' ')} "
                    f"{getattr(found, name)}, seen was {getattr(known, name)}",
                    hint=_HINT,
                )

    @staticmethod
    def _revoked(role: object, release: str) -> Revocation | None:
        if not isinstance(role, Targets):
            return None
        try:
            return next((each for each in revocations(role.unrecognized_fields) if each.name == release), None)
        except ValueError as error:
            raise NotVerifiedError(f"the channel's metadata is not understood: {error}", hint=_HINT) from None

    def _flush(self) -> None:
        """What was verified is on the disk when this returns; python-tuf itself flushes nothing."""
        for path in (*self._places.metadata.glob("*.json"), *self._places.metadata.glob("root_history/*.json")):
            with path.open("rb") as file:
                os.fsync(file.fileno())
        for folder in (self._places.metadata, self._places.metadata / "root_history"):
            self._disk.sync_directory(folder)


def _manifest(content: bytes, release: str, path: str) -> ReleaseManifest:
    try:
        manifest = ReleaseManifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise NotVerifiedError(
            f"{path} is not understood: {where}: {first['msg']}", hint="bring box and fleetctl to fitting versions"
        ) from None
    if manifest.name != release:
        raise NotVerifiedError(f"{path} is the manifest of {manifest.name}, wanted was {release}", hint=_HINT)
    if manifest.digest != hashlib.sha256(content).hexdigest():
        raise NotVerifiedError(f"{path} is not in its published form", hint="publish it with fleetctl release")
    return manifest

"""What the repository says of releases: the verified view that plans, rollouts and people read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Key, Metadata, TargetFile, Targets

from appliance.contract.release import MAX_MANIFEST_BYTES, ReleaseManifest, bom_target, manifest_target
from appliance.contract.revocation import Revocation, revocations
from fleetctl.errors import RefusedError, UsageError, VerificationError
from fleetctl.nearest import listed, nearest_or_all
from fleetctl.release.repository_client import Trusted, trusted
from fleetctl.release.repository_fetch import open_inside
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.release_keys import NAME_FIELD

MAX_BOM_BYTES = 8 << 20


@dataclass(frozen=True)
class Published:
    """A release in a channel, or one that was taken back from it (`revoked`).

    `manifest` is None only for a revoked release whose manifest is not kept. `approved_by` are the ids of the keys
    whose signatures on the channel's metadata hold, `approvers` their holders' names; `expires_at`: when these
    signatures have to be renewed.
    """

    channel: str
    name: str
    sequence: int
    digest: str
    manifest: ReleaseManifest | None
    revoked: Revocation | None
    approved_by: tuple[str, ...]
    approvers: tuple[str, ...]
    expires_at: datetime


@dataclass(frozen=True)
class View:
    """All channels, verified. Releases of a channel stand newest first; revoked ones among them."""

    trusted: Trusted
    channels: Mapping[str, tuple[Published, ...]]

    def of(self, channel: str) -> tuple[Published, ...]:
        """The releases of a channel. Raises `UsageError` when there is no such channel."""
        if channel not in self.channels:
            raise UsageError(
                f"there is no channel {channel}",
                hint=nearest_or_all(channel, self.channels, "channels", "none; fleetctl release keys channel NAME"),
            )
        return self.channels[channel]

    def newest_approved(self, channel: str) -> Published | None:
        """The release with the highest sequence that is not revoked; None when the channel has none."""
        return next((each for each in self.of(channel) if each.revoked is None), None)

    def find(self, channel: str, name: str) -> Published:
        """One release of a channel. Raises `UsageError` when it is not there, `RefusedError` when it is revoked."""
        for each in self.of(channel):
            if each.name == name:
                if each.revoked is not None:
                    raise RefusedError(
                        f"release {name} was revoked from {channel} on {each.revoked.at:%Y-%m-%d}: "
                        f"{each.revoked.reason}",
                        hint="build a new release; a revoked name is not used again",
                    )
                return each
        elsewhere = [each.channel for each in self.named(name) if each.revoked is None]
        there = [each.name for each in self.of(channel) if each.revoked is None]
        raise UsageError(
            f"the channel {channel} has no release {name}",
            hint=f"it is in {listed(elsewhere)}: fleetctl release approve {name} --from {elsewhere[0]} "
            f"--channel {channel}"
            if elsewhere
            else nearest_or_all(name, there, "it has"),
        )

    def named(self, name: str) -> tuple[Published, ...]:
        """A release in every channel that it is or was in."""
        return tuple(each for releases in self.channels.values() for each in releases if each.name == name)

    def names(self) -> list[str]:
        """Every release that is or was in a channel, once."""
        return list(dict.fromkeys(each.name for releases in self.channels.values() for each in releases))


def published(store: ReleaseStore, *, now: datetime) -> View:
    """Verify the repository and every manifest. Raises `VerificationError`, `ConfigError` when there is none."""
    return view_of(store, trusted(store, now=now))


def view_of(store: ReleaseStore, found: Trusted) -> View:
    """The view of metadata that is verified already."""
    return View(found, {channel: _releases(store, found, channel) for channel in found.channels})


def newest_approved(store: ReleaseStore, channel: str, *, now: datetime) -> Published | None:
    """What a site of this channel should run by now."""
    return published(store, now=now).newest_approved(channel)


def holder(key: Key) -> str:
    """The name of a key's holder as the metadata says it, else the begin of its id."""
    name = key.unrecognized_fields.get(NAME_FIELD)
    return name if isinstance(name, str) and 0 < len(name) <= 63 and name.isascii() else key.keyid[:16]


def read_target(store: ReleaseStore, target: TargetFile, limit: int) -> bytes:
    """A target's bytes, by length and digest. Raises `VerificationError`."""
    path = store.targets / target.path
    try:
        if target.length > limit:
            raise VerificationError(
                f"{target.path} has {target.length} bytes, at most {limit} are right", hint="rebuild it"
            )
        with open_inside(store.targets, path) as file:
            content = file.read(target.length + 1)
        target.verify_length_and_hashes(content)
    except (RepositoryError, DownloadError) as error:
        raise VerificationError(
            f"{path} is not what was signed: {str(error)[:200]}", hint="get the repository from git again"
        ) from None
    return content


def parse_manifest(content: bytes, where: str) -> ReleaseManifest:
    """Bytes as a manifest that is spelled in the one right way. Raises `VerificationError`."""
    if len(content) > MAX_MANIFEST_BYTES:
        raise VerificationError(f"{where} has more than {MAX_MANIFEST_BYTES} bytes", hint="it is no manifest")
    try:
        manifest = ReleaseManifest.model_validate_json(content)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(each) for each in first["loc"])
        raise VerificationError(f"{where}: {place}: {first['msg']}"[:400], hint="build the release again") from None
    if manifest.content() != content:
        raise VerificationError(f"{where} is not spelled as manifests are", hint="build the release again")
    return manifest


def _releases(store: ReleaseStore, found: Trusted, channel: str) -> tuple[Published, ...]:
    document = found.channels[channel]
    approved_by, approvers = _approval(found, channel, document)
    rest: dict[str, Any] = {"approved_by": approved_by, "approvers": approvers, "expires_at": document.signed.expires}
    releases = []
    for path, target in document.signed.targets.items():
        parts = path.split("/")
        if len(parts) != 3 or parts[0] != channel or parts[2] not in ("release.json", "bom.json"):
            raise VerificationError(f"the channel {channel} lists {path[:80]!r}", hint="do not use this repository")
        if parts[2] == "release.json":
            manifest = parse_manifest(read_target(store, target, MAX_MANIFEST_BYTES), path)
            _fits(document.signed, channel, parts[1], manifest)
            releases.append(
                Published(channel, manifest.name, manifest.sequence, manifest.digest, manifest, None, **rest)
            )  # fmt: skip
    for each in _revoked(document.signed, channel):
        if manifest_target(channel, each.name) in document.signed.targets:
            raise VerificationError(f"{channel} lists {each.name} and revokes it", hint="do not use this repository")
        kept = _kept_manifest(store, channel, each)
        releases.append(Published(channel, each.name, each.sequence, each.digest, kept, each, **rest))
    return tuple(sorted(releases, key=lambda each: each.sequence, reverse=True))


def _fits(signed: Targets, channel: str, name: str, manifest: ReleaseManifest) -> None:
    if manifest.name != name:
        raise VerificationError(
            f"{channel}/{name} is the manifest of {manifest.name}", hint="do not use this repository"
        )
    bom = signed.targets.get(bom_target(channel, name))
    if bom is None or bom.hashes.get("sha256") != manifest.bom_sha256:
        raise VerificationError(
            f"{channel}/{name}/bom.json is not the one of its manifest", hint="build the release again"
        )  # fmt: skip


def _revoked(signed: Targets, channel: str) -> tuple[Revocation, ...]:
    try:
        return revocations(signed.unrecognized_fields)
    except ValueError as error:
        raise VerificationError(
            f"the channel {channel}: {error}", hint="fleetctl is too old, or it was tampered with"
        ) from None


def _kept_manifest(store: ReleaseStore, channel: str, revoked: Revocation) -> ReleaseManifest | None:
    """The manifest of a revoked release, when its file is still there with the digest that was revoked."""
    try:
        with open_inside(store.targets, store.targets / manifest_target(channel, revoked.name)) as file:
            content = file.read(MAX_MANIFEST_BYTES + 1)
    except DownloadError:
        return None
    if hashlib.sha256(content).hexdigest() != revoked.digest:
        return None
    return parse_manifest(content, revoked.name)


def _approval(found: Trusted, channel: str, document: Metadata[Targets]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    result = found.targets.signed.get_verification_result(channel, document.signed_bytes, document.signatures)
    keys = sorted(result.signed.values(), key=holder)
    return tuple(key.keyid for key in keys), tuple(holder(key) for key in keys)

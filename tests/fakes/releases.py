"""Releases for tests: small real model images, manifests, a TUF repository with keys in memory, and a whole fleet's.

`SignedRepository` is written with python-tuf's metadata API alone, by the layout of docs/design/releases.md: a client
is judged by something other than what the product writes. `release_fleet` is the product's own, keys on disk and all.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from securesystemslib.signer import CryptoSigner, Signer
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from appliance.contract.release import (
    AdapterComponent,
    CodePackComponent,
    ModelComponent,
    ReleaseManifest,
    SystemComponent,
    bom_target,
    manifest_target,
)
from appliance.contract.revocation import REVOKED_FIELD, Revocation, revocations, revoked_field
from appliance.contract.seal import ModelTask
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.repository import create, first, sign
from fleetctl.release.repository_write import SigningHand
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.release_keys import FOLDER as RELEASE_FOLDER
from fleetctl.trust.release_keys import ReleaseKeys
from fleetctl.trust.release_signers import Keyring
from tests.fakes.release_images import model_image

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
USR_ROOT_HASH = "a" * 64
DAYS = {"root": 730, "targets": 365, "snapshot": 180, "timestamp": 180}


def manifest(
    name: str,
    sequence: int,
    models: Sequence[ModelComponent],
    *,
    bom: bytes = b"{}\n",
    minimum_sequence: int = 0,
    usr_root_hashes: tuple[str, ...] = (USR_ROOT_HASH,),
    system: SystemComponent | None = None,
    notes: str = "",
    adapters: Sequence[AdapterComponent] = (),
    code_packs: Sequence[CodePackComponent] = (),
) -> ReleaseManifest:
    return ReleaseManifest(
        name=name,
        sequence=sequence,
        created_at=NOW,
        usr_root_hashes=usr_root_hashes,
        appliance_version="0.6.0",
        system=system,
        models=tuple(models),
        adapters=tuple(adapters),
        code_packs=tuple(code_packs),
        engine="llama.cpp",
        bom_sha256=hashlib.sha256(bom).hexdigest(),
        minimum_sequence=minimum_sequence,
        notes=notes,
    )


def _targets(expires: datetime) -> Targets:
    return Targets(expires=expires)


@dataclass
class SignedRepository:
    """`folder/metadata` and `folder/targets`, signed at once by keys in memory.

    `keys` are python-tuf signers by role: root (two, threshold 2), targets, snapshot, timestamp, and every channel.
    `root` is the first root: what a client pins. Every change writes timestamp.json last.
    """

    folder: Path
    channels: Sequence[str] = ("stable",)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    channel_threshold: int = 1
    keys: dict[str, list[Signer]] = field(default_factory=dict)
    documents: dict[str, Metadata] = field(default_factory=dict)  # type: ignore[type-arg]
    root: bytes = b""

    def __post_init__(self) -> None:
        self.metadata.mkdir(parents=True)
        self.targets.mkdir()
        counts = {"root": 2, "targets": 1, "snapshot": 1, "timestamp": 1}
        counts |= {channel: max(2, self.channel_threshold) for channel in self.channels}
        for role, count in counts.items():
            self.keys[role] = [CryptoSigner.generate_ed25519() for _ in range(count)]
        root = Root(expires=self._until("root"))
        for role in ("root", "targets", "snapshot", "timestamp"):
            for signer in self.keys[role]:
                root.add_key(signer.public_key, role)
        root.roles["root"].threshold = 2
        targets = _targets(self._until("targets"))
        roles = {
            channel: DelegatedRole(channel, [], self.channel_threshold, True, paths=[f"{channel}/*/*"])
            for channel in self.channels
        }
        targets.delegations = Delegations({}, roles=roles)
        for channel in self.channels:
            for signer in self.keys[channel]:
                targets.add_key(signer.public_key, channel)
        self.documents = {"root": Metadata(root), "targets": Metadata(targets)}
        self.documents |= {channel: Metadata(_targets(self._until("targets"))) for channel in self.channels}
        snapshot = Snapshot(expires=self._until("snapshot"), meta={})
        self.documents |= {"snapshot": Metadata(snapshot), "timestamp": Metadata(Timestamp(expires=self.now()))}
        self.root = self._write("root")
        self._publish(["targets", *self.channels], first=True)

    @property
    def metadata(self) -> Path:
        return self.folder / "metadata"

    @property
    def targets(self) -> Path:
        return self.folder / "targets"

    def publish(self, channel: str, found: ReleaseManifest, bom: bytes = b"{}\n") -> None:
        """Put a release into a channel."""
        listed = self.documents[channel].signed.targets
        for path, content in (
            (manifest_target(channel, found.name), found.content()),
            (bom_target(channel, found.name), bom),
        ):
            (self.targets / path).parent.mkdir(parents=True, exist_ok=True)
            (self.targets / path).write_bytes(content)
            listed[path] = TargetFile.from_data(path, content, ["sha256"])
        self._publish([channel])

    def revoke(self, channel: str, found: ReleaseManifest, reason: str) -> None:
        """Take a release back from a channel."""
        signed = self.documents[channel].signed
        for path in (manifest_target(channel, found.name), bom_target(channel, found.name)):
            signed.targets.pop(path, None)
        entry = Revocation(
            name=found.name, sequence=found.sequence, digest=found.digest, at=self.now(), reason=reason
        )  # fmt: skip
        known = revocations(signed.unrecognized_fields)
        signed.unrecognized_fields[REVOKED_FIELD] = revoked_field((*known, entry))
        self._publish([channel])

    def refresh(self) -> None:
        """Sign snapshot and timestamp anew."""
        self._publish([])

    def rotate_root(self, change: Callable[[Root], None], signers: Sequence[Signer]) -> None:
        """Publish the next root, changed by `change` and signed by `signers`; then the rest, so that it fits."""
        root = self.documents["root"].signed
        root.version += 1
        root.expires = self._until("root")
        change(root)
        self._write("root", signers)
        self.refresh()

    def copy(self, target: Path) -> Path:
        """The repository as it is now, elsewhere: what a mirror of yesterday is."""
        shutil.copytree(self.folder, target)
        return target

    def _until(self, role: str) -> datetime:
        return (self.now() + timedelta(days=DAYS.get(role, DAYS["targets"]))).replace(microsecond=0)

    def _publish(self, changed: Sequence[str], *, first: bool = False) -> None:
        snapshot, timestamp = self.documents["snapshot"].signed, self.documents["timestamp"].signed
        for role in changed:
            signed = self.documents[role].signed
            signed.version += 0 if first else 1
            signed.expires = self._until(role)
            snapshot.meta[f"{role}.json"] = MetaFile.from_data(signed.version, self._write(role), ["sha256"])
        for signed in (snapshot, timestamp):
            signed.version += 0 if first else 1
            signed.expires = self._until(signed.type)
        timestamp.snapshot_meta = MetaFile.from_data(snapshot.version, self._write("snapshot"), ["sha256"])
        self._write("timestamp")

    def _write(self, role: str, signers: Sequence[Signer] | None = None) -> bytes:
        document = self.documents[role]
        document.signatures.clear()
        for signer in self.keys[role] if signers is None else signers:
            document.sign(signer, append=True)
        content = document.to_bytes()
        name = "timestamp.json" if role == "timestamp" else f"{document.signed.version}.{role}.json"
        (self.metadata / name).write_bytes(content)
        return content


@dataclass(frozen=True)
class ReleaseFleet:
    """A fleet directory with release keys and a signed repository, all made by the product; images are real and tiny.

    `hand` holds every key of the fleet. `draft` makes a release with new images and leaves it as a draft.
    """

    store: ReleaseStore
    hand: SigningHand
    now: Callable[[], datetime]

    def draft(self, name: str, sequence: int, content: bytes | None = None, **more: Any) -> ReleaseManifest:
        """A draft with a transcription and a drafting model; `content` decides the drafting weights."""
        self.store.images.mkdir(parents=True, exist_ok=True)
        weights = content if content is not None else name.encode() * 4000
        components = []
        for task, files in (
            ("transcription", {"model.bin": b"t" * 60_000, "config.json": b"{}"}),
            ("drafting", {"model.gguf": b"GGUF" + weights}),
        ):
            image = model_image(self.store.images, files)
            components.append(image.component(cast(ModelTask, task), f"tiny-{task}"))
        made = manifest(name, sequence, components, **more)
        folder = self.store.drafts / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "release.json").write_bytes(made.content())
        (folder / "bom.json").write_bytes(b"{}\n")
        return made

    def publish(self, channel: str, name: str, sequence: int, **more: Any) -> ReleaseManifest:
        """A draft, signed into a channel."""
        made = self.draft(name, sequence, **more)
        sign(self.store, self.hand, name, channel, self.now())
        return made


def release_fleet(
    fleet: FleetDir,
    passphrase: Passphrase,
    *,
    channels: Sequence[str] = ("candidate", "stable"),
    root_keys: int = 2,
    channel_keys: int = 1,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> ReleaseFleet:
    """Release keys in the fleet's key directory and the first metadata, by the product's own code. Some 0.2 s a key.

    Thresholds: 2 of `root_keys` for the root (1 when there is one), all of `channel_keys` for a channel.
    """
    keys = ReleaseKeys(fleet.keys.directory / RELEASE_FOLDER)
    counts = {"root": root_keys, "targets": 1, "snapshot": 1, "timestamp": 1}
    counts |= dict.fromkeys(channels, channel_keys)
    roles = {}
    for role, count in counts.items():
        made = [keys.make(f"{role}-{number}", passphrase).key for number in range(1, count + 1)]
        roles[role] = (made, min(2, count) if role == "root" else count)
    store = ReleaseStore(fleet)
    hand = SigningHand(Keyring([keys], lambda: passphrase, no_secret))
    create(store, hand, first(roles, now()), now())
    return ReleaseFleet(store, hand, now)


def no_secret() -> Passphrase:
    """For a keyring whose keys need no PIN: asking for one is a failure."""
    raise AssertionError("a PIN was asked for")


def template(folder: Path, keystore: KeyStore, passphrase: Passphrase, **more: Any) -> ReleaseFleet:
    """A fleet `north` with release keys below `folder`, to be made once and copied by `copied`."""
    shutil.copytree(keystore.directory, folder / "keys")
    path = folder / "north"
    (path / "sites").mkdir(parents=True)
    text = (
        "apiVersion: fleetctl/v1\nkind: Fleet\nmetadata: {name: north}\nspec:\n"
        f"  keys_directory: {folder / 'keys'}\n  escrow_recipients: [{keystore.text('escrow.pub')}]\n"
    )
    (path / "fleet.yaml").write_text(text)
    return release_fleet(FleetDir(path), passphrase, **more)


def copied(made: ReleaseFleet, target: Path) -> ReleaseFleet:
    """The same fleet elsewhere, with the keys that are open already: cheap. Its state is that of the environment."""
    shutil.copytree(made.store.fleet.path, target)
    return ReleaseFleet(ReleaseStore(FleetDir(target)), SigningHand(made.hand.keyring), made.now)

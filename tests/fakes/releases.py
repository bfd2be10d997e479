"""Releases for tests: small real model images, manifests, a TUF repository with keys in memory, and a whole fleet's.

`SignedRepository` is written with python-tuf's metadata API alone, by the layout of docs/design/releases.md: a client
is judged by something other than what the product writes. `release_fleet` is the product's own, keys on disk and all.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import struct
import subprocess
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
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

from appliance.contract.release import ModelComponent, ReleaseManifest, SystemComponent, bom_target, manifest_target
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
from fleetctl.trust.release_signers import Keyring, no_secret
from tests.fakes.programs import needed

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
USR_ROOT_HASH = "a" * 64
DAYS = {"root": 730, "targets": 365, "snapshot": 180, "timestamp": 180}
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
) -> ReleaseManifest:
    return ReleaseManifest(
        name=name,
        sequence=sequence,
        created_at=NOW,
        usr_root_hashes=usr_root_hashes,
        appliance_version="0.6.0",
        system=system,
        models=tuple(models),
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

"""The layout of a release on a removable medium: index, signed metadata, targets, and the release's images.

    NAME/index.json                                 what is there; written last
    NAME/root.json, metadata/*.json, targets/*/*/*  the repository, whole, so that what is imported is a repository
    NAME/images/ROOT_HASH.raw                       the images of this one release

The index says what to expect and is believed for nothing: metadata is verified from the pinned root, manifests by the
metadata, images by the manifest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.contract.model import Sha256Hex
from appliance.contract.release import MAX_IMAGE_BYTES, MAX_MANIFEST_BYTES, ChannelName, ReleaseManifest, ReleaseName
from fleetctl.release.repository_client import LIMITS, Trusted, file_name
from fleetctl.release.repository_fetch import open_inside
from fleetctl.release.repository_view import MAX_BOM_BYTES, View, read_target
from fleetctl.release.store import ReleaseStore

INDEX = "index.json"
MAX_INDEX_BYTES = 2 << 20
MAX_FILES = 8192
# A role's metadata is 4 MB at most; a repository of 60 releases is 2 MB.
MAX_REPOSITORY_BYTES = 512 << 20
CarriedPath = Annotated[
    str,
    Field(
        max_length=200,
        pattern=r"^(root\.json"
        r"|metadata/(timestamp\.json|[1-9][0-9]{0,8}\.[a-z][a-z0-9-]{0,30}\.json)"
        r"|targets/[a-z][a-z0-9-]{0,30}/[a-z0-9][a-z0-9.-]{0,62}/(release|bom)\.json"
        r"|images/[0-9a-f]{64}\.raw)$",
    ),
]


class CarriedFile(BaseModel):
    """One file on the medium."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: CarriedPath
    sha256: Sha256Hex
    size_bytes: int = Field(ge=0, le=MAX_IMAGE_BYTES)


class CarriedIndex(BaseModel):
    """`index.json`: which release, and every other file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal["carry-index/v1"] = "carry-index/v1"
    release: ReleaseName
    channel: ChannelName
    digest: Sha256Hex
    files: tuple[CarriedFile, ...] = Field(max_length=MAX_FILES)

    def content(self) -> bytes:
        """The bytes that are written."""
        return self.model_dump_json(indent=1).encode() + b"\n"


class Carried(BaseModel):
    """What an export or import came to. `images`: root hash → there, copied, or resumed."""

    release: str
    channel: str
    sequence: int
    digest: str
    path: Path
    size_bytes: int
    dry_run: bool
    images: dict[str, str]


def image_path(root_hash: str) -> str:
    """Where an image lies on the medium."""
    return f"images/{root_hash}.raw"


def repository_files(store: ReleaseStore, view: View) -> dict[str, bytes]:
    """Every file of a verified repository, by its path below `releases/`. Nothing but these is carried."""
    files = {"root.json": _read(store.folder / "root.json", LIMITS.root_max_length)}
    for name in metadata_names(view.trusted, files["root.json"]):
        files[f"metadata/{name}"] = _read(store.metadata / name, LIMITS.targets_max_length)
    for document in view.trusted.channels.values():
        for path, target in document.signed.targets.items():
            limit = MAX_MANIFEST_BYTES if path.endswith("/release.json") else MAX_BOM_BYTES
            files[f"targets/{path}"] = read_target(store, target, limit)
    return files


def metadata_names(trusted: Trusted, pin: bytes) -> list[str]:
    """The metadata that counts: every root since the pinned one, and the current file of each other role."""
    first = type(trusted.root).from_bytes(pin).signed.version
    names = [f"{version}.root.json" for version in range(first, trusted.root.signed.version + 1)]
    roles = ("snapshot", "targets", *trusted.channels)
    names += [file_name(role, trusted.document(role).signed.version) for role in roles]
    return [*names, "timestamp.json"]


def size_of(manifest: ReleaseManifest) -> int:
    """Bytes of a release's images."""
    return sum(model.size_bytes for model in manifest.components)


def _read(path: Path, limit: int) -> bytes:
    with open_inside(path.parent, path) as file:
        return file.read(limit + 1)

"""What may be signed: a draft whose manifest, bill of materials and images are all there and are what they say."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from appliance.contract.release import (
    MAX_MANIFEST_BYTES,
    CodePackComponent,
    ReleaseManifest,
    ReleaseName,
    SystemComponent,
)
from fleetctl.errors import RefusedError, UsageError, VerificationError
from fleetctl.image.digest import file_sha256
from fleetctl.image.gpt import ROOT, ROOT_VERITY, ROOT_VERITY_SIG, verity_root_hash
from fleetctl.nearest import nearest_or_all
from fleetctl.release.repository_view import MAX_BOM_BYTES, Published, View, parse_manifest
from fleetctl.release.store import ReleaseStore, bounded

_NAME: TypeAdapter[str] = TypeAdapter(ReleaseName)


@dataclass(frozen=True)
class Draft:
    """A release as bytes, and what the manifest says."""

    manifest: ReleaseManifest
    manifest_bytes: bytes
    bom: bytes


def checked_name(name: str) -> str:
    """A release's name, before it becomes a path. Raises `UsageError`."""
    try:
        return _NAME.validate_python(name)
    except ValidationError:
        raise UsageError(
            f"{name[:80]!r} is no name of a release", hint="a-z, 0-9, . and -, at most 63 characters"
        ) from None


def draft_names(store: ReleaseStore) -> list[str]:
    """What lies among the drafts, sound or not."""
    return sorted(path.name for path in store.drafts.glob("*") if path.is_dir())


def find_release(store: ReleaseStore, view: View, channel: str, name: str) -> Published:
    """One release of a channel. Raises what `View.find` raises, and for a draft says how it comes into the channel."""
    view.of(channel)
    if not view.named(name) and name in draft_names(store):
        raise is_draft(name, f" --channel {channel}")
    return view.find(channel, name)


def is_draft(name: str, options: str = "") -> UsageError:
    """What is said where a release was wanted and a draft was named."""
    return UsageError(f"{name} is a draft, in no channel", hint=f"fleetctl release sign {name}{options}")


def read_draft(store: ReleaseStore, name: str) -> Draft:
    """The draft of this name. Raises `UsageError` when there is none, `VerificationError` when it is not sound."""
    folder = store.drafts / checked_name(name)
    if not folder.is_dir():
        hint = nearest_or_all(name, draft_names(store), "drafts", "none; fleetctl release build")
        raise UsageError(f"there is no draft {name}: {folder}", hint=hint)
    manifest_bytes = bounded(folder / "release.json", MAX_MANIFEST_BYTES, "build the release again")
    manifest = parse_manifest(manifest_bytes, str(folder / "release.json"))
    if manifest.name != name:
        raise VerificationError(f"{folder} holds the manifest of {manifest.name}", hint="build the release again")
    bom = bounded(folder / "bom.json", MAX_BOM_BYTES, "build the release again")
    if (digest := hashlib.sha256(bom).hexdigest()) != manifest.bom_sha256:
        raise VerificationError(
            f"{folder / 'bom.json'} has SHA-256 {digest}, the manifest says {manifest.bom_sha256}",
            hint="build the release again",
        )
    return Draft(manifest, manifest_bytes, bom)


def check_images(store: ReleaseStore, manifest: ReleaseManifest) -> None:
    """Every image by length, SHA-256 and root hash. Raises `VerificationError` that names the first wrong file."""
    for problem in image_problems(store, manifest):
        raise VerificationError(
            problem, hint="fleetctl release import brings images from a medium; fleetctl release build makes them again"
        )


def image_problems(store: ReleaseStore, manifest: ReleaseManifest) -> list[str]:
    """What is wrong with the images of a release, one sentence a file."""
    problems = []
    for model in manifest.components:
        path = store.image(model.root_hash)
        try:
            size = path.stat().st_size
            if size != model.size_bytes:
                problems.append(f"{path} has {size} bytes, the manifest says {model.size_bytes}")
                continue
            found = file_sha256(path)
            if found != model.sha256:
                problems.append(f"{path} has SHA-256 {found}, the manifest says {model.sha256}")
                continue
            if isinstance(model, CodePackComponent | SystemComponent):  # no image: its digest is all there is to it
                continue
            named = verity_root_hash(path, ROOT, ROOT_VERITY, ROOT_VERITY_SIG)
        except FileNotFoundError:
            problems.append(f"{path} is missing: the image of {model.name}")
        except OSError as error:
            problems.append(f"{path} cannot be read: {error.strerror}")
        except VerificationError as error:
            problems.append(error.message)
        else:
            if named != model.root_hash:
                problems.append(f"{path} is the image with the root hash {named}")
    return problems


def check_place(view: View, channel: str, manifest: ReleaseManifest) -> bool:
    """Whether the release is in the channel already. Raises `RefusedError` when it must not come in."""
    for other in view.named(manifest.name):
        if other.revoked is not None:
            raise RefusedError(
                f"the name {manifest.name} was revoked in {other.channel}: {other.revoked.reason}",
                hint="a revoked name is not used again: build the release under a new one",
            )
        if other.digest != manifest.digest:
            raise RefusedError(
                f"{manifest.name} is published in {other.channel} with other bytes (digest {other.digest[:16]}…)",
                hint="what was published does not change: build the release under a new name",
            )
        if other.channel == channel:
            return True
    for releases in view.channels.values():
        for each in releases:
            if each.sequence == manifest.sequence and each.name != manifest.name:
                raise RefusedError(
                    f"sequence {manifest.sequence} is that of {each.name} in {each.channel}",
                    hint="build the release again: it takes the next sequence",
                )
    newest = max(view.of(channel), key=lambda each: each.sequence, default=None)
    if newest is not None and newest.sequence >= manifest.sequence:
        raise RefusedError(
            f"{channel} is at sequence {newest.sequence} ({newest.name}), {manifest.name} has {manifest.sequence}",
            hint="a channel only goes forward: build the release again with a higher sequence",
        )
    return False

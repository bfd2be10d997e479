"""Which releases there are: drafts and what the signed repository has; and the next sequence, never used twice.

The highest sequence that was ever given out stands in `releases/sequence` of the fleet directory, so in git, beside
what it counts: a draft that was removed, or never finished, leaves a number that stays unused.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.release import MAX_MANIFEST_BYTES, ReleaseManifest, manifest_target
from fleetctl import atomic
from fleetctl.errors import ConfigError, RefusedError, UsageError
from fleetctl.nearest import nearest_or_all
from fleetctl.release.bom import MAX_BOM_BYTES
from fleetctl.release.repository_client import WHATEVER_AGE
from fleetctl.release.repository_view import parse_manifest, published
from fleetctl.release.store import ReleaseStore, bounded
from fleetctl.release.turns import turn

RELEASE, BOM = "release.json", "bom.json"
_AGAIN = "get it from git again, or remove the folder"


@dataclass(frozen=True)
class Known:
    """A release that has a name and a sequence. `manifest` is None for a revoked one whose manifest is not kept."""

    name: str
    sequence: int
    manifest: ReleaseManifest | None
    folder: Path
    where: str
    revoked: bool = False


def known_releases(store: ReleaseStore) -> list[Known]:
    """Every draft, and every release of the repository, verified; of any age: this is about names and numbers."""
    found = []
    for folder in sorted(store.drafts.glob("*")) if store.drafts.is_dir() else []:
        path = folder / RELEASE
        manifest = parse_manifest(bounded(path, MAX_MANIFEST_BYTES, _AGAIN), str(path))
        if manifest.name != folder.name:
            raise ConfigError(f"{path} is the manifest of {manifest.name}", hint="name the folder as the release")
        found.append(Known(manifest.name, manifest.sequence, manifest, folder, f"a draft ({folder})"))
    if not (store.folder / "root.json").exists():
        return found
    for channel, releases in published(store, now=WHATEVER_AGE).channels.items():
        for each in releases:
            folder = (store.targets / manifest_target(channel, each.name)).parent
            revoked = each.revoked is not None
            place = f"{'revoked from' if revoked else 'published in'} channel {channel}"
            found.append(Known(each.name, each.sequence, each.manifest, folder, place, revoked))
    return found


def base_of(known: list[Known], name: str) -> tuple[ReleaseManifest, bytes]:
    """Manifest and bill of materials of the release to begin with; a draft counts before what is published."""
    named = [each for each in known if each.name == name]
    if not named:
        there = sorted({each.name for each in known if not each.revoked})
        hint = nearest_or_all(name, there, "releases", "none; leave --from out")
        raise UsageError(f"there is no release {name}", hint=hint)
    for each in named:
        if each.manifest is None or each.revoked:
            continue
        bom = bounded(each.folder / BOM, MAX_BOM_BYTES, _AGAIN)
        if hashlib.sha256(bom).hexdigest() != each.manifest.bom_sha256:
            raise ConfigError(f"{each.folder / BOM} is not the one of its manifest", hint="get it from git again")
        return each.manifest, bom
    raise RefusedError(f"release {name} was revoked ({named[0].where})", hint="begin with another one")


def check_free(known: list[Known], name: str) -> None:
    """Raise RefusedError when the name is taken: what was built under it does not change."""
    for each in known:
        if each.name == name:
            raise RefusedError(f"release {name} exists: {each.where}", hint="choose another name")


def next_sequence(store: ReleaseStore, known: list[Known]) -> int:
    """One more than the highest that is known or was ever given out."""
    return 1 + max([_given_out(store), *(each.sequence for each in known)])


def give_out(store: ReleaseStore, sequence: int) -> None:
    """Remember it, durably, before anything bears it."""
    store.folder.mkdir(parents=True, exist_ok=True)
    sweep(_path(store))
    atomic.write_text(_path(store), f"{sequence}\n")


def sweep(path: Path) -> None:
    """Remove what writes of `path` left that were cut off: the fleet directory is in git. The caller has the lock."""
    for stale in path.parent.glob(f".{path.name}.*"):
        stale.unlink()


def one_build(store: ReleaseStore) -> AbstractContextManager[None]:
    """One build of a release at a time on this machine. Raises LockHeldError."""
    return turn(store, "build.lock", "builds or carries a release")


def _path(store: ReleaseStore) -> Path:
    return store.folder / "sequence"


def _given_out(store: ReleaseStore) -> int:
    path = _path(store)
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return 0
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}"[:300], hint="get it from git again") from None
    if not (text.isdigit() and len(text) < 16):
        raise ConfigError(f"{path}: {text[:40]!r}; wanted: a number", hint="get it from git again")
    return int(text)

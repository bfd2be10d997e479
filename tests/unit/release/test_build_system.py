"""An operating system in a release: packed out of a build's split artifacts, carried, and no file of it believed."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fleetctl.errors import RefusedError, UsageError, VerificationError
from fleetctl.image.manifest import BuiltFile, ImageManifest, read_manifest, write_manifest
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.build import Built, Request, build
from fleetctl.release.carry_export import export
from fleetctl.release.carry_import import import_release
from fleetctl.release.repository_drafts import image_problems
from fleetctl.release.store import ReleaseStore
from fleetctl.report.progress import Progress
from tests.fakes.image_cache import GGUF_FILES, WHISPER_FILES, FilledCache
from tests.fakes.releases import SignedRepository
from tests.fakes.systems import System, system

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
QUIET = Progress(Console(file=io.StringIO()))


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def made(tmp_path: Path) -> System:
    return system(tmp_path, "0.2.0+2", b"usr" * 9000)


@pytest.fixture
def cache(fleet_dir: FleetDir, tmp_path: Path, made: System) -> FilledCache:
    """Two models, and an OS image with its artifacts as mkosi leaves them: filled to the size of their partitions."""
    filled = FilledCache(fleet_dir, tmp_path / "cache")
    filled.model("transcription", "speech", WHISPER_FILES)
    filled.model("drafting", "notes", GGUF_FILES)
    filled.system("lab")
    folder = filled.cache.images(fleet_dir.fleet.name)
    files = []
    for name, suffix, size in (
        ("usr", ".usr-x86-64.raw", 0),
        ("verity", ".usr-x86-64-verity.raw", 65536),
        ("signature", ".usr-x86-64-verity-sig.raw", 16384),
        ("kernel", ".efi", 0),
    ):
        content = made.parts[name].ljust(size, b"\0")
        (folder / f"edge-lab{suffix}").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        files.append(BuiltFile(name=f"edge-lab{suffix}", size_bytes=len(content), sha256=digest))
    path = folder / "edge-lab.json"
    manifest = read_manifest(path, ImageManifest)
    assert manifest is not None
    update = {"usr_root_hash": made.root_hash, "version": made.version, "files": files}
    write_manifest(path, manifest.model_copy(update=update))
    return filled


def built(cache: FilledCache, store: ReleaseStore, **more: Any) -> Built:
    asked = Request("2026.11-1", transcription="speech", drafting="notes", with_os=True)
    return build(replace(asked, **more), cache.cached(), store, lambda: NOW, QUIET)


def test_the_split_artifacts_become_one_file_without_the_zeros_at_their_ends(
    cache: FilledCache, fleet_dir: FleetDir, made: System
) -> None:
    store = ReleaseStore(fleet_dir)
    found = built(cache, store).manifest
    assert found.system is not None
    assert found.usr_root_hashes == (made.root_hash,) == (found.system.root_hash,)
    assert found.system.version == "0.2.0+2"
    content = store.image(made.root_hash).read_bytes()
    assert hashlib.sha256(content).hexdigest() == found.system.sha256
    at = 0
    for name, part in found.system.parts.items():
        piece = content[at : at + part.size_bytes]
        at += part.size_bytes
        assert hashlib.sha256(piece).hexdigest() == part.sha256
        assert piece.rstrip(b"\0") == made.parts[name].rstrip(b"\0")
        assert part.size_bytes % 4096 == 0 or name == "kernel"
    assert at == len(content) == found.system.size_bytes
    assert found.system.verity.size_bytes < 65536
    assert found.system.signature.size_bytes == 4096
    assert image_problems(store, found) == []
    # With --from it stays, and its file has to be there.
    again = built(cache, store, name="2026.11-2", base="2026.11-1", with_os=False, drafting=None, transcription=None)
    assert again.manifest.system == found.system
    store.image(made.root_hash).unlink()
    with pytest.raises(RefusedError, match="cannot be read"):
        built(cache, store, name="2026.11-3", base="2026.11-1", with_os=False, drafting=None, transcription=None)


@pytest.mark.parametrize("wrong", ["usr-x86-64.raw", "usr-x86-64-verity-sig.raw", "efi"])
def test_an_artifact_that_is_not_the_one_that_was_built_is_refused(
    wrong: str, cache: FilledCache, fleet_dir: FleetDir
) -> None:
    path = cache.cache.images(fleet_dir.fleet.name) / f"edge-lab.{wrong}"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(VerificationError, match="is not the file that was built"):
        built(cache, ReleaseStore(fleet_dir))
    path.unlink()
    with pytest.raises(VerificationError, match="cannot be read"):
        built(cache, ReleaseStore(fleet_dir))


def test_a_signature_for_another_usr_is_refused(cache: FilledCache, fleet_dir: FleetDir) -> None:
    folder = cache.cache.images(fleet_dir.fleet.name)
    path = folder / "edge-lab.usr-x86-64-verity-sig.raw"
    content = json.dumps({"rootHash": "0" * 64}).encode().ljust(16384, b"\0")
    path.write_bytes(content)
    manifest = read_manifest(folder / "edge-lab.json", ImageManifest)
    assert manifest is not None
    files = [
        each.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()}) if each.name == path.name else each
        for each in manifest.files
    ]
    write_manifest(folder / "edge-lab.json", manifest.model_copy(update={"files": files}))
    with pytest.raises(VerificationError, match="is for root hash 0000"):
        built(cache, ReleaseStore(fleet_dir))


def test_a_release_brings_one_operating_system(cache: FilledCache, fleet_dir: FleetDir) -> None:
    cache.system("gpu", version="0.2.0+2")
    with pytest.raises(UsageError, match="brings one OS image; 2 were chosen"):
        built(cache, ReleaseStore(fleet_dir), os_profiles=("lab", "gpu"), drafting=None, no_drafting=True)


def test_a_manifest_without_a_system_has_the_identity_that_it_always_had(
    cache: FilledCache, fleet_dir: FleetDir
) -> None:
    found = built(cache, ReleaseStore(fleet_dir), with_os=False).manifest
    assert found.system is None
    assert b'"system"' not in found.content()


def test_it_is_carried_on_a_medium_and_verified_there(
    cache: FilledCache, fleet_dir: FleetDir, tmp_path: Path, made: System
) -> None:
    store = ReleaseStore(fleet_dir)
    found = built(cache, store).manifest
    repository = SignedRepository(tmp_path / "signed", now=lambda: NOW)
    repository.publish("stable", found, (store.drafts / found.name / "bom.json").read_bytes())
    for name in ("metadata", "targets"):
        (store.folder / name).mkdir(parents=True, exist_ok=True)
        for path in (repository.folder / name).rglob("*"):
            if path.is_file():
                target = store.folder / name / path.relative_to(repository.folder / name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    (store.folder / "root.json").write_bytes(repository.root)
    medium = tmp_path / "medium"
    medium.mkdir()
    carried = export(store, found.name, "stable", medium, lambda: NOW, QUIET)
    assert set(carried.images) == {each.root_hash for each in found.components}
    image = medium / found.name / "images" / f"{made.root_hash}.raw"
    good = image.read_bytes()
    store.image(made.root_hash).unlink()
    image.write_bytes(good[:-1] + b"x")
    with pytest.raises(VerificationError):
        import_release(store, medium / found.name, lambda: NOW, QUIET)
    assert not store.image(made.root_hash).exists()
    image.write_bytes(good)
    import_release(store, medium / found.name, lambda: NOW, QUIET)
    assert store.image(made.root_hash).read_bytes() == good

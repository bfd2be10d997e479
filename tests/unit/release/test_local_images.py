"""An image is compared with its digest before it is sent, once for all sites, and anew when it has changed."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from fleetctl.errors import ConfigError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release import local_images
from fleetctl.release.local_images import LocalImages
from fleetctl.release.store import ReleaseStore

ROOT_HASH, CONTENT = "a" * 64, b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def images(fleet_dir: FleetDir) -> LocalImages:
    store = ReleaseStore(fleet_dir)
    store.images.mkdir(parents=True)
    store.image(ROOT_HASH).write_bytes(CONTENT)
    return LocalImages(store)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that is read whole."""
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr(local_images, "file_sha256", counted)
    return read


def test_one_reading_for_all_sites(images: LocalImages, reads: list[Path]) -> None:
    threads = [threading.Thread(target=images.path, args=(ROOT_HASH, SHA256, len(CONTENT))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert images.path(ROOT_HASH, SHA256, len(CONTENT)) == images.store.image(ROOT_HASH)
    assert len(reads) == 1


def test_a_file_that_changed_is_read_again(images: LocalImages, reads: list[Path]) -> None:
    images.path(ROOT_HASH, SHA256, len(CONTENT))
    images.store.image(ROOT_HASH).write_bytes(b"w3ights")
    with pytest.raises(VerificationError, match="SHA-256"):
        images.path(ROOT_HASH, SHA256, len(CONTENT))
    assert len(reads) == 2


def test_another_length_is_told_without_a_reading(images: LocalImages, reads: list[Path]) -> None:
    with pytest.raises(VerificationError, match="7 bytes, the release says 8"):
        images.path(ROOT_HASH, SHA256, 8)
    assert not reads


def test_a_missing_image_is_told_with_its_path(images: LocalImages) -> None:
    with pytest.raises(ConfigError, match=f"{'b' * 64}.raw") as caught:
        images.path("b" * 64, SHA256, 7)
    assert "import" in caught.value.hint

"""Images that a build puts into the store: whole and verified, or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace

import pytest

from fleetctl.errors import RefusedError, VerificationError
from fleetctl.release.build import Request
from fleetctl.release.store import ReleaseStore
from tests.fakes.image_cache import FilledCache
from tests.unit.release.builds import ASKED, made


def test_a_changed_image_is_never_placed(cache: FilledCache, store: ReleaseStore) -> None:
    path = cache.models / "notes.raw"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(VerificationError, match=r"SHA-256 [0-9a-f]{64}; wanted"):
        made(cache)
    assert not (store.drafts / "2026.11-1").exists()
    assert not [each for each in store.images.iterdir() if each.name.startswith(".")]


def test_an_image_that_was_damaged_in_the_store_is_taken_anew(cache: FilledCache, store: ReleaseStore) -> None:
    path = store.image(made(cache).manifest.models[1].root_hash)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + b"x")
    made(cache, replace(ASKED, name="b"))
    assert path.read_bytes() == content


def signed_anew(cache: FilledCache) -> bytes:
    """The image of "notes" as another key signs it: the same weights and root hash, another file."""
    path, manifest = cache.models / "notes.raw", cache.models / "notes.json"
    content = path.read_bytes()
    other = content.replace(b'{"rootHash"', b'{ "rootHash"').replace(b'"}\0', b'"}', 1)
    assert len(other) == len(content)
    assert other != content
    path.unlink()
    path.write_bytes(other)
    text = manifest.read_text()
    manifest.write_text(text.replace(json.loads(text)["sha256"], hashlib.sha256(other).hexdigest()))
    return other


def test_a_fleet_that_was_set_up_anew_takes_images_with_its_own_signature(
    cache: FilledCache, store: ReleaseStore
) -> None:
    path = store.image(made(cache).manifest.models[1].root_hash)
    shutil.rmtree(store.folder)
    other = signed_anew(cache)
    made(cache)
    assert path.read_bytes() == other


def test_an_image_that_a_release_has_gives_way_to_none(cache: FilledCache, store: ReleaseStore) -> None:
    path = store.image(made(cache).manifest.models[1].root_hash)
    before = path.read_bytes()
    signed_anew(cache)
    with pytest.raises(RefusedError, match=r"2026\.11-1 has this file, .* signed with another key") as refused:
        made(cache, replace(ASKED, name="b"))
    assert "--from 2026.11-1" in refused.value.hint
    assert path.read_bytes() == before
    assert not (store.drafts / "b").exists()
    made(cache, Request("b", base="2026.11-1"))


def test_an_image_with_another_root_hash_is_never_placed(cache: FilledCache, store: ReleaseStore) -> None:
    path = cache.models / "notes.json"
    path.write_text(path.read_text().replace(json.loads(path.read_text())["root_hash"], "7" * 64))
    with pytest.raises(VerificationError, match=f"root hash [0-9a-f]{{64}}; wanted: {'7' * 64}"):
        made(cache)
    assert not store.image("7" * 64).exists()

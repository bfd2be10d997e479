"""Adapters of a release as it is built: chosen by name, kept, replaced, and only with their model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetctl.errors import RefusedError, UsageError
from fleetctl.image.digest import file_sha256
from fleetctl.release.build import Request
from fleetctl.release.store import ReleaseStore
from tests.fakes.image_cache import GGUF_FILES, FilledCache
from tests.unit.release.builds import ASKED, made


def test_adapters_are_chosen_kept_and_replaced_by_name(cache: FilledCache, store: ReleaseStore) -> None:
    notes = cache.model("drafting", "notes", GGUF_FILES)
    style = cache.adapter("style", notes)
    built = made(cache, replace(ASKED, adapters=("style",)))
    (adapter,) = built.manifest.adapters
    assert (adapter.root_hash, adapter.kinds, adapter.rank) == (style.root_hash, ("visit_note",), 4)
    assert built.images.keys() == {each.root_hash for each in built.manifest.images}
    assert file_sha256(store.image(style.root_hash)) == style.sha256
    letters = cache.adapter("letters", notes, kinds=("patient_letter",))
    more = made(cache, Request("b", base="2026.11-1", adapters=("letters",))).manifest
    assert [each.root_hash for each in more.adapters] == [letters.root_hash, style.root_hash]
    newer = cache.adapter("style", notes, seed=b"2")
    changed = made(cache, Request("c", base="b", adapters=("style",))).manifest
    assert [each.root_hash for each in changed.adapters] == [letters.root_hash, newer.root_hash]
    assert not made(cache, Request("d", base="c", without_adapters=True)).manifest.adapters


def test_adapters_that_cannot_serve_together_are_no_release(cache: FilledCache) -> None:
    notes = cache.model("drafting", "notes", GGUF_FILES)
    cache.adapter("style", notes)
    cache.adapter("other", notes)
    with pytest.raises(UsageError, match="adapters: other and style are both for visit_note"):
        made(cache, replace(ASKED, adapters=("style", "other")))
    with pytest.raises(RefusedError, match="is missing or not the image that was packed"):
        made(cache, replace(ASKED, adapters=("nothing",)))
    with pytest.raises(RefusedError) as refused:
        made(cache, replace(ASKED, adapters=("stlye",)))
    assert refused.value.hint == "did you mean style?"
    with pytest.raises(UsageError, match="were both given"):
        made(cache, Request("x", transcription="speech", no_drafting=True, adapters=("style",)))


def test_adapters_do_not_survive_their_model(cache: FilledCache) -> None:
    cache.adapter("cardio", cache.model("drafting", "notes", GGUF_FILES))
    made(cache, replace(ASKED, adapters=("cardio",)))
    assert made(cache, Request("b", base="2026.11-1", transcription="speech")).manifest.adapters
    cache.model("drafting", "notes-2", GGUF_FILES)
    request = Request("c", base="2026.11-1", drafting="notes-2")
    with pytest.raises(RefusedError, match="trained on another drafting model: cardio"):
        made(cache, request)
    assert not made(cache, replace(request, without_adapters=True)).manifest.adapters

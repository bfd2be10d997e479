"""A release is built of what was built and verified before, numbered once, and appears whole."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fleetctl.errors import ConfigError, FleetctlError, LockHeldError, RefusedError, UsageError
from fleetctl.image.digest import file_sha256
from fleetctl.image.manifest import ModelManifest, read_manifest
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release import build_images
from fleetctl.release.build import Request, build
from fleetctl.release.build_known import next_sequence, one_build
from fleetctl.release.build_parts import prompts
from fleetctl.release.repository_view import parse_manifest
from fleetctl.release.store import ReleaseStore
from tests.fakes.image_cache import CODE, GGUF_FILES, SAFETENSORS_FILES, WHISPER_FILES, FilledCache
from tests.fakes.killed import killed_at
from tests.fakes.releases import SignedRepository
from tests.fakes.releases import manifest as signed_manifest
from tests.fakes.site import SITE
from tests.unit.release.builds import ASKED, NOW, QUIET, made


def test_a_draft_is_complete_and_its_images_lie_in_the_store(cache: FilledCache, store: ReleaseStore) -> None:
    built = made(cache)
    content = (store.drafts / "2026.11-1/release.json").read_bytes()
    manifest = parse_manifest(content, "release.json")
    assert manifest == built.manifest
    assert manifest.digest == built.digest == hashlib.sha256(content).hexdigest()
    assert manifest.bom_sha256 == file_sha256(store.drafts / "2026.11-1/bom.json")
    assert manifest.created_at == NOW.replace(microsecond=0)
    assert (manifest.engine, manifest.engine_root_hash, manifest.usr_root_hashes) == ("llama.cpp", None, ("a" * 64,))
    assert [(model.task, model.name, model.form, model.memory_mib) for model in manifest.models] == [
        ("transcription", "speech", "ctranslate2", 1),
        ("drafting", "notes", "gguf", 1),
    ]
    for model in manifest.models:
        assert file_sha256(store.image(model.root_hash)) == model.sha256
    assert built.images == {model.root_hash: built.images[model.root_hash] for model in manifest.models}
    assert sorted(path.name for path in store.images.iterdir()) == sorted(
        f"{model.root_hash}.raw" for model in manifest.models
    )
    assert [path.name for path in store.drafts.iterdir()] == ["2026.11-1"]
    bom = json.loads((store.drafts / "2026.11-1/bom.json").read_bytes())
    assert {"model.gguf", "tokenizer.json"} <= {
        file["name"] for component in bom["components"] for file in component.get("components", [])
    }


def test_the_same_parts_give_the_same_bytes(cache: FilledCache, store: ReleaseStore) -> None:
    first = made(cache)
    content = {path.name: path.read_bytes() for path in (store.drafts / "2026.11-1").iterdir()}
    shutil.rmtree(store.folder)
    assert made(cache).digest == first.digest
    assert {path.name: path.read_bytes() for path in (store.drafts / "2026.11-1").iterdir()} == content


def test_prompts_are_those_of_the_os_image(cache: FilledCache) -> None:
    found = {each.name: each for each in made(cache).manifest.prompts}
    kinds = {path.stem: path for path in (CODE / "drafting/kinds").glob("*.json")}
    assert found.keys() == kinds.keys() | {"drafting-code"}
    for name, path in kinds.items():
        assert found[name].sha256 == file_sha256(path)
        assert found[name].version == str(json.loads(path.read_bytes())["version"])
    assert found["drafting-code"].version == "1"


def test_an_os_image_of_other_code_is_refused(cache: FilledCache, tmp_path: Path) -> None:
    other = tmp_path / "other/appliance"
    shutil.copytree(CODE / "drafting", other / "drafting")
    first = prompts(other)
    (other / "drafting/prompt.py").write_text((other / "drafting/prompt.py").read_text() + "# changed\n")
    changed = [each.name for each, before in zip(prompts(other), first, strict=True) if each != before]
    assert changed == ["drafting-code"]
    with pytest.raises(RefusedError, match="made from other code of the appliance") as refused:
        made(cache, package=other)
    assert "fleetctl image build --profile lab" in refused.value.hint
    (other / "drafting/prompt.py").write_text("")
    with pytest.raises(ConfigError, match=r"prompt\.py has no PROMPT_VERSION"):
        prompts(other)


def test_a_dry_run_writes_nothing(cache: FilledCache, store: ReleaseStore) -> None:
    built = made(cache, dry_run=True)
    assert built.dry_run
    assert not store.folder.exists()
    assert not store.images.exists()
    assert made(cache).digest == built.digest


def test_sites_say_what_is_in_it(cache: FilledCache) -> None:
    with pytest.raises(UsageError, match="no site names a model for transcription"):
        made(cache, Request("a"))
    write_site(cache.fleet, "one", "speech", None)
    assert [model.task for model in made(cache, Request("a")).manifest.models] == ["transcription"]
    write_site(cache.fleet, "two", "speech", "notes")
    assert [model.name for model in made(cache, Request("b")).manifest.models] == ["speech", "notes"]
    alone = made(cache, Request("c", no_drafting=True)).manifest
    assert [model.name for model in alone.models] == ["speech"]
    write_site(cache.fleet, "three", "whisper-base", "notes")
    with pytest.raises(UsageError, match="the sites name 2 models for transcription: speech, whisper-base"):
        made(cache, Request("d"))


def write_site(fleet: FleetDir, name: str, transcription: str, drafting: str | None) -> None:
    document = SITE.model_dump(mode="json", by_alias=True)
    document["metadata"]["name"] = name
    document["spec"]["release"] = {"transcription": transcription, "drafting": drafting}
    fleet.write_site(type(SITE).model_validate(document))


def test_missing_parts_are_refused_with_the_command_that_builds_them(cache: FilledCache) -> None:
    with pytest.raises(RefusedError, match=r"whisper-base\.raw is missing") as refused:
        made(cache, replace(ASKED, transcription="whisper-base"))
    assert refused.value.hint == "fleetctl image model whisper-base"
    with pytest.raises(UsageError, match="notes is a model for drafting, not for transcription"):
        made(cache, replace(ASKED, transcription="notes"))
    with pytest.raises(UsageError, match="there is no drafting model nothing: it was not imported"):
        made(cache, replace(ASKED, drafting="nothing"))
    for asked, hint in (
        (replace(ASKED, drafting="notez"), "did you mean notes?"),  # imported, in no catalogue
        (replace(ASKED, transcription="whisper-bass"), "did you mean whisper-base?"),
    ):
        with pytest.raises(UsageError) as wrong:
            made(cache, asked)
        assert wrong.value.hint == hint
    with pytest.raises(UsageError) as wrong:
        made(cache, replace(ASKED, transcription="notez"))
    assert "notes" not in wrong.value.hint  # of the other task
    (cache.cache.images("north") / "edge-lab.json").unlink()
    with pytest.raises(RefusedError, match="no finished OS image") as refused:
        made(cache)
    assert refused.value.hint == "fleetctl image build --profile lab"
    with pytest.raises(RefusedError, match="no OS image was built"):
        made(cache, Request("x", transcription="speech", no_drafting=True))
    (cache.models / "notes.raw").write_bytes(b"short")
    with pytest.raises(RefusedError, match=r"notes\.raw is not the image that was packed"):
        made(cache)


def test_a_catalogue_model_is_taken_when_it_is_up_to_date(cache: FilledCache) -> None:
    cache.model("transcription", "whisper-base", WHISPER_FILES, own=False)
    built = made(cache, replace(ASKED, transcription="whisper-base"))
    assert built.manifest.models[0].name == "whisper-base"
    path = cache.models / "whisper-base.json"
    path.write_text(path.read_text().replace(json.loads(path.read_text())["input_digest"], "1" * 64))
    with pytest.raises(RefusedError, match="missing or not up to date"):
        made(cache, replace(ASKED, name="b", transcription="whisper-base"))


def test_a_missing_model_is_built_when_that_is_wanted(cache: FilledCache, store: ReleaseStore) -> None:
    asked = []

    def make(name: str) -> Any:
        asked.append(name)
        cache.model("transcription", name, WHISPER_FILES, own=False)
        return json_manifest(cache, name)

    cached = replace(cache.cached(), make=make)
    request = replace(ASKED, transcription="whisper-base")
    assert build(request, cached, store, lambda: NOW, QUIET).manifest.models[0].name == "whisper-base"
    assert asked == ["whisper-base"]


def json_manifest(cache: FilledCache, name: str) -> Any:
    return read_manifest(cache.models / f"{name}.json", ModelManifest)


@pytest.mark.parametrize("lost", ["tokenizer.json", "config.json", "vocabulary.txt", "model.bin"])
def test_an_image_without_a_mandatory_file_is_refused(cache: FilledCache, lost: str) -> None:
    files = {name: content for name, content in WHISPER_FILES.items() if name != lost}
    cache.model("transcription", "poor", files)
    with pytest.raises(RefusedError, match="poor for transcription: its image lacks") as refused:
        made(cache, replace(ASKED, transcription="poor"))
    if lost != "model.bin":
        assert lost in refused.value.message


@pytest.mark.parametrize("field", ["licence", "origin"])
def test_a_model_without_licence_or_origin_is_refused(cache: FilledCache, field: str) -> None:
    cache.model("drafting", "free", GGUF_FILES, **{field: "  "})  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match=f"free: its {field} is empty"):
        made(cache, replace(ASKED, drafting="free"))


def test_a_gpu_release_has_its_engine_and_os_image(cache: FilledCache) -> None:
    cache.model("drafting", "large", SAFETENSORS_FILES)
    request = replace(ASKED, drafting="large")
    with pytest.raises(RefusedError, match=r"no finished OS image: .*edge-gpu\.json"):
        made(cache, request)
    cache.system("gpu")
    with pytest.raises(RefusedError, match="no finished engine image") as refused:
        made(cache, request)
    assert refused.value.hint == "fleetctl image engine"
    root_hash = cache.engine()
    found = made(cache, request).manifest
    assert (found.engine, found.engine_root_hash, found.usr_root_hashes) == ("vllm", root_hash, ("b" * 64,))
    with pytest.raises(UsageError, match=r"large \(safetensors\) runs with vllm"):
        made(cache, replace(request, name="b", os_profiles=("lab",)))
    both = made(cache, Request("c", transcription="speech", no_drafting=True)).manifest
    assert set(both.usr_root_hashes) == {"a" * 64, "b" * 64}
    cache.system("gpu", version="0.2.0")
    with pytest.raises(RefusedError, match=r"OS images of versions 0\.1\.0, 0\.2\.0"):
        made(cache, Request("d", transcription="speech", no_drafting=True))


def test_single_parts_of_another_release_are_replaced(cache: FilledCache, store: ReleaseStore) -> None:
    first = made(cache, replace(ASKED, minimum_sequence=1)).manifest
    cache.model("drafting", "notes-2", GGUF_FILES)
    # The OS image is not looked at: it stays the one of the base.
    (cache.cache.images("north") / "edge-lab.json").unlink()
    second = made(cache, Request("2026.11-2", base="2026.11-1", drafting="notes-2")).manifest
    assert second.model_for("transcription") == first.model_for("transcription")
    assert second.model_for("drafting") != first.model_for("drafting")
    assert (second.sequence, second.minimum_sequence) == (2, 1)
    assert (second.usr_root_hashes, second.prompts) == (first.usr_root_hashes, first.prompts)
    bom = (store.drafts / "2026.11-2/bom.json").read_text()
    assert '"tokenizer.json"' in bom
    with pytest.raises(UsageError, match="there is no release nothing"):
        made(cache, Request("x", base="nothing"))
    store.image(first.models[0].root_hash).unlink()
    with pytest.raises(RefusedError, match="cannot be read"):
        made(cache, Request("x", base="2026.11-1", drafting="notes-2"))
    cache.model("drafting", "large", SAFETENSORS_FILES)
    with pytest.raises(UsageError, match=r"is for llama\.cpp, the new drafting model for vllm"):
        made(cache, Request("y", base="2026.11-1", drafting="large"))


def test_names_and_sequences_are_used_once(cache: FilledCache, store: ReleaseStore) -> None:
    assert made(cache).sequence == 1
    with pytest.raises(RefusedError, match=r"release 2026\.11-1 exists: a draft"):
        made(cache)
    assert made(cache, replace(ASKED, name="b")).sequence == 2
    shutil.rmtree(store.drafts / "b")
    assert made(cache, replace(ASKED, name="c")).sequence == 3
    (store.folder / "sequence").write_text("many\n")
    with pytest.raises(ConfigError, match="wanted: a number"):
        made(cache, replace(ASKED, name="d"))


def test_what_is_published_counts(cache: FilledCache, store: ReleaseStore) -> None:
    repository = SignedRepository(store.folder)
    (store.folder / "root.json").write_bytes(repository.root)
    mine = made(cache, dry_run=True).manifest
    published = signed_manifest("2026.10-9", 41, mine.models)
    repository.publish("stable", published)
    revoked = signed_manifest("2026.10-8", 57, mine.models)
    repository.publish("stable", revoked)
    repository.revoke("stable", revoked, "it hallucinates doses")
    assert made(cache).sequence == 58
    for name, words in (("2026.10-9", "published in channel stable"), ("2026.10-8", "revoked from channel stable")):
        with pytest.raises(RefusedError, match=words):
            made(cache, replace(ASKED, name=name))
    with pytest.raises(RefusedError, match=r"release 2026\.10-8 was revoked"):
        made(cache, Request("x", base="2026.10-8"))
    taken = made(cache, Request("x", base="2026.10-9", drafting="notes")).manifest
    assert (taken.sequence, taken.usr_root_hashes) == (59, published.usr_root_hashes)


def test_evaluations_are_attached(cache: FilledCache, tmp_path: Path) -> None:
    result = {"evaluation_set": "north", "set_sha256": "a" * 64, "at": "2026-11-25T12:00:00Z",
              "measures": {"word_error_rate": 0.08}}  # fmt: skip
    one, many = tmp_path / "one.json", tmp_path / "many.json"
    one.write_text(json.dumps(result))
    many.write_text(json.dumps([result, result | {"evaluation_set": "south"}]))
    found = made(cache, replace(ASKED, evaluations=(one, many))).manifest.evaluations
    assert [each.evaluation_set for each in found] == ["north", "north", "south"]
    assert not made(cache, Request("b", base="2026.11-1")).manifest.evaluations
    for text in ("", "[]", "{}", "[" * 9999, json.dumps(result).replace("0.08", "NaN"),
                 json.dumps(result).replace("0.08", "Infinity")):  # fmt: skip
        one.write_text(text)
        with pytest.raises(ConfigError, match=r"one\.json"):
            made(cache, replace(ASKED, name="c", evaluations=(one,)))
    with pytest.raises(ConfigError, match="cannot be read"):
        made(cache, replace(ASKED, name="c", evaluations=(tmp_path / "none",)))


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"name": "../x"}, "is no name"), ({"name": ".x"}, "is no name"), ({"minimum_sequence": 9}, "minimum_sequence"),
     ({"notes": "n" * 2001}, "notes"), ({"no_drafting": True}, "both given")],
)  # fmt: skip
def test_wrong_usage(cache: FilledCache, store: ReleaseStore, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        made(cache, replace(ASKED, **changed))
    assert not store.folder.exists()


def test_two_builds_at_once(cache: FilledCache, store: ReleaseStore) -> None:
    with one_build(store), pytest.raises(LockHeldError):
        made(cache)


def test_killed_at_every_place_and_run_again(cache: FilledCache, store: ReleaseStore) -> None:
    """A draft is whole or not there, and a sequence is given out once."""
    given: set[int] = set()
    for turn in range(100):
        name = f"r{turn}"
        before = next_sequence(store, [])
        killed = killed_at(turn, lambda name=name: made(cache, replace(ASKED, name=name)))  # type: ignore[misc]
        folder = store.drafts / name
        if folder.exists():
            found = parse_manifest((folder / "release.json").read_bytes(), "")
            assert file_sha256(folder / "bom.json") == found.bom_sha256
        else:
            assert next_sequence(store, []) in (before, before + 1)
            found = made(cache, replace(ASKED, name=name)).manifest
        assert found.sequence not in given
        given.add(found.sequence)
        for model in found.models:
            assert file_sha256(store.image(model.root_hash)) == model.sha256
        if not killed:
            break
        for path in store.images.iterdir():
            path.unlink()
    assert turn > 5
    assert {path.name for path in store.folder.iterdir()} == {"drafts", "sequence"}


def test_no_room_is_said_with_numbers(cache: FilledCache, store: ReleaseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Path, target: Path) -> str:
        target.write_bytes(b"part")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(build_images, "_laid", full)
    with pytest.raises(FleetctlError, match=r"No space left on device; [0-9,]+ bytes are needed, [0-9,]+ are free"):
        made(cache)
    assert list(store.images.iterdir()) == []

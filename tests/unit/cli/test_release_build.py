"""`fleetctl release build | import-model | export | import`, as they are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from appliance.contract.release import ReleaseManifest
from fleetctl.cli.release_build import app
from fleetctl.errors import FleetctlError, RefusedError, UsageError, VerificationError
from fleetctl.image.overview import overview
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.repository_client import fingerprint
from fleetctl.release.store import ReleaseStore
from tests.fakes.image_cache import GGUF_FILES, WHISPER_FILES, FilledCache
from tests.fakes.releases import SignedRepository
from tests.fakes.weights import drafting_gguf


@pytest.fixture
def cache(fleet_dir: FleetDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FilledCache:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("FLEETCTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("FLEETCTL_FLEET", str(fleet_dir.path))
    filled = FilledCache(fleet_dir, tmp_path / "cache")
    filled.model("transcription", "speech", WHISPER_FILES)
    filled.model("drafting", "notes", GGUF_FILES)
    filled.system("lab")
    return filled


def call(*words: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, FleetctlError):
        raise result.exception
    return result


def data(*words: str | Path) -> Any:
    result = call(*words, "-o", "json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


BUILD = ("build", "2026.11-1", "--transcription", "speech", "--drafting", "notes")


def test_build_says_what_is_in_the_draft(cache: FilledCache) -> None:
    shown = data(*BUILD, "--dry-run")
    assert shown["dry_run"]
    assert not (cache.fleet.path / "releases").exists()
    built = data(*BUILD)
    assert (built["name"], built["sequence"]) == ("2026.11-1", 1)
    assert (cache.fleet.path / "releases/drafts/2026.11-1/release.json").is_file()
    table = call(*BUILD[:1], "b", *BUILD[2:], "--dry-run").stdout
    for words in ("b, sequence 2 (dry run)", "speech, ctranslate2", "notes, gguf", "Apache-2.0", "llama.cpp"):
        assert words in table
    assert (
        yaml.safe_load(call("build", "c", "--from", "2026.11-1", "--no-drafting", "-o", "yaml").stdout)["sequence"] == 2
    )


def test_build_refuses_with_the_next_command(cache: FilledCache) -> None:
    refused = call("build", "x", "--transcription", "whisper-base").exception
    assert isinstance(refused, RefusedError)
    assert refused.hint == "fleetctl image model whisper-base"
    # A dry run says the same, whatever may be built.
    assert isinstance(call("build", "x", "--transcription", "whisper-base", "--build-missing", "--dry-run").exception,
                      RefusedError)  # fmt: skip


def test_a_look_at_own_weights_needs_no_key(cache: FilledCache, tmp_path: Path) -> None:
    folder = drafting_gguf(tmp_path / "own")
    words = ("import-model", folder, "--task", "drafting", "--name", "own", "--licence", "MIT", "--origin", "us")
    assert data(*words, "--dry-run")["form"] == "gguf"
    assert "model.gguf" in call(*words, "--dry-run").stdout
    # For real it asks for the passphrase, and there is none: nothing was written before that.
    assert isinstance(call(*words).exception, FleetctlError)
    assert not (cache.models / "own.json").exists()
    (folder / "x.pt").write_bytes(b"PK\x03\x04")
    refused = call(*words, "--dry-run").exception
    assert isinstance(refused, RefusedError)
    assert str(folder / "x.pt") in refused.message


def test_own_models_stand_in_the_overview(cache: FilledCache) -> None:
    own = {each.name: each for each in overview(cache.fleet, cache.cache) if each.state == "own"}
    assert own.keys() == {"speech", "notes"}
    (cache.models / "notes.raw").unlink()
    assert [each.name for each in overview(cache.fleet, cache.cache) if each.state == "own"] == ["speech"]


def test_a_release_is_carried_to_another_fleet(
    cache: FilledCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ReleaseStore(cache.fleet)
    data(*BUILD)
    manifest = json.loads((store.drafts / "2026.11-1/release.json").read_bytes())
    bom = (store.drafts / "2026.11-1/bom.json").read_bytes()
    repository = SignedRepository(tmp_path / "signed")
    repository.publish("stable", ReleaseManifest.model_validate(manifest), bom)
    repository.metadata.rename(store.metadata)
    repository.targets.rename(store.targets)
    (store.folder / "root.json").write_bytes(repository.root)
    medium = tmp_path / "usb"
    medium.mkdir()
    words = ("export", "2026.11-1", "--channel", "stable", "--to", medium)
    assert data(*words, "--dry-run")["images"] == {}
    assert set(data(*words)["images"].values()) == {"copied"}
    assert isinstance(call(*words).exception, RefusedError)

    south = tmp_path / "south"
    (south / "sites").mkdir(parents=True)
    (south / "fleet.yaml").write_text((cache.fleet.path / "fleet.yaml").read_text().replace("north", "south", 1))
    monkeypatch.setenv("FLEETCTL_FLEET", str(south))
    path, pin = medium / "2026.11-1", fingerprint(repository.root)
    assert isinstance(call("import", path).exception, UsageError)
    assert isinstance(call("import", path, "--root-sha256", "0" * 64).exception, VerificationError)
    assert "verified, none copied" in call("import", path, "--root-sha256", pin, "--dry-run").stdout
    carried = data("import", path, "--root-sha256", pin)
    assert set(carried["images"].values()) == {"copied"}
    assert (south / "releases/targets/stable/2026.11-1/release.json").read_bytes() == (
        store.drafts / "2026.11-1/release.json"
    ).read_bytes()
    assert set(data("import", path)["images"].values()) == {"there"}

"""Which image a site is copied from, and what its manifest says."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import ConfigError
from fleetctl.image.manifest import ImageManifest, write_manifest
from fleetctl.lab.image import default_image, image_source


def test_default_follows_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLEETCTL_CACHE_DIR", str(tmp_path))
    assert default_image("demo") == tmp_path / "images/demo/edge-lab.raw"
    monkeypatch.delenv("FLEETCTL_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert default_image("demo") == Path("/caches/fleetctl/images/demo/edge-lab.raw")


def test_manifest_names_the_image(tmp_path: Path) -> None:
    raw = tmp_path / "edge-lab.raw"
    raw.touch()
    manifest = ImageManifest(
        profile="lab", version="2026.1", usr_root_hash="ab", input_digest="x", inputs={}, files=[], packages="p"
    )
    write_manifest(raw.with_suffix(".json"), manifest)
    source = image_source(raw, finished=True)
    assert (source.version, source.usr_root_hash, source.path) == ("2026.1", "ab", str(raw))


@pytest.mark.parametrize("manifest", [None, "", "{}", '{"version": "1"}'])
def test_image_without_a_manifest_is_unfinished_or_unknown(tmp_path: Path, manifest: str | None) -> None:
    raw = tmp_path / "edge-lab.raw"
    raw.touch()
    if manifest is not None:
        raw.with_suffix(".json").write_text(manifest)
    with pytest.raises(ConfigError, match="its build did not finish"):
        image_source(raw, finished=True)
    assert image_source(raw, finished=False).version == "unknown"


def test_absent_image_is_an_error_either_way(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no image"):
        image_source(tmp_path / "edge-lab.raw", finished=False)

"""What was built for a GPU site: an engine image beside the OS image that can run it, or why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance.contract.release import AdapterComponent
from fleetctl.errors import ConfigError
from fleetctl.facts.base import Unreadable
from fleetctl.image.cache import ImageCache
from fleetctl.image.manifest import EngineManifest, ImageManifest, write_manifest
from fleetctl.phases.install_models import InstallModels
from fleetctl.phases.release import AdapterImage, BuiltRelease, built_release
from fleetctl.phases.seal import Seal
from tests.fakes import site as fake
from tests.fakes.gpus import profile
from tests.fakes.provisioning import Setting, opened

ENGINE = "e1" * 32


def build(cache: ImageCache, *, min_driver: str = "525.60.13", driver: str | None = "550.163.01") -> BuiltRelease:
    """A fleet whose engine and GPU image were built; only their manifests are there."""
    os_image, engine = cache.images("north") / "edge-gpu.json", cache.engines("north") / "vllm.json"
    for path in (os_image, engine):
        path.parent.mkdir(parents=True)
    write_manifest(
        os_image,
        ImageManifest(
            profile="gpu", version="1", usr_root_hash=fake.USR, input_digest="x", inputs={}, files=[], packages="p",
            driver=driver,
        ),
    )  # fmt: skip
    write_manifest(
        engine,
        EngineManifest(
            name="vllm-1", root_hash=ENGINE, sha256="d6" * 32, size_bytes=1, cuda="12.8", min_driver=min_driver,
            packages=[], input_digest="x",
        ),
    )  # fmt: skip
    return built_release(fake.SITE, profile(), "north", cache)


def test_a_gpu_site_gets_the_engine(tmp_path: Path) -> None:
    release = build(ImageCache(tmp_path))
    engine = release.need_engine()
    assert engine is not None
    assert (engine.name, engine.path.name, engine.root_hash) == ("vllm-1", "vllm.raw", ENGINE)
    assert release.wanted.engine is not None
    assert not isinstance(release.wanted.engine, Unreadable)
    assert release.wanted.engine.min_driver == "525.60.13"


@pytest.mark.parametrize("driver", ["550.163.01", None, "?"])
def test_an_engine_that_the_os_images_driver_cannot_run_is_refused(tmp_path: Path, driver: str | None) -> None:
    release = build(ImageCache(tmp_path), min_driver="580.65.06", driver=driver)
    with pytest.raises(ConfigError, match="vllm-1 does not run on the OS image 1: it"):
        release.need_engine()


def test_without_an_engine_a_gpu_site_is_not_provisioned(tmp_path: Path) -> None:
    release = built_release(fake.SITE, profile(), "north", ImageCache(tmp_path))
    with pytest.raises(ConfigError, match="no finished engine image") as caught:
        release.need_engine()
    assert caught.value.hint == "fleetctl image engine builds it"


def test_a_site_without_cards_needs_none(tmp_path: Path) -> None:
    release = built_release(fake.SITE, fake.PROFILE, "north", ImageCache(tmp_path))
    assert release.need_engine() is None
    assert release.wanted.engine is None


def test_the_engine_is_copied_like_a_model_and_sealed_apart_from_them(tmp_path: Path) -> None:
    setting = Setting()
    with opened(setting) as run:
        engine = build(ImageCache(tmp_path)).engine
        gpu_site = replace(run, release=replace(run.release, engine=engine))
        InstallModels().run(gpu_site)
        Seal().run(gpu_site)
        Seal().run(run)
    (_, models), (_, sealed), (_, without) = setting.playbooks.calls
    assert [each["task"] for each in models["models"]] == ["transcription", "drafting", "engine"]
    assert models["models"][-1]["name"] == "vllm-1"
    assert sealed["engine"] == {"name": "vllm-1", "root_hash": ENGINE}
    assert {each["task"] for each in sealed["models"]} == {"transcription", "drafting"}
    assert "engine" not in without


def test_the_adapters_of_a_committed_release_are_installed_and_sealed_in_their_places(tmp_path: Path) -> None:
    adapter = AdapterComponent(
        name="style", digest="7" * 64, kinds=("visit_note",), root_hash="a" * 64, sha256="b" * 64, size_bytes=3,
        form="gguf", rank=8, base_root_hash="c" * 64, licence="MIT", origin="a test", memory_mib=1,
    )  # fmt: skip
    image = AdapterImage(0, adapter, tmp_path / "adapter.raw")
    setting = Setting()
    with opened(setting) as run:
        committed = replace(run, release=replace(run.release, adapters=(image,)))
        with pytest.raises(ConfigError, match="the image of the adapter style is not on this machine"):
            InstallModels().run(committed)
        image.path.write_bytes(b"x")
        InstallModels().run(committed)
        Seal().run(committed)
        Seal().run(run)
    (_, models), (_, sealed), (_, without) = setting.playbooks.calls
    assert models["models"][-1]["task"] == "adapter-0"
    assert models["models"][-1]["name"] == f"adapter.{'7' * 64}"
    assert sealed["adapters"] == [
        {"name": "style", "digest": "7" * 64, "root_hash": "a" * 64, "rank": 8, "kinds": ["visit_note"]}
    ]
    assert "adapters" not in without

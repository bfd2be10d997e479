"""The engine image: what its lock promises, which driver it needs, and what its trial refuses. No wheel is fetched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance import engine_image
from fleetctl.errors import ConfigError, VerificationError
from fleetctl.image import cuda, toolchain
from fleetctl.image.archive import mmdebstrap_argv, parse_listing
from fleetctl.image.build import check_driver
from fleetctl.image.engine import EngineBuild, version_of
from fleetctl.image.enginetree import PLACE, SITE, strip
from fleetctl.image.enginetrial import Trial, judge, runs_on, try_tree
from fleetctl.image.lockfile import Pin, parse_lock
from fleetctl.image.manifest import EngineManifest, write_manifest
from fleetctl.image.mirrors import Mirrors
from fleetctl.image.packing import COMPRESSED, partition_definitions
from fleetctl.image.tools import ToolsTree
from fleetctl.resources import resource_dir

IMAGES = resource_dir("images")
DEBIAN_13 = "550.163.01"


@pytest.fixture(scope="module")
def pins() -> list[Pin]:
    # Refuses an entry without an exact version or without a hash.
    return parse_lock((IMAGES / "vllm.lock").read_text(), origin="vllm.lock")


def test_every_line_of_the_lock_is_for_the_box(pins: list[Pin]) -> None:
    lines = [line for line in (IMAGES / "vllm.lock").read_text().splitlines() if "==" in line]
    assert len(pins) == len(lines) > 100
    assert {"vllm", "torch", "triton", "xgrammar", "transformers"} <= {pin.name for pin in pins}


def test_what_would_compile_with_nvcc_is_not_in_it(pins: list[Pin]) -> None:
    names = {pin.name for pin in pins}
    assert not {name for name in names if name.startswith("flashinfer")}
    overrides = (IMAGES.parent / "requirements/vllm-overrides.txt").read_text()
    assert overrides.count("sys_platform == 'never'") == 2


def test_the_driver_of_debian_13_runs_the_lock(pins: list[Pin]) -> None:
    oldest = cuda.oldest_driver(cuda.runtime_version(pins))
    assert cuda.too_old(DEBIAN_13, oldest) == ""


def test_one_cuda_for_the_drafting_engine_and_for_transcription(pins: list[Pin]) -> None:
    """CTranslate2 4.8 loads libcublas.so.12 by name and has none of its own; this image's is the one it finds."""
    versions = {pin.name: pin.version for pin in pins}
    assert versions["nvidia-cublas-cu12"].startswith("12.")
    speech = parse_lock((IMAGES / "appliance.lock").read_text(), origin="appliance.lock")
    assert [pin.version[:4] for pin in speech if pin.name == "ctranslate2"] == ["4.8."]


@pytest.mark.parametrize(
    ("name", "version", "oldest"),
    [("nvidia-cuda-runtime-cu12", "12.8.90", "525.60.13"), ("nvidia-cuda-runtime", "13.0.96", "580.65.06")],
)
def test_the_oldest_driver_follows_from_the_runtime(name: str, version: str, oldest: str) -> None:
    assert cuda.oldest_driver(cuda.runtime_version([Pin(name, version, ("x",)), Pin("torch", "2", ("x",))])) == oldest


def test_no_runtime_two_runtimes_and_an_unknown_cuda_are_refused() -> None:
    twelve, thirteen = Pin("nvidia-cuda-runtime-cu12", "12.8.90", ()), Pin("nvidia-cuda-runtime", "13.0.96", ())
    for found in ([], [twelve, thirteen]):
        with pytest.raises(ConfigError, match="CUDA runtimes"):
            cuda.runtime_version(found)
    with pytest.raises(ConfigError, match=r"CUDA 14\.0"):
        cuda.oldest_driver("14.0")


@pytest.mark.parametrize(
    ("driver", "words"),
    [("580.65.06", ""), ("580.100", ""), (DEBIAN_13, "is 550.163.01"), (None, "no NVIDIA"), ("beta-x", "understood")],
)
def test_a_driver_that_is_too_old_or_not_understood_is_named(driver: str | None, words: str) -> None:
    assert words in cuda.too_old(driver, "580.65.06")
    assert bool(words) is bool(cuda.too_old(driver, "580.65.06"))


def test_an_os_image_whose_driver_is_too_old_is_refused(tmp_path: Path) -> None:
    listing = tmp_path / "edge-gpu.manifest"
    packages = [{"type": "deb", "name": "libcuda1", "version": f"{DEBIAN_13}-2", "architecture": "amd64"}]
    listing.write_text(json.dumps({"manifest_version": 1, "packages": packages}))
    assert check_driver(listing, "525.60.13") == DEBIAN_13
    with pytest.raises(VerificationError, match=r"550\.163\.01"):
        check_driver(listing, "580.65.06")
    listing.write_text(json.dumps({"manifest_version": 1, "packages": []}))
    assert check_driver(listing, None) is None
    with pytest.raises(VerificationError, match="no NVIDIA driver"):
        check_driver(listing, "525.60.13")


# --- where it lies


def test_all_sides_name_the_same_place() -> None:
    assert str(engine_image.DIRECTORY) == PLACE
    recipe = IMAGES / "engine/tree/bin"
    assert (recipe / "vllm").read_text().startswith(f"#!{PLACE}/bin/python3 -I\n")
    assert f"{PLACE}/toolchain" in (recipe / "cc").read_text()
    units = IMAGES / "edge/mkosi.profiles/gpu/mkosi.extra/usr/lib/systemd/system"
    for unit in ("drafting", "transcription"):
        drop_in = (units / f"appliance-{unit}.service.d/60-gpu.conf").read_text()
        assert f"MountImages=/var/lib/appliance/models/engine.raw:{PLACE}\n" in drop_in
    assert f"Environment=LD_LIBRARY_PATH={PLACE}/{SITE}/nvidia/cublas/lib\n" in drop_in


def test_a_compressed_image_is_signed_like_a_model() -> None:
    definitions = partition_definitions("vllm-1", COMPRESSED)
    assert "Compression=lz4hc\n" in definitions["10-root.conf"]
    assert [text.split("Verity=")[1].split("\n")[0] for text in definitions.values()] == ["data", "hash", "signature"]


# --- up to date


@pytest.fixture
def job(tmp_path: Path) -> EngineBuild:
    for name in ("recipe/tree/bin/vllm", "recipe/trial.py", "lock", "crt", "out/vllm.raw"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)

    def locked() -> AbstractContextManager[Path]:
        raise AssertionError("keys were asked for")

    job = EngineBuild(
        lock=tmp_path / "lock", recipe=tmp_path / "recipe", package=tmp_path, sites=[], capabilities=[],
        output_dir=tmp_path / "out", build=tmp_path / "build", certificate=tmp_path / "crt", unlocked=locked,
        log_path=tmp_path / "log",
    )  # fmt: skip
    manifest = EngineManifest(
        name="vllm-1", root_hash="0" * 64, sha256="0" * 64, size_bytes=job.image.stat().st_size, cuda="12.8",
        min_driver="525.60.13", packages=[], input_digest=job.input_digest(),
    )  # fmt: skip
    write_manifest(job.manifest_path, manifest)
    return job


def test_an_unchanged_engine_is_current_and_needs_no_key(job: EngineBuild) -> None:
    assert job.current() is not None


@pytest.mark.parametrize("name", ["recipe/tree/bin/vllm", "recipe/new", "lock", "crt", "out/vllm.raw"])
def test_any_changed_input_or_a_cut_image_makes_it_outdated(job: EngineBuild, name: str) -> None:
    (job.lock.parent / name).write_text("changed and of another size")
    assert replace(job).current() is None


def test_a_lock_without_vllm_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not pin vllm"):
        version_of([Pin("torch", "2.10.0", ("x",))])


# --- the tree


def test_stripping_keeps_what_a_box_runs_and_compiles_with(tmp_path: Path) -> None:
    kept = ("a/__init__.py", "triton/backends/nvidia/include/cuda.h", "a/x.so", "a-1.dist-info/METADATA", "a/RECORD")
    gone = ("a/x.pyi", "a/libx.a", "a-1.dist-info/RECORD")
    for name in (*kept, *gone):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    strip(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(kept)


def test_a_compiler_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="gcc-14"):
        list(toolchain.kept(tmp_path))
    with pytest.raises(VerificationError, match="libisl"):
        list(toolchain.own_libraries(tmp_path))


def test_packages_are_unpacked_from_the_given_mirrors_only(tmp_path: Path) -> None:
    argv = mmdebstrap_argv(["gcc-14"], tmp_path, tmp_path / "s", tmp_path / "l", Mirrors("http://a", "http://b"))
    assert "--variant=extract" in argv
    assert not any("://" in word for word in argv)
    assert parse_listing("libcuda1_550.163.01-2_amd64.deb\nlock\nzlib1g_1%3a1.3_amd64.deb\n") == [
        ("libcuda1", "550.163.01-2"),
        ("zlib1g", "1:1.3"),
    ]
    assert cuda.driver_of([("libcuda1", "1:550.163.01-2")]) == DEBIAN_13


# --- the trial

SITES = [{"cards": 2}, {"cards": 4}]
FOUND: dict[str, Any] = {
    "versions": {"vllm": "0.19.1", "torch": "2.10.0+cu128", "cuda": "12.8"},
    "parsed": [["/e.sock", 2, 0.77], ["/e.sock", 4, 0.77]],
    "compiled": 42,
    "machine_code": {"vllm/_C.abi3.so": ["sm_80", "sm_90a"]},
}


def test_a_tree_that_fits_is_taken() -> None:
    judge(FOUND, SITES, ["8.9"], "12.8", "0.19.1")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"versions": FOUND["versions"] | {"vllm": "0.20.0"}}, "vLLM is 0.20.0"),
        ({"versions": FOUND["versions"] | {"cuda": "13.0"}}, "built with CUDA 13.0"),
        ({"compiled": 41}, "does not answer"),
        ({"parsed": FOUND["parsed"][:1]}, "understood"),
        ({"machine_code": {"vllm/_C.abi3.so": ["sm_90", "sm_100"]}}, "no machine code for compute capability 8.9"),
    ],
)
def test_a_tree_that_does_not_fit_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(VerificationError, match=words):
        judge(FOUND | changed, SITES, ["8.9"], "12.8", "0.19.1")


@pytest.mark.parametrize(
    ("architecture", "capability", "wanted"),
    [
        ("sm_80", "8.9", True), ("sm_89", "8.9", True), ("sm_90", "8.9", False), ("sm_75", "8.9", False),
        ("sm_90a", "9.0", True), ("sm_120a", "12.1", False), ("sm_100", "10.0", True), ("sm_89", "8.6", False),
    ],
)  # fmt: skip
def test_machine_code_runs_on_its_own_generation(architecture: str, capability: str, wanted: bool) -> None:
    assert runs_on([architecture], capability) is wanted


@pytest.fixture
def fake_trial(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Try a fake tree, whose Python is this machine's, with a trial of a test's own; no vLLM is in it."""
    if shutil.which("bwrap") is None:
        pytest.skip("needs bwrap")
    (tmp_path / "tree/bin").mkdir(parents=True)
    (tmp_path / "tree/bin/python3").symlink_to("/usr/bin/python3")
    for name in ("driver", "recipe", "package", "work"):
        (tmp_path / name).mkdir()

    def run(script: str) -> dict[str, Any]:
        (tmp_path / "recipe/trial.py").write_text(script)
        trial = Trial(*(tmp_path / name for name in ("tree", "driver", "recipe", "package")), sites=SITES)
        return try_tree(trial, tmp_path / "work", ToolsTree(Path("/"), "this machine"), tmp_path / "log")

    return run


def test_a_trial_runs_in_the_tree_at_its_place_without_network(fake_trial: Callable[[str], dict[str, Any]]) -> None:
    found = fake_trial(
        "import json, os, pathlib, sys\n"
        "sites = json.loads(pathlib.Path(sys.argv[1]).read_text())['sites']\n"
        "print('other words')\n"
        "print(json.dumps([sites, sys.executable, os.environ['LD_LIBRARY_PATH'], os.listdir('/sys/class/net')\n"
        "    if os.path.isdir('/sys') else pathlib.Path('/proc/net/dev').read_text().count('eth')]))\n"
    )
    assert list(found) == [SITES, f"{PLACE}/bin/python3", "/run/driver", 0]


@pytest.mark.parametrize("script", ["raise SystemExit('no such option')", "", "print('not JSON')"])
def test_a_trial_that_fails_or_says_nothing_refuses(fake_trial: Callable[[str], dict[str, Any]], script: str) -> None:
    with pytest.raises(VerificationError, match="trial"):
        fake_trial(script)

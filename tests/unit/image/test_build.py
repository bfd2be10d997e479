"""When an image counts as up to date, and what mkosi and repart are called with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fleetctl.image.build import ImageBuild, prepare_folders
from fleetctl.image.catalogue import CatalogueEntry
from fleetctl.image.digest import combined, file_sha256
from fleetctl.image.manifest import BuiltFile, ImageManifest, write_manifest
from fleetctl.image.mirrors import Mirrors
from fleetctl.image.mkosi import SOURCE_DATE_EPOCH, MkosiRun, stage
from fleetctl.image.model import seed
from fleetctl.image.packing import partition_definitions
from fleetctl.image.publish import publish
from fleetctl.image.pythontree import needless, pip_argv
from fleetctl.image.tools import ToolsTree, mmdebstrap_argv
from fleetctl.resources import resource_dir


@contextmanager
def locked() -> Iterator[Path]:
    raise AssertionError("keys were asked for")
    yield Path()


@pytest.fixture
def job(tmp_path: Path) -> ImageBuild:
    for name in ("recipe/mkosi.conf", "package/__init__.py", "lock", "crt", "pub", "out/edge-lab.raw"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    job = ImageBuild(
        profile="lab",
        version="1",
        recipe=tmp_path / "recipe",
        lock=tmp_path / "lock",
        engine_lock=tmp_path / "vllm.lock",
        package=tmp_path / "package",
        output_dir=tmp_path / "out",
        build=tmp_path / "build",
        certificate=tmp_path / "crt",
        pcr_public=tmp_path / "pub",
        unlocked=locked,
        log_path=tmp_path / "log",
    )
    raw = tmp_path / "out/edge-lab.raw"
    built = BuiltFile(name=raw.name, size_bytes=raw.stat().st_size, sha256=file_sha256(raw))
    manifest = ImageManifest(
        profile="lab",
        version="1",
        usr_root_hash="0" * 64,
        input_digest=combined(job.inputs()),
        inputs=job.inputs(),
        files=[built],
        packages="edge-lab.manifest",
    )
    write_manifest(job.manifest_path, manifest)
    return job


def test_unchanged_is_current_and_needs_no_key(job: ImageBuild) -> None:
    assert job.current() is not None


@pytest.mark.parametrize("name", ["recipe/mkosi.conf", "recipe/new", "package/__init__.py", "lock", "crt", "pub"])
def test_any_changed_input_makes_it_outdated(job: ImageBuild, name: str) -> None:
    (job.recipe.parent / name).write_text("changed")
    assert job.current() is None


def test_a_gpu_image_is_outdated_when_its_engine_wants_another_driver(job: ImageBuild) -> None:
    gpu = replace(job, profile="gpu")
    gpu.engine_lock.write_text("nvidia-cuda-runtime-cu12==12.8.90 --hash=sha256:00\n")
    twelve = gpu.inputs()["oldest_driver"]
    gpu.engine_lock.write_text("nvidia-cuda-runtime==13.0.96 --hash=sha256:00\n")
    assert (twelve, gpu.inputs()["oldest_driver"]) == ("525.60.13", "580.65.06")
    assert job.inputs()["oldest_driver"] == ""


def test_execute_bit_of_a_script_counts(job: ImageBuild) -> None:
    (job.recipe / "mkosi.conf").chmod(0o755)
    assert job.current() is None


def test_byte_code_caches_do_not_count(job: ImageBuild) -> None:
    (job.package / "__pycache__").mkdir()
    (job.package / "__pycache__/x.pyc").write_text("x")
    assert job.current() is not None


def test_other_version_or_missing_or_cut_file_is_outdated(job: ImageBuild) -> None:
    assert replace(job, version="2").current() is None
    raw = job.output_dir / "edge-lab.raw"
    raw.write_text("cut")
    assert job.current() is None
    raw.unlink()
    assert job.current() is None


def test_half_written_manifest_is_no_image(job: ImageBuild) -> None:
    job.manifest_path.write_text(job.manifest_path.read_text()[:-9])
    assert job.current() is None


def run(tmp_path: Path, **changes: object) -> MkosiRun:
    base = MkosiRun(
        recipe=tmp_path / "edge",
        profile="lab",
        version="1",
        work=tmp_path / "build/edge-lab",
        tools=tmp_path / "tools",
        extra_trees=(tmp_path / "python",),
        certificate=tmp_path / "crt",
        keys=tmp_path / "keys",
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def test_mkosi_gets_keys_as_paths_and_never_writes_under_the_final_name(tmp_path: Path) -> None:
    arguments = run(tmp_path).arguments()
    assert f"--secure-boot-key={tmp_path}/keys/secureboot.key" in arguments
    assert f"--sign-expected-pcr-key={tmp_path}/keys/pcr.key" in arguments
    assert f"--output-directory={tmp_path}/build/edge-lab/out" in arguments
    assert arguments[-2:] == ["-f", "build"]
    assert run(tmp_path, refresh=True).arguments()[-2] == "-ff"


def test_only_the_gpu_build_mounts_the_keys_for_signing_modules(tmp_path: Path) -> None:
    mount = f"--build-sources={tmp_path}/keys:keys"
    assert mount not in run(tmp_path).arguments()
    assert mount in run(tmp_path, profile="gpu").arguments()


def test_what_an_interrupted_run_left_is_removed_but_not_the_cache(tmp_path: Path) -> None:
    mkosi = run(tmp_path)
    for name in ("workspace/half", "out/edge-lab.raw", "cache/tree"):
        (mkosi.work / name).parent.mkdir(parents=True, exist_ok=True)
        (mkosi.work / name).write_text("")
    prepare_folders(mkosi, Mirrors("http://a", "http://b", (("Acquire::Check-Date", "false"),)))
    assert not (mkosi.work / "workspace/half").exists()
    assert not (mkosi.work / "out/edge-lab.raw").exists()
    assert (mkosi.work / "cache/tree").exists()
    assert "URIs: http://b" in (mkosi.sandbox / "etc/apt/sources.list.d/mkosi.sources").read_text()
    assert (mkosi.sandbox / "etc/apt/apt.conf.d/60-build-machine.conf").read_text() == 'Acquire::Check-Date "false";\n'


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("‣  Installing Debian", "Installing Debian"),
        ("‣ Running finalize script /x/y…", "Running finalize script"),
        ("Setting up libc6", None),
        ("x ‣ y", None),
    ],
)
def test_stages_of_mkosi(line: str, wanted: str | None) -> None:
    assert stage(line) == wanted


def test_file_times_are_the_same_in_both_kinds_of_image() -> None:
    recipe = (resource_dir("images") / "edge/mkosi.conf").read_text()
    assert f"SourceDateEpoch={SOURCE_DATE_EPOCH}\n" in recipe


def test_same_files_give_the_same_seed(make_entry: Callable[..., CatalogueEntry]) -> None:
    assert seed(make_entry()) == seed(make_entry())
    assert seed(make_entry()) != seed(make_entry("1" * 64))


def test_model_image_has_a_signed_root_and_short_labels() -> None:
    definitions = partition_definitions("m" * 64)
    assert [text.split("Verity=")[1].split("\n")[0] for text in definitions.values()] == ["data", "hash", "signature"]
    labels = [text.split("Label=")[1].split("\n")[0] for text in definitions.values()]
    assert max(map(len, labels)) <= 36


def test_pip_installs_only_pinned_wheels_for_the_box(tmp_path: Path) -> None:
    argv = pip_argv(tmp_path / "r", tmp_path / "t")
    assert {"--require-hashes", "--no-deps", ":all:", "--no-compile"} <= set(argv)
    assert argv[argv.index("--python-version") + 1] == "3.13"
    assert not any("://" in word for word in argv)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("numpy/tests/test_x.py", True),
        ("numpy/core.pyi", True),
        ("numpy/core.py", False),
        ("bin/tool", True),
        ("typer-0.1.dist-info/METADATA", False),
        ("typer-0.1.dist-info/RECORD", True),
        ("faster_whisper/assets/silero_vad_v6.onnx", False),
        ("ctranslate2.libs/libx.so.1", False),
        ("phonenumbers/geodata/data0.py", True),
        ("phonenumbers/data/region_US.py", False),
        ("spacy/pipeline/trainable_pipe.cpp", True),
    ],
)
def test_needless_files(path: str, wanted: bool) -> None:
    assert needless(Path(path)) is wanted


def test_tools_tree_is_made_from_the_given_mirrors_only(tmp_path: Path) -> None:
    argv = mmdebstrap_argv(tmp_path / "t", tmp_path / "s", Mirrors("http://a", "http://b"))
    assert argv[-3:] == ["trixie", str(tmp_path / "t"), str(tmp_path / "s")]
    assert not any("://" in word for word in argv)


def test_tools_run_without_network(tmp_path: Path) -> None:
    argv = ToolsTree(tmp_path, "x").run_argv(["true"], binds={tmp_path / "w": "/work"})
    assert "--unshare-net" in argv
    assert argv[-4:] == ["--bind", str(tmp_path / "w"), "/work", "true"]


def test_published_file_replaces_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/image").write_text("old")
    publish({tmp_path / "new": tmp_path / "out/image"})
    assert (tmp_path / "out/image").read_text() == "new"
    assert not (tmp_path / "new").exists()

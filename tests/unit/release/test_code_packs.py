"""Code tables on the operator's side: what may go into a release, what its manifest says, how they are carried."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from appliance.coding.tables.kinds import ImportKind, read_files
from appliance.coding.tables.stamp import Stamp
from appliance.contract.release import CodePackComponent, ReleaseManifest
from fleetctl.errors import RefusedError, UsageError, VerificationError
from fleetctl.image.digest import file_sha256
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.bom import bill_of_materials
from fleetctl.release.build import Request, build
from fleetctl.release.build_images import place
from fleetctl.release.code_packs import built_in_tables, code_pack
from fleetctl.release.repository_drafts import image_problems
from fleetctl.release.store import ReleaseStore
from tests.fakes.carried import NOW, QUIET, Sender, flip, taken
from tests.fakes.image_cache import CODE, GGUF_FILES, WHISPER_FILES, FilledCache
from tests.fakes.releases import manifest
from tests.unit.appliance.coding.tables import files

PACKAGE = Path(__file__).resolve().parents[3] / "appliance"


def made(folder: Path, kind: ImportKind, content: bytes) -> Path:
    source = folder / "source.txt"
    source.write_bytes(content)
    path = folder / f"{kind.value}.pack"
    path.write_bytes(read_files(kind, [source], Stamp("2026-01", datetime.date(2026, 1, 1))))
    return path


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return made(tmp_path, ImportKind.ICD_11_MMS, files.ICD11)


def test_a_pack_is_described_by_its_head(pack: Path) -> None:
    found = code_pack(pack)
    assert (found.name, found.version, found.effective_from) == ("icd-11-mms", "2026-01", datetime.date(2026, 1, 1))
    assert (found.sha256, found.size_bytes) == (file_sha256(pack), pack.stat().st_size)
    assert found.root_hash == found.sha256


@pytest.mark.parametrize(
    ("kind", "content"), [(ImportKind.CPT, files.CPT_TAB), (ImportKind.FAVOURITES, files.FAVOURITES)]
)
def test_what_is_a_practices_own_goes_to_no_fleet(tmp_path: Path, kind: ImportKind, content: bytes) -> None:
    with pytest.raises(RefusedError, match="a practice's own table"):
        code_pack(made(tmp_path, kind, content))


@pytest.mark.parametrize(
    "content", [b"", b"FLCODES\x01", b"PK\x03\x04" + bytes(2000), b"FLCODES\x01\x02\x00\x00\x00[]"]
)
def test_what_is_no_pack_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.pack"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is no code pack"):
        code_pack(path)
    with pytest.raises(UsageError, match="No such file"):
        code_pack(tmp_path / "none")
    with pytest.raises(UsageError):
        code_pack(tmp_path)


def test_a_pack_with_a_byte_too_much_is_refused(pack: Path) -> None:
    pack.write_bytes(pack.read_bytes() + b"\0")
    with pytest.raises(UsageError, match="do not fill the file"):
        code_pack(pack)


def test_tables_of_the_os_image_are_pinned() -> None:
    assert [(each.name, each.version) for each in built_in_tables(PACKAGE)] == [
        ("hcpcs", "2020-04-01"), ("icd-10-cm", "2026-04-01"),
    ]  # fmt: skip


def test_it_stands_in_the_bill_of_materials(sender: Sender, pack: Path) -> None:
    found = code_pack(pack)
    release = sender.releases[0].model_copy(update={"code_packs": (found,)})
    bill = bill_of_materials(release, {})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.decode()) is None
    (said,) = [each for each in json.loads(bill)["components"] if each["type"] == "data" and "licenses" in each]
    assert (said["name"], said["hashes"][0]["content"]) == ("icd-11-mms", found.sha256)
    assert "World Health Organization" in said["licenses"][0]["license"]["name"]


def with_pack(sender: Sender, pack: Path) -> CodePackComponent:
    found = code_pack(pack)
    assert place(pack, found, sender.store) in ("shared", "linked", "copied")
    release = manifest("2026.11-3", 3, sender.releases[1].models, code_packs=[found])
    sender.repository.publish("stable", release)
    return found


def test_it_is_carried_with_its_release(sender: Sender, receiver: ReleaseStore, usb: Path, pack: Path) -> None:
    found = with_pack(sender, pack)
    carried = taken(receiver, sender.sent(usb, "2026.11-3"), sender)
    assert carried.images[found.sha256] == "copied"
    assert receiver.image(found.sha256).read_bytes() == pack.read_bytes()


def test_a_changed_one_is_not_taken(sender: Sender, receiver: ReleaseStore, usb: Path, pack: Path) -> None:
    found = with_pack(sender, pack)
    path = sender.sent(usb, "2026.11-3")
    flip(path / f"images/{found.sha256}.raw")
    with pytest.raises(VerificationError, match="the signed manifest wants"):
        taken(receiver, path, sender)
    assert not receiver.image(found.sha256).exists()
    with pytest.raises(VerificationError, match="SHA-256"):
        place(path / f"images/{found.sha256}.raw", found, receiver)


def test_releases_are_built_with_them(fleet_dir: FleetDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    cache, store = FilledCache(fleet_dir, tmp_path / "cache"), ReleaseStore(fleet_dir)
    cache.model("transcription", "speech", WHISPER_FILES)
    cache.model("drafting", "notes", GGUF_FILES)
    cache.system("lab")

    def built(name: str, **asked: Any) -> ReleaseManifest:
        request = Request(name, transcription="speech", drafting="notes", **asked)
        return build(request, cache.cached(CODE), store, lambda: NOW, QUIET).manifest

    path = made(tmp_path, ImportKind.ICD_11_MMS, files.ICD11)
    first = built("r1", code_packs=(path,))
    assert [each.sha256 for each in first.code_packs] == [file_sha256(path)]
    assert file_sha256(store.image(first.code_packs[0].root_hash)) == first.code_packs[0].sha256
    assert [each.name for each in first.code_tables] == ["hcpcs", "icd-10-cm"]
    assert image_problems(store, first) == []
    # Taken over from the release before, exchanged by name and day, or left out.
    assert built("r2", base="r1").code_packs == first.code_packs
    path.write_bytes(made(tmp_path, ImportKind.ICD_11_MMS, files.ICD11.replace(b"mild", b"wild")).read_bytes())
    assert [each.sha256 for each in built("r3", base="r1", code_packs=(path,)).code_packs] == [file_sha256(path)]
    assert built("r4", base="r1", without_code_packs=True).code_packs == ()
    store.image(first.code_packs[0].root_hash).write_bytes(b"something else")
    assert "bytes, the manifest says" in image_problems(store, first)[0]
    with pytest.raises(RefusedError) as refused:
        built("r5", base="r1")
    assert "--code-pack FILE" in refused.value.hint


def test_a_release_without_any_is_what_it_was(sender: Sender) -> None:
    assert b"code_packs" not in sender.releases[0].content()
    assert sender.releases[0].created_at == NOW

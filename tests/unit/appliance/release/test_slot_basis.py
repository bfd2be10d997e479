"""The running system as the basis of a delta: read from its slot, copied where there is room, and gone afterwards."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.contract.release_incoming import IncomingImage
from appliance.release.__main__ import main
from appliance.release.incoming import Arrivals, Held, WantedFile, prepare
from appliance.release.places import ROOT_VARIABLE, Places
from appliance.release.slot_basis import slot_system
from tests.fakes.systems import System, install_system, system

NEW, OTHER = "a" * 64, "c" * 64
SIZE = 1 << 20


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> System:
    return system(tmp_path_factory.mktemp("system"), "0.1.0", bytes(range(256)) * 150)


@pytest.fixture
def places(tmp_path: Path, running: System) -> Places:
    """A box in a folder: a disk with that system in its first slot, whose partitions are larger than it."""
    install_system(tmp_path, running)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text(f"usrhash={running.root_hash}\n")
    prepare(Arrivals(Places(tmp_path).releases), None)
    return Places(tmp_path)


def prepared(
    places: Places, running: System, *, free: int = 1 << 40, name: str = NEW, basis: str | None = None
) -> IncomingImage:
    answer = prepare(
        Arrivals(places.releases), WantedFile(name, SIZE, basis or running.root_hash),
        room=lambda _: (free, 0), system=lambda root_hash: slot_system(places, root_hash),
    ).image  # fmt: skip
    assert answer is not None
    return answer


def basis_file(places: Places, name: str = NEW) -> Path:
    return places.bases / name / f"{name}.raw"


def copied(running: System) -> bytes:
    return running.parts["usr"] + running.parts["verity"] + running.parts["kernel"]


def test_a_slot_is_read_without_what_lies_behind_its_system(places: Places, running: System) -> None:
    found = slot_system(places, running.root_hash)
    assert found is not None
    assert b"".join(found.pieces()) == copied(running)
    assert found.size_bytes == len(copied(running))


def test_another_root_hash_is_no_running_system(places: Places) -> None:
    assert slot_system(places, OTHER) is None
    places.command_line.unlink()
    assert slot_system(places, OTHER) is None


def test_the_kernel_image_is_left_out_where_the_boot_partition_does_not_give_it(
    places: Places, running: System
) -> None:
    for path in (places.root / "efi/EFI/Linux").iterdir():
        path.unlink()
    found = slot_system(places, running.root_hash)
    assert found is not None
    assert b"".join(found.pieces()) == running.parts["usr"] + running.parts["verity"]


def test_the_running_system_is_copied_and_the_same_order_again_copies_it_once(places: Places, running: System) -> None:
    for _ in range(2):
        answer = prepared(places, running)
        assert answer.basis == str(basis_file(places).parent)
        assert (answer.appended_bytes, answer.needed_bytes, answer.no_basis) == (len(copied(running)), SIZE, "")
        assert basis_file(places).read_bytes() == copied(running)
        assert basis_file(places).stat().st_nlink == 1
        assert list(places.bases.iterdir()) == [places.bases / NEW]


def test_an_image_that_the_box_keeps_comes_before_the_slot(places: Places, running: System) -> None:
    kept = places.image(NEW)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"damaged")
    assert prepared(places, running).appended_bytes == 0
    assert basis_file(places).samefile(kept)


@pytest.mark.parametrize("short", [0, 1])
def test_without_room_for_copy_and_image_the_whole_is_sent_and_that_is_said(
    places: Places, running: System, short: int
) -> None:
    answer = prepared(places, running, free=SIZE + len(copied(running)) - short)
    assert (answer.basis is None) == bool(short)
    assert list(places.bases.iterdir()) == ([] if short else [places.bases / NEW])
    if short:
        assert f"needs {len(copied(running))} bytes beside the image's {SIZE}" in answer.no_basis
        assert answer.needed_bytes == SIZE


def test_a_slot_that_cannot_be_read_refuses_nothing(places: Places, running: System) -> None:
    disk = places.below("/dev/system-disk")
    content = bytearray(disk.read_bytes())
    superblock = content.index(b"verity\0\0")
    content[superblock] ^= 1
    disk.write_bytes(content)
    assert "no dm-verity tree" in prepared(places, running).no_basis
    disk.unlink()
    assert "system-disk: No such file or directory" in prepared(places, running).no_basis
    assert list(places.bases.iterdir()) == []


@dataclass
class Breaks:
    """A system of which half can be read, or written."""

    size_bytes: int = 100

    def pieces(self) -> Iterator[bytes]:
        yield b"x" * 50
        raise OSError(errno.ENOSPC, "No space left on device")


def broken(places: Places) -> IncomingImage:
    def find(_: str) -> Held:
        return Breaks()

    answer = prepare(Arrivals(places.releases), WantedFile(NEW, SIZE, OTHER), room=lambda _: (1 << 40, 0), system=find)
    assert answer.image is not None
    return answer.image


def test_a_copy_that_breaks_off_leaves_nothing_of_it(places: Places) -> None:
    answer = broken(places)
    assert (answer.basis, answer.needed_bytes) == (None, SIZE)
    assert "No space left" in answer.no_basis
    assert list(places.bases.iterdir()) == []


def test_a_copy_that_breaks_off_behind_what_was_received_leaves_that(places: Places) -> None:
    partial = places.arrived / ".partial" / f"{NEW}.raw"
    partial.write_bytes(b"r" * 70)
    answer = broken(places)
    assert (answer.basis, answer.received_bytes) == (None, 70)
    assert partial.read_bytes() == b"r" * 70


def test_what_was_received_begins_the_basis_and_the_system_follows(places: Places, running: System) -> None:
    partial = places.arrived / ".partial" / f"{NEW}.raw"
    partial.write_bytes(b"r" * 70)
    answer = prepared(places, running)
    assert (answer.received_bytes, answer.appended_bytes) == (70, len(copied(running)))
    assert basis_file(places).read_bytes() == b"r" * 70 + copied(running)


def given_back(places: Places, running: System, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What frees a copy: any other order, and a start of the machine."""
    if by == "offer":
        prepare(Arrivals(places.releases), None)
    elif by == "other image":
        prepared(places, running, name=OTHER, basis="d" * 64)
    else:
        monkeypatch.setenv(ROOT_VARIABLE, str(places.root))
        assert main(["--at-boot"]) == 0


@pytest.mark.parametrize("by", ["offer", "other image", "start of the machine"])
@pytest.mark.parametrize("received", [0, 70])
@pytest.mark.parametrize("arrived", [False, True])
def test_a_copy_is_gone_with_the_next_order_and_with_a_start_and_what_was_received_is_not(
    places: Places, running: System, by: str, received: int, arrived: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = places.arrived / ".partial" / f"{NEW}.raw"
    if received:
        partial.write_bytes(b"r" * received)
    prepared(places, running)
    if arrived:
        (places.arrived / f"{NEW}.raw").write_bytes(b"whole")
    given_back(places, running, by, monkeypatch)
    assert list(places.bases.iterdir()) == []
    assert partial.exists() == bool(received and not arrived)
    assert not partial.exists() or partial.read_bytes() == b"r" * received
    assert (places.arrived / f"{NEW}.raw").exists() == arrived


def test_a_copy_that_a_receiver_uses_is_left_alone(places: Places, running: System) -> None:
    prepared(places, running)
    temporary = places.arrived / f".{NEW}.raw.Ab12Cd"
    with temporary.open("wb"):
        prepare(Arrivals(places.releases), None)
        assert basis_file(places).read_bytes() == copied(running)
    prepare(Arrivals(places.releases), None)
    assert list(places.bases.iterdir()) == []


@dataclass
class Kills:
    """A system whose reader is killed behind so many pieces."""

    after: int
    size_bytes: int = 100

    def pieces(self) -> Iterator[bytes]:
        for _ in range(self.after):
            yield b"x" * (1 << 20)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("received", [0, 70])
@pytest.mark.parametrize("after", [0, 2])
def test_killed_while_it_copies_the_next_order_begins_anew(
    places: Places, running: System, after: int, received: int
) -> None:
    partial = places.arrived / ".partial" / f"{NEW}.raw"
    if received:
        partial.write_bytes(b"r" * received)
    child = os.fork()
    if child == 0:
        try:
            prepare(Arrivals(places.releases), WantedFile(NEW, SIZE, OTHER), room=lambda _: (1 << 40, 0),
                    system=lambda _: Kills(after))  # fmt: skip
        finally:
            os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert basis_file(places).stat().st_size >= max(received, after and 1 << 20)
    assert prepared(places, running).received_bytes == received
    assert basis_file(places).read_bytes() == b"r" * received + copied(running)


def test_a_start_that_cannot_give_room_back_goes_on(
    places: Places, running: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared(places, running)
    (places.arrived / ".partial" / f"{NEW}.raw").symlink_to("/etc/passwd")
    (places.bases / NEW / "received").write_text("{}")
    monkeypatch.setenv(ROOT_VARIABLE, str(places.root))
    assert main(["--at-boot"]) == 0
    assert "is still there" in capsys.readouterr().err

"""The slots: a real partition table and a real dm-verity tree in a file, cut at every write."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.errors import ApplianceError, NotVerifiedError, UnknownStateError
from appliance.release import boot_order
from appliance.release.boot_files import BootFiles, is_newer
from appliance.release.kernel_image import DATABASE, demand_startable, firmware_certificates, read_image
from appliance.release.places import Places
from appliance.release.slot_table import EMPTY, read_table
from appliance.release.slots import DiskSlots
from tests.fakes.systems import CERTIFICATE, System, install_system, kernel_image, simulated_boot, system

from .conftest import CutDisk, FastDisk, PowerCut


class CutBlocks(CutDisk):
    """Every write to a device counts as well; one that is cut has written its first half."""

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        self._operation(
            f"write {len(data)} at {offset}", lambda: FastDisk.write_at(self, descriptor, data, offset),
            lambda: FastDisk.write_at(self, descriptor, data[: len(data) // 2], offset),
        )  # fmt: skip

    def replace(self, path: Path, data: bytes, *, mode: int = 0o640) -> None:
        self._operation(f"replace {path.name}", lambda: FastDisk().replace(path, data, mode=mode))


@pytest.fixture(scope="session")
def systems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, System]:
    work = tmp_path_factory.mktemp("systems")
    return {name: system(work, version, name.encode() * 9000) for name, version in
            (("a", "0.1.0"), ("b", "0.2.0"), ("same", "0.1.0"), ("older", "0.0.9"))}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, systems: dict[str, System]) -> Path:
    install_system(tmp_path / "box", systems["a"])
    (tmp_path / "box/proc").mkdir()
    (tmp_path / "box/proc/cmdline").write_text(f"usrhash={systems['a'].root_hash}\n")
    return tmp_path / "box"


def slots(root: Path, disk: FastDisk | None = None) -> DiskSlots:
    return DiskSlots(Places(root), disk or FastDisk())


def write(root: Path, wanted: System, disk: FastDisk | None = None) -> None:
    file = root / "system.raw"
    file.write_bytes(wanted.whole)
    with file.open("rb") as source:
        slots(root, disk).write(wanted.component(), source.fileno())


def partitions(root: Path) -> list[str]:
    """Names and identifiers as the kernel's own reader would have them: util-linux."""
    argv = ["partx", "--show", "--output", "NAME,UUID", "--noheadings", str(root / "dev/system-disk")]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return [" ".join(line.split()) for line in shown.splitlines()]


def slot_bytes(root: Path, name: str) -> bytes:
    with (root / "dev/system-disk").open("rb") as file:
        slot = next(each for each in read_table(file.fileno()).slots() if each.name == name)
        return b"".join(os.pread(file.fileno(), entry.size, entry.start) for entry in slot.entries.values())


def test_a_system_is_written_to_the_idle_slot_and_found_by_its_root_hash(
    root: Path, systems: dict[str, System]
) -> None:
    running, wanted = slot_bytes(root, "a"), systems["b"]
    assert slots(root).holds(systems["a"].root_hash)
    assert not slots(root).holds(wanted.root_hash)
    write(root, wanted)
    assert slots(root).holds(wanted.root_hash)
    slots(root).prove(wanted.root_hash)
    assert slot_bytes(root, "a") == running
    shown = partitions(root)
    assert f"edge_0.2.0 {uuid.UUID(wanted.root_hash[:32])}" in shown
    assert f"edge_0.2.0_verity {uuid.UUID(wanted.root_hash[32:])}" in shown
    assert len(shown) == 8
    # Nothing starts it before it is told to.
    assert simulated_boot(root) == systems["a"].root_hash


def replace_parts(root: Path, parts: dict[str, bytes]) -> None:
    """Other bytes in slot b, whose identifiers stay."""
    with (root / "dev/system-disk").open("r+b") as file:
        slot = next(each for each in read_table(file.fileno()).slots() if each.name == "b")
        for name, content in parts.items():
            os.pwrite(file.fileno(), content, slot.entries[name].start)


def test_a_slot_with_another_system_under_its_name_is_not_proven(root: Path, systems: dict[str, System]) -> None:
    """Data and tree agree with each other: only the root hash tells."""
    write(root, systems["b"])
    other = systems["same"].parts
    replace_parts(root, {name: other[name] for name in ("usr", "verity")})
    with pytest.raises(NotVerifiedError, match=f"slot b gives root hash {systems['same'].root_hash[:12]}"):
        slots(root).prove(systems["b"].root_hash)


def test_a_changed_byte_in_a_slot_is_not_proven(root: Path, systems: dict[str, System]) -> None:
    write(root, systems["b"])
    usr = systems["b"].parts["usr"]
    replace_parts(root, {"usr": bytes([usr[0] ^ 1])})
    with pytest.raises(NotVerifiedError, match="block"):
        slots(root).prove(systems["b"].root_hash)


@pytest.mark.parametrize("how", ["before", "middle", "behind"])
@pytest.mark.parametrize("old_slot", ["empty", "held"])
def test_a_cut_at_any_write_leaves_the_slot_empty_or_whole(
    how: str, old_slot: str, root: Path, systems: dict[str, System]
) -> None:
    if old_slot == "held":
        write(root, systems["same"])
    running, cut_at, total, ends = slot_bytes(root, "a"), 0, 1, set()
    while cut_at < total:
        cut_at += 1
        box = root.with_name(f"cut-{cut_at}")
        shutil.copytree(root, box)
        disk = CutBlocks(cut_at, how)
        try:
            write(box, systems["b"], disk)
        except PowerCut:
            total += 1
        held = slots(box).holds(systems["b"].root_hash)
        ends.add(held)
        if held:
            slots(box).prove(systems["b"].root_hash)
        assert slot_bytes(box, "a") == running
        assert slots(box).holds(systems["a"].root_hash)
        assert simulated_boot(box) == systems["a"].root_hash
        # The next try does the rest.
        write(box, systems["b"])
        slots(box).prove(systems["b"].root_hash)
        assert "edge_0.2.0_sig" in "".join(partitions(box))
        assert not slots(box).holds(systems["same"].root_hash)
        shutil.rmtree(box)
    assert ends == {True, False}
    assert total >= 10  # both copies of the table twice, four parts, and the last run that nothing cuts


def test_a_torn_first_copy_of_the_table_is_read_from_the_second(root: Path, systems: dict[str, System]) -> None:
    with (root / "dev/system-disk").open("r+b") as file:
        file.seek(1100)
        file.write(b"torn")
    write(root, systems["b"])
    assert len(partitions(root)) == 8
    slots(root).prove(systems["b"].root_hash)
    with (root / "dev/system-disk").open("r+b") as file:
        for place in (600, (root / "dev/system-disk").stat().st_size - 400):
            file.seek(place - 88 if place == 600 else place - 112)
            file.write(b"x" * 92)
        file.flush()
        with pytest.raises(UnknownStateError, match="does not fit its checksums"):
            read_table(file.fileno())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("cmdline", "its kernel's command line names /usr"),
        ("none", "names 0 root hashes"),
        ("kernel", "kernel image is not the signed one"),
        ("usr", "gives back other bytes"),
    ],
)
def test_a_system_that_disagrees_with_itself_is_not_written(
    wrong: str, words: str, root: Path, systems: dict[str, System], tmp_path: Path
) -> None:
    lines = {"cmdline": f"usrhash={'0' * 64}", "none": "quiet"}
    good = system(tmp_path, "0.3.0", b"other", **({"cmdline": lines[wrong]} if wrong in lines else {}))
    component, content = good.component(), bytearray(good.whole)
    if wrong == "kernel":
        content[-1] ^= 1
    if wrong == "usr":
        content[5000] ^= 1
    file = root / "system.raw"
    file.write_bytes(content)
    with file.open("rb") as source, pytest.raises(NotVerifiedError, match=words):
        slots(root).write(component, source.fileno())
    assert not slots(root).holds(good.root_hash)
    assert simulated_boot(root) == systems["a"].root_hash


def test_the_firmware_must_know_who_signed_it(root: Path, systems: dict[str, System]) -> None:
    variable = root / DATABASE
    variable.parent.mkdir(parents=True)
    entry = os.urandom(16) + CERTIFICATE
    header = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072") + (28 + len(entry)).to_bytes(4, "little")
    variable.write_bytes(b"\x27\0\0\0" + header + bytes(4) + len(entry).to_bytes(4, "little") + entry)
    assert firmware_certificates(root) == (CERTIFICATE,)
    write(root, systems["b"])
    variable.write_bytes(variable.read_bytes()[:-4] + b"ELSE")
    with pytest.raises(NotVerifiedError, match="signed by a key that this machine's firmware does not know"):
        write(root, systems["b"])
    image = bytearray(kernel_image("1" * 64, "0.1.0"))
    demand_startable(bytes(image), [CERTIFICATE])
    image[700] ^= 1
    with pytest.raises(NotVerifiedError, match="one of another file"):
        demand_startable(bytes(image), [CERTIFICATE])


@pytest.mark.parametrize("cut", [0, 40, 63, 70, 100, 600, 1500])
def test_what_is_no_kernel_image_is_refused(cut: int) -> None:
    with pytest.raises(NotVerifiedError):
        read_image(kernel_image("1" * 64, "0.1.0")[:cut])


@pytest.mark.parametrize("other", ["b", "same", "older"])
def test_a_system_on_trial_is_started_three_times_and_then_given_up(
    other: str, root: Path, systems: dict[str, System]
) -> None:
    """Whether its version is newer, the same or older than the running one."""
    write(root, systems[other])
    slots(root).trial(systems[other].root_hash)
    a, b = systems["a"].root_hash, systems[other].root_hash
    cmdline = (root / "proc/cmdline").read_text()
    assert [simulated_boot(root, comes_up=False) for _ in range(3)] == ["", "", ""]
    assert (root / "proc/cmdline").read_text() == cmdline
    assert simulated_boot(root) == a
    # Whoever finds it says so, and the counters are gone.
    slots(root).keep(a)
    assert simulated_boot(root) == a
    # Again, and this time it comes up, is kept, and stays.
    slots(root).trial(b)
    assert simulated_boot(root) == b
    slots(root).keep(b)
    assert [simulated_boot(root) for _ in range(5)] == [b] * 5
    # Back by order: the other one on trial, with this one behind it.
    slots(root).trial(a)
    assert simulated_boot(root) == a
    assert [simulated_boot(root, comes_up=False) for _ in range(2)] == ["", ""]
    assert simulated_boot(root) == b


@pytest.mark.parametrize("other", ["b", "same", "older"])
@pytest.mark.parametrize("verb", ["trial", "keep"])
def test_a_cut_while_the_order_changes_starts_one_of_both(
    verb: str, other: str, root: Path, systems: dict[str, System]
) -> None:
    a, b = systems["a"].root_hash, systems[other].root_hash
    write(root, systems[other])
    if verb == "keep":
        slots(root).trial(b)
        assert simulated_boot(root) == b
    cut_at, total = 0, 1
    while cut_at < total:
        cut_at += 1
        box = root.with_name(f"cut-{cut_at}")
        shutil.copytree(root, box)
        try:
            getattr(slots(box, CutDisk(cut_at)), verb)(b)
        except PowerCut:
            total += 1
        found = simulated_boot(box)
        assert found in (a, b)
        # Done again, it is done. What runs already is not put on trial.
        if verb == "trial" and found == b:
            with pytest.raises(ApplianceError, match="runs already"):
                slots(box).trial(b)
            slots(box).keep(b)
        else:
            getattr(slots(box), verb)(b)
        assert simulated_boot(box) == b
        shutil.rmtree(box)
    assert total > 1


def test_the_units_program_takes_the_two_orders_and_nothing_else(
    root: Path, systems: dict[str, System], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APPLIANCE_RELEASE_ROOT", str(root))
    b = systems["b"].root_hash
    assert boot_order.main([f"trial-{b}"]) == 1
    assert "no slot holds system" in capsys.readouterr().err
    write(root, systems["b"])
    assert boot_order.main([f"trial-{b}"]) == 0
    assert simulated_boot(root) == b
    assert boot_order.main([f"keep-{b}"]) == 0
    assert [simulated_boot(root) for _ in range(5)] == [b] * 5
    for wrong in ([], ["keep"], [f"keep-{b}", "x"], [f"boot-{b}"], ["keep-../../etc"], [f"keep-{b}\n"]):
        assert boot_order.main(wrong) == 2


def test_what_has_no_way_back_is_refused(root: Path, systems: dict[str, System]) -> None:
    write(root, systems["b"])
    for path in (root / "efi/EFI/Linux").iterdir():
        path.unlink()
    with pytest.raises(ApplianceError, match="no way back"):
        slots(root).trial(systems["b"].root_hash)
    assert not list((root / "efi/EFI/Linux").iterdir())


def test_a_system_that_is_too_large_is_told_before_it_is_sent(
    root: Path, systems: dict[str, System], tmp_path: Path
) -> None:
    assert slots(root).unfit(systems["b"].component()) == ""
    large = system(tmp_path, "0.4.0", b"x" * 200_000)
    assert "slot b: usr has 200704 bytes, the partition 131072" in slots(root).unfit(large.component())
    (root / "dev/system-disk").unlink()
    assert "no slot for another system" in slots(root).unfit(systems["b"].component())
    assert not slots(root).holds(systems["a"].root_hash)


def test_versions_are_compared_as_the_boot_loader_does() -> None:
    assert is_newer("0.10.0", "0.9.1")
    assert not is_newer("0.1.0", "0.1.0")
    assert not is_newer("0.1.0~rc1", "0.1.0")


def test_files_of_others_are_left_alone(root: Path, systems: dict[str, System]) -> None:
    other = root / "efi/EFI/Linux/memtest.efi"
    other.write_bytes(b"MZ memtest")
    write(root, systems["b"])
    slots(root).trial(systems["b"].root_hash)
    slots(root).keep(systems["b"].root_hash)
    assert other.read_bytes() == b"MZ memtest"
    assert len(BootFiles(root / "efi", FastDisk()).listed()) == 2
    assert EMPTY not in " ".join(partitions(root))


def test_a_disk_without_two_slots_is_unknown(root: Path, systems: dict[str, System]) -> None:
    with (root / "dev/system-disk").open("rb") as file:
        table = read_table(file.fileno())
    with pytest.raises(UnknownStateError, match="has not two slots"):
        replace(table, entries=table.entries[:4]).slots()

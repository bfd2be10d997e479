"""Pure parsers of the box's facts, with text as the tools print it on Debian 13."""

import struct
from pathlib import Path

import pytest

from appliance.facts.clock import parse_timex
from appliance.facts.firewall import parse_counters
from appliance.facts.mounts import Mount, parse_mountinfo
from appliance.facts.reading import UnreadableError, read_text, run
from appliance.facts.services import appliance_units, parse_units, target_services
from appliance.facts.verity import parse_verity, root_hash_under
from appliance.facts.volume import luks_uuid, unencrypted_swaps, volume

ROOT_HASH = "ab" * 32
TABLE = f"usr: 0 249856 verity 1 254:3 254:2 4096 4096 31232 1 sha256 {ROOT_HASH} {'cd' * 32} 2 panic_on_corruption x\n"
SIGNED = f"w-verity: 0 8 verity 1 7:1 7:2 4096 4096 1 1 sha256 {ROOT_HASH} - 2 root_hash_sig_key_desc cryptsetup:w\n"


def test_mountinfo_unescapes_and_lets_the_later_mount_win() -> None:
    text = (
        "22 1 253:0 / / ro,relatime shared:1 - ext4 /dev/mapper/root rw\n"
        r"30 22 253:4 / /var/lib/a\040b rw shared:2 - ext4 /dev/mapper/old rw" + "\n"
        r"31 22 253:5 / /var/lib/a\040b ro - ext4 /dev/mapper/state ro,errors=remount-ro" + "\n"
        "32 22 253:6 / /sandboxed ro - ext4 /dev/mapper/other rw"
    )
    found = parse_mountinfo(text)
    assert found["/var/lib/a b"] == Mount("/var/lib/a b", "253:5", "ext4", "/dev/mapper/state", True)
    assert not found["/"].read_only
    assert not found["/sandboxed"].read_only, "a sandbox shows every mount read-only, which says nothing of the disk"


def test_mountinfo_that_is_not_understood_is_unreadable() -> None:
    with pytest.raises(UnreadableError):
        parse_mountinfo("nonsense")


def test_verity_reads_root_hash_signature_and_state() -> None:
    devices = parse_verity(TABLE + SIGNED, "usr: 0 249856 verity V\nw-verity: 0 8 verity C\n")
    assert devices["usr"].root_hash == ROOT_HASH
    assert (devices["usr"].corrupted, devices["usr"].signed) == (False, False)
    assert (devices["w-verity"].corrupted, devices["w-verity"].signed) == (True, True)


def test_no_verity_device_is_an_empty_answer_not_an_error() -> None:
    assert parse_verity("No devices found\n", "No devices found\n") == {}


@pytest.mark.parametrize("states", ["", "usr: 0 1 verity"])
def test_verity_without_a_state_is_unreadable(states: str) -> None:
    with pytest.raises(UnreadableError):
        parse_verity(TABLE, states)


def sysfs_for(folder: Path, path: Path, uuid: str, name: str) -> Path:
    import os

    device = path.stat().st_dev
    node = folder / "sys/dev/block" / f"{os.major(device)}:{os.minor(device)}" / "dm"
    node.mkdir(parents=True)
    (node / "uuid").write_text(uuid + "\n")
    (node / "name").write_text(name + "\n")
    return folder / "sys"


def test_root_hash_under_follows_the_device_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_text("x")
    sysfs = sysfs_for(tmp_path, file, "CRYPT-VERITY-0123-x", f"{ROOT_HASH}-verity")
    assert root_hash_under(file, sysfs) == ROOT_HASH


@pytest.mark.parametrize(
    ("uuid", "name"),
    [("CRYPT-LUKS2-0123-x", f"{ROOT_HASH}-verity"), ("CRYPT-VERITY-01-usr", "usr"), ("LVM-x", ROOT_HASH)],
)
def test_root_hash_under_believes_no_other_mapping(tmp_path: Path, uuid: str, name: str) -> None:
    file = tmp_path / "model.bin"
    file.write_text("x")
    with pytest.raises(UnreadableError):
        root_hash_under(file, sysfs_for(tmp_path, file, uuid, name))


def test_root_hash_under_a_plain_file_system_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="not on a device-mapper device"):
        root_hash_under(tmp_path, tmp_path / "sys")


def test_luks_uuid_only_of_luks2() -> None:
    assert luks_uuid("CRYPT-LUKS2-0123456789abcdef0123456789abcdef-state") == "01234567-89ab-cdef-0123-456789abcdef"
    assert luks_uuid("CRYPT-PLAIN-state") is None
    assert luks_uuid("CRYPT-LUKS1-0123456789abcdef0123456789abcdef-state") is None


def block_tree(sysfs: Path, *, degraded: int) -> None:
    node = sysfs / "dev/block/253:4"
    (node / "dm").mkdir(parents=True)
    (node / "dm/name").write_text("state\n")
    (node / "dm/uuid").write_text("CRYPT-LUKS2-0123456789abcdef0123456789abcdef-state\n")
    md = node / "slaves/md127/md"
    md.mkdir(parents=True)
    for name, text in (("level", "raid1"), ("raid_disks", "2"), ("degraded", str(degraded))):
        (md / name).write_text(text + "\n")


@pytest.mark.parametrize(("degraded", "active"), [(0, 2), (1, 1)])
def test_volume_goes_down_to_the_members(tmp_path: Path, degraded: int, active: int) -> None:
    block_tree(tmp_path, degraded=degraded)
    found = volume(Mount("/var/lib/appliance", "253:4", "ext4", "/dev/mapper/state", False), tmp_path)
    assert (found.mapper, found.encrypted, found.luks_uuid) == ("state", True, "01234567-89ab-cdef-0123-456789abcdef")
    assert (found.array_level, found.members_wanted, found.members_active) == ("raid1", 2, active)


def test_volume_on_a_plain_disk_is_not_encrypted(tmp_path: Path) -> None:
    (tmp_path / "dev/block/8:1").mkdir(parents=True)
    found = volume(Mount("/var/lib/appliance", "8:1", "ext4", "/dev/sda1", False), tmp_path)
    assert (found.encrypted, found.mapper, found.array_level) == (False, None, None)


def test_volume_that_the_kernel_does_not_show_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        volume(Mount("/x", "8:1", "ext4", "/dev/sda1", False), tmp_path)


def test_swaps_in_clear_are_named(tmp_path: Path) -> None:
    header = "Filename\tType\tSize\tUsed\tPriority\n"
    (tmp_path / "class/block/dm-7/dm").mkdir(parents=True)
    (tmp_path / "class/block/dm-7/dm/uuid").write_text("CRYPT-PLAIN-swap\n")
    text = (
        header
        + "/dev/zram0 partition 1 0 5\n/dev/dm-7 partition 1 0 5\n/dev/sdz9 partition 1 0 5\n/swapfile file 1 0 5\n"
    )
    assert unencrypted_swaps(text, tmp_path) == ["/dev/sdz9", "/swapfile"]
    assert unencrypted_swaps(header, tmp_path) == []


SHOW = """Id=appliance-health.service
ActiveState=active
SubState=running
Result=success
NRestarts=2
MainPID=314
Type=notify
PrivateNetwork=yes
"""


def test_units_are_parsed() -> None:
    (unit,) = parse_units(SHOW)
    assert (unit.unit, unit.main_pid, unit.restarts, unit.private_network) == ("appliance-health.service", 314, 2, True)


def test_unit_without_a_state_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="ActiveState"):
        parse_units("Id=a.service\nSubState=running\nResult=success\n")


def test_services_of_the_target() -> None:
    assert target_services("Wants=b.service t.timer a.service\nRequires=\n") == ["a.service", "b.service"]
    with pytest.raises(UnreadableError):
        target_services("Wants=\nRequires=\n")


def test_a_service_that_systemctl_does_not_mention_is_unreadable() -> None:
    answers = iter(["Wants=appliance-health.service gone.service\nRequires=\n", SHOW])
    with pytest.raises(UnreadableError, match=r"gone\.service"):
        appliance_units(lambda argv: next(answers))


def test_counters_of_the_same_name_are_counted_together() -> None:
    def counter(packets: int) -> dict[str, object]:
        return {"counter": {"name": "egress_denied", "packets": packets, "bytes": 10}}

    assert parse_counters({"nftables": [counter(3), counter(4)]}) == {"egress_denied": (7, 20)}


@pytest.mark.parametrize(("status", "synchronized"), [(0x2001, True), (0x0040, False)])
def test_timex(status: int, synchronized: bool) -> None:
    found = parse_timex(struct.pack("=I4xqqqqi", 0, 0, 0, 16_000, 5, status) + bytes(64))
    assert (found.synchronized, found.max_error_ms) == (synchronized, 16.0)


def test_run_says_why_it_could_not() -> None:
    with pytest.raises(UnreadableError, match="not installed"):
        run(["no-such-program-of-ours"])
    with pytest.raises(UnreadableError, match="exited 3: sorry"):
        run(["sh", "-c", "echo sorry >&2; exit 3"])
    with pytest.raises(UnreadableError, match="did not answer"):
        run(["sleep", "5"], timeout_s=0.05)


def test_read_text_of_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        read_text(tmp_path / "none")
    assert read_text(Path("/proc/sys/kernel/random/boot_id"))  # refuses large buffers

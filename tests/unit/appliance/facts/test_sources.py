"""The facts of health/v3: each from what the kernel, a disk or a tool gives, and each unreadable where it is not."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.facts import small
from appliance.facts.apart import apart, bury
from appliance.facts.boot import boot, newer, parse_lockdown
from appliance.facts.drives import disks, drives, parse_smart
from appliance.facts.gather import Source
from appliance.facts.keeper import Keeper
from appliance.facts.luks import parse_header, read_header
from appliance.facts.mounts import Mount
from appliance.facts.reading import UnreadableError, run
from appliance.facts.sandbox import differences
from appliance.facts.services import compared_units
from appliance.facts.volume import Member, volume
from fleetctl.resources import resource_dir

# The first 16 KiB of a volume as cryptsetup 2.6 makes it, with systemd's tokens added and the checksum made anew.
HEADER = (Path(__file__).parent / "luks2-header.bin").read_bytes()
EFI = "-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def test_a_reading_that_hangs_ends_at_its_deadline() -> None:
    begun = time.monotonic()
    with pytest.raises(UnreadableError, match=r"no answer within 0\.2 s"):
        apart(lambda: time.sleep(30), deadline_s=0.2)
    assert time.monotonic() - begun < 25
    while bury():  # it was killed, and dies when the machine comes to it
        assert time.monotonic() - begun < 120


def raises(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda: raises(UnreadableError("x: gone")), "x: gone"),
        (lambda: raises(KeyError("secret")), r"cannot be read \(KeyError\)"),
        (lambda: object(), "ended early"),
        (lambda: __import__("os")._exit(3), "ended early"),
    ],
)
def test_a_reading_apart_fails_with_its_reason(read: Callable[[], Any], words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        apart(read, deadline_s=60)


def test_a_reading_apart_gives_what_was_read() -> None:
    assert apart(lambda: {"a": ["x" * 200_000]}, deadline_s=60) == {"a": ["x" * 200_000]}


def test_a_command_that_hangs_is_left(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(UnreadableError, match=r"did not answer within 0\.2 s"):
        run(["sleep", "30"], timeout_s=0.2)
    assert time.monotonic() - begun < 25


def test_a_luks_header_is_read_with_its_tokens(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.write_bytes(HEADER + bytes(100_000))
    found = read_header(path)
    assert found.uuid == "11111111-2222-4333-8444-555555555555"
    assert [(slot.number, slot.kind) for slot in found.slots] == [(0, "recovery"), (1, "tpm2"), (2, "passphrase")]
    assert [(each.pcrs, each.signed_pcrs, each.bank) for each in found.tpm] == [((7, 15), (11,), "sha256")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "longer"),
        (bytes(8192), "no LUKS2 header"),
        (HEADER[:-1], "bytes long"),
        (HEADER[:5000] + bytes([HEADER[5000] ^ 1]) + HEADER[5001:], "checksum"),
        (HEADER[:72] + b"md5\0\0\0" + HEADER[78:], "another checksum"),
    ],
)
def test_a_header_that_is_damaged_is_unreadable(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        parse_header(data)


# nvme-cli 2.13 and, with the warning's bits by name, a later one.
SMART = {"critical_warning": 0, "avail_spare": 100, "spare_thresh": 10, "percent_used": 3, "media_errors": 0}


@pytest.mark.parametrize(
    "document", [SMART, SMART | {"critical_warning": {"value": 0, "available_spare": 0}, "percentage_used": 3}]
)
def test_smart_is_read_in_both_spellings(document: dict[str, Any]) -> None:
    assert parse_smart(json.dumps(document)) == {
        "used_percent": 3, "spare_percent": 100, "spare_threshold_percent": 10, "critical_warning": 0,
        "media_errors": 0,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "{}", "[]", json.dumps(SMART | {"avail_spare": "many"})])
def test_smart_that_is_not_understood_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        parse_smart(text)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_each_drive_is_in_the_list_however_it_answers(tmp_path: Path) -> None:
    write(tmp_path / "class/block/nvme0n1/device/model", "Model 1  \n")

    def nvme(name: str) -> str:
        if name == "nvme1n1":
            raise UnreadableError("nvme did not answer within 20 s")
        return json.dumps(SMART)

    found = drives(["nvme0n1", "nvme1n1", "sda", "vda"], nvme, tmp_path)
    assert [(each["device"], each["kind"]) for each in found] == [
        ("nvme0n1", "nvme"), ("nvme1n1", "unread"), ("sda", "unread"), ("vda", "virtual"),
    ]  # fmt: skip
    assert (found[0]["model"], found[0]["used_percent"]) == ("Model 1", 3)
    assert "did not answer" in found[1]["reason"]


def test_disks_are_those_below_our_volumes(tmp_path: Path) -> None:
    """The state volume: a mapping on an array of two disks. The root volume: a mapping on a partition."""
    for name in ("dm-0", "dm-1", "md127", "nvme0n1", "nvme1n1", "sda", "sda/sda8", "sdb"):
        (tmp_path / "devices" / name).mkdir(parents=True)
    write(tmp_path / "devices/sda/sda8/partition", "8\n")
    for upper, lower in (("dm-0", "md127"), ("md127", "nvme0n1"), ("md127", "nvme1n1"), ("dm-1", "sda/sda8")):
        slaves = tmp_path / "devices" / upper / "slaves"
        slaves.mkdir(exist_ok=True)
        (slaves / Path(lower).name).symlink_to(tmp_path / "devices" / lower)
    (tmp_path / "dev/block").mkdir(parents=True)
    for number, name in (("253:0", "dm-0"), ("253:1", "dm-1")):
        (tmp_path / "dev/block" / number).symlink_to(tmp_path / "devices" / name)
    assert disks(["253:1", "253:0"], tmp_path) == ["nvme0n1", "nvme1n1", "sda"]
    with pytest.raises(UnreadableError):
        disks(["253:9"], tmp_path)


def box(sysfs: Path, *, other: str = "_empty") -> Path:
    """The parts of sysfs that tell how the box was started, from slot A."""
    for name, number in (("SecureBoot", 1), ("SetupMode", 0)):
        path = sysfs / f"firmware/efi/efivars/{name}{EFI}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([6, 0, 0, 0, number]))
    write(sysfs / "kernel/security/lockdown", "none [integrity] confidentiality\n")
    write(sysfs / "class/block/dm-0/dm/name", "usr\n")
    labels = {"vda3": "edge_1.9_verity", "vda4": "edge_1.9", "vda5": "edge_1.9_sig", "vda7": other}
    for name, label in labels.items():
        write(sysfs / f"devices/vda/{name}/partition", "1")
        write(sysfs / f"devices/vda/{name}/uevent", f"DEVNAME={name}\nPARTNAME={label}\n")
        (sysfs / f"class/block/{name}").symlink_to(sysfs / f"devices/vda/{name}")
    for name in ("vda3", "vda4"):
        write(sysfs / f"class/block/dm-0/slaves/{name}", "")
    return sysfs


def test_boot_is_read_from_the_firmware_the_kernel_and_the_partitions(tmp_path: Path) -> None:
    found = boot(box(tmp_path), tmp_path / "absent")
    assert (found.slot, found.uefi, found.secure_boot, found.setup_mode) == ("edge_1.9", True, True, False)
    assert (found.lockdown, found.reboot_required, found.waiting) == ("integrity", False, None)


def test_a_newer_version_in_the_other_slot_waits(tmp_path: Path) -> None:
    required = tmp_path / "required"
    required.write_text("")
    found = boot(box(tmp_path, other="edge_1.10"), required)
    assert (found.waiting, found.reboot_required) == ("1.10", True)


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (["edge_1.9"], None), (["edge_1.8"], None), (["edge_1.10"], "1.10"), (["edge_1.10", "edge_2"], "2"),
        (["edge_1.10_verity", "edge_1.10_sig", "root"], None), (["edge_1.9rc1"], "1.9rc1"),
    ],
)  # fmt: skip
def test_the_newest_version_is_by_number(labels: list[str], wanted: str | None) -> None:
    assert newer("edge_1.9", labels) == wanted
    assert newer(None, labels) is None


def test_boot_that_is_not_understood_is_unreadable(tmp_path: Path) -> None:
    box(tmp_path)
    (tmp_path / f"firmware/efi/efivars/SecureBoot{EFI}").write_bytes(b"\x06\0\0\0\x07")
    with pytest.raises(UnreadableError, match="SecureBoot"):
        boot(tmp_path)
    (tmp_path / f"firmware/efi/efivars/SecureBoot{EFI}").unlink()
    with pytest.raises(UnreadableError, match="SecureBoot"):
        boot(tmp_path)
    with pytest.raises(UnreadableError):
        parse_lockdown("nothing")


UNITS = resource_dir("images") / "edge/mkosi.extra/usr/lib/systemd/system"
HEALTH = "appliance-health.service"


def shown(**changes: str) -> dict[str, str]:
    """What systemd shows of the health agent's unit as it stands in the image."""
    fields = dict(line.split("=", 1) for line in (UNITS / HEALTH).read_text().splitlines() if "=" in line)
    return fields | {"FragmentPath": str(UNITS / HEALTH), "DropInPaths": "", "CapabilityBoundingSet": ""} | changes


def test_a_unit_in_the_images_sandbox_differs_in_nothing() -> None:
    assert differences(HEALTH, shown(), UNITS) == []
    assert differences(HEALTH, shown(RemoveIPC="no", Nice="5"), UNITS) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"PrivateNetwork": "no"}, {"NoNewPrivileges": "no"}, {"ProtectSystem": "full"}, {"ProtectProc": "default"},
        {"User": "root"}, {"CapabilityBoundingSet": "cap_sys_admin"}, {"RestrictAddressFamilies": "AF_INET AF_UNIX"},
        {"DropInPaths": "/etc/systemd/system/appliance-health.service.d/x.conf"},
        {"FragmentPath": "/run/systemd/transient/appliance-health.service"}, {"MemoryDenyWriteExecute": ""},
    ],
)  # fmt: skip
def test_each_loosening_is_named(changes: dict[str, str]) -> None:
    (found,) = differences(HEALTH, shown(**changes), UNITS)
    assert next(iter(changes)) in found


def test_the_images_own_drop_in_is_what_the_image_wants(tmp_path: Path) -> None:
    write(tmp_path / "a.service", "[Unit]\nPrivateUsers=yes\n[Service]\nPrivateDevices=yes\nPrivateTmp=yes\n# x=y\n")
    write(tmp_path / "a.service.d/60-gpu.conf", "[Service]\nPrivateDevices=no\n")
    fields = {"PrivateDevices": "no", "PrivateTmp": "yes", "FragmentPath": str(tmp_path / "a.service")}
    assert differences("a.service", fields | {"DropInPaths": str(tmp_path / "a.service.d/60-gpu.conf")}, tmp_path) == []
    assert differences("b.service", fields, tmp_path) == ["b.service is not a unit of the image"]


def test_units_are_compared_in_the_same_question() -> None:
    asked: list[list[str]] = []

    def systemctl(argv: list[str]) -> str:
        asked.append(argv)
        if "appliance.target" in argv:
            return "Wants=appliance-nowhere.service\nRequires=\n"
        return (
            "Id=appliance-nowhere.service\nActiveState=active\nSubState=running\nResult=success\nNRestarts=2\n"
            "ActiveEnterTimestampMonotonic=1500000\n"
        )

    (unit,) = compared_units(systemctl)
    assert (unit.restarts, unit.active_since_s) == (2, 1.5)
    assert unit.sandbox_differs == ("appliance-nowhere.service is not a unit of the image",)
    assert len(asked) == 2


def test_members_of_an_array_and_the_device_below_the_volume(tmp_path: Path) -> None:
    node = tmp_path / "dev/block/253:0"
    write(node / "dm/name", "state\n")
    write(node / "dm/uuid", "CRYPT-LUKS2-0123456789abcdef0123456789abcdef-state\n")
    for name, text in (("level", "raid1"), ("raid_disks", "2"), ("degraded", "1"), ("dev-vdb/state", "in_sync")):
        write(node / "slaves/md127/md" / name, text)
    write(node / "slaves/md127/md/dev-vdb/errors", "3\n")
    found = volume(Mount("/var/lib/appliance", "253:0", "ext4", "/dev/mapper/state", False), tmp_path)
    assert (found.members, found.luks_device) == ((Member("vdb", "in_sync", 3),), "md127")


def test_small_facts(tmp_path: Path) -> None:
    assert small.last_proof(tmp_path / "absent") is None
    write(tmp_path / "proof", "[1")
    with pytest.raises(UnreadableError):
        small.last_proof(tmp_path / "proof")
    write(tmp_path / "box.crt", "PEM\n")
    assert small.certificates(tmp_path) == {"box.crt": "PEM"}
    (room,) = small.room((str(tmp_path),))
    assert 0 < room["free_mib"] <= room["size_mib"]
    with pytest.raises(UnreadableError):
        small.room((str(tmp_path / "absent"),))
    for address, vendor, kind in (
        ("0:1", "0x10de", "0x030200"),
        ("0:2", "0x10de", "0x0c0330"),
        ("0:3", "0x8086", "0x03"),
    ):
        write(tmp_path / "pci" / address / "vendor", f"{vendor}\n")
        write(tmp_path / "pci" / address / "class", f"{kind}\n")
    assert small.gpus(tmp_path / "absent", tmp_path / "pci") == {"wanted": None, "cards": ["0:1"]}
    assert small.gpus(tmp_path / "box.crt", tmp_path / "absent") == {"wanted": "PEM", "cards": []}


def test_the_keeper_reads_what_is_due_and_everything_after_a_new_seal(tmp_path: Path) -> None:
    now, read, alive = [0.0], list[str](), list[int]()
    path, seal = tmp_path / "facts.json", tmp_path / "seal.json"

    def source(name: str, every_s: float) -> Source:
        return Source(lambda: read.append(name) or len(read), every_s)  # type: ignore[func-returns-value]

    keeper = Keeper({"fast": source("fast", 30), "slow": source("slow", 600)}, path, seal)

    def tick(at: float) -> list[str]:
        now[0] = at
        read.clear()
        keeper.tick(lambda: now[0], lambda: alive.append(1))
        return list(read)

    assert tick(0) == ["fast", "slow"]
    assert tick(2) == []
    assert tick(30) == ["fast"]
    assert set(json.loads(path.read_text())["facts"]) == {"fast", "slow"}
    seal.write_text("{}")
    assert tick(32) == ["fast", "slow"]
    assert tick(34) == []
    assert tick(632) == ["fast", "slow"]
    assert len(alive) == 7


def test_the_keeper_needs_the_standard_library_only() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import appliance.facts.keeper; "
        "print([name for name in ('pydantic', 'cryptography', 'typer') if name in sys.modules])"
    )
    root = Path(__file__).parents[4]
    done = subprocess.run(
        ["/usr/bin/env", "python3", "-I", "-c", code, root], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"

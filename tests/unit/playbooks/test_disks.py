"""Parsers of what the disk tools print, with real tools where the machine has them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from ansible.module_utils.fleet_box import Box
from ansible.module_utils.fleet_disks import (
    hexadecimal,
    parse_lsblk,
    parse_mdadm,
    parse_slots,
    parse_wipefs,
    read_signatures,
)
from ansible.module_utils.fleet_unlock import with_line

LSBLK = """{"blockdevices": [
  {"name": "vda", "path": "/dev/vda", "type": "disk", "size": 8589934592, "ro": false, "serial": "LAB-1-SYS",
   "mountpoints": [null], "children": [{"name": "vda8", "path": "/dev/vda8", "type": "part", "size": 4, "ro": false,
   "serial": null, "mountpoints": [null], "children": [{"name": "root", "path": "/dev/mapper/root", "type": "crypt",
   "size": 4, "ro": false, "serial": null, "mountpoints": ["/"]}]}]},
  {"name": "vdb", "path": "/dev/vdb", "type": "disk", "size": 9, "ro": false,
   "serial": " D0 ", "mountpoints": [null]}]}"""


def test_lsblk_is_read_as_a_tree() -> None:
    system, data = parse_lsblk(LSBLK)
    assert [(node.name, node.type, node.mounts) for node in system.below()] == [
        ("vda8", "part", ()),
        ("root", "crypt", ("/",)),
    ]
    assert (data.serial, data.size_bytes, data.children) == ("D0", 9, ())


def test_mdadm_export_is_read() -> None:
    text = (
        "MD_LEVEL=raid1\nMD_DEVICES=2\nMD_METADATA=1.2\nMD_UUID=a58818ea:ae89412a:a4559ae4:0a723e7c\nMD_DEVNAME="
        "state\nMD_DEVICE_dev_vdb_ROLE=0\nMD_DEVICE_dev_vdb_DEV=/dev/vdb\nMD_DEVICE_dev_vdc_DEV=/dev/vdc\n"
    )
    array = parse_mdadm(text, "/dev/md127")
    assert array is not None
    assert (array.level, array.devices, array.members) == ("raid1", 2, ("/dev/vdb", "/dev/vdc"))
    assert hexadecimal(array.uuid) == hexadecimal("a58818ea-ae89-412a-a455-9ae40a723e7c")
    assert parse_mdadm("MD_LEVEL=raid1\n", "/dev/md127") is None


def test_key_slots_are_told_apart_by_their_tokens() -> None:
    slots = parse_slots(
        """{"keyslots": {"0": {}, "1": {}, "4": {}}, "tokens": {
        "0": {"type": "systemd-recovery", "keyslots": ["0"]},
        "1": {"type": "systemd-tpm2", "keyslots": ["1"], "tpm2-pcrs": [7, 15], "tpm2_pubkey_pcrs": [11]}}}""",
        "u",
    )
    assert (slots.recovery, slots.tpm2, slots.other, slots.pcrs, slots.signed_pcrs) == (
        (0,),
        (1,),
        (4,),
        (7, 15),
        (11,),
    )


def test_no_signature_is_an_empty_list_in_every_version_of_wipefs() -> None:
    assert parse_wipefs("", "/dev/vdb") == []
    assert parse_wipefs('{"signatures": [\n\n]}', "/dev/vdb") == []


@pytest.mark.skipif(not shutil.which("wipefs") or not shutil.which("mkfs.ext4"), reason="needs wipefs and mkfs.ext4")
def test_real_tools_see_a_real_file_system(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(8 << 20))
    box = Box()
    assert read_signatures(box, str(disk)) == []
    assert box.edges_are_zero(str(disk), 8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-L", "backup", str(disk)], check=True, capture_output=True)
    assert [(found.kind, found.label) for found in read_signatures(box, str(disk))] == [("ext4", "backup")]
    assert not box.edges_are_zero(str(disk), 8 << 20)


@pytest.mark.parametrize("offset", [0, 5000, (1 << 20) - 1, (8 << 20) - 1])
def test_one_byte_at_an_edge_makes_a_disk_not_empty(tmp_path: Path, offset: int) -> None:
    disk = tmp_path / "disk"
    content = bytearray(8 << 20)
    content[offset] = 1
    disk.write_bytes(content)
    assert not Box().edges_are_zero(str(disk), 8 << 20)


def test_a_table_line_is_replaced_and_others_stay() -> None:
    assert with_line("", 0, "state UUID=1 none luks") == "state UUID=1 none luks\n"
    old = "# state UUID=9\nroot UUID=0 none luks\nstate UUID=9 none luks\nstate UUID=8 none\n"
    assert with_line(old, 0, "state UUID=1 none x") == "# state UUID=9\nroot UUID=0 none luks\nstate UUID=1 none x\n"
    assert with_line("/dev/sda / ext4\n", 1, "/dev/mapper/state /var ext4") == (
        "/dev/sda / ext4\n/dev/mapper/state /var ext4\n"
    )
